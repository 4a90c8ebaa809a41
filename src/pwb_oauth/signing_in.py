"""How a Pywikibot site signs in and out, and what it was last told."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from http import HTTPStatus
from typing import TYPE_CHECKING

from pywikibot.data import api
from pywikibot.exceptions import APIError, ApiTimeoutError
from pywikibot.login import LoginManager, LoginStatus

from pwb_oauth import sites
from pwb_oauth.errors import (
    DeadlineExceededError,
    IdentityError,
    LoginRequiredError,
    TransportError,
    UsernameMismatchError,
)
from pwb_oauth.prefetch import prefetch
from pwb_oauth.tokens import TokenKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import requests
    from pywikibot.site import APISite

    from pwb_oauth.account import Account

# Plain text, since sites are pickled.
_STATE = "_pwb_oauth_state"
_SIGNED_IN = "signed in"
_SIGNED_OUT = "signed out"
_signing_in: ContextVar[bool] = ContextVar("pwb_oauth_signing_in", default=False)


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
    wiki = sites.wiki_of(site)
    if is_signed_in(site) and not sites.is_off(site, wiki):
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
    was_ours = getattr(site, _STATE, None) is not None
    is_ours = was_ours or sites.accounts.usernames(sites.wiki_of(site))
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
        raise sites.accounts.describe_choice(sites.wiki_of(site), username or site.username())


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
    account = sites.account_of(site)
    if account is not None:
        account.drop_cookies()


def require_json(site: APISite, response: requests.Response) -> None:
    """Refuse what cannot say who is signed in, which Pywikibot would ask for again for minutes.

    Raises:
        IdentityError: It is not what api.php answers.
        TransportError: The server fails, and a web tool's visitor waits.
    """
    if sites.visitor_of(site) and response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
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
        prefetch(site, sites.wiki_of(site).api_url)
        userinfo = site.userinfo
    except ApiTimeoutError:
        # What waited for the sign-in would repeat it as often again after any other error.
        cls = DeadlineExceededError if sites.visitor_of(site) else IdentityError
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
