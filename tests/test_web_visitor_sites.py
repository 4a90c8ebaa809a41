"""Pywikibot's sites that act as a web tool's visitor: for one block, and as nobody else."""

from __future__ import annotations

import copy
import gc
import pickle
import threading
import weakref

import pytest
import pywikibot
from pywikibot import config
from pywikibot.exceptions import Error
from pywikibot.family import Family
from pywikibot.site import APISite, BaseSite

from bot_actions import fail_at_a_prompt  # noqa: F401
from pwb_oauth import prefetch, sites
from pwb_oauth.errors import ConfigurationError, LoginRequiredError, PwbOAuthError
from pwb_oauth.testing import SandboxWiki
from pwb_oauth.web.visitor_sites import visitor_class
from pwb_oauth.wiki import Wiki
from web_tool import (  # noqa: F401
    TITLE,
    Requests,
    edit,
    lines,
    web_tool,
    web_tool_of_each_version,
    who_wrote,
)

pytestmark = pytest.mark.usefixtures("no_prompt")


def ours(error: BaseException) -> BaseException:
    """Ours, out of what Pywikibot wraps it in."""
    return getattr(error, "reason", error)


@pytest.fixture
def account(tool):
    """Alice's, in a block."""
    with tool.flow.account(tool.visitor("Alice").open()) as account:
        yield account


@pytest.fixture
def site(account):
    """Alice's site."""
    return account.site("en", "sandbox")


@pytest.fixture
def known(site, monkeypatch):
    """Pywikibot finds the wiki by its address, as it does those of its own families."""
    monkeypatch.setattr(type(site.family), "from_url", lambda _self, _url: "en")
    monkeypatch.setitem(config.family_files, site.family.name, "")


class TestSite:
    """``WikiAccount.site``."""

    def test_is_a_site_as_any_script_has_it(self, account, site):
        """Of the class that the family names, signed in, and the same for the same arguments."""
        assert isinstance(site, APISite)
        assert site.logged_in()
        assert site.user() == site.username() == "Alice"
        assert account.site("en", "sandbox") is site
        assert repr(site) == "VisitorAPISite('en', 'sandbox')"

    def test_default_is_what_the_configuration_names(self, account, site, monkeypatch):
        """As with ``pywikibot.Site()``."""
        monkeypatch.setattr(config, "family", "sandbox")
        monkeypatch.setattr(config, "mylang", "en")
        assert account.site() is site

    def test_url_says_which_wiki(self, tool, account, site, known):
        """As with ``pywikibot.Site(url=…)``."""
        assert account.site(url=f"{tool.wiki.url}/wiki/$1") is site

    def test_unknown_wiki_raises_what_pywikibot_raises(self, account):
        """Nothing of ours is in the way."""
        with pytest.raises(Error):
            account.site("no such code", "sandbox")

    @pytest.mark.parametrize("place", [("test", "wikipedia"), ("meta", "meta"), ("commons",) * 2])
    def test_another_wiki_raises(self, tool, account, place):
        """The visitor is signed in to the wiki of the consumer; no token goes elsewhere."""
        requests = Requests(tool.wiki)
        with pytest.raises(ConfigurationError, match="another wiki"):
            account.site(*place)
        assert len(requests) == 0

    def test_second_sandbox_raises(self, account, site, monkeypatch):
        """Also where it has the family's name."""
        with SandboxWiki() as other:
            elsewhere = Wiki.from_url(other.api_url)
            monkeypatch.setattr(type(site.family), "langs", {"en": elsewhere.host})
            with pytest.raises(ConfigurationError, match="another wiki"):
                account.site("en", "sandbox")
            assert len(other.log) == 0

    def test_stored_accounts_of_the_machine_do_not_matter(self, bot, tool, account):
        """The operator's bot is another account, also where it has the same name."""
        bot.log_in("2.0", "Bob")
        bot.log_in("2.0", "Alice")
        requests = Requests(tool.wiki)
        with tool.flow.account(tool.visitor("Alice").open()) as visitor:
            edit(visitor, "by the visitor")
        account.close()
        assert len({each.headers["Authorization"] for each in requests if each.action}) == 1
        page = pywikibot.Page(bot.site("Bob"), TITLE)
        page.text += "\nby the bot"
        page.save(quiet=True)
        assert who_wrote(tool.wiki, "by the visitor") == "Alice"
        assert who_wrote(tool.wiki, "by the bot") == "Bob"

    def test_logged_out_site_never_edits_as_nobody(self, tool, site):
        """``site.logout()`` in a script that is used by a web tool: saving signs in again."""
        site.logout()
        assert "anon" in site.userinfo
        requests = Requests(tool.wiki)
        edit_with(site, "after a logout")
        assert who_wrote(tool.wiki, "after a logout") == "Alice"
        assert {each.user for each in requests.writes()} == {"Alice"}

    def test_login_is_the_visitors_whatever_it_says(self, tool, account, site):
        """No name in it makes the site another user's."""
        site.login(user="Bob")
        edit_with(site, "still hers")
        assert who_wrote(tool.wiki, "still hers") == "Alice"

    def test_does_not_throttle(self, account, site, monkeypatch):
        """A visitor at a button is slow enough."""
        monkeypatch.setattr(config, "put_throttle", 1000)
        monkeypatch.setattr(pywikibot, "sleep", lambda seconds: pytest.fail(f"slept {seconds}"))
        for number in range(3):
            edit_with(site, f"edit {number}")
        site.throttle.set_delays(writedelay=1000)
        edit_with(site, "one more")


class TestFurtherSites:
    """Sites that Pywikibot makes by itself, of the visitor's name."""

    def test_site_for_the_visitors_name_is_the_visitors(self, account, site):
        """By position or by name, as Pywikibot's own code calls it."""
        assert pywikibot.Site("en", "sandbox", site.username()) is site
        assert pywikibot.Site("en", "sandbox", user=site.username()) is site
        assert pywikibot.Site(code="en", fam="sandbox", user=site.username()) is site

    def test_methods_that_make_sites_give_the_visitors(self, site):
        """``getSite`` and the repository of images."""
        vars(site)["shared_image_repository"] = lambda: ("en", "sandbox")
        assert site.getSite("en") is site
        assert site.image_repository() is site

    def test_repository_of_data_is_the_visitors(self, tool, account, site, known, monkeypatch):
        """Which has a class of its own."""

        class Answer:
            def submit(self):
                url = {"base": tool.wiki.url, "scriptpath": "/w"}
                return {"query": {"wikibase": {"repo": {"url": url}}}}

        monkeypatch.setattr(site, "_request", lambda **_: Answer())
        repository = site.data_repository()
        assert isinstance(repository, pywikibot.site.DataSite)
        assert sites.visitor_of(repository) is account._account
        assert site.data_repository() is repository

    def test_plain_name_is_another_site(self, tool, site):
        """Nobody becomes Alice by knowing her name."""
        other = pywikibot.Site("en", "sandbox", user="Alice")
        assert other is not site
        assert not other.logged_in()
        assert other.userinfo["name"] != "Alice"

    def test_name_in_a_pickle_is_a_name(self, site):
        """It does not carry the account along."""
        for name in (pickle.loads(pickle.dumps(site.username())), copy.copy(site.username())):  # noqa: S301
            assert type(name) is str
            assert name == "Alice"

    def test_name_is_of_no_use_after_the_block(self, tool):
        """Nor any site that is made of it."""
        with tool.flow.account(tool.visitor("Alice").open()) as account:
            name = account.site("en", "sandbox").username()
        with pytest.raises(LoginRequiredError, match="block"):
            pywikibot.Site("en", "sandbox", name)


class TestNoFamily:
    """A wiki that Pywikibot has no family file for, named by a URL."""

    @pytest.fixture(autouse=True)
    def no_family(self, monkeypatch):
        monkeypatch.setattr(Family, "_families", {})

    def test_own_wiki_is_the_visitors(self, any_tool):
        """And Pywikibot's table of sites has it once, whoever comes."""
        for user in ("Alice", "Bob"):
            with any_tool.flow.account(any_tool.visitor(user).open()) as account:
                page = pywikibot.Page(account.site(url=any_tool.wiki.index_url), "Main Page")
                page.text = f"by {user}"
                page.save()
            assert any_tool.wiki.pages["Main Page"].revisions[-1].user == user
        assert len(pywikibot._sites) == 1

    def test_other_wiki_is_read_as_nobody(self, any_tool):
        """And not written to."""
        session = any_tool.visitor("Alice").open()
        with SandboxWiki() as other, any_tool.flow.account(session):
            site = pywikibot.Site(url=other.index_url)
            page = pywikibot.Page(site, "Main Page")
            page.text += "more"
            with pytest.raises(Error):
                page.save()
            assert {entry.user for entry in other.log} == {None}
            assert other.log.select(action="edit") == []


class TestAsynchronous:
    """``page.save(asynchronous=True)``."""

    def test_is_saved_at_once_by_the_visitor(self, tool, account):
        """Before the block ends; Pywikibot's thread is not started."""
        told = []
        page = edit(
            account, "at once", asynchronous=True, callback=lambda *result: told.append(result)
        )
        assert who_wrote(tool.wiki, "at once") == "Alice"
        assert told == [(page, None)]
        assert pywikibot.page_put_queue.empty()
        assert not pywikibot._putthread.is_alive()

    def test_failure_is_told_as_pywikibot_tells_it(self, tool, account):
        """The callback gets it."""
        tool.wiki.block("Alice")
        told = []
        edit(account, "blocked", asynchronous=True, callback=lambda *result: told.append(result))
        assert isinstance(told[0][1], Error)
        assert "blocked" not in lines(tool.wiki)

    def test_others_are_saved_as_before(self, bot, tool, account):
        """A bot in the same process, outside of the block."""
        account.close()
        bot.log_in("2.0", "Bob")
        page = pywikibot.Page(bot.site("Bob"), "By the bot")
        page.text = "later"
        saved = threading.Event()
        page.save(quiet=True, asynchronous=True, callback=lambda *_: saved.set())
        assert saved.wait(20)
        assert pywikibot._putthread.is_alive()
        assert who_wrote(tool.wiki, "later", "By the bot") == "Bob"


class TestAfterTheBlock:
    """Nothing of it is of use, and nothing is left."""

    def test_site_and_pages_that_were_kept_raise_and_nothing_is_sent(self, any_tool):
        """Reading as well as writing, at once or later."""
        with any_tool.flow.account(any_tool.visitor("Alice").open()) as account:
            site = account.site("en", "sandbox")
            page = edit(account, "in the block")
            generator = site.allpages(total=1)
        requests = Requests(any_tool.wiki)
        told = []
        page.text = "later"
        page.save(quiet=True, asynchronous=True, callback=lambda *result: told.append(result[1]))
        assert isinstance(ours(told[0]), LoginRequiredError)
        for use in (
            lambda: page.get(force=True),
            lambda: pywikibot.Page(site, TITLE).save(quiet=True),
            lambda: pywikibot.Page(site, "Another").exists(),
            lambda: next(iter(generator)),
            site.login,
            lambda: site.get_tokens(["csrf"]),
            lambda: site.simple_request(action="query").submit(),
            lambda: pywikibot.comms.http.request(site, "/w/api.php?action=query"),
        ):
            with pytest.raises((Error, PwbOAuthError)) as caught:
                use()
            assert isinstance(ours(caught.value), LoginRequiredError), ours(caught.value)
        assert pywikibot.page_put_queue.empty()
        assert len(requests) == 0
        assert "later" not in lines(any_tool.wiki)

    def test_error_in_the_block_ends_it_too(self, tool):
        """A view that failed."""
        kept = []

        def view(session) -> None:
            with tool.flow.account(session) as account:
                kept.append(account.site("en", "sandbox"))
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            view(tool.visitor().open())
        with pytest.raises((Error, PwbOAuthError)):
            kept[0].get_tokens(["csrf"])

    def test_nothing_is_left_in_memory(self, any_tool):
        """Neither the site nor the account, in no table of Pywikibot's or ours."""
        gone = []
        for user in ("Alice", "Bob"):
            with any_tool.flow.account(any_tool.visitor(user).open()) as account:
                site = account.site("en", "sandbox")
                edit(account, f"by {user}")
                gone += map(weakref.ref, (site, account, account._account))
            del site, account
            gc.collect()
            assert [each() for each in gone] == [None] * len(gone)
        assert len(pywikibot._sites) == 1
        assert not [each for each in pywikibot._sites.values() if sites.visitor_of(each)]
        for wiki in prefetch._wikis.values():
            assert "site" not in wiki.modules

    def test_table_of_sites_does_not_grow(self, any_tool):
        """However many visitors come."""
        with any_tool.flow.account(any_tool.visitor("Alice").open()) as account:
            account.site("en", "sandbox")
        before = dict(pywikibot._sites)
        for user in ("Bob", "Admin", "BotOwner"):
            with any_tool.flow.account(any_tool.visitor(user).open()) as account:
                account.site("en", "sandbox")
        assert pywikibot._sites == before
        assert all(type(each).__mro__[1] is BaseSite for each in before.values())

    def test_no_file_is_written(self, bot, any_tool):
        """Neither what the wiki said nor who was there."""
        files = {path: path.stat().st_mtime_ns for path in bot.folder.rglob("*")}
        with any_tool.flow.account(any_tool.visitor("Alice").open()) as account:
            edit(account, "x")
            account.site("en", "sandbox").siteinfo["general"]
        now = {path: path.stat().st_mtime_ns for path in bot.folder.rglob("*")}
        assert {path for path in now if now[path] != files.get(path)} <= {bot.folder}


class TestCopies:
    """A site in other hands."""

    def test_cannot_be_pickled(self, site):
        """With a page or alone; it would carry the account's secrets."""
        for thing in (site, pywikibot.Page(site, TITLE), {"site": site}):
            with pytest.raises(TypeError, match="cannot be pickled"):
                pickle.dumps(thing)

    def test_class_is_made_once(self):
        """For each class of sites."""
        assert visitor_class(APISite) is visitor_class(APISite)
        assert issubclass(visitor_class("DataSite"), pywikibot.site.DataSite)


def edit_with(site, text: str) -> None:
    """Put a line at the end of a page."""
    page = pywikibot.Page(site, TITLE)
    page.text = f"{page.text}\n{text}"
    page.save(quiet=True)
