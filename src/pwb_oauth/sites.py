"""Which account a Pywikibot site acts as."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pywikibot.family import WikimediaFamily
from pywikibot.site import ClosedSite
from pywikibot.tools import normalize_username

from pwb_oauth import blocks
from pwb_oauth.accounts import Accounts
from pwb_oauth.errors import ConfigurationError
from pwb_oauth.wiki import Wiki

if TYPE_CHECKING:
    from collections.abc import Callable

    from pywikibot.site import APISite, BaseSite
    from typing_extensions import Self

    from pwb_oauth.account import Account

accounts = Accounts()
"""The accounts that the sites of this process sign in with."""

# The account of a site that acts as a web tool's visitor. Such a site cannot be pickled.
VISITOR = "_pwb_oauth_visitor"
# What is true of a site that was made for a visitor on a wiki where the visitor is nobody.
ELSEWHERE = "_pwb_oauth_elsewhere"


class VisitorName(str):
    """A visitor's user name. Pywikibot makes further sites from a name: these are the visitor's.

    Attributes:
        make_site: What makes them in the place of ``pywikibot.Site``.
    """

    __slots__ = ("make_site",)

    make_site: Callable[..., APISite]

    def __new__(cls, name: str, make_site: Callable[..., APISite]) -> Self:
        """Be that name."""
        self = super().__new__(cls, name)
        self.make_site = make_site
        return self

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        """In a pickle it is a name and nothing else."""
        return str, (str(self),)


def wiki_of(site: BaseSite) -> Wiki:
    """The wiki that a site object talks to."""
    return Wiki.from_url(site.base_url(site.apipath()))


def visitor_of(site: object) -> Account | None:
    """The account of the web tool's visitor that a site was made for, whatever else is stored."""
    return vars(site).get(VISITOR) if hasattr(site, "__dict__") else None


def is_elsewhere(site: APISite) -> bool:
    """Whether a site was made for a visitor on another wiki than the visitor's: it is nobody's."""
    return bool(getattr(site, ELSEWHERE, False))


def require_visitors(site: APISite) -> None:
    """Refuse that a site acts, in a visitor's block or made for one, as anybody but the visitor.

    Raises:
        ConfigurationError: It would.
    """
    if is_elsewhere(site) or (visitor_of(site) is None and blocks.current() is not None):
        raise ConfigurationError(
            f"{site} is not the visitor's, so that it cannot act in the visitor's block. "
            "Make it by account.site() there, or let another account act outside the block."
        )


def account_of(site: APISite, wiki: Wiki | None = None) -> Account | None:
    """The account that a site acts as: the visitor's, or the stored one of its user name just now.

    Args:
        site: The site.
        wiki: What :func:`wiki_of` says of it, where that was asked already.

    Returns:
        None if Pywikibot is to act as it always does: nothing is stored for that name, or OAuth is
        switched off for this site object, or the wiki is closed.

    Raises:
        ConfigurationError: A stored account would act in a visitor's block.
    """
    if is_elsewhere(site):
        return None
    return visitor_of(site) or _account(site, site.username(), wiki or wiki_of(site))


def account_named(site: APISite, username: str | None) -> Account | None:
    """The stored account that ``site.login(user=…)`` means; the site acts for it from here on.

    Args:
        site: The site.
        username: None for the site's own user.
    """
    if not username or visitor_of(site):
        return account_of(site)
    account = _account(site, normalize_username(username), wiki_of(site))
    if account is not None:
        site._username = account.key.username  # noqa: SLF001
    return account


def is_off(site: APISite, wiki: Wiki) -> bool:
    """Whether a site is never signed in with what is stored."""
    return (
        getattr(site, "_oauth_disabled", False)
        or isinstance(site, ClosedSite)
        or is_stranger_to_farm(site, wiki)
    )


def is_stranger_to_farm(site: BaseSite, wiki: Wiki) -> bool:
    """Whether a site is on a host of a farm's domain, but is none of its wikis."""
    return wiki.central is not wiki and not isinstance(site.family, WikimediaFamily)


def _account(site: APISite, username: str | None, wiki: Wiki) -> Account | None:
    account = None if is_off(site, wiki) else accounts.find(wiki, username)
    if account is not None:
        require_visitors(site)
    return account
