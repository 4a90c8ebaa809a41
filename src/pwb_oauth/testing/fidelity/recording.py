"""A folder of recordings: the cases, their steps, and what the wiki was before each case."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from pwb_oauth.testing.fidelity.pages import Page

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

_NEEDED = ("site", "users", "consumers")
Headers = tuple[tuple[str, str], ...]


class RecordingError(Exception):
    """The folder, or a file in it, is no recording that can be played back."""


@dataclass(frozen=True)
class Reply:
    """What a wiki answered, recorded or live.

    Attributes:
        status: HTTP status.
        headers: All headers in the order they came.
        body: The body as text, None where ``page`` holds it.
        page: The HTML page in the body, None if there is none.
    """

    status: int
    headers: Headers
    body: str | None = None
    page: Page | None = None

    def header(self, name: str) -> str | None:
        """Give the last header of that name, None if there is none; case makes no difference."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return values[-1] if values else None


@dataclass(frozen=True)
class Exchange:
    """One recorded request and its reply.

    Attributes:
        number: Index into the steps of the case.
        by: ``client``, or ``browser:USER``.
        jar: The cookie jar that was used, None if no cookies were kept.
        parallel: The group of requests that were sent at once, None if it was sent alone.
        status_only: Whether nothing but the status is to be compared.
        signature_verifies: None on requests without OAuth 1.0a parameters.
        volatile: Names of places whose values are made anew each time.
        template: Volatile sentences by place, ``{…}`` stands for what varies.
        jwts: The JWTs in the reply, decoded.
    """

    number: int
    by: str
    label: str
    jar: str | None
    parallel: str | None
    status_only: bool
    method: str
    url: str
    headers: Headers
    body: str | None
    parts: tuple[Mapping[str, Any], ...]
    signature_verifies: bool | None
    reply: Reply
    volatile: frozenset[str]
    template: Mapping[str, str] = field(default_factory=dict)
    jwts: tuple[Mapping[str, Any], ...] = ()

    @property
    def by_browser(self) -> bool:
        """Whether a person's browser sent it, not the client that is tested."""
        return self.by.startswith("browser:")

    @property
    def moment(self) -> datetime:
        """When the recorded wiki answered: its ``Date``, aware UTC."""
        date = self.reply.header("Date")
        if date is None:
            raise RecordingError(f"step {self.number} has no Date")
        return parsedate_to_datetime(date)


@dataclass(frozen=True)
class Action:
    """A step that changed the wiki from outside HTTP: ``do`` and the fields it has."""

    do: str
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """A recorded case: its name and its steps in order."""

    name: str
    steps: tuple[Exchange | Action, ...]

    def groups(self) -> Iterator[Action | list[Exchange]]:
        """Give actions, and exchanges in lists: those of one list are sent at once."""
        group: list[Exchange] = []
        for step in self.steps:
            if isinstance(step, Exchange) and group and _at_once(group[-1], step):
                group.append(step)
                continue
            if group:
                yield group
            group = [step] if isinstance(step, Exchange) else []
            if isinstance(step, Action):
                yield step
        if group:
            yield group


def _at_once(before: Exchange, after: Exchange) -> bool:
    return before.parallel is not None and before.parallel == after.parallel


class Recordings:
    """The cases in a folder.

    Args:
        folder: Holds ``CASE.json`` files and ``_wiki.json``.

    Raises:
        RecordingError: The folder has no ``_wiki.json`` that a wiki can be set up from.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.description = _read(folder / "_wiki.json")
        missing = [name for name in _NEEDED if name not in self.description]
        if missing:
            raise RecordingError(f"{folder / '_wiki.json'} lacks {', '.join(missing)}")

    def names(self) -> list[str]:
        """List the cases, sorted."""
        return sorted(p.stem for p in self._folder.glob("*.json") if not p.stem.startswith("_"))

    def case(self, name: str) -> Case:
        """Read one case.

        Raises:
            RecordingError: There is no such case, or it cannot be read.
        """
        content = _read(self._folder / f"{name}.json")
        loose = content.get("compare") == "status"
        try:
            steps = tuple(_step(i, step, loose) for i, step in enumerate(content["steps"]))
        except KeyError as error:
            raise RecordingError(f"{name}: {error} is missing") from error
        return Case(name, steps)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise RecordingError(f"{path}: {error}") from error
    if not isinstance(content, dict):
        raise RecordingError(f"{path}: not a JSON object")
    return content


def _step(number: int, step: dict[str, Any], loose: bool) -> Exchange | Action:
    if step["do"] != "request":
        return Action(step["do"], step)
    return Exchange(
        number=number,
        by=step["by"],
        label=step["label"],
        jar=step.get("jar"),
        parallel=step.get("parallel"),
        status_only=loose or step.get("compare") == "status",
        method=step["method"],
        url=step["url"],
        headers=_headers(step["request_headers"]),
        body=step.get("request_body"),
        parts=tuple(step.get("request_parts", ())),
        signature_verifies=step.get("signature_verifies"),
        reply=_reply(step),
        volatile=frozenset(step["volatile"]),
        template=step.get("template", {}),
        jwts=tuple(step.get("jwt", ())),
    )


def _headers(pairs: list[list[str]]) -> Headers:
    return tuple((name, value) for name, value in pairs)


def _reply(step: dict[str, Any]) -> Reply:
    page = Page.from_recording(step["html"]) if "html" in step else None
    return Reply(
        step["status"], _headers(step["response_headers"]), step.get("response_body"), page
    )
