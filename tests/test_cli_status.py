"""``pwb-oauth status``: which accounts are stored, and whether their wikis accept them."""

from __future__ import annotations

import json
import time

import pytest

from bots import Bot
from patients import Patient, secrets_of
from person import ended
from pwb_oauth.encryption import new_key
from pwb_oauth.stores.sql import SqlTokenStore
from pwb_oauth.testing import SandboxWiki


@pytest.fixture
def person(wiki, tmp_path):
    """Somebody who is not logged in yet."""
    return Patient(wiki, tmp_path / "home")


def shown(person, *arguments):
    """The exit code and the accounts, by their names."""
    ran = person.over_pipe("status", "--json", *arguments)
    accounts = json.loads(ran.stdout)["accounts"]
    return ran.returncode, {account["username"]: account for account in accounts}


class TestAccepted:
    """Wikis that accept what is stored."""

    def test_each_account_is_a_block(self, person):
        """With all that is known of it, and nothing secret."""
        mine, theirs = person.log_in("2.0"), person.log_in("1.0a owner-only", "Bob")
        ran = person.over_pipe("status")
        assert (ran.returncode, ran.stderr) == (0, "")
        assert ran.stdout.splitlines() == [
            f"✓ Alice on {person.host}",
            "  - The wiki accepts the access token",
            f"  - OAuth 2.0, consumer {mine.consumer.key}",
            "  - Grants: basic, createeditmovepage, editpage, highvolume",
            "  - Stored in the keyring",
            f"  - Logged in {mine.logged_in_at:%Y-%m-%d %H:%M UTC}",
            f"  - Expires {mine.expires_at:%Y-%m-%d %H:%M UTC}, and is renewed by itself",
            f"✓ Bob on {person.host}",
            "  - The wiki accepts the access token",
            f"  - OAuth 1.0a, owner-only consumer {theirs.consumer.key}",
            "  - Grants: basic, createeditmovepage, editpage, highvolume",
            "  - Stored in the keyring",
            f"  - Logged in {theirs.logged_in_at:%Y-%m-%d %H:%M UTC}",
            "  - Does not expire",
        ]
        assert not [secret for secret in secrets_of(mine, theirs) if secret in ran.stdout]

    def test_json_it_is_one_document(self, person):
        """With times that say where they are from."""
        mine = person.log_in("2.0")
        ran = person.over_pipe("status", "--json")
        assert json.loads(ran.stdout) == {
            "accounts": [
                {
                    "wiki": person.host,
                    "username": "Alice",
                    "oauth_version": "2.0",
                    "consumer": mine.consumer.key,
                    "owner_only": False,
                    "grants": ["basic", "createeditmovepage", "editpage", "highvolume"],
                    "store": "keyring:",
                    "logged_in_at": mine.logged_in_at.isoformat(timespec="seconds"),
                    "expires_at": mine.expires_at.isoformat(timespec="seconds"),
                    "renewable": True,
                    "accepted": True,
                    "problem": None,
                }
            ]
        }
        assert not [secret for secret in secrets_of(mine) if secret in ran.stdout]

    def test_nothing_but_an_access_token_is_known_its_consumer_is_named(self, person):
        """By the access token itself."""
        made = person.wiki.add_consumer("Mine", owner="Alice", owner_only=True)
        person.over_pipe("login", person.host, "--with-token", typed=made.access_token)
        assert (
            f"  - OAuth 2.0, owner-only consumer {made.key}\n" in person.over_pipe("status").stdout
        )
        code, accounts = shown(person)
        assert (code, accounts["Alice"]["consumer"]) == (0, made.key)
        assert json.loads(person.over_pipe("whoami", "--json").stdout)["consumer"] == made.key

    def test_expired_token_it_is_renewed_as_in_real_use(self, person):
        """And the new one is stored."""
        old = person.log_in("2.0")
        person.wiki.expire_tokens()
        code, accounts = shown(person)
        assert (code, accounts["Alice"]["accepted"]) == (0, True)
        assert person.stored().access_token != old.access_token

    def test_at_a_terminal_it_is_in_colour(self, person):
        """Only there."""
        person.log_in("2.0")
        code, text = ended(person.at_terminal("status"))
        assert code == 0
        assert "\x1b[32m✓\x1b[0m \x1b[1mAlice on " in text
        assert "\x1b" not in person.over_pipe("status").stdout


class TestRefused:
    """Exit code 4, whatever else there is."""

    @pytest.mark.parametrize("kind", ["2.0", "2.0 owner-only", "1.0a"])
    def test_revoked_it_is_shown_among_the_others(self, person, kind):
        """With the next step."""
        person.log_in("2.0", "Alice")
        person.log_in(kind, "Bob")
        person.wiki.revoke("Bob")
        code, accounts = shown(person)
        assert code == 4
        assert [accounts[name]["accepted"] for name in ("Alice", "Bob")] == [True, False]
        assert f"pwb-oauth login {person.host} --user Bob" in accounts["Bob"]["problem"]

    @pytest.mark.parametrize("kind", ["2.0", "2.0 owner-only", "1.0a", "1.0a owner-only"])
    def test_consumer_is_disabled_it_is_not_the_token_that_is_blamed(self, person, kind):
        """Nor is it renewed, since it is good again as soon as the consumer is."""
        key = person.log_in(kind).consumer.key
        person.wiki.set_consumer_state(key, "disabled")
        person.wiki.log.clear()
        code, accounts = shown(person)
        told = accounts["Alice"]["problem"]
        assert (code, accounts["Alice"]["accepted"]) == (4, False)
        assert "not approved, or was disabled" in told
        assert "revoked" not in told
        ran = person.over_pipe("whoami")
        assert (ran.returncode, ran.stdout) == (4, "")
        assert "not approved, or was disabled" in ran.stderr
        assert not [entry for entry in person.wiki.log if "access_token" in entry.path]
        person.wiki.set_consumer_state(key, "approved")
        assert shown(person)[1]["Alice"]["accepted"] is True

    def test_in_colour_it_is_red(self, person):
        """At a terminal."""
        person.log_in("1.0a")
        person.wiki.revoke("Alice")
        code, text = ended(person.at_terminal("status"))
        assert code == 4
        assert "\x1b[31m✗\x1b[0m \x1b[1mAlice on " in text

    @pytest.mark.parametrize("arguments", [(), ("--offline",)])
    def test_nothing_is_stored_it_says_how_to_log_in(self, person, arguments):
        """The document is there all the same."""
        ran = person.over_pipe("status", *arguments)
        assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (4, "", 1)
        assert "Log in: pwb-oauth login" in ran.stderr
        assert shown(person, *arguments) == (4, {})

    def test_gone_from_the_keyring_it_is_not_logged_in(self, person):
        """Though it is listed."""
        person.log_in("2.0")
        (person.home / "keyring.json").unlink()
        code, accounts = shown(person)
        assert code == 4
        assert "is not logged in" in accounts["Alice"]["problem"]


class TestNotKnown:
    """Exit code 1: whether the wiki accepts it cannot be told."""

    def test_wiki_cannot_be_reached_what_is_known_is_shown(self, tmp_path):
        """Without a verdict."""
        with SandboxWiki() as wiki:
            person = Patient(wiki, tmp_path / "home")
            mine = person.log_in("2.0")
        code, accounts = shown(person)
        assert (code, accounts["Alice"]["accepted"]) == (1, None)
        assert accounts["Alice"]["consumer"] == mine.consumer.key
        assert "cannot be reached" in accounts["Alice"]["problem"]
        assert person.over_pipe("status").stdout.startswith("! Alice on ")

    @pytest.mark.parametrize("fault", ["503", "html", "empty"])
    def test_nonsense_and_a_refusal_the_refusal_wins(self, person, fault):
        """Exit code 4 before 1."""
        person.log_in("2.0", "Alice")
        person.log_in("1.0a", "Bob")
        person.wiki.fail_next(fault, path="/oauth2/resource/profile")
        code, accounts = shown(person)
        assert (code, accounts["Alice"]["accepted"], accounts["Bob"]["accepted"]) == (1, None, True)
        person.wiki.revoke("Bob")
        person.wiki.fail_next(fault, path="/oauth2/resource/profile")
        code, accounts = shown(person)
        assert (code, accounts["Alice"]["accepted"]) == (4, None)

    def test_credential_cannot_be_read_the_others_are_shown(self, person):
        """Its encryption key is missing; the other was stored under the present one."""
        url, old, new = f"sqlite:///{person.home}/tokens.sqlite", new_key(), new_key()
        bot = Bot(person.wiki, person.home)
        SqlTokenStore(url, old).save(person.key("Alice"), bot.credential("2.0", "Alice"))
        SqlTokenStore(url, new).save(person.key("Bob"), bot.credential("1.0a", "Bob"))
        person.variables["PWB_OAUTH_ENCRYPTION_KEYS"] = new
        code, accounts = shown(person, "--store", url)
        assert (code, accounts["Alice"]["accepted"], accounts["Bob"]["accepted"]) == (1, None, True)
        assert "needs the encryption key" in accounts["Alice"]["problem"]
        assert accounts["Alice"]["consumer"] is None
        assert accounts["Alice"]["grants"]

    def test_token_is_another_accounts_both_are_named(self, person):
        """The wiki accepts it, but not as what it is stored for."""
        person.store(person.log_in("2.0", "Alice"), "Bob")
        code, accounts = shown(person)
        assert (code, accounts["Bob"]["accepted"]) == (1, True)
        assert "belongs to 'Alice'" in accounts["Bob"]["problem"]
        assert "usernames of user-config.py, or log in as 'Bob'" in accounts["Bob"]["problem"]
        assert "change that or PWB_OAUTH_USERNAME" in accounts["Bob"]["problem"]


class TestOffline:
    """Nobody is asked."""

    def test_no_wiki_is_asked_and_the_consumer_is_named(self, person):
        """All is known but what the wiki says."""
        mine = person.log_in("2.0")
        person.wiki.expire_tokens()
        before = len(person.wiki.log)
        code, accounts = shown(person, "--offline")
        ran = person.over_pipe("status", "--offline")
        assert (code, len(person.wiki.log), person.stored()) == (0, before, mine)
        account = accounts["Alice"]
        assert {name for name, value in account.items() if value is None} == {"accepted", "problem"}
        assert account["consumer"] == mine.consumer.key
        assert account["expires_at"] == mine.expires_at.isoformat(timespec="seconds")
        assert ran.stdout.startswith(
            f"• Alice on {person.host}\n  - OAuth 2.0, consumer {mine.consumer.key}\n"
        )
        assert not [secret for secret in secrets_of(mine) if secret in ran.stdout]

    def test_keyring_cannot_be_read_what_is_listed_is_shown(self, person):
        """With a note, but it is no failure."""
        mine = person.log_in("2.0")
        person.variables["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
        code, accounts = shown(person, "--offline")
        account = accounts["Alice"]
        unknown = {name for name, value in account.items() if value is None}
        assert (code, unknown) == (0, {"consumer", "owner_only", "renewable", "accepted"})
        assert "no keyring" in account["problem"]
        assert account["expires_at"] == mine.expires_at.isoformat(timespec="seconds")
        ran = person.over_pipe("status", "--offline")
        assert (ran.returncode, ran.stderr) == (0, "")
        first, note, kind, grants, *_ = ran.stdout.splitlines()
        assert (first, kind) == (f"! Alice on {person.host}", "  - OAuth 2.0")
        assert "no keyring" in note
        assert grants.startswith("  - Grants: basic, ")

    def test_gone_from_the_keyring_it_is_not_logged_in(self, person):
        """Which no wiki need be asked for."""
        person.log_in("2.0")
        (person.home / "keyring.json").unlink()
        code, accounts = shown(person, "--offline")
        assert (code, "is not logged in" in accounts["Alice"]["problem"]) == (4, True)

    def test_token_in_a_variable_it_is_listed(self, person):
        """The store of containers, which does not say when somebody logged in."""
        credential = Bot(person.wiki, person.home).credential("2.0 owner-only")
        person.variables |= {
            "PWB_OAUTH_STORE": "env:",
            "PWB_OAUTH_WIKI": person.host,
            "PWB_OAUTH_USERNAME": "Alice",
            "PWB_OAUTH_TOKEN": credential.access_token.value,
        }
        ran = person.over_pipe("status", "--offline")
        assert ran.returncode == 0
        assert credential.access_token.value not in ran.stdout


class TestWiki:
    """The argument."""

    @pytest.mark.parametrize("argument", ["sandbox:en", "sandbox:", "HOST", "URL"])
    def test_wiki_is_named_others_are_left_out(self, person, argument):
        """By its family, its host or a page."""
        person.log_in("1.0a")
        url = f"{person.wiki.url}/wiki/Main_Page"
        named = argument.replace("URL", url).replace("HOST", person.host)
        assert shown(person, named)[1].keys() == {"Alice"}

    def test_other_wiki_is_named_nothing_is_stored_for_it(self, person):
        """Exit code 4, with its name."""
        person.log_in("1.0a")
        ran = person.over_pipe("status", "wiki.example")
        assert ran.returncode == 4
        assert "for wiki.example. Log in: pwb-oauth login wiki.example" in ran.stderr

    @pytest.mark.parametrize("argument", ["nonsense:xx", "ftp://example.org"])
    def test_unknown_wiki_it_is_exit_code_2(self, person, argument):
        """One line."""
        ran = person.over_pipe("status", argument)
        assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (2, "", 1)

    def test_interrupted_it_ends_with_130_and_nothing_is_lost(self, person):
        """Even where the wiki is just renewing the token."""
        old = person.log_in("2.0")
        person.wiki.expire_tokens()
        person.wiki.fail_next("hang", path="/oauth2/access_token", seconds=2)
        terminal = person.at_terminal("status")
        while person.wiki._faults._waiting[0].count:
            time.sleep(0.01)
        terminal.sendintr()
        code, text = ended(terminal)
        assert code == 130
        assert "pwb-oauth: Interrupted." in text
        assert "Traceback" not in text
        assert person.stored().access_token != old.access_token
        assert person.over_pipe("status").returncode == 0
