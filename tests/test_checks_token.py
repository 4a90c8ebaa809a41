"""The checks of an access token: each fault is named, and no other."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace

import pytest

from patients import Patient
from pwb_oauth import grants
from pwb_oauth.checks.consumers import check_consumer_key
from pwb_oauth.checks.machine import AccountSeen, WikiSeen
from pwb_oauth.checks.tokens import check_access_token, check_cookies, register_command
from pwb_oauth.checks.usernames import check_username
from pwb_oauth.credential import Consumer, OAuth1AccessToken
from pwb_oauth.stores.keyring import KeyringTokenStore
from pwb_oauth.testing import SandboxWiki
from pwb_oauth.testing.sandbox import exchange
from pwb_oauth.wiki import Wiki


@pytest.fixture
def patient(wiki, tmp_path):
    """Somebody with a healthy set-up, who is not logged in yet."""
    return Patient(wiki, tmp_path / "home")


class TestToken:
    """Faults of an access token."""

    @pytest.mark.parametrize("kind", ["2.0", "2.0 owner-only", "1.0a"])
    def test_revoked_it_is_named_alone(self, patient, kind):
        """Exit code 4: log in again."""
        patient.log_in(kind)
        patient.wiki.revoke("Alice")
        diagnosis = patient.ask_doctor()
        assert diagnosis.failed == (4, {"access-token"})
        assert f"pwb-oauth login {patient.host} --user Alice" in diagnosis.text("access-token")

    def test_expired_for_good_it_is_named_alone(self, patient):
        """It has no refresh token."""
        patient.log_in("2.0 owner-only")
        patient.wiki.expire_tokens()
        assert patient.ask_doctor().failed == (4, {"access-token"})

    def test_account_is_locked_it_is_named_alone(self, patient):
        """With the wiki's code."""
        patient.log_in("1.0a")
        patient.wiki.lock("Alice")
        diagnosis = patient.ask_doctor()
        assert diagnosis.failed == (4, {"access-token"})
        assert "blocked-user" in diagnosis.text("access-token")

    def test_access_secret_is_wrong_it_is_not_the_consumer(self, patient):
        """The wiki knows the consumer by its own secret."""
        credential = patient.log_in("1.0a")
        token = OAuth1AccessToken(credential.access_token.key, "wrong")
        patient.store(replace(credential, access_token=token))
        diagnosis = patient.ask_doctor()
        assert diagnosis.failed == (4, {"access-token"})
        assert "access secret" in diagnosis.text("access-token")

    def test_token_is_another_accounts_it_is_named_alone(self, patient):
        """Both names are said."""
        patient.configure('usernames["sandbox"]["en"] = "Bob"')
        patient.store(patient.log_in("2.0", "Alice"), "Bob")
        with patient.at_home():
            KeyringTokenStore().forget(patient.key("Alice"))
        diagnosis = patient.ask_doctor()
        assert diagnosis.failed == (1, {"username"})
        assert "stored for Bob" in diagnosis.text("username")
        assert "belongs to Alice" in diagnosis.text("username")

    @pytest.mark.parametrize(
        "line", ['usernames["sandbox"]["en"] = "Bob"', 'usernames["sandbox"] = {"*": "Bob"}']
    )
    def test_usernames_names_another_it_is_named_alone(self, patient, line):
        """Scripts would not find the stored token."""
        patient.log_in("2.0", "Alice")
        patient.configure(line)
        diagnosis = patient.ask_doctor()
        assert diagnosis.failed == (1, {"username"})
        assert "names Bob" in diagnosis.text("username")
        assert "of Alice" in diagnosis.text("username")

    def test_usernames_names_one_of_several_it_is_no_fault(self, patient):
        """Scripts may name the other by themselves."""
        patient.log_in("2.0", "Alice")
        patient.log_in("2.0", "Bob")
        assert patient.ask_doctor().failed == (0, set())

    @pytest.mark.parametrize(
        ("grants", "lack"),
        [(["basic"], "editpage"), (["basic", "editpage"], "highvolume"), (["authonly"], "read")],
    )
    def test_grants_missing_it_is_named_alone(self, patient, grants, lack):
        """What a bot usually does takes more."""
        patient.log_in("2.0", grants=grants)
        diagnosis = patient.ask_doctor()
        assert diagnosis.failed == (1, {"grants"})
        assert lack in diagnosis.text("grants")

    @pytest.mark.parametrize("kind", ["1.0a", "1.0a owner-only", "2.0", "2.0 owner-only"])
    def test_grants_missing_the_remedy_registers_a_consumer_of_the_same_kind(self, patient, kind):
        """What it says to type works as it is."""
        consumer = patient.log_in(kind, grants=["basic"]).consumer
        command = patient.ask_doctor().checks["grants"]["findings"][0]["remedy"].partition(": ")[2]
        ran = patient.over_pipe(*shlex.split(command)[1:], "--json")
        told = json.loads(ran.stdout)
        assert told["wiki"] == patient.host
        assert told["oauth_version"] == consumer.oauth_version
        assert told["owner_only"] == consumer.owner_only == (told["callback_url"] is None)
        assert consumer.owner_only or told["callback_url"] == consumer.callback_url
        assert told["grants"] == list(grants.needed_for(["editing"]))


class TestRegisterCommand:
    """``register_command``."""

    @pytest.mark.parametrize(
        ("consumer", "command"),
        [
            (Consumer(None, owner_only=True), "--owner-only"),
            (Consumer("k", "s", "1.0a", owner_only=True), "--owner-only --oauth 1.0a"),
            (Consumer("k"), "--callback"),
            (Consumer("k", "s", "1.0a"), "--callback --oauth 1.0a"),
            (Consumer("k", callback_url="https://x.org/a?b"), "--callback 'https://x.org/a?b'"),
        ],
        ids=repr,
    )
    def test_it_is_for_a_consumer_of_the_same_kind(self, consumer, command):
        """With a callback URL as a shell takes it."""
        assert register_command("x.org", consumer) == f"pwb-oauth register x.org {command}"


class TestFarm:
    """A token that is for several wikis."""

    def test_token_goes_to_the_central_wiki_alone(self, wiki, patient):
        """The wiki that was named might be none of the farm's."""
        patient.log_in("2.0 owner-only")
        with SandboxWiki() as other, patient.at_home():
            central = WikiSeen(Wiki.from_url(wiki.api_url), None)
            named = WikiSeen(Wiki.from_url(other.api_url), central)
            store = KeyringTokenStore()
            account = AccountSeen(store.entries()[0], store, named)
            assert check_access_token(account) == check_cookies(account) == []
            assert check_consumer_key(account) == check_username(named) == []
            assert [entry.mechanism for entry in other.log] == ["none"]


class TestCookies:
    """Wikimedia's cookie for an access token."""

    @pytest.fixture
    def patient(self, tmp_path):
        """Somebody on a wiki that sets it."""
        with SandboxWiki(version="wikimedia") as wiki:
            patient = Patient(wiki, tmp_path / "home")
            patient.log_in("1.0a")
            yield patient

    def test_kept_it_is_no_fault(self, patient):
        """The wiki has set it."""
        assert patient.ask_doctor().failed == (0, set())
        assert patient.wiki._state.behaviour.session_jwt_cookie

    @pytest.mark.parametrize("attribute", ["Secure", "Domain=elsewhere.example"])
    def test_not_kept_it_is_named_alone(self, patient, monkeypatch, attribute):
        """It is for another address than the one that the wiki is asked at."""
        add = exchange.Context._add_cookie

        def add_for_another_address(context, *arguments):
            add(context, *arguments)
            context.cookies[-1] += f"; {attribute}"

        monkeypatch.setattr(exchange.Context, "_add_cookie", add_for_another_address)
        diagnosis = patient.ask_doctor()
        assert diagnosis.failed == (1, {"cookies"})
        assert "sessionJwt" in diagnosis.text("cookies")
