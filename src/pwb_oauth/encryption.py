"""Encrypting under the application's keys.

The application has a few keys of 32 random bytes, newest first. None of them encrypts anything:
whatever is encrypted has a key of its own, derived by HKDF-SHA256 from the application's key, the
purpose and the context, which is what the text belongs to, such as an account. A text that was
put elsewhere, or that was encrypted for another purpose, does not decrypt.

Beside it stands the id of the application's key, which tells nothing about the key.

Source: RFC 5869 (HKDF); the Fernet specification, https://github.com/fernet/spec.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pwb_oauth.credential import Secret
from pwb_oauth.errors import ConfigurationError, MissingExtraError, TokenDecryptionError

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

KEYS_VARIABLE = "PWB_OAUTH_ENCRYPTION_KEYS"
_KEY_BYTES = 32
_WRITTEN_KEY = re.compile(r"[A-Za-z0-9_-]{43}=")
_WRITTEN_ID = re.compile(r"[0-9a-f]{8}")
_ID_LABEL = b"pwb_oauth: id of an application's key"


def new_key() -> str:
    """Make a key for ``PWB_OAUTH_ENCRYPTION_KEYS``, as ``Fernet.generate_key`` does."""
    return base64.urlsafe_b64encode(os.urandom(_KEY_BYTES)).decode()


@dataclass(frozen=True)
class Encrypted:
    """A text that was encrypted.

    Attributes:
        key_id: Which of the application's keys it needs, as 8 hexadecimal digits.
        value: The encrypted text, ASCII, about 4/3 as long as the text.
    """

    key_id: str
    value: str = field(repr=False)


@dataclass(frozen=True, eq=False)
class Cipher(Secret):
    """Encrypts for one purpose. The newest key encrypts; what an older one encrypted decrypts.

    Attributes:
        purpose: What is encrypted: ``store`` for the credentials of a token store.
        keys: The application's keys by their ids, newest first.
    """

    purpose: str
    keys: dict[str, bytes] = field(repr=False)

    @classmethod
    def of(cls, purpose: str, keys: str | None = None) -> Cipher:
        """Encrypt with these keys.

        Args:
            purpose: What is encrypted.
            keys: The application's keys, newest first, separated by spaces; each is the URL-safe
                base64 of 32 random bytes. None reads ``PWB_OAUTH_ENCRYPTION_KEYS``.

        Raises:
            ConfigurationError: There is no key, or one is malformed.
            MissingExtraError: cryptography is not installed.
        """
        try:
            import cryptography  # noqa: F401, PLC0415  # an extra: only where something is encrypted
        except ModuleNotFoundError:
            raise MissingExtraError("sql") from None
        written = (os.environ.get(KEYS_VARIABLE, "") if keys is None else keys).split()
        if not written:
            raise ConfigurationError(
                f"There is no key to encrypt with. Make one by pwb-oauth key, keep it where only "
                f"this application can read it, and put it into {KEYS_VARIABLE}."
            )
        decoded = [_decode(key, number) for number, key in enumerate(written, 1)]
        return cls(purpose, {_key_id(key): key for key in decoded})

    @property
    def key_id(self) -> str:
        """The id of the newest key: what is encrypted from now on needs it."""
        return next(iter(self.keys))

    def encrypt(self, text: str, *context: str, secret: bytes | None = None) -> Encrypted:
        """Encrypt a text under the newest key.

        Args:
            text: The text.
            context: What it belongs to, in as many parts as it takes.
            secret: A second key, at least 32 random bytes, that is kept elsewhere: without it the
                application's keys do not decrypt the text.
        """
        token = self._fernet(self.key_id, context, secret).encrypt(text.encode())
        return Encrypted(self.key_id, token.decode())

    def decrypt(self, encrypted: Encrypted, *context: str, secret: bytes | None = None) -> str:
        """Decrypt what :meth:`encrypt` returned, for the same purpose, context and second key.

        Raises:
            TokenDecryptionError: The key is not at hand, or the text is damaged, belongs to
                something else or was encrypted for another purpose.
        """
        from cryptography.fernet import InvalidToken  # noqa: PLC0415  # an extra

        if encrypted.key_id not in self.keys:
            raise self._missing_key(encrypted.key_id)
        try:
            text = self._fernet(encrypted.key_id, context, secret).decrypt(encrypted.value)
        except (InvalidToken, ValueError):
            text = None
        if text is None:
            raise _damaged()
        return text.decode()

    def _fernet(self, key_id: str, context: tuple[str, ...], secret: bytes | None) -> Fernet:
        from cryptography.fernet import Fernet  # noqa: PLC0415  # an extra
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

        # As JSON no two contexts are written alike, whatever their parts hold.
        info = json.dumps(["pwb_oauth", self.purpose, *context]).encode()
        key = self.keys[key_id]
        # The application's key as salt: it is secret too, and either alone derives nothing.
        salt, material = (None, key) if secret is None else (key, secret)
        derived = HKDF(SHA256(), _KEY_BYTES, salt=salt, info=info).derive(material)
        return Fernet(base64.urlsafe_b64encode(derived))

    def _missing_key(self, key_id: str) -> TokenDecryptionError:
        if not _WRITTEN_ID.fullmatch(key_id):
            return _damaged()
        return TokenDecryptionError(
            f"The stored credential needs the encryption key with the id {key_id}, and "
            f"{KEYS_VARIABLE} holds {' and '.join(self.keys)}. It was left as it is: add that key "
            "behind the newest one. If it is lost, log in again."
        )


def _damaged() -> TokenDecryptionError:
    return TokenDecryptionError(
        "The stored credential is damaged, or was stored for another account. "
        "It was left as it is: log in again to replace it."
    )


def _decode(written: str, number: int) -> bytes:
    """The 32 bytes of a key. ``number`` stands for the key in the error."""
    if _WRITTEN_KEY.fullmatch(written):
        return base64.urlsafe_b64decode(written)
    raise ConfigurationError(
        f"Key number {number} of {KEYS_VARIABLE} is malformed: a key has 44 characters, letters, "
        "digits, - and _ with a = at the end. Copy it again, as a whole, or make one by "
        "pwb-oauth key. Keys are separated by spaces."
    )


def _key_id(key: bytes) -> str:
    return hmac.digest(key, _ID_LABEL, "sha256").hex()[:8]
