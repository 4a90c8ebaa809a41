"""The signatures of recorded requests, which a real wiki judged, checked and made by other code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests
from oauthlib.oauth1 import RequestValidator, SignatureOnlyEndpoint
from werkzeug.test import create_environ

from pwb_oauth.credential import Consumer, OAuth1AccessToken
from pwb_oauth.signing import OAuth1Signer, SigningClient
from pwb_oauth.testing.fidelity import signing
from pwb_oauth.testing.fidelity.outgoing import Outgoing, as_recorded
from pwb_oauth.testing.fidelity.recording import Exchange, Recordings
from pwb_oauth.testing.sandbox import oauth1_signature
from pwb_oauth.testing.sandbox.clock import Clock
from pwb_oauth.testing.sandbox.exchange import WikiRequest
from pwb_oauth.testing.sandbox.seed import state_from
from pwb_oauth.testing.sandbox.versions import behaviour_of
from recordings import FOLDER, needs_recordings

if TYPE_CHECKING:
    from requests.auth import AuthBase

pytestmark = needs_recordings


@dataclass(frozen=True)
class Signed:
    """A recorded request with OAuth 1.0a parameters and the secrets that its client knew."""

    name: str
    exchange: Exchange
    consumer_secrets: dict[str, str]
    token_secrets: dict[str, str]

    @property
    def request(self) -> Outgoing:
        return as_recorded(self.exchange)


def recorded_requests() -> list[Signed]:
    """Collect every request with OAuth 1.0a parameters of the folder."""
    if not FOLDER.is_dir():
        return []
    recordings = Recordings(FOLDER)
    return [s for name in recordings.names() for s in _of_case(recordings, name)]


def _of_case(recordings: Recordings, name: str) -> list[Signed]:
    secrets = signing.Secrets(recordings.description)
    found = []
    for step in recordings.case(name).steps:
        if not isinstance(step, Exchange):
            continue
        if step.signature_verifies is not None:
            known = dict(secrets.consumers), dict(secrets.tokens)
            found.append(Signed(f"{name}-{step.number}", step, *known))
        secrets.learn(step.reply)
    return found


REQUESTS = recorded_requests()
VERIFYING = [one for one in REQUESTS if one.exchange.signature_verifies]
# The client never signs into the query.
IN_HEADER = [one for one in VERIFYING if one.request.header("Authorization")]
# The wiki takes "oauth " in lower case for no OAuth at all.
JUDGED = [one for one in REQUESTS if (one.request.header("Authorization") or "")[:6] != "oauth "]
OK = 200


class Validator(RequestValidator):
    """Answers oauthlib's server side out of the secrets that are known; any time, any nonce."""

    enforce_ssl = False
    timestamp_lifetime = 10**10
    client_key_length = (1, 64)
    access_token_length = (1, 64)
    nonce_length = (1, 64)
    dummy_client = "dummy"
    allowed_signature_methods = ("HMAC-SHA1", "RSA-SHA1")  # MediaWiki has no PLAINTEXT

    def __init__(self, signed: Signed) -> None:
        super().__init__()
        self._signed = signed

    def validate_client_key(self, client_key: str, request: Any) -> bool:
        return client_key in self._signed.consumer_secrets

    def validate_timestamp_and_nonce(self, *args: Any, **kwargs: Any) -> bool:
        return True

    def get_client_secret(self, client_key: str, request: Any) -> str:
        return self._signed.consumer_secrets.get(client_key, "unknown")

    def get_access_token_secret(self, client_key: str, token: str, request: Any) -> str:
        return self._signed.token_secrets.get(token, "")


def accepted_by_real_wiki(exchange: Exchange) -> bool:
    """Tell what the recorded reply says of the signature; where it says nothing, the recording."""
    reply = exchange.reply
    if "Invalid signature" in (reply.body or ""):
        return False
    refused = reply.header("MediaWiki-API-Error") or (reply.body or "").startswith(
        ("Error: ", '{"error"')
    )
    return bool(exchange.signature_verifies) if refused or reply.status != OK else True


def accepted_by_sandbox(signed: Signed) -> bool:
    """Run a request through the sandbox wiki's own check of signatures."""
    request = signed.request
    clock = Clock()
    wiki = state_from(Recordings(FOLDER).description, behaviour_of("1.43"), clock)
    received = wiki_request(request)
    for file in received.files.values():
        file.close()
    sent = oauth1_signature.signed_request(wiki, received)
    clock.set(datetime.fromtimestamp(int(sent.get("oauth_timestamp")), timezone.utc))
    consumer = wiki.consumers.get(sent.get("oauth_consumer_key"))
    if consumer is None:
        return False
    secret = signed.token_secrets.get(sent.get("oauth_token"), "")
    try:
        oauth1_signature.verify(wiki, sent, consumer, secret)
    except oauth1_signature.OAuth1Error:
        return False
    return True


def wiki_request(request: Outgoing) -> WikiRequest:
    """Make what the sandbox's server makes of a request."""
    environ = create_environ(
        path=urlsplit(request.url).path,
        query_string=urlsplit(request.url).query,
        method=request.method,
        headers=dict(request.headers),
        data=request.body,
    )
    parts = urlsplit(request.url)
    return WikiRequest({**environ, "REQUEST_URI": f"{parts.path}?{parts.query}"})


def prepared_request(request: Outgoing) -> requests.PreparedRequest:
    """Make the request as a program hands it to the signer: without OAuth parameters or Host."""
    left_out = ("Authorization", "Host")
    headers = {name: value for name, value in request.headers if name not in left_out}
    return requests.Request(
        request.method, request.url, headers=headers, data=request.body
    ).prepare()


def client_signer(signed: Signed, recorded: dict[str, str]) -> AuthBase:
    """Make the client's signer, with the recorded nonce and timestamp in the place of its own."""

    class RecordedClient(SigningClient):
        def get_oauth_params(self, request: Any) -> list[tuple[str, str]]:
            made = super().get_oauth_params(request)
            fixed = ("oauth_nonce", "oauth_timestamp")
            return [(name, recorded[name] if name in fixed else value) for name, value in made]

    class RecordedSigner(OAuth1Signer):
        client_class = RecordedClient

    key, token = recorded["oauth_consumer_key"], recorded.get("oauth_token")
    consumer = Consumer(key, signed.consumer_secrets[key], oauth_version="1.0a", owner_only=True)
    return RecordedSigner(
        consumer,
        OAuth1AccessToken(token, signed.token_secrets[token]) if token else None,
        callback=recorded.get("oauth_callback"),
        verifier=recorded.get("oauth_verifier"),
    )


class TestRecordedSignatures:
    @pytest.mark.parametrize("signed", REQUESTS, ids=lambda signed: signed.name)
    def test_recorded_request_is_judged_by_oauthlib_as_the_recording_says(self, signed):
        """The server side of oauthlib comes to the recording's ``signature_verifies``."""
        request = signed.request
        verifies, _ = SignatureOnlyEndpoint(Validator(signed)).validate_request(
            request.url, request.method, request.form_text, dict(request.headers)
        )
        assert verifies is signed.exchange.signature_verifies

    @pytest.mark.parametrize("signed", JUDGED, ids=lambda signed: signed.name)
    def test_recorded_request_is_judged_by_the_sandbox_as_the_real_wiki_did(self, signed):
        """The sandbox refuses a signature where the wiki did: not quite where the RFC says."""
        assert accepted_by_sandbox(signed) is accepted_by_real_wiki(signed.exchange)

    @pytest.mark.parametrize("signed", IN_HEADER, ids=lambda signed: signed.name)
    def test_client_signs_a_recorded_request_as_it_was_signed(self, signed):
        """Our signer, given nonce and timestamp, makes the signature that was recorded."""
        recorded = signing.header_parameters(signed.request.header("Authorization"))
        prepared = prepared_request(signed.request)
        client_signer(signed, recorded)(prepared)
        made = signing.header_parameters(prepared.headers["Authorization"])
        assert made == recorded

    def test_folder_has_signatures_of_both_kinds(self):
        """The folder holds hundreds of signatures, some of them bad."""
        assert len(VERIFYING) > 300
        assert len(REQUESTS) - len(VERIFYING) > 10
