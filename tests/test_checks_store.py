"""The checks of the token store: each fault is named, and no other."""

from __future__ import annotations

import pytest

from bots import Bot
from patients import Patient, secrets_of
from pwb_oauth.encryption import new_key
from pwb_oauth.stores.sql import SqlTokenStore

_LOCKED = """
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

class Locked(KeyringBackend):
    priority = 1

    def get_password(self, service, username):
        raise KeyringLocked("hunter2")

    set_password = delete_password = get_password
"""


@pytest.fixture
def healthy(wiki, tmp_path):
    """Somebody with a healthy set-up, logged in."""
    patient = Patient(wiki, tmp_path / "home")
    patient.log_in("2.0 owner-only")
    return patient


@pytest.fixture
def nobody(wiki, tmp_path):
    """Somebody who is not logged in yet."""
    return Patient(wiki, tmp_path / "home")


class TestStore:
    """Faults of the keyring or of a database."""

    def test_no_keyring_it_is_named_alone(self, healthy):
        """The list of accounts says who is stored, so that the login is not to blame."""
        healthy.variables["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
        diagnosis = healthy.ask_doctor()
        assert diagnosis.failed == (1, {"store"})
        assert "no keyring" in diagnosis.text("store")
        assert diagnosis.names("skipped") >= {"access-token", "consumer", "grants", "username"}

    def test_no_keyring_and_nobody_logged_in_it_is_named_too(self, nobody):
        """Before the first login that fails for it."""
        nobody.variables["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
        assert nobody.ask_doctor().failed == (1, {"store", "login"})

    def test_keyring_is_locked_it_is_named_alone(self, healthy):
        """What the back end says is not repeated."""
        healthy.write_module("locked.py", _LOCKED)
        healthy.variables["PYTHON_KEYRING_BACKEND"] = "locked.Locked"
        diagnosis = healthy.ask_doctor()
        assert diagnosis.failed == (1, {"store"})
        assert "locked" in diagnosis.text("store")
        assert "hunter2" not in healthy.said

    def test_other_keyring_it_is_named_alone(self, healthy):
        """It does not hold what is listed."""
        (healthy.home / "keyring.json").rename(healthy.home / "other.json")
        diagnosis = healthy.ask_doctor()
        assert diagnosis.failed == (1, {"store"})
        assert "Alice on" in diagnosis.text("store")
        assert "PYTHON_KEYRING_BACKEND" in diagnosis.text("store")

    @pytest.fixture
    def in_database(self, nobody):
        """Somebody whose credential lies in an SQLite database."""
        url, key = f"sqlite:///{nobody.home}/tokens.sqlite", new_key()
        nobody.variables |= {"PWB_OAUTH_STORE": url, "PWB_OAUTH_ENCRYPTION_KEYS": key}
        credential = Bot(nobody.wiki, nobody.home).credential("2.0 owner-only")
        SqlTokenStore(url, key).save(nobody.key(), credential)
        return nobody

    def test_database_is_there_it_is_no_fault(self, in_database):
        """With its key."""
        assert in_database.ask_doctor().failed == (0, set())

    def test_another_encryption_key_it_is_named_alone(self, in_database):
        """By the ids of both keys, which tell nothing."""
        in_database.variables["PWB_OAUTH_ENCRYPTION_KEYS"] = new_key()
        diagnosis = in_database.ask_doctor()
        assert diagnosis.failed == (1, {"store"})
        assert "Alice on" in diagnosis.text("store")
        assert "needs the encryption key with the id" in diagnosis.text("store")

    def test_no_encryption_key_it_is_named_alone(self, in_database):
        """Nothing can be listed."""
        in_database.variables["PWB_OAUTH_ENCRYPTION_KEYS"] = ""
        diagnosis = in_database.ask_doctor()
        assert diagnosis.failed == (1, {"store"})
        assert "PWB_OAUTH_ENCRYPTION_KEYS" in diagnosis.text("store")
        assert "login" in diagnosis.names("skipped")

    def test_database_is_gone_it_is_named_alone(self, in_database):
        """Its folder, say."""
        in_database.variables["PWB_OAUTH_STORE"] = "sqlite:////nowhere/tokens.sqlite"
        assert in_database.ask_doctor().failed == (1, {"store"})

    def test_database_others_can_read_it_is_named_alone(self, in_database):
        """It is encrypted, but says whose accounts are in it."""
        (in_database.home / "tokens.sqlite").chmod(0o644)
        diagnosis = in_database.ask_doctor()
        assert diagnosis.failed == (1, {"permissions"})
        assert "tokens.sqlite" in diagnosis.text("permissions")

    def test_extra_is_missing_it_says_what_to_install(self, in_database):
        """As the remedy, not as the problem."""
        in_database.write_module("sqlalchemy.py", "raise ModuleNotFoundError('sqlalchemy')")
        diagnosis = in_database.ask_doctor()
        assert diagnosis.failed == (1, {"store"})
        (finding,) = diagnosis.checks["store"]["findings"]
        assert finding["remedy"] == "Do: pip install 'pwb-oauth[sql]'"


class TestLogin:
    """Nobody is logged in."""

    def test_nothing_is_stored_it_is_named_alone(self, nobody):
        """Exit code 4; the default wiki is looked at all the same."""
        diagnosis = nobody.ask_doctor()
        assert diagnosis.failed == (4, {"login"})
        assert "pwb-oauth login" in diagnosis.text("login")
        assert {"wiki", "extension", "clock"} <= diagnosis.names("ok")

    def test_nothing_is_stored_for_the_named_wiki(self, healthy):
        """Another account is no help."""
        diagnosis = healthy.ask_doctor("localhost:1", "--check", "login")
        assert diagnosis.failed == (4, {"login"})
        assert "pwb-oauth login localhost:1" in diagnosis.text("login")


class TestEnvironment:
    """The store of containers."""

    def test_token_in_a_variable_it_is_no_fault(self, nobody):
        """And it is shown nowhere."""
        credential = Bot(nobody.wiki, nobody.home).credential("2.0 owner-only")
        nobody.variables |= {
            "PWB_OAUTH_STORE": "env:",
            "PWB_OAUTH_WIKI": nobody.host,
            "PWB_OAUTH_USERNAME": "Alice",
            "PWB_OAUTH_TOKEN": credential.access_token.value,
        }
        assert nobody.ask_doctor().failed == (0, set())
        assert not [secret for secret in secrets_of(credential) if secret in nobody.said]
        nobody.wiki.revoke("Alice")
        diagnosis = nobody.ask_doctor()
        assert diagnosis.failed == (4, {"access-token"})
        remedy = "Set PWB_OAUTH_TOKEN to another access token of Alice."
        assert remedy in diagnosis.text("access-token")
        assert "pwb-oauth login" not in diagnosis.text("access-token")

    def test_token_in_a_variable_is_another_accounts_it_names_the_variables(self, nobody):
        """And no login, which could not change them."""
        credential = Bot(nobody.wiki, nobody.home).credential("2.0 owner-only", "Bob")
        nobody.variables |= {
            "PWB_OAUTH_STORE": "env:",
            "PWB_OAUTH_WIKI": nobody.host,
            "PWB_OAUTH_USERNAME": "Alice",
            "PWB_OAUTH_TOKEN": credential.access_token.value,
        }
        diagnosis = nobody.ask_doctor()
        assert diagnosis.failed == (1, {"username"})
        assert diagnosis.text("username").endswith(
            "Set PWB_OAUTH_USERNAME to Bob. Or else: Set PWB_OAUTH_TOKEN to another access token "
            "of Alice."
        )

    @pytest.mark.parametrize(
        ("name", "value", "problem", "remedy"),
        [
            ("WIKI", "", "PWB_OAUTH_WIKI must be set too.", "needs all of PWB_OAUTH_WIKI, "),
            ("USERNAME", "", "PWB_OAUTH_USERNAME must be set too.", "An account in environment "),
            ("TOKEN", "", "PWB_OAUTH_TOKEN must be set too.", "An account in environment "),
            ("TOKEN", "hunter2 x", "PWB_OAUTH_TOKEN is malformed.", "Give the access token of "),
            ("USERNAME", "_", "An account is named by ", "Correct that, then: pwb-oauth doctor"),
        ],
    )
    def test_variable_is_missing_or_malformed_it_is_named_alone(
        self, nobody, name, value, problem, remedy
    ):
        """With what to do."""
        nobody.variables |= {
            "PWB_OAUTH_STORE": "env:",
            "PWB_OAUTH_WIKI": nobody.host,
            "PWB_OAUTH_USERNAME": "Alice",
            "PWB_OAUTH_TOKEN": "a.b.c",
            f"PWB_OAUTH_{name}": value,
        }
        diagnosis = nobody.ask_doctor()
        assert diagnosis.failed == (1, {"store"})
        (finding,) = diagnosis.checks["store"]["findings"]
        assert finding["problem"].startswith(problem)
        assert remedy in finding["remedy"]
        assert "hunter2" not in nobody.said
