"""``manage.py check_wiki_oauth``."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from pwb_oauth.errors import PwbOAuthError
from pwb_oauth.web.check import check_consumer
from pwb_oauth.web.django import conf


class Command(BaseCommand):
    """Ask the wiki whether it knows the consumer."""

    help = (
        "Ask the wiki whether client id, client secret and callback URL are those of a registered "
        "consumer. Nobody's access is touched."
    )

    def handle(self, *_: Any, **__: Any) -> None:
        """Ask, and say what is wrong."""
        try:
            verdict = check_consumer(conf.read_settings())
        except PwbOAuthError as error:
            raise CommandError(str(error)) from None
        if verdict.findings:
            said = (f"{each.problem} {each.remedy}" for each in verdict.findings)
            raise CommandError("\n".join(said))
        for note in verdict.notes:
            self.stdout.write(note)
