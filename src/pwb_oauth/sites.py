"""Which account a Pywikibot site acts as, and how it signs in and out."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from http import HTTPStatus
from typing import TYPE_CHECKING

from pywikibot.data import api
from pywikibot.exceptions import APIError, ApiTimeoutError
from pywikibot.family import WikimediaFamily
from pywikibot.login import LoginManager, LoginStatus
from pywikibot.site import ClosedSite
from pywikibot.tools import normalize_username

from pwb_oauth import blocks
from pwb_oauth.accounts import Accounts
from pwb_oauth.errors import (
    ConfigurationError,
    DeadlineExceededError,
    IdentityError,
    LoginRequiredError,
    TransportError,
    UsernameMismatchError,
)
from pwb_oauth.prefetch import prefetch
from pwb_oauth.tokens import TokenKey
from pwb_oauth.wiki import Wiki

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import requests
    from pywikibot.site import APISite, BaseSite
    from typing_extensions import Self

    from pwb_oauth.account import Account

accounts = Accounts()
"""The accounts that the sites of this process sign in with."""

# What a site was last told. Plain text, since sites are pickled.
_STATE = "_pwb_oauth_state"
# The account of a site that acts as a web tool's visitor. Such a site cannot be pickled.
VISITOR = "_pwb_oauth_visitor"
# What is true of a site that was made for a visitor on a wiki where the visitor is nobody.
ELSEWHERE = "_pwb_oauth_elsewhere"
_SIGNED_IN = "signed in"
_SIGNED_OUT = "signed out"
_signing_in: ContextVar[bool] = ContextVar("pwb_oauth_signing_in", default=False)


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


def is_signed_in(site: APISite) -> bool:
    """Whether the site acts as an account since its last login."""
    return bool(getattr(site, _STATE, None) == _SIGNED_IN)


def is_signed_out(site: APISite) -> bool:
    """Whether the site was logged out, and acts anonymously until its next login."""
    return bool(getattr(site, _STATE, None) == _SIGNED_OUT)


def require_stored(site: APISite) -> None:
    """Refuse to act anonymously for a site whose credential was forgotten while it was signed in.

    Raises:
        LoginRequiredError: It was, by another process perhaps.
    """
    wiki = wiki_of(site)
    if is_signed_in(site) and not _is_off(site, wiki):
        key = TokenKey(wiki.central.name, site.username())
        raise LoginRequiredError(
            f"{key.username} was logged out of {key.wiki} meanwhile. Log in: {key.login_command}"
        )


def require_signed_in(site: APISite) -> None:
    """Refuse to go on with a request whose site was logged out while it was under way.

    Raises:
        LoginRequiredError: It was.
    """
    if is_signed_out(site):
        raise LoginRequiredError(
            f"{site} was logged out while this request was under way, and the wiki has not carried "
            "it out. Call site.login(), then repeat it."
        )


def leave(site: APISite) -> None:
    """Let a site that acted as an account be as Pywikibot knows it again."""
    if is_signed_in(site):
        _forget_user(site)
    setattr(site, _STATE, None)


def is_signing_in() -> bool:
    """Whether this thread is just asking the wiki whose access token it is."""
    return _signing_in.get()


def would_ask_for_password(site: APISite, username: str | None) -> bool:
    """Whether Pywikibot would ask for a password although the site goes by stored credentials.

    Returns:
        False where nothing is stored for the wiki and the site never acted as an account, since
        then Pywikibot acts as it always does.
    """
    is_ours = getattr(site, _STATE, None) is not None or accounts.usernames(wiki_of(site))
    if not is_ours or site.is_oauth_token_available():
        return False
    username = username or site.username()
    return username is None or not LoginManager(site=site, user=username).password


def sign_in_by_cookie(
    site: APISite, username: str | None, stock_login: Callable[..., None]
) -> None:
    """Sign a site without a credential or password in by Pywikibot's stored cookies.

    Raises:
        LoginRequiredError: There are none, and no account is stored any more.
        ConfigurationError: There are none; it lists the accounts that are stored.
    """
    leave(site)
    if username or site.username():
        stock_login(user=username, cookie_only=True)
    if not site.logged_in():
        # It stays ours: the next login must not ask for a password either.
        setattr(site, _STATE, _SIGNED_OUT)
        raise accounts.describe_choice(wiki_of(site), username or site.username())


def sign_in_unless_done(site: APISite, account: Account) -> None:
    """Sign in, without a request where the site is signed in already."""
    if account.confirmed and is_signed_in(site) and site.logged_in():
        site._loginstatus = LoginStatus.AS_USER  # noqa: SLF001
    else:
        sign_in(site, account)


def sign_in_unless_confirmed(site: APISite, account: Account) -> None:
    """Sign in, unless the wiki has said already that the access token is this account's."""
    if not account.confirmed:
        with account.sign_in_lock:
            if not account.confirmed:
                sign_in(site, account)


def sign_in(site: APISite, account: Account) -> None:
    """Make a site act as an account, once the wiki has said that it is that account.

    Raises:
        UsernameMismatchError: The access token is another account's.
        LoginRequiredError: The wiki does not accept the access token.
        IdentityError: The wiki does not say whose it is.
    """
    with account.sign_in_lock:
        setattr(site, _STATE, None)
        # Pywikibot compares userinfo with the name it expects unless a login is in progress.
        site._loginstatus = LoginStatus.IN_PROGRESS  # noqa: SLF001
        site._username = account.key.username  # noqa: SLF001
        try:
            with _asking_for_userinfo():
                del site.userinfo
                _check_userinfo(site, account)
        except BaseException:
            del site.userinfo
            site.tokens.clear()
            site._loginstatus = LoginStatus.NOT_LOGGED_IN  # noqa: SLF001
            raise
        account.confirm()
        site._username = account.key.username  # noqa: SLF001  # it may have been renamed
        site._loginstatus = LoginStatus.AS_USER  # noqa: SLF001
        setattr(site, _STATE, _SIGNED_IN)


def sign_out(site: APISite) -> None:
    """Make a site anonymous here and now; the wiki refuses ``action=logout`` under OAuth."""
    setattr(site, _STATE, _SIGNED_OUT)
    _forget_user(site)
    account = account_of(site)
    if account is not None:
        account.drop_cookies()


def require_json(site: APISite, response: requests.Response) -> None:
    """Refuse what cannot say who is signed in, which Pywikibot would ask for again for minutes.

    Raises:
        IdentityError: It is not what api.php answers.
        TransportError: The server fails, and a web tool's visitor waits.
    """
    if visitor_of(site) and response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise TransportError(
            f"{site} answers with HTTP {response.status_code}, so that nobody is signed in. "
            "Try again later."
        )
    try:
        answer = response.json()
    except ValueError:
        answer = None
    understood = isinstance(answer, dict) and not answer.keys().isdisjoint(("error", "query"))
    if not understood and response.status_code != HTTPStatus.TOO_MANY_REQUESTS:
        raise IdentityError(
            f"{response.url.partition('?')[0]} does not answer as api.php does (HTTP status "
            f"{response.status_code}), so that nobody is signed in to {site}. "
            "Check the address in the family file, or try again later."
        )


def _is_off(site: APISite, wiki: Wiki) -> bool:
    return (
        getattr(site, "_oauth_disabled", False)
        or isinstance(site, ClosedSite)
        or is_stranger_to_farm(site, wiki)
    )


def is_stranger_to_farm(site: BaseSite, wiki: Wiki) -> bool:
    """Whether a site is on a host of a farm's domain, but is none of its wikis."""
    return wiki.central != wiki and not isinstance(site.family, WikimediaFamily)


def _account(site: APISite, username: str | None, wiki: Wiki) -> Account | None:
    account = None if _is_off(site, wiki) else accounts.find(wiki, username)
    if account is not None:
        require_visitors(site)
    return account


def _forget_user(site: APISite) -> None:
    site._loginstatus = LoginStatus.NOT_LOGGED_IN  # noqa: SLF001
    del site.userinfo
    site.tokens.clear()
    site._paraminfo = api.ParamInfo(site)  # noqa: SLF001


@contextmanager
def _asking_for_userinfo() -> Iterator[None]:
    token = _signing_in.set(True)
    try:
        yield
    finally:
        _signing_in.reset(token)


def _check_userinfo(site: APISite, account: Account) -> None:
    try:
        prefetch(site, wiki_of(site).api_url)
        userinfo = site.userinfo
    except ApiTimeoutError:
        # What waited for the sign-in would repeat it as often again after any other error.
        cls = DeadlineExceededError if visitor_of(site) else IdentityError
        raise cls(
            f"{site} does not answer, so that nobody is signed in. Try again later."
        ) from None
    except APIError as refusal:
        raise IdentityError(
            f"{site} does not say whose the access token of {account.key.username} is "
            f"({refusal.code}). See that its consumer has the grant 'basic', "
            f"then log in: {account.key.login_command}"
        ) from None
    if "anon" in userinfo or not userinfo.get("id"):
        raise LoginRequiredError(
            f"{site} takes the access token of {account.key.username} for nobody's. "
            f"Log in: {account.key.login_command}"
        )
    if not account.is_called(userinfo["name"]):
        error = UsernameMismatchError(account.key.username, userinfo["name"])
        account.refuse(error)
        raise error
