"""Handles: what a background job is given so that it can act as the visitor who started it."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import TYPE_CHECKING

from pwb_oauth import clock
from pwb_oauth.encryption import Cipher, Encrypted
from pwb_oauth.errors import LoginRequiredError, TokenDecryptionError
from pwb_oauth.web.cookies import SessionCookie

if TYPE_CHECKING:
    from datetime import timedelta

    from pwb_oauth.web.settings import WebSettings
    from pwb_oauth.web.user_session import UserSession


class Handles:
    """Encrypts what opens a user session, for one task and for some time.

    It goes through a queue that others may read, and opens nothing without the application's key
    and the row.
    """

    def __init__(self, settings: WebSettings) -> None:
        """Encrypt for this purpose alone."""
        self._cipher = Cipher.of("job", settings.encryption_keys)

    def make(self, session: UserSession, task: str, lifetime: timedelta) -> str:
        """Make a handle.

        Args:
            session: Whom the job acts as.
            task: Which task it is for.
            lifetime: For how long it can be begun.

        Returns:
            ASCII text.
        """
        text = json.dumps(
            {
                "row_id": session.row_id,
                "key": base64.b64encode(session.key).decode(),
                "expires_at": (clock.now() + lifetime).isoformat(),
            }
        )
        encrypted = self._cipher.encrypt(text, task)
        return f"v1.{encrypted.key_id}.{encrypted.value}"

    def read(self, handle: str, task: str) -> SessionCookie:
        """What opens the user session.

        Raises:
            LoginRequiredError: It is expired, damaged, for another task, or its key is gone.
        """
        version, _, rest = handle.partition(".")
        key_id, _, value = rest.partition(".")
        try:
            kept = json.loads(self._cipher.decrypt(Encrypted(key_id, value), task))
        except TokenDecryptionError:
            kept = None
        if version != "v1" or kept is None:
            raise _unusable("damaged, for another task, or its encryption key was removed")
        if clock.now() >= datetime.fromisoformat(kept["expires_at"]):
            raise _unusable("expired")
        return SessionCookie(kept["row_id"], base64.b64decode(kept["key"]))


def _unusable(why: str) -> LoginRequiredError:
    return LoginRequiredError(
        f"The handle of this job is {why}. Let the visitor start the job again."
    )
