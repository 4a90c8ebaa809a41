"""What stock Pywikibot does with the OAuth it knows, against the sandbox wiki."""

from __future__ import annotations

import pytest
import pywikibot
from pywikibot import config
from pywikibot.comms import http
from pywikibot.exceptions import APIError, NoUsernameError, OtherPageSaveError
from pywikibot.login import LoginStatus

from pywikibot_behaviour import own_put_thread  # noqa: F401


@pytest.fixture
def site(stock_bot):
    """Alice's site, with four secrets in ``config.authenticate``."""
    return site_of("Alice", stock_bot)


def site_of(user, stock_bot):
    """A user's site on which every request is signed with a token of Alice."""
    consumer = stock_bot.wiki.add_consumer("Stock", oauth_version="1.0a", owner_only=True)
    secrets = (consumer.key, consumer.secret, consumer.access_token, consumer.access_secret)
    config.authenticate[stock_bot.host] = secrets
    return stock_bot.site(user)


def save(site, title="Sandbox"):
    """Save a page as a script does."""
    page = pywikibot.Page(site, title)
    page.text = "text"
    page.save("summary", quiet=True)


class TestLogin:
    """``site.login`` where four secrets are configured."""

    def test_token_of_the_expected_user_logs_in(self, site):
        """The site is logged in as soon as it is made, by a signed request for userinfo."""
        assert site.is_oauth_token_available()
        assert (site.user(), site._loginstatus) == ("Alice", LoginStatus.AS_USER)

    def test_token_of_another_user_raises(self, stock_bot):
        """A token of another account makes ``Site()`` raise, with both names."""
        with pytest.raises(NoUsernameError, match=r"as Alice, but\s+expect as Bob"):
            site_of("Bob", stock_bot)


class TestLogout:
    """``site.logout`` where four secrets are configured."""

    def test_wiki_refuses_and_the_site_stays_logged_in(self, site):
        """The wiki answers ``cannotlogout``, ``site.logout()`` raises that, nothing has changed."""
        with pytest.raises(APIError) as caught:
            site.logout()
        assert caught.value.code == "cannotlogout"
        assert (site.user(), site._loginstatus) == ("Alice", LoginStatus.AS_USER)


class TestRequest:
    """Requests where four secrets are configured."""

    def test_everything_is_posted(self, wiki, site, monkeypatch):
        """Every request of api.php is a POST, reading included, even where GET is enabled."""
        monkeypatch.setattr(config, "enable_GET_without_SSL", True)
        save(site)
        entries = [entry for entry in wiki.log if entry.path.endswith("/api.php")]
        assert {entry.action for entry in entries} > {"query", "edit"}
        assert {(entry.method, entry.user) for entry in entries} == {("POST", "Alice")}

    def test_signed_get_without_the_header_of_a_form_is_accepted(self, wiki, site):
        """A signed GET that has no Content-Type is accepted."""
        answer = http.request(site, f"{site.apipath()}?action=query&meta=userinfo&format=json")
        assert answer.json()["query"]["userinfo"]["name"] == "Alice"
        assert (wiki.log[-1].method, wiki.log[-1].mechanism) == ("GET", "oauth1")

    @pytest.mark.parametrize("path", ["/w/index.php?title=Sandbox", "/w/rest.php/oauth2/x"])
    def test_every_path_is_signed(self, wiki, site, path):
        """The signature goes with requests for pages too, where the wiki refuses OAuth."""
        http.request(site, path)
        assert wiki.log[-1].headers["Authorization"].startswith("OAuth ")

    def test_one_badtoken_is_recovered_from(self, wiki, site):
        """After one badtoken the edit is sent again with a new token."""
        wiki.fail_next("badtoken", action="edit")
        save(site)
        assert [entry.error for entry in wiki.log if entry.action == "edit"] == ["badtoken", None]

    def test_second_badtoken_in_a_row_is_given_up(self, wiki, site):
        """Two in a row end the save."""
        wiki.fail_next("badtoken", action="edit", count=2)
        with pytest.raises(OtherPageSaveError) as caught:
            save(site)
        assert caught.value.reason.code == "badtoken"
        assert [entry.error for entry in wiki.log if entry.action == "edit"] == ["badtoken"] * 2
