"""``pwb-oauth login``: obtain or take over an access token, and store it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pwb_oauth import configuration, grants
from pwb_oauth.cli import obtain, options, storage, terminal
from pwb_oauth.cli.callback import DEFAULT_URL
from pwb_oauth.errors import ConfigurationError, PwbOAuthError, UsernameMismatchError
from pwb_oauth.migration import installation
from pwb_oauth.tokens import TokenKey

if TYPE_CHECKING:
    from pwb_oauth.credential import Credential, OAuthVersion
    from pwb_oauth.wiki import Wiki


@click.command(epilog=options.WIKI_HELP)
@options.wiki_argument
@click.option("--user", metavar="NAME", help="Refuse the access token of any other account.")
@click.option("--with-token", is_flag=True, help="Read the access token from standard input.")
@click.option("--consumer", "key", metavar="KEY", help="Log in by this registered consumer.")
@click.option("--oauth", type=options.OAUTH_VERSION, help="KEY's version.  [default: 2.0]")
@options.callback_option(
    f"KEY's callback URL, exactly as it is registered.  [default: {DEFAULT_URL}]"
)
@click.option("--no-browser", is_flag=True, help="Show the address; open no browser.")
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
    if key is None and (oauth or callback or no_browser):
        raise click.UsageError("--oauth, --callback and --no-browser go with --consumer.")
    if key is not None and with_token:
        raise click.UsageError("--with-token takes an access token over; --consumer obtains one.")
    wiki = wiki or options.default_wiki()
    wiki.central.require_safe_transport()
    kept_in = storage.open_for_saving(store, wiki)

    def accept(credential: Credential) -> Credential:
        require_user(wiki, credential, user)
        return credential

    if key is None:
        credential = accept(obtain.take_over(wiki, with_token=with_token))
    else:
        registered = obtain.Registered(key, oauth or "2.0", callback)
        credential = obtain.authorize(wiki, registered, accept, browser=not no_browser)
    account = TokenKey(wiki.central.name, credential.username)
    kept_in.save(account, credential)
    report(account, credential, kept_in.url)
    if user is None:
        _compare_with_configuration(account)
    _say_next_step()


def require_user(wiki: Wiki, credential: Credential, user: str | None) -> None:
    """Refuse another account's credential.

    Raises:
        UsernameMismatchError: ``user`` was named, and it is not theirs.
    """
    name = wiki.central.name
    if user is not None and TokenKey(name, user) != TokenKey(name, credential.username):
        raise UsernameMismatchError(user, credential.username)


def report(account: TokenKey, credential: Credential, store: str) -> None:
    """Say what was stored, and what to think of."""
    out = terminal.console()
    kind = f"{credential.oauth_version}{', owner-only' if credential.consumer.owner_only else ''}"
    lines = [
        f"Logged in to {account.wiki} as {account.username} (OAuth {kind}).",
        f"It may: {'; '.join(map(grants.describe, credential.grants)) or 'not known'}.",
        _lifetime(credential),
        f"It is stored in {store}",
    ]
    for line in lines:
        out.print(line, markup=False)
    warnings = [*grants.shortcomings(credential.grants), *grants.risks(credential.grants)]
    for warning in warnings:
        terminal.warn(warning)
    if warnings:
        terminal.say(
            "A consumer's grants stay as they are. If the bot needs others, or not all of these, "
            "register another one: pwb-oauth register"
        )
    if credential.refreshable:
        terminal.say(
            "On a second machine share this store (a database), or log in by a consumer of its "
            "own: two logins of one account by the same consumer disturb each other."
        )


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
