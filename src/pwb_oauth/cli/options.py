"""Arguments and options that several subcommands take."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import click

from pwb_oauth import configuration
from pwb_oauth.cli import locating
from pwb_oauth.cli.callback import DEFAULT_URL
from pwb_oauth.cli.misplaced import host_in, refuse_token
from pwb_oauth.errors import ConfigurationError
from pwb_oauth.tokens import require_store_url
from pwb_oauth.wiki import Wiki

if TYPE_CHECKING:
    from collections.abc import Callable

    Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

WIKI_HELP = (
    "WIKI is family:code as in wikipedia:test, a host name, or the URL of any page of the wiki."
)

_KEY = re.compile(r"[0-9A-Fa-f]{32}")
# As SQLAlchemy reads a URL, which may not be installed: a password may hold a slash.
_PASSWORD = re.compile(r"[\w+]+://[^:/]*:[^@]+@")
# Drivers take passwd, password, sslpassword, ssl_key_password.
_NAMES_PASSWORD = re.compile(r"passw", re.IGNORECASE)


def read_wiki(text: str, *, ask: bool = False) -> Wiki:
    """Find the wiki that somebody means.

    Args:
        text: ``wikipedia:test``, ``wikipedia:`` for the family's configured code, a host name with
            or without a port, or a URL of one of its pages.
        ask: Whether to ask a wiki that nobody knows where its api.php is.

    Raises:
        ConfigurationError: It is none of these, or Pywikibot does not know the family.
    """
    family, colon, code = text.partition(":")
    is_address = "/" in text or "." in family or code.isdecimal() or family.startswith("[")
    if colon and not is_address:
        return configuration.wiki_of_family(family, code or None)
    if ask:
        return locating.asked(text)
    return locating.known(text) or Wiki.from_url(text)


def default_wiki() -> Wiki:
    """The wiki that Pywikibot's scripts work on where they name none."""
    return configuration.wiki_of_family(*configuration.default_site())


def _to_wiki(
    ctx: click.Context, param: click.Parameter, value: str | None, *, ask: bool = False
) -> Wiki | None:
    del ctx, param
    if value is None:
        return None
    refuse_token(host_in(value))
    return read_wiki(value, ask=ask)


def _to_name(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    del ctx, param
    if value is not None:
        refuse_token(value)
    return value


def _to_key(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Refuse what is more than a key, or another secret: it would stand in an address."""
    del ctx, param
    if value is not None and not _KEY.fullmatch(value):
        raise click.BadParameter(
            "A consumer key is 32 hexadecimal digits, and all of a consumer that belongs on a "
            "command line. If there was a secret in what you typed, have it reset on the wiki."
        )
    return value


def _check_callback(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Refuse what no browser could be sent back to."""
    del ctx, param
    try:
        parts = urlsplit(value or "http://localhost")
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        parts.port  # noqa: B018  # a port that is no number raises only when it is read
    except ValueError:
        usable = False
    if not usable:
        # Not repeated: what was meant for elsewhere may be a secret.
        raise click.BadParameter("That is not an http or https URL.")
    return value


def check_store(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Refuse what is no store's URL, or one whose password everybody on the machine could see."""
    del ctx
    if value is not None:
        require_store_url(value)
        _refuse_password(value, param.opts[0])
    return value


def _refuse_password(url: str, option: str) -> None:
    names = (name for name, _ in parse_qsl(url.partition("?")[2]))
    if _PASSWORD.match(url) or any(map(_NAMES_PASSWORD.search, names)):
        raise ConfigurationError(
            "A password does not belong on a command line: the shell's history has it now, so "
            f"change it. Put the URL into PWB_OAUTH_STORE and leave out {option}, or leave the "
            "password to a file: ?read_default_file=FILE in the URL for MySQL and MariaDB, "
            "~/.pgpass for PostgreSQL."
        )


wiki_argument: Decorator = click.argument("wiki", required=False, callback=_to_wiki)
new_wiki_argument: Decorator = click.argument(
    "wiki", required=False, callback=partial(_to_wiki, ask=True)
)
"""``wiki``: a :class:`Wiki`, or None where none was named."""


def user_option(text: str = "Which account.") -> Decorator:
    """``user``: a user name, or None where none was given. ``text`` says what for."""
    return click.option("--user", metavar="NAME", callback=_to_name, help=text)


store_option: Decorator = click.option(
    "--store",
    metavar="URL",
    callback=check_store,
    help="Where tokens are kept: keyring:, env:, or a database.  [default: $PWB_OAUTH_STORE, "
    "else keyring:]",
)
"""``store``: a store's URL, or None where none was given."""

idle_store_option: Decorator = click.option(
    "--store",
    metavar="URL",
    expose_value=False,
    callback=check_store,
    help="Where tokens are kept, as for every command. This one keeps none there.",
)
"""The same for a command that has no use for it, so that a script can give it to each."""

OAUTH_VERSION = click.Choice(["1.0a", "2.0"])


def callback_option(text: str, **more: Any) -> Decorator:
    """``callback``: a callback URL, or None where none was given.

    Args:
        text: What it means.
        **more: What ``click.option`` takes.
    """
    return click.option(
        "--callback", metavar="URL", is_flag=False, callback=_check_callback, help=text, **more
    )


def consumer_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``key``, ``oauth``, ``callback`` and ``no_browser``: a registered consumer to log in by.

    ``key`` is None where none was given; the others go with it.
    """
    text = f"KEY's callback URL, exactly as it is registered.  [default: {DEFAULT_URL}]"
    decorators = (
        click.option(
            "--consumer",
            "key",
            metavar="KEY",
            callback=_to_key,
            help="Log in by this registered consumer.",
        ),
        click.option("--oauth", type=OAUTH_VERSION, help="KEY's version.  [default: 2.0]"),
        callback_option(text),
        click.option("--no-browser", is_flag=True, help="Show the address; open no browser."),
    )
    for decorator in reversed(decorators):
        command = decorator(command)
    return command


json_option: Decorator = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON, for programs."
)
