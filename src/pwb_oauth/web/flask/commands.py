"""``flask wiki-oauth``: what an operator does beside the web server."""

from __future__ import annotations

from datetime import timedelta

import click
from flask.cli import AppGroup

from pwb_oauth.web.flask import request_state

group = AppGroup("wiki-oauth", help="Sign-in with the wiki account.")


@group.command()
@click.option("--older-than", type=float, metavar="DAYS", help="Days since the login.")
@click.option("--idle", type=float, metavar="DAYS", help="Days since the last use.")
def purge(older_than: float | None, idle: float | None) -> None:
    """Delete the user sessions that have ended.

    Without options the lifetimes of the settings decide. Run it once a day.
    """
    deleted = request_state.flow().purge(_days(older_than), _days(idle))
    click.echo(f"Deleted: {deleted}")


def _days(number: float | None) -> timedelta | None:
    return None if number is None else timedelta(days=number)
