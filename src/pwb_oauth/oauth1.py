"""OAuth 1.0a: obtaining an access token.

Source: RFC 5849, and what MediaWiki makes of it: every answer is HTTP 200, errors too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mwoauth import OAuthException
from mwoauth.functions import process_request_token

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
from pwb_oauth.credential import Consumer, OAuth1AccessToken, PendingAuthorization
from pwb_oauth.errors import ConfigurationError, TokenRequestError
from pwb_oauth.signing import OAuth1Signer
from pwb_oauth.transport import send, user_agent

if TYPE_CHECKING:
    from requests import Response

    from pwb_oauth.wiki import Wiki

_OUT_OF_BAND = "oob"
_NOT_OUT_OF_BAND = "mwoauth-callback-not-oob"
_VERIFIER = re.compile(r"[0-9A-Za-z]{1,128}")
_TOKEN_PART = re.compile(r"[\x21-\x7e]{1,255}")


def begin_authorization(wiki: Wiki, consumer: Consumer) -> PendingAuthorization:
    """Ask the wiki for a request token.

    The user is sent to ``Special:OAuth/authorize``, not to ``…/authenticate``: the latter skips its
    form for consumers that only learn who the user is, so a bot's operator who is signed in to the
    wrong account would never be asked.

    Returns:
        What to keep until the user comes back; ``url`` is where the browser goes.

    Raises:
        TokenRequestError: The wiki refused; ``.error`` is its code.
        ConfigurationError: The wiki cannot be asked safely, or the clock is wrong.
        TransportError: The wiki could not be asked.

    Source: RFC 5849 section 2.1.
    """
    central = wiki.central
    began_at = clock.now()
    try:
        token = _request_token(central, consumer, consumer.callback_url or _OUT_OF_BAND)
    except TokenRequestError as error:
        if error.error != _NOT_OUT_OF_BAND or consumer.callback_url is None:
            raise
        # Registered with one fixed address: the wiki wants "oob" and sends the browser there.
        token = _request_token(central, consumer, _OUT_OF_BAND)
    url = central.page_url(
        "Special:OAuth/authorize", oauth_token=token.key, oauth_consumer_key=str(consumer.key)
    )
    return PendingAuthorization(consumer, url, token.key, token.secret, began_at)


def complete_authorization(
    wiki: Wiki, pending: PendingAuthorization, response: str
) -> OAuth1AccessToken:
    """Exchange what the wiki gave the user for an access token.

    Args:
        wiki: The wiki.
        pending: What :func:`begin_authorization` returned.
        response: The whole URL that the browser came back to, or its query string, or, where the
            consumer has no callback URL, the code that the wiki showed.

    Raises:
        StateMismatchError: The response belongs to another request token.
        TokenRequestError: The wiki refused, or there is no verification code in the response.
        ConfigurationError: The wiki cannot be asked safely, or the clock is wrong.
        TransportError: The wiki could not be asked.

    Source: RFC 5849 section 2.3.
    """
    request_token = OAuth1AccessToken(pending.state, pending.secret)
    signer = OAuth1Signer(pending.consumer, request_token, verifier=_verifier(pending, response))
    advice = "If you typed the code, compare it with what the wiki shows; otherwise begin again."
    return _ask_for_token(wiki.central, "token", pending.consumer, signer, advice)


def ask(
    wiki: Wiki, page: str, signer: OAuth1Signer, *, user_agent: str, advice: str, **query: str
) -> Response:
    """Post a signed, empty request to a subpage of ``Special:OAuth``.

    Args:
        wiki: The wiki that is asked.
        page: ``initiate``, ``token`` or ``identify``.
        signer: What signs the request.
        user_agent: From :func:`pwb_oauth.transport.user_agent`.
        advice: What to do next if the wiki refuses.
        **query: Further parameters.

    Raises:
        TokenRequestError: The wiki refused; ``.error`` is its code, the message its words.
        ConfigurationError: The wiki cannot be asked safely, or the clock is wrong.
        TransportError: The wiki could not be asked.
    """
    params = {"title": f"Special:OAuth/{page}", **query}
    response = send("POST", wiki.index_url, user_agent=user_agent, params=params, auth=signer)
    refused = _refusal(response)
    if refused is None:
        return response
    code, message = refused
    words = sentence(message, signer.secrets) or "no reason given"
    if "Expired timestamp" in words:
        raise ConfigurationError(
            f"The clocks of this computer and of {wiki.host} differ by more than five minutes. "
            "Set this computer's clock right, then try again."
        )
    raise TokenRequestError(
        f'{wiki.host} refused: "{words}". {advice}', error_code(code, signer.secrets)
    )


def _refusal(response: Response) -> tuple[object, object] | None:
    """The code and the words of an error; the status is 200 all the same."""
    answer = json_object(response)
    if answer is not None:
        return (answer["error"], answer.get("message")) if "error" in answer else None
    text = response.text
    return (None, text.removeprefix("Error: ")) if text.startswith("Error: ") else None


def _request_token(wiki: Wiki, consumer: Consumer, callback: str) -> OAuth1AccessToken:
    signer = OAuth1Signer(consumer, None, callback=callback)
    advice = (
        "Compare the consumer's key, secret and callback URL with its registration, and see that "
        "it is an OAuth 1.0a consumer."
    )
    return _ask_for_token(wiki, "initiate", consumer, signer, advice)


def _ask_for_token(
    wiki: Wiki, page: str, consumer: Consumer, signer: OAuth1Signer, advice: str
) -> OAuth1AccessToken:
    agent = user_agent(wiki, consumer_key=consumer.key)
    response = ask(wiki, page, signer, user_agent=agent, advice=advice, format="json")
    answer = json_object(response)
    if answer is None:
        parts = _parse_form(response.text)
    else:
        parts = (answer.get("key"), answer.get("secret"))
    if not all(isinstance(part, str) and _TOKEN_PART.fullmatch(part) for part in parts):
        raise nonsense(wiki, response)
    return OAuth1AccessToken(*map(str, parts))


def _parse_form(text: str) -> tuple[object, object]:
    try:
        token = process_request_token(text)
    except OAuthException:
        # Its text holds the answer.
        return None, None
    return token.key, token.secret


def _verifier(pending: PendingAuthorization, response: str) -> str:
    code = response.strip()
    # Where there is a callback, its oauth_token must show that the answer is to our question.
    if pending.consumer.callback_url is None and _VERIFIER.fullmatch(code):
        return code
    returned = returned_parameters(response)
    if not same(returned.get("oauth_token", ""), pending.state):
        raise mismatch()
    verifier = returned.get("oauth_verifier", "")
    if not _VERIFIER.fullmatch(verifier):
        raise TokenRequestError(
            "The wiki sent the browser back without a verification code. Begin again, and press "
            "Allow."
        )
    return verifier
