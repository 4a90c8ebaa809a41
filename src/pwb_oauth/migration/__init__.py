"""Moving from secrets in files to stored credentials."""

from __future__ import annotations

import warnings
from itertools import chain
from typing import TYPE_CHECKING

from pwb_oauth import configuration
from pwb_oauth.errors import ConfigurationError
from pwb_oauth.migration import authenticate, cookies, passwords, variables
from pwb_oauth.migration.uses import ConfiguredUses

if TYPE_CHECKING:
    from pwb_oauth.migration.finding import Finding


def find_secrets() -> list[Finding]:
    """The secrets that lie in Pywikibot's files, which OAuth would replace.

    Nothing is asked of a wiki, and nothing is changed. Where there is no ``user-config.py`` there
    are none.

    Raises:
        ConfigurationError: ``user-config.py`` cannot be run, or Pywikibot passes over it; or the
            password file is not in UTF-8.
        PwbOAuthError: A file cannot be read.
    """
    path = configuration.file_path()
    if not path.exists():
        return []
    skipped = configuration.why_skipped(path)
    if skipped is not None:
        raise ConfigurationError(f"Pywikibot passes over {path}, since {skipped}, then try again.")
    with warnings.catch_warnings():
        # Pywikibot warns of names that are not, or no longer, its own. Each script says so again.
        for names in (r"(?s).*\bbut\s+unknown\b", r"(?s).*\bpresent\s+in\b.*\bis\s+deprecated\b"):
            warnings.filterwarnings("ignore", names, UserWarning)
        uses = ConfiguredUses()
    password_file = configuration.password_file()
    return [
        *authenticate.find(path, uses),
        *variables.find(path),
        *(passwords.find(password_file, uses) if password_file else ()),
        *chain.from_iterable(cookies.find(one, uses) for one in configuration.cookie_files()),
    ]
