"""What is kept in the site's database. Neither model is for the admin site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models

if TYPE_CHECKING:
    from datetime import datetime


class SealedUserSession(models.Model):
    """A row of :class:`~pwb_oauth.web.django.store.DjangoSealedStore`; see ``SealedRow``.

    The sealed text is left out of ``dumpdata``: a copy could only bring tokens back that the wiki
    has replaced since.
    """

    row_id: models.CharField[str, str] = models.CharField(max_length=32, primary_key=True)
    wiki: models.CharField[str, str] = models.CharField(max_length=255)
    subject: models.CharField[str, str] = models.CharField(max_length=255)
    key_id: models.CharField[str, str] = models.CharField(max_length=8)
    sealed: models.TextField[str, str] = models.TextField(serialize=False)
    logged_in_at: models.DateTimeField[datetime, datetime] = models.DateTimeField()
    last_used_at: models.DateTimeField[datetime, datetime] = models.DateTimeField()
    ended_at: models.DateTimeField[datetime | None, datetime | None] = models.DateTimeField(
        null=True
    )
    # Empty, but in what is rolled back: see pwb_oauth.stores.turns.filling.
    reserved: models.TextField[str, str] = models.TextField(default="", serialize=False)

    class Meta:
        """Found by the primary key, by the user to log out everywhere, and by age to purge."""

        indexes = (
            models.Index(fields=["wiki", "subject"], name="pwb_oauth_of_user"),
            models.Index(fields=["logged_in_at"], name="pwb_oauth_logged_in"),
            models.Index(fields=["last_used_at"], name="pwb_oauth_last_used"),
            models.Index(fields=["ended_at"], name="pwb_oauth_ended"),
        )

    def __str__(self) -> str:
        """Nothing that would help a thief."""
        return f"user session {self.row_id[:4]}…"


class WikiUser(models.Model):
    """Which user of this site a wiki's user is.

    Attributes:
        user: The user of this site; made for the wiki's user, never found by a name or an address.
        wiki: The name of the central wiki.
        subject: The user's ``sub`` there, which a rename does not change.
        display_name: The user name on the wiki when they last signed in. It is anything that a
            wiki allows, and never a name to look a user up by.
    """

    user: models.OneToOneField[Any, Any] = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="wiki_user"
    )
    wiki: models.CharField[str, str] = models.CharField(max_length=255)
    subject: models.CharField[str, str] = models.CharField(max_length=255)
    display_name: models.CharField[str, str] = models.CharField(max_length=255)

    class Meta:
        """A wiki's user is one user here."""

        constraints = (
            models.UniqueConstraint(fields=["wiki", "subject"], name="pwb_oauth_one_user"),
        )

    def __str__(self) -> str:
        """The name to show."""
        return self.display_name
