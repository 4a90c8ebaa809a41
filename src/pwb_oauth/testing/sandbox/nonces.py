"""The nonces of OAuth 1.0a that were used, forgotten as soon as a wiki forgets them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

LIFETIME = 300
"""Seconds. A request with an older timestamp is refused anyway."""


class Nonces:
    """Remembers what was used, by the second and in few bytes: a bot makes thousands of them."""

    def __init__(self) -> None:
        self._used: dict[int, set[int]] = {}

    def burn(self, nonce: str, now: datetime) -> bool:
        """Use a nonce.

        Args:
            nonce: With the key of its consumer.
            now: The wiki's time.

        Returns:
            Whether it was not used yet.
        """
        second, known = int(now.timestamp()), hash(nonce)
        for old in [each for each in self._used if second - each >= LIFETIME]:
            del self._used[old]
        if any(known in used for used in self._used.values()):
            return False
        self._used.setdefault(second, set()).add(known)
        return True
