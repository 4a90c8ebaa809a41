"""``pwb-oauth doctor``: what is wrong with a set-up, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from rich.table import Table
from rich.text import Text

from pwb_oauth.checks.examination import Outcome, examine
from pwb_oauth.checks.registry import CHECKS
from pwb_oauth.cli import options, terminal
from pwb_oauth.cli.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from pwb_oauth.wiki import Wiki

_ENDLESS = 1_000_000
_BY_NAME = {check.name: check for check in CHECKS}


@click.command(epilog=options.WIKI_HELP)
@options.new_wiki_argument
@click.option(
    "--check",
    "names",
    multiple=True,
    type=click.Choice(list(_BY_NAME)),
    help="Run this one alone. May be given several times.",
)
@options.store_option
@options.json_option
def doctor(wiki: Wiki | None, names: tuple[str, ...], store: str | None, as_json: bool) -> None:
    """Say what is wrong, and what to do.

    Looks at Pywikibot's configuration, at the token store and, for each stored account, at what
    its wiki says. Nothing is changed, save that an access token that has expired is renewed.
    A check that another fault keeps from telling is skipped.

    Exits with 0 if nothing is wrong; with 4 if all that is wrong is that no credential is stored
    or that a wiki refuses it; else with 1.

    \b
    Examples:
      pwb-oauth doctor
      pwb-oauth doctor wikipedia:test
      pwb-oauth doctor --check clock --check store
    """
    checks = [_BY_NAME[name] for name in dict.fromkeys(names)] or list(CHECKS)
    with terminal.at_work("Looking"):
        outcomes = examine(checks, wiki, store)
    if as_json:
        terminal.print_json({"checks": [_to_json(outcome) for outcome in outcomes]})
    else:
        _print(terminal.console(), outcomes)
    click.get_current_context().exit(_exit_code(outcomes))


def _to_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "check": outcome.check.name,
        "status": _status(outcome),
        "findings": [
            {"problem": finding.problem, "remedy": finding.remedy} for finding in outcome.findings
        ],
        "skipped": outcome.skipped,
    }


def _status(outcome: Outcome) -> str:
    if outcome.findings:
        return "failed"
    return "ok" if outcome.skipped is None else "skipped"


def _print(out: Console, outcomes: Sequence[Outcome]) -> None:
    """Print columns, of which the last is left to the terminal to break.

    What is broken by us could not be copied, and a pipe has no width.
    """
    grid = Table.grid(padding=(0, 1))
    for outcome in outcomes:
        for row in _rows(outcome):
            grid.add_row(*row)
    for line in out.render_lines(grid, out.options.update_width(_ENDLESS), pad=False):
        *pieces, last = (Text(piece.text, piece.style or "") for piece in line)
        last.rstrip()
        out.print(*pieces, last, sep="")


def _rows(outcome: Outcome) -> Iterator[tuple[Text, Text, Text]]:
    """A mark, the check's name, and what came of it."""
    name = Text(outcome.check.name, "bold")
    if outcome.skipped is not None:
        yield Text("-"), name, Text(f"Skipped: {outcome.skipped}.", "dim")
    elif not outcome.findings:
        yield Text("✓", "green"), name, Text(outcome.check.summary)
    for finding in outcome.findings:
        yield Text("✗", "red"), name, Text(finding.problem)
        yield Text(), Text(), Text(finding.remedy)


def _exit_code(outcomes: Sequence[Outcome]) -> Exit:
    failed = [outcome for outcome in outcomes if outcome.findings]
    if not failed:
        return Exit.FINE
    return Exit.NO_CREDENTIAL if all(one.check.of_credential for one in failed) else Exit.FAILED
