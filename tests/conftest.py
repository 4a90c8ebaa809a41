"""What all tests share: a sandbox wiki, a Pywikibot of their own, and no network but loopback.

Pywikibot reads its configuration when it is first imported and keeps much of what it learns in
module variables, so that both are set up before, and put back after, each test.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_socket

_HOME = Path(tempfile.mkdtemp(prefix="pwb-oauth-tests-"))
for _name in [name for name in os.environ if name.startswith(("PWB_OAUTH_", "PYWIKIBOT_"))]:
    if not _name.startswith(("PWB_OAUTH_TEST_", "PYWIKIBOT_TEST_")):
        del os.environ[_name]
(_HOME / "user-config.py").write_text("family = 'wikipedia'\nmylang = 'test'\n")
(_HOME / "user-config.py").chmod(0o600)
os.environ["PYWIKIBOT_DIR"] = str(_HOME)
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
_resolved: dict[str, set[str]] = {}

from bots import Bot, pywikibot_of_its_own

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pwb_oauth.testing import SandboxWiki


@pytest.fixture(autouse=True)
def loopback_only(request: pytest.FixtureRequest) -> None:
    """Let nothing but loopback be reached, save by tests of the live wiki.

    pytest-socket lifts its restrictions when a test ends, so that each test sets them.
    """
    if not request.node.get_closest_marker("live_wiki"):
        pytest_socket.socket_allow_hosts(
            ["127.0.0.1", "::1", "localhost"],
            allow_unix_socket=True,
            resolution_cache=_resolved,
        )


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test its own home, so that it never sees the developer's accounts."""
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"):
        folder = tmp_path / name.lower()
        folder.mkdir()
        monkeypatch.setenv(name, str(folder))


@pytest.fixture(autouse=True)
def hooks_put_back() -> Iterator[None]:
    """Take out the hooks that a test's web tool has set: acting as a visitor sets them for good."""
    before = _installed()
    yield
    if _installed() and not before:
        sys.modules["pwb_oauth.plugin"].uninstall()


def _installed() -> bool:
    plugin = sys.modules.get("pwb_oauth.plugin")  # which not every test loads
    return plugin is not None and plugin._hooks.installed


@pytest.fixture
def wiki(sandbox_wiki: SandboxWiki) -> SandboxWiki:
    """A sandbox wiki, which some modules put another wiki in the place of."""
    return sandbox_wiki


@pytest.fixture
def bot(wiki: SandboxWiki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bot]:
    """A Pywikibot of its own, with pwb_oauth installed and an empty store in memory."""
    yield from pywikibot_of_its_own(wiki, tmp_path, monkeypatch, hooks=True)


@pytest.fixture
def stock_bot(wiki: SandboxWiki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bot]:
    """A Pywikibot of its own, as it is without pwb_oauth."""
    yield from pywikibot_of_its_own(wiki, tmp_path, monkeypatch, hooks=False)
