"""After a fork the child has locks, connections and cookies of its own."""

from __future__ import annotations

import http.server
import multiprocessing
import os
import pickle
import signal
import socketserver
import threading
from contextlib import contextmanager

import pytest
import pywikibot
import requests
from pywikibot.comms import http as pywikibot_http
from requests.adapters import HTTPAdapter

from bot_actions import authors, refreshes, save
from pwb_oauth import clock, oauth2, sites
from pwb_oauth.account import Account
from pwb_oauth.credential import Consumer, Credential, OAuth2AccessToken
from pwb_oauth.stores.keyring import KeyringTokenStore
from pwb_oauth.testing import SandboxWiki, file_keyring
from pwb_oauth.tokens import MemoryTokenStore, TokenKey
from pwb_oauth.wiki import Wiki

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork"),
    # Python warns of a fork beside other threads, which is what these tests are about.
    pytest.mark.filterwarnings("ignore:This process:DeprecationWarning"),
]

PATIENCE = 10  # seconds until a child that hangs is ended


def in_child(work):
    """Do something in a forked child; what it returned, or raised, or that it hung."""
    receiver, sender = os.pipe()
    child = os.fork()
    if not child:
        signal.alarm(PATIENCE)  # ends the child, even one that waits for a lock
        with os.fdopen(sender, "wb") as pipe:
            try:
                pickle.dump(work(), pipe)
            except BaseException as error:  # noqa: BLE001  # shown by the test
                pickle.dump(repr(error), pipe)
        os._exit(0)
    os.close(sender)
    with os.fdopen(receiver, "rb") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return pickle.loads(said) if said else "the child hung"  # noqa: S301  # our own child


@contextmanager
def held(*locks):
    """Let another thread hold locks."""
    taken, over = threading.Event(), threading.Event()

    def hold():
        for lock in locks:
            lock.acquire()
        taken.set()
        over.wait(2 * PATIENCE)
        for lock in locks:
            lock.release()

    thread = threading.Thread(target=hold)
    thread.start()
    assert taken.wait(PATIENCE)
    try:
        yield
    finally:
        over.set()
        thread.join()


class KeepAlive(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """A server that keeps connections open, and says by which one a request came."""

    daemon_threads = True

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/w/api.php"


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = str(self.client_address[1]).encode()
        self.send_response_only(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", "session=1")
        self.send_header("X-Cookie", self.headers.get("Cookie", "none"))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    """A server that keeps connections open."""
    with KeepAlive(("127.0.0.1", 0), _Handler) as server:
        yield server


@pytest.fixture
def account(server):
    """An account whose access token does not expire."""
    wiki = Wiki.from_url(server.url)
    key = TokenKey(wiki.host, "Alice")
    store = MemoryTokenStore()
    token = OAuth2AccessToken("never-refused")
    store.save(key, Credential(Consumer(None, owner_only=True), token, "Alice", clock.now()))
    return Account(key, store, wiki)


@pytest.fixture
def base():
    """The session in whose place accounts send."""
    with requests.Session() as session:
        yield session


class TestConnections:
    """What the parent connected to stays the parent's."""

    def test_child_connects_by_itself_and_the_parents_connection_lives_on(
        self, server, account, base
    ):
        """Two processes on one connection would get each other's answers."""

        def ask():
            return account.request("GET", server.url, base=base).text

        parents = ask()
        assert ask() == parents
        childs = in_child(lambda: (ask(), ask()))
        assert childs[0] == childs[1] != parents
        assert ask() == parents

    def test_child_of_a_child_connects_by_itself_too(self, server, account, base):
        """A worker may fork again."""

        def ask():
            return account.request("GET", server.url, base=base).text

        def child():
            mine = ask()
            return mine, in_child(ask)

        assert len({ask(), *in_child(child)}) == 3

    def test_adapter_of_the_bots_owner_stays_what_it_is(self, server, account, base):
        """Its own settings are kept; only the connections are new."""

        class Marked(HTTPAdapter):
            mark = None

            def add_headers(self, request, **_):
                request.headers["X-Mark"] = self.mark

        adapter = Marked(pool_maxsize=3, max_retries=2)
        adapter.mark = "mine"
        base.mount("http://", adapter)
        account.request("GET", server.url, base=base)

        def child():
            reply = account.request("GET", server.url, base=base)
            adapter = base.get_adapter(server.url)
            sent = reply.request.headers["X-Mark"]
            return type(adapter).__name__, sent, adapter._pool_maxsize, adapter.max_retries.total

        assert in_child(child) == ("Marked", "mine", 3, 2)

    def test_adapter_that_is_none_of_requests_is_left_alone(self, server, account, base, capfd):
        """Tests replace adapters by others."""

        class Other(requests.adapters.BaseAdapter):
            def __init__(self):
                super().__init__()
                self.inner = HTTPAdapter()

            def send(self, request, **options):
                return self.inner.send(request, **options)

            def close(self):
                self.inner.close()

        base.mount("http://", Other())
        account.request("GET", server.url, base=base)
        assert in_child(lambda: account.request("GET", server.url, base=base).status_code) == 200
        assert capfd.readouterr().err == ""  # where a failure after a fork is told

    def test_child_starts_without_cookies(self, server, account, base):
        """The parent keeps its own."""

        def cookie():
            return account.request("GET", server.url, base=base).headers["X-Cookie"]

        assert [cookie(), cookie()] == ["none", "session=1"]
        assert in_child(lambda: (cookie(), cookie())) == ("none", "session=1")
        assert cookie() == "session=1"

    def test_pywikibots_other_requests_are_by_new_connections_too(self, bot, server):
        """They go by the same adapters."""
        bot.log_in("2.0 owner-only")
        bot.site("Alice").login()

        def ask():
            return pywikibot_http.session.get(server.url).text

        parents = ask()
        assert in_child(ask) != parents
        assert ask() == parents


class TestLocks:
    """A lock that a thread of the parent holds is free in the child."""

    def test_account_that_is_being_renewed(self, server, account, base):
        """The child's request does not wait for a thread that it does not have."""
        account.request("GET", server.url, base=base)
        with held(account._live._lock, account.token_lock):
            assert in_child(lambda: _free(account._live._lock, account.token_lock)) == "free"

    def test_connection_that_is_being_taken_from_its_pool(self, server, account, base):
        """The parent's pools are not even closed: that takes their locks."""
        account.request("GET", server.url, base=base)
        manager = base.get_adapter(server.url).poolmanager
        pool = manager.connection_from_url(server.url)
        with held(manager.pools.lock, pool.pool.mutex):
            reply = in_child(lambda: account.request("GET", server.url, base=base).status_code)
        assert reply == 200

    def test_accounts_of_a_process(self, bot):
        """One of them is being looked up or signed in."""
        bot.log_in("2.0 owner-only")
        accounts = sites.accounts
        key, wiki = bot.key("Alice"), Wiki.from_url(bot.wiki.api_url)
        account = accounts.find(wiki, "Alice")

        def child():
            return _free(account.sign_in_lock), accounts.find(wiki, "Alice").key == key

        with held(accounts._lock, account.sign_in_lock):
            assert in_child(child) == ("free", True)

    def test_memory_store(self):
        """One of its credentials is locked, and so is the store."""
        store, key = MemoryTokenStore(), TokenKey("wiki.example.org", "Alice")
        token = OAuth2AccessToken("kept")
        store.save(key, Credential(Consumer(None, owner_only=True), token, "Alice", clock.now()))

        def child():
            with store.locked(key) as entry:
                return entry.credential.access_token.value, entry.replace(entry.credential)

        with held(store._guard, store._slots[key].lock, store._slots[key].guard):
            assert in_child(child) == ("kept", True)


class TestPywikibot:
    """A bot that forks while it works."""

    @pytest.mark.parametrize("kind", ["1.0a", "2.0 owner-only"])
    def test_parent_and_child_edit_as_the_account(self, bot, kind):
        """By the same site object even."""
        bot.log_in(kind)
        site = bot.site("Alice")
        save(site, "Parent 1")
        assert in_child(lambda: save(site, "Child").title()) == "Child"
        save(site, "Parent 2")
        titles = ("Parent 1", "Child", "Parent 2")
        assert [authors(bot.wiki, title) for title in titles] == [["Alice"]] * 3

    def test_pool_of_multiprocessing(self, bot):
        """Each worker edits, as with ``multiprocessing.Pool``."""
        bot.log_in("2.0 owner-only")
        bot.site("Alice").login()
        with multiprocessing.get_context("fork").Pool(2) as pool:
            pool.map_async(_edit, ["A", "B", "C", "D"]).get(PATIENCE)
        assert [authors(bot.wiki, title) for title in "ABCD"] == [["Alice"]] * 4

    def test_child_forked_during_a_refresh_waits_for_it_and_uses_its_token(
        self, bot, tmp_path, monkeypatch
    ):
        """Parent and child share a keyring: one refresh, and both go on with it."""
        monkeypatch.setenv(file_keyring.VARIABLE, str(tmp_path / "keyring.json"))
        monkeypatch.setattr("keyring.get_keyring", file_keyring.FileKeyring)
        store = KeyringTokenStore()
        credential = bot.credential("2.0")
        store.save(bot.key("Alice"), credential)
        monkeypatch.setattr(sites, "accounts", sites.Accounts(store))
        site = bot.site("Alice")
        site.login()
        refreshing, forked, real = threading.Event(), threading.Event(), oauth2.refresh

        def refresh(*arguments, **options):
            refreshing.set()
            assert forked.wait(PATIENCE)
            return real(*arguments, **options)

        monkeypatch.setattr(oauth2, "refresh", refresh)
        bot.wiki.expire_tokens()
        thread = threading.Thread(target=save, args=(site, "Parent"))
        thread.start()
        assert refreshing.wait(PATIENCE)
        # The fork is done when the child has begun; only then may the parent's refresh go on.
        begun = multiprocessing.get_context("fork").Event()
        waiter = threading.Thread(target=lambda: (begun.wait(PATIENCE), forked.set()))
        waiter.start()

        def child():
            begun.set()
            return save(site, "Child").title()

        assert in_child(child) == "Child"
        thread.join(PATIENCE)
        waiter.join(PATIENCE)
        assert len(refreshes(bot.wiki)) == 1
        assert [authors(bot.wiki, title) for title in ("Parent", "Child")] == [["Alice"]] * 2

    def test_child_gets_cookies_of_its_own_from_wikimedia(self, tmp_path, monkeypatch):
        """It does not send the parent's, and keeps what it is sent."""
        with SandboxWiki(version="wikimedia") as wiki:
            from test_account import Rig

            rig = Rig(wiki, tmp_path, monkeypatch)
            account = rig.log_in("1.0a")
            rig.get(account)
            in_child(lambda: [rig.who(account) for _ in range(2)])
            rig.get(account)
            sent = [entry.headers.get("Cookie", "") for entry in wiki.log]
            assert [cookie.partition("=")[0] for cookie in sent] == [
                "",
                "",
                "sessionJwt",
                "sessionJwt",
            ]


def _free(*locks):
    """Whether locks can be taken at once."""
    taken = [lock.acquire(blocking=False) for lock in locks]
    return "free" if all(taken) else "held"


def _edit(title):
    save(pywikibot.Site("en", "sandbox", user="Alice"), title)
