"""What every worker process shares: rounds on command, edits that are timed, a report of each.

A worker is told its task as JSON in its only argument, prints ``ready``, and does a round for each
line ``go`` on its standard input, after which it prints ``done``. It ends with its input, so that
none outlives the test, however that ends.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter

if TYPE_CHECKING:
    from collections.abc import Callable


class WireClock(HTTPAdapter):
    """Adds up, for each thread, the seconds in which a request of it was under way."""

    _own = threading.local()

    def send(self, *args: Any, **kwargs: Any) -> Any:
        """Send a request as ever."""
        began = time.time()
        try:
            return super().send(*args, **kwargs)
        finally:
            self._own.seconds = self.seconds() + time.time() - began

    @classmethod
    def seconds(cls) -> float:
        """What this thread has come to."""
        return getattr(cls._own, "seconds", 0.0)


class Report:
    """A file with a line for each edit, which stays when the process is killed."""

    def __init__(self, path: str) -> None:
        self._file = Path(path).open("a", buffering=1)  # noqa: SIM115  # open until the end
        self._lock = threading.Lock()

    def write(self, **facts: Any) -> None:
        """Add a line."""
        with self._lock:
            self._file.write(json.dumps(facts) + "\n")


def task() -> dict[str, Any]:
    """What this worker was told."""
    told: dict[str, Any] = json.loads(sys.argv[1])
    return told


def say(word: str) -> None:
    """Tell the test."""
    print(word, flush=True)  # noqa: T201


def serve(edit: Callable[[str, str], None], told: dict[str, Any]) -> None:
    """Edit, round after round, in as many threads at once as was told.

    Args:
        edit: Saves a whole text: title, text. Called from every thread.
        told: ``name`` of the worker, ``user``, ``threads``, ``edits`` of a thread a round,
            ``pause``, the most seconds before each of them, and ``report``, the file.
    """
    report = Report(told["report"])
    together = threading.Barrier(told["threads"])

    def work(thread: int, turn: int) -> None:
        together.wait(60)
        for number in range(told["edits"]):
            time.sleep(random.uniform(0, told["pause"]))  # noqa: S311  # no secret
            place = f"{told['name']}.{thread}"
            text = f"{told['user']} {place} edit {turn}.{number}"
            report.write(**_timed(edit, f"Stress {place}", text))

    say("ready")
    with ThreadPoolExecutor(told["threads"]) as pool:
        for turn, _ in enumerate(sys.stdin):
            for running in [pool.submit(work, number, turn) for number in range(told["threads"])]:
                running.result()
            say("done")


def _timed(edit: Callable[[str, str], None], title: str, text: str) -> dict[str, Any]:
    began, wire = time.time(), WireClock.seconds()
    error = None
    try:
        edit(title, text)
    except Exception as problem:  # noqa: BLE001  # the test judges it
        error = described(problem)
    ended = time.time()
    wire = WireClock.seconds() - wire
    return {"text": text, "began": began, "ended": ended, "wire": wire, "error": error}


def described(problem: BaseException) -> str:
    """An error as the report has it; what Pywikibot wraps is told instead of its wrapping."""
    cause = getattr(problem, "reason", problem)
    return f"{type(cause).__name__}: {cause}"
