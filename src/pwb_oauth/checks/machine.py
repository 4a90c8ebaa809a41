"""What is looked at: this machine, the wikis, and the accounts on them. Each is asked once."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING

from pwb_oauth import configuration
from pwb_oauth.account import Account
from pwb_oauth.checks.access import Access, ask_access
from pwb_oauth.checks.finding import CannotTellError
from pwb_oauth.checks.parallel import Crew
from pwb_oauth.checks.question import Question
from pwb_oauth.checks.siteinfo import SiteInfo, ask_siteinfo
from pwb_oauth.checks.trial import Trial, try_out
from pwb_oauth.errors import ConfigurationError, PwbOAuthError
from pwb_oauth.tokens import EnvironmentTokenStore, open_token_store
from pwb_oauth.wiki import Wiki

if TYPE_CHECKING:
    from pwb_oauth.credential import Credential
    from pwb_oauth.identity import Identity
    from pwb_oauth.tokens import TokenEntry, TokenStore

_EXTENSION = "OAuth"
_UNREADABLE = "its credential cannot be read"
_UNREACHABLE = "the wiki cannot be asked"


class Machine:
    """This machine: its token store, and its Pywikibot.

    Attributes:
        crew: What asks.
        named: The wiki that was asked for; None for those of all stored accounts.
        store: Opened.
        entries: The stored accounts in question.
        default_wiki: The wiki that user-config.py names.
    """

    def __init__(self, wiki: Wiki | None, store_url: str | None) -> None:
        """Look at nothing yet.

        Args:
            wiki: See above.
            store_url: The token store; None for the one that is used by default.
        """
        self.crew = Crew()
        self.named = wiki
        self.store: Question[TokenStore] = Question(partial(open_token_store, store_url))
        self.entries: Question[list[TokenEntry]] = Question(self._entries)
        self.default_wiki: Question[Wiki] = Question(_default_wiki)

    @cached_property
    def accounts(self) -> list[AccountSeen]:
        """The stored accounts; none where they cannot be listed."""
        try:
            entries = self.entries.answer()
        except PwbOAuthError:
            return []
        store = self.crew.watched(self.store.answer())
        return [AccountSeen(entry, store, self._wiki_of(entry)) for entry in entries]

    @cached_property
    def wikis(self) -> list[WikiSeen]:
        """The wiki that was named, or those of the accounts, or the one user-config.py names."""
        places = [self._place(self.named)] if self.named else [one.wiki for one in self.accounts]
        if not places:
            try:
                places = [self._place(self.default_wiki.answer())]
            except ConfigurationError:
                return []
        central = [place.central for place in places]
        return list({id(place): place for place in (*places, *central)}.values())

    def _entries(self) -> list[TokenEntry]:
        listed = self.store.answer().entries()
        central = self.named and self.named.central.name
        return [entry for entry in listed if central in (None, entry.key.wiki)]

    def _wiki_of(self, entry: TokenEntry) -> WikiSeen:
        return self._place(self.named or Wiki.from_url(entry.key.wiki))

    def _place(self, wiki: Wiki) -> WikiSeen:
        if wiki not in self._places:
            central = None if wiki.central == wiki else self._place(wiki.central)
            self._places[wiki] = WikiSeen(wiki, central)
        return self._places[wiki]

    @cached_property
    def _places(self) -> dict[Wiki, WikiSeen]:
        return {}


class WikiSeen:
    """A wiki.

    Attributes:
        wiki: Which.
        central: The wiki on which its consumers are registered.
        accounts: The accounts that are asked for there.
        siteinfo: What it tells everybody.
    """

    def __init__(self, wiki: Wiki, central: WikiSeen | None) -> None:
        """Ask nothing yet. ``central`` is None where it is this one."""
        self.wiki = wiki
        self.central = central or self
        self.accounts: list[AccountSeen] = []
        self.siteinfo: Question[SiteInfo] = Question(partial(ask_siteinfo, wiki))

    @property
    def lacks_oauth(self) -> bool:
        """Whether it says that it has no OAuth.

        Raises:
            CannotTellError: It cannot be asked.
        """
        extensions = self.siteinfo.known(_UNREACHABLE).extensions
        return extensions is not None and _EXTENSION not in extensions

    def require_oauth(self) -> None:
        """Keep a check from blaming the account.

        Raises:
            CannotTellError: The wiki cannot be asked, or has no OAuth.
        """
        if self.lacks_oauth or self.central.lacks_oauth:
            raise CannotTellError("the wiki has no OAuth")


class AccountSeen:
    """A stored account.

    Attributes:
        key: Whose.
        in_variables: Whether it is in environment variables.
        wiki: Where it works.
        credential: What is stored.
        trial: What the wiki knows its consumer by.
    """

    def __init__(self, entry: TokenEntry, store: TokenStore, wiki: WikiSeen) -> None:
        """Read nothing yet."""
        self.key = entry.key
        self.in_variables = entry.store == EnvironmentTokenStore.url
        self.wiki = wiki
        wiki.accounts.append(self)
        self._account = Account(entry.key, store, wiki.central.wiki)
        self.credential: Question[Credential] = Question(lambda: self._account.credential)
        self.trial: Question[Trial] = Question(self._try)
        self._access: Question[Access] = Question(self._ask)

    @property
    def log_in_again(self) -> str:
        """What a person does to have another access token stored."""
        if self.in_variables:
            return f"Set PWB_OAUTH_TOKEN to another access token of {self.key.username}."
        return f"Log in again: {self.key.login_command}"

    def access(self) -> Access:
        """What the wiki says to the access token.

        Raises:
            CannotTellError: It could not be asked.
        """
        return self._access.answer()

    def is_accepted(self) -> bool:
        """Whether the wiki accepts the access token. Raises what :meth:`access` does."""
        return self.access().identity is not None and self.access().error is None

    def identity(self) -> Identity:
        """Whose the access token is.

        Raises:
            CannotTellError: The wiki does not say.
        """
        identity = self.access().identity
        if identity is None:
            raise CannotTellError("the wiki does not accept the access token")
        return identity

    def access_error(self) -> PwbOAuthError | None:
        """What kept the wiki from saying whether it accepts the access token, if anything did."""
        try:
            return self.access().error
        except CannotTellError:
            return None

    def _try(self) -> Trial:
        credential = self.credential.known(_UNREADABLE)
        self.wiki.require_oauth()
        return try_out(self.wiki.central.wiki, credential.consumer)

    def _ask(self) -> Access:
        self.credential.known(_UNREADABLE)
        self.wiki.require_oauth()
        return ask_access(self._account)


def _default_wiki() -> Wiki:
    if not configuration.file_path().exists():
        raise ConfigurationError("Nothing names a wiki. Name one.")
    return configuration.wiki_of_family(*configuration.default_site())
