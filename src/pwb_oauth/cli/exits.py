"""The exit codes, which scripts can trust."""

from __future__ import annotations

from enum import IntEnum

from pwb_oauth.errors import (
    ConfigurationError,
    LoginRequiredError,
    MissingExtraError,
    TokenRequestError,
    UnsupportedPywikibotError,
)


class Exit(IntEnum):
    """What a run ended with. Source: the manners of ``gh``."""

    FINE = 0
    FAILED = 1
    WRONG_USE = 2
    NO_CREDENTIAL = 4
    """None is stored, or the wiki refuses it."""
    INTERRUPTED = 130


def exit_of(error: Exception) -> Exit:
    """The exit code for an error."""
    if isinstance(error, (LoginRequiredError, TokenRequestError)):
        return Exit.NO_CREDENTIAL
    if isinstance(error, (MissingExtraError, UnsupportedPywikibotError)):
        return Exit.FAILED
    return Exit.WRONG_USE if isinstance(error, ConfigurationError) else Exit.FAILED
