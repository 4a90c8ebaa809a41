"""One request in place of several: who is signed in, and what the first edit asks for.

Pywikibot asks for the user, for the site (twice), for the API's modules (four times) and for the
tokens in requests of their own, and for each account of a wiki anew. Here the site, the user and
the tokens are one request, the modules another, and what is the same for all accounts of a wiki is
asked once a process and kept in Pywikibot's own cache folder.

This reaches into private parts of Pywikibot. Where one is not as expected nothing is done, and
Pywikibot asks as it always does.
"""

from __future__ import annotations

import inspect
import threading
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from pywikibot import Timestamp, config
from pywikibot.data import api
from pywikibot.site._siteinfo import Siteinfo

from pwb_oauth import deadline, forks
from pwb_oauth.errors import DeadlineExceededError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pywikibot.site import APISite

# As Pywikibot groups them, since its cache files are found by the whole request.
_SITE_PROPERTIES = (("namespaces", "namespacealiases", "general"), ("extensions",))
_USER_PROPERTIES = ("blockinfo", "groups", "hasmsg", "ratelimits", "rights")
# Neither "login" nor "createaccount", which are of no use to somebody who is signed in.
_TOKEN_TYPES = ("csrf", "patrol", "rollback", "userrights", "watch")
# What reading and saving a page makes Pywikibot look up.
_MODULES = frozenset(
    {
        "edit",
        "query+categoryinfo",
        "query+imageinfo",
        "query+info",
        "query+revisions",
        "query+templates",
        "query+tokens",
    }
)


# Seconds to wait for another thread that asks the same.
_PATIENCE = 10.0


class _Wiki:
    """What is the same for all accounts of a wiki."""

    def __init__(self) -> None:
        self.properties: dict[str, Any] = {}
        self.modules: dict[str, Any] = {}
        self.namespaces: Any = None
        self.begin_anew()
        forks.renew_in_children(self)

    def begin_anew(self) -> None:
        """Make locks, in a child of a fork once more."""
        # Two, since whoever asks for modules may have to sign in first.
        self.properties_lock = threading.RLock()
        self.modules_lock = threading.RLock()


_wikis: dict[str, _Wiki] = {}


class _Modules(api.ParamInfo):  # type: ignore[misc]
    """What is known of a wiki's API modules: one thread asks, and the others take it over."""

    def __init__(self, site: APISite, wiki: _Wiki) -> None:
        super().__init__(site, set(_MODULES))
        self._wiki = wiki
        self._take_over()

    def _init(self) -> None:
        if self._is_known():
            return
        with _in_turn(self._wiki.modules_lock):
            self._take_over()
            if not self._is_known():
                super()._init()
                own = ("site", "_wiki")
                state = {name: value for name, value in vars(self).items() if name not in own}
                self._wiki.modules = state

    def _take_over(self) -> None:
        self.__dict__.update(self._wiki.modules)

    def _is_known(self) -> bool:
        return "query" in self._modules

    def __reduce__(self) -> Any:
        """In a pickle it is Pywikibot's own: sites are pickled with it."""
        state = {name: value for name, value in vars(self).items() if name != "_wiki"}
        return object.__new__, (api.ParamInfo,), state


def prefetch(site: APISite, api_url: str) -> None:
    """Ask whose the access token is, and for what else Pywikibot would ask before an edit.

    Nothing that is one user's is written to disk.

    Args:
        site: It is just signing in; ``site.userinfo`` is known afterwards.
        api_url: What the site's wiki is told from others by.

    Raises:
        pywikibot.exceptions.Error: What ``site.userinfo`` raises.
    """
    if not _is_as_expected(site):
        return
    wiki = _wikis.setdefault(api_url, _Wiki())
    site._siteinfo._cache = wiki.properties  # noqa: SLF001
    if wiki.namespaces is not None:
        site._namespaces = wiki.namespaces  # noqa: SLF001  # where Pywikibot keeps them
    site._paraminfo = _Modules(site, wiki)  # noqa: SLF001
    with ExitStack() as turn:
        unknown = list(_unknown_properties(site))
        if unknown:
            turn.enter_context(_in_turn(wiki.properties_lock))
            unknown = list(_unknown_properties(site))  # another thread may have asked meanwhile
            if not unknown:
                turn.close()
        answer = _ask(site, [name for request in unknown for name in request["siprop"]])
        if "userinfo" not in answer:
            return  # Pywikibot has an error for that
        site._userinfo = answer["userinfo"]  # noqa: SLF001
        for request in unknown:
            _keep_properties(site, request, answer)
    _keep_tokens(site, answer.get("tokens", {}))


def let_go(site: APISite) -> None:
    """Keep what is known of a wiki without the site that asked for it.

    Args:
        site: It is of no use any more.
    """
    for wiki in list(_wikis.values()):  # others may add to it just now
        if wiki.properties is site._siteinfo._cache:  # noqa: SLF001
            wiki.namespaces = vars(site).get("_namespaces", wiki.namespaces)


def _is_as_expected(site: APISite) -> bool:
    """Whether everything private that is used here is there."""
    dictionaries = (
        (site, "_siteinfo", "_cache"),
        (site, "_tokens", "_tokens"),
        (site, "_paraminfo", "_paraminfo"),
        (site, "_paraminfo", "_modules"),
    )
    functions = (
        (api.ParamInfo.__init__, ["self", "site", "preloaded_modules"]),
        (api.ParamInfo._init, ["self"]),  # noqa: SLF001
        (api.CachedRequest._load_cache, ["self"]),  # noqa: SLF001
        (api.CachedRequest._write_cache, ["self", "data"]),  # noqa: SLF001
        (Siteinfo._post_process, ["prop", "data"]),  # noqa: SLF001
    )
    return all(
        isinstance(getattr(getattr(owner, name, None), inner, None), dict)
        for owner, name, inner in dictionaries
    ) and all(list(inspect.signature(call).parameters) == names for call, names in functions)


@contextmanager
def _in_turn(lock: threading.RLock) -> Iterator[None]:
    """Wait for another thread that asks the same, but not for long: then ask as well."""
    had = False
    with suppress(DeadlineExceededError):  # the request itself will say so
        had = lock.acquire(timeout=deadline.limit(_PATIENCE))
    try:
        yield
    finally:
        if had:
            lock.release()


def _unknown_properties(site: APISite) -> Iterator[Any]:
    """Requests for what neither this process nor Pywikibot's cache folder knows of the site."""
    for names in _SITE_PROPERTIES:
        if all(name in site._siteinfo._cache for name in names):  # noqa: SLF001
            continue
        parameters = {
            "action": "query",
            "meta": "siteinfo",
            "siprop": list(names),
            "formatversion": 2,
        }
        request = site._request(expiry=config.API_config_expiry, parameters=parameters)  # noqa: SLF001
        # While a site signs in its cached requests are those of nobody, and so of all accounts.
        if request._load_cache():  # noqa: SLF001
            _take_properties(site, names, request._data["query"], request._cachetime)  # noqa: SLF001
        else:
            yield request


def _ask(site: APISite, properties: list[str]) -> Any:
    about_site = {"siprop": properties} if properties else {}
    request = site.simple_request(
        action="query",
        meta=["siteinfo", "tokens", "userinfo"] if properties else ["tokens", "userinfo"],
        uiprop=_USER_PROPERTIES,
        type=_TOKEN_TYPES,
        formatversion=2,
        **about_site,
    )
    return request.submit().get("query", {})


def _keep_tokens(site: APISite, tokens: dict[str, str]) -> None:
    wallet = site.tokens
    wallet._tokens.update(  # noqa: SLF001
        {name.removesuffix("token"): token for name, token in tokens.items()}
    )
    # It empties itself when it is asked on behalf of another user than before.
    wallet._currentuser = site._userinfo["name"]  # noqa: SLF001


def _keep_properties(site: APISite, request: Any, answer: dict[str, Any]) -> None:
    names = request["siprop"]
    of_site = {name: answer[name] for name in names if name in answer}
    if len(of_site) < len(names):
        return
    request._write_cache({"query": of_site})  # noqa: SLF001
    _take_properties(site, names, of_site, Timestamp.nowutc())


def _take_properties(site: APISite, names: Any, answer: dict[str, Any], known_since: Any) -> None:
    for name in names:
        Siteinfo._post_process(name, answer[name])  # noqa: SLF001
        site._siteinfo._cache[name] = (answer[name], known_since)  # noqa: SLF001
