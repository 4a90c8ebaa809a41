"""What stock Pywikibot does with errors: which end at once, which are retried, which are lost."""

from __future__ import annotations

import threading
from functools import partial
from queue import Full
from threading import current_thread

import pytest
import pywikibot
import requests
from pywikibot.comms import http
from pywikibot.exceptions import (
    APIError,
    ApiTimeoutError,
    FatalServerError,
    NoUsernameError,
    OtherPageSaveError,
    ServerError,
    SiteDefinitionError,
)
from pywikibot.login import LoginStatus

from pywikibot_behaviour import (
    CSRF_TOKEN,
    Answer,
    error,
    noted_waits,  # noqa: F401
    own_put_thread,  # noqa: F401
    scripted_wiki,  # noqa: F401
)

SAVED = {"edit": {"result": "Success", "pageid": 1, "title": "Page", "newrevid": 2}}
EXPIRED_AT_THE_EDGE = {"httpCode": 401, "httpReason": "Jwt is expired"}


@pytest.fixture
def site(wiki, stock_bot):
    """The site of Alice, who is logged in."""
    wiki.user = "Alice"
    return stock_bot.site("Alice")


@pytest.fixture
def page(site):
    """A page that can be saved by a single request, which is the edit itself."""
    site.tokens._currentuser = site.user()
    site.tokens._tokens["csrf"] = CSRF_TOKEN
    page = pywikibot.Page(site, "Page")
    page._pageid = 1
    page._revid = 2
    return page


def save(page, **options):
    """Append to the page without reading it first."""
    page.save("summary", force=True, quiet=True, appendtext="more", **options)


def edit(site):
    """An edit as a single request."""
    return site.simple_request(action="edit", title="Page", text="text", token=CSRF_TOKEN)


class OwnFatalError(FatalServerError):
    """A library's own error, made fatal for Pywikibot."""


class OwnValueError(ValueError):
    """A library's own error that happens to be a ValueError."""


class OwnFatalValueError(FatalServerError, ValueError):
    """A library's own error that is a ValueError although it is fatal."""


class TestRequest:
    """``pywikibot.data.api.Request`` and exceptions out of the transport."""

    def test_fatal_server_error_leaves_at_once_as_it_is(self, wiki, site, waits):
        """A FatalServerError out of the transport is raised unchanged, after one try."""
        broken = OwnFatalError("broken")
        wiki.script("edit", broken)
        with pytest.raises(OwnFatalError) as caught:
            edit(site).submit()
        assert caught.value is broken
        assert (len(wiki.asked("edit")), waits) == (1, [])

    @pytest.mark.parametrize("builtin", [ConnectionError, NameError])
    def test_builtin_error_leaves_at_once(self, wiki, site, waits, builtin):
        """A builtin ConnectionError or NameError is raised unchanged, after one try."""
        wiki.script("edit", builtin("broken"))
        with pytest.raises(builtin):
            edit(site).submit()
        assert (len(wiki.asked("edit")), waits) == (1, [])

    def test_host_name_that_is_unknown_becomes_the_builtin_error(self, wiki, site, waits):
        """A requests error that says that the host's name is unknown becomes the builtin one."""
        text = "NameResolutionError: [Errno -2] Name or service not known"
        wiki.script("edit", requests.ConnectionError(text))
        with pytest.raises(ConnectionError) as caught:
            edit(site).submit()
        assert type(caught.value) is ConnectionError
        assert waits == []

    @pytest.mark.parametrize("cls", [OwnValueError, OwnFatalValueError])
    def test_value_error_is_rebuilt_and_loses_its_class(self, wiki, site, waits, cls):
        """A ValueError becomes a plain FatalServerError with its text, even if it was fatal."""
        wiki.script("edit", cls("broken"))
        with pytest.raises(FatalServerError, match="broken") as caught:
            edit(site).submit()
        assert type(caught.value) is FatalServerError
        assert (len(wiki.asked("edit")), waits) == (1, [])

    @pytest.mark.parametrize(
        "broken",
        [
            RuntimeError("broken"),
            OSError("broken"),
            ServerError("broken"),
            NoUsernameError("broken"),
            SiteDefinitionError("broken"),
            requests.ConnectionError("broken"),
            requests.ReadTimeout("broken"),
            Answer(503),
            Answer(504),
            Answer(200, "<html>"),
            Answer(200, ""),
        ],
        ids=repr,
    )
    def test_anything_else_is_retried_for_over_twenty_minutes(self, wiki, site, waits, broken):
        """Any other exception, a 5xx, and what is no JSON are sent again, after ever longer."""
        wiki.script("edit", broken)
        with pytest.raises(ApiTimeoutError):
            edit(site).submit()
        assert waits == [5, 10, 20, 40, 80] + [120] * 10
        assert len(wiki.asked("edit")) == 16

    def test_import_error_ends_the_script(self, wiki, site, waits):
        """An ImportError becomes SystemExit."""
        wiki.script("edit", ImportError("broken"))
        with pytest.raises(SystemExit):
            edit(site).submit()
        assert waits == []

    def test_cause_is_cut_off(self, wiki, site):
        """What the transport raises ``from`` something else is raised again ``from None``."""
        broken = OwnFatalError("broken")
        broken.__cause__ = KeyError("the reason")
        wiki.script("edit", broken)
        with pytest.raises(OwnFatalError) as caught:
            edit(site).submit()
        assert (caught.value.__cause__, caught.value.__suppress_context__) == (None, True)

    def test_lost_answer_sends_the_edit_again(self, wiki, site, waits):
        """An edit whose answer never came is sent a second time, although it may have been made."""
        wiki.script("edit", requests.ReadTimeout("lost"), SAVED)
        assert edit(site).submit() == SAVED
        first, second = wiki.asked("edit")
        assert first.params == second.params
        assert waits == [5]

    @pytest.mark.parametrize("status", [200, 400, 401, 403, 429])
    def test_json_without_error_is_a_result_whatever_the_status(self, wiki, site, status):
        """A JSON object without ``error`` is the result of the edit, HTTP 401 and all."""
        wiki.script("edit", Answer.of(EXPIRED_AT_THE_EDGE, status))
        assert edit(site).submit() == EXPIRED_AT_THE_EDGE
        assert len(wiki.asked("edit")) == 1

    def test_same_error_twice_in_a_row_is_raised(self, wiki, site, monkeypatch):
        """A badtoken is answered with a new token once; the second one in a row is raised."""
        monkeypatch.setattr(site, "get_tokens", lambda types: {"csrf": "new"})
        site.tokens._last_token_key = "csrf"
        wiki.script("edit", error("badtoken"))
        with pytest.raises(APIError, match="badtoken"):
            edit(site).submit()
        assert [request.params["token"] for request in wiki.asked("edit")] == [CSRF_TOKEN, "new"]

    def test_different_errors_in_a_row_are_not_counted(self, wiki, site, monkeypatch):
        """Another text of the same error starts the count anew."""
        monkeypatch.setattr(site, "get_tokens", lambda types: {"csrf": "new"})
        site.tokens._last_token_key = "csrf"
        wiki.script("edit", error("badtoken", "one"), error("badtoken", "two"), SAVED)
        assert edit(site).submit() == SAVED

    @pytest.mark.parametrize(
        ("status", "requests_sent"),
        [
            (LoginStatus.IN_PROGRESS, 1),
            (LoginStatus.AS_USER, 2),
            (LoginStatus.NOT_LOGGED_IN, 2),
        ],
    )
    def test_badtoken_while_login_is_in_progress_is_raised(
        self, wiki, site, monkeypatch, status, requests_sent
    ):
        """As long as the login status says IN_PROGRESS no token is fetched after badtoken."""
        monkeypatch.setattr(site, "get_tokens", lambda types: {"csrf": "new"})
        monkeypatch.setattr(site, "_loginstatus", status)
        site.tokens._last_token_key = "csrf"
        wiki.script("edit", error("badtoken"))
        with pytest.raises(APIError, match="badtoken"):
            edit(site).submit()
        assert len(wiki.asked("edit")) == requests_sent

    def test_refused_token_is_raised_as_no_username_error(self, wiki, site, waits):
        """The wiki's refusal of an access token becomes a NoUsernameError, which is not fatal."""
        wiki.script("edit", error("mwoauth-invalid-authorization", "Invalid access token"))
        with pytest.raises(NoUsernameError, match="Invalid access token"):
            edit(site).submit()
        assert waits == []


class TestFetch:
    """``pywikibot.comms.http.fetch``."""

    def test_value_error_before_the_session_keeps_its_class(self, wiki, stock_bot, monkeypatch):
        """Only what the session raises is rebuilt, not what Pywikibot's own preparation does."""
        site = stock_bot.site()

        def broken(uri):
            raise OwnValueError(uri)

        monkeypatch.setattr(http, "get_authentication", broken)
        with pytest.raises(OwnValueError):
            http.request(site, "/w/api.php")


class TestSite:
    """``pywikibot.Site`` and errors of the login that its constructor tries."""

    def test_site_definition_error_of_login_is_swallowed(self, wiki, stock_bot, monkeypatch):
        """A SiteDefinitionError out of ``login`` does not leave ``Site()``."""

        def broken(self, **options):
            raise SiteDefinitionError(str(options))

        monkeypatch.setattr(pywikibot.site.APISite, "login", broken)
        assert stock_bot.site("Alice")._loginstatus == LoginStatus.NOT_ATTEMPTED

    def test_site_definition_error_of_transport_is_retried(self, wiki, stock_bot, waits):
        """Out of the transport a SiteDefinitionError is first retried like any other."""
        wiki.script("query", SiteDefinitionError("broken"))
        with pytest.raises(ApiTimeoutError):
            stock_bot.site("Alice")
        assert len(waits) == 15

    def test_fatal_site_definition_error_of_transport_is_swallowed(self, wiki, stock_bot, waits):
        """One that is fatal too leaves the request at once, and is swallowed."""

        class FatalSiteDefinitionError(FatalServerError, SiteDefinitionError):
            pass

        wiki.script("query", FatalSiteDefinitionError("broken"))
        stock_bot.site("Alice")
        assert (len(wiki.received), waits) == (1, [])

    def test_fatal_server_error_leaves_the_constructor(self, wiki, stock_bot):
        """Any other fatal error of that first request makes ``Site()`` raise."""
        wiki.script("query", OwnFatalError("broken"))
        with pytest.raises(OwnFatalError):
            stock_bot.site("Alice")


class TestPage:
    """``pywikibot.Page.save``, in the thread that calls it."""

    def test_fatal_server_error_is_wrapped_with_its_reason(self, wiki, page):
        """A FatalServerError is the ``reason`` of an OtherPageSaveError."""
        broken = OwnFatalError("broken")
        wiki.script("edit", broken)
        with pytest.raises(OtherPageSaveError) as caught:
            save(page)
        assert caught.value.reason is broken

    def test_callback_gets_the_error_instead(self, wiki, page):
        """With a callback nothing is raised; the callback gets the error itself."""
        broken = OwnFatalError("broken")
        wiki.script("edit", broken)
        told = []
        save(page, callback=lambda *what: told.append(what))
        assert told == [(page, broken)]

    def test_builtin_connection_error_is_not_wrapped(self, wiki, page):
        """A builtin ConnectionError leaves ``save`` as it is."""
        wiki.script("edit", ConnectionError("broken"))
        with pytest.raises(ConnectionError):
            save(page)

    def test_answer_that_is_neither_edit_nor_error_is_a_key_error(self, wiki, page):
        """A JSON object with neither ``edit`` nor ``error`` makes ``save`` raise a KeyError."""
        wiki.script("edit", Answer.of(EXPIRED_AT_THE_EDGE, 401))
        with pytest.raises(KeyError, match="No 'result' key found"):
            save(page)


class TestPutThread:
    """Asynchronous saves."""

    def test_save_runs_in_a_thread_of_pywikibot(self, wiki, page, put_thread):
        """``save(asynchronous=True)`` sends its request, and calls back, in the Put-Thread."""
        wiki.script("edit", SAVED)
        threads = []
        save(page, asynchronous=True, callback=lambda *_: threads.append(current_thread()))
        finish(put_thread)
        assert threads == [put_thread]

    def test_fatal_server_error_reaches_the_callback(self, wiki, page, put_thread):
        """A FatalServerError is handed to the callback, and the thread goes on."""
        broken = OwnFatalError("broken")
        wiki.script("edit", broken, SAVED)
        told = []
        for _ in range(2):
            save(page, asynchronous=True, callback=lambda *what: told.append(what))
        finish(put_thread)
        assert told == [(page, broken), (page, None)]

    @pytest.mark.parametrize("builtin", [ConnectionError, NameError])
    def test_builtin_error_kills_the_thread_without_a_callback(
        self, wiki, page, put_thread, deaths, builtin
    ):
        """A builtin ConnectionError or NameError ends the thread; the callback is not called."""
        wiki.script("edit", builtin("broken"))
        told = []
        save(page, asynchronous=True, callback=lambda *what: told.append(what))
        put_thread.join(5)
        assert not put_thread.is_alive()
        assert (deaths, told) == ([builtin], [])

    def test_answer_that_is_neither_edit_nor_error_kills_the_thread(
        self, wiki, page, put_thread, deaths
    ):
        """The KeyError that such an answer leads to ends the thread, too."""
        wiki.script("edit", Answer.of(EXPIRED_AT_THE_EDGE, 401))
        save(page, asynchronous=True)
        put_thread.join(5)
        assert not put_thread.is_alive()
        assert deaths == [KeyError]

    def test_import_error_kills_the_thread_in_silence(self, wiki, page, put_thread, deaths):
        """An ImportError ends the thread too, and as a SystemExit leaves no trace."""
        wiki.script("edit", ImportError("broken"))
        save(page, asynchronous=True)
        put_thread.join(5)
        assert not put_thread.is_alive()

    def test_saves_after_its_death_are_queued_and_never_made(self, wiki, page, put_thread, deaths):
        """The dead thread is not started again: what is queued stays there, without an error."""
        wiki.script("edit", ConnectionError("broken"), SAVED)
        save(page, asynchronous=True)
        put_thread.join(5)
        told = []
        save(page, asynchronous=True, callback=lambda *what: told.append(what))
        assert pywikibot.page_put_queue.qsize() == 1
        assert not put_thread.is_alive()
        assert (len(wiki.asked("edit")), told) == (1, [])

    def test_save_after_its_death_blocks_when_the_queue_is_full(
        self, wiki, page, put_thread, deaths, monkeypatch
    ):
        """Once ``max_queue_size`` saves wait for the dead thread, the next one waits for ever."""
        wiki.script("edit", ConnectionError("broken"))
        save(page, asynchronous=True)
        put_thread.join(5)
        queue = pywikibot.page_put_queue
        for _ in range(queue.maxsize):
            save(page, asynchronous=True)
        monkeypatch.setattr(queue, "put", partial(queue.put, block=False))
        with pytest.raises(Full):
            save(page, asynchronous=True)

    def test_save_of_the_caller_goes_on_after_its_death(self, wiki, page, put_thread, deaths):
        """A synchronous save of the same page is not hindered by the dead thread."""
        wiki.script("edit", ConnectionError("broken"), SAVED)
        save(page, asynchronous=True)
        put_thread.join(5)
        save(page)
        assert len(wiki.asked("edit")) == 2


@pytest.fixture
def deaths(monkeypatch):
    """The classes of the exceptions that threads died of."""
    classes = []
    monkeypatch.setattr(threading, "excepthook", lambda args: classes.append(args.exc_type))
    return classes


def finish(put_thread):
    """Let the thread make what is queued, and end."""
    pywikibot.page_put_queue.put((None, (), {}))
    put_thread.join(5)
    assert not put_thread.is_alive()
