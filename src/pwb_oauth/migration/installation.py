"""The one line in ``user-config.py`` that lets Pywikibot know pwb_oauth."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pwb_oauth.errors import PwbOAuthError
from pwb_oauth.migration import rewriting
from pwb_oauth.migration.source import PythonSource

if TYPE_CHECKING:
    from pathlib import Path

LINE = "__import__('pwb_oauth').install()"
"""One line that binds no name: Pywikibot warns of each name in that file that it does not know."""

_PACKAGE = "pwb_oauth"
_FUNCTION = "install"
_SAME = ast.dump(ast.parse(LINE).body[0])


def read(path: Path) -> PythonSource:
    """A file's source; empty if there is no file.

    Raises:
        ConfigurationError: It is no Python.
        PwbOAuthError: It cannot be read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        data = b""
    except OSError as error:
        raise PwbOAuthError(f"{path} cannot be read ({error.strerror}). See to it.") from error
    return PythonSource.of(path, data)


def installing_line(source: PythonSource) -> int | None:
    """The line that calls ``pwb_oauth.install()``, in whatever words; None if none does.

    Inside other code it may never run, so that it does not count. To call it twice does no harm.
    """
    modules, functions = _names(source.tree)
    for node in source.tree.body:
        called = node.value if isinstance(node, ast.Expr) else None
        if isinstance(called, ast.Call) and _installs(called.func, modules, functions):
            return node.lineno
    return None


def with_line(source: PythonSource) -> str:
    """The text with the line behind everything else."""
    text, end = source.text, source.line_end
    if text and not text.endswith(("\n", "\r")):
        return text + end + LINE
    return text + LINE + end


def without_line(source: PythonSource) -> str:
    """The text without what :func:`with_line` adds, as often as it is there."""
    while True:
        ours = [node for node in source.tree.body if ast.dump(node) == _SAME]
        if not ours:
            return source.text
        source = PythonSource(source.without(*source.span(ours[-1])), source.encoding)


def write(path: Path, old: PythonSource, new: str) -> None:
    """Put a new text in the place of one that was read; make the file if there is none.

    Raises:
        PwbOAuthError: It cannot be written, or was changed meanwhile.
    """

    def change(data: bytes) -> bytes:
        if data != old.encode(old.text):
            raise PwbOAuthError(f"{path} was changed meanwhile, and left as it is. Try again.")
        return old.encode(new)

    if path.exists():
        rewriting.rewrite(path, change)
    else:
        rewriting.create(path, old.encode(new))


def _names(tree: ast.Module) -> tuple[set[str], set[str]]:
    """Which names stand for the package, and which for its function."""
    modules, functions = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {one.asname or one.name for one in node.names if one.name == _PACKAGE}
        elif isinstance(node, ast.ImportFrom) and node.module == _PACKAGE:
            functions |= {one.asname or one.name for one in node.names if one.name == _FUNCTION}
    return modules, functions


def _installs(called: ast.expr, modules: set[str], functions: set[str]) -> bool:
    if isinstance(called, ast.Name):
        return called.id in functions
    if not isinstance(called, ast.Attribute) or called.attr != _FUNCTION:
        return False
    package = called.value
    if isinstance(package, ast.Name):
        return package.id in modules
    # By __import__ or importlib.import_module.
    return isinstance(package, ast.Call) and any(
        isinstance(one, ast.Constant) and one.value == _PACKAGE for one in package.args
    )
