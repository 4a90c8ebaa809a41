"""Tests of the index of accounts."""

from __future__ import annotations

import json
import os
import stat
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import platformdirs
import pytest

from pwb_oauth.errors import StoreUnavailableError, TokenStoreError
from pwb_oauth.stores import index
from pwb_oauth.stores.index import AccountIndex, IndexRow
from pwb_oauth.tokens import TokenEntry, TokenKey

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone.utc)
ENTRY = TokenEntry(
    TokenKey("meta.wikimedia.org", "Ñandú"),
    "2.0",
    "keyring:",
    MOMENT,
    MOMENT + timedelta(hours=4),
    ("basic", "editpage"),
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Keep index and locks in the test's own folder."""
    folder = tmp_path / "config" / "pwb-oauth"
    monkeypatch.setattr(platformdirs, "user_config_path", lambda *_, **__: folder)
    monkeypatch.setattr(platformdirs, "user_state_path", lambda *_, **__: tmp_path / "state")
    return folder


@pytest.fixture
def accounts():
    return AccountIndex("keyring:")


class TestAccountIndex:
    """A list in a file."""

    def test_put_and_find_keep_every_field(self, accounts):
        """What was put comes back, in another object too."""
        accounts.put(IndexRow(ENTRY, complete=True))
        assert accounts.find(ENTRY.key) == IndexRow(ENTRY, complete=True)
        assert AccountIndex("keyring:").entries() == (ENTRY,)

    def test_unknown_times_stay_unknown(self, accounts):
        """None is not a time."""
        least = TokenEntry(ENTRY.key, "1.0a", "keyring:")
        accounts.put(IndexRow(least, complete=True))
        assert AccountIndex("keyring:").entries() == (least,)

    def test_absent_file_is_empty(self, accounts, folder):
        """Reading creates nothing."""
        assert accounts.entries() == ()
        assert accounts.find(ENTRY.key) is None
        assert not folder.exists()

    def test_incomplete_account_is_not_listed(self, accounts):
        """It is known, and counts as not there."""
        accounts.put(IndexRow(ENTRY, complete=False))
        assert accounts.entries() == ()
        assert accounts.find(ENTRY.key) == IndexRow(ENTRY, complete=False)

    def test_entries_are_sorted(self, accounts):
        """By wiki, then by user name."""
        keys = [TokenKey("b.example", "A"), TokenKey("a.example", "B"), TokenKey("a.example", "A")]
        for key in keys:
            accounts.put(IndexRow(replace(ENTRY, key=key), complete=True))
        assert [entry.key for entry in accounts.entries()] == sorted(keys)

    def test_remove_takes_one_account_out(self, accounts):
        """The others stay; an unknown one is no error."""
        other = replace(ENTRY, key=TokenKey("a.example", "Other"))
        accounts.put(IndexRow(ENTRY, complete=True))
        accounts.put(IndexRow(other, complete=True))
        accounts.remove(ENTRY.key)
        accounts.remove(ENTRY.key)
        assert accounts.entries() == (other,)

    def test_accounts_of_another_store_are_kept_apart(self, accounts):
        """The same account may lie in two stores."""
        elsewhere = AccountIndex("other:")
        elsewhere.put(IndexRow(replace(ENTRY, store="other:"), complete=True))
        accounts.put(IndexRow(ENTRY, complete=True))
        assert accounts.entries() == (ENTRY,)
        accounts.remove(ENTRY.key)
        assert accounts.entries() == ()
        assert elsewhere.entries() == (replace(ENTRY, store="other:"),)

    def test_change_by_another_process_is_seen(self, accounts):
        """The file is read again when it has changed."""
        accounts.put(IndexRow(ENTRY, complete=True))
        assert accounts.entries() == (ENTRY,)
        AccountIndex("keyring:").remove(ENTRY.key)
        assert accounts.entries() == ()
        accounts.path.unlink()
        assert accounts.entries() == ()

    def test_unchanged_file_is_not_read_again(self, accounts, monkeypatch):
        """It is asked at every request: looking at the file's status is all it costs."""
        accounts.put(IndexRow(ENTRY, complete=True))
        accounts.entries()
        monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("read again"))
        began = time.perf_counter()
        for _ in range(1000):
            accounts.entries()
        assert (time.perf_counter() - began) / 1000 < 200e-6

    def test_reader_never_sees_half_a_file(self, accounts):
        """The file is replaced as a whole."""
        accounts.put(IndexRow(ENTRY, complete=True))
        reader = AccountIndex("keyring:")
        ended = []

        def read():
            while not ended:
                assert ENTRY in reader.entries()

        with ThreadPoolExecutor(1) as thread:
            reading = thread.submit(read)
            for number in range(30):
                accounts.put(
                    IndexRow(replace(ENTRY, key=TokenKey("a.example", f"U{number}")), complete=True)
                )
            ended.append(True)
            reading.result(10)

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
    def test_file_and_folder_are_the_owners_alone(self, accounts, folder):
        """Whatever the umask is."""
        old = os.umask(0)
        try:
            accounts.put(IndexRow(ENTRY, complete=True))
        finally:
            os.umask(old)
        assert stat.S_IMODE(accounts.path.stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700

    def test_nothing_but_the_file_is_left(self, accounts, folder):
        """Not even after a write that was cut off before."""
        folder.mkdir(parents=True)
        (folder / "accounts.new").write_text("half")
        accounts.put(IndexRow(ENTRY, complete=True))
        assert [path.name for path in folder.iterdir()] == ["accounts.json"]
        assert accounts.entries() == (ENTRY,)


GOOD = {
    "wiki": "w.example",
    "username": "U",
    "oauth_version": "2.0",
    "store": "keyring:",
    "logged_in_at": None,
    "expires_at": None,
    "grants": [],
    "complete": True,
}
BAD_FIELDS = [
    {"wiki": None},
    {"wiki": ""},
    {"username": 5},
    {"oauth_version": "3"},
    {"store": []},
    {"logged_in_at": "yesterday"},
    {"expires_at": "2026-01-02T03:04:05"},
    {"expires_at": 5},
    {"grants": [5]},
    {"grants": None},
]


class TestBrokenIndex:
    """A file that is not ours, or not there to be used."""

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b'{"format": 1, "accounts": [',
            b"\xff\xfe",
            b"[]",
            b"null",
            b"{}",
            b'{"format": 1}',
            b'{"format": 1, "accounts": [1]}',
            b'{"format": 1, "accounts": [{}]}',
            *(
                json.dumps({"format": 1, "accounts": [{**GOOD, **bad}]}).encode()
                for bad in BAD_FIELDS
            ),
        ],
    )
    def test_damaged_file_is_named_and_kept(self, accounts, folder, content):
        """The error says which file it is and what to do, at writing as at reading."""
        folder.mkdir(parents=True)
        accounts.path.write_bytes(content)
        for use in (accounts.entries, lambda: accounts.put(IndexRow(ENTRY, complete=True))):
            with pytest.raises(TokenStoreError, match="move it away") as refused:
                use()
            assert str(accounts.path) in str(refused.value)
        assert accounts.path.read_bytes() == content

    def test_good_row_is_no_damage(self, accounts, folder):
        """The row that the damaged ones differ from is read."""
        folder.mkdir(parents=True)
        accounts.path.write_text(json.dumps({"format": 1, "accounts": [GOOD]}))
        assert accounts.entries() == (TokenEntry(TokenKey("w.example", "U"), "2.0", "keyring:"),)

    def test_file_of_a_newer_version_is_refused_and_kept(self, accounts, folder):
        """What a newer version added would get lost."""
        folder.mkdir(parents=True)
        accounts.path.write_text('{"format": 2}')
        with pytest.raises(TokenStoreError, match="upgrade"):
            accounts.put(IndexRow(ENTRY, complete=True))
        assert accounts.path.read_text() == '{"format": 2}'

    def test_file_that_cannot_be_read_is_store_unavailable(self, accounts, folder):
        """A folder in its place, or no permission."""
        (folder / "accounts.json").mkdir(parents=True)
        with pytest.raises(StoreUnavailableError, match="cannot be read"):
            accounts.entries()

    def test_folder_that_is_a_file_is_store_unavailable(self, accounts, folder):
        """The system's reason is in the message."""
        folder.parent.mkdir()
        folder.write_text("")
        with pytest.raises(StoreUnavailableError, match=r"accounts\.json.* cannot be"):
            accounts.put(IndexRow(ENTRY, complete=True))

    def test_failed_write_keeps_the_file(self, accounts, monkeypatch):
        """A full disk costs nothing that was there."""
        accounts.put(IndexRow(ENTRY, complete=True))
        monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "disk full")))
        with pytest.raises(StoreUnavailableError, match=r"written \(disk full\)"):
            accounts.remove(ENTRY.key)
        assert accounts.entries() == (ENTRY,)

    def test_reader_on_windows_is_waited_for(self, accounts, monkeypatch):
        """Windows does not replace a file while someone has it open."""
        refusals = iter([PermissionError(13, "in use")] * 3)
        monkeypatch.setattr(index, "_REPLACE_PAUSE", 0)
        replace_file = Path.replace

        def busy(path, target):
            for refusal in refusals:
                raise refusal
            return replace_file(path, target)

        monkeypatch.setattr(Path, "replace", busy)
        accounts.put(IndexRow(ENTRY, complete=True))
        assert accounts.entries() == (ENTRY,)
