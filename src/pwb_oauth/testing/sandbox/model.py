"""What a wiki knows: users, consumers, tokens, sessions, pages and their history.

Everything is plain data in one `WikiState`. The server holds `WikiState.lock` for as long as it
answers a request, so handlers need no locks of their own; a test that reads or writes the state
directly while requests are in flight takes the lock.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from pwb_oauth.testing.sandbox.nonces import Nonces

if TYPE_CHECKING:
    from pwb_oauth.testing.sandbox.clock import Clock
    from pwb_oauth.testing.sandbox.tokens import (
        AuthorizationCode,
        IssuedAccessToken,
        IssuedRefreshToken,
        RequestToken,
    )
    from pwb_oauth.testing.sandbox.versions import Behaviour

Mechanism = Literal["none", "cookie", "botpassword", "oauth1", "oauth2"]
ConsumerState = Literal["proposed", "approved", "rejected", "expired", "disabled"]


@dataclass
class Block:
    """Why a user may not edit; ``expires_at`` is aware UTC, None if it never ends."""

    id: int
    by: str
    reason: str
    created_at: datetime
    expires_at: datetime | None = None
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass
class User:
    """An account; ``groups`` are those it was put into, without the implicit ones."""

    id: int
    name: str
    password: str | None = field(repr=False)
    groups: list[str]
    registered_at: datetime
    real_name: str = ""
    email: str = ""
    email_confirmed_at: datetime | None = None
    editcount: int = 0
    block: Block | None = None
    hidden: bool = False
    locked: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    watchlist: set[str] = field(default_factory=set)
    """Titles this user watches."""

    @property
    def effective_groups(self) -> list[str]:
        """The groups that give rights, in the order in which the wiki lists them."""
        return [*self.groups, "*", "user", "autoconfirmed"]


@dataclass
class BotPassword:
    """A password for one application, limited to grants; its login name is ``User@app_id``."""

    user: str
    app_id: str
    password: str = field(repr=False)
    grants: list[str]

    @property
    def login_name(self) -> str:
        """What is typed as the user name."""
        return f"{self.user}@{self.app_id}"


@dataclass
class Consumer:
    """A registered application.

    Owner-only consumers come with their access token: ``access_token`` is the key (OAuth 1.0a) or
    the whole JWT (OAuth 2.0), ``access_secret`` only exists for OAuth 1.0a.
    """

    id: int
    key: str
    secret: str = field(repr=False)
    name: str
    owner: str
    oauth_version: Literal["1.0a", "2.0"]
    callback_url: str
    callback_is_prefix: bool
    owner_only: bool
    grants: list[str]
    state: ConsumerState
    registered_at: datetime
    confidential: bool = True
    grant_types: list[str] = field(default_factory=list)
    access_token: str | None = field(default=None, repr=False)
    access_secret: str | None = field(default=None, repr=False)
    version: str = "1.0"
    description: str = ""
    ip_ranges: list[str] = field(default_factory=lambda: ["0.0.0.0/0", "::/0"])
    rsa_key: str = field(default="", repr=False)
    """PEM of the public key of a consumer that signs with RSA-SHA1."""
    wiki: str = "*"
    """The database name of the only wiki it is for; ``*`` is all."""

    def is_usable_by(self, user: User | None) -> bool:
        """Whether it is approved, or still proposed and the user's own."""
        if self.state == "proposed":
            return user is not None and user.name == self.owner
        return self.state == "approved"

    @property
    def change_tag(self) -> str | None:
        """The tag on its edits; owner-only consumers' edits carry none."""
        return None if self.owner_only else f"OAuth CID: {self.id}"


@dataclass
class Acceptance:
    """A user's approval of a consumer. OAuth 1.0a's access token belongs to it."""

    id: int
    user_id: int
    consumer_key: str
    grants: list[str]
    accepted_at: datetime
    access_token: str = field(repr=False)
    access_secret: str = field(repr=False)


@dataclass
class Session:
    """What the wiki keeps between two requests of one cookie jar, or of one OAuth grant.

    ``secrets`` holds what CSRF tokens are made of. ``bound_to`` is the access token that the
    session was last used with: another one empties the secrets.
    """

    id: str = field(repr=False)
    user_id: int | None = None
    mechanism: Mechanism = "cookie"
    grants: list[str] | None = None
    bound_to: str = field(default="", repr=False)
    secrets: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass
class Revision:
    """One version of a page. ``user_id`` 0 is an anonymous user, whose name is an IP address."""

    revid: int
    parentid: int
    user: str
    user_id: int
    text: str
    comment: str
    timestamp: datetime
    minor: bool = False
    tags: list[str] = field(default_factory=list)
    content_model: str = "wikitext"


@dataclass
class Protection:
    """Which group may do something to a page; ``expires_at`` None is indefinite."""

    level: str
    expires_at: datetime | None = None
    cascade: bool = False


@dataclass
class Page:
    """A page; ``revisions`` is never empty and goes from the oldest to the newest."""

    id: int
    ns: int
    title: str
    revisions: list[Revision]
    touched: datetime
    content_model: str = "wikitext"
    protection: dict[str, Protection] = field(default_factory=dict)

    @property
    def latest(self) -> Revision:
        """The current revision."""
        return self.revisions[-1]


@dataclass
class RecentChange:
    """A line of recent changes; ``patrolled`` is 0 not, 1 by hand, 2 by itself (MediaWiki's)."""

    rcid: int
    type: Literal["edit", "new", "log"]
    timestamp: datetime
    ns: int
    title: str
    page_id: int
    revid: int
    old_revid: int
    user: str
    user_id: int
    comment: str
    old_len: int = 0
    new_len: int = 0
    minor: bool = False
    bot: bool = False
    patrolled: int = 0
    tags: list[str] = field(default_factory=list)
    log_id: int = 0


@dataclass
class LogEvent:
    """An entry of Special:Log, for example ``type="patrol", action="patrol"``."""

    id: int
    type: str
    action: str
    timestamp: datetime
    user: str
    user_id: int
    ns: int
    title: str
    page_id: int = 0
    comment: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)


@dataclass
class FileVersion:
    """One upload of a file, the bytes included."""

    name: str
    content: bytes = field(repr=False)
    user: str
    user_id: int
    comment: str
    timestamp: datetime


@dataclass
class StashedFile:
    """An upload, or part of one, that waits for being published."""

    key: str
    user_id: int
    filename: str
    content: bytes = field(repr=False)
    expected_size: int | None = None


@dataclass
class Lifetimes:
    """How long OAuth 2.0's tokens live from the moment of their issue."""

    access: timedelta = timedelta(hours=1)
    refresh: timedelta = timedelta(days=31)
    code: timedelta = timedelta(minutes=10)


@dataclass
class Site:
    """The wiki's settings. ``server`` is its configured name: signatures are checked against it."""

    server: str = ""
    name: str = "SandboxWiki"
    dbname: str = "sandbox"
    cookie_prefix: str = "sandbox"
    script_path: str = "/w"
    language: str = "en"
    client_ip: str = "127.0.0.1"


@dataclass
class WikiState:
    """Everything one sandbox wiki knows.

    ``description`` is what it was set up from, for what has no field of its own here
    (``description["site"]["file_extensions"]``). Dictionaries keep the order of registration.
    """

    description: dict[str, Any] = field(repr=False)
    behaviour: Behaviour
    clock: Clock
    site: Site
    lifetimes: Lifetimes
    private_key: str | None = field(default=None, repr=False)
    """PEM of the RSA key that signs access tokens; None is the key of this process."""

    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    groups: dict[str, list[str]] = field(default_factory=dict)
    grants: dict[str, list[str]] = field(default_factory=dict)
    namespaces: dict[int, str] = field(default_factory=dict)

    users: dict[str, User] = field(default_factory=dict)
    bot_passwords: dict[str, BotPassword] = field(default_factory=dict)
    consumers: dict[str, Consumer] = field(default_factory=dict)
    acceptances: list[Acceptance] = field(default_factory=list)
    request_tokens: dict[str, RequestToken] = field(default_factory=dict)
    nonces: Nonces = field(default_factory=Nonces)
    codes: dict[str, AuthorizationCode] = field(default_factory=dict, repr=False)
    access_tokens: dict[str, IssuedAccessToken] = field(default_factory=dict)
    refresh_tokens: dict[str, IssuedRefreshToken] = field(default_factory=dict, repr=False)
    sessions: dict[str, Session] = field(default_factory=dict, repr=False)

    pages: dict[str, Page] = field(default_factory=dict)
    recent_changes: list[RecentChange] = field(default_factory=list)
    log_events: list[LogEvent] = field(default_factory=list)
    files: dict[str, list[FileVersion]] = field(default_factory=dict)
    stash: dict[str, StashedFile] = field(default_factory=dict)

    _last_ids: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def now(self) -> datetime:
        """The wiki's time, aware UTC."""
        return self.clock.now

    def next_id(self, kind: str) -> int:
        """Number a new thing: "user", "consumer", "page", "revision", "rc", "log", …."""
        self._last_ids[kind] += 1
        return self._last_ids[kind]

    def taken_id(self, kind: str, number: int) -> None:
        """Say that a number is in use, so that new ones are higher."""
        self._last_ids[kind] = max(self._last_ids[kind], number)

    def user_by_id(self, user_id: int | None) -> User | None:
        """Find an account, None for 0, None or an unknown number."""
        return next((user for user in self.users.values() if user.id == user_id), None)

    def page_by_id(self, page_id: int) -> Page | None:
        """Find a page by its number."""
        return next((page for page in self.pages.values() if page.id == page_id), None)

    def acceptance(self, user_id: int, consumer_key: str) -> Acceptance | None:
        """Find a user's approval of a consumer."""
        for accepted in self.acceptances:
            if (accepted.user_id, accepted.consumer_key) == (user_id, consumer_key):
                return accepted
        return None
