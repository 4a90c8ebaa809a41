"""A thousand accounts in one process."""

from __future__ import annotations

import gc
import time
import tracemalloc
from typing import TYPE_CHECKING

from benchmarks.row import Row
from pwb_oauth import clock
from pwb_oauth.accounts import Accounts
from pwb_oauth.credential import Consumer, Credential, OAuth2AccessToken
from pwb_oauth.tokens import MemoryTokenStore, TokenKey
from pwb_oauth.wiki import Wiki

if TYPE_CHECKING:
    from collections.abc import Iterator

_WIKI = Wiki("https://wiki.example")
_MANY = 1000
_KIB = 1024


def rows(*, short: bool) -> Iterator[Row]:
    """The time to open one, and the memory of each."""
    opened = [_opening() for _ in range(2 if short else 10)]
    for place, which in ((9, "tenth"), (_MANY - 1, "thousandth")):
        best = min(times[place] for times in opened) * 1e6
        yield Row(f"opening the {which} account", "µs", None, best)
    gc.collect()
    tracemalloc.start()
    accounts = _accounts()
    for number in range(_MANY):
        _open(accounts, number)
    taken = tracemalloc.get_traced_memory()[0] / _MANY / _KIB
    tracemalloc.stop()
    yield Row(
        "memory of an account, its 4 KB token included",
        "KiB",
        None,
        taken,
        goal="below 20",
        at_most=20,
    )


def _opening() -> list[float]:
    accounts = _accounts()
    _open(accounts, 0)
    times = []
    for number in range(_MANY):
        started = time.perf_counter()
        _open(accounts, number)
        times.append(time.perf_counter() - started)
    return times


def _open(accounts: Accounts, number: int) -> None:
    account = accounts.find(_WIKI, f"Bot {number}")
    if account is None:
        raise LookupError(number)
    account.credential  # noqa: B018  # reads it


def _accounts() -> Accounts:
    store = MemoryTokenStore()
    consumer = Consumer(None, owner_only=True)
    for number in range(_MANY):
        token = OAuth2AccessToken(f"{number:04000}")
        key = TokenKey(_WIKI.name, f"Bot {number}")
        store.save(key, Credential(consumer, token, key.username, clock.now()))
    return Accounts(store)
