"""OAuth 2.0: the authorization code with PKCE, and refreshing.

Source: RFC 6749, RFC 7636, and recordings of MediaWiki.
"""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from oauthlib.oauth2 import WebApplicationClient

from pwb_oauth import clock
from pwb_oauth.answers import (
    error_code,
    json_object,
    mismatch,
    nonsense,
    returned_parameters,
    same,
    sentence,
)
from pwb_oauth.credential import Consumer, OAuth2AccessToken, PendingAuthorization
from pwb_oauth.errors import (
    AuthorizationDeniedError,
    ConfigurationError,
    LoginRequiredError,
    TokenRequestError,
)
from pwb_oauth.transport import send, user_agent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from requests import Response

    from pwb_oauth.wiki import Wiki

_VERIFIER_LENGTH = 64
_STATE_BYTES = 32
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
# Source: RFC 6749 appendix A, 1*VSCHAR.
_VISIBLE = re.compile(r"[\x20-\x7e]+")
# MediaWiki says unauthorized_client when the user presses Cancel, the RFC access_denied.
_DENIED = frozenset({"access_denied", "unauthorized_client"})
# What else MediaWiki sends a browser back with; anybody can make up an address with other codes.
_RETURNED = frozenset({"invalid_request", "invalid_scope", "server_error"})
# How a refresh token is refused for good: the codes, and whether only an HTTP 401 means it.
# MediaWiki 1.43 says invalid_request where 1.46 says invalid_grant; an invalid_request with
# another status complains of the request itself.
_REFUSED_FOR_GOOD = {
    "invalid_request": True,
    "access_denied": True,
    "invalid_grant": False,
    "unauthorized_client": False,
    "unsupported_grant_type": False,
}

_ADVICE = {
    "access_denied": "The consumer is not approved, or was disabled: see its page on the wiki.",
    "invalid_client": "Compare the consumer's key, secret and callback URL with its registration, "
    "and see that it is an OAuth 2.0 consumer.",
    "invalid_scope": "Ask only for grants that the wiki knows.",
}


def begin_authorization(
    wiki: Wiki, consumer: Consumer, scopes: Sequence[str] = ()
) -> PendingAuthorization:
    """Make the address that the user's browser goes to; the wiki is not asked.

    PKCE and ``state`` are always sent: MediaWiki 1.43 accepts a code that was made without a
    challenge, so only ``state`` keeps another person's code out.

    Args:
        wiki: The wiki.
        consumer: An OAuth 2.0 consumer.
        scopes: The grants to ask for; empty for all that the consumer was registered with.

    Returns:
        What to keep until the user comes back.

    Raises:
        ConfigurationError: The wiki is neither reached by https nor on this machine.

    Source: RFC 6749 section 4.1.1, RFC 7636 section 4.3.
    """
    central = wiki.central
    central.require_safe_transport()
    client = _client(consumer)
    verifier = client.create_code_verifier(_VERIFIER_LENGTH)
    state = secrets.token_urlsafe(_STATE_BYTES)
    query = {
        "response_type": "code",
        "client_id": consumer.key,
        "redirect_uri": consumer.callback_url,
        "scope": " ".join(scopes),
        "state": state,
        "code_challenge": client.create_code_challenge(verifier, "S256"),
        "code_challenge_method": "S256",
    }
    filled = urlencode({name: value for name, value in query.items() if value})
    url = f"{central.rest_url}/oauth2/authorize?{filled}"
    return PendingAuthorization(consumer, url, state, verifier, clock.now())


def complete_authorization(
    wiki: Wiki, pending: PendingAuthorization, response: str
) -> OAuth2AccessToken:
    """Exchange the authorization code that the browser came back with for an access token.

    Args:
        wiki: The wiki.
        pending: What :func:`begin_authorization` returned.
        response: The whole URL that the browser came back to, or its query string.

    Raises:
        StateMismatchError: ``state`` is missing, another one, or there twice.
        AuthorizationDeniedError: The user pressed Cancel.
        TokenRequestError: The wiki refused; ``.error`` is its code. Or there is no code.
        TransportError: The wiki could not be asked, or answered nonsense.

    Source: RFC 6749 section 4.1.3.
    """
    central, consumer = wiki.central, pending.consumer
    code = _code(central, pending, returned_parameters(response))
    body = _client(consumer).prepare_request_body(
        code=code,
        redirect_uri=consumer.callback_url,
        code_verifier=pending.secret,
        client_secret=consumer.secret,
    )
    agent = user_agent(central, consumer_key=consumer.key)
    sent_at = clock.now()
    answer = _post(central, body, agent)
    error = _error(answer)
    if error is not None:
        raise _refusal(central, error, (consumer.secret, pending.secret, code))
    return _read_token(central, answer, sent_at)


def refresh(
    wiki: Wiki, consumer: Consumer, access_token: OAuth2AccessToken, *, username: str
) -> OAuth2AccessToken:
    """Exchange the refresh token for a new access token; the wiki ends the old pair at once.

    Args:
        wiki: The wiki.
        consumer: The consumer that the access token was given to.
        access_token: The access token to replace.
        username: Whose it is, for the User-Agent and for messages.

    Returns:
        The new access token, with the old refresh token if the wiki gave no new one.

    Raises:
        LoginRequiredError: There is no refresh token, or the wiki will never accept it again.
        TokenRequestError: The wiki does not accept the consumer's key and secret.
        TransportError: Anything else: whether the refresh token is still good is not known.

    Source: RFC 6749 section 6.
    """
    central, refresh_token = wiki.central, access_token.refresh_token
    if refresh_token is None:
        raise LoginRequiredError(
            f"The access token of {username} on {central.host} cannot be renewed. Log in again."
        )
    body = _client(consumer).prepare_refresh_body(
        refresh_token=refresh_token, client_id=consumer.key, client_secret=consumer.secret
    )
    sent_at = clock.now()
    answer = _post(central, body, user_agent(central, username=username))
    error = _error(answer)
    if error is not None:
        hidden = (consumer.secret, refresh_token, access_token.value)
        _raise_refresh_error(central, answer, error, hidden, username)
    return _read_token(central, answer, sent_at, refresh_token)


def _client(consumer: Consumer) -> WebApplicationClient:
    if consumer.key is None:
        raise ConfigurationError(
            "This consumer's key is not known, so the wiki cannot be asked for an access token. "
            "Use the access token that the wiki showed when the consumer was registered."
        )
    return WebApplicationClient(consumer.key)


def _code(wiki: Wiki, pending: PendingAuthorization, returned: dict[str, str]) -> str:
    state = returned.get("state")
    # MediaWiki leaves state out when it sends an error back.
    if state is None and "error" not in returned:
        raise mismatch()
    if state is not None and not same(state, pending.state):
        raise mismatch()
    if "error" in returned:
        _raise_returned_error(wiki, pending, returned)
    code = returned.get("code", "")
    if not _VISIBLE.fullmatch(code):
        raise TokenRequestError(
            f"{wiki.host} sent the browser back without an authorization code. Begin again."
        )
    return code


def _raise_returned_error(
    wiki: Wiki, pending: PendingAuthorization, returned: dict[str, str]
) -> None:
    if returned["error"] in _DENIED:
        raise AuthorizationDeniedError(
            f"The access was not allowed on {wiki.host}. Begin again and press Allow, if that was "
            "not meant."
        )
    if returned["error"] not in _RETURNED:
        raise TokenRequestError(
            f"The browser came back with an error that {wiki.host} does not send. Begin again."
        )
    raise _refusal(wiki, returned, (pending.consumer.secret, pending.secret, pending.state))


def _post(wiki: Wiki, body: str, agent: str) -> Response:
    url = f"{wiki.rest_url}/oauth2/access_token"
    return send("POST", url, user_agent=agent, headers=_FORM, data=body)


def _error(response: Response) -> dict[str, Any] | None:
    """The OAuth error that an answer is; None for anything else, successes included."""
    answer = json_object(response)
    if answer is None or response.status_code < HTTPStatus.BAD_REQUEST:
        return None
    # The REST framework's own errors have an httpCode; they are not about OAuth.
    return answer if isinstance(answer.get("error"), str) and "httpCode" not in answer else None


def _refusal(
    wiki: Wiki, error: dict[str, Any], hidden: tuple[str | None, ...]
) -> TokenRequestError:
    said = error.get("hint") or error.get("error_description") or error.get("message")
    words = sentence(said, hidden) or "no reason given"
    code = error["error"]
    advice = _ADVICE.get(code, "Begin again: a code works once, for ten minutes.")
    return TokenRequestError(f'{wiki.host} refused: "{words}". {advice}', error_code(code, hidden))


def _raise_refresh_error(
    wiki: Wiki,
    response: Response,
    error: dict[str, Any],
    hidden: tuple[str | None, ...],
    username: str,
) -> None:
    code, unauthorized = error["error"], response.status_code == HTTPStatus.UNAUTHORIZED
    if code == "invalid_client":
        raise TokenRequestError(
            f"{wiki.host} did not renew the access token of {username}: it does not accept the "
            "consumer's key and secret, or does not let this consumer refresh. Compare both with "
            "its registration.",
            code,
        )
    if code in _REFUSED_FOR_GOOD and (unauthorized or not _REFUSED_FOR_GOOD[code]):
        words = sentence(error.get("hint") or error.get("error_description"), hidden)
        raise LoginRequiredError(
            f"{wiki.host} no longer renews the access token of {username} ({words or code}). "
            "Log in again.",
            code,
        )
    raise nonsense(wiki, response)


def _read_token(
    wiki: Wiki, response: Response, sent_at: datetime, refresh_token: str | None = None
) -> OAuth2AccessToken:
    """Read a token answer; the old refresh token stays where there is no new one.

    Source: RFC 6749 section 5.1.
    """
    answer = json_object(response)
    if answer is None or response.status_code != HTTPStatus.OK:
        raise nonsense(wiki, response)
    value, fresh = answer.get("access_token"), answer.get("refresh_token") or refresh_token
    is_bearer = str(answer.get("token_type")).lower() == "bearer"
    refreshable = isinstance(fresh, str) and _VISIBLE.fullmatch(fresh) is not None
    expires_at = _expires_at(answer.get("expires_in"), sent_at)
    if not (isinstance(value, str) and is_bearer and expires_at and (refreshable or fresh is None)):
        raise nonsense(wiki, response)
    try:
        return OAuth2AccessToken(value, fresh, expires_at, issued_at=sent_at)
    except ConfigurationError:
        raise nonsense(wiki, response) from None


def _expires_at(expires_in: object, sent_at: datetime) -> datetime | None:
    """When a token ends that lives so many seconds; None if that makes no sense.

    It is counted from when the request was sent, so that it is never too late.
    """
    if type(expires_in) is not int or expires_in <= 0:
        return None
    try:
        return sent_at + timedelta(seconds=expires_in)
    except OverflowError:
        return None
