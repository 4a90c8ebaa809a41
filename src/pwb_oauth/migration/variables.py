"""Variables in ``user-config.py`` that hold a secret by the look of their names.

Pywikibot uses none of them, so that only their owner knows what they are for: they are named, and
left. The password of a database is no concern of ours.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from pwb_oauth.migration import installation
from pwb_oauth.migration.finding import Finding, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LOOKS_SECRET = re.compile(r"(?i)(password|passwd|secret|token)\Z")
_OF_DATABASE = "db_password"


def find(path: Path) -> Iterator[Finding]:
    """The strings that are given to variables of such names.

    Raises:
        ConfigurationError: The file is no Python.
        PwbOAuthError: It cannot be read.
    """
    for node in ast.walk(installation.read(path).tree):
        if not isinstance(node, ast.Assign) or not _is_text(node.value):
            continue
        for target in node.targets:
            if isinstance(target, ast.Name) and _holds_secret(target.id):
                problem = "Pywikibot does not use it. If nothing else does, take it out yourself"
                yield Finding(path, node.lineno, Kind.VARIABLE, target.id, (), problem)


def _is_text(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and isinstance(value.value, str) and bool(value.value)


def _holds_secret(name: str) -> bool:
    return name != _OF_DATABASE and _LOOKS_SECRET.search(name) is not None
