"""A secret that lies in a file: where, what it is for, and whether it can be moved."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from pwb_oauth.credential import Secret
from pwb_oauth.tokens import TokenKey

if TYPE_CHECKING:
    from pathlib import Path

    from pwb_oauth.credential import Consumer, OAuth1AccessToken
    from pwb_oauth.wiki import Wiki


class Kind(Enum):
    """What a secret is, in a person's words."""

    PASSWORD = "password"  # noqa: S105  # the word, not one
    BOT_PASSWORD = "BotPassword"  # noqa: S105  # the word, not one
    OAUTH1 = "OAuth 1.0a tuple"
    COOKIES = "session cookies"
    VARIABLE = "variable"


@dataclass(frozen=True)
class Use:
    """A wiki that a secret lets somebody in to.

    Attributes:
        wiki: The wiki.
        username: Whom ``usernames`` names there; None if nobody, so that only the wiki can tell.
    """

    wiki: Wiki
    username: str | None

    @property
    def key(self) -> TokenKey | None:
        """Where its credential belongs; None as long as the user is not known."""
        if self.username is None:
            return None
        return TokenKey(self.wiki.central.name, self.username)

    def __str__(self) -> str:
        """As people write it."""
        return f"{self.username or '?'} on {self.wiki.name}"


@dataclass(frozen=True)
class Finding(Secret):
    """A secret that lies in a file.

    Attributes:
        path: The file.
        line: Its first line there, from 1; None where it is not known.
        kind: What it is.
        label: Which it is, without a secret: the user, the hosts that it is given to, its name.
        uses: What it is for.
        problem: Why it cannot be moved, and what to do instead; None if it can.
        source: The text in the file that holds it.
        token: The consumer and the access token, of an OAuth 1.0a tuple that can be moved.
    """

    path: Path
    line: int | None
    kind: Kind
    label: str
    uses: tuple[Use, ...] = ()
    problem: str | None = None
    source: str = field(default="", repr=False)
    token: tuple[Consumer, OAuth1AccessToken] | None = field(default=None, repr=False)

    @property
    def place(self) -> str:
        """The file's name and the line."""
        return self.path.name if self.line is None else f"{self.path.name}:{self.line}"

    def __str__(self) -> str:
        """Which secret it is, without it."""
        of = "" if self.kind is Kind.VARIABLE else "of "
        return f"{self.place} {self.kind.value} {of}{self.label}"
