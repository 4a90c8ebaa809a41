"""A Pywikibot in this process, with one sandbox wiki and accounts for it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pwb_oauth.credential import Consumer, Credential, OAuth1AccessToken, OAuth2AccessToken
from pwb_oauth.tokens import MemoryTokenStore, TokenKey

if TYPE_CHECKING:
    from pathlib import Path

    from pwb_oauth.testing import SandboxWiki


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


def pywikibot_of_its_own(wiki, tmp_path, monkeypatch, *, hooks):
    """Set Pywikibot up for one wiki, give the bot, and put everything back."""
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
