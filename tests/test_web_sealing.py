"""Sealing: it takes the application's key and the cookie to open a row."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import replace
from datetime import datetime, timezone

import pytest
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pwb_oauth.credential import Consumer, Credential, OAuth2AccessToken
from pwb_oauth.encryption import new_key
from pwb_oauth.web.sealed_store import SealedRow
from pwb_oauth.web.sealing import Seal
from pwb_oauth.web.settings import WebSettings
from pwb_oauth.wiki import Wiki

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
CONSUMER = Consumer("c" * 32, "5ecret" * 6, callback_url="https://tool.example.org/oauth/callback")
APPLICATION_KEY = new_key()
SETTINGS = WebSettings(Wiki("https://meta.wikimedia.org"), CONSUMER, APPLICATION_KEY)
ROW_ID = "0123456789abcdef" * 2
COOKIE_KEY = secrets.token_bytes(32)
CREDENTIAL = Credential(
    CONSUMER, OAuth2AccessToken("t0ken" * 100, "refre5h" * 100), "Alice", NOW, "4321", ("basic",)
)


def sealed(settings: WebSettings = SETTINGS, **changes) -> SealedRow:
    """The row of the credential."""
    made = Seal(settings).seal(CREDENTIAL, ROW_ID, COOKIE_KEY)
    row = SealedRow(ROW_ID, "meta.wikimedia.org", "4321", made.key_id, made.value, NOW, NOW)
    return replace(row, **changes)


def unseal(row: SealedRow, key: bytes = COOKIE_KEY, **settings) -> Credential | None:
    """Open a row."""
    return Seal(replace(SETTINGS, **settings)).unseal(row, key)


class TestSeal:
    """``Seal``."""

    def test_credential_comes_back(self):
        """With the application's key and the cookie's."""
        assert unseal(sealed()) == CREDENTIAL

    def test_derivation_is_the_documented_one(self):
        """HKDF-SHA256 of the cookie's bytes, salted with the application's key, then Fernet."""
        info = json.dumps(["pwb_oauth", "web", ROW_ID, "meta.wikimedia.org", "4321"]).encode()
        salt = base64.urlsafe_b64decode(APPLICATION_KEY)
        derived = HKDF(hashes.SHA256(), 32, salt=salt, info=info).derive(COOKIE_KEY)
        text = Fernet(base64.urlsafe_b64encode(derived)).decrypt(sealed().sealed)
        assert Credential.from_json(text.decode()) == CREDENTIAL

    def test_table_alone_opens_nothing(self):
        """Nothing of the credential is legible in it."""
        row = sealed()
        assert "Alice" not in row.sealed
        for secret in ("t0ken", "refre5h", "5ecret"):
            assert secret not in row.sealed
            assert secret.encode() not in base64.urlsafe_b64decode(row.sealed)
        assert row.sealed not in repr(row)

    @pytest.mark.parametrize(
        "guess",
        [b"", b"\0" * 32, base64.urlsafe_b64decode(APPLICATION_KEY)],
        ids=["nothing", "zeros", "the application's"],
    )
    def test_table_with_the_applications_key_opens_nothing(self, guess):
        """Whatever stands for the cookie that the thief has not got."""
        assert unseal(sealed(), guess) is None
        row = sealed()
        info = json.dumps(["pwb_oauth", "web", ROW_ID, "meta.wikimedia.org", "4321"]).encode()
        raw = base64.urlsafe_b64decode(APPLICATION_KEY)
        for salt, material in ((None, raw), (raw, guess), (guess or None, raw)):
            derived = HKDF(hashes.SHA256(), 32, salt=salt, info=info).derive(material)
            with pytest.raises(InvalidToken):
                Fernet(base64.urlsafe_b64encode(derived)).decrypt(row.sealed)

    def test_table_with_a_cookie_opens_nothing(self):
        """Without the application's key."""
        assert unseal(sealed(), encryption_keys=new_key()) is None
        other = new_key()
        relabelled = replace(
            sealed(),
            key_id=Seal(replace(SETTINGS, encryption_keys=other))
            .seal(CREDENTIAL, ROW_ID, COOKIE_KEY)
            .key_id,
        )
        assert unseal(relabelled, encryption_keys=other) is None

    def test_another_browsers_cookie_opens_nothing(self):
        """Each has a key of its own."""
        assert unseal(sealed(), secrets.token_bytes(32)) is None

    @pytest.mark.parametrize(
        "changed",
        [
            {"row_id": "f" * 32},
            {"subject": "8765"},
            {"subject": ""},
            {"wiki": "test.wikipedia.org"},
            {"key_id": "00000000"},
            {"key_id": ""},
            {"sealed": ""},
            {"sealed": "gAAAA"},
            {"sealed": "é"},
            {"sealed": "x" * 5000},
        ],
    )
    def test_changed_row_opens_nothing(self, changed):
        """It is moved, another's, or damaged: signed out, no error."""
        assert unseal(sealed(**changed)) is None

    @pytest.mark.parametrize("cut", [slice(0, -1), slice(0, 100), slice(1, None)])
    def test_cut_text_opens_nothing(self, cut):
        """A column that was too short."""
        assert unseal(sealed(sealed=sealed().sealed[cut])) is None

    def test_text_for_another_purpose_opens_nothing(self):
        """What is encrypted for a store, a job, or the way to the wiki."""
        from pwb_oauth.encryption import Cipher

        for purpose in ("store", "job", "pending"):
            made = Cipher.of(purpose, APPLICATION_KEY).encrypt(
                CREDENTIAL.to_json(), ROW_ID, "meta.wikimedia.org", "4321", secret=COOKIE_KEY
            )
            assert unseal(sealed(sealed=made.value)) is None

    def test_key_is_rotated_then_removed(self):
        """What an older key sealed opens as long as that is there; the newest one seals."""
        old, new = sealed(), new_key()
        both = f"{new} {APPLICATION_KEY}"
        assert unseal(old, encryption_keys=both) == CREDENTIAL
        renewed = sealed(replace(SETTINGS, encryption_keys=both))
        assert renewed.key_id != old.key_id
        assert unseal(renewed, encryption_keys=new) == CREDENTIAL
        assert unseal(old, encryption_keys=new) is None

    def test_another_consumers_row_opens_nothing(self):
        """The operator has registered another one: its tokens are of no use with this one."""
        assert unseal(sealed(), consumer=replace(CONSUMER, key="d" * 32)) is None
        assert unseal(sealed(), consumer=replace(CONSUMER, oauth_version="1.0a")) is None

    def test_consumers_secret_is_the_one_of_today(self):
        """The operator has had it reset."""
        found = unseal(sealed(), consumer=replace(CONSUMER, secret="n3w" * 12))
        assert found is not None
        assert found.consumer.secret == "n3w" * 12

    def test_text_is_no_credential_opens_nothing(self):
        """Sealed by a later version, perhaps."""
        from pwb_oauth.encryption import Cipher

        for text in ("", "{}", "[]", '{"version": 99}'):
            made = Cipher.of("web", APPLICATION_KEY).encrypt(
                text, ROW_ID, "meta.wikimedia.org", "4321", secret=COOKIE_KEY
            )
            assert unseal(sealed(sealed=made.value)) is None
