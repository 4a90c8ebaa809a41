"""Waiting for whoever comes first."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from pwb_oauth.cli.waiting import wait_for

# The main thread has the signal blocked, so that the other one gets it, and no wait ends.
_PROGRAM = """
import os, signal, threading, time
from pwb_oauth.cli.waiting import wait_for
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
signal.signal(signal.SIGINT, signal.default_int_handler)
print("waits", flush=True)
try:
    wait_for([open(os.pipe()[0], "rb")])
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.fixture
def pipe():
    """The two ends of one: what can be read, and a function that makes it so."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", buffering=0) as source:
        yield source, lambda: os.write(writing, b"x")
    os.close(writing)


class TestWaitFor:
    """``wait_for``."""

    def test_something_came_is_told_at_once(self, pipe):
        """And nothing is taken."""
        source, write = pipe
        write()
        assert wait_for([source]) == [source]
        assert wait_for([source], 0) == [source]

    @pytest.mark.parametrize("seconds", [0, 0.1, 0.7])
    def test_nothing_comes_in_time_is_empty(self, pipe, seconds):
        """However many turns that takes."""
        began = time.monotonic()
        assert wait_for([pipe[0]], seconds) == []
        assert time.monotonic() - began >= seconds

    def test_signal_does_not_end_the_wait_is_handled_all_the_same(self):
        """One that comes just before it, or to another thread, as it always does here."""
        program = [sys.executable, "-c", _PROGRAM]
        with subprocess.Popen(  # noqa: S603  # our own program
            program, stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                assert process.stdout.readline() == "waits\n"
                process.send_signal(signal.SIGINT)
                assert process.communicate(timeout=30)[0] == "interrupted\n"
            finally:
                process.kill()
