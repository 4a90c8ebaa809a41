"""Ctrl-C at a moment when something would be lost."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from functools import partial

import pytest

from pwb_oauth.interruptions import held_back


@pytest.fixture(params=[signal.SIGINT, signal.SIGTERM])
def interruption(request):
    """A signal that raises KeyboardInterrupt."""
    before = signal.signal(request.param, signal.default_int_handler)
    yield request.param
    assert signal.signal(request.param, before) is signal.default_int_handler


def in_a_block(*steps):
    """Do one after the other in a block."""
    with held_back():
        for step in steps:
            step()


def fail():
    raise ValueError("the wiki is down")


class TestHeldBack:
    """``held_back``."""

    def test_signal_comes_the_block_ends_first(self, interruption):
        """And then it raises."""
        done = []
        with pytest.raises(KeyboardInterrupt):
            in_a_block(lambda: signal.raise_signal(interruption), lambda: done.append("all of it"))
        assert done == ["all of it"]

    def test_signal_comes_again_it_raises_at_once(self, interruption):
        """Whoever waits is not kept for longer than they want."""
        send = partial(signal.raise_signal, interruption)
        done = []
        with pytest.raises(KeyboardInterrupt):
            in_a_block(send, lambda: done.append("one"), send, lambda: done.append("two"))
        assert done == ["one"]

    def test_handler_that_does_not_raise_is_called_once_for_each(self):
        """It may count, or say goodbye."""
        called = []
        before = signal.signal(signal.SIGINT, lambda *_: called.append(1))
        try:
            with held_back():
                signal.raise_signal(signal.SIGINT)
                assert called == []
            assert called == [1]
        finally:
            signal.signal(signal.SIGINT, before)

    def test_error_in_the_block_is_not_forgotten(self, interruption):
        """It is the context of what the signal raises."""
        with pytest.raises(KeyboardInterrupt) as caught:
            in_a_block(lambda: signal.raise_signal(interruption), fail)
        assert isinstance(caught.value.__context__, ValueError)

    def test_no_signal_nothing_happens(self, interruption):
        """The handlers are as before."""
        with held_back():
            assert signal.getsignal(interruption) is not signal.default_int_handler
        assert signal.getsignal(interruption) is signal.default_int_handler

    def test_other_threads_leave_the_handlers_alone(self):
        """Python would refuse to set them there."""
        seen = []

        def work():
            with held_back():
                seen.append(signal.getsignal(signal.SIGINT))

        before = signal.getsignal(signal.SIGINT)
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert seen == [before]

    def test_signal_that_ends_the_process_ends_it(self):
        """A service that is stopped does not wait for a wiki."""
        code = (
            "import signal; from pwb_oauth.interruptions import held_back\n"
            "with held_back(): signal.raise_signal(signal.SIGTERM); print('alive', flush=True)"
        )
        ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)  # noqa: S603
        assert ran.stdout == b""
        assert ran.returncode == -signal.SIGTERM or sys.platform == "win32"
