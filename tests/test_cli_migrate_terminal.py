"""``pwb-oauth migrate``: a person who is asked, and who interrupts."""

from __future__ import annotations

import signal

import pytest

from migrations import CONFIG, LINE, PASSWORDS
from mover import Mover, contents, write_all_kinds
from person import ended


@pytest.fixture
def all_kinds(wiki, tmp_path):
    """Somebody with a tuple of Alice's, a BotPassword of hers and a password of Bob's."""
    mover = Mover(wiki, tmp_path / "home")
    write_all_kinds(mover)
    return mover


def new_token(person, user):
    """The access token of an owner-only consumer that somebody registers now."""
    return person.wiki.add_consumer("New", owner=user, owner_only=True).access_token


class TestConsent:
    """Nothing changes unless somebody wants it."""

    @pytest.mark.parametrize("how", ["pipe", "stderr in a file"])
    def test_nobody_can_be_asked_nothing_changes_without_yes(self, all_kinds, how):
        """Nor where somebody is at a terminal and does not see the question."""
        before = contents(all_kinds)
        if how == "pipe":
            ran = all_kinds.over_pipe("migrate")
            code, shown, errors = ran.returncode, ran.stdout, ran.stderr
        else:
            line = f"{all_kinds.command} migrate 2>errors"
            code, shown = ended(all_kinds.at_terminal("-c", line, command="/bin/sh"))
            errors = (all_kinds.home / "errors").read_text()
        assert (code, "To go on, add --yes." in errors) == (2, True)
        assert "to be stored and taken out" in shown
        assert contents(all_kinds) == before
        assert all_kinds.stored() == {}

    def test_nobody_can_log_in_a_consumer_is_of_no_use(self, all_kinds):
        """It is said, and nothing changes."""
        before = contents(all_kinds)
        ran = all_kinds.over_pipe("migrate", "--yes", "--consumer", "0" * 32)
        assert (ran.returncode, "needs somebody at a terminal" in ran.stderr) == (2, True)
        assert contents(all_kinds) == before

    def test_yes_at_a_terminal_only_logins_are_asked_for(self, all_kinds):
        """They need somebody."""
        terminal = all_kinds.at_terminal("migrate", "-y")
        terminal.expect(r"as Bob now\?")
        assert "Go on?" not in terminal.before
        terminal.sendline("n")
        assert ended(terminal)[0] == 1
        assert set(all_kinds.stored()) == {"Alice"}


class TestAtTerminal:
    """A person who is asked."""

    def begin(self, person, *answers):
        """Answer the first questions."""
        terminal = person.at_terminal("migrate")
        for question, answer in zip((r"Go on\? \[y/N\]: ", r"as Bob now\?"), answers, strict=False):
            terminal.expect(question)
            terminal.sendline(answer)
        return terminal

    def test_person_logs_in_and_nothing_is_left(self, all_kinds):
        """They are led through the login, see how far it is, and are told what to change."""
        token = new_token(all_kinds, "Bob")
        terminal = self.begin(all_kinds, "y", "y")
        terminal.expect("Special%3AOAuthConsumerRegistration")
        terminal.expect("Access token")
        terminal.sendline(token)
        code, shown = ended(terminal)
        assert code == 0
        assert "Moving" in shown
        assert "3/3" in shown
        assert "Moved: user-password.cfg:3 password of Bob, to keyring: as Bob on" in shown
        index = f"{all_kinds.wiki.index_url}?title=Special%3A"
        assert f"Now change the BotPassword of Alice: {index}BotPasswords" in shown
        assert f"Now change the password of Bob: {index}ChangePassword" in shown
        assert not [one for one in ("hunter2", token, all_kinds.names["a2"]) if one in shown]
        config, passwords = (contents(all_kinds)[name].decode() for name in (CONFIG, PASSWORDS))
        assert config.endswith(f"password_file = 'user-password.cfg'\n{LINE}\n")
        assert passwords == "\n"
        assert set(all_kinds.stored()) == {"Alice", "Bob"}
        again = all_kinds.over_pipe("migrate", "--yes")
        assert (again.returncode, again.stdout, again.stderr) == (
            0,
            "No secret is left in Pywikibot's files.\n",
            "",
        )

    @pytest.mark.parametrize("version", ["1.0a", "2.0"])
    def test_person_logs_in_by_a_registered_consumer(self, all_kinds, version):
        """In the browser, as with login; another account's approval moves nothing."""
        made = all_kinds.wiki.add_consumer(
            "Tool", oauth_version=version, owner="Admin", callback_url="http://127.0.0.1:9/callback"
        )
        options = ("--oauth", version, "--callback", made.callback_url)
        for user, code in (("Alice", 1), ("Bob", 0)):
            terminal = all_kinds.at_terminal("migrate", "--consumer", made.key, *options)
            terminal.expect(r"Go on\?")
            terminal.sendline("y")
            terminal.expect(r"as Bob now\?")
            terminal.sendline("y")
            terminal.expect("Consumer secret.*: ")
            terminal.sendline(made.secret)
            terminal.expect(r"aste the address.*: ")
            address = all_kinds.wiki.approve(all_kinds.visited[-1], user)
            terminal.sendline(address)
            ran, shown = ended(terminal)
            assert ran == code
            assert made.secret not in shown
        assert "password of Bob, to keyring: as Bob on" in shown
        assert contents(all_kinds)[PASSWORDS] == b"\n"
        assert all_kinds.stored()["Bob"].consumer.key == made.key

    @pytest.mark.parametrize("version", ["1.0a", "2.0"])
    def test_several_log_in_the_consumer_secret_is_asked_for_until_it_serves(
        self, all_kinds, version
    ):
        """And then no more."""
        made = all_kinds.wiki.add_consumer(
            "Tool", oauth_version=version, owner="Admin", callback_url="http://127.0.0.1:9/callback"
        )
        users = ("Bob", "Carol", "Dora")
        lines = [f"('en', 'sandbox', '{user}', 'hunter2')\n" for user in users]
        for user in users[1:]:
            all_kinds.wiki.add_user(user)
        all_kinds.write({PASSWORDS: "".join(lines).encode()})
        options = ("--oauth", version, "--callback", made.callback_url)
        terminal = all_kinds.at_terminal("migrate", "--yes", "--consumer", made.key, *options)
        asked = []
        for user, secret in zip(users, ("0" * 32, made.secret, None), strict=True):
            terminal.expect(f"as {user} now")
            terminal.sendline("y")
            while (what := terminal.expect(["Consumer secret.*: ", "aste .*: ", "Left: "])) == 0:
                asked.append(user)
                terminal.sendline(secret)
            if what == 1:
                terminal.sendline(all_kinds.wiki.approve(all_kinds.visited[-1], user))
        assert (ended(terminal)[0], asked) == (1, ["Bob", "Carol"])
        assert contents(all_kinds)[PASSWORDS].decode() == lines[0]
        assert set(all_kinds.stored()) == {"Alice", "Carol", "Dora"}

    def test_person_does_not_want_to_nothing_changes(self, all_kinds):
        """And the wiki hears nothing of it."""
        before = contents(all_kinds)
        code, shown = ended(self.begin(all_kinds, "n"))
        assert (code, "Nothing was changed" in shown) == (1, True)
        assert contents(all_kinds) == before
        assert len(all_kinds.wiki.log) == 0

    @pytest.mark.parametrize(
        ("token", "says"),
        [
            (None, "Log in later: pwb-oauth login"),
            ("two words", "Give the access token of an owner-only"),
            ("a.b.c", "does not accept the access token"),
            ("Alice's", "belongs to 'Alice', but 'Bob' was expected"),
        ],
    )
    def test_login_fails_only_that_password_is_left(self, all_kinds, token, says):
        """What was moved before stays moved."""
        token = new_token(all_kinds, "Alice") if token == "Alice's" else token
        terminal = self.begin(all_kinds, "y", "n" if token is None else "y")
        if token is not None:
            terminal.expect("Access token")
            terminal.sendline(token)
        code, shown = ended(terminal)
        assert code == 1
        assert "Left: user-password.cfg:3 password of Bob." in shown
        assert says in shown
        assert contents(all_kinds)[PASSWORDS] == b"\n('en', 'sandbox', 'Bob', 'hunter2-bob')\n"
        assert set(all_kinds.stored()) == {"Alice"}

    @pytest.mark.parametrize(
        ("at", "how"),
        [
            ("Go on", "Ctrl-C"),
            ("as Bob now", "SIGKILL"),
            ("Access token", "Ctrl-C"),
            ("Access token", "SIGKILL"),
        ],
    )
    def test_interrupted_a_second_run_goes_on(self, all_kinds, at, how):
        """From where the first one was."""
        before = contents(all_kinds)
        questions = ("Go on", "as Bob now", "Access token")
        terminal = all_kinds.at_terminal("migrate")
        for question in questions[: questions.index(at)]:
            terminal.expect(question)
            terminal.sendline("y")
        terminal.expect(at)
        if how == "Ctrl-C":
            terminal.send("\x03")
            code, shown = ended(terminal)
            assert (code, "Run the command again to go on" in shown) == (130, True)
        else:
            terminal.kill(signal.SIGKILL)
            ended(terminal)
        if at == "Go on":
            assert contents(all_kinds) == before
        assert b"hunter2-bob" in contents(all_kinds)[PASSWORDS]
        all_kinds.log_in("Bob")
        ran = all_kinds.over_pipe("migrate", "--yes")
        assert ran.returncode == 0, ran.stdout
        assert contents(all_kinds)[PASSWORDS] == b"\n"
        assert set(all_kinds.stored()) == {"Alice", "Bob"}
