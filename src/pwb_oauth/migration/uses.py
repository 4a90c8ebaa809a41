"""Which wikis and accounts a secret is for, as Pywikibot's configuration has it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pwb_oauth import configuration
from pwb_oauth.errors import ConfigurationError
from pwb_oauth.migration.finding import Use
from pwb_oauth.tokens import TokenKey
from pwb_oauth.wiki import WIKIMEDIA_CENTRAL, Wiki, central_host

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, KeysView

    from pwb_oauth.configuration import ConfiguredAccount

_HTTP_AND_OAUTH1 = (2, 4)
"""How many values ``authenticate`` takes for a host."""


class ConfiguredUses:
    """What ``usernames`` and ``authenticate`` say, read once.

    Attributes:
        authentication: ``authenticate``, by host or pattern of hosts. Most of it is secret.
    """

    def __init__(self) -> None:
        """Ask Pywikibot.

        Raises:
            ConfigurationError: ``user-config.py`` cannot be run.
        """
        self.authentication = configuration.authentication()
        self._accounts = configuration.accounts()
        self._wikis = {account: _wikis(account) for account in self._accounts}

    def of_hosts(self, hosts: Collection[str]) -> tuple[Use, ...]:
        """What an entry of ``authenticate`` is used for.

        Args:
            hosts: The host names, or patterns of them, that it is entered for.
        """
        return (
            self._named(lambda _, wiki: self._entry_for(wiki) in hosts)
            # Entries for closer patterns hide it.
            or self._named(lambda _, wiki: not _patterns(wiki).isdisjoint(hosts))
            or tuple(_by_host(hosts))
        )

    def of_user(
        self, username: str, family: str | None = None, code: str | None = None
    ) -> tuple[Use, ...]:
        """What an entry of the password file is used for.

        Args:
            username: The account's name.
            family: The family; None for each that ``usernames`` names the account for.
            code: The code within it; None likewise.

        Raises:
            ConfigurationError: Pywikibot knows no such wiki.
        """
        if family is not None and code is not None:
            return (Use(configuration.wiki_of_family(family, code), _normal(username)),)
        named = self._named(lambda account, _: _is_of(account, username, family))
        if named or family is None:
            return named
        return (Use(configuration.wiki_of_family(family), _normal(username)),)

    def unknown_wikis(
        self, username: str, family: str | None = None, code: str | None = None
    ) -> tuple[str, ...]:
        """Where else an entry of the password file may be used, as ``family:code``.

        ``usernames`` names the account there, but Pywikibot cannot tell what that is, or not now.
        Arguments are those of :meth:`of_user`.
        """
        if family is not None and code is not None:
            return ()
        known = {account.family for account, wikis in self._wikis.items() if wikis}
        return tuple(
            f"{account.family}:{account.code}"
            for account, wikis in self._wikis.items()
            # One for all of a known family has no wiki if each has an account of its own.
            if not (wikis or (account.code == "*" and account.family in known))
            and _is_of(account, username, family)
        )

    def of_domain(self, domain: str, usernames: Collection[str]) -> tuple[Use, ...]:
        """What a cookie of a domain is used for.

        Args:
            domain: The domain, with a dot before it if it is for everything below it.
            usernames: Whose cookie it may be.
        """
        normal = {_normal(name) for name in usernames}
        return self._named(
            lambda account, wiki: _normal(account.username) in normal and _covers(domain, wiki)
        )

    @property
    def usernames(self) -> tuple[str, ...]:
        """Everyone whom ``usernames`` names, each once."""
        return tuple(dict.fromkeys(account.username for account in self._accounts))

    def _named(self, is_meant: Callable[[ConfiguredAccount, Wiki], bool]) -> tuple[Use, ...]:
        """The accounts that ``usernames`` names on the wikis that are meant.

        Of what an account is named for at once, one wiki of each farm: they share a credential.
        """
        found: dict[tuple[ConfiguredAccount, str], Use] = {}
        for account, wikis in self._wikis.items():
            for wiki in wikis:
                if is_meant(account, wiki):
                    use = Use(wiki, _normal(account.username))
                    found.setdefault((account, wiki.central.name), use)
        return tuple(dict.fromkeys(found.values()))

    def _entry_for(self, wiki: Wiki) -> str | None:
        """Which entry of ``authenticate`` Pywikibot takes for a wiki, if any."""
        for pattern in _patterns(wiki):
            if len(self.authentication.get(pattern, ())) in _HTTP_AND_OAUTH1:
                return pattern
        return None


def _patterns(wiki: Wiki) -> KeysView[str]:
    """The keys under which ``authenticate`` may have something for a wiki, the closest first.

    Source: ``pywikibot.comms.http.get_authentication``.
    """
    parts = wiki.host.split(".")
    patterns = (".".join(["*", *parts[number + 1 :]]) for number in range(len(parts)))
    return dict.fromkeys((wiki.host, *patterns)).keys()


def _wikis(account: ConfiguredAccount) -> tuple[Wiki, ...]:
    try:
        return configuration.wikis_of(account)
    except ConfigurationError:
        return ()  # a wiki that Pywikibot does not know, so that it never signs in there


def _is_of(account: ConfiguredAccount, username: str, family: str | None) -> bool:
    return _normal(account.username) == _normal(username) and family in (None, account.family)


def _by_host(hosts: Collection[str]) -> list[Use]:
    """The wikis that hosts name by themselves, where ``usernames`` says nothing of them."""
    found = []
    for host in hosts:
        if "*" not in host:
            with suppress(ConfigurationError):
                found.append(Wiki.from_url(host))
        elif central_host(host) == WIKIMEDIA_CENTRAL:
            found.append(Wiki.from_url(WIKIMEDIA_CENTRAL))
    return [Use(wiki, None) for wiki in dict.fromkeys(found)]


def _covers(domain: str, wiki: Wiki) -> bool:
    host = urlsplit(wiki.server).hostname or ""
    host = host if "." in host else f"{host}.local"  # as http.cookiejar writes it
    bare = domain.removeprefix(".")
    same_farm = wiki.central.host != wiki.host and central_host(bare) == wiki.central.host
    return same_farm or host == bare or (domain != bare and host.endswith(domain))


def _normal(username: str) -> str:
    return TokenKey("any", username).username
