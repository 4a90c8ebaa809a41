"""One HTTP request to a wiki's OAuth endpoints, and how it introduces itself."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import requests
from requests.auth import AuthBase
from urllib3.exceptions import TimeoutError as Urllib3TimeoutError

from pwb_oauth import deadline
from pwb_oauth._version import __version__
from pwb_oauth.deadline_adapter import DeadlineAdapter
from pwb_oauth.errors import TransportError
from pwb_oauth.wiki import Wiki

if TYPE_CHECKING:
    from collections.abc import Mapping

CONNECT_TIMEOUT = 10
"""Seconds to wait for a connection."""
READ_TIMEOUT = 30
"""Seconds to wait for the next part of an answer. All of it takes no longer than both together."""


def user_agent(wiki: Wiki, *, username: str | None = None, consumer_key: str | None = None) -> str:
    """Say who sends a request and where that person can be reached.

    Args:
        wiki: The wiki whose pages the address names.
        username: The account, if it is known: its user page is the address.
        consumer_key: Else the consumer: its public page names its owner. Where not even that is
            known (an owner-only access token that is about to be asked whose it is), the address
            is that of the list of consumers.

    Returns:
        ASCII text, such as ``pwb-oauth/1.0 (https://…) requests/2.34``.

    Source: the Wikimedia Foundation's User-Agent policy (client, version, contact information).
    """
    if username is not None:
        page = f"User:{username}"
    elif consumer_key is not None:
        page = f"Special:OAuthListConsumers/view/{consumer_key}"
    else:
        page = "Special:OAuthListConsumers"
    return f"pwb-oauth/{__version__} ({wiki.page_url(page)}) requests/{requests.__version__}"


def send(
    method: str,
    url: str,
    *,
    user_agent: str,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    data: str | None = None,
    auth: AuthBase | None = None,
) -> requests.Response:
    """Send one request, without cookies, redirects or passwords from ``.netrc``.

    Args:
        method: The HTTP method.
        url: An https URL, or one of this machine.
        user_agent: From :func:`user_agent`.
        headers: Further headers.
        params: The query; requests' log shows it, so no secret belongs here.
        data: The body.
        auth: What signs the request.

    Returns:
        The answer, read as a whole; its status is 2xx or 4xx.

    Raises:
        DeadlineExceededError: There is no time left to ask.
        TransportError: There is no answer, or it is a redirect, "too many requests" or a failure of
            the server. The message holds the host and what happened, nothing of the request.
        ConfigurationError: The URL is neither https nor on this machine.
    """
    wiki = Wiki.from_url(url)
    wiki.require_safe_transport()
    connect_timeout, read_timeout = map(deadline.limit, (CONNECT_TIMEOUT, READ_TIMEOUT))
    try:
        with deadline.within(connect_timeout + read_timeout), requests.Session() as session:
            session.mount(wiki.server, DeadlineAdapter())
            # Only this machine is reached by http, and a proxy is another.
            session.trust_env = wiki.server.startswith("https:")
            response = session.request(
                method,
                url,
                params=params,
                data=data,
                headers={**(headers or {}), "User-Agent": user_agent},
                auth=auth or _Unsigned(),
                timeout=(connect_timeout, read_timeout),
                allow_redirects=False,
            )
    except requests.RequestException as error:
        failed: str | None = failure(error, read_timeout)
    else:
        failed = _http_failure(response)
    if failed is not None:
        # Outside the except block: requests' own text may hold a URL, a header or a proxy's
        # password, and must not even be the context of ours.
        raise TransportError(f"{wiki.host} {failed}")
    return response


class _Unsigned(AuthBase):
    """Does nothing, but stands where requests would put a password from ``.netrc``.

    ``trust_env`` stays on, for it also brings proxies and certificates.
    """

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


def failure(error: requests.RequestException, seconds: float | None = None) -> str:
    """What happened to a request, to be put behind the host's name. It holds nothing of requests'.

    Args:
        error: What requests raised.
        seconds: How long was waited for the answer, if it is known.
    """
    # What breaks off in the middle of an answer is a ConnectionError, with the reason in it.
    broken_off = any(isinstance(reason, Urllib3TimeoutError) for reason in error.args)
    if broken_off or isinstance(error, requests.Timeout):
        time = "in time" if seconds is None else f"within {seconds:g} seconds"
        return f"did not answer {time}. Try again later."
    if isinstance(error, requests.exceptions.SSLError):
        return (
            "has a certificate that this computer does not trust. Check the address and this "
            "computer's clock; for a private authority set REQUESTS_CA_BUNDLE."
        )
    if isinstance(error, requests.exceptions.ProxyError):
        return "cannot be reached by way of the proxy. Check HTTPS_PROXY and NO_PROXY."
    return "cannot be reached, or broke off. Check the address and the network, then try again."


def _http_failure(response: requests.Response) -> str | None:
    status = response.status_code
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
        return f"answered with HTTP {status}. Try again {_when(response)}."
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return (
            f"answered with a redirect (HTTP {status}), which is not followed. "
            "Use the address that the wiki itself uses."
        )
    return None


def _when(response: requests.Response) -> str:
    seconds = response.headers.get("Retry-After", "")
    if not seconds.isdecimal():
        return "later"
    return f"in {seconds} second{'s' * (seconds != '1')}"
