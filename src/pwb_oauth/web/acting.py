"""A visitor's account at work: Pywikibot's sites, and requests, that act as the visitor."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import pywikibot
import requests

from pwb_oauth import blocks, deadline, plugin, prefetch, signing_in, sites, transport
from pwb_oauth.errors import ConfigurationError, TransportError, UsernameMismatchError
from pwb_oauth.web.visitor import VisitorAccount
from pwb_oauth.web.visitor_sites import Place, visitor_class
from pwb_oauth.wiki import Wiki
from pwb_oauth.writes import holds_token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pywikibot.site import APISite

    from pwb_oauth.credential import Credential
    from pwb_oauth.identity import Identity
    from pwb_oauth.tokens import CredentialSource

_NO_ANSWER = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
)
_WHO = {"action": "query", "meta": "userinfo", "format": "json"}

_connections = requests.Session()
"""Its adapters are shared by all visitors, and with them the connections."""


class WikiAccount:
    """A visitor's account inside the block of :func:`acting_as`."""

    def __init__(
        self,
        wiki: Wiki,
        credential: Credential,
        source: CredentialSource,
        seconds: float | None,
    ) -> None:
        """Ask nothing yet."""
        self._wiki = wiki
        self._account = VisitorAccount(wiki, credential, source, deadline.after(seconds))
        self._sites: dict[tuple[type[APISite], str, str], APISite] = {}

    def __repr__(self) -> str:
        """Whose it is."""
        return f"{type(self).__name__}({self.username!r}, {self.wiki.name!r})"

    @property
    def username(self) -> str:
        """The user name, as the wiki knew it last."""
        return self._account.key.username

    @property
    def subject(self) -> str:
        """The user's id, which outlives a rename."""
        return str(self._account.credential.subject)

    @property
    def wiki(self) -> Wiki:
        """The wiki on which the consumer is registered."""
        return self._wiki

    @property
    def grants(self) -> tuple[str, ...]:
        """What the user approved, sorted."""
        return self._account.credential.grants

    @property
    def is_open(self) -> bool:
        """Whether the block has not ended."""
        return self._account.is_open

    @property
    def is_over(self) -> bool:
        """Whether the wiki said in this block that the user's approval is over."""
        return self._account.is_over

    def identify(self) -> Identity:
        """Ask the wiki who the user is and what the access token may do.

        Raises:
            LoginRequiredError: The wiki does not accept the access token any more.
            IdentityError: The wiki does not name the user.
            TransportError: The wiki could not be asked.
        """
        # Where the consumer is disabled only api.php says so, and a refresh would end the tokens.
        self.send("GET", self.wiki.api_url, _connections, params=_WHO)
        return self._account.identify()

    def site(
        self,
        code: str | None = None,
        family: str | None = None,
        *,
        url: str | None = None,
        interface: Any = None,
    ) -> APISite:
        """A Pywikibot site that acts as this visitor only, and in this block only.

        The arguments are those of ``pywikibot.Site``. The first call for a wiki asks it, in one
        request, who is signed in, and for what else Pywikibot needs.

        Raises:
            ConfigurationError: The visitor is not signed in to that wiki.
            LoginRequiredError: The block has ended, or the wiki accepts the token no more.
            IdentityError: The wiki does not say who is signed in.
        """
        self._account.require_open()
        place = pywikibot.Site(code, family, url=url, interface=Place)
        self._require_own_wiki(place)
        site = self._site(place, interface)
        signing_in.sign_in_unless_done(site, self._account)
        return site

    def further_site(
        self,
        code: str | None = None,
        fam: str | None = None,
        *,
        url: str | None = None,
        interface: Any = None,
    ) -> APISite:
        """What ``pywikibot.Site`` gives in the block, whoever calls it; nothing is sent yet.

        Returns:
            For a wiki of the visitor's farm the visitor's site, for another one a site that reads
            as nobody and cannot write.

        Raises:
            LoginRequiredError: The block has ended.
        """
        self._account.require_open()
        place = pywikibot.Site(code, fam, url=url, interface=Place)
        return self._site(place, interface)

    def requests_session(self) -> requests.Session:
        """A session of requests that acts as this visitor, for mwapi, mwclient and the like.

        It sends to the visitor's wikis, and there to ``api.php`` and ``rest.php`` alone, and is of
        no use after the block.
        """
        return _VisitorSession(self)

    def send(
        self, method: str, url: str, base: requests.Session, **kwargs: Any
    ) -> requests.Response:
        """Send one request of a :meth:`requests_session`.

        Raises:
            ConfigurationError: It goes elsewhere than to the visitor's wikis.
            DeadlineExceededError: There is no time left.
            TransportError: The wiki could not be asked. Libraries would wait for minutes and try
                again after an error of requests.
        """
        self._account.require_open()
        wiki = Wiki.from_url(url)
        wiki.require_safe_transport()
        if not wiki.accepts_tokens_at(url):
            raise ConfigurationError("An access token goes to api.php and rest.php alone.")
        if wiki.central != self.wiki:
            raise self._other_wiki(wiki)
        if holds_token(kwargs.get("data")) and "/api.php" in url:
            self._confirm()
            kwargs["data"] = _asserting(self.username, kwargs["data"])
        if wiki != self.wiki:  # Pywikibot knows which hosts of the farm are its wikis
            self._require_own_wiki(pywikibot.Site(url=wiki.index_url, interface=Place))
        try:
            return self._account.request(method, url, base=base, **kwargs)
        except _NO_ANSWER as error:
            failed = transport.failure(error)
        # Outside the except block: requests' own text may hold a part of the request.
        with self._account.in_time():
            deadline.require_time()
        raise TransportError(f"{wiki.host} {failed}")

    def close(self) -> None:
        """End: what was given out is of no use from here on, and keeps nothing alive."""
        self._account.close()
        for site in self._sites.values():
            prefetch.let_go(site)
        self._sites.clear()

    def _confirm(self) -> None:
        """Learn the visitor's name of now, once: the wiki may have renamed the user."""
        if not self._account.confirmed:
            username = self._account.identify().username
            if not self._account.is_called(username):
                raise UsernameMismatchError(self.username, username)
            self._account.confirm()

    def _site(self, place: Place, interface: Any) -> APISite:
        cls = visitor_class(interface or place.family.interface(place.code))
        key = (cls, place.family.name, place.code)
        site = self._sites.get(key)
        if site is None:
            is_own = self._is_own_wiki(place)
            site = cls(place.code, place.family, self._account, self, is_own=is_own)
            self._sites[key] = site
        return site

    def _require_own_wiki(self, place: Place) -> None:
        if not self._is_own_wiki(place):
            raise self._other_wiki(sites.wiki_of(place))

    def _is_own_wiki(self, place: Place) -> bool:
        wiki = sites.wiki_of(place)
        return wiki.central == self.wiki and not sites.is_stranger_to_farm(place, wiki)

    def _other_wiki(self, wiki: Wiki) -> ConfigurationError:
        return ConfigurationError(
            f"{self.username} is signed in to {self.wiki.name}, and {wiki.host} is another "
            "wiki. Let the visitor sign in with a consumer of that wiki."
        )


@contextmanager
def acting_as(
    wiki: Wiki,
    credential: Credential,
    source: CredentialSource,
    *,
    seconds: float | None,
) -> Iterator[WikiAccount]:
    """Act as a visitor in a block.

    Args:
        wiki: The wiki on which the consumer is registered.
        credential: What was just read from the source; its ``subject`` is known.
        source: Where it is kept.
        seconds: How long the wiki may take for all that is asked of it in the block; None for no
            end, where nobody waits at a browser.
    """
    plugin.install_for_visitors()
    account = WikiAccount(wiki, credential, source, seconds)
    try:
        with blocks.entered(account):
            yield account
    finally:
        account.close()


def _asserting(username: str, data: Any) -> Any:
    """Say in a form whose write it is, so that the wiki refuses it as anybody else's."""
    if isinstance(data, (str, bytes)):
        return data
    pairs = data.items() if isinstance(data, Mapping) else data
    # The wiki takes the last one of a name, which is the caller's own if there is one.
    return [("assertuser", username), *pairs]


class _VisitorSession(requests.Session):
    """Hands each request to the visitor's account."""

    def __init__(self, account: WikiAccount) -> None:
        super().__init__()
        self._account = account
        self.adapters = _connections.adapters

    def request(  # type: ignore[override]
        self, method: str, url: str, **kwargs: Any
    ) -> requests.Response:
        """Send a request as the visitor; no other ``auth`` is possible."""
        kwargs.pop("auth", None)
        return self._account.send(method, url, self, **kwargs)

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> NoReturn:
        """Refuse what was prepared elsewhere: it would go out as nobody's."""
        del request, kwargs
        raise ConfigurationError("Use request(), get() or post() of this session.")

    def close(self) -> None:
        """Keep the connections: they are those of all visitors."""

    def __reduce__(self) -> NoReturn:
        raise TypeError("A session that acts as a web tool's visitor cannot be pickled")
