"""``python -m benchmarks``: measure, show the table, and keep it."""

from __future__ import annotations

import json
import platform
import sys
from dataclasses import asdict
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from benchmarks import many, process, request, signing

if TYPE_CHECKING:
    from benchmarks.row import Row

_PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
_HEADINGS = ("work", "stock", "ours", "ratio", "limit", "to reach")
_BEGIN, _END = "<!-- generated -->\n", "<!-- end -->\n"


@click.command()
@click.option("--short", is_flag=True, help="Measure less, and write nothing into docs/.")
@click.option("--json", "path", type=click.Path(path_type=Path), help="Write the table as JSON.")
def main(*, short: bool, path: Path | None) -> None:
    """Measure pwb_oauth beside stock Pywikibot; fail where a number is far off its mark.

    The short form fails for ratios and memory alone, and only tells of times that are too long.
    """
    console = Console(width=150)
    rows = []
    for row in chain.from_iterable(part.rows(short=short) for part in _PARTS):
        console.print("[dim]measured:[/dim]", row.work)
        rows.append(row)
    _show(console, rows)
    if path is not None:
        path.write_text(_as_json(rows))
    if not short:
        _keep(rows)
    missed = [row for row in rows if row.missed]
    slow = [row for row in missed if short and row.is_of_this_machine]
    failed = [row for row in missed if row not in slow]
    _tell(console, "Slow on this machine:", slow)
    _tell(console, "More than a fifth off the mark:", failed)
    sys.exit(bool(failed))


_PARTS = (signing, request, process, many)


def _show(console: Console, rows: list[Row]) -> None:
    table = Table(*_HEADINGS)
    for row in rows:
        table.add_row(*row.cells())
    console.print(table)


def _tell(console: Console, title: str, rows: list[Row]) -> None:
    if rows:
        console.print(title, *(row.work for row in rows), sep="\n")


def _machine() -> str:
    versions = ", ".join(
        f"{name} {version(name)}" for name in ("pywikibot", "requests", "oauthlib")
    )
    return f"Python {platform.python_version()} on {platform.machine()}, {versions}"


def _as_json(rows: list[Row]) -> str:
    table = [{**asdict(row), "ratio": row.ratio} for row in rows]
    return json.dumps({"machine": _machine(), "rows": table}, indent=1, ensure_ascii=False) + "\n"


def _keep(rows: list[Row]) -> None:
    """Write the JSON and the picture beside the page, and the table into it."""
    from benchmarks import picture  # noqa: PLC0415  # matplotlib

    _PAGE.with_suffix(".json").write_text(_as_json(rows))
    picture.draw(rows, _PAGE.with_suffix(".svg"))
    lines = [_HEADINGS, ("---",) * len(_HEADINGS), *(row.cells() for row in rows)]
    table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    head, _, rest = _PAGE.read_text().partition(_BEGIN)
    tail = rest.partition(_END)[2]
    _PAGE.write_text(f"{head}{_BEGIN}{_machine()}.\n\n{table}{_END}{tail}")


if __name__ == "__main__":
    main()
