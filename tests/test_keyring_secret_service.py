"""Tests of the keyring store on a real Secret Service: gnome-keyring on a D-Bus of its own.

The tests start both, in a folder that goes afterwards and without a display, so that nothing is
asked of a person and no keyring of theirs is touched.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import closing
from datetime import datetime, timezone

import keyring
import keyring.backends.SecretService
import platformdirs
import pytest

from pwb_oauth.credential import Consumer, Credential, OAuth2AccessToken
from pwb_oauth.errors import StoreUnavailableError
from pwb_oauth.stores.keyring import KeyringTokenStore
from pwb_oauth.testing.contract import TokenStoreContract
from pwb_oauth.tokens import TokenKey

secretstorage = pytest.importorskip("secretstorage", reason="the Secret Service is Linux's")

PROGRAMS = ("dbus-run-session", "gnome-keyring-daemon")
MISSING = [name for name in PROGRAMS if not shutil.which(name)]
KEY = TokenKey("meta.wikimedia.org", "Example user")
REPORT = ["sh", "-c", 'echo "$DBUS_SESSION_BUS_ADDRESS"; exec cat']
UNLOCKED = ["--foreground", "--unlock", "--components=secrets"]
START_TIMEOUT = 10
# Without activation: D-Bus would start a second, locked daemon, or a prompt.
BUS = """<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>"""

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")


class SecretService:
    """A D-Bus session and a keyring daemon in a folder of their own."""

    def __init__(self, home):
        self.environ = {k: v for k, v in os.environ.items() if "DISPLAY" not in k}
        for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"):
            folder = home / name.lower()
            folder.mkdir(mode=0o700, exist_ok=True)
            self.environ[name] = str(folder)
        self.config = home / "bus.conf"
        self.daemon = None
        self.bus = None

    def start_bus(self):
        self.config.write_text(BUS)
        self.bus = subprocess.Popen(  # noqa: S603  # our own script
            [shutil.which("dbus-run-session"), f"--config-file={self.config}", "--", *REPORT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self.environ,
            text=True,
        )
        self.environ["DBUS_SESSION_BUS_ADDRESS"] = self.bus.stdout.readline().strip()

    def start_daemon(self):
        """Start a keyring that is unlocked."""
        self.daemon = subprocess.Popen(  # noqa: S603  # our own arguments
            [shutil.which("gnome-keyring-daemon"), *UNLOCKED],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=self.environ,
        )
        self.daemon.stdin.write(b"password of the test's keyring")
        self.daemon.stdin.close()

    def wait_until_unlocked(self):
        """Wait, without ever causing a prompt, until the daemon answers for the default keyring."""
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            with closing(secretstorage.dbus_init()) as connection:
                try:
                    default = secretstorage.get_collection_by_alias(connection, "default")
                    if not default.is_locked():
                        return
                except secretstorage.SecretStorageException:
                    pass
            time.sleep(0.02)
        pytest.fail("gnome-keyring-daemon was not unlocked in time")

    def lock(self):
        with closing(secretstorage.dbus_init()) as connection:
            secretstorage.get_collection_by_alias(connection, "default").lock()

    def kill_daemon(self):
        self.daemon.kill()
        self.daemon.wait()

    def restart_daemon(self):
        self.kill_daemon()
        self.start_daemon()
        self.wait_until_unlocked()

    def stop(self):
        if self.daemon:
            self.kill_daemon()
        self.stop_bus()

    def stop_bus(self):
        if self.bus:
            self.bus.communicate()
            self.bus = None


@pytest.fixture
def _closed_connections(monkeypatch):
    """Close the D-Bus connections that the keyring library leaves open where it fails."""
    opened = []
    connect = secretstorage.dbus_init

    def recorded():
        opened.append(connect())
        return opened[-1]

    monkeypatch.setattr(secretstorage, "dbus_init", recorded)
    yield
    for connection in opened:
        connection.close()


@pytest.fixture
def service(tmp_path, monkeypatch, _closed_connections):
    """An unlocked Secret Service, chosen as the keyring."""
    service = SecretService(tmp_path)
    try:
        service.start_bus()
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", service.environ["DBUS_SESSION_BUS_ADDRESS"])
        service.start_daemon()
        service.wait_until_unlocked()
        monkeypatch.setattr(
            keyring.core, "_keyring_backend", keyring.backends.SecretService.Keyring()
        )
        for name in ("config", "state"):
            folder = tmp_path / name / "pwb-oauth"
            monkeypatch.setattr(platformdirs, f"user_{name}_path", lambda *_, at=folder, **__: at)
        yield service
    finally:
        service.stop()


def credential(size, name="first"):
    token = OAuth2AccessToken((name + "-" * size)[:size], "refresh")
    return Credential(
        Consumer("client-id"), token, KEY.username, datetime(2026, 1, 2, tzinfo=timezone.utc)
    )


def labels():
    """The names that a person sees in the keyring's own program."""
    with closing(secretstorage.dbus_init()) as connection:
        default = secretstorage.get_collection_by_alias(connection, "default")
        return sorted(item.get_label() for item in default.get_all_items())


class TestSecretService(TokenStoreContract):
    """The contract, on gnome-keyring."""

    @pytest.fixture
    def store(self, service):
        return KeyringTokenStore()

    def test_account_is_recognised_in_the_keyring(self, store):
        """User name and wiki are in the label; nothing is left after forgetting."""
        store.save(KEY, credential(4000))
        head = "Password for 'Example user' on 'pwb_oauth:Example user@meta.wikimedia.org'"
        assert head in labels()
        assert len(labels()) == 4
        store.forget(KEY)
        assert labels() == []


class TestSecretServiceFails:
    """A keyring that is locked, or dies half-way."""

    def test_locked_keyring_is_said_at_once_and_keeps_all(self, service):
        """Without a prompt that could be answered the keyring stays locked."""
        store = KeyringTokenStore()
        store.save(KEY, credential(4000))
        service.lock()
        began = time.monotonic()
        for use in (
            lambda: store.load(KEY),
            lambda: store.save(KEY, credential(10)),
            lambda: store.forget(KEY),
        ):
            with pytest.raises(StoreUnavailableError, match="is locked"):
                use()
        assert time.monotonic() - began < 5
        service.restart_daemon()
        assert store.load(KEY) == credential(4000)

    @pytest.mark.parametrize("at", [1, 3, 5])
    def test_daemon_killed_half_way_keeps_what_was(self, service, monkeypatch, at):
        """The save that it dies in raises; the old credential is there after a restart."""
        store = KeyringTokenStore()
        store.save(KEY, credential(4000))
        backend = keyring.get_keyring()
        calls = iter(range(1, 100))
        set_password = backend.set_password

        def kill_before(*arguments):
            if next(calls) == at:
                service.kill_daemon()
            set_password(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(backend, "set_password", kill_before)
            with pytest.raises(StoreUnavailableError, match="try again"):
                store.save(KEY, credential(5000, "second"))
        service.restart_daemon()
        assert store.load(KEY) == credential(4000)
        store.save(KEY, credential(5000, "third"))
        assert store.load(KEY) == credential(5000, "third")
        assert len(labels()) == 5
        store.forget(KEY)
        assert labels() == []

    def test_daemon_killed_while_it_answers_is_said(self, service, monkeypatch):
        """The request has been sent, and no reply comes."""
        store = KeyringTokenStore()
        store.save(KEY, credential(4000))
        jeepney = pytest.importorskip("jeepney.io.blocking")
        send = jeepney.DBusConnection.send

        def send_and_kill(connection, message, serial=None):
            service.daemon.send_signal(19)
            send(connection, message, serial)
            service.daemon.kill()

        with monkeypatch.context() as patch:
            patch.setattr(jeepney.DBusConnection, "send_message", send_and_kill)
            with pytest.raises(StoreUnavailableError):
                store.load(KEY)
        service.restart_daemon()
        assert store.load(KEY) == credential(4000)

    def test_bus_that_is_gone_is_said(self, service, monkeypatch):
        """D-Bus itself has ended, or was never there."""
        store = KeyringTokenStore()
        store.save(KEY, credential(4000))
        service.stop_bus()
        with pytest.raises(StoreUnavailableError, match="failed"):
            store.load(KEY)
        monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS")
        with pytest.raises(StoreUnavailableError, match="failed"):
            store.save(KEY, credential(10))
        assert [entry.key for entry in store.entries()] == [KEY]
