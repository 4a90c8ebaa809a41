"""What Pywikibot's configuration says: where its files are, its wikis, whose accounts it names."""

from __future__ import annotations

import os
import shlex
import stat
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pwb_oauth.errors import ConfigurationError
from pwb_oauth.wiki import Wiki

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE_NAME = "user-config.py"

_ANY = "*"


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
    return (_normal(named) if named else _home_folders()[-1]) / FILE_NAME


def why_skipped(path: Path) -> str | None:
    """Why Pywikibot would pass over a ``user-config.py`` that is there; None if it would not.

    Source: the end of ``pywikibot.config``.
    """
    if sys.platform == "win32":
        return None
    status = path.stat()
    if status.st_uid not in (os.getuid(), 0):
        return "it belongs to another user. Run this as its owner"
    if status.st_mode & stat.S_IWOTH:
        return f"everybody may write to it. Do: chmod o-w {shlex.quote(str(path))}"
    return None


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
    loaded = _load(family)
    if loaded is not None:
        code = code or _code_of(loaded)
        if code in loaded.langs:
            return _wiki(loaded, code)
    raise ConfigurationError(
        f"Pywikibot knows no wiki {family}:{code or ''}. Give family:code as in wikipedia:test, "
        "a host name, or the URL of one of the wiki's pages."
    )


def wiki_of_host(host: str) -> Wiki | None:
    """The wiki of a host name, with its port; None if none of Pywikibot's families has it.

    Raises:
        ConfigurationError: A family's file cannot be run, or ``user-config.py``.
    """
    for name in _config().family_files:
        family = _load(name)
        for code, known in family.langs.items() if family else ():
            if known == host:
                return _wiki(family, code)
    return None


def api_url_in(page: str, url: str) -> str | None:
    """Where a wiki's page says that its api.php is, as Pywikibot reads it.

    Args:
        page: Its HTML, or the beginning of it.
        url: Where it came from.

    Returns:
        None if it does not say so, or nonsense.

    Raises:
        ConfigurationError: ``user-config.py`` cannot be run.
    """
    _config()
    from pywikibot.site_detect import WikiHTMLPageParser  # noqa: PLC0415  # takes half a second

    try:
        parser = WikiHTMLPageParser(url)
        parser.feed(page)
    except (AssertionError, KeyError, ValueError):
        return None  # it asserts that all links agree
    return None if parser.server is None else f"{parser.server}{parser.scriptpath}/api.php"


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


def wikis_of(account: ConfiguredAccount) -> tuple[Wiki, ...]:
    """The wikis that an account is named for, the one that scripts work on by default first.

    An account for all of a family is not for those of its wikis that have one of their own; one for
    all families stands for the default wiki here.

    Raises:
        ConfigurationError: Pywikibot knows no such wiki, or ``user-config.py`` cannot be run.
    """
    own_family, own_code = default_site()
    family = own_family if account.family == _ANY else account.family
    if account.code != _ANY:
        return (wiki_of_family(family, account.code),)
    if account.family == _ANY:
        return (wiki_of_family(family, own_code),)
    loaded = _load(family)
    named = {one.code for one in accounts() if one.family == family}
    codes = sorted(loaded.langs, key=lambda code: code != own_code) if loaded else ()
    return tuple(_wiki(loaded, code) for code in codes if code not in named)


def authentication() -> dict[str, tuple[str, ...]]:
    """What ``authenticate`` holds, by host or pattern of hosts. Most of it is secret.

    Raises:
        ConfigurationError: ``user-config.py`` cannot be run.
    """
    return {str(host): tuple(values) for host, values in _config().authenticate.items()}


def password_file() -> Path | None:
    """The password file, if one is named and there.

    Raises:
        ConfigurationError: ``user-config.py`` cannot be run.

    Source: ``pywikibot.login.LoginManager.readPassword``.
    """
    config = _config()
    if not config.password_file:
        return None
    for path in (Path(config.base_dir, config.password_file), Path(config.password_file)):
        if path.is_file():
            return _normal(path)
    return None


def cookie_files() -> tuple[Path, ...]:
    """The files in which Pywikibot keeps cookies, sorted.

    Raises:
        ConfigurationError: ``user-config.py`` cannot be run.
    """
    return tuple(sorted(_normal(_config().base_dir).glob("pywikibot*.lwp")))


def cookie_file_name(username: str | None) -> str:
    """What the file with the cookies of an account is called; with None, that of no account.

    Source: ``pywikibot.comms.http.PywikibotCookieJar``.
    """
    from pywikibot.tools import as_filename  # noqa: PLC0415  # takes half a second

    return f"pywikibot-{as_filename(username)}.lwp" if username else "pywikibot.lwp"


def username_of(family: str, code: str) -> str | None:
    """The account that ``usernames`` names for a wiki, if any.

    Raises:
        ConfigurationError: ``user-config.py`` cannot be run.
    """
    named = {(one.family, one.code): one.username for one in accounts()}
    for key in ((family, code), (family, _ANY), (_ANY, _ANY)):
        if key in named:
            return named[key]
    return None


def _config() -> Any:
    """Pywikibot's configuration, which runs ``user-config.py`` when it is first asked for."""
    try:
        from pywikibot import config  # noqa: PLC0415  # runs user-config.py
    except Exception as error:  # noqa: BLE001  # the user's own code, which may raise anything
        problem = _describe(error)
    else:
        return config
    raise ConfigurationError(f"{file_path()} cannot be run ({problem}). Correct it, and try again.")


def _describe(error: Exception) -> str:
    """What happened where in ``user-config.py``. The error's own text may quote what is secret."""
    path = str(file_path())
    lines = [
        number
        for frame, number in traceback.walk_tb(error.__traceback__)
        if frame.f_code.co_filename == path
    ]
    if isinstance(error, SyntaxError) and error.filename == path:
        lines.append(error.lineno or 0)
    name = type(error).__name__
    return f"{name} in line {lines[-1]}" if lines else name


def _load(name: str) -> Any:
    """A family by its name; None if Pywikibot knows none.

    Raises:
        ConfigurationError: Its file cannot be run, or ``user-config.py``.
    """
    _config()
    from pywikibot.exceptions import UnknownFamilyError  # noqa: PLC0415  # takes half a second
    from pywikibot.family import Family  # noqa: PLC0415

    try:
        return Family.load(name)
    except UnknownFamilyError:
        return None
    except Exception as error:  # noqa: BLE001  # the user's own code, which may raise anything
        problem = type(error).__name__
    raise ConfigurationError(
        f"The family {name} cannot be loaded ({problem}). Correct its file, and try again."
    )


def _wiki(family: Any, code: str) -> Wiki:
    return Wiki.from_url(family.base_url(code, family.apipath(code)))


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
            yield _normal(folder)
    yield from _home_folders()


def _normal(path: str | os.PathLike[str]) -> Path:
    """A path as Pywikibot writes it: absolute, without dots."""
    return Path(os.path.abspath(path))  # noqa: PTH100  # Path.absolute() keeps the dots


def _home_folders() -> tuple[Path, ...]:
    home = Path.home()
    if sys.platform == "win32":
        roaming = home / "AppData" / "Roaming"
        return roaming / "Pywikibot", roaming / "pywikibot"
    return (home / ".pywikibot",)
