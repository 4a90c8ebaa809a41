"""Talking to a person: asking, hiding what they type, and printing."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

if TYPE_CHECKING:
    from datetime import datetime


def is_interactive() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def console(*, err: bool = False) -> Console:
    """What to print to, in colour on a terminal alone. Long lines are left to the terminal."""
    return Console(stderr=err, highlight=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """Print for programs: UTF-8 where the output takes it, one document, keys as given."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def confirm(question: str) -> bool:
    """Ask yes or no; no is the default."""
    return click.confirm(question, err=True)


def ask(question: str, **options: Any) -> str:
    """Ask for something that may be seen. ``options`` are those of ``click.prompt``."""
    return str(click.prompt(question, err=True, **options))


def ask_secret(question: str) -> str:
    """Ask for something that is not shown; without a terminal, a line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    return str(click.prompt(question, hide_input=True, default="", show_default=False, err=True))


def write_time(moment: datetime | None) -> str | None:
    """A moment for JSON: ISO 8601 with its offset, whole seconds."""
    return None if moment is None else moment.isoformat(timespec="seconds")
