"""A web tool without a framework: browsers with cookies, and visitors who sign in and act."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pwb_oauth import authorization, oauth2
from pwb_oauth.credential import Consumer
from pwb_oauth.encryption import new_key
from pwb_oauth.errors import LoginRequiredError
from pwb_oauth.identity import fetch_identity
from pwb_oauth.web.flow import WebFlow
from pwb_oauth.web.settings import WebSettings
from pwb_oauth.web.sql import SqlSealedStore
from pwb_oauth.wiki import Wiki

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pwb_oauth.credential import Credential
    from pwb_oauth.testing import SandboxWiki
    from pwb_oauth.testing.sandbox import LogEntry
    from pwb_oauth.web.cookies import Cookie
    from pwb_oauth.web.flow import Arrival
    from pwb_oauth.web.sealed_store import SealedRow
    from pwb_oauth.web.user_session import UserSession

CALLBACK = "http://127.0.0.1:9/back"
VERSIONS = ("2.0", "1.0a")
TITLE = "Main Page"  # a page that every sandbox wiki has
GRANTS = ("basic", "highvolume", "editpage", "createeditmovepage", "patrol")


class Browser:
    """A visitor's browser.

    Attributes:
        cookies: What it keeps for the web tool.
        row_id: What the framework's own session of this browser holds.
    """

    def __init__(self, tool: WebTool) -> None:
        self.tool = tool
        self.cookies: dict[str, str] = {}
        self.row_id: str | None = None

    def leave(self, next_url: str | None = None) -> str:
        """Press the button; where the browser is sent."""
        departure = self.tool.flow.begin(next_url, self.cookies)
        self.set(departure.cookies)
        return departure.url

    def come_back(self, url: str) -> Arrival:
        """End at the callback; on failure the attempt's cookie goes, as an adapter sees to it."""
        try:
            arrival = self.tool.flow.finish(url, self.cookies)
        except BaseException:
            self.set(self.tool.flow.failed_cookies(url, self.cookies))
            raise
        self.set(arrival.cookies)
        self.row_id = arrival.session.row_id
        return arrival

    def sign_in(self, user: str = "Alice", next_url: str | None = None) -> UserSession:
        """Press the button, then Allow."""
        return self.come_back(self.tool.wiki.approve(self.leave(next_url), user)).session

    def open(self) -> UserSession | None:
        """Come with another request."""
        return self.tool.flow.open(self.cookies, self.row_id)

    def sign_out(self) -> None:
        """Press the other button."""
        self.set(self.tool.flow.logout(self.open()))
        self.row_id = None

    def set(self, cookies: Iterable[Cookie]) -> None:
        """Do with cookies what a browser does."""
        for cookie in cookies:
            if cookie.max_age:
                self.cookies[cookie.name] = cookie.value
            else:
                self.cookies.pop(cookie.name, None)


class WebTool:
    """A web tool with a consumer of one wiki, and a database of its own.

    Attributes:
        wiki: The sandbox wiki.
        consumer: What it is registered as there.
        database: The file of its user sessions.
        flow: How its visitors sign in.
    """

    def __init__(
        self, wiki: SandboxWiki, folder: Path, version: str = "2.0", **registered: Any
    ) -> None:
        self.wiki = wiki
        self.database = folder / "sessions.db"
        self.consumer = wiki.add_consumer(
            f"Web tool {len(wiki.consumers)}",
            **{
                "oauth_version": version,
                "owner": "Admin",
                "callback_url": CALLBACK,
                "grants": GRANTS,
                **registered,
            },
        )
        consumer = Consumer(
            self.consumer.key,
            self.consumer.secret,
            version,
            callback_url=self.consumer.callback_url,
        )
        self.start(WebSettings(Wiki.from_url(wiki.api_url), consumer, new_key()))

    def start(self, settings: WebSettings | None = None, **changes: Any) -> WebFlow:
        """Start, or start again with other settings; the old flow is another process then."""
        settings = replace(settings or self.settings, **changes)
        self.flow = WebFlow(settings, SqlSealedStore(f"sqlite:///{self.database}"))
        self.store.get("0" * 32)  # makes the table
        return self.flow

    @property
    def settings(self) -> WebSettings:
        """What it is set up with now."""
        return self.flow.settings

    @property
    def store(self) -> SqlSealedStore:
        """Where it keeps its user sessions."""
        return self.flow.store

    def visitor(self, user: str = "Alice") -> Browser:
        """A browser with which somebody has signed in."""
        browser = Browser(self)
        browser.sign_in(user)
        return browser

    def row(self, session: UserSession) -> SealedRow | None:
        """The row of a user session."""
        return self.store.get(session.row_id)

    def rows(self) -> list[dict[str, Any]]:
        """The table, as who steals or changes it sees it."""
        with closing(sqlite3.connect(self.database)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute("SELECT * FROM pwb_oauth_sealed")]

    def tamper(self, row_id: str, **columns: Any) -> None:
        """Change a row past the web tool."""
        names = ", ".join(f"{name} = ?" for name in columns)
        with closing(sqlite3.connect(self.database)) as connection, connection:
            statement = f"UPDATE pwb_oauth_sealed SET {names} WHERE row_id = ?"  # noqa: S608
            assert connection.execute(statement, [*columns.values(), row_id]).rowcount == 1


def edit(account: Any, text: str, title: str = TITLE, **options: Any) -> Any:
    """Put a line at the end of a page, and give the page."""
    import pywikibot

    page = pywikibot.Page(account.site("en", "sandbox"), title)
    page.text = f"{page.text}\n{text}"
    page.save(summary="test", quiet=True, **options)
    return page


def lines(wiki: SandboxWiki, title: str = TITLE) -> list[str]:
    """The lines of a page, as the wiki has them."""
    return wiki.pages[title].revisions[-1].text.splitlines() if title in wiki.pages else []


def who_wrote(wiki: SandboxWiki, text: str, title: str = TITLE) -> str | None:
    """Whose revision brought a line; None if no page has it."""
    found = [each for each in wiki.pages[title].revisions if text in each.text.splitlines()]
    return found[0].user if found else None


def unpatrolled(wiki: SandboxWiki, title: str) -> int:
    """A new page that nobody has looked at; the number of the change."""
    wiki.add_page(title, "new")
    change = wiki._state.recent_changes[-1]
    change.patrolled = 0
    return change.rcid


def patrollers(wiki: SandboxWiki) -> dict[str, str | None]:
    """Who marked which page as looked at."""
    return {each.title: each.user for each in wiki._state.log_events if each.type == "patrol"}


def given_credentials(monkeypatch: pytest.MonkeyPatch) -> list[Credential]:
    """What the wiki gives from now on."""
    given = []
    complete = authorization.complete_authorization

    def noted(*args: Any) -> Credential:
        given.append(complete(*args))
        return given[-1]

    monkeypatch.setattr(authorization, "complete_authorization", noted)
    return given


def is_dead(wiki: Wiki, credential: Credential) -> bool:
    """Whether the wiki takes neither of its tokens any more."""
    token = credential.access_token
    try:
        fetch_identity(wiki, credential.consumer, token)
    except LoginRequiredError:
        pass
    else:
        return False
    try:
        oauth2.refresh(wiki, credential.consumer, token, username="Alice")
    except LoginRequiredError:
        return True
    return False


class Requests:
    """The requests that a wiki got since."""

    def __init__(self, wiki: SandboxWiki) -> None:
        self._wiki = wiki
        wiki.log.clear()

    def __iter__(self) -> Iterator[LogEntry]:
        return iter(self._wiki.log)

    def __len__(self) -> int:
        return len(self._wiki.log)

    def of(self, *actions: str) -> list[LogEntry]:
        """Those with one of these actions."""
        return [each for each in self if each.action in actions]

    def writes(self) -> list[LogEntry]:
        """Those that could change something."""
        return self.of("edit", "patrol", "rollback")


@pytest.fixture(name="tool")
def web_tool(bot, tmp_path: Path) -> WebTool:
    """A web tool with OAuth 2.0, and a Pywikibot that knows its wiki."""
    return WebTool(bot.wiki, tmp_path)


@pytest.fixture(name="any_tool", params=VERSIONS)
def web_tool_of_each_version(request, bot, tmp_path: Path) -> WebTool:
    """A web tool with either OAuth version."""
    return WebTool(bot.wiki, tmp_path, request.param)
