"""A Pywikibot in this process, with one sandbox wiki and accounts for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pwb_oauth.testing.approval import obtain
from pwb_oauth.tokens import MemoryTokenStore, TokenKey

if TYPE_CHECKING:
    from pathlib import Path

    from pwb_oauth.credential import Credential
    from pwb_oauth.testing import SandboxWiki


class Bot:
    """A Pywikibot that knows one sandbox wiki, and accounts for it."""

    def __init__(
        self, wiki: SandboxWiki, folder: Path, store: MemoryTokenStore | None = None
    ) -> None:
        self.wiki = wiki
        self.folder = folder
        self.store = store or MemoryTokenStore()
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
        version, _, variant = kind.partition(" ")
        if variant == "public":
            options["confidential"] = False
        return obtain(self.wiki, version, user, owner_only=variant == "owner-only", **options)


def pywikibot_of_its_own(wiki, tmp_path, monkeypatch, *, hooks):
    """Set Pywikibot up for one wiki, give the bot, and put everything back."""
    from pwb_oauth.testing import isolation
    from pwb_oauth.wiki import Wiki

    folder = tmp_path / "pywikibot"
    folder.mkdir(parents=True)
    with isolation.own_pywikibot(folder, monkeypatch, hooks=hooks) as workplace:
        workplace.add(Wiki.from_url(wiki.url))
        isolation.wait_for_nothing()
        yield Bot(wiki, folder, workplace.store)
