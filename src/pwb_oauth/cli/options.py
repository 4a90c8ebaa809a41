"""Arguments and options that several subcommands take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pwb_oauth import configuration
from pwb_oauth.wiki import Wiki

if TYPE_CHECKING:
    from collections.abc import Callable

    Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

WIKI_HELP = (
    "WIKI is family:code as in wikipedia:test, a host name, or the URL of any page of the wiki."
)


class WikiType(click.ParamType):
    """A wiki: ``family:code``, a host name, or a URL. Becomes a :class:`Wiki`."""

    name = "wiki"

    def convert(
        self, value: str | Wiki, param: click.Parameter | None, ctx: click.Context | None
    ) -> Wiki:
        """Read it; what cannot be read raises ConfigurationError, which says what can."""
        del param, ctx
        return value if isinstance(value, Wiki) else read_wiki(value)


def read_wiki(text: str) -> Wiki:
    """Find the wiki that somebody means.

    Args:
        text: ``wikipedia:test``, ``wikipedia:`` for the family's configured code, a host name with
            or without a port, or a URL of one of its pages.

    Raises:
        ConfigurationError: It is none of these, or Pywikibot does not know the family.
    """
    family, colon, code = text.partition(":")
    is_address = "/" in text or "." in family or code.isdecimal() or family.startswith("[")
    if colon and not is_address:
        return configuration.wiki_of_family(family, code or None)
    return Wiki.from_url(text)


def default_wiki() -> Wiki:
    """The wiki that Pywikibot's scripts work on where they name none."""
    return configuration.wiki_of_family(*configuration.default_site())


wiki_argument: Decorator = click.argument("wiki", type=WikiType(), required=False)
"""``wiki``: a :class:`Wiki`, or None where none was named."""

user_option: Decorator = click.option("--user", metavar="NAME", help="Which account.")

store_option: Decorator = click.option(
    "--store",
    metavar="URL",
    help="Where tokens are kept: keyring:, env:, or a database.  [default: $PWB_OAUTH_STORE, "
    "else keyring:]",
)

json_option: Decorator = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON, for programs."
)
