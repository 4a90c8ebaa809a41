"""OAuth 1.0a: signing requests.

Source: RFC 5849 section 3, and what MediaWiki makes of it.
"""

from __future__ import annotations

import re
from contextlib import suppress
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from oauthlib.oauth1 import Client
from oauthlib.oauth1.rfc5849 import CONTENT_TYPE_FORM_URLENCODED as FORM
from oauthlib.oauth1.rfc5849.utils import escape
from requests.auth import AuthBase
from requests_oauthlib import OAuth1

from pwb_oauth import clock
from pwb_oauth.base_string import base_string, hmac_sha1
from pwb_oauth.credential import Secret
from pwb_oauth.errors import ConfigurationError
from pwb_oauth.quiet import unlogged

if TYPE_CHECKING:
    from requests import PreparedRequest

    from pwb_oauth.credential import Consumer, OAuth1AccessToken

_NONCE = re.compile(r'oauth_nonce="([^"]*)"')


class SigningClient(Client):
    """oauthlib's signer, by our clock, and without parsing the request where that can be saved."""

    def __init__(self, *args: Any, timestamp_offset: int = 0, **kwargs: Any) -> None:
        """Take what oauthlib's takes, and the seconds to add to the time."""
        super().__init__(*args, **kwargs)
        self._timestamp_offset = timestamp_offset

    def get_oauth_params(self, request: Any) -> list[tuple[str, str]]:
        """What oauthlib makes, with our timestamp in the place of its own."""
        timestamp = str(int(clock.now().timestamp()) + self._timestamp_offset)
        made: list[tuple[str, str]] = super().get_oauth_params(request)  # type: ignore[no-untyped-call]
        return [(name, timestamp if name == "oauth_timestamp" else value) for name, value in made]

    def authorization(self, request: PreparedRequest) -> str | None:
        """The Authorization header of a request, made without parsing what is signed.

        Returns:
            None if oauthlib has to do it.
        """
        form = _form(request)
        if form is None:
            return None
        made = self.get_oauth_params(SimpleNamespace(headers=request.headers, body=None))
        sent = [(name, escape(value)) for name, value in made]
        base = base_string(str(request.method), str(request.url), form, sent)
        if base is None:
            return None
        signature = hmac_sha1(base, self.client_secret, self.resource_owner_secret or "")
        sent.append(("oauth_signature", escape(signature)))
        return "OAuth " + ", ".join([f'{name}="{value}"' for name, value in sent])


def _form(request: PreparedRequest) -> bytes | None:
    """The form that is signed, empty if none is; None where oauthlib has rules of its own."""
    body, content_type = request.body, request.headers.get("Content-Type")
    if "Host" in request.headers:
        return None
    if not body or (isinstance(content_type, str) and FORM not in content_type):
        return b""
    if content_type != FORM or request.method in ("GET", "HEAD"):
        return None
    if isinstance(body, str):
        return body.encode()
    return body if isinstance(body, bytes) else None


class OAuth1Signer(Secret, AuthBase):
    """Signs requests by HMAC-SHA1, in the Authorization header. It may be used by any thread.

    Multipart and JSON bodies are not signed; MediaWiki wants it so. Of parameters that are repeated
    in a query a wiki accepts only the last, against RFC 5849: do not repeat any.

    Attributes:
        client_class: What makes the signature; takes the arguments of :class:`SigningClient`.
        secrets: What the signer signs with, so that messages can leave it out.
    """

    client_class: type[SigningClient] = SigningClient

    def __init__(
        self,
        consumer: Consumer,
        access_token: OAuth1AccessToken | None,
        *,
        timestamp_offset: int = 0,
        callback: str | None = None,
        verifier: str | None = None,
    ) -> None:
        """Sign as a consumer, for the user of an access token.

        Args:
            consumer: An OAuth 1.0a consumer.
            access_token: The access token; while one is being obtained, the request token or None.
            timestamp_offset: Seconds that this machine's clock is behind the wiki's.
            callback: Where the browser is to be sent back to, when asking for a request token.
            verifier: The verification code, when asking for an access token.
        """
        key, secret = (access_token.key, access_token.secret) if access_token else (None, None)
        self.secrets = (consumer.secret, key, secret, verifier)
        self._consumer_key = consumer.key
        self._oauth = OAuth1(
            consumer.key,
            client_secret=consumer.secret,
            resource_owner_key=key,
            resource_owner_secret=secret,
            callback_uri=callback,
            verifier=verifier,
            decoding=None,  # headers as text, like everybody else's
            client_class=self.client_class,
            timestamp_offset=timestamp_offset,
        )
        self._client = cast("SigningClient", self._oauth.client)

    def __repr__(self) -> str:
        """The consumer's key alone."""
        return f"{type(self).__name__}({self._consumer_key!r})"

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Sign a prepared request; each call makes a nonce of its own.

        Raises:
            ConfigurationError: OAuth 1.0a cannot sign such a request.
        """
        if not request.body:
            # Pywikibot puts a form's content type on every GET, which oauthlib will not sign.
            request.headers.pop("Content-Type", None)
        signed: PreparedRequest | None = None
        # oauthlib's error shows the body, so it must not even be the context of ours.
        with suppress(ValueError), unlogged():
            signed = self._sign(request)
        if signed is None:
            raise ConfigurationError(
                "OAuth 1.0a cannot sign this request: a GET with a body, or a body that is not "
                "what its Content-Type says. Send forms URL-encoded, by POST."
            )
        return signed

    def _sign(self, request: PreparedRequest) -> PreparedRequest:
        authorization = self._client.authorization(request)
        if authorization is None:
            return self._oauth(request)
        request.headers["Authorization"] = authorization
        return request


def nonce_of(request: PreparedRequest) -> str:
    """The nonce that a request was signed with; empty if it was not signed."""
    found = _NONCE.search(str(request.headers.get("Authorization", "")))
    return found[1] if found else ""
