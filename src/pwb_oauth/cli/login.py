"""``pwb-oauth login``: obtain or take over an access token, and store it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pwb_oauth import configuration, grants
from pwb_oauth.checks.claims import consumer_key
from pwb_oauth.checks.tokens import register_command
from pwb_oauth.cli import obtain, options, storage, terminal
from pwb_oauth.errors import ConfigurationError, PwbOAuthError, UsernameMismatchError
from pwb_oauth.migration import installation
from pwb_oauth.tokens import TokenKey

if TYPE_CHECKING:
    from rich.console import Console

    from pwb_oauth.cli.obtain import Registered
    from pwb_oauth.credential import Credential, OAuthVersion
    from pwb_oauth.tokens import TokenStore
    from pwb_oauth.wiki import Wiki


@click.command(epilog=options.WIKI_HELP)
@options.new_wiki_argument
@options.user_option("Refuse the access token of any other account.")
@click.option("--with-token", is_flag=True, help="Read the access token from standard input.")
@options.consumer_options
@options.store_option
def login(
    wiki: Wiki | None,
    user: str | None,
    with_token: bool,
    key: str | None,
    oauth: OAuthVersion | None,
    callback: str | None,
    no_browser: bool,
    store: str | None,
) -> None:
    """Log in to a wiki, and store the access token.

    Without WIKI it is the one that Pywikibot works on by default.

    Without --consumer it asks for the access token of an owner-only consumer, or reads it from
    standard input: one line with the access token itself (OAuth 2.0), or with consumer key,
    consumer secret, access token and access secret joined by colons (OAuth 1.0a).

    With --consumer it asks for the consumer's secret, opens your browser, and waits until that
    comes back to the callback URL on this computer, or until you paste the address on which it
    ended, as over SSH. Without a terminal the secret is the first line of standard input, and the
    address may be the second.

    \b
    Examples:
      pwb-oauth login wikipedia:test
      pwb-oauth login commons.wikimedia.org --with-token < token.txt
      pwb-oauth login --consumer 0123456789abcdef0123456789abcdef
    """
    registered = obtain.Registered.of_options(key, oauth, callback, no_browser)
    if registered is not None and with_token:
        raise click.UsageError("--with-token takes an access token over; --consumer obtains one.")
    wiki = wiki or options.default_wiki()
    wiki.central.require_safe_transport()
    kept_in = storage.open_for_saving(store, wiki)
    credential = ask_person(wiki, user, registered, with_token=with_token)
    account = TokenKey(wiki.central.name, credential.username)
    replaced = _another_consumer(kept_in, account, credential)
    kept_in.save(account, credential)
    report(terminal.console(), account, credential, kept_in.url)
    hint = storage.hint_for_scripts(kept_in, store)
    if hint:
        terminal.warn(hint)
    if replaced:
        terminal.say(f"It replaces what was stored for {account.username} before: {replaced}.")
    if user is None:
        _compare_with_configuration(account)
    _say_next_step()


def ask_person(
    wiki: Wiki, user: str | None, registered: Registered | None, *, with_token: bool = False
) -> Credential:
    """Lead a person to a credential.

    Args:
        wiki: Any wiki of the farm.
        user: Whose it has to be; None for anybody's.
        registered: The consumer to log in by; None for the access token of an owner-only one.
        with_token: Whether that access token comes by standard input.

    Raises:
        UsernameMismatchError: It is not ``user``'s.
        PwbOAuthError: What :mod:`pwb_oauth.cli.obtain` raises.
    """

    def accept(credential: Credential) -> Credential:
        name = wiki.central.name
        if user is not None and TokenKey(name, user) != TokenKey(name, credential.username):
            raise UsernameMismatchError(user, credential.username)
        return credential

    if registered is None:
        return accept(obtain.take_over(wiki, with_token=with_token))
    return obtain.authorize(wiki, registered, accept)


def report(out: Console, account: TokenKey, credential: Credential, store: str) -> None:
    """Say what was stored, and what to think of."""
    kind = f"{credential.oauth_version}{', owner-only' if credential.consumer.owner_only else ''}"
    lines = [
        f"Logged in to {account.wiki} as {account.username} (OAuth {kind}).",
        f"It may: {'; '.join(map(grants.describe, credential.grants)) or 'not known'}.",
        _lifetime(credential),
        f"It is stored in {storage.name_store(store)}",
    ]
    for line in lines:
        out.print(line, markup=False)
    warnings = [*grants.shortcomings(credential.grants), *grants.risks(credential.grants)]
    for warning in warnings:
        terminal.warn(warning)
    if warnings:
        terminal.say(
            "A consumer's grants stay as they are. If the bot needs others, or not all of these, "
            f"register another one: {register_command(account.wiki, credential.consumer)}"
        )
    terminal.say(_hint_for_second_machine(credential))


def _hint_for_second_machine(credential: Credential) -> str:
    """What keeps two machines of one account from disturbing each other."""
    share = "On a second machine share this store (a database), or"
    if credential.consumer.owner_only:
        return (
            f"{share} register a consumer of its own: the wiki shows this one's secrets once, and "
            "resetting them ends this login."
        )
    if credential.oauth_version == "1.0a":
        # Whoever allows the same consumer again is given the same access token.
        return (
            f"{share} log in there too, by a consumer of its own or by this one: logins by OAuth "
            "1.0a do not disturb each other."
        )
    return (
        f"{share} log in by a consumer of its own: two logins of one account by the same "
        "consumer disturb each other."
    )


def _another_consumer(store: TokenStore, account: TokenKey, new: Credential) -> str | None:
    """The consumer whose credential a new one replaces; None if it is the same, or not known."""
    try:
        old = store.load(account)
    except PwbOAuthError:
        return None  # what cannot be read is replaced all the same
    if old is None or consumer_key(old) == consumer_key(new):
        return None
    whose = "an owner-only consumer" if old.consumer.owner_only else "a consumer"
    key = consumer_key(old)
    shown = f" ({key})" if key else ""
    return f"the credential of {whose}{shown}, OAuth {old.oauth_version}"


def _lifetime(credential: Credential) -> str:
    ends = credential.expires_at
    if ends is None:
        return "The access token does not expire."
    renewed = ", and is renewed by itself" if credential.refreshable else ""
    return f"The access token ends at {ends:%Y-%m-%d %H:%M} UTC{renewed}."


def _compare_with_configuration(account: TokenKey) -> None:
    """Warn if scripts will work as another account than the one that logged in."""
    try:
        named = _named_accounts(account.wiki)
    except ConfigurationError as error:
        terminal.warn(str(error))
        return
    if named and account not in named:
        others = ", ".join(sorted({other.username for other in named}))
        terminal.warn(
            f"user-config.py names {others} for {account.wiki}. Scripts go on as that account "
            f"until usernames there names {account.username}."
        )


def _named_accounts(wiki: str) -> set[TokenKey]:
    """Whom ``usernames`` names for a wiki, or for others that share its consumers."""
    if not configuration.file_path().exists():
        return set()
    return {
        TokenKey(wiki, account.username)
        for account in configuration.accounts()
        if any(one.central.name == wiki for one in configuration.wikis_of(account))
    }


def _say_next_step() -> None:
    try:
        source = installation.read(configuration.file_path())
    except PwbOAuthError:
        source = None  # setup says what is wrong with the file
    if source is None or installation.installing_line(source) is None:
        terminal.say("Next: pwb-oauth setup")
