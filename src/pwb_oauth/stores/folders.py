"""Making folders that nobody else may look into."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_PRIVATE = 0o700


def make_private_folder(path: Path) -> None:
    """Make a folder and those that lead to it, each for its owner alone, whatever the umask is.

    What is there already stays as it is.

    Raises:
        OSError: One cannot be made.

    Source: the XDG Base Directory Specification, which wants this of its folders.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=_PRIVATE, exist_ok=True)
