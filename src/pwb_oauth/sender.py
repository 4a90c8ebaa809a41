"""One access token at work: what its requests carry, and the cookies that came with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin
from weakref import WeakSet

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from pwb_oauth import deadline, deadline_adapter, forks
from pwb_oauth.credential import OAuth1AccessToken, Secret
from pwb_oauth.errors import ConfigurationError
from pwb_oauth.signing import OAuth1Signer
from pwb_oauth.wiki import Wiki

if TYPE_CHECKING:
    from requests.adapters import BaseAdapter

    from pwb_oauth.credential import Credential, OAuth2AccessToken

# What a session takes over from the one in whose place it sends. Cookies and Authorization are the
# access token's own.
_SHARED = ("adapters", "cert", "headers", "hooks", "params", "proxies", "trust_env", "verify")


class Sender:
    """Sends requests with the access token of one credential, from any thread.

    A cookie may belong to the access token (Wikimedia's ``sessionJwt``), so another token gets
    another sender: an answer that is still under way cannot leave its cookies with the next token.

    Attributes:
        credential: Whose access token it is.
    """

    def __init__(self, credential: Credential) -> None:
        """Begin without cookies."""
        self.credential = credential
        self._session = _Session()

    @property
    def has_cookies(self) -> bool:
        """Whether wikis have set any."""
        return bool(self._session.cookies)

    def send(
        self,
        method: str,
        url: str,
        *,
        base: requests.Session,
        timestamp_offset: int = 0,
        **kwargs: Any,
    ) -> requests.Response:
        """Send one request, and follow no redirect.

        Args:
            method: The HTTP method.
            url: A URL of one of the wikis that the access token is for.
            base: The session whose adapters, proxies and certificates are used.
            timestamp_offset: Seconds that this machine's clock is behind the wiki's (OAuth 1.0a).
            **kwargs: What ``requests.Session.request`` takes, without ``auth``.

        Returns:
            The answer, without its ``Set-Cookie``.

        Raises:
            ConfigurationError: The wiki redirects to another address.
        """
        _take_over(self._session, base)
        auth = self._signature(timestamp_offset)
        try:
            response = self._session.request(method, url, auth=auth, **kwargs)
        except requests.RequestException as error:
            _unsign(error.request)
            raise
        _unsign(response.request)
        response.cookies.clear()
        if response.is_redirect:
            response.close()
            raise _redirected(url, response)
        # Pywikibot writes the headers of API errors to its log; the cookie is kept by now.
        response.headers.pop("Set-Cookie", None)
        return response

    def _signature(self, timestamp_offset: int) -> AuthBase:
        consumer, token = self.credential.consumer, self.credential.access_token
        if isinstance(token, OAuth1AccessToken):
            return OAuth1Signer(consumer, token, timestamp_offset=timestamp_offset)
        return _Bearer(token)


class Nobody(AuthBase):
    """Stands as ``auth`` of a request that goes out without cookies, credentials or passwords.

    The cookies of Pywikibot's own session may be another account's.
    """

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign nothing, but stand where requests would put a password from ``.netrc``."""
        return request

    def request(
        self, method: str, url: str, *, base: requests.Session, **kwargs: Any
    ) -> requests.Response:
        """Send a request as :meth:`Sender.send` does, redirects followed."""
        session = _NobodysSession()
        _take_over(session, base)
        kwargs["timeout"] = deadline.limited(kwargs.get("timeout"))
        return session.request(method, url, auth=self, **kwargs)


class _NobodysSession(requests.Session):
    """A session that puts no password from ``.netrc`` on what it sends after a redirect."""

    def get_adapter(self, url: str) -> BaseAdapter:
        """As requests does; where there is a deadline, the answer must have ended by then."""
        return _to_send_by(super().get_adapter(url))

    def rebuild_auth(
        self,
        prepared_request: requests.PreparedRequest,
        response: requests.Response,  # noqa: ARG002
    ) -> None:
        """Take off what the bot's owner put on every request: it may lead to another server."""
        prepared_request.headers.pop("Authorization", None)


def _to_send_by(adapter: BaseAdapter) -> BaseAdapter:
    if deadline.is_set():
        adapter = deadline_adapter.in_place_of(adapter)
    _connections.note(adapter)
    return adapter


def _take_over(session: requests.Session, base: requests.Session) -> None:
    for name in _SHARED:
        setattr(session, name, getattr(base, name))


def _unsign(request: requests.Request | requests.PreparedRequest | None) -> None:
    """Take the secrets off a request that was sent: answers and errors are pickled with it."""
    if request is not None:
        for name in ("Authorization", "Cookie"):
            request.headers.pop(name, None)
        request._cookies = None  # type: ignore[union-attr]  # noqa: SLF001


def _redirected(url: str, response: requests.Response) -> ConfigurationError:
    try:
        target = Wiki.from_url(urljoin(url, response.headers["location"])).server
    except (ConfigurationError, ValueError):
        target = "what is no web address"
    return ConfigurationError(
        f"{Wiki.from_url(url).host} redirects its API to {target}. "
        "An access token does not follow: correct the address in the family file."
    )


class _Connections:
    """The adapters that accounts send by: Pywikibot's, or what stands in their places."""

    def __init__(self) -> None:
        self._adapters: WeakSet[HTTPAdapter] = WeakSet()
        self._of_the_parent: list[Any] = []
        forks.renew_in_children(self)

    def note(self, adapter: BaseAdapter) -> None:
        """Remember one until the process forks."""
        if isinstance(adapter, HTTPAdapter):
            self._adapters.add(adapter)

    def begin_anew(self) -> None:
        """Make a child connect by itself: each adapter is as after unpickling, which has none."""
        for adapter in self._adapters:
            # Kept, since closing them takes locks that a thread of the parent may have held.
            self._of_the_parent += [adapter.poolmanager, adapter.proxy_manager]
            adapter.__setstate__(adapter.__getstate__())  # type: ignore[attr-defined]


_connections = _Connections()


class _Session(requests.Session):
    """A session that follows no redirect, whatever a request says, and keeps http off proxies."""

    def get_adapter(self, url: str) -> BaseAdapter:
        """As requests does; where there is a deadline, the answer must have ended by then."""
        return _to_send_by(super().get_adapter(url))

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nowhere; requests would read the address even if it were not to follow it."""

    def merge_environment_settings(self, url: Any, *args: Any, **kwargs: Any) -> Any:
        """As requests does, but http goes by no proxy: it is for this machine, a proxy is another.

        Not a setting of the session, which threads share and take over anew for each request.
        """
        settings = super().merge_environment_settings(url, *args, **kwargs)
        return settings if url.startswith("https:") else {**settings, "proxies": {}}


class _Bearer(Secret, AuthBase):
    """Puts an OAuth 2.0 access token on a request. Source: RFC 6750 section 2.1."""

    def __init__(self, token: OAuth2AccessToken) -> None:
        self._token = token

    def __call__(self, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        prepared.headers["Authorization"] = f"Bearer {self._token.value}"
        return prepared
