"""Pywikibot's sites that act as a web tool's visitor, and as nobody else.

Such a site is in no table of Pywikibot's, writes nothing to disk, does not throttle, and gives up
before its web request has to.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NoReturn

import pywikibot
from pywikibot.data import api
from pywikibot.exceptions import CaptchaError
from pywikibot.site import BaseSite
from pywikibot.site._interwikimap import _InterwikiMap

from pwb_oauth import blocks, deadline, signing_in, sites
from pwb_oauth.errors import DeadlineExceededError
from pwb_oauth.fatal import fatal_for_pywikibot

if TYPE_CHECKING:
    from pywikibot.family import Family
    from pywikibot.site import APISite

    from pwb_oauth.blocks import Block
    from pwb_oauth.web.visitor import VisitorAccount

_MAX_RETRIES = 1
_RETRY_WAIT = 0.5
"""Seconds."""


class Place(BaseSite):  # type: ignore[misc]
    """The wiki that a code and a family stand for; it asks nothing, and acts as nobody."""


class _Throttle:
    """Stands where Pywikibot's throttle does: a visitor at a button is slow enough.

    Attributes:
        retry_after: What Pywikibot notes here, in seconds.
        delay: Seconds between two requests.
    """

    def __init__(self, account: VisitorAccount) -> None:
        self._account = account
        self.retry_after = 0
        self.delay = 0

    def __call__(self, *, write: bool = False) -> None:
        """Let the request out at once."""

    def lag(self, seconds: float | None = None) -> None:
        """Wait as long as the wiki's databases ask for, if there is time."""
        _require_time(self._account, seconds or _RETRY_WAIT)
        pywikibot.sleep(seconds or _RETRY_WAIT)

    def set_delays(self, **delays: float | None) -> None:
        """Ignore what a script sets."""


class _VisitorRequest(api.Request):  # type: ignore[misc]
    """A request that says whose it is, and is repeated once at most while somebody waits for it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.write or "token" in self:
            self["assertuser"] = str(self.site.username())
        if not self.site.patient:
            self.max_retries, self.retry_wait = _MAX_RETRIES, _RETRY_WAIT

    def submit(self) -> Any:
        """Send it, before the deadline.

        Raises:
            CaptchaError: The wiki asks for one. Pywikibot would open it in a browser of this server
                and wait for somebody at its terminal.
        """
        account = vars(self.site)[sites.VISITOR]
        with fatal_for_pywikibot():
            account.require_open()
        with account.in_time():
            answer = super().submit()
        if self.action == "edit" and "captcha" in answer.get("edit", ()):
            raise CaptchaError(f"{self.site} asks {self.site.username()} for a captcha")
        return answer

    def wait(self, delay: float | None = None, **kwargs: Any) -> None:
        """Wait before the next try, if there is time."""
        account = vars(self.site)[sites.VISITOR]
        _require_time(account, delay or getattr(self, "retry_wait", None) or 0)
        super().wait(delay, **kwargs)


class _UncachedRequest(_VisitorRequest, api.CachedRequest):  # type: ignore[misc]
    """A request whose answer Pywikibot would keep on disk, under the visitor's name."""

    def _load_cache(self) -> bool:
        self._add_defaults()
        return False

    def _write_cache(self, data: Any) -> None:
        """Keep nothing."""


class _VisitorsInterwikiMap(_InterwikiMap):  # type: ignore[misc]
    """Makes sites in the visitor's block, whichever thread asks for them.

    Pywikibot names no user to ``pywikibot.Site`` for a prefix, which a visitor may have typed.
    """

    def __init__(self, site: APISite, block: Block) -> None:
        super().__init__(site)
        self._block = block

    def __getitem__(self, prefix: str) -> Any:
        with fatal_for_pywikibot():
            vars(self._site)[sites.VISITOR].require_open()
        with blocks.entered(self._block):
            return super().__getitem__(prefix)


class _VisitorSite:
    """What differs from the site class that it stands before.

    Attributes:
        patient: Whether nobody waits for it at a browser.
        throttle: Does not throttle.
    """

    def __init__(
        self, code: str, fam: Family, account: VisitorAccount, block: Block, *, is_own: bool
    ) -> None:
        # The constructor of Pywikibot's asks already.
        vars(self)[sites.VISITOR] = account
        vars(self)[sites.ELSEWHERE] = not is_own
        self._block = block
        self.patient = account.ends_at is None
        super().__init__(code, fam, account.key.username)  # type: ignore[call-arg]
        self._interwikimap = _VisitorsInterwikiMap(self, block)

    @functools.cached_property
    def throttle(self) -> _Throttle:
        return _Throttle(vars(self)[sites.VISITOR])

    def login(
        self,
        autocreate: bool = False,  # noqa: ARG002
        user: str | None = None,  # noqa: ARG002
        *,
        cookie_only: bool = False,
    ) -> None:
        """Sign in as the visitor, but not while the site is made."""
        if not cookie_only:
            with fatal_for_pywikibot():
                account = vars(self)[sites.VISITOR]
                account.require_open()
                sites.require_visitors(self)
                signing_in.sign_in_unless_done(self, account)

    def username(self) -> sites.VisitorName:
        """The visitor's name; the sites that Pywikibot makes of it are the visitor's too."""
        make_site = self._block.further_site
        return sites.VisitorName(self._username, make_site)  # type: ignore[attr-defined]

    def __getstate__(self) -> NoReturn:
        raise TypeError("A site that acts as a web tool's visitor cannot be pickled")

    @staticmethod
    def _request_class(kwargs: dict[str, Any]) -> type[_VisitorRequest]:
        cached = kwargs.get("expiry") is not None
        return _UncachedRequest if cached else _VisitorRequest


@functools.cache
def visitor_class(interface: type[APISite] | str) -> type[APISite]:
    """The class of a visitor's site.

    Args:
        interface: The class of the site that any script would have, or its name.
    """
    cls: Any = getattr(pywikibot.site, interface) if isinstance(interface, str) else interface
    return type(f"Visitor{cls.__name__}", (_VisitorSite, cls), {})


def _require_time(account: VisitorAccount, seconds: float) -> None:
    """Refuse to wait for longer than there is time.

    Raises:
        DeadlineExceededError: There is not.
    """
    with fatal_for_pywikibot(), account.in_time():
        if deadline.limit(seconds) < seconds:
            raise DeadlineExceededError
