"""The stress tests: many processes on one sandbox wiki, over real sockets, with real stores."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import keyring
import pytest

from machine import Machine
from pwb_oauth.encryption import new_key
from pwb_oauth.testing.file_keyring import FileKeyring
from record import Record
from scale import scale as chosen_scale

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from scale import Scale


_NOTE = "stress"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder."""
    for item in items:
        if "tests/stress" in item.path.as_posix():
            item.add_marker(pytest.mark.stress)


def pytest_terminal_summary(terminalreporter) -> None:
    """Print what was measured."""
    ended = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    noted = [
        (report.nodeid.rpartition("::")[2], text)
        for report in ended
        for name, text in report.user_properties
        if name == _NOTE and report.when == "call"
    ]
    if noted:
        terminalreporter.section("stress")
    for test, text in noted:
        terminalreporter.line(f"{test}: {text}")


@pytest.fixture
def note(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Keeps a line of what was measured for the end of the run."""
    return lambda text: record_property(_NOTE, text)


@pytest.fixture(name="scale")
def scale_of_this_run() -> Scale:
    """How much to do."""
    return chosen_scale()


@pytest.fixture
def record(wiki) -> Record:
    """What the wiki says."""
    return Record(wiki)


@pytest.fixture
def file_keyring() -> Iterator[None]:
    """Let this process, too, use the keyring in a file."""
    before = keyring.get_keyring()
    keyring.set_keyring(FileKeyring())
    yield
    keyring.set_keyring(before)


def _databases() -> dict[str, str]:
    urls = os.environ.get("PWB_OAUTH_TEST_DB_URLS", "").split()
    return {url.partition("+")[0].partition(":")[0]: url for url in urls}


@pytest.fixture(params=["keyring", "sqlite", "mariadb", "postgresql"])
def machine(request, wiki, tmp_path: Path, file_keyring) -> Iterator[Machine]:
    """A home with each of the stores that processes can share."""
    folder = tmp_path / "machine"
    urls = {"keyring": "keyring:", "sqlite": f"sqlite:///{folder / 'store.db'}", **_databases()}
    url = urls.get(request.param)
    if url is None:
        pytest.skip(f"PWB_OAUTH_TEST_DB_URLS names no {request.param}")
    keys = {} if url == "keyring:" else {"PWB_OAUTH_ENCRYPTION_KEYS": new_key()}
    made = Machine(folder, wiki, url, **keys)
    yield made
    with made.store() as store:
        for entry in store.entries():
            if entry.key.wiki == made.key(entry.key.username).wiki:
                store.forget(entry.key)
