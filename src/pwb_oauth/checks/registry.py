"""The checks by their names, in the order in which they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pwb_oauth.checks.consumers import check_callback, check_consumer, check_consumer_key
from pwb_oauth.checks.files import check_permissions, check_secrets
from pwb_oauth.checks.scripts import check_pywikibot, check_user_agent, check_user_config
from pwb_oauth.checks.storage import check_login, check_store
from pwb_oauth.checks.tokens import check_access_token, check_cookies, check_grants
from pwb_oauth.checks.usernames import check_username
from pwb_oauth.checks.wikis import check_clock, check_extension, check_wiki

if TYPE_CHECKING:
    from collections.abc import Callable

    from pwb_oauth.checks.finding import Finding


@dataclass(frozen=True)
class Check:
    """A check.

    Attributes:
        name: What it is called by.
        of: What it looks at, one at a time.
        function: Returns what is wrong.
        of_credential: Whether what it finds is that there is no credential, or that the wiki
            refuses it.
    """

    name: str
    of: Literal["machine", "wiki", "account"]
    function: Callable[[Any], list[Finding]]
    of_credential: bool = False

    @property
    def summary(self) -> str:
        """What is so if nothing is wrong: one sentence."""
        return (self.function.__doc__ or "").partition("\n")[0]


CHECKS = (
    Check("pywikibot", "machine", check_pywikibot),
    Check("user-config", "machine", check_user_config),
    Check("user-agent", "machine", check_user_agent),
    Check("permissions", "machine", check_permissions),
    Check("secrets", "machine", check_secrets),
    Check("store", "machine", check_store),
    Check("login", "machine", check_login, of_credential=True),
    Check("wiki", "wiki", check_wiki),
    Check("extension", "wiki", check_extension),
    Check("clock", "wiki", check_clock),
    Check("consumer-key", "account", check_consumer_key, of_credential=True),
    Check("consumer", "account", check_consumer, of_credential=True),
    Check("callback", "account", check_callback),
    Check("access-token", "account", check_access_token, of_credential=True),
    Check("username", "wiki", check_username),
    Check("grants", "account", check_grants),
    Check("cookies", "account", check_cookies),
)
