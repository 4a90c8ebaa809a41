"""What is kept between leaving for the wiki and coming back: an encrypted cookie an attempt."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pwb_oauth.answers import mismatch
from pwb_oauth.credential import PENDING_LIFETIME, PendingAuthorization, Secret
from pwb_oauth.encryption import Cipher, Encrypted
from pwb_oauth.errors import TokenDecryptionError
from pwb_oauth.web.cookies import Cookie, CookieNames

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pwb_oauth.web.settings import WebSettings

MAX_PENDING = 5
"""How many attempts a browser can have under way; the oldest one gives way."""


@dataclass(frozen=True)
class Attempt(Secret):
    """A visitor on the way to the wiki.

    Attributes:
        pending: What the protocol keeps.
        next_url: Where the visitor goes afterwards.
    """

    pending: PendingAuthorization
    next_url: str


class PendingCookies:
    """The attempts of a browser, each in a cookie that is named after its ``state``.

    A second tab has an attempt of its own, and nothing is kept on the server for visitors who never
    come back.
    """

    def __init__(self, settings: WebSettings, names: CookieNames) -> None:
        """Encrypt for this purpose alone."""
        self._settings = settings
        self._names = names
        self._cipher = Cipher.of("pending", settings.encryption_keys)

    def keep(self, attempt: Attempt, cookies: Mapping[str, str]) -> tuple[Cookie, ...]:
        """The cookie of a new attempt, and what makes room for it.

        Args:
            attempt: The attempt.
            cookies: What the browser has.
        """
        name = self._names.pending(attempt.pending.state)
        lifetime = int(PENDING_LIFETIME.total_seconds())
        cookie = Cookie(name, self._encrypt(name, attempt), lifetime, self._names.secure)
        return (cookie, *map(self._names.deleted, self._surplus(cookies)))

    def find(self, state: str, cookies: Mapping[str, str]) -> Attempt:
        """The attempt that the wiki answers.

        Args:
            state: What the wiki sent back: ``state`` or ``oauth_token``.
            cookies: What the browser has.

        Raises:
            StateMismatchError: This browser never left with it.
        """
        attempt = self._decrypt(self._names.pending(state), cookies)
        if attempt is None:
            raise mismatch()
        return attempt

    def _surplus(self, cookies: Mapping[str, str]) -> list[str]:
        """Those that are one too many: the unreadable first, then the oldest."""
        began: dict[str, float] = {}
        for name in self._names.all_pending(cookies):
            attempt = self._decrypt(name, cookies)
            began[name] = attempt.pending.began_at.timestamp() if attempt else 0
        oldest_first = sorted(began, key=lambda name: began[name])
        return oldest_first[: max(0, len(began) + 1 - MAX_PENDING)]

    def _encrypt(self, name: str, attempt: Attempt) -> str:
        pending, consumer = attempt.pending, self._settings.consumer
        text = json.dumps(
            {
                "state": pending.state,
                "secret": pending.secret,
                "wiki": self._settings.wiki.central.index_url,
                "consumer": [consumer.oauth_version, consumer.key],
                "began_at": pending.began_at.isoformat(),
                "next_url": attempt.next_url,
            },
            ensure_ascii=False,  # a cookie has no room for six characters in the place of one
        )
        encrypted = self._cipher.encrypt(text, name)
        return f"v1.{encrypted.key_id}.{encrypted.value}"

    def _decrypt(self, name: str, cookies: Mapping[str, str]) -> Attempt | None:
        """What a cookie holds; None if there is none, or none of this tool as it is set up now."""
        version, _, rest = cookies.get(name, "").partition(".")
        key_id, _, value = rest.partition(".")
        if version != "v1":
            return None
        try:
            kept = json.loads(self._cipher.decrypt(Encrypted(key_id, value), name))
        except TokenDecryptionError:
            return None
        consumer = self._settings.consumer
        if kept["consumer"] != [consumer.oauth_version, consumer.key]:
            return None
        pending = PendingAuthorization(
            consumer=consumer,
            url=kept["wiki"],
            state=kept["state"],
            secret=kept["secret"],
            began_at=datetime.fromisoformat(kept["began_at"]),
        )
        return Attempt(pending, kept["next_url"])
