"""What every store of sealed user sessions must do, as a test class for pytest.

The test of a store subclasses it and gives three fixtures::

    class TestMySealedStore(SealedStoreContract):
        @pytest.fixture
        def store(self, path):
            return MySealedStore(path)

        @pytest.fixture
        def opening(self, path):
            return f"store = MySealedStore({str(path)!r})"

        @pytest.fixture
        def application(self):
            return a_transaction_that_is_rolled_back
"""
# ruff: noqa: S101  # tests assert

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from pwb_oauth.web import purging
from pwb_oauth.web.sealed_store import SealedRow, SealedStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

_NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone.utc)
_LONG_AGO = _NOW - timedelta(days=365)
_DAY = timedelta(days=1)
_WAIT = 8.0  # less than anybody waits for a lock
_A_MOMENT = 0.3
_BATCH = 5

_HOLD = """
with store.locked(sys.argv[1]) as held:
    print("held", flush=True)
    sys.stdin.read()
"""
_HOLD_AND_REPLACE = """
with store.locked(sys.argv[1]) as held:
    print("held", flush=True)
    sys.stdin.readline()
    assert held.replace("0000abcd", "of the other process")
"""
_COUNT_UP = """
def count_up():
    for _ in range(5):
        with store.locked(sys.argv[1]) as held:
            number = int(held.row.sealed)
            time.sleep(0.005)
            assert held.replace(held.row.key_id, str(number + 1))
threads = [threading.Thread(target=count_up) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def _row(number: int) -> SealedRow:
    """A row whose id begins and ends unlike that of any other number."""
    row_id = f"{number:03x}{'5eed' * 6}{number:05x}"
    return SealedRow(row_id, "meta.wikimedia.org", "4321", "0123abcd", "sealed", _NOW, _NOW)


class SealedStoreContract:
    """What a :class:`~pwb_oauth.web.sealed_store.SealedStore` does."""

    @pytest.fixture
    def store(self) -> SealedStore:
        """The store that is tested, empty."""
        raise NotImplementedError("a test of a store overrides the fixture 'store'")

    @pytest.fixture
    def opening(self) -> str:
        """Python that makes ``store``, of the same database, in a process of its own."""
        raise NotImplementedError("a test of a store overrides the fixture 'opening'")

    @pytest.fixture
    def application(self) -> Callable[[], AbstractContextManager[None]]:
        """A transaction of the application, open in the block and rolled back after it.

        It is the strictest in which the database still lets others write. The test of a store that
        takes a file of its own may open it in another.
        """
        raise NotImplementedError("a test of a store overrides the fixture 'application'")

    @pytest.fixture
    def row(self, store: SealedStore) -> SealedRow:
        """A row that the store holds."""
        row = _row(1)
        store.add(row)
        return row

    @pytest.fixture
    def other(self, store: SealedStore) -> SealedRow:
        """Another row that the store holds, of another user."""
        other = replace(_row(2), subject="8765", sealed="sealed otherwise")
        store.add(other)
        return other

    @pytest.fixture
    def process(
        self, opening: str, tmp_path: Path
    ) -> Iterator[Callable[..., subprocess.Popen[str]]]:
        """Starts a process that opens the store and runs a script on a row."""
        started: list[subprocess.Popen[str]] = []

        def start(script: str, row: SealedRow) -> subprocess.Popen[str]:
            path = tmp_path / "in_another_process.py"
            path.write_text(f"import sys, threading, time\n{opening}\n{script}")
            process = subprocess.Popen(  # noqa: S603  # our own script
                [sys.executable, str(path), row.row_id],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            started.append(process)
            return process

        yield start
        for process in started:
            process.kill()
            process.communicate()

    def test_get_returns_what_was_added(self, store: SealedStore) -> None:
        """Every field, also of a row that has ended, of 16 KiB and of an odd name."""
        long = replace(
            _row(1), sealed="x" * 16 * 1024, ended_at=_NOW + _DAY, last_used_at=_NOW + 2 * _DAY
        )
        odd = replace(_row(2), wiki="wiki.example.org:8443/é/api.php", subject="ß" * 255)
        store.add(long)
        store.add(odd)
        assert store.get(long.row_id) == long
        assert store.get(odd.row_id) == odd

    def test_get_of_an_absent_row_is_none(self, store: SealedStore, row: SealedRow) -> None:
        """What is not there is None, not an error."""
        assert store.get(_row(3).row_id) is None
        assert store.get("") is None
        assert store.get(row.row_id) == row

    def test_times_are_utc_wherever_they_were_taken(self, store: SealedStore) -> None:
        """A time is one moment, in whatever zone it is written."""
        east = timezone(timedelta(hours=9))
        store.add(replace(_row(1), logged_in_at=_NOW.astimezone(east)))
        store.touch(_row(1).row_id, (_NOW + _DAY).astimezone(east))
        kept = store.get(_row(1).row_id)
        assert kept is not None
        assert (kept.logged_in_at, kept.last_used_at) == (_NOW, _NOW + _DAY)
        assert kept.logged_in_at.tzinfo is timezone.utc

    def test_no_repr_shows_what_is_sealed(self, store: SealedStore) -> None:
        """Neither the store nor what it gives shows the sealed text when it is printed."""
        store.add(replace(_row(1), sealed="gAAAAsecret"))
        with store.locked(_row(1).row_id) as held:
            shown = f"{store!r} {held!r} {held.row!r} {store.get(_row(1).row_id)}"
        assert "gAAAAsecret" not in shown

    def test_touch_notes_the_latest_use(
        self, store: SealedStore, row: SealedRow, other: SealedRow
    ) -> None:
        """Of that row alone; an earlier time changes nothing, nor does an absent row."""
        store.touch(row.row_id, _NOW + _DAY)
        store.touch(row.row_id, _NOW + _DAY / 2)
        store.touch(_row(3).row_id, _NOW + _DAY)
        assert store.get(row.row_id) == replace(row, last_used_at=_NOW + _DAY)
        assert store.get(other.row_id) == other

    def test_end_notes_the_first_time(
        self, store: SealedStore, row: SealedRow, other: SealedRow
    ) -> None:
        """Of that row alone; a second time changes nothing, nor does an absent row."""
        store.end(row.row_id, _NOW + _DAY)
        store.end(row.row_id, _NOW + 2 * _DAY)
        store.end(_row(3).row_id, _NOW)
        assert store.get(row.row_id) == replace(row, ended_at=_NOW + _DAY)
        assert store.get(other.row_id) == other

    def test_delete_deletes_one_row(
        self, store: SealedStore, row: SealedRow, other: SealedRow
    ) -> None:
        """And says whether it was there."""
        assert store.delete(row.row_id) is True
        assert store.delete(row.row_id) is False
        assert store.get(row.row_id) is None
        assert store.get(other.row_id) == other

    def test_delete_of_an_ended_row_deletes_it(self, store: SealedStore, row: SealedRow) -> None:
        """Logging out works then as well."""
        store.end(row.row_id, _NOW)
        assert store.delete(row.row_id) is True
        assert store.get(row.row_id) is None

    def test_delete_all_deletes_the_rows_of_one_user(self, store: SealedStore) -> None:
        """Not those of the same subject on another wiki, nor those of anybody else."""
        mine = [_row(1), _row(2), replace(_row(3), ended_at=_NOW)]
        others = [
            replace(_row(4), wiki="other.example.org"),
            replace(_row(5), subject="43210"),
            replace(_row(6), wiki="META.wikimedia.org"),
        ]
        for each in (*mine, *others):
            store.add(each)
        assert store.delete_all("meta.wikimedia.org", "4321") == len(mine)
        assert store.delete_all("meta.wikimedia.org", "4321") == 0
        assert [store.get(each.row_id) for each in mine] == [None] * len(mine)
        assert [store.get(each.row_id) for each in others] == others

    def test_locked_holds_the_row(self, store: SealedStore, row: SealedRow) -> None:
        """As it is stored; None if there is none, and then nothing can be put there."""
        with store.locked(row.row_id) as held:
            assert held.row == row
        with store.locked(_row(3).row_id) as held:
            assert held.row is None
            assert held.replace("0000abcd", "new") is False
        assert store.get(_row(3).row_id) is None

    def test_replace_changes_that_credential_alone(
        self, store: SealedStore, row: SealedRow, other: SealedRow
    ) -> None:
        """No other field and no other row; it is committed before it returns, and may be again."""
        with store.locked(row.row_id) as held:
            for sealed in ("new", "new", "newer" * 2000):
                assert held.replace("0000abcd", sealed) is True
                assert store.get(row.row_id) == replace(row, key_id="0000abcd", sealed=sealed)
            assert held.row == row
        assert store.get(row.row_id) == replace(row, key_id="0000abcd", sealed="newer" * 2000)
        assert store.get(other.row_id) == other

    def test_replace_is_not_undone_by_an_error_after_it(
        self, store: SealedStore, row: SealedRow
    ) -> None:
        """The wiki took the old tokens back; and the lock is let go."""

        def fail() -> None:
            with store.locked(row.row_id) as held:
                assert held.replace("0000abcd", "new")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        with store.locked(row.row_id) as held:
            assert held.row == replace(row, key_id="0000abcd", sealed="new")

    def test_error_in_the_block_changes_nothing(self, store: SealedStore, row: SealedRow) -> None:
        """It gets out, and the lock is let go."""
        with pytest.raises(ZeroDivisionError), store.locked(row.row_id):
            raise ZeroDivisionError
        with store.locked(row.row_id) as held:
            assert held.row == row

    def test_replace_does_not_revive_an_ended_row(self, store: SealedStore, row: SealedRow) -> None:
        """Nothing is written."""
        store.end(row.row_id, _NOW)
        with store.locked(row.row_id) as held:
            assert held.row == replace(row, ended_at=_NOW)
            assert held.replace("0000abcd", "new") is False
        assert store.get(row.row_id) == replace(row, ended_at=_NOW)

    def test_row_that_ends_during_a_refresh_has_ended(
        self, store: SealedStore, row: SealedRow
    ) -> None:
        """Whichever of the two waits for the other."""
        with ThreadPoolExecutor(1) as another_thread:
            with store.locked(row.row_id) as held:
                ending = another_thread.submit(store.end, row.row_id, _NOW)
                wait([ending], _A_MOMENT)
                ended_first = ending.done()
                assert held.replace("0000abcd", "new") is not ended_first
            ending.result(_WAIT)
        kept = store.get(row.row_id)
        assert kept is not None
        assert kept.ended_at == _NOW
        assert kept.sealed == ("sealed" if ended_first else "new")

    def test_delete_waits_for_a_refresh(self, store: SealedStore, row: SealedRow) -> None:
        """And no row comes back."""
        with ThreadPoolExecutor(1) as another_thread:
            with store.locked(row.row_id) as held:
                deleting = another_thread.submit(store.delete, row.row_id)
                wait([deleting], _A_MOMENT)
                assert not deleting.done()
                assert store.get(row.row_id) == row
                assert held.replace("0000abcd", "new") is True
            assert deleting.result(_WAIT) is True
        assert store.get(row.row_id) is None

    def test_delete_all_waits_for_a_refresh(
        self, store: SealedStore, row: SealedRow, other: SealedRow
    ) -> None:
        """And no row comes back."""
        with ThreadPoolExecutor(1) as another_thread:
            with store.locked(row.row_id) as held:
                deleting = another_thread.submit(store.delete_all, row.wiki, row.subject)
                wait([deleting], _A_MOMENT)
                assert not deleting.done()
                assert held.replace("0000abcd", "new") is True
            assert deleting.result(_WAIT) == 1
        assert store.get(row.row_id) is None
        assert store.get(other.row_id) == other

    def test_locked_excludes_another_thread(self, store: SealedStore, row: SealedRow) -> None:
        """The second thread waits, and then sees what the first one wrote."""
        entered = threading.Event()

        def wait_for_it() -> SealedRow | None:
            with store.locked(row.row_id) as second:
                entered.set()
                return second.row

        with ThreadPoolExecutor(1) as another_thread:
            with store.locked(row.row_id) as first:
                waiting = another_thread.submit(wait_for_it)
                assert not entered.wait(_A_MOMENT)
                assert first.replace("0000abcd", "new")
            assert waiting.result(_WAIT) == replace(row, key_id="0000abcd", sealed="new")

    def test_locked_excludes_another_process(
        self,
        store: SealedStore,
        row: SealedRow,
        process: Callable[..., subprocess.Popen[str]],
    ) -> None:
        """A delete here waits too, and what the other process wrote is seen."""
        other = process(_HOLD_AND_REPLACE, row)
        _await(other, "held\n")

        def wait_for_it() -> SealedRow | None:
            with store.locked(row.row_id) as held:
                return held.row

        with ThreadPoolExecutor(1) as another_thread:
            waiting = another_thread.submit(wait_for_it)
            wait([waiting], _A_MOMENT)
            assert not waiting.done()
            assert other.communicate("go on\n", timeout=_WAIT)[1] == ""
            seen = waiting.result(_WAIT)
        assert seen == replace(row, key_id="0000abcd", sealed="of the other process")

    def test_threads_and_processes_take_turns(
        self,
        store: SealedStore,
        row: SealedRow,
        process: Callable[..., subprocess.Popen[str]],
    ) -> None:
        """2 processes with 2 threads each add 1 five times: nothing is lost."""
        with store.locked(row.row_id) as held:
            assert held.replace(row.key_id, "0")
        workers = [process(_COUNT_UP, row) for _ in range(2)]
        assert [worker.communicate(timeout=60)[1] for worker in workers] == ["", ""]
        assert store.get(row.row_id) == replace(row, sealed="20")

    def test_lock_ends_with_a_process_that_is_killed(
        self,
        store: SealedStore,
        row: SealedRow,
        process: Callable[..., subprocess.Popen[str]],
    ) -> None:
        """What SIGKILL leaves behind locks nobody out."""
        other = process(_HOLD, row)
        _await(other, "held\n")
        with ThreadPoolExecutor(1) as another_thread:
            deleting = another_thread.submit(store.delete, row.row_id)
            wait([deleting], _A_MOMENT)
            assert not deleting.done()
            other.kill()
            assert deleting.result(_WAIT) is True

    def test_other_rows_are_not_locked(
        self, store: SealedStore, row: SealedRow, other: SealedRow
    ) -> None:
        """The lock is one row's: another one is refreshed, deleted, added meanwhile."""

        def use_the_other() -> bool:
            with store.locked(other.row_id) as held:
                assert held.replace("0000abcd", "new")
            store.add(_row(3))
            return store.delete(other.row_id)

        with store.locked(row.row_id), ThreadPoolExecutor(1) as another_thread:
            assert another_thread.submit(use_the_other).result(_WAIT) is True

    def test_locked_row_is_read_and_touched_without_waiting(
        self, store: SealedStore, row: SealedRow
    ) -> None:
        """Every request does both, in this thread too."""

        def use() -> SealedRow | None:
            store.touch(row.row_id, _NOW + _DAY)
            return store.get(row.row_id)

        with store.locked(row.row_id) as held, ThreadPoolExecutor(1) as another_thread:
            seen = another_thread.submit(use).result(_WAIT)
            assert seen is not None
            assert replace(seen, last_used_at=_NOW) == row
            use()
            assert held.replace("0000abcd", "new") is True

    def test_application_that_rolls_back_undoes_nothing(
        self,
        store: SealedStore,
        row: SealedRow,
        other: SealedRow,
        application: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """Neither a login nor a refresh nor a logout is part of the application's transaction."""
        store.add(_row(3))
        with application():
            with store.locked(row.row_id) as held:
                assert held.replace("0000abcd", "new")
            store.touch(row.row_id, _NOW + _DAY)
            store.end(other.row_id, _NOW)
            assert store.delete(_row(3).row_id)
            store.add(_row(4))
        assert store.get(row.row_id) == replace(
            row, key_id="0000abcd", sealed="new", last_used_at=_NOW + _DAY
        )
        assert store.get(other.row_id) == replace(other, ended_at=_NOW)
        assert store.get(_row(3).row_id) is None
        assert store.get(_row(4).row_id) == _row(4)

    def test_application_that_began_earlier_sees_what_came_later(
        self,
        store: SealedStore,
        row: SealedRow,
        application: Callable[[], AbstractContextManager[None]],
        process: Callable[..., subprocess.Popen[str]],
    ) -> None:
        """What another process wrote is not hidden by the application's view of the database."""
        with application():
            assert store.get(row.row_id) == row
            other = process(_HOLD_AND_REPLACE, row)
            assert other.communicate("go on\n", timeout=_WAIT)[1] == ""
            renewed = replace(row, key_id="0000abcd", sealed="of the other process")
            assert store.get(row.row_id) == renewed
            with store.locked(row.row_id) as held:
                assert held.row == renewed

    def test_purge_deletes_what_is_old_unused_or_ended(self, store: SealedStore) -> None:
        """And nothing else; the limits themselves are not beyond them."""
        logged_in_before, used_before = _NOW - 30 * _DAY, _NOW - 14 * _DAY
        old = replace(_row(1), logged_in_at=logged_in_before - _DAY)
        unused = replace(_row(2), last_used_at=used_before - _DAY)
        ended = replace(_row(3), ended_at=_NOW + _DAY)
        kept = [
            _row(4),
            replace(_row(5), logged_in_at=logged_in_before, last_used_at=used_before),
        ]
        both = replace(old, row_id=_row(6).row_id, last_used_at=_LONG_AGO, ended_at=_LONG_AGO)
        for row in (old, unused, ended, both, *kept):
            store.add(row)

        def purge() -> int:
            return store.purge(logged_in_before=logged_in_before, used_before=used_before)

        assert purge() == 4  # noqa: PLR2004  # each of the four once
        assert purge() == 0
        assert [store.get(row.row_id) for row in (old, unused, ended, both)] == [None] * 4
        assert [store.get(row.row_id) for row in kept] == kept

    @pytest.mark.parametrize("column", ["logged_in_at", "last_used_at", "ended_at"])
    def test_purge_lets_others_in_between_its_batches(
        self, store: SealedStore, monkeypatch: pytest.MonkeyPatch, column: str
    ) -> None:
        """Each batch is committed, and nothing is locked when it is."""
        monkeypatch.setattr(purging, "BATCH", _BATCH)
        monkeypatch.setattr(purging, "LONG", 60.0)
        young = _row(0)
        # Some of the same time, which is where the next batch goes on.
        old = [
            _at(_LONG_AGO + number // 7 * _DAY, column, _row(number))
            for number in range(1, 3 * _BATCH)
        ]
        for row in (young, *old):
            store.add(row)
        left: list[int] = []

        def use_all() -> list[SealedRow]:
            store.touch(young.row_id, _NOW + len(left) * _DAY)
            with store.locked(young.row_id) as held:
                assert held.replace("0000abcd", str(len(left)))
            there = [row for row in old if store.get(row.row_id) is not None]
            if there:
                with store.locked(there[-1].row_id) as held:
                    assert held.row == there[-1]
            return there

        def pause(took: float) -> None:
            del took
            with ThreadPoolExecutor(1) as another_thread:
                left.append(len(another_thread.submit(use_all).result(_WAIT)))

        monkeypatch.setattr(purging, "pause", pause)
        purged = store.purge(logged_in_before=_NOW - _DAY, used_before=_NOW - _DAY)
        assert purged == len(old)
        assert left == [len(old) - _BATCH, len(old) - 2 * _BATCH, 0]
        assert store.get(young.row_id) is not None

    def test_purge_waits_for_nobody(
        self, store: SealedStore, row: SealedRow, other: SealedRow
    ) -> None:
        """A row that is locked goes now or next time, and does not come back."""

        def purge() -> int:
            return store.purge(logged_in_before=_NOW + _DAY, used_before=_LONG_AGO)

        with ThreadPoolExecutor(1) as another_thread, store.locked(row.row_id) as held:
            purged = another_thread.submit(purge).result(_WAIT)
            assert store.get(other.row_id) is None
            assert held.replace("0000abcd", "new") is (purged == 1)
        assert purged + purge() == 2  # noqa: PLR2004  # both rows
        assert store.get(row.row_id) is None


def _at(time: datetime, column: str, row: SealedRow) -> SealedRow:
    times: dict[str, Any] = {column: time}
    return replace(row, **times)


def _await(process: subprocess.Popen[str], line: str) -> None:
    """Wait for a process to say something; show what went wrong if it does not."""
    assert process.stdout is not None
    assert process.stderr is not None
    said = process.stdout.readline()
    assert said == line, process.stderr.read()
