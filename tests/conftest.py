"""What all tests share: a sandbox wiki, a Pywikibot of their own, and no network but loopback.

Pywikibot reads its configuration when it is first imported and keeps much of what it learns in
module variables, so that both are set up before, and put back after, each test.
"""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

_HOME = Path(tempfile.mkdtemp(prefix="pwb-oauth-tests-"))
for _name in [name for name in os.environ if name.startswith(("PWB_OAUTH_", "PYWIKIBOT_"))]:
    if not _name.startswith("PWB_OAUTH_TEST_"):
        del os.environ[_name]
(_HOME / "user-config.py").write_text("family = 'wikipedia'\nmylang = 'test'\n")
(_HOME / "user-config.py").chmod(0o600)
os.environ["PYWIKIBOT_DIR"] = str(_HOME)
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"

from pwb_oauth.credential import Consumer, Credential, OAuth1AccessToken, OAuth2AccessToken
from pwb_oauth.testing import SandboxWiki
from pwb_oauth.tokens import MemoryTokenStore, TokenKey

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_configure() -> None:
    """Let nothing but loopback be reached."""
    import pytest_socket

    pytest_socket.socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test its own home, so that it never sees the developer's accounts."""
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"):
        folder = tmp_path / name.lower()
        folder.mkdir()
        monkeypatch.setenv(name, str(folder))


@pytest.fixture
def wiki() -> Iterator[SandboxWiki]:
    """A sandbox wiki."""
    with SandboxWiki() as sandbox:
        yield sandbox


class Bot:
    """A Pywikibot that knows one sandbox wiki, and accounts for it."""

    def __init__(self, wiki: SandboxWiki, folder: Path) -> None:
        self.wiki = wiki
        self.folder = folder
        self.store = MemoryTokenStore()
        self.host = wiki.url.removeprefix("http://")

    def key(self, username: str) -> TokenKey:
        return TokenKey(self.host, username)

    def site(self, user: str | None = None):
        """A site object for the wiki, made anew."""
        import pywikibot

        pywikibot._sites.clear()
        return pywikibot.Site("en", "sandbox", user=user)

    def log_in(self, kind: str, user: str = "Alice", **options) -> Credential:
        """Store a credential of that kind: ``1.0a``, ``1.0a owner-only``, ``2.0`` and so on."""
        credential = self.credential(kind, user, **options)
        self.store.save(self.key(user), credential)
        return credential

    def credential(self, kind: str, user: str = "Alice", **options) -> Credential:
        """A credential that the wiki gave, obtained as a person would."""
        from pwb_oauth import Wiki, authorization

        version, _, variant = kind.partition(" ")
        owner_only = variant == "owner-only"
        registered = self.wiki.add_consumer(
            f"{kind} of {user} {len(self.wiki.consumers)}",
            oauth_version=version,
            owner=user if owner_only else "Admin",
            owner_only=owner_only,
            **({} if owner_only else {"callback_url": "http://127.0.0.1:9/callback"}),
            **({"confidential": variant != "public"} if version == "2.0" else {}),
            **options,
        )
        callback = None if owner_only else "http://127.0.0.1:9/callback"
        consumer = Consumer(registered.key, registered.secret, version, owner_only, callback)
        address = Wiki.from_url(self.wiki.api_url)
        if not owner_only:
            pending = authorization.begin_authorization(address, consumer)
            answer = self.wiki.approve(pending.url, user)
            return authorization.complete_authorization(address, pending, answer)
        if version == "1.0a":
            token = OAuth1AccessToken(registered.access_token, registered.access_secret)
        else:
            token = OAuth2AccessToken(registered.access_token)
        return authorization.adopt(address, consumer, token)


@pytest.fixture
def bot(wiki: SandboxWiki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bot]:
    """A Pywikibot of its own, with pwb_oauth installed and an empty store in memory."""
    yield from _pywikibot(wiki, tmp_path, monkeypatch, hooks=True)


@pytest.fixture
def stock_bot(wiki: SandboxWiki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bot]:
    """A Pywikibot of its own, as it is without pwb_oauth."""
    yield from _pywikibot(wiki, tmp_path, monkeypatch, hooks=False)


def _pywikibot(wiki, tmp_path, monkeypatch, *, hooks):
    import pywikibot
    from pywikibot import config, throttle
    from pywikibot.comms import http
    from pywikibot.data.api import CachedRequest

    import pwb_oauth
    from pwb_oauth import sites
    from pwb_oauth.accounts import Accounts

    folder = tmp_path / "pywikibot"
    (folder / "apicache").mkdir(parents=True)
    bot = Bot(wiki, folder)
    for name, value in {
        "base_dir": str(folder),
        "usernames": defaultdict(dict),
        "authenticate": {},
        "password_file": None,
        "put_throttle": 0,
        "minthrottle": 0,
        "retry_wait": 0.01,
        "max_retries": 3,
        "user_agent_description": "",
    }.items():
        monkeypatch.setattr(config, name, value)
    monkeypatch.setattr(
        CachedRequest, "_get_cache_dir", classmethod(lambda cls: folder / "apicache")
    )
    # Once it has a number, it expects its file to be there.
    monkeypatch.setattr(throttle, "pid", False)
    monkeypatch.setitem(pywikibot.family.Family._families, "sandbox", _family(wiki))
    monkeypatch.setattr(sites, "accounts", Accounts(bot.store))
    pywikibot._sites.clear()
    http.cookie_jar.clear()
    if hooks:
        pwb_oauth.install()
    yield bot
    if pywikibot._putthread.is_alive():
        pywikibot.page_put_queue.join()
    pwb_oauth.uninstall()
    pywikibot._sites.clear()
    http.cookie_jar.clear()


def _family(wiki):
    from pywikibot import family

    host = wiki.url.removeprefix("http://")

    class Family(family.Family):
        name = "sandbox"
        langs = {"en": host}  # noqa: RUF012  # as every family file has it

        @classmethod
        def protocol(cls, code):
            return "http"

        @classmethod
        def scriptpath(cls, code):
            return "/w"

    return Family()
