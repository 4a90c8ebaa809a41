"""What the tests of the hooks do with a bot, and what they read from the wiki's log."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
import pywikibot
from pywikibot import config

if TYPE_CHECKING:
    from collections.abc import Callable

    from bots import Bot
    from pwb_oauth.testing.sandbox import LogEntry, SandboxWiki

KINDS = ("1.0a", "1.0a owner-only", "2.0", "2.0 public", "2.0 owner-only")
RENEWABLE = ("2.0", "2.0 public")
TOKEN_ENDPOINT = "oauth2/access_token"


def save(site: Any, title: str = "Test", text: str = "hello", **options: Any) -> Any:
    """Save a page, and give it."""
    page = pywikibot.Page(site, title)
    page.text = text
    page.save(quiet=True, **options)
    return page


def edits(wiki: SandboxWiki) -> list[LogEntry]:
    """The requests with action=edit that reached the wiki, refused ones too."""
    return wiki.log.select(action="edit")


def authors(wiki: SandboxWiki, title: str) -> list[str | None]:
    """Who made the revisions of a page, the oldest first; empty if there is no page."""
    page = wiki.pages.get(title)
    return [revision.user for revision in page.revisions] if page else []


def refreshes(wiki: SandboxWiki) -> list[LogEntry]:
    """The requests that renew an access token."""
    return [entry for entry in wiki.log if entry.params.get("grant_type") == "refresh_token"]


def secrets_sent(entry: LogEntry) -> tuple[str | None, str | None]:
    """What a request carried: its Authorization and its Cookie header."""
    return entry.headers.get("Authorization"), entry.headers.get("Cookie")


def in_threads(count: int, work: Callable[[int], None]) -> list[BaseException]:
    """Run the same work in that many threads at once; give what they raised."""
    errors: list[BaseException] = []
    together = threading.Barrier(count)

    def run(number: int) -> None:
        try:
            together.wait(10)
            work(number)
        except BaseException as error:  # noqa: BLE001  # the test looks at it
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not any(thread.is_alive() for thread in threads)
    return errors


@pytest.fixture(name="waits")
def noted_waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that Pywikibot wanted to wait before a retry, which pass at once."""
    monkeypatch.setattr(config, "max_retries", 15)
    seconds: list[float] = []
    monkeypatch.setattr(pywikibot, "sleep", seconds.append)
    return seconds


@pytest.fixture(name="no_prompt")
def fail_at_a_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail the test if a person is asked anything."""

    def ask(question: str, **options: Any) -> str:
        pytest.fail(f"asked a person: {question}")

    monkeypatch.setattr(pywikibot, "input", ask)


@pytest.fixture(name="put_thread")
def own_put_thread(bot: Bot) -> threading.Thread:
    """The thread of asynchronous saves, which is the test's own as all of the bot's Pywikibot."""
    return pywikibot._putthread
