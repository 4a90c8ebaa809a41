"""The listener for the callback, in this process and with browsers of all kinds."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
import requests

from pwb_oauth.cli import callback
from pwb_oauth.cli.callback import DEFAULT_URL, CallbackListener
from pwb_oauth.errors import AuthorizationDeniedError, PendingExpiredError, StateMismatchError

ANY_PORT = "http://127.0.0.1:0/callback"


def complete(address):
    """What a login does with an address: one is good, one fails, all others are strange."""
    if address.endswith("good"):
        return "result"
    if address.endswith("bad"):
        raise ZeroDivisionError
    raise StateMismatchError


def _has_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not _has_ipv6(), reason="this machine has no IPv6")


class Browser(threading.Thread):
    """Visits addresses, one after the other."""

    def __init__(self, *addresses):
        super().__init__()
        self.addresses = addresses
        self.pages = []
        self.start()

    def run(self):
        for address in self.addresses:
            self.pages.append(requests.get(address, timeout=10))


class Dawdler(threading.Thread):
    """Sends a header line now and then, each before the patience with silence ends."""

    LINES = 40

    def __init__(self, where):
        super().__init__()
        self.lines = 0
        self.said = threading.Event()
        self.where = where
        self.start()

    def run(self):
        with suppress(OSError), socket.create_connection(self.where) as connection:
            connection.sendall(b"GET /callback?strange HTTP/1.1\r\n")
            self.said.set()
            for _ in range(self.LINES):
                time.sleep(0.2)
                connection.sendall(b"X: y\r\n")
                self.lines += 1


class TestCallbackListener:
    """Waits for the browser at a callback URL."""

    @pytest.mark.parametrize(
        "host", ["127.0.0.1", "localhost", pytest.param("[::1]", marks=needs_ipv6)]
    )
    def test_browser_comes_its_address_is_completed(self, host):
        """At each name of this machine; strange addresses change nothing."""
        with CallbackListener(f"http://{host}:0/callback") as listener:
            assert listener.problem is None
            browser = Browser(
                f"{listener.url}?strange", f"{listener.url}/x", f"{listener.url}?good"
            )
            assert listener.wait(complete) == "result"
        browser.join()
        assert [page.status_code for page in browser.pages] == [400, 404, 200]

    @needs_ipv6
    def test_localhost_both_addresses_are_listened_at(self):
        """Browsers try one of them first, and not all the same."""
        with CallbackListener("http://localhost:0/callback") as listener:
            port = urlsplit(listener.url).port
            for host in ("127.0.0.1", "[::1]"):
                browser = Browser(f"http://{host}:{port}/callback?good")
                assert listener.wait(complete) == "result"
                browser.join()

    def test_completing_fails_the_browser_says_so_too(self):
        """And the error is the waiter's, not the listener's."""
        with CallbackListener(ANY_PORT) as listener:
            browser = Browser(f"{listener.url}?bad")
            with pytest.raises(ZeroDivisionError):
                listener.wait(complete)
        browser.join()
        assert browser.pages[0].text == "That did not work. Close this page: the terminal says why."

    def test_nothing_is_shown_or_kept_of_the_address(self, capfd, caplog):
        """It holds the code: no log, no cache, no referrer."""
        with CallbackListener(ANY_PORT) as listener:
            browser = Browser(f"{listener.url}?strange", f"{listener.url}?good")
            listener.wait(complete)
        browser.join()
        assert capfd.readouterr() == ("", "")
        assert not [one for one in caplog.records if one.name.startswith("pwb_oauth")]
        for page in browser.pages:
            assert page.headers["Cache-Control"] == "no-store"
            assert page.headers["Referrer-Policy"] == "no-referrer"
            assert "?" not in page.text

    def test_connections_that_say_nothing_do_not_end_or_stop_the_wait(self, capfd):
        """Browsers open some in advance, and hang up in the middle."""
        with CallbackListener(ANY_PORT) as listener:
            where = (urlsplit(listener.url).hostname, urlsplit(listener.url).port)
            with socket.create_connection(where), socket.create_connection(where) as rude:
                rude.sendall(b"GET /callback?stra")
                rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                rude.close()
                browser = Browser(f"{listener.url}?good")
                assert listener.wait(complete) == "result"
        browser.join()
        assert capfd.readouterr() == ("", "")

    def test_error_without_state_it_is_told_once_and_the_wait_goes_on(self):
        """A page on the web could send a browser here, too."""

        def complete_or_deny(address):
            if "error" in address:
                raise AuthorizationDeniedError("It was not allowed. Begin again.")
            return complete(address)

        said = []
        with CallbackListener(ANY_PORT) as listener:
            browser = Browser(*[f"{listener.url}?error=x"] * 2, f"{listener.url}?good")
            assert listener.wait(complete_or_deny, say=said.append) == "result"
        browser.join()
        assert said == [
            "The browser reported: It was not allowed. Still waiting; press Ctrl-C to give up."
        ]

    def test_error_with_the_state_it_ends(self):
        """Whoever knows the state has come from the wiki."""

        def deny(address):
            raise AuthorizationDeniedError(address)

        with CallbackListener(ANY_PORT) as listener:
            browser = Browser(f"{listener.url}?error=x&state=y")
            with pytest.raises(AuthorizationDeniedError):
                listener.wait(deny, seconds=20)
        browser.join()

    def test_connection_that_dawdles_it_is_hung_up_on(self, monkeypatch):
        """However often it says a little more; who types meanwhile is not to wait for it."""
        monkeypatch.setattr(callback, "_SECONDS_FOR_REQUEST", 0.5)
        with CallbackListener(ANY_PORT) as listener:
            where = (urlsplit(listener.url).hostname, urlsplit(listener.url).port)
            slow = Dawdler(where)
            slow.said.wait(10)
            browser = Browser(f"{listener.url}?good")
            assert listener.wait(complete) == "result"
            lines = slow.lines
        slow.join()
        browser.join()
        assert lines < Dawdler.LINES

    def test_completing_takes_long_the_browser_is_answered_all_the_same(self, monkeypatch):
        """It has said all it had to say; the wiki is slow."""
        monkeypatch.setattr(callback, "_SECONDS_FOR_REQUEST", 0.3)

        def slowly(address):
            time.sleep(0.9)
            return complete(address)

        with CallbackListener(ANY_PORT) as listener:
            browser = Browser(f"{listener.url}?good")
            assert listener.wait(slowly) == "result"
        browser.join()
        assert [page.status_code for page in browser.pages] == [200]

    def test_nobody_comes_it_ends(self):
        """As the wiki has forgotten by then."""
        with (
            CallbackListener(ANY_PORT) as listener,
            pytest.raises(PendingExpiredError, match="Begin again"),
        ):
            listener.wait(complete, seconds=0.05)

    def test_left_the_port_is_free(self):
        """Also after an error."""
        listener = CallbackListener(ANY_PORT)
        with pytest.raises(ZeroDivisionError), listener:
            raise ZeroDivisionError
        with CallbackListener(listener.url) as again:
            assert (again.problem, again.url) == (None, listener.url)

    def test_port_is_taken_it_says_so(self):
        """And has nobody to wait for."""
        with CallbackListener(ANY_PORT) as first, CallbackListener(first.url) as second:
            assert second.problem == (
                f"Another program listens at {first.url}, perhaps another login"
            )
            with pytest.raises(EOFError):
                second.wait(complete)

    @needs_ipv6
    def test_port_is_taken_at_one_address_of_localhost_it_says_so(self):
        """The browser might go to the other program."""
        with (
            socket.create_server(("::1", 0), family=socket.AF_INET6) as other,
            CallbackListener(f"http://localhost:{other.getsockname()[1]}/") as listener,
        ):
            assert "Another program" in listener.problem

    @pytest.mark.parametrize(
        "url", ["https://127.0.0.1:9/x", "http://tool.example/x", "http://127.0.0.1.nip.io/x"]
    )
    def test_not_ours_to_listen_at_it_says_so(self, url):
        """Nobody else's address is listened at, and there is no certificate for ours."""
        with CallbackListener(url) as listener:
            assert listener.problem == f"{url} does not lead to this program"

    def test_default_is_one_that_wikis_let_come_back(self):
        """By number, since wikis let localhost come back to no other port; below ephemeral ones."""
        parts = urlsplit(DEFAULT_URL)
        assert (parts.scheme, parts.hostname) == ("http", "127.0.0.1")
        assert 1024 < parts.port < 32768
