"""``pwb-oauth demo``: both protocols at work, against a wiki that comes along."""

from __future__ import annotations

import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from pwb_oauth.cli import options, terminal
from pwb_oauth.errors import MissingExtraError

if TYPE_CHECKING:
    from rich.console import Console

    from pwb_oauth.cli.demo_run import Outcome
    from pwb_oauth.testing import SandboxWiki

_STEPS = ("before", "after sign-in", "edit by", "after sign-out")


@click.command()
@click.option("--browser", is_flag=True, help="Allow the access yourself, in your browser.")
@click.option("--keep", is_flag=True, help="Leave the wiki running until Ctrl-C.")
@click.option(
    "--web",
    type=click.Choice(["django", "flask", "whoami"]),
    help="Serve an example web tool instead, whose visitors sign in with the wiki.",
)
@options.idle_store_option
def demo(browser: bool, keep: bool, web: str | None) -> None:
    """Watch an unchanged Pywikibot script sign in, edit and sign out.

    Starts a wiki on this machine, registers an OAuth consumer of each kind, lets a user allow each
    the access, stores the tokens in a throw-away keyring, and runs examples/quickstart.py with
    each. Nothing leaves this machine, and nothing stays on it. Exits 0 if each step was right.

    \b
    Examples:
      pwb-oauth demo
      pwb-oauth demo --browser
      pwb-oauth demo --web django
    """
    try:
        from pwb_oauth.testing import SandboxWiki  # noqa: PLC0415  # needs the extra
    except ModuleNotFoundError as error:
        raise MissingExtraError("sandbox") from error

    if web is not None:
        from pwb_oauth.cli import demo_web  # noqa: PLC0415  # needs the extra

        with SandboxWiki() as wiki:
            demo_web.run(wiki, web)
        return
    console = terminal.console()
    with SandboxWiki() as wiki, tempfile.TemporaryDirectory(prefix="pwb-oauth-demo-") as folder:
        console.print(f"A wiki runs at {wiki.url}, with nothing in it but this demo.\n")
        outcomes = _run_all(wiki, Path(folder), browser)
        _print(console, outcomes)
        if keep:
            _keep(console, wiki)
    if any(outcome.problems for outcome in outcomes):
        sys.exit(1)


def _run_all(wiki: SandboxWiki, folder: Path, browser: bool) -> list[Outcome]:
    """Prepare each kind of consumer, then run the script with each.

    A person in a browser stays signed in to the wiki from one consent to the next, so that there
    all are one user's, one after the other; else each is a user's own, at the same time.
    """
    from pwb_oauth.cli.demo_run import KINDS, Stage, environment  # noqa: PLC0415  # needs the extra

    users = [wiki.add_user(f"Demo {number}").name for number in range(1 if browser else len(KINDS))]
    stages = [
        Stage(wiki, kind, folder / str(number), users[number % len(users)])
        for number, kind in enumerate(KINDS)
    ]
    # No proxy reaches the wiki on this machine.
    with environment(dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1")):
        for stage in stages:
            stage.prepare(in_browser=browser)
        with ThreadPoolExecutor(max_workers=len(users)) as pool:
            return list(pool.map(Stage.run, stages))


def _print(console: Console, outcomes: list[Outcome]) -> None:
    console.print(_table(outcomes), soft_wrap=False)
    for outcome in outcomes:
        for problem in outcome.problems:
            console.print(Text("✗", "red"), escape(f"{outcome.kind.name}: {problem}"))
    if not any(outcome.problems for outcome in outcomes):
        console.print(Text("✓", "green"), "Each of these was checked against the wiki's own log.")


def _table(outcomes: list[Outcome]) -> Table:
    rows: list[tuple[str, ...]] = [("signed in by", *_STEPS, "the wiki credits")]
    for outcome in outcomes:
        said = (outcome.said.get(step, "-") for step in _STEPS)
        rows.append((outcome.kind.name, *said, outcome.credited or "-"))
    title = "Who the wiki took an unchanged Pywikibot script for"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    for column in zip(*rows, strict=True):
        # On a narrow terminal cells are broken between words, never inside one.
        longest = max(len(word) for cell in column for word in cell.split())
        table.add_column(escape(column[0]), min_width=longest)
    for row in rows[1:]:
        table.add_row(*map(escape, row))
    return table


def _keep(console: Console, wiki: SandboxWiki) -> None:
    reach = f"\nThe wiki stays at {wiki.url} (api.php: {wiki.api_url}). Sign in there as:"
    console.print(reach, soft_wrap=True)
    for user in wiki.users.values():
        if user.password:
            console.print(f"  {user.name}, password {user.password}", highlight=False)
    console.print("Ctrl-C ends it.")
    try:
        wiki.wait()
    except KeyboardInterrupt:
        console.print()
