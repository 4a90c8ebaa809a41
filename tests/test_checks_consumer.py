"""The checks of a consumer: each fault is named, and no other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from patients import Patient

CALLBACK = "http://127.0.0.1:9/callback"


@pytest.fixture
def patient(wiki, tmp_path):
    """Somebody with a healthy set-up, who is not logged in yet."""
    return Patient(wiki, tmp_path / "home")


def registered(patient, credential):
    """The consumer, as the wiki has it."""
    return patient.wiki.consumers[credential.consumer.key]


class TestConsumer:
    """Faults of a consumer."""

    @pytest.mark.parametrize(
        ("kind", "state"),
        [
            ("2.0", "disabled"),
            ("2.0 owner-only", "rejected"),
            ("1.0a", "proposed"),
            ("1.0a owner-only", "disabled"),
        ],
    )
    def test_not_approved_it_is_named_alone(self, patient, kind, state):
        """The token is left as it is: it is good again once the consumer is."""
        credential = patient.log_in(kind)
        patient.wiki.set_consumer_state(credential.consumer.key or _only(patient), state)
        diagnosis = patient.ask_doctor()
        assert diagnosis.failed == (4, {"consumer"})
        assert "OAuthListConsumers" in diagnosis.text("consumer")
        patient.wiki.set_consumer_state(credential.consumer.key or _only(patient), "approved")
        assert patient.ask_doctor().failed == (0, set())

    def test_disabled_and_token_expired_it_is_named_alone(self, patient):
        """The token cannot be renewed, and another login would be refused as well."""
        credential = patient.log_in("2.0")
        patient.wiki.expire_tokens()
        patient.wiki.set_consumer_state(credential.consumer.key, "disabled")
        assert patient.ask_doctor().failed == (4, {"consumer"})

    @pytest.mark.parametrize("kind", ["2.0", "1.0a", "1.0a owner-only"])
    def test_secret_reset_it_is_named_alone(self, patient, kind):
        """By whoever owns the consumer."""
        credential = patient.log_in(kind)
        registered(patient, credential).secret = "another"
        diagnosis = patient.ask_doctor()
        assert diagnosis.failed == (4, {"consumer-key"})
        said = "invalid_client" if kind == "2.0" else "Invalid signature"
        assert said in diagnosis.text("consumer-key")
        assert "login" in diagnosis.text("consumer-key")
        assert credential.consumer.secret not in patient.said

    @pytest.mark.parametrize("kind", ["2.0", "2.0 public", "1.0a"])
    def test_key_is_another_it_is_named_alone(self, patient, kind):
        """As after a slip with the editor in a store of one's own."""
        credential = patient.log_in(kind)
        other = replace(credential.consumer, key="0" * 32)
        patient.store(replace(credential, consumer=other))
        assert patient.ask_doctor().failed == (4, {"consumer-key"})

    def test_secret_reset_and_token_expired_it_is_named_alone(self, patient):
        """The token cannot be renewed, which is not the token's fault."""
        registered(patient, patient.log_in("2.0")).secret = "another"
        patient.wiki.expire_tokens()
        assert patient.ask_doctor().failed == (4, {"consumer-key"})

    @pytest.mark.parametrize("kind", ["2.0", "1.0a"])
    def test_callback_is_another_it_is_named_alone(self, patient, kind):
        """What is stored works on."""
        more = {"callback_is_prefix": True} if kind == "1.0a" else {}
        credential = patient.log_in(kind, **more)
        registered(patient, credential).callback_url = "https://tool.example/callback"
        diagnosis = patient.ask_doctor()
        assert diagnosis.failed == (1, {"callback"})
        assert CALLBACK in diagnosis.text("callback")
        assert "--callback URL" in diagnosis.text("callback")


def _only(patient):
    """The key of the wiki's only consumer."""
    (key,) = patient.wiki.consumers
    return key
