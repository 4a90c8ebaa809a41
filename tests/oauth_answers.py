"""What a wiki's OAuth endpoints answer, by hand or from the recordings, for ``responses``."""

from __future__ import annotations

import json
import time
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qsl, urlencode

import jwt

import recordings
from pwb_oauth.credential import Consumer, PendingAuthorization
from pwb_oauth.wiki import Wiki

WIKI = Wiki("https://wiki.example")
RECORDED_WIKI = Wiki("http://127.0.0.1:8090")
CALLBACK = "https://tool.example/back"
KEY = "0123456789abcdef0123456789abcdef"
SECRET = "5ec2e7c0ffee5ec2e7c0ffee5ec2e7c0ffee5ec2"
NOW = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)

INITIATE = "/w/index.php?title=Special%3AOAuth%2Finitiate&format=json"
TOKEN = "/w/index.php?title=Special%3AOAuth%2Ftoken&format=json"
IDENTIFY = "/w/index.php?title=Special%3AOAuth%2Fidentify"
ACCESS_TOKEN = "/w/rest.php/oauth2/access_token"
PROFILE = "/w/rest.php/oauth2/resource/profile"

# Answers that no OAuth endpoint gives: bodies with HTTP 200.
NONSENSE = (
    "",
    "<!DOCTYPE html><title>Welcome to the hotel's wireless network</title>",
    '{"access_token": "eyJ0',
    "null",
    "[]",
    '"text"',
    "{}",
    "[" * 100_000,
)


def consumer1(**changes: Any) -> Consumer:
    """An OAuth 1.0a consumer."""
    return Consumer(
        **{
            "key": KEY,
            "secret": SECRET,
            "oauth_version": "1.0a",
            "callback_url": CALLBACK,
            **changes,
        }
    )


def consumer2(**changes: Any) -> Consumer:
    """An OAuth 2.0 consumer."""
    return Consumer(**{"key": KEY, "secret": SECRET, "callback_url": CALLBACK, **changes})


def pending(consumer: Consumer) -> PendingAuthorization:
    """An authorization that was just begun."""
    return PendingAuthorization(
        consumer, "https://wiki.example/", "5tateOfPending", "5ecretOfPending", NOW
    )


def form_of(body: str | bytes | None) -> dict[str, str]:
    """The fields of a form that was sent."""
    text = body.decode() if isinstance(body, bytes) else body or ""
    return dict(parse_qsl(text, keep_blank_values=True, strict_parsing=True))


def came_back(**parameters: str) -> str:
    """The address that a browser came back to."""
    return f"{CALLBACK}?{urlencode(parameters)}"


def identify_jwt(nonce: str, *, secret: str = SECRET, **changes: Any) -> str:
    """What Special:OAuth/identify answers; None takes a claim away."""
    issued_at = int(time.time())
    claims = {
        "iss": WIKI.server,
        "aud": KEY,
        "exp": issued_at + 100,
        "iat": issued_at,
        "sub": "4",
        "username": "Alice",
        "blocked": False,
        "rights": ["read", "edit"],
        "grants": {"0": "basic", "2": "highvolume", "3": "editpage"},
        "nonce": nonce,
        **changes,
    }
    return jwt.encode({n: v for n, v in claims.items() if v is not None}, secret, "HS256")


def recorded(case: str, step: int | None = None) -> dict[str, Any]:
    """One recorded exchange; the one that the case is about unless a step is named."""
    content = recordings.load(case)
    exchange: dict[str, Any] = content["steps"][content["main_exchange"] if step is None else step]
    return exchange


def recorded_answer(case: str, step: int | None = None) -> dict[str, Any]:
    """A recorded answer, as the keywords of ``responses.add``."""
    exchange = recorded(case, step)
    headers = {name.title(): value for name, value in exchange["response_headers"]}
    content_type = headers.pop("Content-Type", "text/plain")
    return {
        "body": exchange["response_body"],
        "status": exchange["status"],
        "content_type": content_type,
    }


def recorded_consumer(name: str) -> Consumer:
    """A consumer of the recorded wiki."""
    entry = recordings.load("_wiki")["consumers"][name]
    return Consumer(
        key=entry["client_id"],
        secret=entry["client_secret"],
        oauth_version=entry["oauth_version"],
        owner_only=entry["owner_only"],
        callback_url=entry["callback"] or None,
    )


def dumps(content: Any) -> str:
    """JSON."""
    return json.dumps(content)
