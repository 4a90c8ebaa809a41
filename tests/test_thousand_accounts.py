"""A thousand accounts in one process."""

from __future__ import annotations

import gc
import sys
import tracemalloc

import keyring
import pytest
import requests
from keyring.backend import KeyringBackend
from pywikibot.comms import http as pywikibot_http
from requests.adapters import BaseAdapter

from pwb_oauth import clock, encryption
from pwb_oauth.accounts import Accounts
from pwb_oauth.credential import Consumer, Credential, OAuth1AccessToken, OAuth2AccessToken
from pwb_oauth.stores import sql
from pwb_oauth.stores.index import IndexRow
from pwb_oauth.tokens import MemoryTokenStore, TokenEntry, TokenKey, open_token_store
from pwb_oauth.wiki import Wiki

WIKI = Wiki("https://wiki.example.org")
MANY = 1000
KIB = 1024


def name(number: int) -> str:
    """The account with that number."""
    return f"Bot {number:04}"


def credential(number: int) -> Credential:
    """A credential of its own for each."""
    if number % 2:
        consumer = Consumer(f"{number:032x}", f"{number:040x}", "1.0a", owner_only=True)
        token = OAuth1AccessToken(f"{number:032x}", f"{number:040x}")
    else:
        consumer = Consumer(f"{number:032x}", f"{number:040x}")
        token = OAuth2AccessToken(f"{number:04000x}", f"{number:01000x}")
    return Credential(consumer, token, name(number), clock.now())


def fill(store, many: int = MANY) -> None:
    """Store that many."""
    for number in range(many):
        store.save(TokenKey(WIKI.name, name(number)), credential(number))


def fill_keyring(store) -> None:
    """Store them with one list; each login writes it anew, and waits for the disk."""
    rows = {}
    for number in range(MANY):
        key, stored = TokenKey(WIKI.name, name(number)), credential(number)
        store._text(key).write(stored.to_json())
        rows[store.url, key] = IndexRow(TokenEntry.of(key, stored, store.url), complete=True)
    store._index._write(rows)


def calls_to_open(accounts: Accounts, number: int) -> int:
    """How many functions, of Python and of C, are called until the credential is at hand."""
    called = []
    sys.setprofile(lambda _frame, event, _argument: called.append(event))
    try:
        accounts.find(WIKI, name(number)).credential  # noqa: B018  # reads it
    finally:
        sys.setprofile(None)
    return sum(event in ("call", "c_call") for event in called)


class Anywhere(BaseAdapter):
    """Answers each request with nothing, without a connection."""

    def send(self, request, **_options):
        response = requests.Response()
        response.status_code = 200
        response.url, response.request, response._content = request.url, request, b"{}"
        return response

    def close(self):
        pass


class Passwords(KeyringBackend):
    """A keyring in memory."""

    priority = -1

    def __init__(self):
        super().__init__()
        self.held = {}

    def get_password(self, service, username):
        return self.held.get((service, username))

    def set_password(self, service, username, password):
        self.held[service, username] = password

    def delete_password(self, service, username):
        del self.held[service, username]


@pytest.fixture
def in_memory():
    """A thousand accounts in memory."""
    store = MemoryTokenStore()
    fill(store)
    return store


@pytest.fixture
def in_keyring(monkeypatch):
    """A thousand accounts in a keyring."""
    backend = Passwords()
    monkeypatch.setattr(keyring, "get_keyring", lambda: backend)
    store = open_token_store("keyring:")
    fill_keyring(store)
    return store


@pytest.fixture
def in_database(tmp_path, monkeypatch):
    """A hundred accounts in a database, since each is a transaction."""
    monkeypatch.setenv("PWB_OAUTH_ENCRYPTION_KEYS", encryption.new_key())
    monkeypatch.setattr(sql, "LIST_LIFETIME", 1000)
    store = open_token_store(f"sqlite:///{tmp_path}/tokens")
    fill(store, 100)
    return store


@pytest.fixture(params=["in_memory", "in_keyring", "in_database"])
def accounts(request):
    """Many accounts in each kind of store, whose list was read once."""
    accounts = Accounts(request.getfixturevalue(request.param))
    accounts.find(WIKI, name(0)).credential  # noqa: B018  # reads it
    return accounts


class TestManyAccounts:
    """What the thousandth account costs."""

    def test_thousandth_is_opened_as_the_tenth(self, accounts):
        """With as many calls, once the list was read."""
        last = len(accounts.usernames(WIKI)) - 1
        assert last >= 99
        tenth = calls_to_open(accounts, 9)
        assert calls_to_open(accounts, last) <= tenth * 1.1

    def test_account_is_found_again_as_if_it_were_alone(self, accounts):
        """Which happens at each request."""
        calls_to_open(accounts, 9)
        assert calls_to_open(accounts, 9) < 60

    def test_each_takes_less_than_20_kib(self):
        """Its credential, its session and its cookies; stored in memory as well."""
        base = requests.Session()
        base.mount("https://", Anywhere())
        gc.collect()
        tracemalloc.start()
        try:
            accounts = Accounts(MemoryTokenStore())
            fill(accounts.store)
            for number in range(MANY):
                account = accounts.find(WIKI, name(number))
                account.request("GET", WIKI.api_url, base=base)
                account._live.usable()._session.cookies.set("sessionJwt", f"{number:0800}")
            gc.collect()
            taken, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert taken / MANY < 20 * KIB

    def test_all_send_by_one_connection(self, bot):
        """One of Pywikibot's own, one after the other; the wiki sees who each is."""
        stored = [bot.log_in(kind, user) for kind in ("1.0a", "2.0") for user in ("Alice", "Bob")]
        wiki = Wiki.from_url(bot.wiki.api_url)
        store = MemoryTokenStore()
        for number in range(MANY):
            store.save(TokenKey(wiki.name, name(number)), stored[number % len(stored)])
        accounts = Accounts(store)
        base = pywikibot_http.session.__wrapped__
        bot.wiki.log.clear()
        for number in range(MANY):
            account = accounts.find(wiki, name(number))
            account.request("GET", wiki.api_url, base=base, params={"format": "json"})
        assert [entry.user for entry in bot.wiki.log] == [
            stored[number % len(stored)].username for number in range(MANY)
        ]
        pools = base.get_adapter(wiki.api_url).poolmanager.pools
        used = [pools[key] for key in pools.keys() if str(key.key_port) in wiki.server]  # noqa: SIM118
        assert [pool.num_connections for pool in used] == [1]
