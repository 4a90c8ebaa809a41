"""What a visitor reads when something fails, and what the operator finds in the log."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from http import HTTPStatus

from pwb_oauth.errors import (
    AuthorizationDeniedError,
    ConfigurationError,
    DeadlineExceededError,
    IdentityError,
    LoginRequiredError,
    PendingExpiredError,
    PwbOAuthError,
    StateMismatchError,
    TokenRequestError,
    TokenStoreError,
    TransportError,
)

LOGGER = logging.getLogger("pwb_oauth.web")

_SOON = 30
"""Seconds after which a visitor may try again."""

# The wiki's codes for a consumer that nobody can use now.
_CONSUMER_CODES = frozenset({"access_denied", "mwoauth-invalid-authorization-not-approved"})
# What api.php says where a user may not edit. Source: MediaWiki's ApiMessage and block errors.
_BLOCK_CODES = frozenset(
    {
        "autoblocked",
        "blocked",
        "globalblocking-blockederror",
        "mwoauth-invalid-authorization-blocked-user",
        "systemblocked",
    }
)


@dataclass(frozen=True)
class Problem:
    """Something that failed, for those who are concerned.

    Attributes:
        status: The HTTP status of the page.
        title: A heading for the visitor.
        text: What happened and what the visitor can do, in plain text.
        log: A line for the operator, without a secret.
        level: How grave it is for the operator, as a level of :mod:`logging`.
        retry_after: Seconds after which to try again; None where that helps nothing.
        sign_in: Whether to offer the visitor the button to sign in.
    """

    status: int
    title: str
    text: str
    log: str
    level: int = logging.WARNING
    retry_after: int | None = None
    sign_in: bool = False


def problem_of(error: BaseException) -> Problem | None:
    """What to show for an error.

    Args:
        error: What a view raised; Pywikibot may have wrapped ours into one of its own.

    Returns:
        None if it is neither ours nor Pywikibot's word for a wiki that cannot be asked, a user who
        is blocked, or a captcha.
    """
    cause = _unwrapped(error)
    if isinstance(cause, PwbOAuthError):
        return _of_ours(cause)
    return _of_pywikibot(cause)


def _unwrapped(error: BaseException) -> BaseException:
    """What Pywikibot's ``OtherPageSaveError`` was raised for."""
    reason = getattr(error, "reason", None)
    return reason if isinstance(reason, BaseException) else error


def _of_ours(error: PwbOAuthError) -> Problem:
    for kind, make in _MAKERS.items():
        if isinstance(error, kind):
            return make(error)
    return _misconfigured(error)


def _denied(error: PwbOAuthError) -> Problem:
    return Problem(
        HTTPStatus.FORBIDDEN,
        "You are not signed in",
        "You did not allow the access on the wiki, so nothing was changed. If you did not mean "
        "that, sign in again and press Allow.",
        f"A visitor did not allow the access: {error}",
        logging.INFO,
        sign_in=True,
    )


def _astray(_error: PwbOAuthError) -> Problem:
    return Problem(
        HTTPStatus.BAD_REQUEST,
        "This sign-in was not begun here",
        "You came from the wiki without having left from this site in the same browser, or this "
        "address was used before. Sign in again. If it happens again, allow cookies for this site.",
        "A callback without a matching attempt in the browser's cookies. Many of them: see that "
        "visitors reach this site by the host of PWB_OAUTH_CALLBACK_URL and no other.",
        logging.INFO,
        sign_in=True,
    )


def _too_late(error: PwbOAuthError) -> Problem:
    return Problem(
        HTTPStatus.BAD_REQUEST,
        "That took too long",
        "You left for the wiki more than ten minutes ago. Sign in again.",
        f"A visitor came back too late: {error}",
        logging.INFO,
        sign_in=True,
    )


def _refused(error: PwbOAuthError) -> Problem:
    code = getattr(error, "error", None)
    if code in _CONSUMER_CODES:
        return _consumer_disabled(error)
    if code == "invalid_client":
        return _misconfigured(error)
    return Problem(
        HTTPStatus.BAD_REQUEST,
        "The wiki did not sign you in",
        "The wiki did not accept this sign-in; a page that is loaded twice does that. "
        "Sign in again.",
        f"The wiki refused a sign-in (code {code}): {error}",
        sign_in=True,
    )


def _signed_out(error: PwbOAuthError) -> Problem:
    code = getattr(error, "error", None)
    if code in _CONSUMER_CODES:
        return _consumer_disabled(error)
    if code in _BLOCK_CODES:
        return _blocked(str(error))
    return Problem(
        HTTPStatus.FORBIDDEN,
        "Please sign in again",
        "The wiki does not accept your earlier sign-in any more, because it was withdrawn, has "
        "ended, or you signed out in another tab. What you did last was not saved.",
        f"A visitor has to sign in again: {error}",
        logging.INFO,
        sign_in=True,
    )


def _consumer_disabled(error: PwbOAuthError) -> Problem:
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Signing in does not work at the moment",
        "The wiki does not let this tool sign anybody in. Its operators have been told.",
        f"The wiki does not accept the consumer, which is not approved or was disabled: {error} "
        "See its page, Special:OAuthListConsumers, on the wiki.",
        logging.ERROR,
    )


def _blocked(log: str) -> Problem:
    return Problem(
        HTTPStatus.FORBIDDEN,
        "Your account may not do this",
        "The wiki says that your account or its address is blocked. See your talk page there.",
        f"A visitor's account is blocked: {log}",
        logging.INFO,
    )


def _captcha(error: BaseException) -> Problem:
    return Problem(
        HTTPStatus.FORBIDDEN,
        "The wiki asks for a captcha",
        "The wiki wants to see that a person makes this edit, and it was not saved. Make it on the "
        "wiki itself.",
        f"A visitor would have to solve a captcha: {error}",
        logging.INFO,
    )


def _nobody(error: PwbOAuthError) -> Problem:
    return Problem(
        HTTPStatus.BAD_GATEWAY,
        "The wiki does not say who you are",
        "The wiki did not name your account, so you are not signed in. Try again later.",
        f"The wiki's answer about a visitor cannot be used: {error}",
        sign_in=True,
    )


def _slow(error: PwbOAuthError) -> Problem:
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The wiki takes too long",
        "The wiki is slow just now. Look on the wiki whether what you did last was saved before "
        "you try again.",
        f"The wiki took longer than a web request may: {error}",
        retry_after=_SOON,
    )


def _unreachable(error: BaseException) -> Problem:
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The wiki cannot be reached",
        "The wiki does not answer just now. Look on the wiki whether what you did last was saved "
        "before you try again.",
        f"The wiki cannot be reached: {error}",
        retry_after=_SOON,
    )


def _storage(error: PwbOAuthError) -> Problem:
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "This site cannot reach its database",
        "Something is wrong with this site, not with the wiki. Try again in a minute.",
        f"The user sessions cannot be read or written: {error}",
        logging.ERROR,
        retry_after=_SOON,
    )


def _misconfigured(error: PwbOAuthError) -> Problem:
    return Problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "This site is not set up correctly",
        "Something is wrong with this site, not with you or the wiki. Its operators have been "
        "told.",
        f"The web tool is not set up correctly: {error}",
        logging.ERROR,
    )


# Narrower ones first.
_MAKERS = {
    AuthorizationDeniedError: _denied,
    StateMismatchError: _astray,
    PendingExpiredError: _too_late,
    TokenRequestError: _refused,
    LoginRequiredError: _signed_out,
    IdentityError: _nobody,
    DeadlineExceededError: _slow,
    TransportError: _unreachable,
    TokenStoreError: _storage,
    ConfigurationError: _misconfigured,
}


def _of_pywikibot(error: BaseException) -> Problem | None:
    exceptions = sys.modules.get("pywikibot.exceptions")
    if exceptions is None:
        return None
    if isinstance(error, exceptions.CaptchaError):
        return _captcha(error)
    code = getattr(error, "code", None)
    if isinstance(error, exceptions.APIError) and code in _BLOCK_CODES:
        return _blocked(str(code))
    if isinstance(error, (exceptions.ApiTimeoutError, exceptions.ServerError)):
        return _unreachable(error)
    return None
