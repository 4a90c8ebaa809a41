"""``manage.py purge_wiki_accounts``."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from pwb_oauth.errors import PwbOAuthError
from pwb_oauth.web.django import conf

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    """Delete the user sessions that are over."""

    help = (
        "Delete the user sessions that have ended. Without options the lifetimes of the settings "
        "decide. Run it once a day."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Days, in which operators think."""
        parser.add_argument("--older-than", type=float, metavar="DAYS", help="Since the login.")
        parser.add_argument("--idle", type=float, metavar="DAYS", help="Since the last use.")

    def handle(self, *_: Any, **options: Any) -> None:
        """Delete them."""
        try:
            deleted = conf.flow().purge(_days(options["older_than"]), _days(options["idle"]))
        except PwbOAuthError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Deleted: {deleted}")


def _days(number: float | None) -> timedelta | None:
    return None if number is None else timedelta(days=number)
