"""Sealing a visitor's credential: it takes the application's key and the cookie to open it.

The key of each row is derived by HKDF-SHA256 from the cookie's random bytes, salted with the
application's key, for the row's id, its wiki and its user. So the table alone, the table with the
application's key, and a cookie alone open nothing, and what was moved to another row does not open.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from pwb_oauth.credential import Credential
from pwb_oauth.encryption import Cipher, Encrypted
from pwb_oauth.errors import TokenStoreError

if TYPE_CHECKING:
    from pwb_oauth.web.sealed_store import SealedRow
    from pwb_oauth.web.settings import WebSettings

_KEY_ID = re.compile(r"[0-9a-f]{8}")


class Seal:
    """Seals and unseals for one web tool."""

    def __init__(self, settings: WebSettings) -> None:
        """Seal for this purpose alone."""
        self._settings = settings
        self._cipher = Cipher.of("web", settings.encryption_keys)

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The ids of the application's keys, newest first."""
        return tuple(self._cipher.keys)

    def misses_key_of(self, row: SealedRow) -> bool:
        """Whether a row needs a key that is not among the application's.

        What is no id at all was written by somebody else: the row is damaged.
        """
        return row.key_id not in self._cipher.keys and bool(_KEY_ID.fullmatch(row.key_id))

    def seal(self, credential: Credential, row_id: str, key: bytes) -> Encrypted:
        """Seal a credential under the newest of the application's keys.

        Args:
            credential: The credential; its ``subject`` is known.
            row_id: The row it is for.
            key: The browser's half of the key: 32 random bytes.
        """
        context = (row_id, self._settings.wiki.central.name, str(credential.subject))
        return self._cipher.encrypt(credential.to_json(), *context, secret=key)

    def unseal(self, row: SealedRow, key: bytes) -> Credential | None:
        """Open a row.

        Returns:
            None if it cannot be opened: the key does not fit, the application's key is gone, the
            text or what stands beside it was changed, or it is of another consumer or wiki than
            this web tool's.
        """
        if row.wiki != self._settings.wiki.central.name:
            return None
        context = (row.row_id, row.wiki, row.subject)
        try:
            text = self._cipher.decrypt(Encrypted(row.key_id, row.sealed), *context, secret=key)
            credential = Credential.from_json(text)
        except TokenStoreError:
            return None
        consumer = self._settings.consumer
        sealed_for = credential.consumer
        if (sealed_for.key, sealed_for.oauth_version) != (consumer.key, consumer.oauth_version):
            return None
        # Its secret may have been changed since.
        return replace(credential, consumer=consumer)
