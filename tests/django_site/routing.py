"""Which database a test uses."""

from __future__ import annotations

import os

from pwb_oauth.web.django.routers import UserSessionRouter

_ours = UserSessionRouter()


class Router:
    """Sends everything to one database, and user sessions to a file of their own if told to.

    Attributes:
        everything: Where.
        own_file: Whether user sessions have a file of their own.
    """

    everything = os.environ.get("DJANGO_SITE_EVERYTHING", "default")
    own_file = os.environ.get("DJANGO_SITE_OWN_FILE") == "1"

    def db_for_read(self, model, **hints):
        own = _ours.db_for_read(model) if self.own_file else None
        return own or self.everything

    db_for_write = db_for_read

    def allow_relation(self, *_, **__):
        return True

    def allow_migrate(self, db, app_label, model_name=None, **hints):
        return _ours.allow_migrate(db, app_label, model_name) if db == "pwb_oauth" else True
