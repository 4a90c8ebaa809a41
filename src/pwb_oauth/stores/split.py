"""A text of any length in a keyring that takes only short values.

Windows takes 2,560 bytes of UTF-16 a value, 1,280 characters; a credential with two tokens has
more than 5,000. So a text is cut into pieces. The first is in the *head*, behind a line that names
the slot of the others, their number and the SHA-256 digest of the whole; the others are in one of
two *slots*, a and b, numbered from 1.

A new text goes into the slot that the head does not name. Writing the head, a single call, makes
it the current one; only then the other slot is cleared. Whenever that is cut off, the head fits to
one complete text. Slots are filled upwards and cleared downwards, so what is in a slot always
begins at 1 without gaps, and what a cut-off write has left behind is found without the head.
"""

from __future__ import annotations

import hashlib
import re
from itertools import count, takewhile
from typing import Protocol

from pwb_oauth.errors import TokenStoreError

PIECE_SIZE = 1100
"""Characters of a text in one item: with the head's own line, and a terminator, below 1,280."""

_HEAD = re.compile(r"1 ([ab]) ([0-9]{1,4}) ([0-9a-f]{64}) (.*)", re.DOTALL)


class TornTextError(TokenStoreError):
    """The pieces of a text do not fit together: one is missing, or was changed meanwhile."""

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__(
            "The credential in the keyring is incomplete. "
            "It was left as it is: log in again to replace it."
        )


class Items(Protocol):
    """A keyring's items."""

    def get(self, service: str, username: str) -> str | None:
        """Read an item; None if there is none."""

    def set(self, service: str, username: str, value: str) -> None:
        """Create or overwrite an item."""

    def delete(self, service: str, username: str) -> None:
        """Delete an item that is there."""


class SplitText:
    """One text in a keyring. Of those who write it only one may do so at a time."""

    def __init__(self, items: Items, service: str, username: str) -> None:
        """Name the text.

        Args:
            items: The keyring.
            service: The head's service; those of the other pieces add ``#a1``, ``#a2``, …
            username: The user name of all items.
        """
        self._items = items
        self._service = service
        self._username = username

    def exists(self) -> bool:
        """Whether there is a head, readable or not."""
        return self._items.get(self._service, self._username) is not None

    def read(self) -> str | None:
        """Read the text; None if there is none.

        Raises:
            TornTextError: It is incomplete. If it was being written meanwhile, it no longer is
                once that has ended.
        """
        written = self._items.get(self._service, self._username)
        if written is None:
            return None
        head = _HEAD.fullmatch(written)
        if head is None:
            raise TornTextError
        slot, parts, digest, first = head.groups()
        pieces = [self._piece(slot, number) for number in range(1, int(parts) + 1)]
        text = "".join([first, *(piece or "" for piece in pieces)])
        if _digest(text) != digest:
            raise TornTextError
        return text

    def write(self, text: str) -> None:
        """Put a text in the place of the one that is there."""
        old = self._slot()
        new = "b" if old == "a" else "a"
        for unused in "ab".replace(old or "", ""):
            self._clear(unused)
        first, *rest = (text[at : at + PIECE_SIZE] for at in range(0, len(text), PIECE_SIZE))
        for number, piece in enumerate(rest, 1):
            self._items.set(self._name(new, number), self._username, piece)
        head = f"1 {new} {len(rest)} {_digest(text)} {first}"
        self._items.set(self._service, self._username, head)
        if old:
            self._clear(old)

    def delete(self) -> None:
        """Delete the text, whole or not."""
        if self.exists():
            self._items.delete(self._service, self._username)
        self._clear("a")
        self._clear("b")

    def _slot(self) -> str | None:
        """The slot that is in use; None without a head that can be read."""
        head = _HEAD.fullmatch(self._items.get(self._service, self._username) or "")
        return head[1] if head else None

    def _clear(self, slot: str) -> None:
        numbers = takewhile(lambda number: self._piece(slot, number) is not None, count(1))
        for number in reversed(list(numbers)):
            self._items.delete(self._name(slot, number), self._username)

    def _piece(self, slot: str, number: int) -> str | None:
        return self._items.get(self._name(slot, number), self._username)

    def _name(self, slot: str, number: int) -> str:
        return f"{self._service}#{slot}{number}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
