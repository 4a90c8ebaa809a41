"""Tests of encrypting under the application's keys."""

from __future__ import annotations

import base64
import copy
import pickle
import subprocess
import sys
import traceback

import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from pwb_oauth.encryption import Cipher, Encrypted, new_key
from pwb_oauth.errors import (
    ConfigurationError,
    MissingExtraError,
    PwbOAuthError,
    TokenDecryptionError,
)

OLD = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
NEW = "__________________________________________8="
TEXT = '{"secret": "ü"}'
ACCOUNT = ("meta.wikimedia.org", "Example user")
# Written once by this library, so that what is stored stays readable.
STORED = Encrypted(
    "5f4f9f5c",
    "gAAAAABrAx3Khgvau2dvW_o4Y_haOgw-E6QjDcp2g594_3gTU7EpiAl7sRoO"
    "zzaxF4N58hF-wMNI-XoXbpGd6tpDJHbCcXHlBYVjnRoioW0SVA5lYZoy5GE=",
)


def chain(error):
    """An error with everything that hangs on it, as text."""
    return "".join(traceback.format_exception(error)) + repr(error.__context__)


class TestNewKey:
    """Making a key."""

    def test_it_is_what_fernet_takes(self):
        """32 random bytes, URL-safe base64; each is another."""
        assert len(base64.urlsafe_b64decode(new_key())) == 32
        Fernet(new_key())
        assert new_key() != new_key()


class TestCipher:
    """Encrypting and decrypting."""

    def test_text_comes_back(self):
        """What was encrypted decrypts, for the same purpose and context."""
        cipher = Cipher.of("store", NEW)
        encrypted = cipher.encrypt(TEXT, *ACCOUNT)
        assert cipher.decrypt(encrypted, *ACCOUNT) == TEXT
        assert encrypted.key_id == cipher.key_id
        assert encrypted.value.isascii()
        assert "secret" not in encrypted.value

    def test_every_value_is_another(self):
        """Equal texts cannot be told from different ones."""
        cipher = Cipher.of("store", NEW)
        assert cipher.encrypt(TEXT).value != cipher.encrypt(TEXT).value

    def test_what_was_stored_by_earlier_versions_decrypts(self):
        """The derivation and the ids never change."""
        assert Cipher.of("store", OLD).decrypt(STORED, *ACCOUNT) == TEXT

    def test_the_derivation_is_the_documented_one(self):
        """HKDF-SHA256 without salt, purpose and context as JSON in its info, then Fernet."""
        info = b'["pwb_oauth", "store", "meta.wikimedia.org", "Example user"]'
        raw = base64.urlsafe_b64decode(OLD)
        derived = HKDF(hashes.SHA256(), 32, salt=None, info=info).derive(raw)
        value = Fernet(base64.urlsafe_b64encode(derived)).encrypt(b"text").decode()
        cipher = Cipher.of("store", OLD)
        assert cipher.decrypt(Encrypted(cipher.key_id, value), *ACCOUNT) == "text"

    @pytest.mark.parametrize(
        "context",
        [
            ("meta.wikimedia.org", "Another user"),
            ("test.wikipedia.org", "Example user"),
            ("meta.wikimedia.org",),
            ("meta.wikimedia.org", "Example user", ""),
            ("meta.wikimedia.orgExample user",),
            ("meta.wikimedia.org\0Example user",),
            ('meta.wikimedia.org", "Example user',),
            (),
        ],
    )
    def test_value_of_another_context_does_not_decrypt(self, context):
        """A row that was put in another's place is of no use."""
        cipher = Cipher.of("store", NEW)
        encrypted = cipher.encrypt(TEXT, *ACCOUNT)
        with pytest.raises(TokenDecryptionError, match="another account"):
            cipher.decrypt(encrypted, *context)

    def test_value_of_another_purpose_does_not_decrypt(self):
        """Nor one that was encrypted for something else."""
        encrypted = Cipher.of("web", NEW).encrypt(TEXT, *ACCOUNT)
        with pytest.raises(TokenDecryptionError):
            Cipher.of("store", NEW).decrypt(encrypted, *ACCOUNT)

    def test_newest_key_encrypts_and_older_ones_decrypt(self):
        """While keys change, what is there stays readable."""
        before = Cipher.of("store", OLD).encrypt(TEXT)
        both = Cipher.of("store", f" {NEW}\n {OLD} ")
        after = both.encrypt(TEXT)
        assert after.key_id == Cipher.of("store", NEW).key_id != before.key_id
        assert both.decrypt(before) == both.decrypt(after) == TEXT
        assert Cipher.of("store", NEW).decrypt(after) == TEXT

    def test_key_that_was_taken_out_is_named_by_its_id(self):
        """The error says which key is needed, and which are there."""
        before = Cipher.of("store", OLD).encrypt(TEXT)
        cipher = Cipher.of("store", NEW)
        with pytest.raises(TokenDecryptionError) as caught:
            cipher.decrypt(before)
        assert before.key_id in str(caught.value)
        assert cipher.key_id in str(caught.value)
        assert "PWB_OAUTH_ENCRYPTION_KEYS" in str(caught.value)
        assert "log in again" in str(caught.value)
        assert OLD[:10] not in chain(caught.value)
        assert NEW[:10] not in chain(caught.value)

    @pytest.mark.parametrize("value", ["", "x", "ü", "gAAAA", "=", "\ud800", "A" * 200])
    def test_damaged_value_is_an_error_of_ours(self, value):
        """Whatever stands in the database."""
        cipher = Cipher.of("store", NEW)
        with pytest.raises(TokenDecryptionError, match="damaged") as caught:
            cipher.decrypt(Encrypted(cipher.key_id, value))
        assert caught.value.__context__ is None

    @pytest.mark.parametrize("key_id", ["", "secret of somebody", "ABCDEF01", "0" * 9])
    def test_damaged_key_id_is_not_repeated(self, key_id):
        """It may be anything."""
        with pytest.raises(TokenDecryptionError, match="damaged") as caught:
            Cipher.of("store", NEW).decrypt(Encrypted(key_id, "x"))
        assert "secret" not in str(caught.value)

    def test_changed_value_does_not_decrypt(self):
        """Not one bit of it."""
        cipher = Cipher.of("store", NEW)
        encrypted = cipher.encrypt(TEXT)
        value = encrypted.value
        changed = value[:40] + ("A" if value[40] != "A" else "B") + value[41:]
        with pytest.raises(TokenDecryptionError):
            cipher.decrypt(Encrypted(encrypted.key_id, changed))

    def test_nothing_shows_a_key(self):
        """Neither printing nor pickling."""
        cipher = Cipher.of("store", f"{NEW} {OLD}")
        raw = base64.urlsafe_b64decode(OLD)
        for shown in (repr(cipher), str(cipher), f"{cipher}", repr(cipher.encrypt(TEXT))):
            assert NEW[:10] not in shown
            assert OLD[:10] not in shown
            assert repr(raw)[2:20] not in shown
            assert TEXT not in shown
        assert copy.copy(cipher) is cipher
        with pytest.raises(TypeError, match="secret"):
            pickle.dumps(cipher)

    def test_id_tells_nothing_of_the_key(self):
        """It is 8 digits, and not a piece of the key or of its plain digest."""
        import hashlib

        key_id = Cipher.of("store", OLD).key_id
        raw = base64.urlsafe_b64decode(OLD)
        assert len(key_id) == 8
        assert key_id not in raw.hex()
        assert key_id not in hashlib.sha256(raw).hexdigest()


class TestSecondKey:
    """``secret``, which is kept elsewhere."""

    SECRET = bytes(range(32))

    def test_text_comes_back_with_both(self):
        """The application's key and the second one."""
        cipher = Cipher.of("web", f"{NEW} {OLD}")
        encrypted = cipher.encrypt(TEXT, *ACCOUNT, secret=self.SECRET)
        assert cipher.decrypt(encrypted, *ACCOUNT, secret=self.SECRET) == TEXT
        older = Cipher.of("web", OLD).encrypt(TEXT, *ACCOUNT, secret=self.SECRET)
        assert cipher.decrypt(older, *ACCOUNT, secret=self.SECRET) == TEXT

    @pytest.mark.parametrize("guess", [None, b"", b"\0" * 32, SECRET[:-1], SECRET[::-1]])
    def test_applications_key_alone_does_not_decrypt(self, guess):
        """Nor with another second key."""
        cipher = Cipher.of("web", NEW)
        encrypted = cipher.encrypt(TEXT, *ACCOUNT, secret=self.SECRET)
        with pytest.raises(TokenDecryptionError):
            cipher.decrypt(encrypted, *ACCOUNT, secret=guess)

    def test_second_key_alone_does_not_decrypt(self):
        """The application's key is secret too."""
        encrypted = Cipher.of("web", NEW).encrypt(TEXT, *ACCOUNT, secret=self.SECRET)
        relabelled = Encrypted(Cipher.of("web", OLD).key_id, encrypted.value)
        with pytest.raises(TokenDecryptionError):
            Cipher.of("web", OLD).decrypt(relabelled, *ACCOUNT, secret=self.SECRET)

    def test_what_has_none_does_not_decrypt_with_one(self):
        """They are two derivations."""
        cipher = Cipher.of("web", NEW)
        with pytest.raises(TokenDecryptionError):
            cipher.decrypt(cipher.encrypt(TEXT, *ACCOUNT), *ACCOUNT, secret=self.SECRET)

    def test_the_derivation_is_the_documented_one(self):
        """HKDF-SHA256 of the second key, salted with the application's, then Fernet."""
        info = b'["pwb_oauth", "web", "meta.wikimedia.org", "Example user"]'
        salt = base64.urlsafe_b64decode(OLD)
        derived = HKDF(hashes.SHA256(), 32, salt=salt, info=info).derive(self.SECRET)
        encrypted = Cipher.of("web", OLD).encrypt(TEXT, *ACCOUNT, secret=self.SECRET)
        assert Fernet(base64.urlsafe_b64encode(derived)).decrypt(encrypted.value) == TEXT.encode()


class TestKeys:
    """Reading the keys."""

    def test_variable_is_read(self, monkeypatch):
        """Newest first."""
        monkeypatch.setenv("PWB_OAUTH_ENCRYPTION_KEYS", f"{NEW} {OLD}")
        assert Cipher.of("store").key_id == Cipher.of("store", NEW).key_id

    @pytest.mark.parametrize("value", ["", "  \n"])
    def test_missing_variable_says_how_to_make_a_key(self, monkeypatch, value):
        """Set to nothing is not set."""
        monkeypatch.setenv("PWB_OAUTH_ENCRYPTION_KEYS", value)
        for _ in range(2):
            with pytest.raises(ConfigurationError, match=r"pwb-oauth key.*ENCRYPTION_KEYS"):
                Cipher.of("store")
            monkeypatch.delenv("PWB_OAUTH_ENCRYPTION_KEYS", raising=False)

    @pytest.mark.parametrize(
        "malformed",
        [
            OLD[:-1],
            OLD[1:],
            OLD + "=",
            OLD + OLD,
            OLD.replace("A", "+", 1),
            OLD.replace("A", "ü", 1),
            f"{OLD},{NEW}",
            "secret-passphrase",
        ],
    )
    def test_malformed_key_is_named_by_its_place(self, malformed):
        """Never by a piece of it, since most of it may be right."""
        with pytest.raises(ConfigurationError, match="Key number 2 ") as caught:
            Cipher.of("store", f"{NEW} {malformed}")
        assert malformed[:8] not in chain(caught.value)
        assert NEW[:8] not in chain(caught.value)

    @given(st.text())
    def test_any_text_is_keys_or_an_error_of_ours(self, text):
        """The variable may hold anything."""
        try:
            Cipher.of("store", text)
        except PwbOAuthError as error:
            shown = str(error)
            assert not [word for word in text.split() if len(word) > 10 and word in shown]

    def test_cryptography_is_an_extra(self, monkeypatch):
        """Where it is missing the error names the extra."""
        monkeypatch.setitem(sys.modules, "cryptography", None)
        with pytest.raises(MissingExtraError, match=r"pwb-oauth\[sql\]"):
            Cipher.of("store", NEW)

    def test_importing_loads_no_cryptography(self):
        """It is loaded when something is encrypted."""
        code = "import sys, pwb_oauth.encryption; sys.exit('cryptography' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603
