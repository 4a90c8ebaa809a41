"""Signs requests as a client would: with oauthlib, never with this project's own signer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit, urlunsplit

from oauthlib.oauth1 import Client
from oauthlib.oauth1.rfc5849 import signature

from pwb_oauth.testing.fidelity.places import json_value

if TYPE_CHECKING:
    from collections.abc import Callable

    from pwb_oauth.testing.fidelity.outgoing import Outgoing
    from pwb_oauth.testing.fidelity.recording import Reply

_HEADER_PARAMETER = re.compile(r'(oauth_\w+)="([^"]*)"')
_WRONG_SECRET = "no consumer has this secret"


class Secrets:
    """The secrets a client knows: those it was given, and those that replies brought.

    Args:
        description: What the wiki was before the case, as in ``_wiki.json``.
    """

    def __init__(self, description: dict[str, Any]) -> None:
        self.consumers: dict[str, str] = {}
        self.tokens: dict[str, str] = {}
        for consumer in description["consumers"].values():
            self.consumers[consumer["client_id"]] = consumer["client_secret"]
            if consumer["access_secret"]:
                self.tokens[consumer["access_token"]] = consumer["access_secret"]

    def learn(self, reply: Reply) -> None:
        """Remember the token and secret in a reply of initiate or token, if there are some."""
        values = json_value(reply.body)
        if isinstance(values, dict):
            token, secret = values.get("key"), values.get("secret")
        else:
            pairs = dict(parse_qsl(reply.body or ""))
            token, secret = pairs.get("oauth_token"), pairs.get("oauth_token_secret")
        if isinstance(token, str) and isinstance(secret, str):
            self.tokens[token] = secret


def map_header(header: str, change: Callable[[str, str], str]) -> str:
    """Change the values of an ``Authorization: OAuth`` header, the rest stays byte for byte.

    Args:
        header: The header's value.
        change: Gets a parameter's name and decoded value, gives the new one.
    """

    def changed(match: re.Match[str]) -> str:
        value = unquote(match[2])
        new = change(match[1], value)
        return match[0] if new == value else f'{match[1]}="{quote(new, safe="~")}"'

    return _HEADER_PARAMETER.sub(changed, header)


def header_parameters(header: str) -> dict[str, str]:
    """Read the parameters of an ``Authorization: OAuth`` header."""
    return {name: unquote(value) for name, value in _HEADER_PARAMETER.findall(header)}


def is_oauth1(header: str) -> bool:
    """Tell whether an Authorization header is OAuth 1.0a's; the scheme's case is the sender's."""
    return header[:6].lower() == "oauth "


def signed(request: Outgoing, secrets: Secrets, *, rightly: bool) -> Outgoing:
    """Sign a request anew with the nonce, timestamp and everything else that it carries.

    Args:
        request: Has OAuth 1.0a parameters, in its header or in its query.
        secrets: Where the secrets are looked up; an unknown one counts as empty.
        rightly: False signs with a secret that is no consumer's.

    Returns:
        The request with another signature; unchanged where the method is not HMAC-SHA1.

    Source: RFC 5849 section 3.4.
    """
    header = request.header("Authorization") or ""
    in_header = is_oauth1(header)
    query = dict(parse_qsl(urlsplit(request.url).query))
    parameters = header_parameters(header) if in_header else query
    if parameters.get("oauth_signature_method") != "HMAC-SHA1":
        return request
    consumer_secret = secrets.consumers.get(parameters.get("oauth_consumer_key", ""), "")
    client = Client(
        parameters.get("oauth_consumer_key", ""),
        client_secret=consumer_secret if rightly else _WRONG_SECRET,
        resource_owner_secret=secrets.tokens.get(parameters.get("oauth_token", ""), ""),
    )
    new = signature.sign_hmac_sha1_with_client(base_string(request), client)
    if in_header:
        resigned = map_header(header, lambda n, v: new if n == "oauth_signature" else v)
        return request.with_header("Authorization", resigned)
    return request.with_url(_with_signature(request.url, new))


def base_string(request: Outgoing) -> str:
    """Make the text that is signed, of URL and pairs as sent.

    Source: RFC 5849 section 3.4.1.
    """
    header = request.header("Authorization") or ""
    parameters = signature.collect_parameters(
        uri_query=urlsplit(request.url).query,
        body=request.form_text,
        headers={"Authorization": header} if is_oauth1(header) else {},
    )
    return signature.signature_base_string(
        request.method,  # type: ignore[arg-type]  # any method can be signed
        signature.base_string_uri(request.url),
        signature.normalize_parameters(parameters),  # type: ignore[arg-type]  # pairs, it says
    )


def _with_signature(url: str, new: str) -> str:
    parts = urlsplit(url)
    query = re.sub(r"(?<=oauth_signature=)[^&]*", quote(new, safe="~"), parts.query)
    return urlunsplit(parts._replace(query=query))
