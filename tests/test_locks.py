"""Tests of the lock between threads and processes."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import filelock
import platformdirs
import pytest

from pwb_oauth.errors import StoreUnavailableError
from pwb_oauth.stores import locks
from pwb_oauth.stores.locks import file_lock, lock_path

NAME = ("keyring:", "meta.wikimedia.org", "Example/../user ü")
HOLDER = """
import pathlib, sys, time, platformdirs
platformdirs.user_state_path = lambda *_, **__: pathlib.Path(sys.argv[1])
from pwb_oauth.stores.locks import file_lock
with file_lock(*sys.argv[2:]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Keep the locks in the test's own folder."""
    folder = tmp_path / "state" / "pwb-oauth"
    monkeypatch.setattr(platformdirs, "user_state_path", lambda *_, **__: folder)
    return folder


@pytest.fixture
def holder(folder):
    """Another process that holds the lock until its input ends."""
    process = subprocess.Popen(  # noqa: S603  # our own script
        [sys.executable, "-c", HOLDER, str(folder), *NAME],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def is_free(*name):
    """Whether another thread gets the lock at once."""

    def take():
        with file_lock(*name):
            return True

    with ThreadPoolExecutor(1) as thread:
        try:
            return thread.submit(take).result()
        except StoreUnavailableError:
            return False


class TestFileLock:
    """One holder at a time."""

    def test_other_thread_waits(self, monkeypatch):
        """Threads exclude each other like processes do."""
        monkeypatch.setattr(locks, "LOCK_TIMEOUT", 0.1)
        with file_lock(*NAME):
            assert not is_free(*NAME)
            assert is_free("another", "name")
        assert is_free(*NAME)

    def test_other_process_waits(self, holder, monkeypatch):
        """A process that holds it keeps this one out, until it lets go."""
        monkeypatch.setattr(locks, "LOCK_TIMEOUT", 0.1)
        assert not is_free(*NAME)
        holder.communicate()
        assert is_free(*NAME)

    def test_killed_process_locks_nobody_out(self, holder):
        """What SIGKILL leaves behind is a file, not a lock."""
        holder.kill()
        holder.wait()
        began = time.monotonic()
        with file_lock(*NAME):
            assert time.monotonic() - began < 5
        assert lock_path(*NAME).exists()

    def test_waiting_thread_gets_it_when_it_is_free(self):
        """Waiting ends soon after the holder lets go."""
        entered = threading.Event()

        def take():
            with file_lock(*NAME):
                entered.set()

        with ThreadPoolExecutor(1) as thread:
            with file_lock(*NAME):
                waiting = thread.submit(take)
                assert not entered.wait(0.2)
            waiting.result(5)

    def test_many_threads_never_overlap(self):
        """Read, pause, write: nothing is lost."""
        count = [0]

        def add(_):
            with file_lock(*NAME):
                seen = count[0]
                time.sleep(0.001)
                count[0] = seen + 1

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(add, range(12)))
        assert count == [12]

    def test_error_inside_lets_go(self):
        """The error gets out, and the lock is free."""
        with pytest.raises(ZeroDivisionError), file_lock(*NAME):
            raise ZeroDivisionError
        assert is_free(*NAME)

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
    @pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
    def test_child_of_a_fork_holds_nothing(self, monkeypatch):
        """A child that lives on does not keep its parent's lock, nor can it take it meanwhile."""
        monkeypatch.setattr(locks, "LOCK_TIMEOUT", 0.1)
        with file_lock(*NAME):
            child = os.fork()
            if not child:
                os._exit(is_free(*NAME))
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
            child = os.fork()
            if not child:
                time.sleep(30)
                os._exit(0)
        try:
            assert is_free(*NAME)
        finally:
            os.kill(child, 9)
            os.waitpid(child, 0)

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
    def test_file_is_the_owners_alone(self, folder):
        """Nobody else can hold the lock to keep a bot from working."""
        with file_lock(*NAME):
            assert stat.S_IMODE(lock_path(*NAME).stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700

    def test_too_long_a_wait_names_the_file(self, monkeypatch):
        """The error says which lock it is and how to find who holds it."""
        monkeypatch.setattr(locks, "LOCK_TIMEOUT", 0.1)
        with file_lock(*NAME), ThreadPoolExecutor(1) as thread:
            waiting = thread.submit(file_lock(*NAME).__enter__)
            refused = waiting.exception(10)
        assert isinstance(refused, StoreUnavailableError)
        assert "lslocks" in str(refused)
        assert str(lock_path(*NAME)) in str(refused)

    def test_folder_that_cannot_be_made_is_named(self, folder):
        """The path, the system's reason and the next step."""
        folder.parent.write_text("a file where the folder should be")
        with (
            pytest.raises(StoreUnavailableError, match="XDG_STATE_HOME") as refused,
            file_lock("a"),
        ):
            pass
        assert str(folder) in str(refused.value)

    @pytest.mark.parametrize(
        "error", [PermissionError(errno.EACCES, "no"), NotImplementedError("flock")]
    )
    def test_lock_that_the_system_refuses_is_store_unavailable(self, monkeypatch, error):
        """No permission, or no locks at all."""

        def refuse(*_, **__):
            raise error

        monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
        with pytest.raises(StoreUnavailableError, match="cannot be locked"), file_lock("a"):
            pass

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no flock")
    @pytest.mark.filterwarnings("ignore:flock not supported")
    def test_substitute_that_outlives_a_kill_is_refused(self, monkeypatch, folder):
        """On a file system without flock filelock leaves a file that would lock everybody out."""
        import fcntl  # not on Windows

        def no_flock(*_):
            raise OSError(errno.ENOSYS, "Function not implemented")

        monkeypatch.setattr(fcntl, "flock", no_flock)
        for _ in range(2):
            with pytest.raises(StoreUnavailableError, match="cannot be locked"), file_lock("a"):
                pass


class TestLockPath:
    """Where the file is."""

    def test_any_name_is_one_plain_file(self, folder):
        """Neither slashes nor letters outside ASCII get into the file's name."""
        path = lock_path(*NAME)
        assert path.parent == folder
        assert path.stem.isalnum()
        assert path.stem.isascii()

    def test_names_do_not_collide_where_their_parts_meet(self):
        """Where one part ends matters."""
        assert lock_path("ab", "c") != lock_path("a", "bc")
