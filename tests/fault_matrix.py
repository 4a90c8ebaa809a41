"""What becomes of a read, an edit and an upload when something goes wrong, and how long it takes.

``python tests/fault_matrix.py`` runs every fault and writes the tables of docs/reliability.md anew.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import secrets
import struct
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pywikibot
from oauthlib.oauth1 import rfc5849
from pywikibot import config
from pywikibot.comms import http
from pywikibot.exceptions import OtherPageSaveError
from pywikibot.throttle import Throttle

import bots
from bot_actions import TOKEN_ENDPOINT, save
from pwb_oauth import clock, oauth2, transport
from pwb_oauth.testing import SandboxWiki
from pwb_oauth.wiki import Wiki

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "reliability.md"
PROTOCOLS = ("1.0a", "2.0")
OPERATIONS = ("read", "edit", "upload")
ACTIONS = {"read": "query", "edit": "edit", "upload": "upload"}
CHANGES = ("edit", "upload")
GRANTS = ("basic", "editpage", "createeditmovepage", "uploadeditmovefile")
USER = "Admin"  # who may upload
LOGIN = "pwb-oauth login"
TIMEOUT = 1.0
_BEGIN, _END = "<!-- generated: {} -->", "<!-- end -->"
_HEAD = "| What goes wrong | " + " | ".join(
    f"{protocol} {operation}" for protocol in PROTOCOLS for operation in OPERATIONS
)


@dataclass(frozen=True)
class Outcome:
    """What became of an operation.

    Attributes:
        what: As the document says it.
        seconds: How long it took, without the waits of Pywikibot, which the test lets pass at once.
        error: What reached the script; None if the operation was done.
        waits: The seconds of those waits; empty without a retry.
        executed: How many edits or uploads the wiki made of it.
    """

    what: str
    seconds: float
    error: BaseException | None
    waits: tuple[float, ...]
    executed: int


class Rig:
    """A Pywikibot on a sandbox wiki, whose waits pass at once."""

    def __init__(self, version: str, patch: pytest.MonkeyPatch, folder: Path) -> None:
        self.version = version
        self.patch = patch
        self._stack = contextlib.ExitStack()
        self.wiki = self._stack.enter_context(SandboxWiki(version=version))
        given = bots.pywikibot_of_its_own(self.wiki, folder, patch, hooks=True)
        self.bot = self._stack.enter_context(contextlib.contextmanager(lambda: given)())
        self.waits: list[float] = []
        self._numbers = itertools.count(1)
        self._prepare()

    def close(self) -> None:
        self._stack.close()

    def _prepare(self) -> None:
        def ask(question: str, **options: Any) -> str:
            pytest.fail(f"asked a person: {question}")

        self.patch.setattr(pywikibot, "input", ask)
        self.patch.setattr(pywikibot, "sleep", self.waits.append)
        self.patch.setattr(Throttle, "wait", staticmethod(self._wait))
        for name, value in {
            "retry_wait": 5,
            "retry_max": 120,
            "max_retries": 15,
        }.items():
            self.patch.setattr(config, name, value)

    def _wait(self, seconds: float) -> None:
        if seconds > 0:
            self.waits.append(seconds)

    @property
    def key(self) -> Any:
        return self.bot.key(USER)

    def log_in(self, protocol: str) -> None:
        """Begin anew, with a wiki as it was at first and a credential of that OAuth version."""
        self.wiki.reset()
        self.first = self.bot.log_in(protocol, USER, grants=list(GRANTS))
        self.waits.clear()

    def signed_in_page(self) -> Any:
        """A page that is there, of a site that has done all that precedes a first edit."""
        site = self.bot.site(USER)
        return save(site, f"Page {next(self._numbers)}")

    def run(self, fault: Fault, protocol: str, operation: str) -> Outcome:
        """Let something go wrong while an operation is done."""
        if operation == fault.operations[0] or fault.spoils:
            self.log_in(protocol)
        page = self.signed_in_page()
        with self.patch.context() as patch:
            fault.arrange(Scene(self, patch, protocol, ACTIONS[operation]))
            outcome = self._timed(fault, getattr(self, f"_{fault.at}{operation}"), page)
        self.wiki._faults.clear()
        return outcome

    def _timed(self, fault: Fault, work: Callable[[Any], None], page: Any) -> Outcome:
        self.waits.clear()
        number = len(self.wiki.log)
        error: BaseException | None = None
        revisions = self._changes(page)
        started = time.perf_counter()
        try:
            work(page)
        except OtherPageSaveError as wrapped:
            error = wrapped.reason if isinstance(wrapped.reason, Exception) else wrapped
        except Exception as raised:  # noqa: BLE001  # its class is what is asked for
            error = raised
        seconds = time.perf_counter() - started
        time.sleep(max(0, fault.lasts and fault.lasts + 0.1 - seconds))
        trouble = [entry for entry in list(self.wiki.log)[number:] if _is_trouble(entry)]
        executed = self._changes(page) - revisions
        what = describe(error, self.waits, troubled=bool(trouble), twice=executed > 1)
        return Outcome(what, seconds, error, tuple(self.waits), executed)

    def _changes(self, page: Any) -> int:
        """How many revisions the page and its file have."""
        uploads = self.wiki._state.files.get(_file_name(page), ())
        return len(self.wiki.pages[page.title()].revisions) + len(uploads)

    def _read(self, page: Any) -> None:
        assert pywikibot.Page(page.site, page.title()).get(force=True) == "hello"

    def _edit(self, page: Any) -> None:
        page.save(quiet=True, appendtext=" more")

    def _upload(self, page: Any) -> None:
        path = self.bot.folder / "image.png"
        header = struct.pack(">II5B", next(self._numbers), 3, 8, 2, 0, 0, 0)
        path.write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + header)
        file = pywikibot.FilePage(page.site, f"File:{_file_name(page)}")
        done = page.site.upload(
            file,
            source_filename=str(path),
            summary="new",
            ignore_warnings=True,
            report_success=False,
        )
        assert done

    def _rest_read(self, page: Any) -> None:
        answer = http.request(page.site, f"/w/rest.php/v1/page/{page.title(as_url=True)}")
        assert answer.json()["source"] == "hello"


@dataclass(frozen=True)
class Scene:
    """Where something is to go wrong: at the one request that does what was asked for.

    Attributes:
        action: api.php's ``action`` of that request.
    """

    rig: Rig
    patch: pytest.MonkeyPatch
    protocol: str
    action: str

    @property
    def wiki(self) -> SandboxWiki:
        return self.rig.wiki

    @property
    def credential(self) -> Any:
        return self.rig.bot.store.load(self.rig.key)

    def fail(self, kind: Any, count: int = 1, *, seconds: float = 7) -> None:
        self._shorten_timeouts(kind)
        self.wiki.fail_next(kind, count=count, action=self.action, seconds=seconds)

    def fail_refresh(self, kind: Any) -> None:
        self._shorten_timeouts(kind)
        self.wiki.expire_tokens()
        self.wiki.fail_next(kind, path=TOKEN_ENDPOINT, seconds=2 * TIMEOUT)

    def _shorten_timeouts(self, kind: str) -> None:
        if kind == "hang":
            self.patch.setattr(transport, "READ_TIMEOUT", TIMEOUT)
            self.patch.setattr(config, "socket_timeout", (6, TIMEOUT))

    def set_machine_clock(self, seconds: float) -> None:
        offset = timedelta(seconds=seconds)
        self.patch.setattr(clock, "now", lambda: datetime.now(timezone.utc) + offset)


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong.

    Attributes:
        name: As the document says it.
        arrange: Brings it about.
        protocols: The OAuth versions in which it can happen.
        operations: Those that can meet it.
        version: The sandbox wiki's.
        says: What the message of the error has to name, which leaves at once.
        spoils: Whether each operation needs a login of its own.
        at: ``rest_`` for a read at rest.php.
        twice: Whether an edit may be done twice.
        lasts: Seconds after which the wiki has done everything.
    """

    name: str
    arrange: Callable[[Scene], None]
    protocols: tuple[str, ...] = PROTOCOLS
    operations: tuple[str, ...] = OPERATIONS
    version: str = "1.43"
    says: str | None = None
    spoils: bool = False
    at: str = ""
    twice: bool = False
    lasts: float = 0


def describe(
    error: BaseException | None, waits: list[float], *, troubled: bool, twice: bool
) -> str:
    """An outcome in words."""
    if error is None and not waits:
        return "recovered" if troubled else "not affected"
    if error is None:
        return "retried and done twice" if twice else "retried"
    name = f"`{type(error).__name__}`"
    return f"{name} after a retry" if waits else name


def _is_trouble(entry: Any) -> bool:
    refresh = entry.params.get("grant_type") == "refresh_token"
    return refresh or entry.status != 200 or entry.error is not None


def _file_name(page: Any) -> str:
    return f"{page.title()}.png"


# What is mended below Pywikibot.


def _expire_by_clock(scene: Scene) -> None:
    scene.wiki.clock.advance(7200)
    scene.set_machine_clock(7200)


def _refuse_401(kind: str) -> Callable[[Scene], None]:
    # An OAuth 1.0a token cannot be renewed: only for as long as it is refused is there a question.
    return lambda scene: scene.fail(kind, 1 if scene.protocol == "2.0" else 10)


def _use_a_nonce_twice(scene: Scene) -> None:
    nonces = iter([secrets.token_hex(16)] * 2)
    fresh = rfc5849.generate_nonce
    scene.patch.setattr(rfc5849, "generate_nonce", lambda: next(nonces, None) or fresh())
    pywikibot.Site("en", "sandbox", user=USER).simple_request(action="query").submit()


# What nobody can mend but a person.


def _disable(scene: Scene) -> None:
    scene.wiki.disable(scene.wiki.consumers[scene.credential.consumer.key])


def _use_refresh_token_up(scene: Scene) -> None:
    wiki, stored = Wiki.from_url(scene.wiki.api_url), scene.credential
    oauth2.refresh(wiki, stored.consumer, stored.access_token, username=USER)


def _mistype_secret(scene: Scene) -> None:
    stored = scene.credential
    wrong = replace(stored, consumer=replace(stored.consumer, secret="0" * 40))
    scene.rig.bot.store.save(scene.rig.key, wrong)
    scene.wiki.expire_tokens()


ONLY_2 = ("2.0",)

MENDED = (
    Fault("The access token has expired, by the clock", _expire_by_clock, ONLY_2, spoils=True),
    Fault(
        "The access token has expired early: `mwoauth-invalid-authorization`, HTTP 200",
        lambda scene: scene.wiki.expire_tokens(),
        ONLY_2,
    ),
    Fault(
        "The same at rest.php: HTTP 403",
        lambda scene: scene.wiki.expire_tokens(),
        ONLY_2,
        ("read",),
        at="rest_",
    ),
    Fault("HTTP 401 with `WWW-Authenticate`", _refuse_401("401"), spoils=True),
    Fault(
        "Wikimedia's edge: HTTP 401, `Jwt is expired`",
        _refuse_401("edge-401"),
        version="wikimedia",
        spoils=True,
    ),
    Fault(
        "`mwoauth-invalid-authorization-jwt`: the cookie is another session's",
        lambda scene: scene.fail("jwt"),
        version="wikimedia",
    ),
    Fault("`badtoken`", lambda scene: scene.fail("badtoken"), operations=CHANGES),
    Fault(
        "`badtoken` five times in a row",
        lambda scene: scene.fail("badtoken", 5),
        operations=CHANGES,
    ),
    Fault("The nonce was used before", _use_a_nonce_twice, ("1.0a",)),
    Fault(
        "This machine's clock is 10 minutes fast",
        lambda scene: scene.set_machine_clock(600),
        ("1.0a",),
    ),
    Fault(
        "This machine's clock is 10 minutes slow",
        lambda scene: scene.set_machine_clock(-600),
        ("1.0a",),
        spoils=True,
    ),
)

RETRIED = (
    *(
        Fault(
            f"The refresh is answered {how}",
            lambda scene, kind=kind: scene.fail_refresh(kind),
            ONLY_2,
        )
        for kind, how in {
            "503": "by HTTP 503",
            "429": "by HTTP 429",
            "html": "by HTML",
            "half-json": "by half of its JSON",
            "empty": "by nothing",
            "cut": "by a connection that is cut",
        }.items()
    ),
    Fault(
        "The refresh is not answered in time",
        lambda scene: scene.fail_refresh("hang"),
        ONLY_2,
        spoils=True,
    ),
    Fault(
        "The answer to the refresh is lost; Wikimedia",
        lambda scene: scene.fail_refresh("lost"),
        ONLY_2,
        version="wikimedia",
        spoils=True,
    ),
    Fault(
        "The answer to the refresh is lost; MediaWiki 1.43",
        lambda scene: scene.fail_refresh("lost"),
        ONLY_2,
        spoils=True,
    ),
    Fault("HTTP 503", lambda scene: scene.fail("503")),
    Fault("HTTP 429 with `Retry-After: 7`", lambda scene: scene.fail("429")),
    Fault("`maxlag`", lambda scene: scene.fail("maxlag")),
    Fault("The connection is cut before the request is done", lambda scene: scene.fail("cut")),
    Fault("HTML instead of JSON", lambda scene: scene.fail("html")),
    Fault("Half of the JSON", lambda scene: scene.fail("half-json")),
    Fault("The request is done, and the answer lost", lambda scene: scene.fail("lost"), twice=True),
    Fault(
        "The request is done, and answered too late",
        lambda scene: scene.fail("hang", seconds=2 * TIMEOUT),
        operations=CHANGES,
        twice=True,
        lasts=2 * TIMEOUT,
    ),
)

FOR_GOOD = (
    Fault(
        "The user has withdrawn the grant",
        lambda scene: scene.wiki.revoke(USER),
        says=LOGIN,
        spoils=True,
    ),
    Fault("The consumer is disabled", _disable, says=LOGIN, spoils=True),
    Fault("The account is locked", lambda scene: scene.wiki.lock(USER), says=LOGIN, spoils=True),
    Fault(
        "The refresh is refused: HTTP 401, `invalid_request` (MediaWiki 1.43)",
        _use_refresh_token_up,
        ONLY_2,
        says=LOGIN,
        spoils=True,
    ),
    Fault(
        "The refresh is refused: HTTP 400, `invalid_grant` (MediaWiki 1.46)",
        _use_refresh_token_up,
        ONLY_2,
        version="1.46",
        says=LOGIN,
        spoils=True,
    ),
    Fault(
        "The consumer secret is wrong when refreshing",
        _mistype_secret,
        ONLY_2,
        says=LOGIN,
        spoils=True,
    ),
    Fault(
        "The wiki redirects to another host",
        lambda scene: scene.fail("redirect"),
        says="correct the address",
        spoils=True,
    ),
)

STOCK = (
    Fault("The account is blocked from editing", lambda scene: scene.wiki.block(USER), spoils=True),
)

TABLES = {"mended": MENDED, "retried": RETRIED, "for good": FOR_GOOD, "stock": STOCK}
FAULTS = tuple(itertools.chain.from_iterable(TABLES.values()))


class Rigs:
    """One rig at a time, since there is one Pywikibot in a process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._patch: pytest.MonkeyPatch | None = None
        self._rig: Rig | None = None

    def of(self, fault: Fault) -> Rig:
        """The rig with the version that a fault is of."""
        if self._rig is None or self._rig.version != fault.version:
            self.close()
            folder = Path(tempfile.mkdtemp(dir=self._folder))
            self._patch = pytest.MonkeyPatch()
            self._rig = Rig(fault.version, self._patch, folder)
        return self._rig

    def close(self) -> None:
        if self._rig is not None:
            self._rig.close()
            self._patch.undo()
            self._rig = None


def cells(fault: Fault) -> Iterator[tuple[str, str]]:
    """The OAuth versions and operations that can meet a fault."""
    return itertools.product(fault.protocols, fault.operations)


def row(fault: Fault, outcomes: dict[tuple[str, str], Outcome]) -> str:
    """A line of the document."""
    texts = [fault.name]
    for cell in itertools.product(PROTOCOLS, OPERATIONS):
        outcome = outcomes.get(cell)
        texts.append(_text(outcome) if outcome else "—")
    return f"| {' | '.join(texts)} |"


def _text(outcome: Outcome) -> str:
    waits = f" + {sum(outcome.waits):.0f} s" if outcome.waits else ""
    return f"{outcome.what}, {outcome.seconds:.2f} s{waits}"


def documented() -> dict[str, list[str]]:
    """The rows of the document's tables, without the seconds."""
    rows = {}
    for line in DOCUMENT.read_text("utf-8").splitlines():
        name, *found = [text.strip() for text in line.strip("|").split("|")]
        if len(found) == len(PROTOCOLS) * len(OPERATIONS) and name.strip("-"):
            rows[name] = [text.partition(", ")[0] for text in found]
    return rows


def write(tables: dict[str, str]) -> None:
    """Put tables into the document in the place of those that are there."""
    text = DOCUMENT.read_text("utf-8")
    for name, table in tables.items():
        head, begin, rest = text.partition(_BEGIN.format(name))
        tail = rest.partition(_END)[2]
        text = f"{head}{begin}\n{table}\n{_END}{tail}"
    DOCUMENT.write_text(text, "utf-8")


def main() -> None:
    """Run everything, and write what was seen."""
    tables = {}
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        rigs = Rigs(Path(folder))
        for name, faults in TABLES.items():
            rows = [f"{_HEAD} |", "|---" * 7 + "|"]
            for fault in faults:
                rig = rigs.of(fault)
                rows.append(row(fault, {cell: rig.run(fault, *cell) for cell in cells(fault)}))
                sys.stdout.write(f"{rows[-1]}\n")
            tables[name] = "\n".join(rows)
        rigs.close()
    write(tables)


if __name__ == "__main__":
    main()
