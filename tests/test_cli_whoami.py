"""``pwb-oauth whoami``, at a terminal and over a pipe."""

from __future__ import annotations

import json
import time

import pytest

from bots import Bot
from person import Person, ended
from pwb_oauth import open_token_store
from pwb_oauth.tokens import TokenKey


@pytest.fixture
def person(wiki, tmp_path):
    return Person(wiki, tmp_path / "person")


@pytest.fixture
def log_in(person):
    """Put a credential of a kind into the person's keyring."""

    def log_in(kind="2.0", user="Alice"):
        credential = Bot(person.wiki, person.home).credential(kind, user)
        with person.at_home():
            open_token_store("keyring:").save(TokenKey(person.host, user), credential)
        return credential

    return log_in


class TestWhoami:
    """Whom the wiki takes us for."""

    def test_interrupted_while_the_token_is_renewed_nothing_is_lost(self, person, log_in):
        """The wiki has ended the old one already."""
        old = log_in()
        person.wiki.expire_tokens()
        person.wiki.fail_next("hang", path="/oauth2/access_token", seconds=1.5)
        terminal = person.at_terminal("whoami")
        while person.wiki._faults._waiting[0].count:
            time.sleep(0.01)
        terminal.sendintr()
        code, text = ended(terminal)
        assert (code, "Traceback" in text) == (130, False)
        with person.at_home():
            new = open_token_store("keyring:").load(TokenKey(person.host, "Alice"))
        assert new.access_token != old.access_token
        assert person.over_pipe("whoami").stdout == "Alice\n"

    @pytest.mark.parametrize("kind", ["1.0a", "1.0a owner-only", "2.0", "2.0 owner-only"])
    def test_it_prints_the_name_alone(self, person, log_in, kind):
        """Whatever the credential is, the wiki is asked."""
        log_in(kind)
        asked = len(person.wiki.log)
        ran = person.over_pipe("whoami")
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, "Alice\n", "")
        assert len(person.wiki.log) == asked + 1

    def test_at_a_terminal_it_is_the_same(self, person, log_in):
        """For people too the name is all there is to say."""
        log_in()
        assert ended(person.at_terminal("whoami", "sandbox:en")) == (0, "Alice\r\n")

    def test_json_it_describes_the_account(self, person, log_in):
        """Without a secret."""
        credential = log_in("2.0")
        ran = person.over_pipe("whoami", "--json")
        account = json.loads(ran.stdout)
        assert account == {
            "wiki": person.host,
            "username": "Alice",
            "oauth_version": "2.0",
            "consumer": credential.consumer.key,
            "owner_only": False,
            "grants": sorted(credential.grants),
            "store": "keyring:",
            "logged_in_at": credential.logged_in_at.isoformat(timespec="seconds"),
            "expires_at": credential.expires_at.isoformat(timespec="seconds"),
            "blocked": False,
        }

    def test_access_token_has_ended_it_is_renewed(self, person, log_in):
        """And kept: the refresh token worked once."""
        before = log_in("2.0")
        person.wiki.expire_tokens()
        for _ in range(2):
            ran = person.over_pipe("whoami", "--json")
            assert (ran.returncode, ran.stderr) == (0, "")
        with person.at_home():
            after = open_token_store("keyring:").load(TokenKey(person.host, "Alice"))
        assert after.access_token.value != before.access_token.value
        assert after.logged_in_at == before.logged_in_at

    @pytest.mark.parametrize("kind", ["1.0a", "2.0", "2.0 owner-only"])
    def test_refused_it_exits_with_4(self, person, log_in, kind):
        """One line that says what to do, and nothing on standard output."""
        log_in(kind)
        person.wiki.revoke("Alice")
        ran = person.over_pipe("whoami")
        assert (ran.returncode, ran.stdout) == (4, "")
        assert f"Log in: pwb-oauth login {person.host} --user Alice" in ran.stderr
        assert ran.stderr.count("\n") == 1

    def test_nothing_stored_it_exits_with_4(self, person):
        """And says how to log in."""
        ran = person.over_pipe("whoami", "wikipedia:test")
        assert (ran.returncode, ran.stdout) == (4, "")
        assert "pwb-oauth login meta.wikimedia.org" in ran.stderr

    def test_wiki_does_not_answer_it_exits_with_1(self, person, log_in):
        """That says nothing about the credential."""
        log_in()
        person.wiki.fail_next("503")
        ran = person.over_pipe("whoami")
        assert (ran.returncode, ran.stdout) == (1, "")
        assert "Try again" in ran.stderr

    @pytest.mark.parametrize("arguments", [(), ("sandbox:en",)])
    def test_several_accounts_it_is_the_one_that_scripts_use(self, person, log_in, arguments):
        """As usernames says; another one is named."""
        log_in(user="Alice")
        log_in(user="Bob")
        assert person.over_pipe("whoami", *arguments).stdout == "Alice\n"
        assert person.over_pipe("whoami", *arguments, "--user", "bob").stdout == "Bob\n"

    def test_several_accounts_and_no_word_of_them_it_wants_to_know_which(self, person, log_in):
        """A person is asked, a program gets the list."""
        log_in(user="Alice")
        log_in(user="Bob")
        person.config.write_text(person.config.read_text().replace("'Alice'", "'Carol'"))
        ran = person.over_pipe("whoami")
        assert (ran.returncode, ran.stdout) == (2, "")
        assert f"Alice on {person.host}; Bob on {person.host}" in ran.stderr
        terminal = person.at_terminal("whoami")
        terminal.expect("Which account: ")
        terminal.sendline("2")
        code, shown = ended(terminal)
        assert (code, shown.split()) == (0, ["2", "Bob"])

    def test_store_in_the_environment_it_is_read(self, person):
        """As in a container."""
        made = person.wiki.add_consumer("Mine", owner="Bob", owner_only=True)
        person.variables |= {
            "PWB_OAUTH_STORE": "env:",
            "PWB_OAUTH_WIKI": person.wiki.api_url,
            "PWB_OAUTH_USERNAME": "Bob",
            "PWB_OAUTH_TOKEN": made.access_token,
        }
        ran = person.over_pipe("whoami", "--json")
        account = json.loads(ran.stdout)
        assert (account["username"], account["store"]) == ("Bob", "env:")
        assert "editpage" in account["grants"]
        assert made.access_token not in ran.stdout

    @pytest.mark.parametrize("options", [[], ["--json"]])
    def test_token_is_another_accounts_it_says_whose_and_warns(self, person, log_in, options):
        """The wiki knows best; scripts would refuse to work so."""
        credential = log_in(user="Alice")
        with person.at_home():
            open_token_store("keyring:").save(TokenKey(person.host, "Bob"), credential)
        ran = person.over_pipe("whoami", "--user", "Bob", *options)
        name = json.loads(ran.stdout)["username"] if options else ran.stdout.strip()
        assert (ran.returncode, name, ran.stderr.count("\n")) == (1, "Alice", 1)
        assert "Warning: The access token belongs to 'Alice', but 'Bob' was expected" in ran.stderr

    def test_blocked_account_it_says_so(self, person, log_in):
        """The wiki still knows it."""
        log_in()
        person.wiki.block("Alice")
        assert json.loads(person.over_pipe("whoami", "--json").stdout)["blocked"] is True
