"""``pwb-oauth export``: what a container needs, in a form that it can take."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bots import Bot
from person import Person, ended
from pwb_oauth import EnvironmentTokenStore, open_token_store
from pwb_oauth.credential import OAuth1AccessToken

NAMES = ("Alice B. Bot", "Ødön's $bot", "使用者")

READ = """
import sys
from pwb_oauth import TokenKey, open_token_store
store = open_token_store()
entry, = store.entries()
token = store.load(entry.key).access_token
print(entry.key.wiki, entry.key.username, getattr(token, "secret", None) or token.value, sep="|")
"""
EDIT = """
import pywikibot
page = pywikibot.Page(pywikibot.Site(), "Test")
page.text = "hello"
page.save(quiet=True)
"""


@pytest.fixture
def person(wiki, tmp_path):
    return Person(wiki, tmp_path / "person")


@pytest.fixture
def log_in(wiki, tmp_path, person):
    """Store a credential that the wiki gave; its key, and what of it is secret."""
    bot = Bot(wiki, tmp_path)

    def log_in(kind="2.0 owner-only", user="Alice"):
        if user not in wiki.users:
            wiki.add_user(user)
        credential = bot.credential(kind, user)
        with person.at_home():
            open_token_store().save(bot.key(user), credential)
        token = credential.access_token
        secret = token.secret if isinstance(token, OAuth1AccessToken) else token.value
        return bot.key(user), secret

    return log_in


def as_docker_reads(text):
    """An env-file: what stands behind the first = is the value, whatever it is."""
    return dict(line.split("=", 1) for line in text.splitlines())


class TestExport:
    """``pwb-oauth export --env``."""

    @pytest.mark.parametrize("user", NAMES)
    @pytest.mark.parametrize("kind", ["1.0a owner-only", "2.0 owner-only"])
    def test_env_file_it_is_the_same_account(self, person, log_in, kind, user):
        """As docker reads it, and then our store."""
        key, _ = log_in(kind, user)
        ran = person.over_pipe("export", "--env")
        assert ran.returncode == 0
        variables = as_docker_reads(ran.stdout)
        assert list(variables) == [
            "PWB_OAUTH_STORE",
            "PWB_OAUTH_WIKI",
            "PWB_OAUTH_USERNAME",
            "PWB_OAUTH_TOKEN",
        ]
        store = EnvironmentTokenStore(variables)
        with person.at_home():
            stored = open_token_store().load(key)
        assert [entry.key for entry in store.entries()] == [key]
        loaded = store.load(key)
        assert loaded.access_token == stored.access_token
        assert loaded.consumer.secret in (stored.consumer.secret, None)
        assert (loaded.consumer.owner_only, loaded.username) == (True, stored.username)

    @pytest.mark.parametrize("user", ["Alice B. Bot", "使用者"])
    @pytest.mark.parametrize("kind", ["1.0a owner-only", "2.0 owner-only"])
    @pytest.mark.parametrize(
        "line", ["set -a; . ./bot.env; exec {python}", "exec env $(cat bot.env) {python}"]
    )
    def test_shell_it_is_the_same_account(self, person, log_in, tmp_path, kind, user, line):
        """Sourced, and as words before a command."""
        key, secret = log_in(kind, user)
        (tmp_path / "bot.env").write_text(person.over_pipe("export", "--env").stdout)
        read = subprocess.run(  # noqa: S603  # our own line
            ["/bin/sh", "-c", line.format(python=f"{sys.executable} -c '{READ}'")],
            env={"PYTHONUTF8": "1"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert read.stderr == ""
        assert read.stdout == f"{key.wiki}|{user}|{secret}\n"

    def test_name_that_a_shell_would_run_it_warns(self, person, log_in):
        """On standard error: what is piped on stays what it is."""
        log_in(user="Ødön's $bot")
        ran = person.over_pipe("export", "--env")
        assert "do not source these lines" in ran.stderr
        assert "PWB_OAUTH_USERNAME=Ødön's_$bot\n" in ran.stdout
        person.over_pipe("logout")
        log_in(user="Alice B. Bot")
        assert person.over_pipe("export", "--env").stderr == ""

    def test_terminal_of_another_encoding_it_is_utf_8(self, person, log_in):
        """A container knows nothing of the terminal."""
        log_in(user="使用者")
        person.variables |= {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
        assert "PWB_OAUTH_USERNAME=使用者\n" in person.over_pipe("export", "--env").stdout

    def test_at_a_terminal_it_shows_nothing_unless_told(self, person, log_in):
        """Exit code 2, and how."""
        _, secret = log_in()
        code, shown = ended(person.at_terminal("export", "--env"))
        assert code == 2
        assert "add --show" in shown
        assert secret not in shown
        code, shown = ended(person.at_terminal("export", "--env", "--show"))
        assert code == 0
        assert f"PWB_OAUTH_TOKEN={secret}\r\n" in shown

    def test_at_a_terminal_the_account_is_chosen_and_the_rest_piped(self, person, log_in):
        """The question does not get into the pipe."""
        log_in(user="Alice")
        key, secret = log_in("1.0a owner-only", "Bob")
        person.config.write_text(person.config.read_text().replace("'Alice'", "'Carol'"))
        line = f"{person.command} export --env >out.env"
        terminal = person.at_terminal("-c", line, command="/bin/sh")
        terminal.expect("Which account")
        terminal.sendline("2")
        code, shown = ended(terminal)
        assert code == 0
        assert secret not in shown
        variables = as_docker_reads((person.home / "out.env").read_text())
        assert (variables["PWB_OAUTH_WIKI"], variables["PWB_OAUTH_USERNAME"]) == (key.wiki, "Bob")

    def test_ctrl_c_at_the_question_nothing_is_printed(self, person, log_in):
        """130, in one line; both accounts are still there to be asked about."""
        secrets = [log_in(user=user)[1] for user in ("Alice", "Bob")]
        person.config.write_text(person.config.read_text().replace("'Alice'", "'Carol'"))
        line = f"exec {person.command} export --env >out.env"
        terminal = person.at_terminal("-c", line, command="/bin/sh")
        terminal.expect("Which account: ")
        terminal.send("2")
        terminal.sendintr()
        code, shown = ended(terminal)
        assert code == 130
        assert shown.count("pwb-oauth: Interrupted. Run the command again to go on.") == 1
        assert "Traceback" not in shown
        assert not [secret for secret in secrets if secret in shown]
        assert (person.home / "out.env").read_text() == ""
        for user in ("Alice", "Bob"):
            assert person.over_pipe("export", "--env", "--user", user).returncode == 0

    @pytest.mark.parametrize("kind", ["1.0a", "2.0", "2.0 public"])
    def test_token_of_another_kind_it_is_refused(self, person, log_in, kind):
        """It names what can be done."""
        _, secret = log_in(kind)
        ran = person.over_pipe("export", "--env")
        assert (ran.returncode, ran.stdout) == (2, "")
        assert "pwb-oauth register" in ran.stderr
        assert ran.stderr.count("\n") == 1
        assert secret not in ran.stderr

    def test_name_that_fits_in_no_line_it_is_refused(self, person, log_in):
        """A wiki that gave such a name could set any variable."""
        log_in(user="Alice\nLD_PRELOAD=x")
        ran = person.over_pipe("export", "--env")
        assert (ran.returncode, ran.stdout) == (2, "")
        assert "do not fit into a line" in ran.stderr

    @pytest.mark.parametrize(
        ("arguments", "code", "says"),
        [
            ([], 2, "Say in which form: --env. See: pwb-oauth export --help"),
            (["--env"], 4, "pwb-oauth login"),
            (["--env", "--store", "nope"], 2, "no such token store"),
        ],
    )
    def test_nothing_to_export_it_is_one_line(self, person, arguments, code, says):
        """With the next step."""
        ran = person.over_pipe("export", *arguments)
        assert (ran.returncode, ran.stdout) == (code, "")
        assert says in ran.stderr
        assert ran.stderr.count("\n") == 1

    def test_credential_was_deleted_in_the_keyring_it_is_4(self, person, log_in):
        """It is listed, and that is all."""
        log_in()
        (person.home / "keyring.json").write_text("{}")
        ran = person.over_pipe("export", "--env")
        assert (ran.returncode, ran.stdout) == (4, "")
        assert "Log in: pwb-oauth login" in ran.stderr


class TestContainer:
    """A machine with these variables and a user-config.py, and nothing else."""

    @pytest.fixture
    def container(self, wiki, tmp_path, person, log_in):
        """Run something there: no home, no keyring, no terminal, no user's name."""
        log_in()
        variables = as_docker_reads(person.over_pipe("export", "--env").stdout)
        folder = tmp_path / "container"
        folder.mkdir()
        wiki.write_pywikibot_config(folder, "Alice")
        with (folder / "user-config.py").open("a") as config:
            config.write("__import__('pwb_oauth').install()\n")

        def run(*command):
            return subprocess.run(  # noqa: S603  # our own command
                command,
                env={"PYWIKIBOT_DIR": str(folder), "NO_PROXY": "127.0.0.1", **variables},
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )

        return run

    def test_pywikibot_edits_as_the_account(self, wiki, container):
        """Through the variables alone."""
        ran = container(sys.executable, "-c", EDIT)
        assert ran.returncode == 0, ran.stderr
        revision = wiki.pages["Test"].revisions[-1]
        assert revision.user == "Alice"

    def test_status_and_whoami_know_it(self, wiki, person, container):
        """As a maintainer would look."""
        who = container(person.command, "whoami")
        assert (who.returncode, who.stdout) == (0, "Alice\n"), who.stderr
        status = container(person.command, "status")
        assert status.returncode == 0, status.stderr
        wiki.revoke("Alice")
        assert container(person.command, "status").returncode == 4
