"""Whole processes: when the first request arrives, and how many it takes to save a page."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.bots import USERS, Bot
from benchmarks.row import Row
from pwb_oauth.testing import SandboxWiki

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SAVE = """
import pywikibot
pages = {{}}
for user, text in {edits!r}:
    page = pages.get(user) or pywikibot.Page(pywikibot.Site(user=user), "Main Page")
    pages[user] = page
    page.text = text
    page.save(quiet=True)
"""
_BARE_IMPORT = """
import sys, time
started = time.perf_counter()
import pwb_oauth
print(time.perf_counter() - started)
"""


_DOCTOR = "import sys; from pwb_oauth.cli import main; sys.argv[1:] = ['doctor']; main()"


def rows(*, short: bool) -> Iterator[Row]:
    """Start-up and request counts."""
    with TemporaryDirectory() as folder, SandboxWiki() as wiki:
        bots = _bots(wiki, Path(folder))
        yield from _start_up(wiki, bots, turns=3 if short else 10)
        yield from _counts(wiki, bots)
        yield _doctor(bots["2.0"], turns=1 if short else 5)


def _bots(wiki: SandboxWiki, folder: Path) -> dict[str, Bot]:
    sign_in: dict[str, Callable[[Bot], None]] = {
        "password": Bot.use_password,
        "stock 1.0a": Bot.use_stock_oauth,
        "1.0a": lambda bot: bot.use_keyring("1.0a"),
        "2.0": lambda bot: bot.use_keyring("2.0"),
    }
    bots = {}
    for name, use in sign_in.items():
        bots[name] = Bot(wiki, folder / name)
        use(bots[name])
    return bots


def _start_up(wiki: SandboxWiki, bots: dict[str, Bot], *, turns: int) -> Iterator[Row]:
    best = dict.fromkeys(bots, float("inf"))
    imported = float("inf")
    for _ in range(turns):
        for name, bot in bots.items():
            best[name] = min(best[name], _first_request(wiki, bot))
        imported = min(imported, float(bots["2.0"].run(_BARE_IMPORT)))
    stock = best["stock 1.0a"]
    for version in ("1.0a", "2.0"):
        work = f"start of a script to its first request, {version}, keyring in a file"
        yield Row(work, "s", stock, best[version])
        added = best[version] - stock
        work = f"what ours adds to it, {version}"
        yield Row(work, "s", None, added, goal="at most 0.15 s", at_most=0.15)
    yield Row("the same with a password", "s", best["password"], best["2.0"])
    yield Row("`import pwb_oauth`", "ms", None, imported * 1000, goal="below 5 ms", at_most=5)


def _first_request(wiki: SandboxWiki, bot: Bot) -> float:
    """Seconds from the start of the process until the wiki has answered its first request."""
    answered: list[float] = []
    wiki.log.watch(lambda _entry: answered.append(time.perf_counter()))
    started = time.perf_counter()
    bot.run(_SAVE.format(edits=[(USERS[0], f"{started}")]))
    return answered[0] - started


def _doctor(bot: Bot, *, turns: int) -> Row:
    """How long it takes to say that nothing is wrong; it ends otherwise if something is."""
    best = float("inf")
    for _ in range(turns):
        started = time.perf_counter()
        bot.run(_DOCTOR)
        best = min(best, time.perf_counter() - started)
    work = "`pwb-oauth doctor` on a healthy set-up"
    return Row(work, "s", None, best, goal="below 3 s", at_most=3)


def _counts(wiki: SandboxWiki, bots: dict[str, Bot]) -> Iterator[Row]:
    works = {
        "requests to the first saved edit, empty cache": "at most 5",
        "the same, warm cache": "at most 4",
        "a second edit": "2, as stock",
        "a second account of the wiki, to its first edit": "at most 4",
    }
    counted = {name: _requests(wiki, bot) for name, bot in bots.items()}
    for number, (work, goal) in enumerate(works.items()):
        for version in ("1.0a", "2.0"):
            # Pywikibot's own OAuth has one account for a wiki.
            stock = "password" if number == len(works) - 1 else "stock 1.0a"
            ours = counted[version][number]
            yield Row(f"{work}, {version}", "", counted[stock][number], ours, goal=goal)
    yield Row(
        "requests to the first saved edit, empty cache, instead of a password",
        "",
        counted["password"][0],
        counted["2.0"][0],
    )


def _requests(wiki: SandboxWiki, bot: Bot) -> list[int]:
    """Requests to each edit: cold, warm, a second of that account, one of a second account."""
    bot.clear_cache()
    cold = _per_edit(wiki, bot, USERS[0])[0]
    others = USERS[1:] if bot.folder.parent.name != "stock 1.0a" else ()
    return [cold, *_per_edit(wiki, bot, USERS[0], USERS[0], *others)]


def _per_edit(wiki: SandboxWiki, bot: Bot, *users: str) -> list[int]:
    wiki.log.clear()
    stamp = time.perf_counter()
    bot.run(_SAVE.format(edits=[(user, f"{stamp} {n}") for n, user in enumerate(users)]))
    edits = [number for number, entry in enumerate(wiki.log, 1) if entry.action == "edit"]
    return [end - start for start, end in zip([0, *edits], edits, strict=False)]
