"""How a wiki says that it does not accept an access token.

A refused request was not executed, so it may be sent again.
"""

from __future__ import annotations

from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from requests import Response

API_ERROR_HEADER = "MediaWiki-API-Error"
_INVALID = "mwoauth-invalid-authorization"


class Refusal(Enum):
    """Why a request was refused."""

    TOKEN = "token"  # noqa: S105  # a name
    """The access token has expired, was revoked, or is not known."""
    NONCE = "nonce"
    """OAuth 1.0a: the nonce was used before."""
    CLOCK = "clock"
    """OAuth 1.0a: the timestamp is more than 300 s from the wiki's."""
    SIGNATURE = "signature"
    """OAuth 1.0a: the signature is not that of the request; the access token may be good."""
    CONSUMER = "consumer"
    """The consumer is not approved, or was disabled."""
    ACCOUNT = "account"
    """The wiki refuses this account or this consumer here, whatever the token."""
    DOUBTFUL = "doubtful"
    """A bare 401, or rest.php's bare 403, which may mean anything."""


def refusal_of(response: Response) -> Refusal | None:
    """Tell whether and why a wiki refused a request's access token.

    Args:
        response: The answer of api.php or rest.php to a request with an access token.

    Returns:
        None if the token was accepted, whatever else the answer says.

    Source: recordings of MediaWiki 1.43; for the edge's 401 Phabricator T419034, RFC 6750 section
    3.1. api.php answers with HTTP 200 and names the error in a header, which holds for every format
    of the body. rest.php forbids for other reasons too, and some of its pages know one OAuth
    version alone.
    """
    code = response.headers.get(API_ERROR_HEADER, "")
    if code.startswith(_INVALID):
        return _of_api_error(code, response)
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        return Refusal.TOKEN if _challenged(response) else Refusal.DOUBTFUL
    if response.status_code == HTTPStatus.FORBIDDEN and not is_action_api(response):
        return Refusal.DOUBTFUL
    return None


def is_action_api(response: Response) -> bool:
    """Whether an answer is of api.php, not of rest.php."""
    return "/rest.php" not in urlsplit(response.url).path


def _challenged(response: Response) -> bool:
    challenge = response.headers.get("WWW-Authenticate", "")
    return 'error="invalid_token"' in challenge or "Jwt is expired" in response.text


def _of_api_error(code: str, response: Response) -> Refusal:
    if code == f"{_INVALID}-not-approved":
        return Refusal.CONSUMER
    if code not in (_INVALID, f"{_INVALID}-jwt"):
        return Refusal.ACCOUNT
    if "Nonce already used" in response.text:
        return Refusal.NONCE
    if "Expired timestamp" in response.text:
        return Refusal.CLOCK
    if "Invalid signature" in response.text:
        return Refusal.SIGNATURE
    return Refusal.TOKEN
