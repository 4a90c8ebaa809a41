"""Somebody who writes into an SQLite file, and lets others wait."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing, contextmanager


@contextmanager
def writing(path, seconds):
    """Hold the file for so long, from now on; a block that ends earlier waits for that."""
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        end = threading.Timer(seconds, writer.execute, ["ROLLBACK"])
        end.start()
        yield
        waited_for = not end.is_alive()
        end.join()
    assert waited_for
