"""Folders that nobody else may look into."""

from __future__ import annotations

import os
import stat
import sys

import pytest

from person import Person
from pwb_oauth.stores.folders import make_private_folder


@pytest.fixture
def no_umask():
    """Whoever makes something makes it for everybody."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
class TestMakePrivateFolder:
    """``make_private_folder``."""

    def test_each_folder_is_its_owners_alone(self, tmp_path, no_umask):
        """Those on the way as well; Python's own gives the mode to the last one only."""
        folder = tmp_path / "one" / "two" / "three"
        make_private_folder(folder)
        assert [mode(one) for one in (folder, *folder.parents[:2])] == [0o700] * 3

    def test_what_is_there_stays_as_it_is(self, tmp_path, no_umask):
        """It is the person's."""
        (tmp_path / "one").mkdir(mode=0o755)
        for _ in range(2):
            make_private_folder(tmp_path / "one" / "two")
        make_private_folder(tmp_path / "one")
        assert (mode(tmp_path / "one"), mode(tmp_path / "one" / "two")) == (0o755, 0o700)

    def test_file_is_in_the_way_it_fails(self, tmp_path):
        """Each caller says so in its own words."""
        (tmp_path / "one").touch()
        with pytest.raises(OSError, match="one"):
            make_private_folder(tmp_path / "one" / "two")

    def test_whatever_the_command_makes_is_private(self, wiki, tmp_path, no_umask):
        """The folders of locks, of the list of accounts and of Pywikibot."""
        person = Person(wiki, tmp_path / "person")
        made = {
            "XDG_CONFIG_HOME": "config/deep",
            "XDG_STATE_HOME": "state/deep",
            "PYWIKIBOT_DIR": "bot/deep",
        }
        person.variables |= {name: f"{person.home}/{path}" for name, path in made.items()}
        token = wiki.add_consumer("Mine", owner="Alice", owner_only=True).access_token
        assert person.over_pipe("setup", "--yes").returncode == 0
        login = person.over_pipe("login", person.host, "--with-token", typed=token)
        assert login.returncode == 0, login.stderr
        for first in ("config", "state", "bot"):
            folders = [path for path in (person.home / first).rglob("*") if path.is_dir()]
            assert {mode(path) for path in (person.home / first, *folders)} == {0o700}
