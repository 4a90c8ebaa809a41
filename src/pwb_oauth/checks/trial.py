"""Whether a wiki knows a consumer by its key, secret and callback URL.

It is asked for an access token with a code that no wiki has given, or for a request token. Neither
touches what the user granted. Whether the consumer is approved does not show.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from oauthlib.oauth2 import WebApplicationClient

from pwb_oauth import oauth1
from pwb_oauth.answers import json_object, nonsense
from pwb_oauth.errors import TokenRequestError
from pwb_oauth.transport import send, user_agent

if TYPE_CHECKING:
    from pwb_oauth.credential import Consumer
    from pwb_oauth.wiki import Wiki

_NO_CODE = "pwb-oauth-doctor"
_NOT_REGISTERED = "/of-nobody"
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_WRONG_SIGNATURE = "mwoauth-oauth-exception"
_WRONG_CALLBACKS = frozenset({"mwoauth-callback-not-oob", "mwoauth-callback-not-oob-or-prefix"})


@dataclass(frozen=True)
class Trial:
    """What the wiki knows the consumer by; None is what it does not tell.

    Attributes:
        key: Whether key and secret are those of a consumer.
        callback: Whether the callback URL is the registered one.
    """

    key: bool | None
    callback: bool | None


def try_out(wiki: Wiki, consumer: Consumer) -> Trial:
    """Ask the wiki on which a consumer is registered.

    Raises:
        TransportError: It could not be asked, or answered nonsense.
        ConfigurationError: It cannot be asked safely, or the clock is wrong.
    """
    if consumer.key is None:
        return Trial(key=None, callback=None)
    if consumer.oauth_version == "1.0a":
        return _try_oauth1(wiki, consumer)
    if consumer.owner_only:
        # It has no right to authorization codes, which the wiki says in the words for a wrong key.
        return Trial(key=None, callback=None)
    return _try_oauth2(wiki, consumer)


def _try_oauth1(wiki: Wiki, consumer: Consumer) -> Trial:
    """Ask for a request token, which ends by itself after ten minutes.

    Source: what MediaWiki 1.43 answers to a wrong key, secret and callback URL; for an owner-only
    consumer, which the wiki refuses before it looks at the signature, Extension:OAuth.
    """
    try:
        oauth1.begin_authorization(wiki, consumer)
    except TokenRequestError as error:
        if error.error == _WRONG_SIGNATURE:
            return Trial(key=False, callback=None)
        if error.error in _WRONG_CALLBACKS:
            return Trial(key=True, callback=False)
        return Trial(key=None, callback=None)
    return Trial(key=True, callback=None if consumer.callback_url is None else True)


def _try_oauth2(wiki: Wiki, consumer: Consumer) -> Trial:
    """Ask for an access token with a code that cannot be good.

    HTTP 400 complains of the code, 401 of the consumer or of the callback URL. Source: what
    MediaWiki 1.43 answers to a wrong code, secret, key and callback URL.
    """
    callback_url = consumer.callback_url
    if _is_known(wiki, consumer, callback_url):
        return Trial(key=True, callback=_is_compared(wiki, consumer) or None)
    if callback_url is None:
        return Trial(key=False, callback=None)
    known = _is_known(wiki, consumer, None)
    return Trial(key=known, callback=False if known else None)


def _is_compared(wiki: Wiki, consumer: Consumer) -> bool:
    """Whether the wiki would object to a wrong callback URL here.

    Not for a public consumer, and newer ones look at the code first. Source: AuthCodeGrant and
    AbstractGrant.validateClient of league/oauth2-server, before and since 9.0.
    """
    if consumer.callback_url is None:
        return False
    return not _is_known(wiki, consumer, f"{consumer.callback_url}{_NOT_REGISTERED}")


def _is_known(wiki: Wiki, consumer: Consumer, callback_url: str | None) -> bool:
    body = WebApplicationClient(str(consumer.key)).prepare_request_body(
        code=_NO_CODE, redirect_uri=callback_url, client_secret=consumer.secret
    )
    response = send(
        "POST",
        f"{wiki.rest_url}/oauth2/access_token",
        user_agent=user_agent(wiki, consumer_key=consumer.key),
        headers=_FORM,
        data=body,
    )
    error = (json_object(response) or {}).get("error")
    if response.status_code == HTTPStatus.BAD_REQUEST and isinstance(error, str):
        return True
    if response.status_code == HTTPStatus.UNAUTHORIZED and error == "invalid_client":
        return False
    raise nonsense(wiki, response)
