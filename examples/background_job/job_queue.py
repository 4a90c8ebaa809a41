"""Jobs in a file of SQLite's: a queue that needs no server. Celery or RQ could stand here."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

TASK = "thank"
"""What the tool makes handles for, and the worker uses them for: one is good for nothing else."""

_TABLE = """
CREATE TABLE IF NOT EXISTS jobs
(id INTEGER PRIMARY KEY, owner, handle, names, state DEFAULT 'waiting', done DEFAULT 0)
"""


@dataclass(frozen=True)
class Job:
    """Something to do; ``handle`` says as whom, to those who have the encryption key."""

    id: int
    handle: str
    names: list[str]
    state: str
    done: int


class JobQueue:
    """The jobs in a file."""

    def __init__(self, path: str) -> None:
        """Open nothing yet."""
        self._path = path

    def put(self, owner: str, handle: str, names: list[str]) -> None:
        """Add a job."""
        with self._database() as database:
            insert = "INSERT INTO jobs (owner, handle, names) VALUES (?, ?, ?)"
            database.execute(insert, (owner, handle, json.dumps(names)))

    def take(self) -> Job | None:
        """The oldest job that nobody has taken, if there is one; it is the caller's from now on."""
        with self._database() as database:
            found = database.execute(
                "UPDATE jobs SET state = 'running' WHERE id = (SELECT id FROM jobs "
                "WHERE state = 'waiting' ORDER BY id LIMIT 1) "
                "RETURNING id, handle, names, state, done"
            ).fetchone()
        return _job(found) if found else None

    def note(self, job: Job, state: str, done: int) -> None:
        """Say how far a job is. One that is over forgets its handle."""
        handle = job.handle if state == "running" else ""
        with self._database() as database:
            update = "UPDATE jobs SET state = ?, done = ?, handle = ? WHERE id = ?"
            database.execute(update, (state, done, handle, job.id))

    def of(self, owner: str) -> list[Job]:
        """The jobs that somebody asked for, the newest first."""
        query = "SELECT id, handle, names, state, done FROM jobs WHERE owner = ? ORDER BY id DESC"
        with self._database() as database:
            return [_job(row) for row in database.execute(query, (owner,))]

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path)) as database, database:
            database.execute(_TABLE)
            yield database


def _job(row: tuple[int, str, str, str, int]) -> Job:
    return Job(row[0], row[1], json.loads(row[2]), *row[3:])
