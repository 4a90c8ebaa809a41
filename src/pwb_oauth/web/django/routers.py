"""A database of their own for the user sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.db.models import Model

ALIAS = "pwb_oauth"
_MODEL = "sealedusersession"


class UserSessionRouter:
    """Keeps user sessions in the database ``pwb_oauth`` of ``DATABASES``, and nothing else there.

    An SQLite file can be written by one transaction at a time. Where the site's own transaction has
    it, a visitor's tokens could not be renewed; a file of their own is always free.
    """

    def db_for_read(self, model: type[Model], **_: Any) -> str | None:
        """Where a model is read."""
        return ALIAS if model._meta.label_lower == f"{ALIAS}.{_MODEL}" else None  # noqa: SLF001

    db_for_write = db_for_read

    def allow_migrate(
        self, db: str, app_label: str, model_name: str | None = None, **_: Any
    ) -> bool | None:
        """Whether a model has its table there."""
        if (app_label, model_name) == ("pwb_oauth", _MODEL):
            return db == ALIAS
        return False if db == ALIAS else None
