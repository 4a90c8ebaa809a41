"""Where a wiki's entry points are, and which wiki its consumers are registered on."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

from pwb_oauth.errors import ConfigurationError

WIKIMEDIA_CENTRAL = "meta.wikimedia.org"

# The second-level domains of the Wikimedia farm's public wikis with single sign-on.
# Source: the families of Pywikibot that derive from WikimediaFamily.
_WIKIMEDIA_DOMAINS = frozenset(
    {
        "mediawiki.org",
        "wikibooks.org",
        "wikidata.org",
        "wikifunctions.org",
        "wikimedia.org",
        "wikinews.org",
        "wikipedia.org",
        "wikiquote.org",
        "wikisource.org",
        "wikiversity.org",
        "wikivoyage.org",
        "wiktionary.org",
    }
)
_DEFAULT_PORTS = {"https": 443, "http": 80}
_AMBIGUOUS = re.compile(r"[\x00-\x20\x7f\\@]")
_LONGEST_HOST = 253
_LONGEST_LABEL = 63
_UNSAFE_SEGMENTS = frozenset({".", ".."})


@dataclass(frozen=True)
class Wiki:
    """A MediaWiki installation.

    Attributes:
        server: Scheme, host and, unless it is the scheme's own, port:
            ``https://meta.wikimedia.org``.
        script_path: Where ``index.php`` lies, without the slash at the end: ``/w``, or empty.
    """

    server: str
    script_path: str = "/w"

    @classmethod
    @lru_cache  # asked several times a request
    def from_url(cls, url: str) -> Wiki:
        """Find the wiki of a host name, of its main URL or of one of its entry points.

        Args:
            url: ``meta.wikimedia.org`` (https, or http on this machine), ``https://example.org/wiki/Main_Page``,
                ``https://example.org/mw/api.php``. Where it names no entry point the script path
                is ``/w``.

        Raises:
            ConfigurationError: It is no http or https URL with the name of a host.
        """
        parts = _split(url if "://" in url else f"//{url}")
        if not _is_host(parts.hostname):
            raise _no_address()
        script_path = "/w"
        for entry in ("/index.php", "/api.php", "/rest.php"):
            head, found, _ = parts.path.partition(entry)
            if found:
                script_path = head
        return cls(f"{parts.scheme}://{_netloc(parts)}", script_path)

    @property
    def host(self) -> str:
        """The host name, with the port where it is not the scheme's own."""
        return urlsplit(self.server).netloc

    @cached_property
    def name(self) -> str:
        """What tells this wiki from others: its host, and where that has several, its api.php.

        A host name for every wiki whose script path is ``/w``; :meth:`from_url` reads both.
        """
        return self.host if self.script_path == "/w" else f"{self.host}{self.script_path}/api.php"

    @cached_property
    def central(self) -> Wiki:
        """The wiki on which this one's consumers are registered; often itself."""
        central = central_host(self.host)
        return self if central == self.host else Wiki(f"https://{central}")

    @property
    def index_url(self) -> str:
        """The URL of ``index.php``."""
        return f"{self.server}{self.script_path}/index.php"

    @property
    def api_url(self) -> str:
        """The URL of ``api.php``."""
        return f"{self.server}{self.script_path}/api.php"

    @property
    def rest_url(self) -> str:
        """The URL of ``rest.php``."""
        return f"{self.server}{self.script_path}/rest.php"

    def page_url(self, title: str, **query: str) -> str:
        """The address of a page by way of ``index.php``, which every wiki has."""
        return f"{self.index_url}?{urlencode({'title': title, **query})}"

    def registration_url(
        self,
        oauth_version: str,
        *,
        name: str,
        version: str,
        description: str,
        callback_url: str | None,
    ) -> str:
        """Where a person registers a consumer, with the form filled in as far as it can be.

        The boxes of the grants and of the agreement are left to the person: the page does not take
        them from its address.

        Args:
            oauth_version: ``1.0a`` or ``2.0``.
            name: What the consumer is called.
            version: Which one of that name it is; nobody can register the same twice.
            description: What it does.
            callback_url: Where the wiki is to send the browser back to; None for a consumer that
                serves nobody but the person who registers it.

        Source: Extension:OAuth, SpecialMWOAuthConsumerRegistration.
        """
        fields: dict[str, str | list[str]] = {
            "wpname": name,
            "wpversion": version,
            "wpdescription": description,
            "wpwiki": "*",
        }
        if callback_url is None:
            fields["wpownerOnly"] = "1"
        else:
            fields |= {"wpcallbackUrl": callback_url, "wpgranttype": "normal"}
            if oauth_version == "2.0":
                types = ["authorization_code", "refresh_token"]
                fields |= {"wpoauth2IsConfidential": "1", "wpoauth2GrantTypes[]": types}
        form = "oauth2" if oauth_version == "2.0" else "oauth1a"
        page = self.central.page_url(f"Special:OAuthConsumerRegistration/propose/{form}")
        return f"{page}&{urlencode(fields, doseq=True)}"

    @property
    def grants_url(self) -> str:
        """Where a person withdraws what they granted."""
        return self.central.page_url("Special:OAuthManageMyGrants")

    def accepts_tokens_at(self, url: str) -> bool:
        """Whether a URL is this wiki's ``api.php`` or lies under its ``rest.php``.

        A wiki refuses OAuth anywhere else (``mwoauth-not-api`` on index.php), and a token must not
        reach another host. Scheme, host, port and path are compared; dots in the path, encoded or
        not, could lead elsewhere and are no match.
        """
        return self._accepts_tokens_at(url.partition("?")[0])

    @lru_cache  # noqa: B019  # asked at every request; keeps the last hundred addresses
    def _accepts_tokens_at(self, address: str) -> bool:
        """The same of a URL without its query, which none of it depends on."""
        parts = _split(address)
        # requests and urlsplit disagree about where such a URL leads.
        if _AMBIGUOUS.search(address):
            return False
        if f"{parts.scheme}://{_netloc(parts)}" != self.server:
            return False
        path = unquote(parts.path)
        if _UNSAFE_SEGMENTS & set(path.replace("\\", "/").split("/")):
            return False
        rest = f"{self.script_path}/rest.php"
        return path in (f"{self.script_path}/api.php", rest) or path.startswith(f"{rest}/")

    def require_safe_transport(self) -> None:
        """Refuse to send secrets in clear text over a network.

        Raises:
            ConfigurationError: The wiki is reached by http and is not on this machine.

        Source: RFC 6750 section 5.2, RFC 6749 section 1.6.
        """
        if not self._is_safe:
            raise ConfigurationError(
                f"{self.server} is not https, and an access token must not travel in clear text. "
                "Let protocol() in the family file return 'https', or use the wiki's https address."
            )

    @cached_property
    def _is_safe(self) -> bool:
        parts = urlsplit(self.server)
        return parts.scheme == "https" or is_loopback(parts.hostname or "")


def central_host(host: str) -> str:
    """The host name of the wiki that a wiki's consumers are registered on.

    Args:
        host: The wiki's own host name, with its port where that is not the scheme's own.

    Returns:
        ``meta.wikimedia.org`` for the Wikimedia farm's wikis, else the host name itself.
    """
    domain = ".".join(host.rsplit(".", 2)[-2:])
    return WIKIMEDIA_CENTRAL if domain in _WIKIMEDIA_DOMAINS else host


def is_loopback(host: str) -> bool:
    """Whether a host name means this machine: ``localhost``, 127.0.0.0/8 or ::1."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _split(url: str) -> Any:
    try:
        parts = urlsplit(url)
        hostname = parts.hostname
        if not parts.scheme:
            parts = parts._replace(scheme="http" if is_loopback(hostname or "") else "https")
        parts.port  # noqa: B018  # a port that is no number raises only when it is read
    except ValueError:
        parts, hostname = None, None
    if parts is None or not hostname or parts.scheme not in _DEFAULT_PORTS:
        raise _no_address()
    return parts


def _no_address() -> ConfigurationError:
    return ConfigurationError(
        "That is not the address of a wiki. Give a host name such as test.wikipedia.org, "
        "or the https URL of one of its pages."
    )


def _is_host(name: str) -> bool:
    """Whether a name can be a host's: an IPv6 address, or labels. IPv4 addresses look like labels.

    Source: RFC 1123 section 2.1, RFC 5891 section 4.2.
    """
    if ":" in name:
        try:
            return bool(ipaddress.IPv6Address(name))
        except ValueError:
            return False
    return len(name) <= _LONGEST_HOST and all(map(_is_label, name.removesuffix(".").split(".")))


def _is_label(label: str) -> bool:
    # Letters of many scripts carry marks, and an underscore is no letter but in use.
    legal = all(
        char.isalnum() or char in "-_" or unicodedata.category(char)[0] == "M" for char in label
    )
    if not legal:
        return False
    written = label if label.isascii() else f"xn--{label.encode('punycode').decode()}"
    return 0 < len(written) <= _LONGEST_LABEL


def _netloc(parts: Any) -> str:
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    if parts.port in (None, _DEFAULT_PORTS[parts.scheme]):
        return str(host)
    return f"{host}:{parts.port}"
