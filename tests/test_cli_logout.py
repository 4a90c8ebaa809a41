"""``pwb-oauth logout``, at a terminal and over a pipe."""

from __future__ import annotations

import pytest

from bots import Bot
from person import Person, ended
from pwb_oauth import open_token_store
from pwb_oauth.tokens import TokenKey


@pytest.fixture
def person(wiki, tmp_path):
    """With two accounts in their keyring."""
    person = Person(wiki, tmp_path / "person")
    with person.at_home():
        store = open_token_store("keyring:")
        for name in ("Alice", "Bob"):
            credential = Bot(wiki, person.home).credential("2.0 owner-only", name)
            store.save(TokenKey(person.host, name), credential)
    return person


def entries(person):
    with person.at_home():
        return [entry.key.username for entry in open_token_store("keyring:").entries()]


class TestLogout:
    """Forgets what is named, and nothing else."""

    def test_named_account_is_forgotten_and_the_other_is_not(self, person):
        """It says where the grant itself is withdrawn; the wiki is not asked."""
        asked = len(person.wiki.log)
        ran = person.over_pipe("logout", "sandbox:en", "--user", "bob")
        assert (ran.returncode, ran.stderr) == (0, "")
        page = f"{person.wiki.index_url}?title=Special%3AOAuthManageMyGrants"
        assert ran.stdout.splitlines() == [
            f"Logged out of {person.host} as Bob.",
            f"To withdraw the grant itself, go to {page}",
        ]
        assert entries(person) == ["Alice"]
        assert person.visited == []
        assert len(person.wiki.log) == asked

    def test_secret_is_gone_from_the_keyring(self, person):
        """Not only from the list."""
        keyring = person.home / "keyring.json"
        assert "Bob" in keyring.read_text()
        person.over_pipe("logout", "--user", "Bob")
        assert "Bob" not in keyring.read_text()

    def test_only_account_needs_no_name(self, person):
        """There is no doubt which is meant."""
        person.over_pipe("logout", "--user", "Bob")
        assert person.over_pipe("logout").returncode == 0
        assert entries(person) == []

    def test_several_fit_nothing_is_forgotten_by_guessing(self, person):
        """A program gets the list."""
        ran = person.over_pipe("logout", person.host)
        assert (ran.returncode, ran.stdout) == (2, "")
        assert f"Alice on {person.host}; Bob on {person.host}" in ran.stderr
        assert entries(person) == ["Alice", "Bob"]

    def test_several_fit_a_person_is_asked(self, person):
        """By number, again until it is one."""
        terminal = person.at_terminal("logout")
        terminal.expect("Which account: ")
        terminal.sendline("3")
        terminal.expect("Which account: ")
        terminal.sendline("1")
        code, shown = ended(terminal)
        assert code == 0
        assert f"Logged out of {person.host} as Alice." in shown
        assert entries(person) == ["Bob"]

    def test_ctrl_c_at_the_question_nothing_is_forgotten(self, person):
        """130."""
        terminal = person.at_terminal("logout")
        terminal.expect("Which account: ")
        terminal.sendintr()
        assert ended(terminal)[0] == 130
        assert entries(person) == ["Alice", "Bob"]

    def test_all_forgets_every_account_that_fits(self, person):
        """The page is shown once, and opened."""
        ran = person.over_pipe("logout", "--all", "--open")
        assert ran.returncode == 0
        assert ran.stdout.count("Logged out of") == 2
        assert ran.stdout.count("To withdraw") == 1
        assert entries(person) == []
        assert person.visited == [f"{person.wiki.index_url}?title=Special%3AOAuthManageMyGrants"]

    @pytest.mark.parametrize(("answer", "code", "left"), [("y", 0, []), ("", 1, ["Alice", "Bob"])])
    def test_all_at_a_terminal_it_asks(self, person, answer, code, left):
        """No is the default; which they are is listed."""
        terminal = person.at_terminal("logout", "--all")
        terminal.expect(r"Forget these 2 credentials\? \[y/N\]: ")
        assert f"Bob on {person.host}" in terminal.before
        terminal.sendline(answer)
        assert ended(terminal)[0] == code
        assert entries(person) == left

    def test_ctrl_c_at_the_question_about_all_nothing_is_forgotten(self, person):
        """130, in one line, and each of them can still be read."""
        keyring = (person.home / "keyring.json").read_text()
        terminal = person.at_terminal("logout", "--all")
        terminal.expect(r"Forget these 2 credentials\? \[y/N\]: ")
        terminal.send("y")
        terminal.sendintr()
        code, shown = ended(terminal)
        assert code == 130
        assert shown.count("pwb-oauth: Interrupted. Run the command again to go on.") == 1
        assert "Traceback" not in shown
        assert entries(person) == ["Alice", "Bob"]
        assert (person.home / "keyring.json").read_text() == keyring

    @pytest.mark.parametrize("arguments", [("--yes",), ("-y",), ("--user", "Bob")])
    def test_all_at_a_terminal_there_is_nothing_to_ask(self, person, arguments):
        """It was said already, or it is only one."""
        code, shown = ended(person.at_terminal("logout", "--all", *arguments))
        assert code == 0
        assert "Forget these" not in shown
        assert "Bob" not in entries(person)

    def test_all_of_a_user_leaves_the_others(self, person):
        """What is named narrows it."""
        assert person.over_pipe("logout", "--all", "--user", "Bob").returncode == 0
        assert entries(person) == ["Alice"]

    @pytest.mark.parametrize(
        "arguments", [["--user", "Carol"], ["wikipedia:test"], ["wikipedia:test", "--all"]]
    )
    def test_none_fits_it_exits_with_4(self, person, arguments):
        """And forgets nothing."""
        ran = person.over_pipe("logout", *arguments)
        assert (ran.returncode, ran.stdout) == (4, "")
        assert "holds no credential" in ran.stderr
        assert entries(person) == ["Alice", "Bob"]

    def test_no_browser_here_it_says_so(self, person):
        """Over SSH, and on servers. The address is shown anyway."""
        person.variables |= {"BROWSER": "", "DISPLAY": "", "WAYLAND_DISPLAY": ""}
        ran = person.over_pipe("logout", "--user", "Bob", "--open")
        assert ran.returncode == 0
        assert "To withdraw" in ran.stdout
        assert "no browser" in ran.stderr

    def test_store_that_can_only_be_read_it_says_where_to_change_it(self, person):
        """What is in the environment is not ours to take out."""
        person.variables |= {
            "PWB_OAUTH_STORE": "env:",
            "PWB_OAUTH_WIKI": person.host,
            "PWB_OAUTH_USERNAME": "Bob",
            "PWB_OAUTH_TOKEN": "hunter2.hunter2.hunter2",
        }
        ran = person.over_pipe("logout")
        assert (ran.returncode, ran.stdout) == (1, "")
        assert "PWB_OAUTH_TOKEN" in ran.stderr
        assert "hunter2" not in ran.stderr
        assert ran.stderr.count("\n") == 1
