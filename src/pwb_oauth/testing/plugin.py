"""Fixtures for the tests of bots and tools, which pytest finds by itself.

Every run in an environment with pwb_oauth loads this module, so that it imports nothing but pytest;
a fixture imports what it needs when a test asks for it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from pwb_oauth.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from pwb_oauth.credential import Credential, OAuthVersion
    from pwb_oauth.testing.isolation import Workplace
    from pwb_oauth.testing.sandbox import SandboxWiki
    from pwb_oauth.testing.sandbox.clock import Clock
    from pwb_oauth.wiki import Wiki

_LIVE = "live_wiki"
_OAUTH_VERSIONS = ("1.0a", "2.0")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Let Pywikibot be imported where nobody has a user-config.py; one that is there is read."""
    os.environ.setdefault("PYWIKIBOT_NO_USER_CONFIG", "2")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers", f"{_LIVE}: asks a real wiki; skipped unless the environment holds a token for it"
    )


@pytest.hookimpl(tryfirst=True)  # before pytest selects by -m
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what asks the live wiki, and skip it where the environment does not allow it."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if "live_site" in fixtures:
            item.add_marker(_LIVE)
        if item.get_closest_marker(_LIVE):
            reason = _why_skipped(item, writes="live_page" in fixtures)
            if reason is not None:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep the secrets of live tests out of what pytest shows."""
    report = yield
    if item.get_closest_marker(_LIVE):
        from pwb_oauth.testing import live_reports  # noqa: PLC0415  # see above

        live_reports.hide_in(report, call.excinfo)
    return report


@pytest.fixture
def sandbox_wiki() -> Iterator[SandboxWiki]:
    """A sandbox wiki, new for each test."""
    try:
        from pwb_oauth.testing import SandboxWiki  # noqa: PLC0415  # see above
    except ModuleNotFoundError as error:
        raise MissingExtraError("sandbox") from error
    with SandboxWiki() as wiki:
        yield wiki


@pytest.fixture
def wiki_clock(sandbox_wiki: SandboxWiki) -> Clock:
    """The sandbox wiki's clock: ``wiki_clock.advance(seconds)`` lets its tokens expire."""
    return sandbox_wiki.clock


@pytest.fixture
def oauth_version() -> OAuthVersion:
    """The OAuth version of ``oauth_credential``: 2.0, unless a test parametrizes it."""
    return "2.0"


@pytest.fixture
def oauth_user() -> str:
    """Whose ``oauth_credential`` is: Alice's, unless a test parametrizes it."""
    return "Alice"


@pytest.fixture
def oauth_credential(
    sandbox_wiki: SandboxWiki, oauth_version: OAuthVersion, oauth_user: str
) -> Credential:
    """A credential that the sandbox wiki gave to a consumer which the user approved."""
    from pwb_oauth.testing import approval  # noqa: PLC0415  # see above

    return approval.obtain(sandbox_wiki, oauth_version, oauth_user, owner_only=False)


@pytest.fixture
def oauth_site(
    _own_pywikibot: Workplace, sandbox_wiki: SandboxWiki, oauth_credential: Credential
) -> Any:
    """A Pywikibot site of the sandbox wiki, signed in with ``oauth_credential``.

    It is also what ``pywikibot.Site()`` gives.
    """
    return _own_pywikibot.open(_address_of(sandbox_wiki), oauth_credential)


@pytest.fixture
def anonymous_site(_own_pywikibot: Workplace, sandbox_wiki: SandboxWiki) -> Any:
    """A Pywikibot site of the sandbox wiki on which nobody is signed in.

    It is also what ``pywikibot.Site()`` gives, unless the test has an ``oauth_site`` as well.
    """
    return _own_pywikibot.open(_address_of(sandbox_wiki))


@pytest.fixture(params=_OAUTH_VERSIONS)
def live_site(
    request: pytest.FixtureRequest, _own_pywikibot: Workplace, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """A Pywikibot site of a real wiki, signed in; a test runs once for each OAuth version.

    Skipped where the environment holds no token of that version. It reads only; a test that writes
    takes ``live_page``.
    """
    from pwb_oauth.testing import live  # noqa: PLC0415  # see above

    site = live.open_site(_own_pywikibot, request.param)
    live.guard_writes(monkeypatch)
    return site


@pytest.fixture
def live_page(request: pytest.FixtureRequest, live_site: Any) -> Iterator[Any]:
    """A page in the user space of ``live_site``'s account, whose text is put back afterwards.

    Skipped unless ``PWB_OAUTH_TEST_WRITE=1`` and the wiki is a test wiki by its name.
    """
    from pwb_oauth.testing import live  # noqa: PLC0415  # see above

    yield from live.own_page(live_site, request.node.callspec.params["live_site"])


@pytest.fixture
def _own_pywikibot(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workplace]:
    from pwb_oauth.testing.isolation import own_pywikibot  # noqa: PLC0415  # imports Pywikibot

    with own_pywikibot(tmp_path_factory.mktemp("pywikibot"), monkeypatch) as workplace:
        yield workplace


def _address_of(sandbox_wiki: SandboxWiki) -> Wiki:
    from pwb_oauth.wiki import Wiki  # noqa: PLC0415  # see above

    return Wiki.from_url(sandbox_wiki.api_url)


def _why_skipped(item: pytest.Item, *, writes: bool) -> str | None:
    from pwb_oauth.testing import live_environment  # noqa: PLC0415  # see above

    asked = getattr(getattr(item, "callspec", None), "params", {}).get("live_site")
    reason = live_environment.why_skipped(*([asked] if asked else _OAUTH_VERSIONS))
    return reason or (live_environment.why_read_only() if writes else None)
