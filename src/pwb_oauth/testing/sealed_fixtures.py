"""What the tests of a store of sealed user sessions are given."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from pwb_oauth.web.sealed_store import SealedRow, SealedStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone.utc)
DAY = timedelta(days=1)
WAIT = 8.0
"""Seconds for what is done without waiting for a lock: less than anybody waits for one."""


def numbered(number: int) -> SealedRow:
    """A row whose id begins and ends unlike that of any other number."""
    row_id = f"{number:03x}{'5eed' * 6}{number:05x}"
    return SealedRow(row_id, "meta.wikimedia.org", "4321", "0123abcd", "sealed", NOW, NOW)


class SealedStoreFixtures:
    """Fixtures, of which a subclass gives the first three."""

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
        row = numbered(1)
        store.add(row)
        return row

    @pytest.fixture
    def other(self, store: SealedStore) -> SealedRow:
        """Another row that the store holds, of another user."""
        other = replace(numbered(2), subject="8765", sealed="sealed otherwise")
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
