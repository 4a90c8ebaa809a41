"""``python -m benchmarks.sealed_rows``: a web tool's user sessions, few and many, side by side.

How long one takes to open must not depend on how many are stored, and a purge must not hold another
request up. It measures SQLite, and the servers that PWB_OAUTH_TEST_DB_URLS names
(``.ci/with-databases python -m benchmarks.sealed_rows``).
"""

from __future__ import annotations

import base64
import os
import random
import secrets
import sys
import time
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta, timezone
from functools import cache, partial
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table as Shown
from sqlalchemy import MetaData, NullPool, create_engine, insert, make_url, select, text

from benchmarks.clockwork import in_turns
from pwb_oauth.web.sealed_store import SealedRow
from pwb_oauth.web.sql import SqlSealedStore
from pwb_oauth.web.sql_rows import sealed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.synchronize import Event

    from sqlalchemy import Connection, Table

    from pwb_oauth.web.sealed_store import SealedStore

_PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
_HEADINGS = (
    "| | open one of 10³ | of 10⁵ | of 10⁶ | open | note the use | refresh | log in and out |",
    "|---|---|---|---|---|---|---|---|",
)
_MOST_TIMES_THE_SMALLEST = 1.5
_MOST_HELD_UP = 0.1
_NOW = datetime(2026, 1, 2, tzinfo=timezone.utc)
_DAY = timedelta(days=1)
_SEALED_LENGTH = 3000
_CHUNK = 2000
_IDLE = 120.0
_OPENED_AT_A_TIME = 10
_NOISE = base64.urlsafe_b64encode(os.urandom(1 << 20)).decode()  # which no database can compress


@click.command()
@click.option("--rows", "sizes", multiple=True, type=int, default=(10**3, 10**5, 10**6))
@click.option("--purged", default=10**5, help="How many rows a purge deletes.")
@click.option("--seconds", default=20.0, help="For how long opening is measured.")
@click.option("--store", type=click.Choice(["SQLAlchemy", "Django"]), default="SQLAlchemy")
@click.option("--keep", is_flag=True, help="Write what was measured into docs/performance.md.")
def main(sizes: tuple[int, ...], purged: int, seconds: float, store: str, *, keep: bool) -> None:
    """Measure; fail where a mark is missed."""
    _kind.name = store
    console = Console(width=120)
    missed, lines = [], []
    with TemporaryDirectory() as folder:
        places: list[Path | str] = [Path(folder)]
        places += os.environ.get("PWB_OAUTH_TEST_DB_URLS", "").split()
        for place in places:
            name = "SQLite" if isinstance(place, Path) else make_url(place).get_backend_name()
            times = _opening(console, name, place, sizes, seconds)
            longest = _purging(console, name, place, purged)
            lines.append(_line(f"{name}, {store}", times, longest))
            worst = max(times) / times[0]
            if worst > _MOST_TIMES_THE_SMALLEST:
                missed.append(f"{name}: opening takes {worst:.2f} times as long with more rows")
            during = max(during for _, during in longest)
            if during > _MOST_HELD_UP:
                missed.append(f"{name}: a request took {during * 1000:.0f} ms during a purge")
    console.print(*missed, sep="\n")
    if keep:
        _keep(store, lines)
    sys.exit(bool(missed))


def _line(name: str, opening: list[float], longest: list[tuple[float, float]]) -> str:
    """A line of the page's table."""
    ratios = [f"{each / opening[0]:.2f}" for each in opening[1:]]
    times = [f"{during * 1000:.0f} ms ({idle * 1000:.0f})" for idle, during in longest]
    return f"| {' | '.join([name, f'{opening[0] * 1000:.2f} ms', *ratios, *times])} |"


def _keep(store: str, lines: list[str]) -> None:
    """Put the lines of a store into the page, in the place of those that are there."""
    begin, end = f"<!-- generated: user sessions, {store} -->\n", "<!-- end -->"
    head, found, rest = _PAGE.read_text("utf-8").partition(begin)
    table = "\n".join([*_HEADINGS, *lines])
    _PAGE.write_text(f"{head}{found}{table}\n{end}{rest.partition(end)[2]}", "utf-8")


def _opening(
    console: Console, name: str, place: Path | str, sizes: tuple[int, ...], seconds: float
) -> list[float]:
    """Show how long opening a row takes; the seconds for each size."""
    table = Shown("", "rows", "open one", "ratio", "the read alone", "ratio", "filled in")
    with ExitStack() as stack:
        opened: dict[int, Callable[[], object]] = {}
        read: dict[int, Callable[[], object]] = {}
        filled = {}
        for size in sizes:
            url = stack.enter_context(_database_of_its_own(place))
            started = time.perf_counter()
            ids = _fill(url, size)
            filled[size] = time.perf_counter() - started
            connection = stack.enter_context(create_engine(url, poolclass=NullPool).connect())
            opened[size], read[size] = _opening_some(url, ids), _reading_some(connection, ids)
        works = {f"open {size}": opened[size] for size in sizes}
        works |= {f"read {size}": read[size] for size in sizes}
        best = in_turns(works, seconds=seconds)
    for size in sizes:
        one = [best[f"{what} {size}"] / _OPENED_AT_A_TIME for what in ("open", "read")]
        ratios = [best[f"{what} {size}"] / best[f"{what} {sizes[0]}"] for what in ("open", "read")]
        table.add_row(
            name,
            f"{size:,}",
            f"{one[0] * 1000:.2f} ms",
            f"{ratios[0]:.2f}",
            f"{one[1] * 1000:.3f} ms",
            f"{ratios[1]:.2f}",
            f"{filled[size]:.0f} s",
        )
    console.print(table)
    return [best[f"open {size}"] / _OPENED_AT_A_TIME for size in sizes]


def _opening_some(url: str, ids: list[str]) -> Callable[[], object]:
    store = _store(url)

    def work() -> None:
        for row_id in random.sample(ids, _OPENED_AT_A_TIME):
            assert store.get(row_id)  # noqa: S101

    return work


def _reading_some(connection: Connection, ids: list[str]) -> Callable[[], object]:
    """What the store asks, without making the connection for it."""

    def work() -> None:
        for row_id in random.sample(ids, _OPENED_AT_A_TIME):
            connection.execute(select(_table()).where(_table().c.row_id == row_id)).one()
        connection.rollback()

    return work


def _purging(
    console: Console, name: str, place: Path | str, purged: int
) -> list[tuple[float, float]]:
    """Show how long other requests take during a purge.

    Returns:
        Of each kind the longest without a purge, and the longest during it.
    """
    with _database_of_its_own(place) as url:
        _fill(url, purged)
        requests = _requests(_store(url))
        _latencies(requests, partial(next, iter([True] * 5), False))  # warms up
        spawn = get_context("spawn")  # a purge is a process of its own
        begun, ended = spawn.Event(), spawn.Event()
        purge = spawn.Process(target=_purge, args=(url, purged, begun, ended, _kind.name))
        purge.start()
        begun.wait()
        started = time.monotonic()
        busy = _latencies(requests, lambda: not ended.is_set() and purge.is_alive())
        lasted = time.monotonic() - started
        purge.join()
        if purge.exitcode:
            sys.exit("The purge failed.")
        idle_until = time.monotonic() + min(lasted, _IDLE)
        idle = _latencies(requests, lambda: time.monotonic() < idle_until)
    title = f"{purged:,} rows purged in {lasted:.0f} s"
    over = f"over {_MOST_HELD_UP * 1000:.0f} ms"
    table = Shown(name, "idle", "longest", over, "purge", "longest", over, "requests", title=title)
    for request in requests:
        times = (idle[request], busy[request])
        cells = chain.from_iterable(map(_cells, times))
        table.add_row(request, *cells, str(len(busy[request])))
    console.print(table)
    return [(max(idle[request]), max(busy[request])) for request in requests]


def _cells(times: list[float]) -> tuple[str, str, str]:
    late = sum(seconds > _MOST_HELD_UP for seconds in times)
    return f"{median(times) * 1000:.1f} ms", f"{max(times) * 1000:.0f} ms", f"{late:,}"


def _purge(url: str, purged: int, begun: Event, ended: Event, kind: str) -> None:
    """What another process does."""
    _kind.name = kind
    store = _store(url)
    store.get("")
    begun.set()
    assert store.purge(logged_in_before=_NOW - _DAY, used_before=_NOW - _DAY) == purged  # noqa: S101
    ended.set()


def _requests(store: SealedStore) -> dict[str, Callable[[], object]]:
    """What other visitors' requests do meanwhile."""
    young = [_row(secrets.token_hex(16), _NOW) for _ in range(50)]
    for row in young:
        store.add(row)

    def some() -> str:
        return random.choice(young).row_id  # noqa: S311  # not for a secret

    def refresh() -> None:
        with store.locked(some()) as held:
            held.replace("0123abcd", _text())

    def log_in_and_out() -> None:
        row = _row(secrets.token_hex(16), _NOW)
        store.add(row)
        store.delete(row.row_id)

    return {
        "open": lambda: store.get(some()),
        "note the use": lambda: store.touch(some(), datetime.now(timezone.utc)),
        "refresh": refresh,
        "log in and out": log_in_and_out,
    }


def _latencies(
    requests: dict[str, Callable[[], object]], go_on: Callable[[], bool]
) -> dict[str, list[float]]:
    """How many seconds each request took, one after the other."""
    times: dict[str, list[float]] = {request: [] for request in requests}
    while go_on():
        for request, do in requests.items():
            started = time.perf_counter()
            do()
            times[request].append(time.perf_counter() - started)
    return times


@contextmanager
def _database_of_its_own(place: Path | str) -> Iterator[str]:
    """A URL of a database, or a schema, that is gone afterwards."""
    name = f"pwb_oauth_benchmark_{secrets.token_hex(6)}"
    if isinstance(place, Path):
        path = place / f"{name}.db"
        yield f"sqlite:///{path}"
        path.unlink()
        return
    url = make_url(place)
    is_postgresql = url.get_backend_name() == "postgresql"
    with create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT").connect() as admin:
        admin.execute(text(f"CREATE {'SCHEMA' if is_postgresql else 'DATABASE'} {name}"))
        if is_postgresql:
            own = url.update_query_dict({"options": f"-csearch_path={name}"})
        else:
            own = url.set(database=name)
        yield own.render_as_string(hide_password=False)
        admin.execute(
            text(f"DROP {f'SCHEMA {name} CASCADE' if is_postgresql else f'DATABASE {name}'}")
        )


def _fill(url: str, size: int) -> list[str]:
    """Insert rows in bulk, all of them old; the ids."""
    _store(url).get("")  # makes the table
    ids = sorted(secrets.token_hex(16) for _ in range(size))
    engine = create_engine(url, poolclass=NullPool)
    for start in range(0, size, _CHUNK):
        with engine.begin() as connection:
            connection.execute(insert(_table()), list(map(_old_row, ids[start : start + _CHUNK])))
    analyze = {"mariadb": "ANALYZE TABLE", "postgresql": "ANALYZE"}
    with engine.connect() as connection:
        # Servers do it by themselves, but then it would be in the middle of what is measured.
        if engine.dialect.name in analyze:
            connection.execute(text(f"{analyze[engine.dialect.name]} {_table().name}"))
            connection.commit()
    return ids


class _Kind:
    """Which store is measured: ``SQLAlchemy`` or ``Django``."""

    name = "SQLAlchemy"


_kind = _Kind()


def _store(url: str) -> SealedStore:
    if _kind.name == "SQLAlchemy":
        return SqlSealedStore(url)
    from benchmarks import sealed_django  # noqa: PLC0415  # Django

    return sealed_django.store_on(url)


@cache
def _table() -> Table:
    if _kind.name == "SQLAlchemy":
        return sealed
    from benchmarks.sealed_django import TABLE  # noqa: PLC0415  # Django

    return sealed.to_metadata(MetaData(), name=TABLE)


def _old_row(row_id: str) -> dict[str, object]:
    old = _NOW - timedelta(seconds=random.randrange(2 * 86400, 90 * 86400))  # noqa: S311
    return {**vars(_row(row_id, old.replace(tzinfo=None))), "reserved": ""}


def _row(row_id: str, at: datetime) -> SealedRow:
    return SealedRow(row_id, "meta.wikimedia.org", row_id[:8], "0123abcd", _text(), at, at)


def _text() -> str:
    start = random.randrange(len(_NOISE) - _SEALED_LENGTH)  # noqa: S311
    return _NOISE[start : start + _SEALED_LENGTH]


if __name__ == "__main__":
    main()
