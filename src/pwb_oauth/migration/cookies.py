"""The sessions that Pywikibot keeps in cookie files, so as not to log in at each run."""

from __future__ import annotations

import locale
import re
from http.cookiejar import LoadError, LWPCookieJar
from typing import TYPE_CHECKING

from pwb_oauth import configuration
from pwb_oauth.migration import rewriting
from pwb_oauth.migration.finding import Finding, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.cookiejar import Cookie
    from pathlib import Path

    from pwb_oauth.migration.finding import Use
    from pwb_oauth.migration.uses import ConfiguredUses

# As in enwikiSession, centralauth_Token and sessionJwt.
_SECRET = re.compile(r"(?i)session|token|jwt")
_SOMEBODY = "an unknown account"
_HEADER = "#LWP-Cookies-2.0\n"


def find(path: Path, uses: ConfiguredUses) -> Iterator[Finding]:
    """The sessions of a cookie file, by the wikis that they are for."""
    try:
        jar = _load(path)
    except (OSError, LoadError, UnicodeDecodeError) as error:
        unreadable = f"Pywikibot cannot read it ({type(error).__name__}). Delete it"
        yield Finding(path, None, Kind.COOKIES, _SOMEBODY, (), unreadable)
        return
    sessions = (cookie for cookie in jar if _SECRET.search(cookie.name))
    for whose in dict.fromkeys(_uses(path, cookie, uses) for cookie in sessions):
        if whose:
            label = ", ".join(map(str, whose))
            yield Finding(path, None, Kind.COOKIES, label, whose, rewriting.obstacle(path))
        else:
            unknown = f"usernames names no account that it is for. If you need none, delete {path}"
            yield Finding(path, None, Kind.COOKIES, _SOMEBODY, (), unknown)


def without(path: Path, finding: Finding, uses: ConfiguredUses) -> bytes | None:
    """A cookie file's content without the cookies of some wikis; None if none is left."""
    jar = _load(path)
    for cookie in list(jar):
        if _uses(path, cookie, uses) == finding.uses:
            jar.clear(cookie.domain, cookie.path, cookie.name)
    if not len(jar):
        return None
    # In the encoding in which the jar reads its file.
    return (_HEADER + jar.as_lwp_str()).encode(locale.getpreferredencoding(False))


def _load(path: Path) -> LWPCookieJar:
    jar = LWPCookieJar(path)
    jar.load(ignore_discard=True, ignore_expires=True)
    return jar


def _uses(path: Path, cookie: Cookie, uses: ConfiguredUses) -> tuple[Use, ...]:
    """What a cookie is for; the file's name tells whose it is, or that it may be anyone's."""
    users = uses.usernames
    if path.name != configuration.cookie_file_name(None):
        users = tuple(name for name in users if configuration.cookie_file_name(name) == path.name)
    return uses.of_domain(cookie.domain, users)
