"""Variables in ``user-config.py`` that hold a secret by the look of their names.

Pywikibot uses none of them, so that only their owner knows what they are for: they are named, and
left, as are those in comments. The password of a database is no concern of ours.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from pwb_oauth.migration import installation
from pwb_oauth.migration.comments import comments_of, parsed_comment
from pwb_oauth.migration.finding import Finding, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pwb_oauth.migration.source import PythonSource

_LOOKS_SECRET = re.compile(r"(?i)(password|passwd|secret|token)\Z")
# Most comments are prose, and need not be parsed.
_ASSIGNS_SECRET = re.compile(r"(?i)\w*(password|passwd|secret|token)\s*=")
_OF_DATABASE = "db_password"


def find(path: Path) -> Iterator[Finding]:
    """The strings that are given to variables of such names.

    Raises:
        ConfigurationError: The file is no Python.
        PwbOAuthError: It cannot be read.
    """
    source = installation.read(path)
    for line, name in _assigned(source):
        problem = "Pywikibot does not use it. If nothing else does, take it out yourself"
        yield Finding(path, line, Kind.VARIABLE, name, (), problem)
    for line, text in comments_of(source).items():
        yield from find_in_comment(path, line, text)


def find_in_comment(path: Path, line: int, text: str) -> Iterator[Finding]:
    """The strings that a comment gives to variables of such names.

    Args:
        path: The file.
        line: The comment's line in it.
        text: What it says, behind its mark.
    """
    code = parsed_comment(text) if _ASSIGNS_SECRET.match(text) else None
    for _, name in _assigned(code) if code else ():
        problem = "it stands in a comment. Take it out yourself"
        yield Finding(path, line, Kind.VARIABLE, name, (), problem)


def _assigned(source: PythonSource) -> Iterator[tuple[int, str]]:
    """Where strings are given to such names, and to which."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Assign) and _is_text(node.value):
            for target in node.targets:
                if isinstance(target, ast.Name) and _holds_secret(target.id):
                    yield node.lineno, target.id


def _is_text(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and isinstance(value.value, str) and bool(value.value)


def _holds_secret(name: str) -> bool:
    return name != _OF_DATABASE and _LOOKS_SECRET.search(name) is not None
