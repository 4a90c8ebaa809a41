"""Many signed requests against one sandbox wiki, which is a process of its own."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from sandbox_program import WHO, Program

if TYPE_CHECKING:
    from collections.abc import Iterator

THREADS = 16
WARMING_UP = 1_000
# Bytes. What it keeps of a request is its nonce, some 120 bytes, for 5 minutes; the rest is what
# the memory of any process varies by.
EACH, VARIANCE = 300, 1_000_000


@pytest.fixture
def program() -> Iterator[Program]:
    """The sandbox wiki, with nobody who reads its log."""
    started = Program(log=False)
    yield started
    started.process.kill()
    started.process.communicate()


class Crowd:
    """Sixteen threads that sign as one account, by OAuth 1.0a."""

    def __init__(self, program: Program) -> None:
        """Nothing is sent yet."""
        self._program = program
        self.errors: list[str] = []
        self.answered = 0
        self._lock = threading.Lock()

    def send(self, count: int) -> None:
        """Send so many requests, and wait for their answers."""
        share = -(-count // THREADS)  # none is left over
        threads = [threading.Thread(target=self._work, args=(share,)) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _work(self, count: int) -> None:
        auth = self._program.owner_only()
        with requests.Session() as session:
            for _ in range(count):
                reply = session.get(self._program.api, params=WHO, auth=auth, timeout=60)
                name = reply.json().get("query", {}).get("userinfo", {}).get("name")
                with self._lock:
                    self.answered += 1
                    if name != "BotOwner":
                        self.errors.append(reply.text)


def memory(program: Program) -> int:
    """What a process has in memory, in bytes."""
    status = Path(f"/proc/{program.process.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) * 1024


class TestSandboxWiki:
    """The wiki of ``pwb-oauth sandbox``."""

    @pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
    def test_signed_requests_neither_fail_nor_fill_its_memory(self, program, scale, note):
        """After the first thousand it has what it needs."""
        crowd = Crowd(program)
        crowd.send(WARMING_UP)
        before = memory(program)
        crowd.send(scale.requests - WARMING_UP)
        grown = memory(program) - before
        note(
            f"{crowd.answered} requests, {before / 1e6:.1f} MB after {WARMING_UP}, {grown:+} bytes"
        )
        assert crowd.errors == []
        assert crowd.answered >= 0.99 * scale.requests
        assert grown < VARIANCE + EACH * (scale.requests - WARMING_UP)
