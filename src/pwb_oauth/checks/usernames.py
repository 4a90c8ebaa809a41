"""A check of whose the access tokens are: of the accounts that scripts act as."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from pwb_oauth import configuration
from pwb_oauth.checks.finding import CannotTellError, Finding
from pwb_oauth.checks.scripts import require_configuration
from pwb_oauth.errors import ConfigurationError
from pwb_oauth.tokens import TokenKey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pwb_oauth.checks.machine import AccountSeen, WikiSeen
    from pwb_oauth.configuration import ConfiguredAccount
    from pwb_oauth.wiki import Wiki

_ANY = "*"


def check_username(wiki: WikiSeen) -> list[Finding]:
    """The access tokens are those of the accounts that usernames names."""
    if not wiki.accounts:
        raise CannotTellError("no account is stored")
    findings = [*_of_others(wiki.accounts), *_unnamed(wiki)]
    if not findings and not any(account.is_accepted() for account in wiki.accounts):
        raise CannotTellError("the wiki does not accept the access token")
    return findings


def _of_others(accounts: list[AccountSeen]) -> Iterator[Finding]:
    for account in accounts:
        with suppress(CannotTellError):
            actual = account.identity().username
            if TokenKey(account.key.wiki, actual) != account.key:
                yield Finding(
                    f"The access token that is stored for {account.key.username} on "
                    f"{account.key.wiki} belongs to {actual}.",
                    _remedy(account, actual),
                )


def _remedy(account: AccountSeen, actual: str) -> str:
    if account.in_variables:
        return f"Set PWB_OAUTH_USERNAME to {actual}. Or else: {account.log_in_again}"
    return f"Log in as {account.key.username}: {account.key.login_command}"


def _unnamed(wiki: WikiSeen) -> Iterator[Finding]:
    """What usernames says, where it names nobody whose token is stored."""
    try:
        require_configuration()
    except CannotTellError:
        return  # another check names it
    stored = {account.key for account in wiki.accounts}
    home = wiki.central.wiki.name
    named = [TokenKey(home, one.username) for one in _accounts_for(wiki)]
    if named and stored.isdisjoint(named):
        names, holds = _joined(named), _joined(stored)
        yield Finding(
            f"usernames of user-config.py names {names} for {wiki.wiki.host}, but what is stored "
            f"is the access token of {holds}.",
            f"Name {holds} in usernames, or log in as {names}: {named[0].login_command}",
        )


def _accounts_for(wiki: WikiSeen) -> list[ConfiguredAccount]:
    """Whom usernames names for a wiki; for the central wiki of a farm, for all of the farm."""
    is_farm = wiki.central is wiki
    fitting = [one for one in configuration.accounts() if _is_for(one, wiki.wiki, is_farm=is_farm)]
    if is_farm or not fitting:
        return fitting
    # As Pywikibot does, which looks for the code, then for the family, then for all.
    return [min(fitting, key=lambda one: (one.family == _ANY, one.code == _ANY))]


def _is_for(account: ConfiguredAccount, wiki: Wiki, *, is_farm: bool) -> bool:
    if account.family == account.code == _ANY:
        return True
    try:
        wikis = configuration.wikis_of(account)
    except ConfigurationError:
        return False  # a wiki that Pywikibot does not know
    return any((one.central if is_farm else one) == wiki for one in wikis)


def _joined(keys: set[TokenKey] | list[TokenKey]) -> str:
    return " and ".join(sorted({key.username for key in keys}))
