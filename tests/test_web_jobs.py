"""Handles of background jobs."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from pwb_oauth import clock
from pwb_oauth.credential import Consumer, Credential, OAuth2AccessToken
from pwb_oauth.encryption import new_key
from pwb_oauth.errors import LoginRequiredError
from pwb_oauth.web.jobs import Handles
from pwb_oauth.web.settings import WebSettings
from pwb_oauth.web.user_session import UserSession
from pwb_oauth.wiki import Wiki

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
WIKI = Wiki("https://meta.wikimedia.org")
CONSUMER = Consumer("c" * 32, "5ecret" * 6, callback_url="https://tool.example.org/oauth/callback")
SETTINGS = WebSettings(WIKI, CONSUMER, new_key())
KEY = bytes(range(32))
SESSION = UserSession(
    row_id="0123456789abcdef" * 2,
    wiki=WIKI,
    ends_at=NOW + timedelta(days=30),
    credential=Credential(CONSUMER, OAuth2AccessToken("t0ken" * 9), "Alice", NOW, "4321"),
    key=KEY,
)
DAY = timedelta(hours=24)


@pytest.fixture(autouse=True)
def now(monkeypatch):
    """A clock that the test moves."""
    moment = [NOW]
    monkeypatch.setattr(clock, "now", lambda: moment[0])
    return moment


class TestHandles:
    """``Handles``."""

    def test_handle_opens_the_user_session(self):
        """In a worker on another machine, with the same keys."""
        handle = Handles(SETTINGS).make(SESSION, "patrol", DAY)
        opened = Handles(replace(SETTINGS)).read(handle, "patrol")
        assert (opened.row_id, opened.key) == (SESSION.row_id, KEY)

    def test_queue_tells_nothing(self):
        """ASCII, without the row, its key or the task."""
        handle = Handles(SETTINGS).make(SESSION, "patrol", DAY)
        assert handle.isascii()
        assert len(handle) < 500
        for told in (SESSION.row_id, "patrol", "Alice", "t0ken"):
            assert told not in handle

    def test_expired_raises(self, now):
        """A day later, to the second."""
        handle = Handles(SETTINGS).make(SESSION, "patrol", DAY)
        now[0] += DAY - timedelta(seconds=1)
        assert Handles(SETTINGS).read(handle, "patrol")
        now[0] += timedelta(seconds=1)
        with pytest.raises(LoginRequiredError, match=r"expired.*start the job again"):
            Handles(SETTINGS).read(handle, "patrol")

    @pytest.mark.parametrize("task", ["rollback", "Patrol", "patrol ", ""])
    def test_another_task_raises(self, task):
        """A handle is no key to everything that the queue does."""
        handle = Handles(SETTINGS).make(SESSION, "patrol", DAY)
        with pytest.raises(LoginRequiredError, match="for another task"):
            Handles(SETTINGS).read(handle, task)

    def test_another_key_raises(self):
        """That of another tool, or a new one after the old was removed."""
        handle = Handles(SETTINGS).make(SESSION, "patrol", DAY)
        other = replace(SETTINGS, encryption_keys=new_key())
        with pytest.raises(LoginRequiredError, match="key was removed"):
            Handles(other).read(handle, "patrol")
        both = replace(SETTINGS, encryption_keys=f"{new_key()} {SETTINGS.encryption_keys}")
        assert Handles(both).read(handle, "patrol").key == KEY

    @pytest.mark.parametrize(
        "damaged",
        [
            lambda handle: "",
            lambda handle: handle[:-1],
            lambda handle: handle[:40] + handle[41:],
            lambda handle: handle.replace("v1", "v2"),
            lambda handle: "v1..",
            lambda handle: "\ud800",
            lambda handle: "x" * 10_000,
        ],
    )
    def test_damaged_raises(self, damaged):
        """Nothing else comes of it."""
        handle = Handles(SETTINGS).make(SESSION, "patrol", DAY)
        with pytest.raises(LoginRequiredError, match="start the job again"):
            Handles(SETTINGS).read(damaged(handle), "patrol")

    def test_other_ciphertexts_are_no_handles(self):
        """Made with the same key for another purpose."""
        from pwb_oauth.encryption import Cipher

        for purpose in ("web", "store", "pending"):
            made = Cipher.of(purpose, SETTINGS.encryption_keys).encrypt("{}", "patrol")
            with pytest.raises(LoginRequiredError):
                Handles(SETTINGS).read(f"v1.{made.key_id}.{made.value}", "patrol")
