"""The keyring in a file: what tests and the demo keep their credentials in."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from pwb_oauth.testing.file_keyring import VARIABLE, FileKeyring


@pytest.fixture
def path(tmp_path, monkeypatch):
    path = tmp_path / "keyring.json"
    monkeypatch.setenv(VARIABLE, str(path))
    return path


def python(code, **environment):
    """What code prints in a process of its own; a variable that is None is not set."""
    variables = {**os.environ, **environment}
    ran = subprocess.run(  # noqa: S603  # our own code
        [sys.executable, "-c", code],
        env={name: value for name, value in variables.items() if value is not None},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return ran.stdout.strip()


class TestFileKeyring:
    """A back end of the keyring library."""

    def test_kept_it_is_read_by_another_object(self, path):
        """Services and users are told apart."""
        FileKeyring().set_password("service", "Alice", "one")
        FileKeyring().set_password("service", "Bob", "two")
        FileKeyring().set_password("other", "Alice", "three ä")
        read = FileKeyring().get_password
        assert [read("service", "Alice"), read("service", "Bob"), read("other", "Alice")] == [
            "one",
            "two",
            "three ä",
        ]

    def test_not_there_it_is_none(self, path):
        """Without a file, and with one."""
        assert FileKeyring().get_password("service", "Alice") is None
        FileKeyring().set_password("service", "Alice", "one")
        assert FileKeyring().get_password("service", "Bob") is None

    def test_deleted_it_is_gone_and_the_rest_is_not(self, path):
        """Deleting what is not there changes nothing."""
        FileKeyring().set_password("service", "Alice", "one")
        FileKeyring().set_password("service", "Bob", "two")
        FileKeyring().delete_password("service", "Alice")
        assert FileKeyring().get_password("service", "Alice") is None
        assert FileKeyring().get_password("service", "Bob") == "two"

    def test_written_at_once_by_many_nothing_is_lost(self, path):
        """Threads share the file as processes do."""
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: FileKeyring().set_password("s", str(n), "x"), range(24)))
        assert len(json.loads(path.read_text())) == 24

    def test_other_process_it_reads_the_same(self, path):
        """By the environment variables that the demo sets."""
        FileKeyring().set_password("service", "Alice", "one")
        backend = f"{FileKeyring.__module__}.{FileKeyring.__name__}"
        code = "import keyring; print(keyring.get_password('service', 'Alice'))"
        assert python(code, PYTHON_KEYRING_BACKEND=backend) == "one"

    @pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
    def test_file_is_its_owners_alone(self, path):
        """What lies in it may be an access token."""
        before = os.umask(0)
        try:
            FileKeyring().set_password("service", "Alice", "one")
        finally:
            os.umask(before)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_not_asked_for_keyring_never_chooses_it(self, path):
        """Importing it must not put anybody's passwords into a file."""
        chosen = python(
            "import keyring, pwb_oauth.testing.file_keyring; print(keyring.get_keyring())",
            PYTHON_KEYRING_BACKEND=None,
        )
        assert chosen
        assert "FileKeyring" not in chosen
