"""``pwb-oauth login``, as a person at a terminal and as a program over a pipe."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy

from person import Person, ended
from pwb_oauth import cli, open_token_store
from pwb_oauth.cli import misplaced, storage
from pwb_oauth.cli.callback import DEFAULT_URL
from pwb_oauth.encryption import new_key
from pwb_oauth.errors import ReadOnlyStoreError
from pwb_oauth.tokens import TokenKey
from pwb_oauth.wiki import Wiki

KEY = "0123456789abcdef" * 2
HIDDEN = r"nothing is shown[^:]*\): "
SECOND_MACHINE = (
    "On a second machine share this store (a database), or register a consumer of its own: the "
    "wiki shows this one's secrets once, and resetting them ends this login."
)
HELP = "See: pwb-oauth login --help"


@pytest.fixture
def person(wiki, tmp_path):
    return Person(wiki, tmp_path / "person")


def owner_only(person, version="2.0", user="Alice", **options):
    """What the wiki shows to whoever registers such a consumer, and which of it is secret."""
    made = person.wiki.add_consumer(
        f"{user}'s {len(person.wiki.consumers)}",
        oauth_version=version,
        owner=user,
        owner_only=True,
        **options,
    )
    if version == "2.0":
        return made.access_token, [made.access_token]
    parts = [made.key, made.secret, made.access_token, made.access_secret]
    return ":".join(parts), [made.secret, made.access_secret]


def stored(person, user="Alice"):
    with person.at_home():
        return open_token_store("keyring:").load(TokenKey(person.host, user))


def entries(person):
    with person.at_home():
        return [entry.key.username for entry in open_token_store("keyring:").entries()]


class TestOwnerOnly:
    """Taking the access token of an owner-only consumer over."""

    @pytest.mark.parametrize("version", ["1.0a", "2.0"])
    def test_at_a_terminal_it_leads_through_and_shows_no_secret(self, person, version):
        """Where to register, what to tick, whose it is, what it may do, what to do next."""
        text, secrets = owner_only(person, version)
        terminal = person.at_terminal("login")
        terminal.expect(HIDDEN)
        before = terminal.before
        terminal.sendline(f"  {text} ")
        code, shown = ended(terminal)
        assert code == 0
        assert "OAuthConsumerRegistration%2Fpropose%2Foauth2&wpname=" in before
        assert "Edit existing pages (editpage)" in before
        assert f"Logged in to {person.host} as Alice (OAuth {version}, owner-only)." in shown
        assert "Create, edit, and move pages (createeditmovepage)" in shown
        assert "does not expire" in shown
        assert "It is stored in the keyring\r\n" in shown
        assert "Next: pwb-oauth setup" in shown
        assert "Warning" not in shown
        assert f"{SECOND_MACHINE}\r\n" in shown
        assert not [secret for secret in secrets if secret in before + shown]
        assert stored(person).oauth_version == version

    @pytest.mark.parametrize("version", ["1.0a", "2.0"])
    def test_over_a_pipe_it_takes_one_line(self, person, version):
        """What follows is not its business; the results alone are on standard output."""
        text, secrets = owner_only(person, version)
        ran = person.over_pipe("login", "--with-token", typed=f"{text} \r\nand more\n")
        assert ran.returncode == 0
        assert ran.stdout.startswith(f"Logged in to {person.host} as Alice")
        assert ran.stderr.splitlines() == [SECOND_MACHINE, "Next: pwb-oauth setup"]
        assert not [secret for secret in secrets if secret in ran.stdout + ran.stderr]
        assert stored(person).username == "Alice"

    def test_token_at_a_terminal_with_with_token_it_is_hidden(self, person):
        """Whoever forgets the pipe shows nothing either."""
        text, _ = owner_only(person)
        terminal = person.at_terminal("login", "--with-token")
        terminal.expect(HIDDEN)
        terminal.sendline(text)
        code, shown = ended(terminal)
        assert code == 0
        assert text not in shown

    def test_neither_terminal_nor_token_it_says_what_to_do(self, person):
        """It neither hangs nor takes a line that was not meant."""
        ran = person.over_pipe("login", typed=owner_only(person)[0] + "\n")
        assert (ran.returncode, ran.stdout) == (2, "")
        assert ran.stderr.count("\n") == 1
        assert "--with-token" in ran.stderr
        assert entries(person) == []

    def test_wrong_user_nothing_is_stored(self, person):
        """Both names are in the message."""
        text, secrets = owner_only(person)
        ran = person.over_pipe("login", "sandbox:en", "--with-token", "--user", "Bob", typed=text)
        assert ran.returncode == 1
        assert "'Alice'" in ran.stderr
        assert "'Bob'" in ran.stderr
        assert ran.stderr.count("\n") == 1
        assert secrets[0] not in ran.stderr
        assert entries(person) == []

    def test_user_written_otherwise_it_is_the_same(self, person):
        """A small first letter; and who names the account needs no comparison."""
        text, _ = owner_only(person, user="Bob")
        ran = person.over_pipe("login", "--with-token", "--user", "bob", typed=text)
        assert ran.returncode == 0
        assert "user-config.py names" not in ran.stderr
        assert entries(person) == ["Bob"]

    def test_another_account_than_configured_it_warns(self, person):
        """It is stored all the same: usernames is the person's to change."""
        text, _ = owner_only(person, user="Bob")
        ran = person.over_pipe("login", person.host, "--with-token", typed=text)
        assert ran.returncode == 0
        assert "Warning: user-config.py names Alice" in ran.stderr
        assert entries(person) == ["Bob"]

    def test_line_is_in_user_config_it_names_no_next_step(self, person):
        """Nothing is left to do; the line that is run meanwhile does no harm."""
        with person.config.open("a") as config:
            config.write("__import__('pwb_oauth').install()\n")
        ran = person.over_pipe("login", "--with-token", typed=owner_only(person)[0])
        assert ran.returncode == 0
        assert "Next" not in ran.stderr

    def test_grants_missing_and_risky_it_warns(self, person):
        """On standard error, each with its name on the wiki, and what to do."""
        grants = ("basic", "delete", "editmycssjs")
        text, _ = owner_only(person, grants=grants)
        ran = person.over_pipe("login", "--with-token", typed=text)
        assert ran.returncode == 0
        warnings = [line for line in ran.stderr.splitlines() if line.startswith("Warning: ")]
        assert [name for line in warnings for name in ("highvolume", *grants) if name in line] == [
            "highvolume",
            "delete",
            "editmycssjs",
        ]
        command = ran.stderr.partition("another one: ")[2].splitlines()[0].split()
        assert command == ["pwb-oauth", "register", person.host, "--owner-only"]
        assert person.over_pipe(*command[1:]).returncode == 0
        assert "Warning" not in ran.stdout

    @pytest.mark.parametrize("before", ["\ufeff", "\n", "\ufeff\r\n \n"], ids=ascii)
    def test_file_begins_with_a_mark_or_empty_lines_the_token_is_found(self, person, before):
        """As editors on Windows write it."""
        text, _ = owner_only(person)
        ran = person.over_pipe("login", "--with-token", typed=f"{before}{text}\n")
        assert ran.returncode == 0, ran.stderr

    def test_name_that_would_command_the_terminal_it_is_shown_as_characters(self, person):
        """In what login, status and whoami print of a wiki's words."""
        name = "Evil[/]\x1b[31mName\x9b2J\u202e"
        person.wiki.add_user(name)
        ran = person.over_pipe("login", "--with-token", typed=owner_only(person, user=name)[0])
        assert ran.returncode == 0, ran.stderr
        for command in ("status", "doctor", "whoami"):
            shown = person.over_pipe(command)
            ran.stdout += shown.stdout + shown.stderr
        assert shown.stdout == "Evil[/]\ufffd[31mName\ufffd2J\ufffd\n"
        assert ran.stdout.count(shown.stdout.strip()) >= 3
        assert not {"\x1b", "\x9b", "\u202e"} & {*(ran.stdout + ran.stderr)}

    @pytest.mark.parametrize("version", ["1.0a", "2.0"])
    def test_another_consumers_credential_is_replaced_it_says_so(self, person, version):
        """By its key, whichever of them is told; the same one needs no word."""
        texts = [owner_only(person, one) for one in (version, "2.0", "2.0")]
        old = next(iter(person.wiki.consumers))
        said = []
        for text, secrets in (texts[0], texts[1], texts[1]):
            ran = person.over_pipe("login", "--with-token", typed=text)
            assert ran.returncode == 0
            assert not [secret for secret in secrets if secret in ran.stderr]
            said.append("It replaces what was stored for Alice before: " in ran.stderr)
            if said == [False, True]:
                assert f"of an owner-only consumer ({old}), OAuth {version}." in ran.stderr
        assert said == [False, True, False]

    def test_other_store_than_scripts_open_it_warns(self, person):
        """They would not find what is in it; in their own it says nothing."""
        url = f"sqlite:///{person.home}/tokens.sqlite"
        person.variables["PWB_OAUTH_ENCRYPTION_KEYS"] = person.over_pipe("key").stdout.strip()
        line = ("login", "--with-token", "--store")
        ran = person.over_pipe(*line, url, typed=owner_only(person)[0])
        assert (
            f"Warning: Scripts find what is in {url} only with PWB_OAUTH_STORE={url} " in ran.stderr
        )
        assert "PWB_OAUTH_ENCRYPTION_KEYS" in ran.stderr
        ran = person.over_pipe(*line, "keyring:", typed=owner_only(person)[0])
        assert (ran.returncode, "Warning" in ran.stderr) == (0, False)
        for other in (url, "nonsense:"):
            person.variables["PWB_OAUTH_STORE"] = other
            ran = person.over_pipe(*line, "keyring:", typed=owner_only(person)[0])
            assert ran.returncode == 0
            told = "Scripts find what is in the keyring only without PWB_OAUTH_STORE."
            assert told in ran.stderr

    @pytest.mark.parametrize(
        "text",
        ["", "\n\n", "a:b:c:d:e", "hunter2password", "x" * 20_000, "a.b." + "c" * 70_000],
        ids=len,
    )
    def test_no_token_it_says_what_to_give(self, person, text):
        """The wiki is not asked, and what was given is not repeated."""
        ran = person.over_pipe("login", "--with-token", typed=text)
        assert ran.returncode == 2
        assert "Give the access token of an owner-only consumer" in ran.stderr
        assert ran.stderr.count("\n") == 1
        assert len(ran.stderr) < 1000
        assert "hunter2" not in ran.stderr
        assert not len(person.wiki.log)

    @pytest.mark.parametrize("text", ["garb.age.x", "a:hidden1:c:hidden2"])
    def test_token_that_the_wiki_refuses_the_old_one_stays(self, person, text):
        """Exit code 4, and what was stored before still is."""
        person.over_pipe("login", "--with-token", typed=owner_only(person)[0])
        before = stored(person)
        ran = person.over_pipe("login", "--with-token", typed=text)
        assert (ran.returncode, ran.stdout) == (4, "")
        assert "hidden" not in ran.stderr
        assert stored(person) == before

    def test_two_at_the_same_time_one_of_them_is_kept_whole(self, person):
        """Both end well, and what is stored is one of the two."""
        texts = [owner_only(person)[0] for _ in range(2)]
        runs = []
        threads = [
            threading.Thread(
                target=lambda text=text: runs.append(
                    person.over_pipe("login", "--with-token", typed=text)
                )
            )
            for text in texts
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [ran.returncode for ran in runs] == [0, 0]
        assert stored(person).access_token.value in texts


class TestBadInput:
    """What cannot be: one line with the next step, and the exit code that says which."""

    @pytest.mark.parametrize(
        ("arguments", "code", "says"),
        [
            (["nonsense:xx", "--with-token"], 2, "Give family:code"),
            (["http://wiki.example", "--with-token"], 2, "use the wiki's https address"),
            (["127.0.0.1:9", "--with-token"], 1, "Check the address and the network"),
            (["--store", "env:", "--with-token"], 2, "Name another store"),
            (["--store", "memory:", "--with-token"], 2, "Name another store"),
            (["--store", "ftp://me:hunter2@db/x", "--with-token"], 2, "take keyring:, env:"),
            (["--consumer", KEY, "--with-token"], 2, f"--consumer obtains one. {HELP}"),
            (["--callback", DEFAULT_URL], 2, f"go with --consumer. {HELP}"),
            (["--consumer", KEY, "--callback", "oob"], 2, f"not an http or https URL. {HELP}"),
            (["--consumer", KEY, "--callback", "http://127.0.0.1:x/"], 2, f"URL. {HELP}"),
            (["--consumer", f"{KEY}:hunter2:{KEY}:x"], 2, f"have it reset on the wiki. {HELP}"),
            (["--consumer", "hunter2"], 2, f"have it reset on the wiki. {HELP}"),
            (["--callback", "hunter2"], 2, f"not an http or https URL. {HELP}"),
        ],
    )
    def test_it_is_one_line(self, person, arguments, code, says):
        """Nothing is stored, and the wiki that is there is not asked."""
        ran = person.over_pipe("login", *arguments, typed="a.b.c\n" if code == 1 else "\n")
        assert (ran.returncode, ran.stdout) == (code, "")
        assert says in ran.stderr
        assert ran.stderr.startswith("pwb-oauth: ")
        assert ran.stderr.count("\n") == 1
        assert "hunter2" not in ran.stderr
        assert not len(person.wiki.log)
        assert entries(person) == []

    @pytest.mark.parametrize(
        ("arguments", "fault"),
        [
            (["--with-token"], None),
            (["--with-token"], "html"),
            (["--consumer", KEY], None),
            (["--consumer", KEY], "html"),
            (["--consumer", KEY, "--oauth", "1.0a"], None),
            (["--consumer", KEY, "--oauth", "1.0a"], "html"),
        ],
    )
    def test_wiki_without_oauth_it_says_so(self, person, arguments, fault):
        """Before a person is sent to a page that is not there."""
        where = person.host if fault else f"{person.host}/other/api.php"
        if fault:
            person.wiki.fail_next(fault)
        ran = person.over_pipe("login", where, *arguments, typed="a.b.c\n")
        assert (ran.returncode, ran.stdout) == (1, "")
        assert ran.stderr.startswith("pwb-oauth: ")
        assert "check the wiki's address and whether Special:Version there lists" in ran.stderr
        assert ran.stderr.count("\n") == 1
        assert person.visited == []
        assert entries(person) == []

    @pytest.mark.parametrize(
        "arguments",
        [[], ["--consumer", KEY], ["--consumer", KEY, "--oauth", "1.0a"]],
        ids=["owner-only", "2.0", "1.0a"],
    )
    def test_wiki_without_oauth_at_a_terminal_no_secret_is_asked_for(self, person, arguments):
        """Nor is a person led to a form that is not there: it is one line, at once."""
        where = f"{person.host}/other/api.php"
        code, shown = ended(person.at_terminal("login", where, *arguments))
        assert code == 1
        assert shown.startswith("pwb-oauth: ")
        assert "check the wiki's address and whether Special:Version there lists" in shown
        assert shown.count("\n") == 1
        assert person.visited == []

    def test_1_0a_without_a_secret_it_says_where_to_get_one(self, person):
        """An empty line is no secret there, over a pipe and at a terminal."""
        line = ["login", "--consumer", KEY, "--oauth", "1.0a"]
        ran = person.over_pipe(*line, typed="\n")
        assert (ran.returncode, ran.stdout) == (2, "")
        assert ran.stderr.startswith("pwb-oauth: An OAuth 1.0a consumer needs a key and a secret")
        assert "Give the one that the wiki showed" in ran.stderr
        assert ran.stderr.count("\n") == 1
        terminal = person.at_terminal(*line)
        terminal.expect(HIDDEN)
        terminal.sendline("")
        code, shown = ended(terminal)
        assert (code, shown.split()) == (2, ran.stderr.split())
        assert person.visited == []

    def test_no_keyring_it_names_other_stores_before_it_asks(self, person):
        """Neither the person nor the wiki; on a server that is a database or the environment."""
        person.variables["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
        code, shown = ended(person.at_terminal("login"))
        assert code == 1
        assert "PWB_OAUTH_STORE, --store or --to: sqlite:" in shown
        assert "env: takes one account" in shown
        assert not len(person.wiki.log)

    def test_database_that_is_not_there_it_says_so_before_it_asks(self, person):
        """Its folder is missing."""
        person.variables["PWB_OAUTH_ENCRYPTION_KEYS"] = person.over_pipe("key").stdout.strip()
        store = f"sqlite:///{person.home}/none/tokens.db"
        ran = person.over_pipe("login", "--with-token", "--store", store, typed="a.b.c\n")
        assert (ran.returncode, ran.stdout) == (1, "")
        assert "cannot be opened" in ran.stderr
        assert not len(person.wiki.log)


class TestTokenOnTheCommandLine:
    """Where none belongs: it is not repeated, and who typed it is told what to do."""

    @pytest.mark.parametrize(
        "token",
        [
            f"{KEY}:{KEY}0:{KEY}:{KEY}0",
            "eyJ0.eyJhdWQi.c2ln",
            KEY,
            "a:b:c:d",
            "hunter2" * 20,
            "ab." * 100,
        ],
        ids=len,
    )
    @pytest.mark.parametrize(
        "arguments",
        [
            ["login", "TOKEN"],
            ["login", "--user", "TOKEN", "--with-token"],
            ["status", "TOKEN"],
            ["whoami", "TOKEN"],
            ["logout", "--user", "TOKEN"],
            ["register", "--owner-only", "TOKEN"],
            ["doctor", "https://TOKEN"],
            ["login", "--oauth", "TOKEN"],
            ["TOKEN"],
        ],
        ids=" ".join,
    )
    def test_it_is_refused_and_not_repeated(self, token, arguments, capsys):
        """As the name of a wiki, of a user, or of anything else."""
        line = [word.replace("TOKEN", token) for word in arguments]
        with pytest.raises(SystemExit) as end:
            cli.main(line)
        out, err = capsys.readouterr()
        assert (end.value.code, out, err.count("\n")) == (2, "", 1)
        assert "does not belong on a command line" in err
        assert "reset" in err
        assert token.lower() not in err.lower()

    @pytest.mark.parametrize(
        "text",
        [
            f"https://meta.wikimedia.org/wiki/Special:OAuthListConsumers/view/{KEY}",
            "https://de.wikipedia.org/wiki/A:B:C:D",
            "http://[2001:db8::1]:8080/w/api.php",
        ],
    )
    def test_address_of_any_page_is_no_token(self, text):
        """Its path may hold whatever it likes."""
        assert not misplaced.looks_like_token(misplaced.host_in(text))


class TestOpenForSaving:
    """A store is tried before anything is asked."""

    @pytest.fixture
    def store(self, tmp_path, monkeypatch):
        monkeypatch.setenv("PWB_OAUTH_ENCRYPTION_KEYS", new_key())
        store = open_token_store(f"sqlite:///{tmp_path}/tokens.db")
        monkeypatch.setattr(storage, "open_token_store", lambda url: store)
        return store

    def test_trial_leaves_nothing(self, store):
        """No account is listed that nobody logged in to."""
        assert storage.open_for_saving(None, Wiki.from_url("wiki.example")) is store
        assert store.entries() == ()

    def test_database_that_can_only_be_read_is_refused(self, store):
        """Reading from it would do for a script, not for a login."""
        store.entries()
        database = store._rows._database
        sqlalchemy.event.listen(
            database._engine, "connect", lambda raw, _: raw.execute("PRAGMA query_only = 1")
        )
        with pytest.raises(ReadOnlyStoreError, match="only be read"):
            storage.open_for_saving(None, Wiki.from_url("wiki.example"))


class TestInterrupted:
    """Ctrl-C anywhere: 130, the port is free, the terminal as it was, nothing stored."""

    def test_at_the_access_token(self, person):
        """Half of one is typed already."""
        terminal = person.at_terminal("login")
        terminal.expect(HIDDEN)
        terminal.send("half a token")
        terminal.sendintr()
        code, shown = ended(terminal)
        assert code == 130
        assert "Interrupted" in shown
        assert "half" not in shown
        assert "Traceback" not in shown
        assert entries(person) == []

    def test_while_the_wiki_is_asked(self, person):
        """The token was good."""
        person.wiki.fail_next("hang", seconds=20)
        terminal = person.at_terminal("login", "--with-token")
        terminal.expect(HIDDEN)
        terminal.sendline(owner_only(person)[0])
        terminal.expect("\r\n")
        terminal.sendintr()
        assert ended(terminal)[0] == 130
        assert entries(person) == []
