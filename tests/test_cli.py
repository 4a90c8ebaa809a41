"""The command ``pwb-oauth``: what it prints, stores, refuses and exits with."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path
from urllib.parse import urlsplit

import keyring
import pytest
import requests
from click.testing import CliRunner

from bots import Bot
from pwb_oauth import cli, open_token_store
from pwb_oauth.cli import demo_run
from pwb_oauth.cli.demo_run import Kind
from pwb_oauth.encryption import Cipher
from pwb_oauth.errors import (
    AuthorizationDeniedError,
    ConfigurationError,
    LoginRequiredError,
    StateMismatchError,
    StoreUnavailableError,
    TokenRequestError,
    TransportError,
    UsernameMismatchError,
)
from pwb_oauth.testing.file_keyring import VARIABLE, FileKeyring
from pwb_oauth.tokens import TokenKey

CALLBACK = "http://127.0.0.1:9/callback"
KINDS = [kind.name for kind in demo_run.KINDS]


@pytest.fixture
def file_keyring(tmp_path, monkeypatch):
    """A keyring in a file, for this process."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "keyring.json"))
    before = keyring.get_keyring()
    keyring.set_keyring(FileKeyring())
    yield tmp_path / "keyring.json"
    keyring.set_keyring(before)


class Terminal:
    """Somebody at a terminal, and what they see."""

    def __init__(self):
        self.shown = ""

    def type(self, *arguments, lines=()):
        """Run the command; its exit code.

        An error leaves as an exception here. ``main`` makes a line and an exit code of it.
        """
        typed = io.BufferedReader(_Typed(lines))
        result = CliRunner().invoke(cli.cli, arguments, input=typed, prog_name="pwb-oauth")
        self.shown += result.output
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            self.shown += "".join(traceback.format_exception(result.exception))
            raise result.exception
        return result.exit_code


class _Typed(io.RawIOBase):
    """Lines that are typed one at a time; a callable is asked when its turn comes."""

    def __init__(self, lines):
        super().__init__()
        self._lines = list(lines)
        self._rest = b""

    def readable(self):
        return True

    def readinto(self, buffer):
        if not self._rest and self._lines:
            line = self._lines.pop(0)
            self._rest = f"{line() if callable(line) else line}\n".encode()
        now, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(now)] = now
        return len(now)


@pytest.fixture
def terminal():
    return Terminal()


@pytest.fixture
def opened(monkeypatch):
    """The addresses that a browser was sent to."""
    addresses = []
    monkeypatch.setattr("webbrowser.open", addresses.append)
    return addresses


@pytest.fixture
def bot(wiki, tmp_path, file_keyring):
    return Bot(wiki, tmp_path)


def owner_only(wiki, version):
    """What the wiki shows to whoever registers such a consumer, and which of it is secret."""
    made = wiki.add_consumer("Mine", oauth_version=version, owner="Alice", owner_only=True)
    if version == "2.0":
        return made.access_token, [made.access_token]
    parts = [made.key, made.secret, made.access_token, made.access_secret]
    return ":".join(parts), [made.secret, made.access_secret]


def stored(bot, user="Alice"):
    return open_token_store("keyring:").load(TokenKey(bot.host, user))


class TestGroup:
    """The command as a whole."""

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (["--help"], "login"),
            (["-h"], "demo"),
            (["login", "--help"], "--with-token"),
            (["demo", "--help"], "--browser"),
            (["--version"], "pwb-oauth, version "),
        ],
    )
    def test_help_it_exits_with_0(self, terminal, arguments, says):
        """And names what there is."""
        assert terminal.type(*arguments) == 0
        assert says in terminal.shown

    def test_our_error_it_is_one_line_and_exit_code_1(self, monkeypatch, capsys):
        """No traceback for what a person can do something about."""
        monkeypatch.setattr(sys, "argv", ["pwb-oauth", "login", "ftp://example.org"])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        assert ended.value.code == 1
        assert out == ""
        assert err.startswith("pwb-oauth: That is not the address of a wiki.")
        assert err.count("\n") == 1

    def test_unknown_option_it_exits_with_2(self, terminal):
        """As commands do."""
        assert terminal.type("login", "--password", "x") == 2


class TestLoginWithToken:
    """Taking the access token of an owner-only consumer over."""

    @pytest.mark.parametrize("version", ["1.0a", "2.0"])
    @pytest.mark.parametrize("options", [["--with-token"], []])
    def test_token_given_it_is_stored_and_never_shown(self, bot, terminal, version, options):
        """From standard input and at a prompt."""
        text, secrets = owner_only(bot.wiki, version)
        assert terminal.type("login", bot.wiki.api_url, *options, lines=[text]) == 0
        assert f"Logged in to {bot.host} as Alice (OAuth {version}, " in terminal.shown
        assert "__import__('pwb_oauth').install()" in terminal.shown
        assert stored(bot).oauth_version == version
        assert stored(bot).username == "Alice"
        assert not [secret for secret in secrets if secret in terminal.shown]

    def test_at_a_prompt_it_says_where_to_register(self, bot, terminal):
        """With the address that the form is at."""
        terminal.type("login", bot.wiki.api_url, lines=[owner_only(bot.wiki, "2.0")[0]])
        assert f"{bot.wiki.index_url}?title=Special%3AOAuthConsumerRegistration" in terminal.shown

    def test_user_given_as_the_wiki_does_not_write_it_it_is_the_same(self, bot, terminal):
        """Underscores and a small first letter."""
        text, _ = owner_only(bot.wiki, "2.0")
        line = ["login", bot.wiki.api_url, "--with-token", "--user", "alice"]
        assert terminal.type(*line, lines=[text]) == 0

    def test_wrong_user_nothing_is_stored(self, bot, terminal):
        """Both names are in the message."""
        text, secrets = owner_only(bot.wiki, "2.0")
        line = ["login", bot.wiki.api_url, "--with-token", "--user", "Bob"]
        with pytest.raises(UsernameMismatchError, match=r"'Alice'.*'Bob'"):
            terminal.type(*line, lines=[text])
        assert stored(bot) is None
        assert stored(bot, "Bob") is None
        assert secrets[0] not in terminal.shown

    @pytest.mark.parametrize(
        "text", ["", "a:b", "a:b:c:", "two words", "ä", "a:b:c:d:e", "\x00", "x" * 20_000 + "!"]
    )
    def test_garbage_it_says_what_to_give(self, bot, terminal, text):
        """The wiki is not asked, and what was typed is not repeated."""
        with pytest.raises(ConfigurationError, match="Give the access token of an owner-only"):
            terminal.type("login", bot.wiki.api_url, "--with-token", lines=[text])
        assert not len(bot.wiki.log)
        assert len(terminal.shown) < 8000

    @pytest.mark.parametrize("text", ["garbage", "a:hidden1:c:hidden2"])
    def test_unknown_token_it_is_refused_and_the_old_one_stays(self, bot, terminal, text):
        """What was stored before still is."""
        good, _ = owner_only(bot.wiki, "2.0")
        terminal.type("login", bot.wiki.api_url, "--with-token", lines=[good])
        before = stored(bot)
        with pytest.raises(LoginRequiredError):
            terminal.type("login", bot.wiki.api_url, "--with-token", lines=[text])
        assert stored(bot) == before
        assert "hidden" not in terminal.shown

    @pytest.mark.parametrize("fault", ["503", "html", "half-json", "empty", "cut"])
    def test_wiki_answers_nonsense_nothing_is_stored(self, bot, terminal, fault):
        """An error that says try again, at once."""
        text, _ = owner_only(bot.wiki, "2.0")
        bot.wiki.fail_next(fault)
        with pytest.raises(TransportError):
            terminal.type("login", bot.wiki.api_url, "--with-token", lines=[text])
        assert stored(bot) is None

    def test_nothing_typed_it_is_aborted(self, bot, terminal):
        """The input ends at the prompt."""
        assert terminal.type("login", bot.wiki.api_url) == 1
        assert "Aborted" in terminal.shown

    @pytest.mark.parametrize("url", ["env:", "memory:"])
    def test_store_that_keeps_nothing_it_says_so_before_it_asks(self, bot, terminal, url):
        """An answer of the wiki cannot be had twice."""
        with pytest.raises(ConfigurationError, match=f"{url} cannot keep an access token"):
            terminal.type("login", bot.wiki.api_url, "--store", url)

    def test_unknown_store_it_says_so_before_it_asks(self, bot, terminal):
        """Its address is not repeated: it may hold a password."""
        with pytest.raises(ConfigurationError, match="no such token store"):
            terminal.type("login", bot.wiki.api_url, "--store", "ftp://me:hunter2@db/x")
        assert "hunter2" not in terminal.shown

    def test_no_keyring_it_names_the_alternatives(self, bot, terminal):
        """One clear error on a machine without one."""
        keyring.set_keyring(keyring.backends.fail.Keyring())
        text, _ = owner_only(bot.wiki, "2.0")
        with pytest.raises(StoreUnavailableError, match="PWB_OAUTH_STORE=env:"):
            terminal.type("login", bot.wiki.api_url, "--with-token", lines=[text])

    def test_not_https_nothing_is_sent(self, bot, terminal):
        """A token does not travel in clear text."""
        with pytest.raises(ConfigurationError, match="not https"):
            terminal.type("login", "http://wiki.example/w/api.php", "--with-token", lines=["abc"])


class TestLoginByConsumer:
    """Obtaining an access token in the browser."""

    def register(self, bot, version, **options):
        return bot.wiki.add_consumer(
            "Tool", oauth_version=version, owner="Admin", callback_url=CALLBACK, **options
        )

    def line(self, bot, consumer, *options):
        key = ["--consumer", consumer.key, "--oauth", consumer.oauth_version]
        return ["login", bot.wiki.api_url, *key, "--callback", CALLBACK, *options]

    @pytest.mark.parametrize(
        ("version", "options"),
        [("1.0a", {}), ("2.0", {}), ("2.0", {"confidential": False})],
        ids=["1.0a", "2.0", "2.0 public"],
    )
    def test_allowed_it_is_stored_and_no_secret_shown(
        self, bot, terminal, opened, version, options
    ):
        """The browser was sent to the address that is also shown."""
        consumer = self.register(bot, version, **options)
        answers = []

        def paste():
            answers.append(bot.wiki.approve(opened[0], "Bob"))
            return answers[0]

        assert terminal.type(*self.line(bot, consumer), lines=[consumer.secret, paste]) == 0
        credential = stored(bot, "Bob")
        assert credential.consumer.callback_url == CALLBACK
        assert opened[0] in terminal.shown
        token = credential.access_token
        secret = token.secret if version == "1.0a" else token.value
        # What was pasted is echoed by the terminal, so it is no part of this.
        shown = terminal.shown.replace(answers[0], "")
        assert consumer.secret not in shown
        assert secret not in shown

    def test_out_of_band_the_code_is_enough(self, bot, terminal, opened):
        """The page shows it, and the person types it."""
        consumer = bot.wiki.add_consumer("Tool", oauth_version="1.0a", owner="Admin")

        def code():
            query = bot.wiki.approve(opened[0], "Bob").partition("?")[2]
            return dict(pair.split("=") for pair in query.split("&"))["oauth_verifier"]

        line = ["login", bot.wiki.api_url, "--consumer", consumer.key, "--oauth", "1.0a"]
        assert terminal.type(*line, lines=[consumer.secret, code]) == 0
        assert stored(bot, "Bob").oauth_version == "1.0a"

    def test_cancelled_it_says_so(self, bot, terminal, opened):
        """The wiki sends an error back."""
        consumer = self.register(bot, "2.0")

        def cancel():
            return bot.wiki.approve(opened[0], "Bob", allow=False)

        with pytest.raises(AuthorizationDeniedError):
            terminal.type(*self.line(bot, consumer), lines=[consumer.secret, cancel])
        assert stored(bot, "Bob") is None

    @pytest.mark.parametrize("version", ["1.0a", "2.0"])
    def test_address_of_another_attempt_it_is_refused(self, bot, terminal, opened, version):
        """What somebody else began is not finished here."""
        consumer = self.register(bot, version)
        foreign = f"{CALLBACK}?code=abc&state=xyz&oauth_token=abc&oauth_verifier=def"
        with pytest.raises(StateMismatchError):
            terminal.type(*self.line(bot, consumer), lines=[consumer.secret, foreign])

    @pytest.mark.parametrize("version", ["1.0a", "2.0"])
    def test_wrong_secret_it_says_so(self, bot, terminal, opened, version):
        """At the first request that is signed with it, and without repeating it."""
        consumer = self.register(bot, version)

        def paste():
            return bot.wiki.approve(opened[0], "Bob")

        with pytest.raises(TokenRequestError):
            terminal.type(*self.line(bot, consumer), lines=["hunter2", paste])
        assert "hunter2" not in terminal.shown

    def test_another_account_allowed_nothing_is_stored(self, bot, terminal, opened):
        """The browser was signed in as somebody else."""
        consumer = self.register(bot, "2.0")
        line = self.line(bot, consumer, "--user", "Alice")
        with pytest.raises(UsernameMismatchError):
            terminal.type(
                *line, lines=[consumer.secret, lambda: bot.wiki.approve(opened[0], "Bob")]
            )
        assert open_token_store("keyring:").entries() == ()

    def test_oauth1_without_a_secret_it_says_what_is_missing(self, bot, terminal, opened):
        """The prompt takes an empty line, for public OAuth 2.0 consumers."""
        with pytest.raises(ConfigurationError, match="a key and a secret"):
            terminal.type(*self.line(bot, self.register(bot, "1.0a")), lines=[""])

    def test_token_and_consumer_it_is_a_wrong_use(self, bot, terminal):
        """One of the two would be ignored in silence."""
        line = ["login", bot.wiki.api_url, "--consumer", "abc", "--with-token"]
        assert terminal.type(*line) == 2


class TestKey:
    """``pwb-oauth key``."""

    def test_key_is_one_that_encrypts(self, terminal, monkeypatch):
        """As it is printed it goes into the variable, and each is another."""
        terminal.type("key")
        terminal.type("key")
        one, other = terminal.shown.split()
        assert one != other
        monkeypatch.setenv("PWB_OAUTH_ENCRYPTION_KEYS", f"{one} {other}")
        cipher = Cipher.of("store")
        assert cipher.decrypt(cipher.encrypt("text")) == "text"


class TestLogout:
    """``pwb-oauth logout``."""

    @pytest.fixture
    def logged_in(self, bot, terminal):
        """Two accounts in the keyring."""
        for name in ("Alice", "Bob"):
            credential = bot.credential("1.0a owner-only", name)
            open_token_store("keyring:").save(bot.key(name), credential)
        return terminal

    def test_named_account_is_forgotten_and_the_other_is_not(self, bot, logged_in):
        """It says where the grant itself is withdrawn."""
        assert logged_in.type("logout", bot.wiki.api_url, "--user", "bob") == 0
        assert stored(bot, "Bob") is None
        assert stored(bot, "Alice") is not None
        assert "Special%3AOAuthManageMyGrants" in logged_in.shown

    def test_only_account_needs_no_name(self, bot, logged_in):
        """There is no doubt which is meant."""
        logged_in.type("logout", bot.wiki.api_url, "--user", "Bob")
        assert logged_in.type("logout", bot.wiki.api_url) == 0
        assert stored(bot, "Alice") is None

    @pytest.mark.parametrize("options", [[], ["--user", "Carol"]])
    def test_no_account_that_fits_it_lists_those_that_are_there(self, bot, logged_in, options):
        """Nothing is forgotten by guessing."""
        with pytest.raises(ConfigurationError, match=r"'Alice', 'Bob'.*--user"):
            logged_in.type("logout", bot.wiki.api_url, *options)
        assert stored(bot, "Alice") is not None


class TestDemo:
    """The demo, in a process of its own and with things going wrong."""

    @pytest.fixture
    def one_kind(self, monkeypatch, file_keyring):
        """Only one kind of consumer, to be quick."""
        monkeypatch.setattr(demo_run, "KINDS", (Kind("OAuth 2.0, owner-only", "2.0", True),))

    def script(self, tmp_path, monkeypatch, text):
        path = tmp_path / "script.py"
        path.write_text(text)
        monkeypatch.setattr(demo_run, "_quickstart", lambda: path)

    def test_each_kind_is_right_and_it_is_quick(self, tmp_path):
        """Behind a proxy that is not there, with nothing left behind in the home folder."""
        home = tmp_path / "empty"
        home.mkdir()
        proxy = dict.fromkeys(("http_proxy", "HTTP_PROXY"), "http://127.0.0.1:9")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PY")}
        for name in ("NO_PROXY", "no_proxy"):
            kept.pop(name, None)
        began = time.monotonic()
        ran = subprocess.run(  # noqa: S603  # our own command
            [Path(sys.executable).with_name("pwb-oauth"), "demo"],
            env={**kept, **proxy, "HOME": str(home), "TMPDIR": str(tmp_path), "COLUMNS": "80"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (ran.returncode, ran.stderr) == (0, "")
        assert time.monotonic() - began < 15
        assert "✓ Each of these was checked" in ran.stdout
        assert "…" not in ran.stdout
        assert max(map(len, ran.stdout.splitlines())) <= 80
        for number in range(len(KINDS)):
            assert ran.stdout.count(f" Demo {number} ") == 3
        assert ran.stdout.count("(anonymous)") == 2 * len(KINDS)
        assert ran.stdout.count("(signed in)") == len(KINDS)
        assert list(home.iterdir()) == []
        assert not list(tmp_path.glob("pwb-oauth-demo-*"))

    def test_script_says_something_else_it_exits_with_1(
        self, terminal, tmp_path, monkeypatch, one_kind
    ):
        """Every step that is not right is named."""
        self.script(tmp_path, monkeypatch, "print('before: Demo 0 (signed in)')")
        assert terminal.type("demo") == 1
        assert "before: expected '127.0.0.1 (anonymous)', but it was 'Demo 0" in terminal.shown
        assert "edit requests: expected ['oauth2'], but it was []" in terminal.shown
        assert "✓" not in terminal.shown

    def test_edit_is_somebody_elses_it_exits_with_1(
        self, terminal, tmp_path, monkeypatch, one_kind
    ):
        """What the script says does not count, what the wiki saw does."""
        said = [
            "before: 127.0.0.1 (anonymous)",
            "after sign-in: Demo 0 (signed in)",
            "edit by: Demo 0",
            "after sign-out: 127.0.0.1 (anonymous)",
        ]
        self.script(tmp_path, monkeypatch, f"print({chr(10).join(said)!r})")
        assert terminal.type("demo") == 1
        assert "the revision's author: expected 'Demo 0', but it was None" in terminal.shown

    def test_script_fails_its_last_words_are_shown_as_they_are(
        self, terminal, tmp_path, monkeypatch, one_kind
    ):
        """Square brackets are Pywikibot's way to write a page's name."""
        text = "raise SystemExit('Edit to page [[sandbox:en:X]] failed [/red] [red]')"
        self.script(tmp_path, monkeypatch, text)
        assert terminal.type("demo") == 1
        assert "[[sandbox:en:X]] failed [/red] [red]" in terminal.shown.replace("\n", " ")

    def test_script_hangs_it_is_ended(self, terminal, tmp_path, monkeypatch, one_kind):
        """And counts as wrong."""
        monkeypatch.setattr(demo_run, "_SECONDS_FOR_SCRIPT", 0.2)
        self.script(tmp_path, monkeypatch, "import time; time.sleep(30)")
        assert terminal.type("demo") == 1
        assert "did not end within" in terminal.shown

    def test_wiki_refuses_the_token_it_exits_with_1(self, terminal, monkeypatch, one_kind):
        """The real script, with a token that was withdrawn after the login."""
        prepare = demo_run.Stage.prepare

        def prepare_and_withdraw(stage, **options):
            prepare(stage, **options)
            stage.wiki.revoke(stage.user)

        monkeypatch.setattr(demo_run.Stage, "prepare", prepare_and_withdraw)
        assert terminal.type("demo") == 1
        assert "LoginRequiredError" in terminal.shown

    def test_environment_is_put_back(self, terminal, tmp_path, monkeypatch, one_kind):
        """The demo is also run by tests, in their process."""
        before = dict(os.environ)
        self.script(tmp_path, monkeypatch, "")
        terminal.type("demo")
        assert dict(os.environ) == before

    def test_keep_it_tells_how_to_sign_in_until_interrupted(
        self, terminal, tmp_path, monkeypatch, one_kind
    ):
        """The wiki is still there when it says so."""
        self.script(tmp_path, monkeypatch, "")
        seen = []

        def wait(wiki):
            reply = requests.get(
                wiki.api_url,
                params={"action": "query", "meta": "siteinfo", "format": "json"},
                timeout=5,
            )
            seen.append((reply.status_code, wiki.users["Alice"].password))
            raise KeyboardInterrupt

        monkeypatch.setattr("pwb_oauth.testing.SandboxWiki.wait", wait)
        terminal.type("demo", "--keep")
        assert seen[0][0] == 200
        assert f"Alice, password {seen[0][1]}" in terminal.shown

    def test_browser_one_person_signs_in_once_and_allows_each(
        self, terminal, monkeypatch, file_keyring
    ):
        """Their browser keeps the wiki's cookies, opens idle connections and asks for an icon."""
        kinds = (Kind("2.0", "2.0"), Kind("1.0a", "1.0a"))
        monkeypatch.setattr(demo_run, "KINDS", kinds)
        visits = []

        def come_back(address, idle):
            icon = requests.get(address.replace("callback", "favicon.ico"), timeout=10)
            visits.append((icon.status_code, requests.get(address, timeout=10).text))
            idle.close()

        def ask(stage, url):
            address = stage.wiki.approve(url, stage.user)
            host, port = urlsplit(address).hostname, urlsplit(address).port
            idle = socket.create_connection((host, port))
            threading.Thread(target=come_back, args=(address, idle)).start()

        monkeypatch.setattr(demo_run.Stage, "_ask_person", ask)
        assert terminal.type("demo", "--browser") == 0, terminal.shown
        assert visits == [(404, "Done. Go back to the terminal.")] * 2
        assert "Demo 1" not in terminal.shown

    def test_browser_nobody_comes_it_ends(self, monkeypatch):
        """Five minutes, then an error that says what to do."""
        monkeypatch.setattr(demo_run, "_SECONDS_FOR_PERSON", 0.1)
        monkeypatch.setattr(demo_run._Callback, "timeout", 0.05)
        with (
            demo_run._Callback() as callback,
            pytest.raises(AuthorizationDeniedError, match="Run the demo again"),
        ):
            callback.wait()

    def test_extra_missing_it_names_it(self, terminal, monkeypatch):
        """What an installation without the sandbox says."""
        monkeypatch.setitem(sys.modules, "pwb_oauth.testing.sandbox", None)
        monkeypatch.delattr("pwb_oauth.testing.SandboxWiki", raising=False)
        with pytest.raises(ImportError, match=r"pwb-oauth\[sandbox\]"):
            terminal.type("demo")
