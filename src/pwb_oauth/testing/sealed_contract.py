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

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from pwb_oauth.testing.sealed_fixtures import DAY, NOW, WAIT, numbered
from pwb_oauth.testing.sealed_locks_contract import SealedLocksContract
from pwb_oauth.web import purging

if TYPE_CHECKING:
    from pwb_oauth.web.sealed_store import SealedRow, SealedStore

_LONG_AGO = NOW - timedelta(days=365)
_BATCH = 5


class SealedStoreContract(SealedLocksContract):
    """What a :class:`~pwb_oauth.web.sealed_store.SealedStore` does."""

    def test_get_returns_what_was_added(self, store: SealedStore) -> None:
        """Every field, also of a row that has ended, of 16 KiB and of an odd name."""
        long = replace(
            numbered(1), sealed="x" * 16 * 1024, ended_at=NOW + DAY, last_used_at=NOW + 2 * DAY
        )
        odd = replace(numbered(2), wiki="wiki.example.org:8443/é/api.php", subject="ß" * 255)
        store.add(long)
        store.add(odd)
        assert store.get(long.row_id) == long
        assert store.get(odd.row_id) == odd

    def test_get_of_an_absent_row_is_none(self, store: SealedStore, row: SealedRow) -> None:
        """What is not there is None, not an error."""
        assert store.get(numbered(3).row_id) is None
        assert store.get("") is None
        assert store.get(row.row_id) == row

    def test_times_are_utc_wherever_they_were_taken(self, store: SealedStore) -> None:
        """A time is one moment, in whatever zone it is written."""
        east = timezone(timedelta(hours=9))
        store.add(replace(numbered(1), logged_in_at=NOW.astimezone(east)))
        store.touch(numbered(1).row_id, (NOW + DAY).astimezone(east))
        kept = store.get(numbered(1).row_id)
        assert kept is not None
        assert (kept.logged_in_at, kept.last_used_at) == (NOW, NOW + DAY)
        assert kept.logged_in_at.tzinfo is timezone.utc

    def test_no_repr_shows_what_is_sealed(self, store: SealedStore) -> None:
        """Neither the store nor what it gives shows the sealed text when it is printed."""
        store.add(replace(numbered(1), sealed="gAAAAsecret"))
        with store.locked(numbered(1).row_id) as held:
            shown = f"{store!r} {held!r} {held.row!r} {store.get(numbered(1).row_id)}"
        assert "gAAAAsecret" not in shown

    def test_touch_notes_the_latest_use(
        self, store: SealedStore, row: SealedRow, other: SealedRow
    ) -> None:
        """Of that row alone; an earlier time changes nothing, nor does an absent row."""
        store.touch(row.row_id, NOW + DAY)
        store.touch(row.row_id, NOW + DAY / 2)
        store.touch(numbered(3).row_id, NOW + DAY)
        assert store.get(row.row_id) == replace(row, last_used_at=NOW + DAY)
        assert store.get(other.row_id) == other

    def test_end_notes_the_first_time(
        self, store: SealedStore, row: SealedRow, other: SealedRow
    ) -> None:
        """Of that row alone; a second time changes nothing, nor does an absent row."""
        store.end(row.row_id, NOW + DAY)
        store.end(row.row_id, NOW + 2 * DAY)
        store.end(numbered(3).row_id, NOW)
        assert store.get(row.row_id) == replace(row, ended_at=NOW + DAY)
        assert store.get(other.row_id) == other

    def test_delete_deletes_one_row(
        self, store: SealedStore, row: SealedRow, other: SealedRow
    ) -> None:
        """And returns it, if it was there."""
        assert store.delete(row.row_id) == row
        assert store.delete(row.row_id) is None
        assert store.get(row.row_id) is None
        assert store.get(other.row_id) == other

    def test_delete_of_an_ended_row_deletes_it(self, store: SealedStore, row: SealedRow) -> None:
        """Logging out works then as well."""
        store.end(row.row_id, NOW)
        assert store.delete(row.row_id) == replace(row, ended_at=NOW)
        assert store.get(row.row_id) is None

    def test_delete_all_deletes_the_rows_of_one_user(self, store: SealedStore) -> None:
        """Not those of the same subject on another wiki, nor those of anybody else."""
        mine = [numbered(1), numbered(2), replace(numbered(3), ended_at=NOW)]
        others = [
            replace(numbered(4), wiki="other.example.org"),
            replace(numbered(5), subject="43210"),
            replace(numbered(6), wiki="META.wikimedia.org"),
        ]
        for each in (*mine, *others):
            store.add(each)
        assert store.delete_all("meta.wikimedia.org", "4321") == len(mine)
        assert store.delete_all("meta.wikimedia.org", "4321") == 0
        assert [store.get(each.row_id) for each in mine] == [None] * len(mine)
        assert [store.get(each.row_id) for each in others] == others

    def test_purge_deletes_what_is_old_unused_or_ended(self, store: SealedStore) -> None:
        """And nothing else; the limits themselves are not beyond them."""
        logged_in_before, used_before = NOW - 30 * DAY, NOW - 14 * DAY
        old = replace(numbered(1), logged_in_at=logged_in_before - DAY)
        unused = replace(numbered(2), last_used_at=used_before - DAY)
        ended = replace(numbered(3), ended_at=NOW + DAY)
        kept = [
            numbered(4),
            replace(numbered(5), logged_in_at=logged_in_before, last_used_at=used_before),
        ]
        both = replace(old, row_id=numbered(6).row_id, last_used_at=_LONG_AGO, ended_at=_LONG_AGO)
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
        young = numbered(0)
        # Some of the same time, which is where the next batch goes on.
        old = [
            _at(_LONG_AGO + number // 7 * DAY, column, numbered(number))
            for number in range(1, 3 * _BATCH)
        ]
        for row in (young, *old):
            store.add(row)
        left: list[int] = []

        def use_all() -> list[SealedRow]:
            store.touch(young.row_id, NOW + len(left) * DAY)
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
                left.append(len(another_thread.submit(use_all).result(WAIT)))

        monkeypatch.setattr(purging, "pause", pause)
        purged = store.purge(logged_in_before=NOW - DAY, used_before=NOW - DAY)
        assert purged == len(old)
        assert left == [len(old) - _BATCH, len(old) - 2 * _BATCH, 0]
        assert store.get(young.row_id) is not None

    def test_purge_waits_for_nobody(
        self, store: SealedStore, row: SealedRow, other: SealedRow
    ) -> None:
        """A row that is locked goes now or next time, and does not come back."""

        def purge() -> int:
            return store.purge(logged_in_before=NOW + DAY, used_before=_LONG_AGO)

        with ThreadPoolExecutor(1) as another_thread, store.locked(row.row_id) as held:
            purged = another_thread.submit(purge).result(WAIT)
            assert store.get(other.row_id) is None
            assert held.replace("0000abcd", "new") is (purged == 1)
        assert purged + purge() == 2  # noqa: PLR2004  # both rows
        assert store.get(row.row_id) is None


def _at(time: datetime, column: str, row: SealedRow) -> SealedRow:
    times: dict[str, Any] = {column: time}
    return replace(row, **times)
