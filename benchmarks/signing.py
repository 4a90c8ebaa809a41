"""Signing one POST by OAuth 1.0a."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

import requests
from requests_oauthlib import OAuth1

from benchmarks.clockwork import in_turns
from benchmarks.row import Row
from pwb_oauth.base_string import base_string
from pwb_oauth.credential import Consumer, OAuth1AccessToken
from pwb_oauth.signing import OAuth1Signer

if TYPE_CHECKING:
    from collections.abc import Iterator

_API = "https://wiki.example/w/api.php"
_SECRETS = ("c" * 32, "s" * 40, "t" * 32, "u" * 40)
_PARAGRAPHS = {
    "Cyrillic": "Проба пера, [[Россия]] — это страна в Европе и Азии.\n== История ==\n",
    "Chinese": "维基百科是一个自由的百科全书, [[中国]] 有许多条目.\n== 历史 ==\n",
    "ASCII": "Lorem ipsum dolor sit amet, [[consectetur]] adipiscing {{elit}}.\n== Sed ==\n",
}
_SIZES = {"300 B": 300, "10 KB": 10_000, "100 KB": 100_000, "2 MB": 2_000_000}
_MARKS = {"300 B": 3.0, "100 KB": 20.0, "2 MB": 20.0}


def rows(*, short: bool) -> Iterator[Row]:
    """One for each script and size."""
    for script, paragraph in _PARAGRAPHS.items():
        for size, octets in _SIZES.items():
            mark = None if script == "ASCII" else _MARKS.get(size)
            if not short or (mark and script == "Cyrillic"):
                yield _row(f"sign a POST, 1.0a: {size} of {script}", _text(paragraph, octets), mark)


def _text(paragraph: str, octets: int) -> str:
    whole = paragraph * (octets // len(paragraph.encode()) + 1)
    return whole.encode()[:octets].decode("utf-8", "ignore")


def _row(work: str, text: str, mark: float | None) -> Row:
    fields = {"action": "edit", "title": "Ü", "text": text, "format": "json", "token": "abc+\\"}
    request = requests.Request("POST", _API, data=fields).prepare()
    key, secret, token, token_secret = _SECRETS
    consumer, access = Consumer(key, secret, "1.0a"), OAuth1AccessToken(token, token_secret)
    parts = base_string("POST", _API, str(request.body).encode(), [("oauth_nonce", "x" * 30)])
    base = b"".join(parts or ())
    best = in_turns(
        {
            "stock": lambda: OAuth1(*_SECRETS)(request.copy()),
            "ours": lambda: OAuth1Signer(consumer, access)(request.copy()),
            "limit": lambda: hmac.digest(b"k" * 81, base, "sha1"),
        },
        seconds=2,
    )
    goal = f"ratio at least {mark:.0f}; the limit is HMAC alone" if mark else "the limit: HMAC"
    times = {name: seconds * 1000 for name, seconds in best.items()}
    return Row(work, "ms", **times, goal=goal, mark=mark)
