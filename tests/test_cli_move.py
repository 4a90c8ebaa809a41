"""``pwb-oauth move``: from one store to another, and nothing is lost on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import count
from pathlib import Path
from unittest import mock

import pexpect
import pytest

from bot_actions import authors, edits, save
from person import Person, ended
from pwb_oauth import cli, sites
from pwb_oauth.accounts import Accounts
from pwb_oauth.cli import storage
from pwb_oauth.credential import Consumer, Credential, OAuth1AccessToken, OAuth2AccessToken
from pwb_oauth.encryption import new_key
from pwb_oauth.errors import LoginRequiredError
from pwb_oauth.stores.index import AccountIndex
from pwb_oauth.stores.sql import SqlTokenStore
from pwb_oauth.stores.sql_rows import CredentialRows
from pwb_oauth.testing.file_keyring import FileKeyring
from pwb_oauth.tokens import TokenKey, open_token_store

KEYS = new_key()
OBTAINED = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)
META, OTHER = "meta.wikimedia.org", "wiki.example.org:8443"
ALICE, BOB = TokenKey(META, "Alice"), TokenKey(OTHER, "Bób's bot")
DATABASES = os.environ.get("PWB_OAUTH_TEST_DB_URLS", "").split()


def of_alice(hours=0, renewed=0):
    """An OAuth 2.0 credential, as long as a wiki's, of a login and a renewal of it."""
    issued_at = OBTAINED + hours * HOUR + renewed * HOUR
    value = f"access{hours}{renewed}." + "x" * 3500
    token = OAuth2AccessToken(value, f"refresh{renewed}" * 50, issued_at + 4 * HOUR, issued_at)
    consumer = Consumer("client-id", "client-secret", callback_url="http://127.0.0.1:8080/callback")
    at = OBTAINED + hours * HOUR
    return Credential(consumer, token, ALICE.username, at, "4321", ("basic", "editpage"))


def of_bob():
    """An OAuth 1.0a credential."""
    consumer = Consumer("consumer-key", "consumer-secret", "1.0a", owner_only=True)
    token = OAuth1AccessToken("access-key", "access-secret")
    return Credential(consumer, token, BOB.username, OBTAINED, "99", ("basic",))


@pytest.fixture
def person(wiki, tmp_path):
    person = Person(wiki, tmp_path / "person")
    person.variables["PWB_OAUTH_ENCRYPTION_KEYS"] = KEYS
    return person


@pytest.fixture
def old(tmp_path):
    """The store that Alice and Bob are in."""
    store = database(tmp_path / "old.sqlite")
    store.save(ALICE, of_alice())
    store.save(BOB, of_bob())
    return store


@pytest.fixture
def new(tmp_path):
    """An empty store."""
    return database(tmp_path / "new.sqlite")


def database(path):
    return SqlTokenStore(f"sqlite:///{path}", KEYS)


def held(store):
    """What a store holds, asked anew."""
    opened = SqlTokenStore(store.url, KEYS)
    return {entry.key: opened.load(entry.key) for entry in opened.entries()}


def assert_no_secret(shown):
    for credential in (of_alice(), of_bob()):
        token = credential.access_token
        secrets = [credential.consumer.secret, getattr(token, "value", None)]
        secrets += [getattr(token, "secret", None), getattr(token, "refresh_token", None), KEYS]
        assert not [secret for secret in secrets if secret and secret in shown]


class TestMove:
    """One account, and all of them."""

    def test_at_a_terminal_the_account_is_chosen_and_moved_whole(self, person, old, new):
        """And the other one stays."""
        terminal = person.at_terminal("move", "--store", old.url, "--to", new.url)
        terminal.expect(r"1  Alice on meta\.wikimedia\.org")
        terminal.expect(r"2  Bób's bot on wiki\.example\.org:8443")
        terminal.expect("Which account")
        terminal.sendline("2")
        code, shown = ended(terminal)
        assert code == 0
        assert f"Bób's bot on wiki.example.org:8443 is now in {new.url}." in shown
        assert_no_secret(shown)
        assert held(old) == {ALICE: of_alice()}
        assert held(new) == {BOB: of_bob()}

    def test_over_a_pipe_nobody_is_asked(self, person, old, new):
        """Exit code 2 and the list; nothing was moved."""
        ran = person.over_pipe("move", "--store", old.url, "--to", new.url)
        assert (ran.returncode, ran.stdout) == (2, "")
        assert "Alice on meta.wikimedia.org; Bób's bot on wiki.example.org:8443" in ran.stderr
        assert ran.stderr.count("\n") == 1
        assert len(held(old)) == 2

    def test_named_account_is_moved_and_it_says_what_to_do_next(self, person, old, new):
        """Results on standard output, advice on standard error."""
        ran = person.over_pipe(
            "move",
            "https://de.wikipedia.org/",
            "--user",
            "alice",
            "--store",
            old.url,
            "--to",
            new.url,
        )
        assert ran.returncode == 0
        assert ran.stdout == f"Alice on meta.wikimedia.org is now in {new.url}.\n"
        assert f"Bots that are running still go by {old.url}" in ran.stderr
        how = f"with PWB_OAUTH_STORE={new.url} and with PWB_OAUTH_ENCRYPTION_KEYS"
        assert ran.stderr.endswith(f"Start them again {how}.\n")
        assert held(old) == {BOB: of_bob()}
        assert held(new) == {ALICE: of_alice()}

    def test_all_go_to_the_keyring_and_back(self, person, old, new):
        """Each as it was, to the microsecond."""
        ran = person.over_pipe("move", "--all", "--store", old.url, "--to", "keyring:")
        assert ran.returncode == 0
        assert ran.stderr.endswith("Start them again without PWB_OAUTH_STORE.\n")
        assert held(old) == {}
        with person.at_home():
            assert open_token_store().load(ALICE) == of_alice()
        person.variables["PWB_OAUTH_STORE"] = new.url
        back = person.over_pipe("move", "--all", "--store", "keyring:")
        assert back.returncode == 0
        assert held(new) == {ALICE: of_alice(), BOB: of_bob()}
        assert person.over_pipe("logout", "--store", "keyring:").returncode == 4
        assert "access" not in (person.home / "keyring.json").read_text()
        assert_no_secret(ran.stdout + ran.stderr + back.stdout + back.stderr)

    def test_named_account_again_it_is_fine_and_nothing_changes(self, person, old, new):
        """A run that was stopped at its very end."""
        line = ("move", META, "--store", old.url, "--to", new.url)
        assert person.over_pipe(*line).returncode == 0
        ran = person.over_pipe(*line)
        assert ran.returncode == 0
        assert ran.stdout == f"Alice on meta.wikimedia.org is in {new.url}.\n"
        assert held(new) == {ALICE: of_alice()}

    def test_ctrl_c_at_the_question_nothing_is_moved(self, person, old, new):
        """Exit code 130."""
        terminal = person.at_terminal("move", "--store", old.url, "--to", new.url)
        terminal.expect("Which account")
        terminal.sendintr()
        assert ended(terminal)[0] == 130
        assert (len(held(old)), held(new)) == (2, {})

    @pytest.mark.skipif(not DATABASES, reason="PWB_OAUTH_TEST_DB_URLS names no database server")
    @pytest.mark.parametrize("url", DATABASES, ids=lambda url: url.partition("+")[0])
    def test_through_a_database_server_and_on(self, person, old, new, url):
        """In both directions; its URL is not shown with what may be secret in it."""
        for one, other in ((old.url, url), (url, new.url)):
            ran = person.over_pipe("move", "--all", "--store", one, "--to", other)
            assert ran.returncode == 0, ran.stderr
            assert "?" not in ran.stdout
        assert held(new) == {ALICE: of_alice(), BOB: of_bob()}
        assert person.over_pipe("move", "--all", "--store", url, "--to", "keyring:").returncode == 4


class TestJson:
    """``--json``: one document on standard output, and all else beside it."""

    def report(self, person, *arguments):
        ran = person.over_pipe("move", "--json", *arguments)
        assert_no_secret(ran.stdout + ran.stderr)
        return ran.returncode, json.loads(ran.stdout)["accounts"], ran.stderr

    def test_all_each_is_listed_with_what_became_of_it(self, person, old, new):
        """In the words of migrate; the exit code says that it is not all."""
        new.save(ALICE, of_alice(hours=1))
        line = ("--all", "--store", old.url, "--to", new.url)
        code, (alice, bob), errors = self.report(person, *line)
        problem = alice.pop("problem")
        assert code == 1
        assert alice == {"wiki": META, "username": "Alice", "status": "left", "store": None}
        assert problem in errors
        assert problem.startswith(f"{new.url} has a newer credential of Alice on {META}")
        assert bob == {
            "wiki": OTHER,
            "username": "Bób's bot",
            "status": "moved",
            "problem": None,
            "store": new.url,
        }
        old.forget(ALICE)
        code, accounts, errors = self.report(person, *line)
        assert (code, {one["status"] for one in accounts}) == (0, {"moved"})
        assert "Start them again with PWB_OAUTH_STORE" in errors

    def test_named_account_cannot_be_moved_it_is_listed(self, person, old, new):
        """The error is on standard error too, in one line."""
        new.save(ALICE, of_alice(hours=1))
        code, (alice,), errors = self.report(person, META, "--store", old.url, "--to", new.url)
        assert (code, alice["status"], errors.count("\n")) == (1, "left", 1)
        assert held(old)[ALICE] == of_alice()

    @pytest.mark.parametrize("options", [[], ["--all"]])
    def test_nothing_to_move_the_document_is_there_all_the_same(self, person, new, options):
        """And exit code 4."""
        code, accounts, errors = self.report(person, "--to", new.url, *options)
        assert (code, accounts, errors.count("\n")) == (4, [], 1)


class TestWrongUse:
    """Exit code 2, and nothing is touched."""

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (["--to", "{old}", "--store", "{old}"], "Name the new store by --to"),
            (["--to", "{linked}", "--store", "{old}"], "Name the new store by --to"),
            ([], "That would move from keyring: to itself"),
            (["--to", "env:", "--store", "{old}"], "env: cannot keep a credential"),
            (["--to", "memory:", "--store", "{old}"], "memory: cannot keep a credential"),
            (["--to", "{old}", "--store", "env:"], "env: can only be read"),
            (["--to", "ftp://me:hunter2@host/x", "--store", "{old}"], "no such token store"),
        ],
    )
    def test_stores_that_do_not_fit_it_says_why(self, person, old, tmp_path, arguments, says):
        """One line, without any password."""
        (tmp_path / "linked.sqlite").hardlink_to(tmp_path / "old.sqlite")
        names = {"old": old.url, "linked": f"sqlite:///{tmp_path}/linked.sqlite"}
        ran = person.over_pipe("move", "--all", *(one.format(**names) for one in arguments))
        assert (ran.returncode, ran.stdout) == (2, "")
        assert says in ran.stderr
        assert ran.stderr.count("\n") == 1
        assert "hunter2" not in ran.stderr
        assert len(held(old)) == 2

    @pytest.mark.parametrize("option", ["--to", "--store"])
    def test_password_on_the_command_line_it_is_refused(self, person, old, option):
        """In one line that does not repeat it, and says where it belongs."""
        url = "mariadb+pymysql://me:hunter2@127.0.0.1:9/tokens"
        ran = person.over_pipe("move", "--all", option, url)
        assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (2, "", 1)
        assert f"into PWB_OAUTH_STORE and leave out {option}, or" in ran.stderr
        assert "?read_default_file=FILE" in ran.stderr
        assert "~/.pgpass" in ran.stderr
        assert "hunter2" not in ran.stderr
        assert len(held(old)) == 2

    def test_password_in_the_variable_the_next_step_does_not_repeat_it(self):
        """It says that something is missing from what it shows."""
        store = SqlTokenStore("mysql+pymysql://me:hunter2@db/x", KEYS)
        assert storage.how_found(store, None) == (
            "with PWB_OAUTH_STORE='mysql+pymysql://me:***@db/x' (and the password and the "
            "parameters that are not shown here) and with PWB_OAUTH_ENCRYPTION_KEYS"
        )

    @pytest.mark.parametrize("options", [[], ["--all"]])
    def test_nothing_to_move_it_is_4(self, person, new, options):
        """In neither of the stores."""
        ran = person.over_pipe("move", "--to", new.url, *options)
        assert (ran.returncode, ran.stdout) == (4, "")
        assert "pwb-oauth login" in ran.stderr

    def test_store_that_is_away_nothing_is_lost(self, person, old):
        """One line without the password, exit code 1. From the variable a password is taken."""
        person.variables["PWB_OAUTH_STORE"] = "postgresql+psycopg://me:hunter2@127.0.0.1:9/tokens"
        ran = person.over_pipe("move", META, "--store", old.url)
        assert (ran.returncode, ran.stdout) == (1, "")
        assert ran.stderr.count("\n") == 1
        assert "hunter2" not in ran.stderr
        assert len(held(old)) == 2

    def test_store_that_gives_something_else_back_nothing_is_lost(
        self, person, old, new, monkeypatch, capsys
    ):
        """What was written is read by a store that is opened for it."""
        load = SqlTokenStore.load

        def forgetful(store, key):
            found = load(store, key)
            return found and (replace(found, grants=()) if store.url == new.url else found)

        monkeypatch.setattr(SqlTokenStore, "load", forgetful)
        with person.at_home(), pytest.raises(SystemExit) as end:
            cli.main(["move", META, "--store", old.url, "--to", new.url])
        assert end.value.code == 1
        assert "does not give back what was written to it" in capsys.readouterr().err
        assert load(old, ALICE) == of_alice()

    def test_credential_was_deleted_in_the_keyring_it_is_4(self, person, old, new):
        """It is listed, and that is all."""
        person.over_pipe("move", "--all", "--store", old.url, "--to", "keyring:")
        (person.home / "keyring.json").write_text("{}")
        ran = person.over_pipe("move", META, "--store", "keyring:", "--to", new.url)
        assert (ran.returncode, ran.stdout) == (4, "")
        assert "The credential of Alice on meta.wikimedia.org is gone. Log in:" in ran.stderr


class TestTargetIsNotEmpty:
    """The new store knows the account already."""

    def move(self, person, old, new):
        return person.over_pipe("move", META, "--store", old.url, "--to", new.url)

    def test_newer_login_there_both_are_left_and_it_says_so(self, person, old, new):
        """It names the commands that decide."""
        new.save(ALICE, of_alice(hours=1))
        ran = self.move(person, old, new)
        assert (ran.returncode, ran.stdout) == (1, "")
        assert f"{new.url} has a newer credential of Alice on meta.wikimedia.org" in ran.stderr
        assert f"pwb-oauth logout {META} --user Alice --store {old.url}" in ran.stderr
        assert held(old)[ALICE] == of_alice()
        assert held(new) == {ALICE: of_alice(hours=1)}

    def test_older_login_there_it_is_replaced_and_it_says_so(self, person, old, new):
        """The person who moves wants the newer one."""
        new.save(ALICE, of_alice(hours=-24))
        ran = self.move(person, old, new)
        assert ran.returncode == 0
        assert f"the credential of 2026-01-01 that was in {new.url} is replaced" in ran.stderr
        assert held(new) == {ALICE: of_alice()}

    def test_same_login_renewed_there_that_one_stays(self, person, old, new):
        """A run was stopped, and bots went on with the new store: the token here is dead."""
        new.save(ALICE, of_alice(renewed=1))
        assert self.move(person, old, new).returncode == 0
        assert held(old) == {BOB: of_bob()}
        assert held(new) == {ALICE: of_alice(renewed=1)}

    def test_same_login_renewed_here_it_is_written_over(self, person, old, new):
        """A run was stopped, and bots went on with the old store."""
        old.save(ALICE, of_alice(renewed=2))
        new.save(ALICE, of_alice(renewed=1))
        assert self.move(person, old, new).returncode == 0
        assert held(new) == {ALICE: of_alice(renewed=2)}

    def test_one_of_several_cannot_be_moved_the_others_are(self, person, old, new):
        """And the exit code says that it is not all."""
        new.save(ALICE, of_alice(hours=1))
        ran = person.over_pipe("move", "--all", "--store", old.url, "--to", new.url)
        assert ran.returncode == 1
        assert "Warning: Alice on meta.wikimedia.org was not moved:" in ran.stderr
        assert held(old) == {ALICE: of_alice()}
        assert held(new)[BOB] == of_bob()


HOLD = """
import sys
from dataclasses import replace
from pwb_oauth.stores.sql import SqlTokenStore
from test_cli_move import ALICE, KEYS, of_alice
store = SqlTokenStore(sys.argv[1], sys.argv[2])
with store.locked(ALICE) as held:
    print("held", flush=True)
    sys.stdin.read()
    assert held.replace(of_alice(renewed=1))
"""


class TestRunningBot:
    """Another process is at work with the account."""

    def test_renewal_under_way_it_is_waited_for_and_moved(self, person, old, new):
        """What a bot gets from the wiki while it holds the lock is what is moved."""
        bot = subprocess.Popen(  # noqa: S603  # our own code
            [sys.executable, "-c", HOLD, old.url, KEYS],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**person.environment, "PYTHONPATH": str(Path(__file__).parent)},
        )
        assert bot.stdout.readline() == b"held\n"
        terminal = person.at_terminal("move", META, "--store", old.url, "--to", new.url)
        with pytest.raises(pexpect.TIMEOUT):
            terminal.expect("is now in", timeout=1)
        bot.communicate(timeout=30)
        assert bot.returncode == 0
        assert ended(terminal)[0] == 0
        assert held(new) == {ALICE: of_alice(renewed=1)}

    def test_bot_that_goes_on_with_the_old_store_is_told_and_does_not_edit(
        self, bot, monkeypatch, person, old, new
    ):
        """It does not go on anonymously. Started again with the new store it is signed in."""
        store = SqlTokenStore(old.url, KEYS)
        store.save(bot.key("Alice"), bot.credential("2.0"))
        monkeypatch.setattr(sites, "accounts", Accounts(store))
        site = bot.site("Alice")
        site.login()
        line = ("move", bot.wiki.api_url, "--store", old.url, "--to", new.url)
        assert person.over_pipe(*line).returncode == 0
        store._list.forget()  # a second later
        with pytest.raises(LoginRequiredError, match=r"logged out .* meanwhile"):
            save(site)
        assert edits(bot.wiki) == []
        monkeypatch.setattr(sites, "accounts", Accounts(SqlTokenStore(new.url, KEYS)))
        save(bot.site("Alice"))
        assert authors(bot.wiki, "Test") == ["Alice"]


STEPS = [
    (FileKeyring, "set_password"),
    (FileKeyring, "delete_password"),
    (AccountIndex, "put"),
    (AccountIndex, "remove"),
    (CredentialRows, "put"),
    (CredentialRows, "delete"),
]
"""Whatever changes something."""


def run_until(step, *arguments):
    """Run the command in a child that is killed before its nth change; whether it was killed."""
    child = os.fork()
    if not child:
        code = 70
        try:
            with (
                open(os.devnull, "w") as nowhere,  # noqa: PTH123
                redirect_stdout(nowhere),
                redirect_stderr(nowhere),
                ExitStack() as stack,
            ):
                changes = count()
                for owner, name in STEPS:
                    change = killing(getattr(owner, name), changes, step)
                    stack.enter_context(mock.patch.object(owner, name, change))
                cli.main(arguments)
        except SystemExit as end:
            code = end.code or 0
        finally:
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, step
    return os.WIFSIGNALED(status)


def killing(change, changes, step):
    def change_or_die(*arguments, **options):
        if next(changes) == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return change(*arguments, **options)

    return change_or_die


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
class TestKilled:
    """SIGKILL at any step; a second run ends well."""

    @pytest.mark.parametrize("back", [False, True], ids=["to the keyring", "from the keyring"])
    def test_second_run_finishes_and_nothing_is_left(self, person, old, tmp_path, back):
        """Each account is readable somewhere at every moment, and only in the new store at last."""
        database_url, stored = old.url, {ALICE: of_alice(), BOB: of_bob()}
        to, store = (database_url, "keyring:") if back else ("keyring:", database_url)
        line = ("move", "--all", "--to", to, "--store", store)
        with person.at_home():
            if back:
                run_until(None, "move", "--all", "--store", database_url, "--to", "keyring:")
            places = (person.home, tmp_path / "old.sqlite")
            before = [snapshot(place) for place in places]
            killed = 0
            while run_until(killed, *line):
                found = {**held(old), **in_keyring()}
                assert found == stored, killed
                run_until(None, *line)
                assert (in_keyring() if not back else held(old)) == stored, killed
                assert (held(old) if not back else in_keyring()) == {}, killed
                if back:
                    assert (person.home / "keyring.json").read_text() == "{}", killed
                    assert '"username"' not in index(person), killed
                for place, files in zip(places, before, strict=True):
                    put_back(place, files)
                killed += 1
        assert killed > 10


def in_keyring():
    opened = open_token_store("keyring:")
    return {entry.key: opened.load(entry.key) for entry in opened.entries()}


def index(person):
    return (person.home / "pwb-oauth" / "accounts.json").read_text()


def snapshot(place):
    files = [place] if place.is_file() else [one for one in place.rglob("*") if one.is_file()]
    return {one: one.read_bytes() for one in files}


def put_back(place, files):
    for path in set(snapshot(place)) - set(files):
        path.unlink()
    for path, content in files.items():
        path.write_bytes(content)
