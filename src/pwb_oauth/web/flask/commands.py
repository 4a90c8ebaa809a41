"""``flask wiki-oauth``: what an operator does beside the web server."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import click
from flask.cli import AppGroup

from pwb_oauth.errors import PwbOAuthError
from pwb_oauth.web.check import check_consumer
from pwb_oauth.web.flask import request_state

if TYPE_CHECKING:
    from collections.abc import Iterator

group = AppGroup("wiki-oauth", help="Sign-in with the wiki account.")


@group.command()
@click.option("--older-than", type=float, metavar="DAYS", help="Days since the login.")
@click.option("--idle", type=float, metavar="DAYS", help="Days since the last use.")
def purge(older_than: float | None, idle: float | None) -> None:
    """Delete the user sessions that have ended.

    Without options the lifetimes of the settings decide. Run it once a day.
    """
    with _errors_shown():
        deleted = request_state.flow().purge(_days(older_than), _days(idle))
    click.echo(f"Deleted: {deleted}")


@group.command()
def check() -> None:
    """Ask the wiki whether it knows the consumer.

    Nobody's access is touched.
    """
    with _errors_shown():
        verdict = check_consumer(request_state.flow().settings)
    if verdict.findings:
        said = (f"{each.problem} {each.remedy}" for each in verdict.findings)
        raise click.ClickException("\n".join(said))
    for note in verdict.notes:
        click.echo(note)


@contextmanager
def _errors_shown() -> Iterator[None]:
    try:
        yield
    except PwbOAuthError as error:
        raise click.ClickException(str(error)) from None


def _days(number: float | None) -> timedelta | None:
    return None if number is None else timedelta(days=number)
