"""No secret of a web tool in any output: logs, reprs, pickles, files, tracebacks."""

from __future__ import annotations

import logging
import pickle
import traceback

import pytest
from pywikibot.exceptions import Error

from pwb_oauth.errors import PwbOAuthError
from pwb_oauth.web.cookies import SessionCookie
from pwb_oauth.web.problems import problem_of
from test_secrets import leaks, logged, printed, secrets_of  # noqa: F401
from web_tool import Browser, WebTool, edit, web_tool, web_tool_of_each_version  # noqa: F401


def secrets_of_tool(tool: WebTool, *browsers: Browser) -> dict[str, str]:
    """Beside what the wiki knows: keys and cookies."""
    found = dict.fromkeys(tool.settings.encryption_keys.split(), "application's key")
    for browser in browsers:
        for name, value in browser.cookies.items():
            found[value] = f"cookie {name.rpartition('_')[0]}"
            cookie = SessionCookie.parse(value)
            if cookie is not None:
                found |= {cookie.key.hex(): "cookie's key", repr(cookie.key): "cookie's key"}
    return {**secrets_of(tool.wiki), **found}


def failing_blocks(tool: WebTool, browser: Browser) -> list[BaseException]:
    """What comes out of blocks in which something fails, the last for good."""
    caught: list[BaseException] = []

    def fail(text: str, **options) -> None:
        try:
            with tool.flow.account(browser.open(), **options) as account:
                edit(account, text)
                account.requests_session().get("https://meta.wikimedia.org/w/api.php")
        except (PwbOAuthError, Error) as error:
            caught.append(error)

    fail("works, but asks elsewhere")
    tool.wiki.fail_next("503", count=9, action="edit")
    fail("wiki is down")
    tool.wiki._faults.clear()
    fail("no time", seconds=0)
    tool.wiki.revoke("Alice")
    fail("withdrawn")
    return caught


class TestLogs:
    """What goes to any logger at DEBUG, and to the terminal."""

    def test_whole_life_of_a_user_session_nothing_is_logged(self, any_tool, logged, capfd):  # noqa: F811
        """In, acting, refreshing, a job, failing with a traceback, out."""
        browser, other = Browser(any_tool), Browser(any_tool)
        logging.disable(logging.CRITICAL)  # the visitor's requests, which are not ours
        url = browser.leave("/after")
        secrets = secrets_of_tool(any_tool, browser)
        back = any_tool.wiki.approve(url, "Alice")
        other.sign_in("Alice")
        logging.disable(logging.NOTSET)
        browser.come_back(back)
        secrets |= secrets_of_tool(any_tool, browser, other)
        handle = any_tool.flow.handle(browser.open(), "task")
        secrets[handle] = "handle"
        with any_tool.flow.job(handle, "task") as account:
            edit(account, "by a job", asynchronous=True)
        any_tool.wiki.expire_tokens()
        with any_tool.flow.account(browser.open()) as account:
            edit(account, "refreshed")
        other.sign_out()
        caught = failing_blocks(any_tool, browser)
        for error in caught:
            logging.getLogger("tool").error("failed", exc_info=error)
            logging.getLogger("tool").error(problem_of(error).log)
        secrets |= secrets_of_tool(any_tool, browser)
        out, err = capfd.readouterr()
        assert len(caught) == 4
        assert "LoginRequiredError" in logged.text
        assert "urllib3" in logged.text
        assert leaks({"log": logged.text, "stdout": out, "stderr": err}, secrets) == set()
        assert {"application's key", "cookie pwb", "cookie's key", "handle"} < set(secrets.values())

    def test_locals_of_our_frames_show_none(self, any_tool):
        """As a debug page prints them."""
        browser = any_tool.visitor("Alice")
        secrets = secrets_of_tool(any_tool, browser)
        shown = ""
        for error in failing_blocks(any_tool, browser):
            trace = traceback.TracebackException.from_exception(error, capture_locals=True)
            for frame in trace.stack:
                if "/pwb_oauth/" in frame.filename:
                    shown += f"{frame.name}: {frame.locals}\n"
        assert "self" in shown
        assert leaks({"locals": shown}, {**secrets, **secrets_of(any_tool.wiki)}) == set()


class TestThings:
    """What a view has in its hands."""

    def test_printed_in_any_way_it_shows_none(self, any_tool):
        """Flow, departure, arrival, session, account, site, requests session."""
        browser = Browser(any_tool)
        departure = any_tool.flow.begin("/", browser.cookies)
        browser.set(departure.cookies)
        secrets = secrets_of_tool(any_tool, browser)
        arrival = browser.come_back(any_tool.wiki.approve(departure.url, "Alice"))
        secrets |= secrets_of_tool(any_tool, browser)
        with any_tool.flow.account(arrival.session) as account:
            site = account.site("en", "sandbox")
            things = {
                "flow": any_tool.flow,
                "settings": any_tool.settings,
                "store": any_tool.store,
                "row": any_tool.row(arrival.session),
                "arrival": arrival,
                "cookies": (departure.cookies, arrival.cookies),
                "session": arrival.session,
                "account": account,
                "site": site,
                "name": site.username(),
                "requests session": account.requests_session(),
            }
            places = {
                f"{what}, {way}": text
                for what, thing in things.items()
                for way, text in printed(thing).items()
            }
            assert leaks(places, secrets) == set()
            assert leaks({"departure": repr(departure)}, secrets) == set()

    @pytest.mark.parametrize("what", ["session", "account", "site", "settings", "flow"])
    def test_none_can_be_pickled(self, tool, what):
        """Nor copied into a cache that pickles."""
        session = tool.visitor().open()
        with tool.flow.account(session) as account:
            things = {
                "session": session,
                "account": account,
                "site": account.site("en", "sandbox"),
                "settings": tool.settings,
                "flow": tool.flow,
            }
            with pytest.raises(TypeError):
                pickle.dumps(things[what])


class TestFiles:
    """What is written to disk."""

    def test_database_and_folders_hold_none(self, bot, any_tool, tmp_path):
        """The sealed table, its journal, Pywikibot's folder."""
        browser = any_tool.visitor("Alice")
        with any_tool.flow.account(browser.open()) as account:
            edit(account, "x")
        files = {
            str(path.relative_to(tmp_path)): path.read_bytes()
            for path in tmp_path.rglob("*")
            if path.is_file()
        }
        assert any("sessions.db" in name for name in files)
        assert leaks(files, secrets_of_tool(any_tool, browser)) == set()
