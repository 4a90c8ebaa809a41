"""Every error that pwb_oauth raises.

::

    PwbOAuthError
    ├─ ConfigurationError
    │   ├─ MissingExtraError (also ImportError)
    │   └─ UnsupportedPywikibotError
    ├─ TransportError
    │   └─ DeadlineExceededError
    ├─ AuthorizationError
    │   ├─ AuthorizationDeniedError
    │   ├─ LoginRequiredError
    │   ├─ PendingExpiredError
    │   ├─ StateMismatchError
    │   └─ TokenRequestError
    ├─ IdentityError
    │   └─ UsernameMismatchError
    └─ TokenStoreError
        ├─ ReadOnlyStoreError
        ├─ StoreUnavailableError
        └─ TokenDecryptionError

No message, attribute or chained exception holds a secret, and every message says what to do next.
Inside Pywikibot an error that it should not retry (each but a :class:`TransportError` that is no
:class:`DeadlineExceededError`) is at the same time a ``pywikibot.exceptions.FatalServerError``.
"""

from __future__ import annotations

__all__ = [
    "AuthorizationDeniedError",
    "AuthorizationError",
    "ConfigurationError",
    "DeadlineExceededError",
    "IdentityError",
    "LoginRequiredError",
    "MissingExtraError",
    "PendingExpiredError",
    "PwbOAuthError",
    "ReadOnlyStoreError",
    "StateMismatchError",
    "StoreUnavailableError",
    "TokenDecryptionError",
    "TokenRequestError",
    "TokenStoreError",
    "TransportError",
    "UnsupportedPywikibotError",
    "UsernameMismatchError",
]


class PwbOAuthError(Exception):
    """The base of all errors of this library."""


class ConfigurationError(PwbOAuthError):
    """A setting, an address or an argument cannot be used."""


class MissingExtraError(ConfigurationError, ImportError):
    """An optional dependency is not installed.

    Attributes:
        extra: The extra of ``pwb-oauth`` that brings it, such as ``sandbox``.
    """

    def __init__(self, extra: str) -> None:
        """Name the extra and how to install it."""
        super().__init__(f"More packages are needed: pip install 'pwb-oauth[{extra}]'")
        self.extra = extra

    def __reduce__(self) -> tuple[type[MissingExtraError], tuple[str]]:
        """Pickle by the extra, since ``args`` holds the message."""
        return type(self), (self.extra,)


class UnsupportedPywikibotError(ConfigurationError):
    """The installed Pywikibot is not one that the hooks fit."""


class TransportError(PwbOAuthError):
    """The wiki could not be talked to, or answered nonsense; trying again may help."""


class DeadlineExceededError(TransportError):
    """The wiki took longer than a web request can wait."""

    def __init__(self, message: str | None = None) -> None:
        """Say so."""
        super().__init__(
            message
            or "The wiki took too long for a web request. Whether it carried out what it was asked "
            "last is not known: look before you try again."
        )


class AuthorizationError(PwbOAuthError):
    """The wiki or the user did not give, or does not honour, an access token."""


class AuthorizationDeniedError(AuthorizationError):
    """The user pressed Cancel, or the wiki said so."""


class LoginRequiredError(AuthorizationError):
    """The access token is revoked, expired for good, or was never there: log in again.

    Attributes:
        error: The wiki's code for it, such as ``access_denied`` of a disabled consumer; None if it
            gave none.
    """

    def __init__(self, message: str, error: str | None = None) -> None:
        """Keep the wiki's code beside the message."""
        super().__init__(message, error)
        self.error = error

    def __str__(self) -> str:
        """The message alone."""
        return str(self.args[0])


class PendingExpiredError(AuthorizationError):
    """The authorization was begun too long ago, or was completed already."""


class StateMismatchError(AuthorizationError):
    """The address that the browser came back to does not belong to this authorization."""


class TokenRequestError(AuthorizationError):
    """The wiki refused to give an access token.

    Attributes:
        error: The wiki's code for it, such as ``invalid_client`` or
            ``mwoauthdatastore-request-token-not-found``; None if it gave none.
    """

    def __init__(self, message: str, error: str | None = None) -> None:
        """Keep the wiki's code beside the message."""
        super().__init__(message, error)
        self.error = error

    def __str__(self) -> str:
        """The message alone."""
        return str(self.args[0])


class IdentityError(PwbOAuthError):
    """Who an access token belongs to cannot be established."""


class UsernameMismatchError(IdentityError):
    """The access token belongs to another account than expected.

    Attributes:
        expected: The user name that was asked for.
        actual: The user name that the wiki knows the access token by.
    """

    def __init__(self, expected: str, actual: str) -> None:
        """Say both names."""
        super().__init__(expected, actual)
        self.expected = expected
        self.actual = actual

    def __str__(self) -> str:
        """Both names, and what to do."""
        return (
            f"The access token belongs to {self.actual!r}, but {self.expected!r} was expected. "
            f"Nothing was edited. Name {self.actual!r} in usernames of user-config.py, "
            f"or log in as {self.expected!r}. If the access token is in PWB_OAUTH_TOKEN, change "
            "that or PWB_OAUTH_USERNAME."
        )


class TokenStoreError(PwbOAuthError):
    """A token store, or what it holds, cannot be used."""


class StoreUnavailableError(TokenStoreError):
    """The store is not there, is locked, or went away."""


class ReadOnlyStoreError(TokenStoreError):
    """The store can only be read."""


class TokenDecryptionError(TokenStoreError):
    """A stored credential cannot be decrypted with the keys at hand."""
