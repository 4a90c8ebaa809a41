"""The checks of a wiki: each fault is named, and no other."""

from __future__ import annotations

import json

import pytest
import requests

from patients import Patient
from pwb_oauth.checks import siteinfo
from pwb_oauth.checks.finding import CannotTellError
from pwb_oauth.checks.machine import WikiSeen
from pwb_oauth.checks.wikis import check_clock, check_extension, check_wiki
from pwb_oauth.testing import SandboxWiki
from pwb_oauth.testing.sandbox.api_siteinfo import static_siteinfo
from pwb_oauth.wiki import Wiki


@pytest.fixture
def patient(wiki, tmp_path):
    """Somebody with a healthy set-up, who is not logged in yet."""
    return Patient(wiki, tmp_path / "home")


class TestWiki:
    """Faults of a wiki, or on the way to it."""

    def test_unreachable_it_is_named_alone(self, tmp_path):
        """Nothing can be said of accounts."""
        with SandboxWiki() as wiki:
            patient = Patient(wiki, tmp_path / "home")
            patient.log_in("2.0")
        diagnosis = patient.ask_doctor()
        assert diagnosis.failed == (1, {"wiki"})
        assert "cannot be reached" in diagnosis.text("wiki")
        assert diagnosis.names("skipped") >= {"clock", "extension", "access-token", "consumer-key"}

    @pytest.mark.parametrize("fault", ["503", "html", "cut"])
    def test_nonsense_it_is_named_alone(self, patient, fault):
        """Whatever it answers that is not what a wiki answers."""
        patient.log_in("2.0")
        patient.wiki.fail_next(fault, count=99)
        assert patient.ask_doctor().failed == (1, {"wiki"})

    @pytest.mark.parametrize(
        ("fault", "where"), [("503", "/profile"), ("html", "/access_token"), ("429", "/api.php")]
    )
    def test_only_what_accounts_ask_fails_it_is_the_wiki_too(self, patient, fault, where):
        """No login is asked for because of a server that fails."""
        patient.log_in("2.0")
        patient.wiki.fail_next(fault, count=99, path=where, user=_user(where))
        assert patient.ask_doctor().failed == (1, {"wiki"})

    def test_edge_refuses_the_token_it_is_the_token(self, patient):
        """HTTP 401 with a challenge, from what stands before Wikimedia's wikis."""
        patient.log_in("2.0 owner-only")
        patient.wiki.fail_next("edge-401", count=99, path="/api.php", user="Alice")
        assert patient.ask_doctor().failed == (4, {"access-token"})

    @pytest.mark.parametrize("kind", ["2.0", "1.0a"])
    def test_no_oauth_it_is_named_alone(self, patient, monkeypatch, kind):
        """The accounts are not asked for."""
        patient.log_in(kind)
        monkeypatch.setitem(static_siteinfo(), "extensions", [])
        before = len(patient.wiki.log)
        diagnosis = patient.ask_doctor()
        assert diagnosis.failed == (1, {"extension"})
        assert len(patient.wiki.log) == before + 1

    def test_extensions_are_for_users_only_it_cannot_tell(self, wiki, monkeypatch):
        """A wiki that answers, but not everybody."""
        refusal = {"error": {"code": "readapidenied", "info": "You need read permission."}}
        answer = requests.Response()
        answer.status_code, answer._content = 200, json.dumps(refusal).encode()
        monkeypatch.setattr(siteinfo, "send", lambda *_, **__: answer)
        seen = WikiSeen(Wiki.from_url(wiki.api_url), None)
        assert check_wiki(seen) == []
        with pytest.raises(CannotTellError, match="its users only"):
            check_extension(seen)
        with pytest.raises(CannotTellError, match="its time"):
            check_clock(seen)

    @pytest.mark.parametrize(
        ("kind", "seconds"), [("2.0", 600), ("2.0", -600), ("1.0a", 600), ("1.0a", 100)]
    )
    def test_clock_off_it_is_named_alone(self, patient, kind, seconds):
        """By how much, and which way."""
        patient.log_in(kind)
        patient.wiki.clock.advance(seconds)
        diagnosis = patient.ask_doctor()
        assert diagnosis.failed == (1, {"clock"})
        way = "behind" if seconds > 0 else "ahead of"
        close = [f"{abs(seconds) + by} seconds {way}" for by in (-1, 0, 1)]
        assert any(text in diagnosis.text("clock") for text in close)

    @pytest.mark.parametrize("seconds", [20, -20])
    def test_clock_nearly_right_it_is_no_fault(self, patient, seconds):
        """Wikis and libraries allow for that."""
        patient.log_in("1.0a")
        patient.wiki.clock.advance(seconds)
        assert patient.ask_doctor().failed == (0, set())


def _user(path):
    """Whose requests are to fail; what is asked anonymously is to go on."""
    return "Alice" if path == "/api.php" else None
