"""Tests of deleting many rows without holding anybody up."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from pwb_oauth.web import purging
from pwb_oauth.web.purging import Batch, in_batches, timed


@pytest.fixture
def clock(monkeypatch):
    """A clock that only what is done moves, and the pauses that were made."""
    clock = {"now": 0.0, "pauses": []}

    def sleep(seconds):
        clock["now"] += seconds
        clock["pauses"].append(seconds)

    monkeypatch.setattr(
        purging, "time", SimpleNamespace(sleep=sleep, monotonic=lambda: clock["now"])
    )
    return clock


def table(clock, rows, seconds):
    """Something to delete from, that takes some seconds for each row; and what was asked of it."""
    left, asked = list(range(rows)), []

    def delete_some(size, place):
        asked.append((size, place))
        places = [left.pop(0) for _ in range(min(size, len(left)))]
        clock["now"] += seconds * len(places)
        return Batch(places, seconds * len(places))

    return delete_some, asked


class TestTimed:
    """For how long a batch holds others up."""

    def test_work_and_commit_count_and_waiting_for_ones_turn_does_not(self, clock):
        """Others went first; the batch is no smaller for it."""

        def work(rows):
            clock["now"] += 2.0
            return rows

        def transaction(do):
            clock["now"] += 60.0
            places = do([1, 2])
            clock["now"] += 1.0
            return places

        assert timed(transaction, work) == Batch([1, 2], 3.0)


class TestInBatches:
    """How many rows at a time, and what is between."""

    def test_each_batch_goes_on_where_the_last_ended(self, clock):
        """Until one deletes nothing."""
        delete_some, asked = table(clock, 250, 0.0)
        assert in_batches(delete_some) == 250
        assert asked == [(25, None), *((25, number) for number in range(24, 250, 25))]

    def test_nothing_to_delete_takes_one_look_and_no_pause(self, clock):
        """As on most days."""
        delete_some, asked = table(clock, 0, 0.0)
        assert in_batches(delete_some) == 0
        assert asked == [(25, None)]
        assert clock["pauses"] == []

    def test_slow_database_gets_smaller_batches(self, clock):
        """Until one takes no longer than it should; not fewer rows than five."""
        delete_some, asked = table(clock, 500, 0.0022)
        in_batches(delete_some)
        assert [size for size, _ in asked][:6] == [25, 12, 17, 8, 13, 18]
        delete_some, asked = table(clock, 500, 1.0)
        in_batches(delete_some)
        assert [size for size, _ in asked][:6] == [25, 12, 6, 5, 5, 5]

    def test_database_that_recovers_gets_larger_batches(self, clock):
        """Up to what a batch is at most."""
        delete_some, asked = table(clock, 2000, 0.0)

        def slow_at_first(size, place):
            batch = delete_some(size, place)
            return replace(batch, held=1.0 if len(asked) <= 5 else 0.0)

        in_batches(slow_at_first)
        assert [size for size, _ in asked][4:11] == [5, 5, 10, 15, 20, 25, 25]

    def test_most_of_the_time_is_left_to_others(self, clock):
        """However long a batch takes; a writer that waits for SQLite needs 25 ms in any case."""
        for seconds in (0.0, 0.01):
            clock["pauses"].clear()
            before = clock["now"]
            in_batches(table(clock, 300, seconds)[0])
            paused = sum(clock["pauses"])
            assert paused > (clock["now"] - before) / 2
            assert min(clock["pauses"]) > 0.025
