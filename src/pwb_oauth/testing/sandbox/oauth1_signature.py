"""Whether an OAuth 1.0a request is signed as the wiki wants it; oauthlib's server side verifies.

What MediaWiki does its own way: which parameters it signs (repeated names!), the server name it
signs for, and that a nonce is burnt before the signature is looked at. All of it was tried out on a
real 1.43.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from oauthlib.oauth1.rfc5849 import signature as oauthlib_signature

if TYPE_CHECKING:
    from pwb_oauth.testing.sandbox.exchange import WikiRequest
    from pwb_oauth.testing.sandbox.model import Acceptance, Consumer, WikiState

TIMESTAMP_WINDOW = timedelta(seconds=300)
_METHODS = ("HMAC-SHA1", "RSA-SHA1")


class OAuth1Error(Exception):
    """The wiki refuses an OAuth 1.0a request.

    Attributes:
        code: ``mwoauth-oauth-exception`` for a fault of the protocol, else the message's name.
        text: The English sentence, without what goes before it at Special:OAuth.
    """

    def __init__(self, text: str, code: str = "mwoauth-oauth-exception") -> None:
        super().__init__(text)
        self.text = text
        self.code = code


@dataclass(frozen=True)
class SignedRequest:
    """A request and all parameters that take part in its signature."""

    method: str
    url: str
    pairs: list[tuple[str, str]]

    def get(self, name: str) -> str:
        """The value of a parameter, empty if it is missing."""
        return dict(self.pairs).get(name, "")


def signed_request(wiki: WikiState, request: WikiRequest) -> SignedRequest:
    """Collect what is signed.

    Of names repeated in the query the last counts, of those repeated in the body all; the body's
    replace the query's of the same name, and the header's replace both. The host is that of the
    wiki's settings, whatever the request says.
    """
    sources = [_query_pairs(request.query_string), request.form_pairs, _header_pairs(request)]
    pairs: list[tuple[str, str]] = []
    for source in sources:
        names = {name for name, _ in source}
        pairs = [pair for pair in pairs if pair[0] not in names] + source
    return SignedRequest(request.method, wiki.site.server + request.raw_path, pairs)


def consumer_of(wiki: WikiState, request: WikiRequest, signed: SignedRequest) -> Consumer:
    """Find the consumer that a request names.

    Raises:
        OAuth1Error: There is none, or it may not be used from this address.
    """
    if signed.get("oauth_version") not in ("", "1.0"):
        raise OAuth1Error(f"OAuth version '{signed.get('oauth_version')}' not supported")
    key = signed.get("oauth_consumer_key")
    if not key:
        raise OAuth1Error("Invalid consumer key")
    consumer = wiki.consumers.get(key)
    if consumer is None:
        raise OAuth1Error("Invalid consumer")
    address = ipaddress.ip_address(request.remote_address)
    if not any(address in ipaddress.ip_network(allowed) for allowed in consumer.ip_ranges):
        raise OAuth1Error(
            "The request came from an invalid IP address.", "mwoauthdatastore-bad-source-ip"
        )
    return consumer


def accepted_request(
    wiki: WikiState, request: WikiRequest
) -> tuple[SignedRequest, Consumer, Acceptance]:
    """Check a request that is made with an access token.

    Raises:
        OAuth1Error: The consumer, the token, the timestamp, the nonce or the signature is bad.
    """
    signed = signed_request(wiki, request)
    consumer = consumer_of(wiki, request, signed)
    acceptance = _acceptance(wiki, consumer, signed.get("oauth_token"))
    verify(wiki, signed, consumer, acceptance.access_secret)
    return signed, consumer, acceptance


def _acceptance(wiki: WikiState, consumer: Consumer, token: str) -> Acceptance:
    for accepted in wiki.acceptances:
        if token and (accepted.consumer_key, accepted.access_token) == (consumer.key, token):
            return accepted
    raise no_grant()


def no_grant() -> OAuth1Error:
    """The error for an access token that is unknown, revoked, or never was."""
    return OAuth1Error(
        "No approved grant was found for that authorization token.",
        "mwoauthdatastore-access-token-not-found",
    )


def verify(wiki: WikiState, signed: SignedRequest, consumer: Consumer, token_secret: str) -> None:
    """Check timestamp, nonce and signature, in the wiki's order.

    Raises:
        OAuth1Error: One of them is bad. The nonce is burnt even by a bad signature.
    """
    _check_timestamp(wiki, signed.get("oauth_timestamp"))
    _burn_nonce(wiki, consumer, signed.get("oauth_nonce"))
    method = signed.get("oauth_signature_method")
    if method not in _METHODS:
        tried = ", ".join(_METHODS)
        raise OAuth1Error(
            f"Signature method '{method}' not supported try one of the following: {tried}"
        )
    if not _signature_verifies(signed, method, consumer, token_secret):
        raise OAuth1Error("Invalid signature")


def _check_timestamp(wiki: WikiState, timestamp: str) -> None:
    if not timestamp:
        raise OAuth1Error("Missing timestamp parameter. The parameter is required")
    ours = int(wiki.now.timestamp())
    theirs = int(timestamp) if timestamp.isdecimal() else 0
    if abs(ours - theirs) > TIMESTAMP_WINDOW.total_seconds():
        raise OAuth1Error(f"Expired timestamp, yours {timestamp}, ours {ours}")


def _burn_nonce(wiki: WikiState, consumer: Consumer, nonce: str) -> None:
    if not nonce:
        raise OAuth1Error("Missing nonce parameter. The parameter is required")
    if not wiki.nonces.burn(f"{consumer.key}:{nonce}", wiki.now):
        raise OAuth1Error(f"Nonce already used: {nonce}")


def _signature_verifies(
    signed: SignedRequest, method: str, consumer: Consumer, token_secret: str
) -> bool:
    unsigned = ("oauth_signature", "realm")
    request: Any = SimpleNamespace(
        uri=signed.url,
        http_method=signed.method,
        params=[pair for pair in signed.pairs if pair[0] not in unsigned],
        signature=signed.get("oauth_signature"),
    )
    if method == "RSA-SHA1":
        if not consumer.rsa_key:
            return False
        return bool(oauthlib_signature.verify_rsa_sha1(request, consumer.rsa_key))
    return bool(oauthlib_signature.verify_hmac_sha1(request, consumer.secret, token_secret))


def _query_pairs(query: str) -> list[tuple[str, str]]:
    # PHP makes x[]=1&x[]=2 an array named x; the library then signs x=1&x=2.
    single: dict[str, str] = {}
    arrays: list[tuple[str, str]] = []
    for name, value in parse_qsl(query, keep_blank_values=True):
        plain, bracket, _ = name.partition("[")
        if bracket:
            arrays.append((plain, value))
        else:
            single[name] = value
    return [*single.items(), *arrays]


def _header_pairs(request: WikiRequest) -> list[tuple[str, str]]:
    scheme, _, rest = request.authorization.partition(" ")
    if scheme != "OAuth":
        return []
    pairs = []
    for part in rest.split(","):
        name, equals, value = part.strip().partition("=")
        if equals:
            pairs.append((unquote(name), unquote(value.strip('"'))))
    return pairs
