"""Reading what wikis answer and what browsers bring back, without trusting either."""

from __future__ import annotations

import hmac
import html
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from pwb_oauth.errors import StateMismatchError, TransportError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from requests import Response

    from pwb_oauth.wiki import Wiki

MAX_SENTENCE = 300
"""Characters of a wiki's own words that go into a message."""

# Shorter ones are words by chance, and nothing that a wiki gave.
_LEAST_SECRET = 8

_TAG = re.compile(r"<[^<>]*>")
_CODE = re.compile(r"[A-Za-z0-9_-]{1,100}")


def json_object(response: Response) -> dict[str, Any] | None:
    """The JSON object that an answer consists of; None if it is anything else."""
    try:
        content = json.loads(response.content)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def sentence(text: object, secrets: Iterable[str | None]) -> str:
    """What a wiki said, made fit for a message.

    Args:
        text: The wiki's words, with or without HTML; anything else counts as nothing said.
        secrets: What must not be repeated even if the wiki does; of at least 8 characters.

    Returns:
        One line of at most :data:`MAX_SENTENCE` printable characters, without a full stop; empty if
        nothing was said.
    """
    if not isinstance(text, str):
        return ""
    # A wiki escapes what was escaped before, so tags appear only now.
    plain = _TAG.sub("", html.unescape(text))
    line = "".join(char for char in " ".join(plain.split()) if char.isprintable())
    for secret in _hidden(secrets):
        line = line.replace(secret, "…")
    line = line.rstrip(". ")
    return line if len(line) <= MAX_SENTENCE else line[: MAX_SENTENCE - 1] + "…"


def error_code(code: object, secrets: Iterable[str | None]) -> str | None:
    """The code of an error, if it looks like one and holds no secret."""
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        return None
    return None if any(secret in code for secret in _hidden(secrets)) else code


def _hidden(secrets: Iterable[str | None]) -> list[str]:
    """Those that are long enough to be secrets."""
    return [secret for secret in secrets if secret and len(secret) >= _LEAST_SECRET]


def nonsense(wiki: Wiki, response: Response) -> TransportError:
    """The error for an answer that no OAuth endpoint gives."""
    return TransportError(
        f"{wiki.host} answered with something else than OAuth (HTTP {response.status_code}). "
        "Try again later; if it stays so, check the wiki's address and whether Special:Version "
        "there lists the extension OAuth."
    )


def returned_parameters(response: str) -> dict[str, str]:
    """The parameters that a browser came back with.

    Args:
        response: The whole URL, or its query string.

    Raises:
        StateMismatchError: A parameter occurs twice, which no wiki does.

    Source: RFC 6749 section 3.1.
    """
    address = response.strip().partition("#")[0]
    _, is_url, query = address.partition("?")
    found = parse_qs(query if is_url else address, keep_blank_values=True)
    if any(len(values) > 1 for values in found.values()):
        raise mismatch()
    return {name: values[0] for name, values in found.items()}


def same(one: str, other: str) -> bool:
    """Compare without telling by the time it takes where two values differ."""
    return hmac.compare_digest(
        one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass")
    )


def mismatch() -> StateMismatchError:
    """The error for an address that does not belong to this authorization."""
    return StateMismatchError(
        "This address does not belong to the authorization that was begun here. Give the whole "
        "address that the browser ended on after you allowed the access, or begin again."
    )
