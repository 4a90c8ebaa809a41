"""The password file: one tuple a line, as Pywikibot's ``LoginManager.readPassword`` reads it."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pwb_oauth.errors import ConfigurationError
from pwb_oauth.migration import rewriting, variables
from pwb_oauth.migration.finding import Finding, Kind
from pwb_oauth.migration.source import PythonSource

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pwb_oauth.migration.finding import Use
    from pwb_oauth.migration.uses import ConfiguredUses

_BOM = "\ufeff"
_SHORTEST, _LONGEST = 2, 4
_SOMEBODY = "an unknown account"
_THEN = "Correct that family, or usernames"
_BY_HAND = "Log in by pwb-oauth login, then take it out yourself"


@dataclass(frozen=True)
class _Entry:
    """A line that holds a password."""

    kind: Kind
    username: str
    family: str | None
    code: str | None
    secret: str = field(repr=False)


def find(path: Path, uses: ConfiguredUses) -> Iterator[Finding]:
    """The passwords of a password file."""
    try:
        lines = _lines(path.read_bytes())
    except (OSError, UnicodeDecodeError) as error:
        unreadable = f"Pywikibot cannot read it ({type(error).__name__}). Correct that"
        yield Finding(path, None, Kind.PASSWORD, _SOMEBODY, (), unreadable)
        return
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if text.startswith("#"):
            yield from _commented_out(path, number, text)
            continue
        if not text.lstrip(_BOM):
            continue
        entry = _parse(text)
        if entry is None:
            malformed = f"it is no line that Pywikibot could read. {_BY_HAND}"
            yield Finding(path, number, Kind.PASSWORD, _SOMEBODY, (), malformed, text)
        else:
            whose, problem = _uses(entry, uses)
            problem = problem or rewriting.obstacle(path)
            yield Finding(path, number, entry.kind, entry.username, whose, problem, text)


def _commented_out(path: Path, number: int, text: str) -> Iterator[Finding]:
    """The passwords in a comment, if any. Comments are never changed."""
    said = text.lstrip("# \t")
    entry = _parse(said)
    if entry is None:
        yield from variables.find_in_comment(path, number, said)
    else:
        problem = "it stands in a comment. Take it out yourself"
        yield Finding(path, number, entry.kind, entry.username, (), problem)


def without(data: bytes, finding: Finding) -> bytes:
    """A password file's content without a line; what it says as a comment stays."""
    lines = _lines(data)
    for number, line in enumerate(lines):
        if line.strip() == finding.source:
            source = PythonSource(line.lstrip())
            rest = source.without(*source.span(source.tree.body[0]))
            lines[number] = line[: len(line) - len(line.lstrip())] + rest if rest.strip() else ""
            if number and not rest and line == line.rstrip("\r\n"):
                # The last line has no end, so the one that becomes the last has none.
                lines[number - 1] = lines[number - 1].rstrip("\r\n")
            break
    return "".join(lines).encode()


def _lines(data: bytes) -> list[str]:
    """The lines with their ends, split as Pywikibot does."""
    return data.decode().splitlines(keepends=True)


def _parse(text: str) -> _Entry | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            node = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError):
        return None
    if not isinstance(node, ast.Tuple) or not _SHORTEST <= len(node.elts) <= _LONGEST:
        return None
    *names, last = node.elts
    kind, secret = Kind.PASSWORD, _string(last)
    if isinstance(last, ast.Call) and getattr(last.func, "id", "") == "BotPassword":
        kind, secret = Kind.BOT_PASSWORD, _string(last.args[-1]) if last.args else None
    strings = [_string(name) for name in names]
    if secret is None or not all(strings):
        return None
    username, family, code, *_ = (*reversed(strings), None, None)
    return _Entry(kind, str(username), family, code, secret)


def _string(node: ast.expr) -> str | None:
    value = getattr(node, "value", None)
    return value if isinstance(value, str) else None


def _uses(entry: _Entry, uses: ConfiguredUses) -> tuple[tuple[Use, ...], str | None]:
    """What a password is for, or why that is not known."""
    if "@" in entry.username:
        bare = entry.username.partition("@")[0]
        return (), f"its name is a BotPassword's login name. Write {bare!r} here and in usernames"
    try:
        found = uses.of_user(entry.username, entry.family, entry.code)
    except ConfigurationError:
        return (), f"Pywikibot knows no such wiki. {_BY_HAND}"
    if not found:
        return (), f"usernames names {entry.username!r} for no wiki. Name it there"
    unknown = uses.unknown_wikis(entry.username, entry.family, entry.code)
    if unknown:
        wikis = " and ".join(unknown)
        return found, f"usernames names it for {wikis}, too, which Pywikibot does not know. {_THEN}"
    return found, None
