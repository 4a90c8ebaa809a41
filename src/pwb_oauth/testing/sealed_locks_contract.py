"""What a store of sealed user sessions must do while several threads or processes use it."""
# ruff: noqa: S101  # tests assert

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pwb_oauth.testing.sealed_fixtures import DAY, NOW, WAIT, SealedStoreFixtures, numbered

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from pwb_oauth.web.sealed_store import SealedRow, SealedStore

_A_MOMENT = 0.3

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


class SealedLocksContract(SealedStoreFixtures):
    """A row is refreshed by one at a time, and none comes back."""

    def test_locked_holds_the_row(self, store: SealedStore, row: SealedRow) -> None:
        """As it is stored; None if there is none, and then nothing can be put there."""
        with store.locked(row.row_id) as held:
            assert held.row == row
        with store.locked(numbered(3).row_id) as held:
            assert held.row is None
            assert held.replace("0000abcd", "new") is False
        assert store.get(numbered(3).row_id) is None

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
        store.end(row.row_id, NOW)
        with store.locked(row.row_id) as held:
            assert held.row == replace(row, ended_at=NOW)
            assert held.replace("0000abcd", "new") is False
        assert store.get(row.row_id) == replace(row, ended_at=NOW)

    def test_row_that_ends_during_a_refresh_has_ended(
        self, store: SealedStore, row: SealedRow
    ) -> None:
        """Whichever of the two waits for the other."""
        with ThreadPoolExecutor(1) as another_thread:
            with store.locked(row.row_id) as held:
                ending = another_thread.submit(store.end, row.row_id, NOW)
                wait([ending], _A_MOMENT)
                ended_first = ending.done()
                assert held.replace("0000abcd", "new") is not ended_first
            ending.result(WAIT)
        kept = store.get(row.row_id)
        assert kept is not None
        assert kept.ended_at == NOW
        assert kept.sealed == ("sealed" if ended_first else "new")

    def test_delete_waits_for_a_refresh(self, store: SealedStore, row: SealedRow) -> None:
        """It returns what was refreshed, and no row comes back."""
        with ThreadPoolExecutor(1) as another_thread:
            with store.locked(row.row_id) as held:
                deleting = another_thread.submit(store.delete, row.row_id)
                wait([deleting], _A_MOMENT)
                assert not deleting.done()
                assert store.get(row.row_id) == row
                assert held.replace("0000abcd", "new") is True
            assert deleting.result(WAIT) == replace(row, key_id="0000abcd", sealed="new")
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
            assert deleting.result(WAIT) == 1
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
            assert waiting.result(WAIT) == replace(row, key_id="0000abcd", sealed="new")

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
            assert other.communicate("go on\n", timeout=WAIT)[1] == ""
            seen = waiting.result(WAIT)
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
            assert deleting.result(WAIT) == row

    def test_other_rows_are_not_locked(
        self, store: SealedStore, row: SealedRow, other: SealedRow
    ) -> None:
        """The lock is one row's: another one is refreshed, deleted, added meanwhile."""

        def use_the_other() -> SealedRow | None:
            with store.locked(other.row_id) as held:
                assert held.replace("0000abcd", "new")
            store.add(numbered(3))
            return store.delete(other.row_id)

        with store.locked(row.row_id), ThreadPoolExecutor(1) as another_thread:
            deleted = another_thread.submit(use_the_other).result(WAIT)
        assert deleted == replace(other, key_id="0000abcd", sealed="new")

    def test_locked_row_is_read_and_touched_without_waiting(
        self, store: SealedStore, row: SealedRow
    ) -> None:
        """Every request does both, in this thread too."""

        def use() -> SealedRow | None:
            store.touch(row.row_id, NOW + DAY)
            return store.get(row.row_id)

        with store.locked(row.row_id) as held, ThreadPoolExecutor(1) as another_thread:
            seen = another_thread.submit(use).result(WAIT)
            assert seen is not None
            assert replace(seen, last_used_at=NOW) == row
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
        store.add(numbered(3))
        with application():
            with store.locked(row.row_id) as held:
                assert held.replace("0000abcd", "new")
            store.touch(row.row_id, NOW + DAY)
            store.end(other.row_id, NOW)
            assert store.delete(numbered(3).row_id)
            store.add(numbered(4))
        assert store.get(row.row_id) == replace(
            row, key_id="0000abcd", sealed="new", last_used_at=NOW + DAY
        )
        assert store.get(other.row_id) == replace(other, ended_at=NOW)
        assert store.get(numbered(3).row_id) is None
        assert store.get(numbered(4).row_id) == numbered(4)

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
            assert other.communicate("go on\n", timeout=WAIT)[1] == ""
            renewed = replace(row, key_id="0000abcd", sealed="of the other process")
            assert store.get(row.row_id) == renewed
            with store.locked(row.row_id) as held:
                assert held.row == renewed


def _await(process: subprocess.Popen[str], line: str) -> None:
    """Wait for a process to say something; show what went wrong if it does not."""
    assert process.stdout is not None
    assert process.stderr is not None
    said = process.stdout.readline()
    assert said == line, process.stderr.read()
