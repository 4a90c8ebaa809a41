"""What the operator is told of visitors who are signed out by no doing of their own."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pwb_oauth import clock
from pwb_oauth.web.problems import LOGGER

if TYPE_CHECKING:
    from datetime import datetime

    from pwb_oauth.web.sealed_store import SealedRow
    from pwb_oauth.web.sealing import Seal
    from pwb_oauth.web.settings import WebSettings

_TOLD_EVERY = timedelta(hours=1)


class Notices:
    """Writes them into the log, for one web tool."""

    def __init__(self, settings: WebSettings, seal: Seal) -> None:
        """Tell nothing yet."""
        self._settings = settings
        self._seal = seal
        self._told_at: dict[str, datetime] = {}  # of which keys we said that they are missing

    def missing_key(self, row: SealedRow) -> None:
        """Tell, once an hour and not for each visitor, of a key that rows still need.

        All visitors may be concerned, and an operator who took the key out on purpose knows.
        """
        if not self._seal.misses_key_of(row):
            return
        now = clock.now()
        told_at = self._told_at.get(row.key_id)
        if told_at is not None and now - told_at < _TOLD_EVERY:
            return
        self._told_at[row.key_id] = now
        LOGGER.warning(
            "Visitors are signed out whose rows need the encryption key with the id %s, and "
            "PWB_OAUTH_ENCRYPTION_KEYS holds %s. If that key was not taken out on purpose, put it "
            "back behind the newest one, and see that all processes have the same keys. This is "
            "said once an hour at most.",
            row.key_id,
            " and ".join(self._seal.key_ids),
        )

    def end(self, row: SealedRow) -> None:
        """Tell of a user session that is too old, or was not used for too long."""
        settings = self._settings
        if clock.now() - row.last_used_at >= settings.idle:
            how, name, limit = "was not used for", "PWB_OAUTH_SESSION_IDLE", settings.idle
        else:
            how, name, limit = "has lasted for", "PWB_OAUTH_SESSION_LIFETIME", settings.lifetime
        LOGGER.info("A visitor is signed out whose user session %s %s (%s).", how, limit, name)
