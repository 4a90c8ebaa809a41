"""By when something must be done."""

from __future__ import annotations

import threading
import time

import pytest

from pwb_oauth import deadline
from pwb_oauth.errors import DeadlineExceededError, TransportError


@pytest.fixture
def now(monkeypatch):
    """A clock that the test moves."""
    moment = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: moment[0])
    return moment


def is_open_ended() -> bool:
    """Whether nothing has to end by a time."""
    return deadline._ends_at.get() is None


class TestLimit:
    """``deadline.limit`` inside ``deadline.within``."""

    def test_outside_a_block_nothing_is_shortened(self, now):
        """As for every bot."""
        assert deadline.limit(30) == 30
        assert is_open_ended()

    def test_inside_it_is_what_is_left(self, now):
        """And no longer than it is by itself."""
        with deadline.within(10):
            assert not is_open_ended()
            assert deadline.limit(30) == 10
            assert deadline.limit(3) == 3
            now[0] += 8
            assert deadline.limit(30) == 2
        assert deadline.limit(30) == 30

    @pytest.mark.parametrize("late", [10, 11])
    def test_nothing_left_raises(self, now, late):
        """What must be tried again at another time."""
        with deadline.within(10):
            now[0] += late
            with pytest.raises(DeadlineExceededError, match="look before you try again"):
                deadline.limit(30)
        assert issubclass(DeadlineExceededError, TransportError)

    @pytest.mark.parametrize(("inner", "left"), [(20, 10), (5, 5), (None, 10)])
    def test_block_in_a_block_cannot_last_longer(self, now, inner, left):
        """Whoever waits outside waits no longer for it."""
        with deadline.within(10):
            with deadline.within(inner):
                assert deadline.limit(100) == left
            assert deadline.limit(100) == 10

    def test_no_seconds_no_end(self, now):
        """A background job."""
        with deadline.within(None):
            assert is_open_ended()
            assert deadline.limit(30) == 30

    def test_error_ends_the_block_too(self, now):
        """The next web request of the thread begins afresh."""
        with pytest.raises(ValueError, match="in the block"), deadline.within(1):
            raise ValueError("in the block")
        assert is_open_ended()

    def test_other_threads_have_deadlines_of_their_own(self, now):
        """A web server's threads do not hurry each other."""
        seen = []
        with deadline.within(1):
            thread = threading.Thread(target=lambda: seen.append(deadline.limit(30)))
            thread.start()
            thread.join()
        assert seen == [30]


class TestAtLeast:
    """``deadline.at_least``: what must not be broken off."""

    def test_has_its_time_although_less_is_left(self, now):
        """And the block has what it had, afterwards."""
        with deadline.within(1):
            with deadline.at_least(10):
                assert deadline.limit(30) == 10
            assert deadline.limit(30) == 1

    def test_more_that_is_left_stays(self, now):
        """It is no deadline of its own."""
        with deadline.within(20), deadline.at_least(10):
            assert deadline.limit(30) == 20
        with deadline.at_least(10):
            assert is_open_ended()

    def test_nothing_is_begun_where_no_time_is_left(self, now):
        """What was to be done is not done at all."""
        with deadline.within(1):
            now[0] += 2
            with pytest.raises(DeadlineExceededError), deadline.at_least(10):
                pytest.fail("it was begun")
