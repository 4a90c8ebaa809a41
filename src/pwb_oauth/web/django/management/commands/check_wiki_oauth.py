"""``manage.py check_wiki_oauth``."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from pwb_oauth.errors import PwbOAuthError
from pwb_oauth.web.check import check_consumer, what_it_cannot_see
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
            settings = conf.read_settings()
            findings = check_consumer(settings)
        except PwbOAuthError as error:
            raise CommandError(str(error)) from None
        if findings:
            raise CommandError("\n".join(f"{each.problem} {each.remedy}" for each in findings))
        self.stdout.write(f"{settings.wiki.central.name} knows the consumer.")
        self.stdout.write(what_it_cannot_see(settings))
