"""The tests of tally_bot: offline on a sandbox wiki, and one on a real wiki."""

from __future__ import annotations

import pytest
import pywikibot
from tally_bot import count, main, tally

VOTES = "# {{support}} Alice\n# {{oppose}} Bob\n# {{support}} Carol\n"


def write(page, text):
    """Change a page as anybody could."""
    page.text = text
    page.save(summary="Voting")


@pytest.fixture
def votes(oauth_site):
    """A page with two votes for it."""
    page = pywikibot.Page(oauth_site, "Project:Vote")
    write(page, VOTES)
    return page


@pytest.mark.parametrize("oauth_version", ["1.0a", "2.0"])
@pytest.mark.parametrize("oauth_user", ["BotOwner"])
def test_votes_are_counted_by_the_bots_account(sandbox_wiki, votes, oauth_user):
    """Under both versions of OAuth."""
    assert tally(votes) == 2
    result = sandbox_wiki.pages["SandboxWiki:Vote/tally"].revisions[-1]
    assert (result.text, result.user, result.comment) == ("2", oauth_user, "2 votes")


def test_nothing_new_is_not_written_again(sandbox_wiki, votes):
    """A bot that saves for nothing annoys people."""
    tally(votes)
    tally(pywikibot.Page(votes.site, votes.title()))
    assert len(sandbox_wiki.pages["SandboxWiki:Vote/tally"].revisions) == 1


def test_token_expires_meanwhile_and_the_bot_goes_on(votes, wiki_clock):
    """A job may run for longer than an access token lives."""
    wiki_clock.advance(5 * 3600)
    assert tally(votes) == 2


def test_wiki_is_overloaded_for_a_moment(sandbox_wiki, votes):
    """Pywikibot tries again."""
    sandbox_wiki.fail_next("503", action="edit")
    assert tally(votes) == 2


@pytest.mark.filterwarnings("ignore:Site objects have been created before")
def test_command_works_on_the_site_of_the_configuration(votes, monkeypatch, capsys):
    """The sandbox wiki is Pywikibot's default site here."""
    monkeypatch.setattr("sys.argv", ["tally_bot.py", votes.title()])
    main()
    assert f"{votes.title()}: 2" in capsys.readouterr().out


def test_nobody_is_signed_in(anonymous_site):
    """Pywikibot does not edit for nobody."""
    page = pywikibot.Page(anonymous_site, "Sandbox")
    with pytest.raises(pywikibot.exceptions.OtherPageSaveError):
        tally(page)


def test_real_wiki(live_page):
    """The page is one of the account's own, and gets its old text back."""
    write(live_page, VOTES)
    assert count(pywikibot.Page(live_page.site, live_page.title())) == 2
