"""A visitor's session: one browser that somebody signed in with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pwb_oauth.credential import Secret

if TYPE_CHECKING:
    from datetime import datetime

    from pwb_oauth.credential import Credential
    from pwb_oauth.wiki import Wiki


@dataclass(frozen=True, eq=False)
class UserSession(Secret):
    """One browser that somebody signed in with. What it says comes from the unsealed text alone.

    Attributes:
        row_id: Which row of the store it is.
        wiki: The wiki on which the consumer is registered.
        ends_at: When it ends unless it is used before, as aware UTC.
        credential: Secret; what the user's approval yielded.
        key: Secret; the browser's half of what unseals the row.
    """

    row_id: str
    wiki: Wiki
    ends_at: datetime
    credential: Credential = field(repr=False)
    key: bytes = field(repr=False)

    @property
    def username(self) -> str:
        """The user name; it may change, so keep :attr:`subject` instead."""
        return self.credential.username

    @property
    def subject(self) -> str:
        """The user's id on the wiki, which outlives a rename; on a farm that of the account."""
        return str(self.credential.subject)

    @property
    def grants(self) -> tuple[str, ...]:
        """What the user approved, sorted."""
        return self.credential.grants

    @property
    def oauth_version(self) -> str:
        """``1.0a`` or ``2.0``."""
        return self.credential.oauth_version

    @property
    def logged_in_at(self) -> datetime:
        """When the user signed in, as aware UTC."""
        return self.credential.logged_in_at
