"""Putting a file's new content in the place of the old one: as a whole, or not at all."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pwb_oauth.errors import PwbOAuthError
from pwb_oauth.stores.folders import make_private_folder
from pwb_oauth.stores.locks import file_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PRIVATE = 0o600
_ANYBODY_MAY_WRITE = 0o222
_ACCESS_LIST = "system.posix_acl_access"


def obstacle(path: Path) -> str | None:
    """Why a file cannot be rewritten, and what to do about it; None if it can."""
    real = Path(os.path.realpath(path))
    try:
        status = real.stat()
    except OSError as error:
        return f"it cannot be read ({error.strerror}). See to that"
    if not status.st_mode & _ANYBODY_MAY_WRITE or not os.access(real, os.R_OK | os.W_OK):
        return "it is read-only. Make it writable for you"
    if not os.access(real.parent, os.W_OK):
        return f"its folder {real.parent} is read-only. Make it writable for you"
    if status.st_nlink > 1:
        return "it has a second name (a hard link), which would keep the old text. Remove that"
    if hasattr(os, "getuid") and os.getuid() not in (0, status.st_uid):
        return "it belongs to another user. Run this as its owner"
    return None


def rewrite(path: Path, change: Callable[[bytes], bytes | None]) -> None:
    """Replace a file's content; mode, owner and access list stay, and a link stays a link.

    Args:
        path: The file, or a symbolic link to it.
        change: What to make of the content that is there; None to delete the file. It may raise.

    Raises:
        PwbOAuthError: The file cannot be rewritten, and is as it was.
    """
    real = Path(os.path.realpath(path))
    with file_lock("rewrite", str(real)):
        problem = obstacle(path)
        if problem is not None:
            raise PwbOAuthError(f"{path} was left as it is, since {problem}, then try again.")
        with _as_it_was(path):
            old = real.read_bytes()
            new = change(old)
            if new is None:
                real.unlink()
                _sync_folder(real.parent)
            elif new != old:
                _replace(real, new, old)


def create(path: Path, data: bytes) -> None:
    """Make a file that only its owner may read and write, and the folders that lead to it.

    Raises:
        PwbOAuthError: It cannot be made.
    """
    real = Path(os.path.realpath(path))
    with file_lock("rewrite", str(real)), _as_it_was(path):
        make_private_folder(real.parent)
        _replace(real, data, None)


@contextmanager
def _as_it_was(path: Path) -> Iterator[None]:
    """Say of a failure that the file is as it was."""
    try:
        yield
    except OSError as error:
        raise PwbOAuthError(
            f"{path} was left as it is, since it cannot be written ({error.strerror}). "
            "See to its folder and to the disk, then try again."
        ) from error


def _replace(path: Path, data: bytes, old: bytes | None) -> None:
    """Write beside the file, then put that in its place.

    What a run that was killed left there is ours by its name, and goes.
    """
    new = path.with_name(f".{path.name}.pwb-oauth-new")
    new.unlink(missing_ok=True)
    try:
        _write(new, data, path if old is not None else None)
        if (path.read_bytes() if path.exists() else None) != old:
            raise PwbOAuthError(f"{path} was changed meanwhile, and left as it is. Try again.")
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _write(new: Path, data: bytes, like: Path | None) -> None:
    """Write a file that is never open to more people than the one that it is to replace."""
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
    with os.fdopen(descriptor, "wb") as file:
        if like is not None:
            _keep_owner_and_mode(file.fileno(), new, like)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _keep_owner_and_mode(descriptor: int, new: Path, like: Path) -> None:
    wanted, made = like.stat(), new.stat()
    if (made.st_uid, made.st_gid) != (wanted.st_uid, wanted.st_gid):
        os.chown(descriptor, wanted.st_uid, wanted.st_gid)
    new.chmod(stat.S_IMODE(wanted.st_mode))
    access_list = _access_list(like)
    if access_list is not None:
        os.setxattr(descriptor, _ACCESS_LIST, access_list)


def _access_list(path: Path) -> bytes | None:
    """Linux's access list, with which the group's bits of the mode mean something else."""
    try:
        return os.getxattr(path, _ACCESS_LIST) if hasattr(os, "getxattr") else None
    except OSError:
        return None  # it has none, or there is no such thing here


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
