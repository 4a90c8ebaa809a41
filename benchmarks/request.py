"""What an account adds to one small request, without a network."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.cookies import create_cookie

from benchmarks.bots import USERS, Bot
from benchmarks.clockwork import in_turns
from benchmarks.row import Row
from pwb_oauth.testing import SandboxWiki

if TYPE_CHECKING:
    from collections.abc import Iterator

_BODY = "action=query&meta=userinfo&uiprop=groups%7Crights&format=json&assert=user&maxlag=5"
_TYPE = {"Content-Type": "application/x-www-form-urlencoded"}
_MEASURE = "from benchmarks import request; request.measure({seconds!r})"


class _Nowhere(BaseAdapter):
    """Answers each request at once.

    Attributes:
        authorization: What the last one carried.
    """

    authorization = ""

    def send(self, request: Any, **_options: Any) -> requests.Response:  # type: ignore[override]
        if "sessionJwt" not in str(request.headers["Cookie"]):
            raise ValueError("the cookie is missing")
        self.authorization = request.headers.get("Authorization", "")
        response = requests.Response()
        response.status_code, response.url, response.request = 200, request.url, request
        response._content = b"{}"  # noqa: SLF001
        return response

    def close(self) -> None:
        """Nothing is open."""


def rows(*, short: bool) -> Iterator[Row]:
    """For both OAuth versions."""
    best = {}
    with TemporaryDirectory() as folder, SandboxWiki() as wiki:
        for version in ("1.0a", "2.0"):
            bot = Bot(wiki, Path(folder) / version)
            bot.use_stock_oauth()
            bot.use_keyring(version)
            output = bot.run(_MEASURE.format(seconds=2 if short else 8))
            best[version] = json.loads(output.splitlines()[-1])
    for version, most in (("2.0", 60), ("1.0a", 500)):
        times = {name: seconds * 1e6 for name, seconds in best[version].items()}
        work = f"one small request through Pywikibot, {version}"
        numbers = (times["stock 1.0a"], times["ours"], times["anonymous"])
        yield Row(work, "µs", *numbers, goal="ratio at least 1", mark=1)
        added = times["ours"] - times["anonymous"]
        stock = times["stock 1.0a"] - times["anonymous"]
        goal = f"below {most} µs"
        work = f"what the account adds to it, {version}"
        yield Row(work, "µs", stock, added, goal=goal, at_most=most)
    times = {name: seconds * 1e6 for name, seconds in best["2.0"].items()}
    yield Row("the account's own session, 2.0", "µs", None, times["account"], times["bare"])


def measure(seconds: float) -> None:
    """In a process of its own: write the best times of all ways, in seconds, as JSON."""
    import pywikibot  # noqa: PLC0415  # reads the folder's configuration
    from pywikibot.comms import http  # noqa: PLC0415

    import pwb_oauth  # noqa: PLC0415
    from pwb_oauth import sites  # noqa: PLC0415

    site = pywikibot.Site(user=USERS[0])
    site.login()
    account = sites.account_of(site)
    url = site.base_url(site.apipath())
    stock = http.session.__wrapped__
    bare = requests.Session()
    nowhere = _Nowhere()
    for session in (stock, bare):
        session.mount("http://", nowhere)
    # Wikimedia sets one for whoever signs in, and some for nobody.
    cookie = create_cookie("sessionJwt", "x" * 800, domain=urlsplit(url).hostname)
    for session in (stock, bare, account._live.usable()._session):  # noqa: SLF001
        session.cookies.set_cookie(cookie)
    options: dict[str, Any] = {"data": _BODY, "timeout": 10, "verify": True}

    def ask(**more: Any) -> None:
        http.request(site, site.apipath(), method="POST", data=_BODY, headers={**_TYPE}, **more)

    ask()
    with_header = {**_TYPE, "Authorization": nowhere.authorization}

    # The first request after a change finds everything cold.
    def without_us() -> None:
        pwb_oauth.uninstall()
        ask(auth=None)

    def with_us() -> None:
        pwb_oauth.install()
        ask()

    best = in_turns(
        {
            "anonymous": lambda: _repeat(lambda: ask(auth=None)),
            "stock 1.0a": lambda: _repeat(ask),
            "ours": lambda: _repeat(ask),
            "bare": lambda: _repeat(
                lambda: bare.request("POST", url, headers=with_header, **options)
            ),
            "account": lambda: _repeat(
                lambda: account.request("POST", url, base=stock, headers=_TYPE, **options)
            ),
        },
        seconds=seconds,
        before={"anonymous": without_us, "ours": with_us},
    )
    print(json.dumps({name: time / _TIMES for name, time in best.items()}))  # noqa: T201


_TIMES = 5


def _repeat(work: Any) -> None:
    for _ in range(_TIMES):
        work()
