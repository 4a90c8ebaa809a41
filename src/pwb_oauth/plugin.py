"""Every hook into Pywikibot, and nothing else.

:func:`install` may run before Pywikibot has loaded, from ``user-config.py``: each hook is set when
the module that it belongs to is imported. A hook asks whether the site has a stored account, and
leaves every other site to Pywikibot.
"""

from __future__ import annotations

import functools
import inspect
import sys
import threading
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NoReturn

import wrapt

from pwb_oauth import blocks
from pwb_oauth.errors import ConfigurationError, UnsupportedPywikibotError
from pwb_oauth.fatal import fatal_for_pywikibot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import requests
    from pywikibot.data.api import Request
    from pywikibot.site import APISite

    Wrapper = Callable[[Any, Any, tuple[Any, ...], dict[str, Any]], Any]

TESTED_PYWIKIBOT = "11.9"

_HTTP = "pywikibot.comms.http"
_SITE = "pywikibot.site._apisite"
_REQUESTS = "pywikibot.data.api._requests"

_oauth_hidden: ContextVar[bool] = ContextVar("pwb_oauth_hidden", default=False)


class _Hooks:
    """Which hooks are set, and what stood in their places before."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.installed = False
        self.announced = False
        self.replaced: dict[tuple[Any, str], tuple[Any, Any]] = {}

    def put(self, owner: Any, name: str, ours: Any) -> None:
        """Set an attribute, and remember what it was."""
        self.replaced[owner, name] = (getattr(owner, name), ours)
        setattr(owner, name, ours)

    def put_back(self) -> None:
        """Restore each attribute that is still ours; what others wrapped since stays theirs."""
        for (owner, name), (original, ours) in self.replaced.items():
            if inspect.getattr_static(owner, name) is ours:
                setattr(owner, name, original)
        self.replaced.clear()


_hooks = _Hooks()


def install() -> None:
    """Let Pywikibot sign in with the stored credentials. A second call does nothing.

    Call it once: in ``user-config.py`` as ``__import__('pwb_oauth').install()``, or in a script
    before or after ``import pywikibot``. No request is sent and no store is opened by it.

    Raises:
        UnsupportedPywikibotError: This Pywikibot is not built as the hooks expect.
    """
    # A second thread must not go on before the hooks are set.
    with _hooks.lock:
        if not _hooks.installed:
            _hooks.installed = True
            _set_hooks()


def _set_hooks() -> None:
    if _hooks.announced:
        for module, hook in _MODULES.items():
            if module in sys.modules:
                hook(sys.modules[module])
        return
    # An import hook cannot be taken back, so that it asks whether we are installed.
    _hooks.announced = True
    for module, hook in _MODULES.items():
        wrapt.register_post_import_hook(hook, module)


def install_for_visitors() -> None:
    """:func:`install`, and what only the sites of a web tool's visitors need. Loads Pywikibot.

    Raises:
        UnsupportedPywikibotError: This Pywikibot is not built as the hooks expect.
    """
    import pywikibot  # noqa: PLC0415  # takes half a second

    with _hooks.lock:
        install()
        if (pywikibot, "Site") in _hooks.replaced:
            return
        _wrap(pywikibot, "Site", _site, ("code", "fam", "user", "interface", "url"))
        _wrap(pywikibot, "async_request", _async_request, ("request", "args", "kwargs"))
        _hooks.put(pywikibot.bot, "ui", VisitorsInterface(pywikibot.bot.ui))


def uninstall() -> None:
    """Put everything back as Pywikibot had it."""
    _hooks.installed = False
    _hooks.put_back()


def _when_installed(hook: Callable[[Any], None]) -> Callable[[Any], None]:
    @functools.wraps(hook)
    def guarded(module: Any) -> None:
        if _hooks.installed:
            hook(module)

    return guarded


@_when_installed
def _hook_http(http: Any) -> None:
    _wrap(http, "request", _request, ("site", "uri", "headers", "kwargs"))
    _hooks.put(http, "session", AccountSession(http.session))


@_when_installed
def _hook_site(module: Any) -> None:
    site = module.APISite
    _wrap(site, "login", _login, ("self", "autocreate", "user", "cookie_only"))
    _wrap(site, "logout", _logout, ("self",))
    _wrap(site, "is_oauth_token_available", _is_oauth_token_available, ("self",))


@_when_installed
def _hook_requests(module: Any) -> None:
    _wrap(module.Request, "_use_get", _use_get, ("self",))
    _wrap(module.Request, "_bad_token", _bad_token, ("self", "code"))


_MODULES = {_HTTP: _hook_http, _SITE: _hook_site, _REQUESTS: _hook_requests}


def _wrap(owner: Any, name: str, wrapper: Wrapper, parameters: tuple[str, ...]) -> None:
    original = inspect.getattr_static(owner, name, None)
    if original is None or tuple(inspect.signature(original).parameters) != parameters:
        _refuse_pywikibot(f"{owner.__name__}.{name}")
    # A wrapper that somebody else wrapped again cannot be taken out: then it does nothing.
    enabled = functools.partial(getattr, _hooks, "installed")
    _hooks.put(owner, name, wrapt.FunctionWrapper(original, wrapper, enabled))


def _refuse_pywikibot(place: str) -> NoReturn:
    uninstall()
    version = getattr(sys.modules.get("pywikibot"), "__version__", "of unknown version")
    raise UnsupportedPywikibotError(
        f"Pywikibot {version} has changed {place}, which pwb_oauth hooks into. It was tested with "
        f"Pywikibot {TESTED_PYWIKIBOT}: install that, or a newer pwb-oauth. Nothing was changed."
    )


class AccountSession(wrapt.ObjectProxy):  # type: ignore[type-arg]  # generic since wrapt 2
    """Pywikibot's session, but a request whose ``auth`` is an account goes by that account's own.

    Adapters, proxies and certificates are those of the session it stands for; cookies are not.
    """

    def request(self, method: str, url: str, **kwargs: Any) -> requests.Response:
        """Send a request, as ``requests.Session.request`` does."""
        from pwb_oauth.account import Account  # noqa: PLC0415  # loads requests-oauthlib
        from pwb_oauth.sender import Nobody  # noqa: PLC0415

        base: requests.Session = self.__wrapped__
        auth = kwargs.get("auth")
        if not isinstance(auth, (Account, Nobody)):
            return base.request(method, url, **kwargs)
        del kwargs["auth"]
        return auth.request(method, url, base=base, **kwargs)


class VisitorsInterface(wrapt.ObjectProxy):  # type: ignore[type-arg]  # generic since wrapt 2
    """Pywikibot's user interface, which asks nobody where a visitor acts: that would hang."""

    def input(self, question: str, *args: Any, **options: Any) -> Any:
        """Ask for a text."""
        return self._ask(self.__wrapped__.input, question, *args, **options)

    def input_choice(self, question: str, *args: Any, **options: Any) -> Any:
        """Ask for one of some answers."""
        return self._ask(self.__wrapped__.input_choice, question, *args, **options)

    def input_list_choice(self, question: str, *args: Any, **options: Any) -> Any:
        """Ask for one of a list."""
        return self._ask(self.__wrapped__.input_list_choice, question, *args, **options)

    def _ask(self, ask: Callable[..., Any], question: str, *args: Any, **options: Any) -> Any:
        if blocks.current() is not None and not options.get("force"):
            with fatal_for_pywikibot():
                raise ConfigurationError(
                    f"Pywikibot asks {question!r}, and nobody sits at this server to answer. Call "
                    "it in such a way that it does not ask, as page.delete(prompt=False) does."
                )
        return ask(question, *args, **options)


def _request(
    wrapped: Callable[..., Any], instance: None, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """``http.request``: say which account the request is sent as, if any."""
    from pwb_oauth.destination import send  # noqa: PLC0415  # imports Pywikibot

    del instance
    return send(wrapped, *args, **kwargs)


def _login(
    wrapped: Callable[..., None], site: APISite, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    """``APISite.login``: sign in with the stored credential, if there is one."""

    def sign_in(
        autocreate: bool = False, user: str | None = None, *, cookie_only: bool = False
    ) -> None:
        from pwb_oauth import signing_in, sites  # noqa: PLC0415  # imports Pywikibot

        with fatal_for_pywikibot(quiet=cookie_only):
            account = sites.account_named(site, user)
            if account is not None:
                signing_in.sign_in_unless_done(site, account)
                return
            # One that is stored while Pywikibot signs in by its own means is not for this login.
            with _hidden_oauth():
                if not cookie_only and signing_in.would_ask_for_password(site, user):
                    signing_in.sign_in_by_cookie(site, user, wrapped)
                    return
                signing_in.leave(site)
                wrapped(autocreate, user, cookie_only=cookie_only)

    sign_in(*args, **kwargs)


def _logout(
    wrapped: Callable[..., None], site: APISite, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    """``APISite.logout``: forget the sign-in here; the wiki refuses ``action=logout``."""
    from pwb_oauth import signing_in, sites  # noqa: PLC0415  # imports Pywikibot

    with fatal_for_pywikibot():
        if sites.account_of(site) is not None or signing_in.is_signed_in(site):
            signing_in.sign_out(site)
        else:
            wrapped(*args, **kwargs)


def _is_oauth_token_available(
    wrapped: Callable[..., bool], site: APISite, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> bool:
    """``APISite.is_oauth_token_available``: True with a stored credential as well."""
    from pwb_oauth import sites  # noqa: PLC0415  # imports Pywikibot

    with fatal_for_pywikibot():
        if sites.account_of(site) is None:
            return wrapped(*args, **kwargs)
    return not _oauth_hidden.get()


def _use_get(
    wrapped: Callable[..., bool], request: Request, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> bool:
    """``Request._use_get``: read by GET although there is a token.

    Pywikibot reads by POST under OAuth for the sake of signed GETs with a form Content-Type
    (Phabricator T108182), which :class:`pwb_oauth.signing.OAuth1Signer` does not send.
    """
    del request
    with _hidden_oauth():
        return wrapped(*args, **kwargs)


@contextmanager
def _hidden_oauth() -> Iterator[None]:
    """Let ``is_oauth_token_available`` not tell of a stored credential."""
    token = _oauth_hidden.set(True)
    try:
        yield
    finally:
        _oauth_hidden.reset(token)


def _bad_token(
    wrapped: Callable[..., bool], request: Request, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> bool:
    """``Request._bad_token``: fetch CSRF tokens anew, more than once if need be."""

    def handle(code: str) -> bool:
        from pwb_oauth import csrf, signing_in, sites  # noqa: PLC0415  # imports Pywikibot

        with fatal_for_pywikibot():
            account = sites.account_of(request.site) if code == "badtoken" else None
            if account is None or signing_in.is_signing_in():
                return wrapped(code)
            # Pywikibot would miss the tokens that a logout took: a KeyError, which ends its thread.
            signing_in.require_signed_in(request.site)
            return csrf.renew(request, account)

    return handle(*args, **kwargs)


def _site(
    wrapped: Callable[..., APISite], instance: None, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> APISite:
    """``pywikibot.Site``: for a visitor's name, or for none in a visitor's block, the visitor's.

    Pywikibot makes sites without a name of what a visitor typed, such as an interwiki prefix.
    """
    from pywikibot.site import APISite  # noqa: PLC0415

    from pwb_oauth import sites  # noqa: PLC0415  # imports Pywikibot

    del instance

    def make(code: Any = None, fam: Any = None, user: Any = None, **rest: Any) -> APISite:
        if isinstance(user, sites.VisitorName):
            return user.make_site(code, fam, **rest)
        block, interface = blocks.current(), rest.get("interface")
        asks_nothing = isinstance(interface, type) and not issubclass(interface, APISite)
        if block is None or user or asks_nothing:
            return wrapped(code, fam, user, **rest)
        return block.further_site(code, fam, **rest)

    return make(*args, **kwargs)


def _async_request(
    wrapped: Callable[..., None], instance: None, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    """``pywikibot.async_request``: in a visitor's block at once, since that ends.

    Pywikibot's thread knows of no block.
    """
    from pwb_oauth import sites  # noqa: PLC0415  # imports Pywikibot

    del instance
    request, *rest = args
    is_visitors = any(sites.visitor_of(getattr(one, "site", None)) for one in rest)
    if is_visitors or blocks.current() is not None:
        request(*rest, **kwargs)
    else:
        wrapped(*args, **kwargs)
