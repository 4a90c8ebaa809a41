"""Locks that cannot be had and clocks that jump: a clear error, and the credential unharmed."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import pywikibot
from pywikibot.exceptions import OtherPageSaveError

from bot_actions import authors, noted_waits, refreshes, save  # noqa: F401
from pwb_oauth import clock, sites
from pwb_oauth.errors import StoreUnavailableError
from pwb_oauth.stores.keyring import KeyringTokenStore
from pwb_oauth.stores.locks import lock_path
from pwb_oauth.testing import file_keyring
from test_fork import in_child

NOBODY = 65534
RENEWED_AT = ("1.0a", "2.0", "2.0 owner-only")


@pytest.fixture
def keyring_bot(bot, monkeypatch):
    """A bot whose credential is in a keyring that other users may read."""
    folder = Path(tempfile.mkdtemp(prefix="pwb-oauth-keyring-"))
    folder.chmod(0o755)
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(folder))
    monkeypatch.setenv(file_keyring.VARIABLE, str(folder / "keyring.json"))
    monkeypatch.setattr("keyring.get_keyring", file_keyring.FileKeyring)
    store = KeyringTokenStore()
    bot.store = store
    monkeypatch.setattr(sites, "accounts", sites.Accounts(store))
    yield bot
    shutil.rmtree(folder)


def let_others_read(folder):
    """Let another user read everything but locks, which are their owner's alone."""
    for path in folder.rglob("*"):
        if path.suffix != ".lock":
            path.chmod(0o755 if path.is_dir() else 0o644)


def assert_nothing_happened(bot, stored):
    """The wiki was asked for no token, and what is stored is as it was."""
    assert refreshes(bot.wiki) == []
    assert bot.store.load(bot.key("Alice")) == stored
    assert authors(bot.wiki, "Test") == ["Alice"]


class TestLock:
    """The lock under which an access token is renewed."""

    @pytest.fixture
    def expired(self, keyring_bot):
        """A page of Alice's whose access token has expired, and what is stored."""
        stored = keyring_bot.log_in("2.0")
        page = save(keyring_bot.site("Alice"))
        keyring_bot.wiki.expire_tokens()
        page.text = "more"
        return page, stored

    @pytest.mark.skipif(not hasattr(os, "setuid"), reason="Windows has no such users")
    @pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
    def test_file_of_another_user_is_named_in_the_error(self, keyring_bot, expired, waits):
        """As after a first run by root."""
        page, stored = expired
        path = lock_path("keyring:", keyring_bot.host, "Alice")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        let_others_read(Path(os.environ["HOME"]))

        def as_another_user():
            if os.geteuid() == 0:
                os.setgroups([])
                os.setuid(NOBODY)
            else:
                path.chmod(0)
            try:
                page.save()
            except OtherPageSaveError as error:
                return type(error.reason).__name__, str(error.reason), waits

        name, message, waited = in_child(as_another_user)
        assert name == "StoreUnavailableError"
        assert str(path) in message
        assert "Permission denied" in message
        assert waited == []
        assert_nothing_happened(keyring_bot, stored)
        path.chmod(0o600)
        page.save()
        assert authors(keyring_bot.wiki, "Test") == ["Alice", "Alice"]

    @pytest.mark.filterwarnings("ignore:flock not supported")
    @pytest.mark.parametrize("number", ["ENOLCK", "ENOSYS", "EOPNOTSUPP", "EIO"])
    def test_file_system_without_locks_is_an_error_before_the_refresh(
        self, keyring_bot, expired, waits, monkeypatch, number
    ):
        """Without a lock two processes would use one refresh token; nobody knows who loses it."""
        fcntl = pytest.importorskip("fcntl")
        page, stored = expired

        def no_flock(*_):
            raise OSError(getattr(errno, number), "no locks here")

        with monkeypatch.context() as patch:
            patch.setattr(fcntl, "flock", no_flock)
            with pytest.raises(OtherPageSaveError) as caught:
                page.save()
        assert isinstance(caught.value.reason, StoreUnavailableError)
        assert "cannot be locked" in str(caught.value.reason)
        assert "XDG_STATE_HOME" in str(caught.value.reason)
        assert waits == []
        assert_nothing_happened(keyring_bot, stored)
        page.save()
        assert authors(keyring_bot.wiki, "Test") == ["Alice", "Alice"]

    def test_token_that_is_good_needs_no_lock(self, keyring_bot, monkeypatch):
        """Reading a credential and working with it lock nothing."""
        keyring_bot.log_in("2.0")

        def no_lock(*_):
            raise AssertionError

        monkeypatch.setattr("pwb_oauth.stores.locks._acquire", no_lock)
        save(keyring_bot.site("Alice"))


class TestClock:
    """This machine's clock jumps while a bot works."""

    @pytest.fixture
    def set_clock(self, monkeypatch):
        """A function that puts this machine's clock some seconds off."""

        def put(seconds):
            offset = timedelta(seconds=seconds)
            monkeypatch.setattr(clock, "now", lambda: datetime.now(timezone.utc) + offset)

        return put

    @pytest.mark.parametrize("kind", RENEWED_AT)
    @pytest.mark.parametrize("jump", [-86400 * 400, -3600, 3600, 86400 * 400])
    def test_jump_costs_no_edit(self, bot, waits, set_clock, kind, jump):
        """There and back; at most one refresh for each jump forward."""
        bot.log_in(kind)
        site = bot.site("Alice")
        for number, seconds in enumerate((0, jump, 0)):
            set_clock(seconds)
            for count in range(2):
                save(site, f"Page {number} {count}")
                assert authors(bot.wiki, f"Page {number} {count}") == ["Alice"]
        assert waits == []
        assert len(refreshes(bot.wiki)) <= (kind == "2.0")
        assert bot.store.load(bot.key("Alice")).username == "Alice"

    def test_clock_that_jumps_back_hides_no_expiry(self, bot, waits, set_clock):
        """By our clock the token is good for long; the wiki says that it has expired."""
        bot.log_in("2.0")
        site = bot.site("Alice")
        save(site, "Before")
        set_clock(-7200)
        bot.wiki.clock.advance(3700)
        save(site, "After")
        assert authors(bot.wiki, "After") == ["Alice"]
        assert len(refreshes(bot.wiki)) == 1

    def test_token_that_was_renewed_by_a_wrong_clock_is_renewed_when_the_wiki_says_so(
        self, bot, waits, set_clock
    ):
        """A clock that was a year ahead: what is stored expires in a year, as it seems."""
        bot.log_in("2.0")
        site = bot.site("Alice")
        set_clock(86400 * 365)
        save(site, "Ahead")
        set_clock(0)
        assert bot.store.load(bot.key("Alice")).expires_at > clock.now() + timedelta(days=364)
        bot.wiki.clock.advance(3700)
        save(pywikibot.Site("en", "sandbox", user="Alice"), "Back")
        assert authors(bot.wiki, "Back") == ["Alice"]
        assert bot.store.load(bot.key("Alice")).expires_at < clock.now() + timedelta(days=1)
