"""OAuth 1.0a tuples in ``user-config.py``: four strings for a host, or for a pattern of hosts.

Two strings for a host are the name and the password of HTTP's own authentication, which OAuth does
not replace; they are no concern of ours.
"""

from __future__ import annotations

import ast
import re
import tokenize
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from pwb_oauth.credential import Consumer, OAuth1AccessToken
from pwb_oauth.errors import PwbOAuthError
from pwb_oauth.migration import installation, rewriting
from pwb_oauth.migration.comments import entries_in_comments
from pwb_oauth.migration.finding import Finding, Kind
from pwb_oauth.migration.source import PythonSource

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from pwb_oauth.migration.uses import ConfiguredUses

_SETTING = "authenticate"
_PARTS = 4
_THEN = "Log in by pwb-oauth login, then take it out yourself"
# Those in examples are words such as consumer_key.
_REAL_PART = re.compile(r"[0-9A-Za-z+/=-]{16,}")


@dataclass(frozen=True)
class _Tuple:
    """Four strings in the source, and what has to go for them to be gone."""

    hosts: tuple[str, ...]
    line: int
    span: tuple[int, int]
    movable: bool
    parts: tuple[str, ...] = field(repr=False)


def find(path: Path, uses: ConfiguredUses) -> Iterator[Finding]:
    """The OAuth 1.0a tuples of a ``user-config.py``, and those that its code makes.

    Raises:
        ConfigurationError: The file is no Python.
        PwbOAuthError: It cannot be read.
    """
    source = installation.read(path)
    tuples = list(_tuples(source))
    for one in tuples:
        yield _finding(path, source, one, uses)
    yield from _made_by_code(path, source, tuples, uses)
    yield from _commented_out(path, source)


def without(path: Path, data: bytes, finding: Finding) -> bytes:
    """A file's content without a tuple.

    Raises:
        PwbOAuthError: Nothing else would have stayed as it is.
    """
    source = PythonSource.of(path, data)
    for one in _tuples(source):
        if _text(source, one) == finding.source and one.movable:
            text = source.without(*one.span)
            if not _says_the_rest(text, source, one):
                raise PwbOAuthError(
                    f"{finding} stands where it cannot be cut out. Take it out yourself."
                )
            return source.encode(text)
    return data


def _finding(path: Path, source: PythonSource, one: _Tuple, uses: ConfiguredUses) -> Finding:
    label = " and ".join(one.hosts)
    whose = {host: uses.of_hosts([host]) for host in one.hosts}
    problem = _problem(path, source, one, [host for host in one.hosts if not whose[host]])
    key, secret, token, token_secret = one.parts
    consumer = Consumer(key, secret, oauth_version="1.0a", owner_only=True)
    return Finding(
        path,
        one.line,
        Kind.OAUTH1,
        label,
        tuple(dict.fromkeys(chain.from_iterable(whose.values()))),
        problem,
        _text(source, one),
        (consumer, OAuth1AccessToken(token, token_secret)),
    )


def _problem(path: Path, source: PythonSource, one: _Tuple, unknown: Sequence[str]) -> str | None:
    """Why a tuple is left.

    Args:
        path: The file.
        source: Its source.
        one: The tuple.
        unknown: Those of its hosts of which it is not known for whom they are.
    """
    if not one.movable:
        return f"it stands inside other code. {_THEN}"
    line = _read_in(source, one.hosts)
    if line is not None:
        return f"line {line} needs it, too. {_THEN}, there as well"
    if unknown:
        return f"usernames names no account for {' and '.join(unknown)}. Name it there"
    return rewriting.obstacle(path)


def _read_in(source: PythonSource, hosts: Collection[str]) -> int | None:
    """The first line that would miss an entry of these hosts; None if there is none.

    To give something to an entry, or to all of ``authenticate``, needs nothing of what was there.
    """
    given: set[ast.AST] = set()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Subscript) and _is_setting(node.value):
            host = _constant(node.slice)
            if isinstance(node.ctx, ast.Store) or (host is not None and host not in hosts):
                given.add(node.value)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            given.add(node)
    # To change an entry in its place, as by +=, is to read it; ast has it as a Store.
    changed = [node.target for node in ast.walk(source.tree) if isinstance(node, ast.AugAssign)]
    given -= {node.value for node in changed if isinstance(node, ast.Subscript)}
    lines = [
        node.lineno
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Name) and _is_setting(node) and node not in given
    ]
    return min(lines, default=None)


def _commented_out(path: Path, source: PythonSource) -> Iterator[Finding]:
    """Tuples in comments, which are never changed."""
    problem = "it stands in a comment. Take it out yourself"
    seen = set()
    for first, code in entries_in_comments(source):
        for one in _tuples(code):
            line = first + one.line - 1
            if all(map(_REAL_PART.fullmatch, one.parts)) and (line, one.parts) not in seen:
                seen.add((line, one.parts))
                yield Finding(path, line, Kind.OAUTH1, " and ".join(one.hosts), (), problem)


def _made_by_code(
    path: Path, source: PythonSource, tuples: list[_Tuple], uses: ConfiguredUses
) -> Iterator[Finding]:
    """Tuples that Pywikibot gets to see and that are written nowhere as they are."""
    written = {(host, one.parts) for one in tuples for host in one.hosts}
    nodes = (node for node in ast.walk(source.tree) if isinstance(node, ast.Name))
    lines = {node.lineno for node in nodes if _is_setting(node)}
    line = min(lines - {one.line for one in tuples}, default=None)
    for host, parts in uses.authentication.items():
        if len(parts) == _PARTS and (host, parts) not in written:
            problem = f"code makes it, here or in a file that it includes. {_THEN}"
            yield Finding(path, line, Kind.OAUTH1, host, uses.of_hosts([host]), problem)


def _tuples(source: PythonSource) -> Iterator[_Tuple]:
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Assign):
            continue
        on_top = node in source.tree.body
        hosts = [_host(target) for target in node.targets]
        parts = _strings(node.value)
        if parts and any(hosts):
            movable = on_top and all(hosts)
            named = tuple(host for host in hosts if host)
            yield _Tuple(named, node.lineno, source.span(node), movable, parts)
        elif isinstance(node.value, ast.Dict) and any(map(_is_setting, node.targets)):
            for key, value in zip(node.value.keys, node.value.values, strict=True):
                host, parts = _constant(key), _strings(value)
                if key is not None and host and parts:
                    span = source.span(key, value)
                    yield _Tuple((host,), key.lineno, span, on_top, parts)


def _is_setting(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id == _SETTING


def _host(target: ast.expr) -> str | None:
    if isinstance(target, ast.Subscript) and _is_setting(target.value):
        return _constant(target.slice)
    return None


def _constant(node: ast.expr | None) -> str | None:
    value = getattr(node, "value", None)
    return value if isinstance(node, ast.Constant) and isinstance(value, str) else None


def _strings(node: ast.expr) -> tuple[str, ...]:
    """The four strings of a tuple or list; empty if it is something else."""
    if not isinstance(node, (ast.Tuple, ast.List)) or len(node.elts) != _PARTS:
        return ()
    parts = tuple(part for part in map(_constant, node.elts) if part)
    return parts if len(parts) == _PARTS else ()


def _text(source: PythonSource, one: _Tuple) -> str:
    start, end = one.span
    return source.text[start:end]


def _says_the_rest(new: str, old: PythonSource, one: _Tuple) -> bool:
    """Whether the new text says what the old source does, without the tuple."""
    try:
        tree = PythonSource(new).tree
    except (SyntaxError, tokenize.TokenError):
        return False
    pruned = PythonSource(old.text)
    _Pruner(pruned, one.span).visit(pruned.tree)
    return ast.dump(tree) == ast.dump(pruned.tree)


class _Pruner(ast.NodeTransformer):
    """Takes what stands at a place out of a syntax tree."""

    def __init__(self, source: PythonSource, span: tuple[int, int]) -> None:
        self._source = source
        self._span = span

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        """Drop the statement."""
        return None if self._source.span(node) == self._span else self.generic_visit(node)

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        """Drop the entry."""
        kept = [
            (key, value)
            for key, value in zip(node.keys, node.values, strict=True)
            if key is None or self._source.span(key, value) != self._span
        ]
        node.keys, node.values = [key for key, _ in kept], [value for _, value in kept]
        return self.generic_visit(node)
