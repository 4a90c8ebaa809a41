"""A Pywikibot that one test has for itself.

Pywikibot keeps its configuration and much of what it learns in module variables. Each gets a fresh
value here, by the test's own ``monkeypatch``: whatever the test changes on top of that, and in
whatever order its fixtures end, everything is put back.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from inspect import getattr_static
from queue import Queue
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pywikibot
from pywikibot import bot, config, family, i18n, throttle
from pywikibot.backports import RLock
from pywikibot.comms import http
from pywikibot.data.api import CachedRequest, Request
from pywikibot.site import APISite, _apisite

from pwb_oauth import plugin, prefetch, sites
from pwb_oauth.accounts import Accounts
from pwb_oauth.tokens import MemoryTokenStore, TokenKey
from pwb_oauth.wiki import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

    from pwb_oauth.credential import Credential
    from pwb_oauth.wiki import Wiki

_FAMILY, _CODE = "sandbox", "en"
_IMPATIENCE = {"put_throttle": 0, "minthrottle": 0, "retry_wait": 0.01, "max_retries": 3}
# What plugin.py hooks into.
_HOOKED: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (http, ("request", "session")),
    (APISite, ("login", "logout", "is_oauth_token_available")),
    (Request, ("_use_get", "_bad_token")),
    (pywikibot, ("Site", "async_request")),
    (bot, ("ui",)),
)
# Seconds that saves which are under way are waited for when a test ends.
_PATIENCE = 30.0


@dataclass(frozen=True)
class Workplace:
    """A Pywikibot of its own.

    Attributes:
        folder: Its PYWIKIBOT_DIR.
        store: The accounts that its sites sign in with.
        patch: Puts back what is changed.
    """

    folder: Path
    store: MemoryTokenStore
    patch: pytest.MonkeyPatch

    def add(self, wiki: Wiki) -> tuple[str, str]:
        """Let Pywikibot know a wiki; its code and the name of its family.

        One that no family of Pywikibot has is ``en`` of the family ``sandbox``. One on loopback
        is not waited for.
        """
        if is_loopback(str(urlsplit(wiki.server).hostname)):
            wait_for_nothing()
        else:
            for known in map(family.Family.load, config.family_files):
                for code, host in known.langs.items():
                    if host == wiki.host:
                        return code, known.name
        own = _family_of(wiki)
        file = ModuleType(own.__module__)
        file.Family = own  # type: ignore[attr-defined]
        self.patch.setitem(sys.modules, file.__name__, file)  # where a pickled site looks
        family.Family._families[_FAMILY] = own()  # noqa: SLF001
        return _CODE, _FAMILY

    def open(self, wiki: Wiki, credential: Credential | None = None) -> Any:
        """The site of a wiki, which becomes the one that scripts work on by default.

        Args:
            wiki: The wiki.
            credential: Signs the site in; without one the site is anonymous.
        """
        config.mylang, config.family = self.add(wiki)
        if credential is None:
            return self._anonymous()
        config.usernames[config.family][config.mylang] = credential.username
        self.store.save(TokenKey(wiki.central.name, credential.username), credential)
        site = pywikibot.Site()
        site.login()
        return site

    @staticmethod
    def _anonymous() -> Any:
        named = config.usernames
        config.usernames = defaultdict(dict)
        try:
            site = pywikibot.Site()
        finally:
            config.usernames = named
        site.logout()  # it may have signed in as the only account that is stored
        site._oauth_disabled = True  # noqa: SLF001  # nor does it later
        return site


@contextmanager
def own_pywikibot(
    folder: Path, patch: pytest.MonkeyPatch, *, hooks: bool = True
) -> Iterator[Workplace]:
    """Give a test a Pywikibot of its own, without accounts.

    Args:
        folder: An empty one, for its files.
        patch: The test's own, which puts back what is replaced here.
        hooks: Whether pwb_oauth is installed in it.
    """
    _replace_configuration(folder, patch)
    _replace_state(folder, patch)
    store = MemoryTokenStore()
    patch.setattr(sites, "accounts", Accounts(store))
    _set_hooks(patch, wanted=hooks)
    with _own_put_thread(patch):
        yield Workplace(folder, store, patch)


def wait_for_nothing() -> None:
    """Let Pywikibot be impatient, as suits a wiki that nobody else uses."""
    vars(config).update(_IMPATIENCE)


def _replace_configuration(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Configure Pywikibot as with an empty user-config.py, here and in what the test starts."""
    file = folder / "user-config.py"
    file.touch(0o600)
    file.write_text("family = 'wikipedia'\nmylang = 'test'\n")
    patch.setenv("PYWIKIBOT_DIR", str(folder))
    for name in [name for name in os.environ if name.startswith("PWB_OAUTH_")]:
        if not name.startswith("PWB_OAUTH_TEST_"):
            patch.delenv(name)
    patch.setenv("PWB_OAUTH_STORE", "memory:")
    for name, value in _fresh_configuration(patch).items():
        patch.setattr(config, name, value)
    config.user_agent_description = ""  # None is announced at each start


def _fresh_configuration(patch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the configuration would hold had Pywikibot been loaded now, and families added since."""
    fresh = ModuleType(f"{config.__name__} loaded again")
    fresh.__file__ = str(config.__file__)
    patch.setitem(sys.modules, fresh.__name__, fresh)  # where it looks itself up
    SourceFileLoader(fresh.__name__, fresh.__file__).exec_module(fresh)
    fresh.family_files.update(config.family_files)
    return {
        name: value
        for name, value in vars(fresh).items()
        if not name.startswith("_") and not isinstance(value, (FunctionType, ModuleType, type))
    }


def _replace_state(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Let Pywikibot know no wiki, no user and no cookie."""
    cache = folder / "apicache"
    cache.mkdir()
    jar = http.PywikibotCookieJar()
    for owner, name, value in (
        (pywikibot, "_sites", {}),
        (family.Family, "_families", dict(family.Family._families)),  # noqa: SLF001
        (http, "cookie_jar", jar),
        (http.session, "cookies", jar),
        (CachedRequest, "_get_cache_dir", classmethod(lambda _cls: cache)),
        # Once it has a number, it expects its file to be there.
        (throttle, "pid", False),
        (bot, "global_args", None),
        (bot, "_user_override", None),
        (i18n, "_messages_available", i18n._messages_available),  # noqa: SLF001
        (i18n, "_messages_package_name", i18n._messages_package_name),  # noqa: SLF001
        (_apisite, "_mw_msg_cache", defaultdict(dict)),
        (prefetch, "_wikis", {}),
    ):
        patch.setattr(owner, name, value)


def _set_hooks(patch: pytest.MonkeyPatch, *, wanted: bool) -> None:
    """Set or take out pwb_oauth's hooks, which are as they were once the patch is undone.

    Not undone by ``install()`` or ``uninstall()``: the test may have replaced what is hooked, and
    its replacement be taken out later.
    """
    for owner, names in _HOOKED:
        for name in names:
            patch.setattr(owner, name, getattr_static(owner, name))
    hooks = plugin._hooks  # noqa: SLF001
    patch.setattr(hooks, "installed", hooks.installed)
    patch.setattr(hooks, "replaced", dict(hooks.replaced))
    (plugin.install if wanted else plugin.uninstall)()


@contextmanager
def _own_put_thread(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give the test a thread for asynchronous saves, and wait for what it has to do."""
    thread = threading.Thread(target=pywikibot.async_manager, name="Put-Thread", daemon=True)
    patch.setattr(pywikibot, "_putthread", thread)
    patch.setattr(pywikibot, "page_put_queue", Queue(config.max_queue_size))
    patch.setattr(pywikibot, "_page_put_queue_busy", RLock())
    try:
        yield
    finally:
        if thread.is_alive():
            pywikibot.page_put_queue.put((None, (), {}))
            thread.join(_PATIENCE)


def _family_of(wiki: Wiki) -> type[Any]:
    """A family of this one wiki, as a family file would have it."""

    class Family(family.Family):  # type: ignore[misc]
        __module__ = f"{_FAMILY}_family"
        __qualname__ = "Family"
        name = _FAMILY
        langs = {_CODE: wiki.host}  # noqa: RUF012  # as every family file has it

        @classmethod
        def protocol(cls, code: str) -> str:
            del code
            return wiki.server.partition(":")[0]

        @classmethod
        def scriptpath(cls, code: str) -> str:
            del code
            return wiki.script_path

    return Family
