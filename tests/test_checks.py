"""``pwb-oauth doctor`` where nothing is wrong, and its checks by their names."""

from __future__ import annotations

import pytest

from patients import Patient, secrets_of
from pwb_oauth.testing import SandboxWiki

KINDS = ("2.0", "2.0 public", "2.0 owner-only", "1.0a", "1.0a owner-only")


@pytest.fixture
def patient(wiki, tmp_path):
    """Somebody with a healthy set-up, who is not logged in yet."""
    return Patient(wiki, tmp_path / "home")


def registered(patient, credential):
    """The consumer, as the wiki has it."""
    return patient.wiki.consumers[credential.consumer.key]


class TestHealthy:
    """Nothing is wrong."""

    @pytest.mark.parametrize("kind", KINDS)
    def test_all_is_green_and_nothing_changed(self, patient, kind):
        """For each kind of credential, which is afterwards what it was, and still good."""
        credential = patient.log_in(kind)
        diagnosis = patient.ask_doctor()
        assert diagnosis.failed == (0, set())
        confidential = kind in ("2.0", "1.0a")
        assert diagnosis.names("skipped") == (set() if confidential else {"callback"})
        assert patient.stored() == credential
        assert patient.over_pipe("status").returncode == 0
        assert not [secret for secret in secrets_of(credential) if secret in patient.said]

    def test_few_requests_are_enough(self, patient):
        """One of siteinfo, one of api.php as the account, one for its identity."""
        patient.log_in("2.0")
        before = len(patient.wiki.log)
        patient.ask_doctor()
        asked = [entry.path.rpartition("php")[2] for entry in list(patient.wiki.log)[before:]]
        trials = ["/oauth2/access_token"] * 2
        assert sorted(asked) == ["", "", *trials, "/oauth2/resource/profile"]

    def test_expired_token_it_is_renewed_and_stored(self, patient):
        """As it is when a script runs."""
        old = patient.log_in("2.0")
        patient.wiki.expire_tokens()
        assert patient.ask_doctor().failed == (0, set())
        assert patient.stored().access_token != old.access_token
        assert patient.ask_doctor().failed == (0, set())

    def test_newer_wiki_that_does_not_compare_the_callback_it_is_skipped(self, tmp_path):
        """It says nothing about an address that it has not looked at."""
        with SandboxWiki(version="1.46") as wiki:
            patient = Patient(wiki, tmp_path / "home")
            registered(patient, patient.log_in("2.0")).callback_url = "https://tool.example/cb"
            diagnosis = patient.ask_doctor()
        assert diagnosis.failed == (0, set())
        assert diagnosis.names("skipped") == {"callback"}

    def test_several_accounts_one_refused_the_others_do_not_hide_it(self, patient):
        """The finding says whose it is."""
        patient.log_in("2.0", "Alice")
        patient.log_in("1.0a", "Bob")
        patient.wiki.revoke("Bob")
        diagnosis = patient.ask_doctor()
        assert diagnosis.failed == (4, {"access-token"})
        assert "of Bob" in diagnosis.text("access-token")
        assert "of Alice" not in diagnosis.text("access-token")
