"""What else Pywikibot does in a web tool's block: it acts as the visitor there, or as nobody."""

from __future__ import annotations

import builtins
import webbrowser
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
import pywikibot
from pywikibot.comms import http
from pywikibot.data import api
from pywikibot.exceptions import ApiTimeoutError, CaptchaError, Error
from pywikibot.site import APISite
from requests.cookies import create_cookie

from pwb_oauth import blocks, sites
from pwb_oauth.errors import (
    ConfigurationError,
    DeadlineExceededError,
    LoginRequiredError,
    PwbOAuthError,
)
from pwb_oauth.testing import SandboxWiki
from pwb_oauth.web.problems import problem_of
from pwb_oauth.web.visitor_sites import Place
from web_tool import TITLE, Requests, edit, lines, web_tool, who_wrote  # noqa: F401


@pytest.fixture(autouse=True)
def nobody_at_the_terminal(monkeypatch):
    """Fail the test where a person is asked, or a browser opened on the server."""
    for owner, name in ((builtins, "input"), (webbrowser, "open")):
        monkeypatch.setattr(owner, name, lambda *_: pytest.fail("asked a person"))
    monkeypatch.setattr(pywikibot.config, "noisysleep", 1000)


@pytest.fixture
def stored(bot):
    """The account of the operator's bot."""
    bot.log_in("2.0 owner-only", "BotOwner")


@pytest.fixture
def account(stored, tool):
    """Alice's, in a block of a process that has a bot's account too."""
    with tool.flow.account(tool.visitor("Alice").open()) as account:
        yield account


@pytest.fixture
def site(account):
    """Alice's site."""
    return account.site("en", "sandbox")


def link_to(site, wiki: SandboxWiki) -> None:
    """Let the prefix ``xx`` lead to a wiki."""
    prefixes = [{"prefix": "xx", "url": f"{wiki.url}/wiki/$1"}]
    site.siteinfo._cache["interwikimap"] = (prefixes, pywikibot.Timestamp.nowutc())


def page_by_prefix(site):
    """A page that a visitor named, with its site."""
    page = pywikibot.Page(site, f"xx:{TITLE}")
    assert page.site
    return page


def save(page) -> None:
    """Put a line at its end."""
    page.text += "\na line"
    page.save(quiet=True)


def post_an_edit(site) -> None:
    """Try to save as nobody, past what Pywikibot looks at itself."""
    form = {"action": "edit", "title": TITLE, "text": "x", "token": "+\\", "format": "json"}
    http.request(site, "/w/api.php", method="POST", data=urlencode(form))


def here(call, *args):
    """In the thread of the block."""
    return call(*args)


def in_another_thread(call, *args):
    """In one that knows nothing of the block."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call, *args).result()


def refusal(call, *args, **options) -> BaseException:
    """The error of ours that a call ends in."""
    with pytest.raises((PwbOAuthError, Error)) as caught:
        call(*args, **options)
    return getattr(caught.value, "reason", caught.value)


WHEREVER = pytest.mark.parametrize("where", [here, in_another_thread])


class TestFurtherSites:
    """Sites that Pywikibot makes without a user's name."""

    @WHEREVER
    def test_title_with_a_prefix_is_saved_by_the_visitor(self, tool, site, where):
        """As a visitor may type it; never by the only account that is stored."""
        link_to(site, tool.wiki)
        page = where(page_by_prefix, site)
        assert sites.visitor_of(page.site) is sites.visitor_of(site)
        where(save, page)
        assert who_wrote(tool.wiki, "a line") == "Alice"

    def test_every_way_without_a_name_gives_the_visitors(self, tool, site):
        """As the links of a page and the code of a web tool make them; nothing is sent for it."""
        requests = Requests(tool.wiki)
        assert pywikibot.Site("en", "sandbox") is site
        assert sites.visitor_of(pywikibot.Site("en", "sandbox", interface=APISite))
        assert pywikibot.Link.langlinkUnsafe("en", TITLE, source=site).site is site
        assert len(requests) == 0

    def test_class_that_asks_nothing_is_as_before(self, site):
        """A mere place."""
        place = pywikibot.Site("en", "sandbox", interface=Place)
        assert type(place) is Place

    @WHEREVER
    def test_other_wiki_is_read_as_nobody_and_never_written(self, site, where):
        """Neither the visitor's token nor a stored account nor a bot's cookie goes there."""
        http.cookie_jar.set_cookie(create_cookie("session", "bot", domain="127.0.0.1"))
        with SandboxWiki() as other:
            link_to(site, other)
            page = where(page_by_prefix, site)
            assert where(page.exists)
            assert isinstance(refusal(where, save, page), ConfigurationError)
            assert isinstance(refusal(where, post_an_edit, page.site), ConfigurationError)
            assert not page.site.logged_in()
            assert {each.mechanism for each in other.log} == {"none"}
            assert not [each for each in other.log if "Cookie" in each.headers]
            assert not Requests(other).writes()
        assert {type(each) for each in pywikibot._sites.values()} == {Place}

    @pytest.mark.parametrize("make", [page_by_prefix, lambda site: None])
    def test_other_wiki_is_not_asked_after_the_block(self, account, site, make):
        """As the visitor's own, be its site known or not."""
        with SandboxWiki() as other:
            link_to(site, other)
            page = make(site) or pywikibot.Page(site, f"xx:{TITLE}")
            requests = Requests(other)
            account.close()
            assert isinstance(refusal(page.exists), LoginRequiredError)
            assert len(requests) == 0

    def test_other_wiki_has_no_more_time_than_the_block(self, tool):
        """It may be slow, and somebody waits."""
        with (
            SandboxWiki() as other,
            tool.flow.account(tool.visitor("Alice").open(), seconds=3) as account,
        ):
            link_to(account.site("en", "sandbox"), other)
            page = page_by_prefix(account.site("en", "sandbox"))
            other.fail_next("hang", count=9, seconds=8)
            error = refusal(page.exists)
            assert isinstance(error, (DeadlineExceededError, ApiTimeoutError)), error


class TestOthersSites:
    """A site that was made outside of the block, as scripts do at their beginning."""

    @pytest.mark.parametrize("asynchronous", [False, True])
    def test_stored_account_does_not_act_in_the_block(self, bot, stored, tool, asynchronous):
        """Its edit would be credited to the bot; outside it acts as before."""
        page = pywikibot.Page(bot.site("BotOwner"), TITLE)
        page.site.login()
        page.text = "by the bot"
        told = []
        with tool.flow.account(tool.visitor("Alice").open()):
            page.save(
                quiet=True, asynchronous=asynchronous, callback=lambda *it: told.append(it[1])
            )
        error = getattr(told[0], "reason", told[0])
        assert isinstance(error, ConfigurationError)
        assert "account.site()" in str(error)
        assert "by the bot" not in lines(tool.wiki)
        page.save(quiet=True)
        assert who_wrote(tool.wiki, "by the bot") == "BotOwner"

    def test_nobodys_site_reads_and_does_not_write(self, bot, tool):
        """Nothing is stored for it: it would show the server's address."""
        site = bot.site("Nobody")
        with tool.flow.account(tool.visitor("Alice").open()):
            assert pywikibot.Page(site, TITLE).exists()
            assert isinstance(refusal(post_an_edit, site), ConfigurationError)
        assert lines(tool.wiki) != ["x"]


class TestCurrent:
    """``blocks.current``."""

    def test_is_the_innermost_that_is_open(self, tool):
        """Whatever the order in which generators end theirs."""

        def acting(user):
            with tool.flow.account(tool.visitor(user).open()) as account:
                yield account

        first, second = acting("Alice"), acting("Bob")
        next(first)
        bob = next(second)
        assert blocks.current() is bob
        first.close()
        assert blocks.current() is bob
        second.close()
        assert blocks.current() is None

    def test_error_in_the_block_ends_it(self, tool):
        """And another thread is in none."""

        def view() -> None:
            with tool.flow.account(tool.visitor("Alice").open()) as account:
                assert blocks.current() is account
                assert in_another_thread(blocks.current) is None
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            view()
        assert blocks.current() is None


class TestPrompts:
    """Questions to somebody at a terminal, where there is none."""

    @pytest.mark.parametrize(
        "captcha",
        [
            {"type": "simple", "question": "1 + 1", "id": "1"},
            {"type": "image", "url": "/w/index.php?title=Special:Captcha/image", "id": "1"},
        ],
    )
    @WHEREVER
    def test_captcha_ends_the_edit_with_a_page(self, site, account, captcha, where, monkeypatch):
        """Pywikibot would open a browser on the server and wait for ever."""
        real = api.Request.submit

        def submit(request):
            answer = {"edit": {"result": "Failure", "captcha": captcha}}
            return answer if request.action == "edit" else real(request)

        monkeypatch.setattr(api.Request, "submit", submit)
        error = refusal(where, edit, account, "x")
        assert isinstance(error, CaptchaError)
        problem = problem_of(error)
        assert (problem.status, problem.title) == (403, "The wiki asks for a captcha")
        assert "on the wiki itself" in problem.text

    @pytest.mark.parametrize(
        "ask",
        [
            lambda site: pywikibot.Page(site, TITLE).delete("spam"),
            lambda site: pywikibot.input("Why?"),
            lambda site: pywikibot.input_choice("Which?", [("A", "a"), ("B", "b")]),
            lambda site: pywikibot.bot.input_list_choice("Which?", ["a", "b"]),
            lambda site: pywikibot.input_yn("Really?"),
        ],
    )
    def test_question_raises_at_once(self, site, ask):
        """The log tells the operator how to go on."""
        error = refusal(ask, site)
        assert isinstance(error, ConfigurationError)
        assert problem_of(error).status == 500
        assert "does not ask" in problem_of(error).log

    def test_default_that_is_forced_is_no_question(self, site):
        """Pywikibot takes it without asking."""
        assert pywikibot.input("Why?", default="because", force=True) == "because"

    def test_outside_of_a_block_pywikibot_asks(self, account, monkeypatch):
        """As any script does."""
        account.close()
        monkeypatch.setattr(type(pywikibot.bot.ui.__wrapped__), "input", lambda *_, **__: "told")
        assert pywikibot.input("Why?") == "told"
