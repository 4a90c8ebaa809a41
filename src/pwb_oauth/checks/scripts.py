"""Checks of Pywikibot: its version, its configuration, and what it says of itself to wikis."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pwb_oauth import configuration
from pwb_oauth.checks.finding import CannotTellError, Finding
from pwb_oauth.errors import ConfigurationError, PwbOAuthError
from pwb_oauth.migration import installation
from pwb_oauth.plugin import TESTED_PYWIKIBOT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pwb_oauth.checks.machine import Machine

_SETUP = "pwb-oauth setup"
_ANY = "*"
# A page on the web, a user page, or an e-mail address.
_CONTACT = re.compile(r"https?://\w|\bUser:\w|\w@\w+\.\w", re.IGNORECASE)


def check_pywikibot(machine: Machine) -> list[Finding]:
    """This version of Pywikibot was tested."""
    del machine
    require_configuration()
    from pywikibot import __version__ as version  # noqa: PLC0415  # runs user-config.py

    if f"{version}.".startswith(f"{TESTED_PYWIKIBOT}."):
        return []
    return [
        Finding(
            f"Pywikibot {version} was not tested with this pwb-oauth, which was made for "
            f"{TESTED_PYWIKIBOT}.",
            "Upgrade pwb-oauth (pip install -U pwb-oauth), or do: "
            f"pip install 'pywikibot=={TESTED_PYWIKIBOT}.*'",
        )
    ]


def check_user_config(machine: Machine) -> list[Finding]:
    """user-config.py can be run, and holds the line that brings pwb-oauth in."""
    del machine
    path = configuration.file_path()
    try:
        _require_used()
        configuration.default_site()
        source = installation.read(path)
    except PwbOAuthError as error:
        return [Finding.of(error)]
    if installation.installing_line(source) is not None:
        return []
    return [
        Finding(
            f"{path} does not call pwb_oauth.install(), so that scripts do not use what is stored.",
            f"Add the line {installation.LINE} by: {_SETUP}",
        )
    ]


def check_user_agent(machine: Machine) -> list[Finding]:
    """Pywikibot tells wikis whom to turn to, as Wikimedia's User-Agent policy wants it.

    Source: the Wikimedia Foundation's User-Agent policy.
    """
    del machine
    require_configuration()
    agents = dict.fromkeys(map(_user_agent, _sites(configuration.accounts())))
    return [
        Finding(
            f'Pywikibot\'s User-Agent names nobody to turn to: "{agent}".',
            "In user-config.py, name your account in usernames, or put an e-mail address or the "
            "address of a page into user_agent_description; leave {script_comments} in "
            "user_agent_format.",
        )
        for agent in agents
        if not _CONTACT.search(agent)
    ]


def require_configuration() -> None:
    """Keep a check from telling of what Pywikibot does not use.

    Raises:
        CannotTellError: There is no ``user-config.py``, or Pywikibot cannot run it.
    """
    try:
        _require_used()
        configuration.default_site()
    except ConfigurationError:
        raise CannotTellError("user-config.py cannot be run") from None


def _require_used() -> None:
    path = configuration.file_path()
    if not path.exists():
        raise ConfigurationError(f"There is no {path}. Make it: {_SETUP}")
    skipped = configuration.why_skipped(path)
    if skipped is not None:
        raise ConfigurationError(f"Pywikibot passes over {path}, since {skipped}, then try again.")


def _sites(accounts: Iterable[configuration.ConfiguredAccount]) -> list[tuple[str, str]]:
    """The wikis that the bot works on: those that usernames names, else the default one."""
    named = [(one.family, one.code) for one in accounts if _ANY not in (one.family, one.code)]
    return named or [configuration.default_site()]


def _user_agent(site: tuple[str, str]) -> str:
    from pywikibot.comms import http  # noqa: PLC0415  # takes half a second
    from pywikibot.site import BaseSite  # noqa: PLC0415  # unlike APISite it asks no wiki

    family, code = site
    user = configuration.username_of(family, code)
    return str(http.user_agent(BaseSite(code, family, user)))
