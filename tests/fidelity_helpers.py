"""Made-up exchanges for the tests of the fidelity harness."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pwb_oauth.testing.fidelity.recording import (
    Exchange,
    Reply,
)

if TYPE_CHECKING:
    from pwb_oauth.testing.fidelity.difference import Difference

SERVER = "http://wiki.example:8090"
DATE = ("Date", "Sun, 22 Nov 2026 03:00:07 GMT")
JSON = ("Content-Type", "application/json; charset=utf-8")
FORM = ("Content-Type", "application/x-www-form-urlencoded")
HTML = ("Content-Type", "text/html; charset=UTF-8")
DESCRIPTION: dict[str, Any] = {
    "site": {},
    "users": [],
    "consumers": {
        "one": {
            "client_id": "key",
            "client_secret": "secret",
            "access_token": "owner",
            "access_secret": "owner-secret",
        }
    },
}
OLD, NEW = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"


def exchange(**changes: Any) -> Exchange:
    """Make an exchange of a client that asked api.php something."""
    fields: dict[str, Any] = {
        "number": 0,
        "by": "client",
        "label": "ask",
        "jar": None,
        "parallel": None,
        "status_only": False,
        "method": "GET",
        "url": f"{SERVER}/w/api.php",
        "headers": (),
        "body": None,
        "parts": (),
        "signature_verifies": None,
        "reply": Reply(200, (DATE, JSON), "{}"),
        "volatile": frozenset({"header:Date"}),
    }
    return Exchange(**{**fields, **changes})


def answered(document: Any, *volatile: str, **changes: Any) -> Exchange:
    """Make an exchange whose reply is JSON."""
    reply = Reply(200, (DATE, JSON), json.dumps(document))
    return exchange(reply=reply, volatile=frozenset(volatile), **changes)


def live(document: Any) -> Reply:
    """Make a live JSON reply."""
    return Reply(200, (JSON,), json.dumps(document))


def places(found: list[Difference]) -> list[str]:
    """Say where replies differ."""
    return [difference.place for difference in found]
