"""A wiki on loopback that speaks MediaWiki's OAuth, for tests.

Example:
    >>> with SandboxWiki() as wiki:
    ...     consumer = wiki.add_consumer("My tool", callback_url="http://127.0.0.1:9999/cb")
    ...     link = f"{wiki.rest_url}/oauth2/authorize?response_type=code&client_id={consumer.key}"
    ...     ended_on = wiki.approve(link, user="Alice")
    >>> ended_on.startswith("http://127.0.0.1:9999/cb?code=")
    True
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pwb_oauth.testing.sandbox import api, pages, pywikibot_config, rest, seed
from pwb_oauth.testing.sandbox.administration import Administration
from pwb_oauth.testing.sandbox.approve import Browser
from pwb_oauth.testing.sandbox.clock import Clock
from pwb_oauth.testing.sandbox.defaults import default_description
from pwb_oauth.testing.sandbox.faults import Fault, FaultKind, Faults
from pwb_oauth.testing.sandbox.model import BotPassword, Consumer, Page, User, WikiState
from pwb_oauth.testing.sandbox.server import LogEntry, RequestLog, WikiServer
from pwb_oauth.testing.sandbox.versions import behaviour_of

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = [
    "BotPassword",
    "Clock",
    "Consumer",
    "LogEntry",
    "Page",
    "RequestLog",
    "SandboxWiki",
    "User",
]


class SandboxWiki(Administration):
    """A real HTTP server on 127.0.0.1 that answers as a MediaWiki with Extension:OAuth does.

    It starts with the users Alice, Bob, BotOwner (a bot) and Admin (an administrator), whose
    passwords are made up (`users` tells them), and without consumers.

    Args:
        description: Set the wiki up from this instead; shaped as
            `pwb_oauth.testing.sandbox.defaults.default_description` makes it. Its ``site.server``
            is the server name that signatures are checked against and redirects lead to; empty is
            the wiki's own address.
        version: Whose behaviour: ``"1.43"``, ``"1.46"`` or ``"wikimedia"``.
        port: Where to listen; 0 is any free port.

    Raises:
        OSError: The port is taken.

    Attributes:
        clock: The wiki's time, which goes into everything: lifetimes, nonces, timestamps.
        log: The last 1,000 requests and what was answered; `RequestLog.limit` changes the number.
        errors: What went wrong inside the sandbox itself. The client got a 500, and `close` raises
            the first of them.
    """

    def __init__(
        self,
        description: dict[str, Any] | None = None,
        *,
        version: str = "1.43",
        port: int = 0,
    ) -> None:
        self.clock = Clock()
        self._behaviour = behaviour_of(version)
        self._description = description or default_description(self._behaviour.generator)
        self._faults = Faults()
        self._state = self._fresh_state()
        self._server = WikiServer(self._state, self._handlers(), self._faults, port)
        self._name_server()

    @classmethod
    def from_description(cls, description: dict[str, Any], **settings: Any) -> SandboxWiki:
        """Start a wiki that is set up as another one was; see the constructor."""
        return cls(description, **settings)

    def __enter__(self) -> Self:
        """Give the wiki, which runs already."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop it; an error of the sandbox itself is raised unless the test has failed."""
        self._server.close()
        if error is None:
            self._raise_first_error()

    def __repr__(self) -> str:
        """Show where it listens."""
        return f"<SandboxWiki {self.url}>"

    def close(self) -> None:
        """Stop every thread and every hanging request.

        Raises:
            Exception: The first of `errors`, if there is one.
        """
        self._server.close()
        self._raise_first_error()

    def wait(self) -> None:
        """Keep the wiki running until Ctrl-C, which raises KeyboardInterrupt."""
        self._server.wait()

    def reset(self) -> None:
        """Make the wiki what it was when it started: state, log, faults, clock.

        Users and consumers that a test holds are of the old state; ask for them again.
        """
        self._faults.clear()
        self.log.clear()
        self.errors.clear()
        self.clock.reset()
        self._state = self._server.wiki = self._fresh_state()
        self._name_server()

    def _fresh_state(self) -> WikiState:
        return seed.state_from(self._description, self._behaviour, self.clock)

    def _name_server(self) -> None:
        self._state.site.server = self._state.site.server or self.url

    def _handlers(self) -> dict[str, Any]:
        script_path = self._state.site.script_path
        return {
            f"{script_path}/api.php": api.handle,
            f"{script_path}/index.php": pages.handle,
            f"{script_path}/rest.php/": rest.handle,
            "/wiki/": pages.handle,
            "/": pages.handle,
        }

    def _raise_first_error(self) -> None:
        if self.errors:
            raise self.errors[0]

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``."""
        return f"http://127.0.0.1:{self._server.port}"

    @property
    def api_url(self) -> str:
        """The address of api.php."""
        return f"{self.url}{self._state.site.script_path}/api.php"

    @property
    def index_url(self) -> str:
        """The address of index.php."""
        return f"{self.url}{self._state.site.script_path}/index.php"

    @property
    def rest_url(self) -> str:
        """The address of rest.php."""
        return f"{self.url}{self._state.site.script_path}/rest.php"

    @property
    def log(self) -> RequestLog:
        """The requests that were answered last, the oldest first."""
        return self._server.log

    @property
    def errors(self) -> list[Exception]:
        """What went wrong inside the sandbox."""
        return self._server.errors

    @property
    def users(self) -> dict[str, User]:
        """Accounts by name."""
        return self._state.users

    @property
    def bot_passwords(self) -> dict[str, BotPassword]:
        """Bot passwords by login name, ``USER@APP_ID``."""
        return self._state.bot_passwords

    @property
    def consumers(self) -> dict[str, Consumer]:
        """Consumers by key."""
        return self._state.consumers

    @property
    def pages(self) -> dict[str, Page]:
        """Pages by title."""
        return self._state.pages

    def approve(self, authorization_url: str, user: str = "Alice", *, allow: bool = True) -> str:
        """Do what a person at a browser does with an application's link.

        Args:
            authorization_url: The link.
            user: Who signs in.
            allow: False presses Cancel.

        Returns:
            The address the browser ends on: the callback with its parameters, which is not
            fetched, or a page of the wiki (``oob``, an error, Cancel under OAuth 1.0a).
        """
        password = self.users[user].password or ""
        with Browser(self.url, self._state.site.server) as browser:
            return browser.approve(authorization_url, user=user, password=password, allow=allow)

    def fail_next(
        self,
        kind: FaultKind,
        *,
        count: int = 1,
        path: str | None = None,
        action: str | None = None,
        user: str | None = None,
        seconds: float = 5,
    ) -> None:
        """Let the next requests fail.

        Args:
            kind: ``"503"`` and ``"429"`` (with Retry-After), ``"hang"`` (answers after
                ``seconds``), ``"cut"`` (the connection ends without an answer, nothing is done),
                ``"lost"`` (it is done, and the connection ends without an answer), ``"html"``,
                ``"half-json"``, ``"empty"``, ``"401"`` (with WWW-Authenticate), ``"edge-401"``
                (Wikimedia's edge finds the token expired), ``"jwt"`` (the sessionJwt cookie is said
                to be another token's), ``"maxlag"``, ``"badtoken"``, ``"redirect"`` (to another
                host), ``"trickle"`` (it is done, and the answer takes ``seconds``).
            count: How many.
            path: Only those whose path ends so: ``"/api.php"``, ``"oauth2/access_token"``.
            action: Only those with this ``action`` of api.php.
            user: Only those of this account.
            seconds: How long to hang, how long the answer takes, or what ``Retry-After`` says.
        """
        self._faults.add(Fault(kind, count, path, action, user, seconds))

    def write_pywikibot_config(self, folder: Path | str, usernames: str | None = None) -> Path:
        """Write what Pywikibot needs to work on this wiki as ``Site("en", "sandbox")``.

        Args:
            folder: Becomes PYWIKIBOT_DIR; made if it is missing.
            usernames: The account to name, None for none.

        Returns:
            The path of user-config.py.
        """
        site = self._state.site
        return pywikibot_config.write(
            Path(folder), port=self._server.port, script_path=site.script_path, username=usernames
        )
