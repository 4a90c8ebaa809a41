"""What Pywikibot's configuration says: where its file is, its wikis, and whose accounts it names."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pwb_oauth.errors import ConfigurationError
from pwb_oauth.wiki import Wiki

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE_NAME = "user-config.py"

_ANY_CODE = "*"


@dataclass(frozen=True)
class ConfiguredAccount:
    """An account that ``usernames`` of ``user-config.py`` names.

    Attributes:
        family: The family, such as ``wikipedia``.
        code: The code within the family; ``*`` for all of them.
        username: The user name.
    """

    family: str
    code: str
    username: str


def file_path() -> Path:
    """Where ``user-config.py`` is; where there is none, where every script would find it.

    Nothing of Pywikibot is loaded, which would run the file. Source of the order:
    ``pywikibot.config.get_base_dir``.
    """
    loaded = sys.modules.get("pywikibot.config")
    if loaded is not None:
        path = Path(loaded.base_dir, loaded.user_config_file)
        if path.exists():
            return path
    for folder in _folders():
        if (folder / FILE_NAME).exists():
            return folder / FILE_NAME
    named = os.environ.get("PYWIKIBOT_DIR")
    return Path(named).absolute() / FILE_NAME if named else _home_folders()[-1] / FILE_NAME


def default_site() -> tuple[str, str]:
    """The family and the code that scripts work on where they name none.

    Raises:
        ConfigurationError: ``user-config.py`` cannot be run.
    """
    config = _config()
    return str(config.family), str(config.mylang)


def wiki_of_family(family: str, code: str | None = None) -> Wiki:
    """The wiki of a family and a code.

    Args:
        family: The family, such as ``wikipedia``.
        code: The code within it; None for the default one, or the only one.

    Raises:
        ConfigurationError: Pywikibot knows no such wiki, or ``user-config.py`` cannot be run.
    """
    _config()
    from pywikibot.exceptions import UnknownFamilyError  # noqa: PLC0415  # takes half a second
    from pywikibot.family import Family  # noqa: PLC0415

    try:
        loaded = Family.load(family)
        code = code or _code_of(loaded)
        return Wiki.from_url(loaded.base_url(code, loaded.apipath(code)))
    except (UnknownFamilyError, KeyError):
        pass
    raise ConfigurationError(
        f"Pywikibot knows no wiki {family}:{code or ''}. Give family:code as in wikipedia:test, "
        "a host name, or the URL of one of the wiki's pages."
    )


def accounts() -> tuple[ConfiguredAccount, ...]:
    """The accounts that ``usernames`` names, in its order.

    Raises:
        ConfigurationError: ``user-config.py`` cannot be run.
    """
    return tuple(
        ConfiguredAccount(str(family), str(code), str(username))
        for family, names in _config().usernames.items()
        for code, username in names.items()
    )


def username_of(family: str, code: str) -> str | None:
    """The account that ``usernames`` names for a wiki, if any.

    Raises:
        ConfigurationError: ``user-config.py`` cannot be run.
    """
    named = {(one.family, one.code): one.username for one in accounts()}
    for key in ((family, code), (family, _ANY_CODE), (_ANY_CODE, _ANY_CODE)):
        if key in named:
            return named[key]
    return None


def _config() -> Any:
    """Pywikibot's configuration, which runs ``user-config.py`` when it is first asked for."""
    try:
        from pywikibot import config  # noqa: PLC0415  # runs user-config.py
    except Exception as error:  # the file is the user's own code, and may raise anything
        problem = f"{type(error).__name__}: {error}"
    else:
        return config
    raise ConfigurationError(f"{file_path()} cannot be run ({problem}). Correct it, and try again.")


def _code_of(family: Any) -> str:
    configured_family, code = default_site()
    if family.name == configured_family:
        return code
    if len(family.langs) == 1:
        return str(next(iter(family.langs)))
    return str(family.name) if family.name in family.langs else ""


def _folders() -> Iterator[Path]:
    for name in ("PYWIKIBOT_DIR", None, "PYWIKIBOT_DIR_PWB"):
        folder = "." if name is None else os.environ.get(name)
        if folder:
            yield Path(folder).absolute()
    yield from _home_folders()


def _home_folders() -> tuple[Path, ...]:
    home = Path.home()
    if sys.platform == "win32":
        roaming = home / "AppData" / "Roaming"
        return roaming / "Pywikibot", roaming / "pywikibot"
    return (home / ".pywikibot",)
