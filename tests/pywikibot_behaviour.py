"""A wiki without a server, for the tests of what stock Pywikibot does.

Those tests say what is sent, answered or broken at the level of HTTP, which the sandbox wiki hides.
A module that imports :func:`scripted_wiki` gets ``stock_bot`` on a :class:`ScriptedWiki`.
"""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass, field
from queue import Queue
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import pywikibot
import responses
from pywikibot import bot, config
from requests.utils import to_native_string

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Mapping

    from bots import Bot

FORM = "application/x-www-form-urlencoded"
DEFAULTS = {
    "max_retries": 15,
    "retry_wait": 5,
    "retry_max": 120,
    "max_queue_size": 64,
    "maximum_GET_length": 255,
    "enable_GET_without_SSL": False,
}
MOST_REQUESTS = 50
CSRF_TOKEN = "0123456789abcdef+\\"


@dataclass(frozen=True)
class Received:
    """One request as it came to the wiki; ``params`` are those of query and form."""

    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    """What a web server may answer beside 200 with JSON."""

    status: int = 200
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, body: Any, status: int = 200, **headers: str) -> Answer:
        """An answer with a JSON body."""
        return cls(status, json.dumps(body), {"Content-Type": "application/json", **headers})


def error(code: str, info: str = "") -> dict[str, Any]:
    """The body of api.php's answer that reports an error."""
    return {"error": {"code": code, "info": info or f"The wiki says {code}."}}


class ScriptedWiki:
    """Answers questions about users, tokens and itself; a test scripts everything else.

    Attributes:
        url: Without a slash at the end.
        received: Every request, the oldest first.
        user: Whom ``meta=userinfo`` names; None is an anonymous visitor.
    """

    url = "http://wiki.test"

    def __init__(self, mock: responses.RequestsMock) -> None:
        self.received: list[Received] = []
        self.user: str | None = None
        self._scripts: dict[str, list[Any]] = {}
        for method in ("GET", "POST"):
            mock.add_callback(method, re.compile("https?://wiki.test/"), self._receive)

    def script(self, what: str, *answers: dict[str, Any] | Answer | Exception) -> None:
        """Say what is answered in turn, the last for ever; exceptions break the connection.

        Args:
            what: An action of api.php, or the path of another page.
            answers: JSON bodies, whole answers, or what the transport raises.
        """
        self._scripts[what] = list(answers)

    def asked(self, action: str) -> list[Received]:
        """The requests with that action."""
        return [request for request in self.received if request.params.get("action") == action]

    def _receive(self, request: Any) -> tuple[int, Mapping[str, str], str] | Exception:
        split = urlsplit(request.url)
        form = request.body if isinstance(request.body, str) else ""
        fields = parse_qs(f"{split.query}&{form}", keep_blank_values=True)
        params = {name: values[-1] for name, values in fields.items()}
        headers = {name: to_native_string(value) for name, value in request.headers.items()}
        if len(self.received) == MOST_REQUESTS:
            pytest.fail(f"Pywikibot asks for {params.get('action', split.path)} without end")
        self.received.append(Received(request.method, split.path, params, headers))
        answer = self._answer(params.get("action", split.path), params)
        if isinstance(answer, Exception):
            return answer
        if not isinstance(answer, Answer):
            answer = Answer.of(answer)
        return answer.status, answer.headers, answer.body

    def _answer(self, what: str, params: Mapping[str, str]) -> Any:
        script = self._scripts.get(what)
        if script is None:
            if what != "query":
                pytest.fail(f"the test has scripted no answer to {what}")
            return {"batchcomplete": True, "query": self._facts(params["meta"].split("|"))}
        return script.pop(0) if len(script) > 1 else script[0]

    def _facts(self, meta: list[str]) -> dict[str, Any]:
        facts: dict[str, Any] = {}
        if "userinfo" in meta:
            facts["userinfo"] = self._userinfo()
        if "tokens" in meta:
            facts["tokens"] = {"csrftoken": CSRF_TOKEN}
        if "siteinfo" in meta:
            facts |= _SITEINFO
        return facts

    def _userinfo(self) -> dict[str, Any]:
        rights = {"groups": ["*"], "rights": ["read", "edit"], "messages": False}
        if self.user is None:
            return {"id": 0, "name": "192.0.2.1", "anon": True, **rights}
        return {"id": 7, "name": self.user, **rights}


_SITEINFO = {
    "general": {
        "case": "first-letter",
        "generator": "MediaWiki 1.43.9",
        "lang": "en",
        "thumblimits": {},
        "imagelimits": {},
        "magiclinks": {},
    },
    "namespaces": {
        str(number): {"id": number, "case": "first-letter", "name": name, "canonical": name}
        for number, name in {0: "", 1: "Talk", 2: "User", 3: "User talk"}.items()
    },
    "namespacealiases": [],
}


@pytest.fixture(name="wiki")
def scripted_wiki() -> Iterator[ScriptedWiki]:
    """A wiki that says what the test has scripted."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield ScriptedWiki(mock)


@pytest.fixture(name="put_thread", autouse=True)
def own_put_thread(stock_bot: Bot, monkeypatch: pytest.MonkeyPatch) -> threading.Thread:
    """The thread of asynchronous saves, which the first of them starts, with a short queue.

    A test may kill it: it is the test's own.
    """
    monkeypatch.setattr(pywikibot, "page_put_queue", Queue(2))
    return pywikibot._putthread


@pytest.fixture(name="waits")
def noted_waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that Pywikibot asked to wait, which pass at once; retries as by default."""
    for name in ("max_retries", "retry_wait", "retry_max"):
        monkeypatch.setattr(config, name, DEFAULTS[name])
    seconds: list[float] = []
    monkeypatch.setattr(pywikibot, "sleep", seconds.append)
    return seconds


@pytest.fixture(name="journal")
def noted_log(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], str]]:
    """What Pywikibot logged so far at that level or above it, as one text."""
    bot.init_handlers()
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    monkeypatch.setattr(handler, "emit", records.append)
    logger = logging.getLogger("pywiki")
    level_before = logger.level
    monkeypatch.setattr(logger, "handlers", [handler])
    logger.setLevel(logging.DEBUG)

    def text(level: int) -> str:
        return "\n".join(record.getMessage() for record in records if record.levelno >= level)

    yield text
    logger.setLevel(level_before)
