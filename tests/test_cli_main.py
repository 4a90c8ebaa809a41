"""What all subcommands share: exit codes, one line for an error, Ctrl-C, completion, help."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest

from bots import Bot
from person import Person, ended
from pwb_oauth import cli
from pwb_oauth.cli.exits import Exit, exit_of
from pwb_oauth.errors import (
    AuthorizationDeniedError,
    ConfigurationError,
    LoginRequiredError,
    MissingExtraError,
    StoreUnavailableError,
    TokenRequestError,
    TransportError,
    UnsupportedPywikibotError,
    UsernameMismatchError,
)
from pwb_oauth.tokens import open_token_store

SECRET = "hunter2"


@pytest.fixture
def person(wiki, tmp_path):
    return Person(wiki, tmp_path / "person")


@pytest.fixture
def run(monkeypatch, capsys):
    """Run ``main`` with a subcommand that does what the test wants; exit code and output."""

    def run(work, *arguments, prog_name="pwb-oauth"):
        command = click.Command("probe", callback=work)
        monkeypatch.setattr(cli, "COMMANDS", ("probe",))
        module = type("", (), {"probe": command})
        monkeypatch.setattr("importlib.import_module", lambda name: module)
        with pytest.raises(SystemExit) as end:
            cli.main(["probe", *arguments], prog_name)
        return end.value.code or 0, *capsys.readouterr()

    return run


def raising(error):
    def work():
        raise error

    return work


def failing_with_a_secret():
    """A mistake of ours, with secrets in its text, in its cause and in its line of source."""
    try:
        {}["token hunter2"]
    except KeyError as error:
        raise ValueError("not a token: hunter2") from error


class TestExitCodes:
    """Which error ends with which code."""

    @pytest.mark.parametrize(
        ("error", "code"),
        [
            (ConfigurationError("Set it right."), 2),
            (MissingExtraError("sql"), 1),
            (UnsupportedPywikibotError("Too old."), 1),
            (TransportError("Not there."), 1),
            (AuthorizationDeniedError("Denied."), 1),
            (StoreUnavailableError("Locked."), 1),
            (UsernameMismatchError("A", "B"), 1),
            (LoginRequiredError("Log in."), 4),
            (TokenRequestError("Refused.", "invalid_client"), 4),
        ],
    )
    def test_our_error_is_one_line_and_its_exit_code(self, run, error, code):
        """No traceback for what a person can do something about."""
        assert run(raising(error)) == (code, "", f"pwb-oauth: {error}\n")
        assert exit_of(error) == code

    def test_command_says_its_own(self, run):
        """Through click's context, as ``status`` does."""

        def work():
            click.get_current_context().exit(Exit.NO_CREDENTIAL)

        assert run(work) == (4, "", "")

    def test_fine_it_is_0(self, run):
        """Whatever the command prints."""
        assert run(lambda: click.echo("done")) == (0, "done\n", "")

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (["nope"], "No such command 'nope'. See: pwb-oauth --help"),
            (["key", "--xyz"], "No such option '--xyz'. See: pwb-oauth key --help"),
            (["key", "--stor"], "? See: pwb-oauth key --help"),
            (["key", "hunter2"], "Got unexpected extra argument. See: pwb-oauth key --help"),
            (["key", "a", "hunter2"], "Got unexpected extra arguments. See: pwb-oauth key"),
            (["login", "--oauth", "3"], "See: pwb-oauth login --help"),
        ],
    )
    def test_wrong_use_it_is_one_line_and_2(self, person, arguments, says):
        """With the command that explains it."""
        ran = person.over_pipe(*arguments)
        assert (ran.returncode, ran.stdout) == (2, "")
        assert says in ran.stderr
        assert ran.stderr.count("\n") == 1
        assert SECRET not in ran.stderr

    def test_wrong_use_that_click_explains_in_several_lines_it_is_one(self, run):
        """As it lists what there is to choose from."""
        said = run(raising(click.UsageError("Choose from:\n\tone,\n\ttwo")))
        assert said == (2, "", "pwb-oauth: Choose from: one, two. See: pwb-oauth probe --help\n")

    def test_nothing_said_it_shows_the_help_and_is_2(self, capsys):
        """On standard error, since it is not what was asked for."""
        with pytest.raises(SystemExit) as end:
            cli.main([])
        out, err = capsys.readouterr()
        assert (end.value.code, out) == (2, "")
        assert "login" in err

    @pytest.mark.parametrize("options", [[], ["--debug"]])
    def test_error_would_command_the_terminal_it_is_shown_as_characters(self, run, options):
        """A wiki's words may stand in it."""
        _, _, err = run(raising(TransportError("It said A\x1b[31mB.")), *options)
        assert err.endswith("pwb-oauth: It said A\ufffd[31mB.\n")
        assert "\x1b" not in err

    def test_called_as_a_script_of_pywikibot_it_says_that_name(self, run):
        """What a person typed is what they read."""
        error = ConfigurationError("Set it right.")
        said = run(raising(error), prog_name="pwb oauth")
        assert said == (2, "", "pwb oauth: Set it right.\n")


class TestDebug:
    """``--debug``."""

    def test_mistake_of_ours_without_it_nothing_is_quoted(self, run):
        """What raised is named, and how to see more."""
        code, out, err = run(failing_with_a_secret)
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert "ValueError" in err
        assert "--debug" in err
        assert SECRET not in err

    def test_mistake_of_ours_with_it_the_places_are_shown_and_no_text(self, run):
        """Neither the messages of others nor lines of source, which may be the user's own file."""
        code, out, err = run(failing_with_a_secret, "--debug")
        assert (code, out) == (1, "")
        assert SECRET not in err
        assert "builtins.KeyError\n\nThen:\nTraceback (most recent call last):" in err
        assert re.search(r'File ".*test_cli_main.py", line \d+, in failing_with_a_secret', err)

    def test_our_error_with_it_is_quoted(self, run):
        """Our messages hold no secrets. Its line comes last, as without."""

        def work():
            try:
                os.stat(SECRET)  # noqa: PTH116
            except OSError as error:
                raise TransportError("Not there.") from error

        code, _, err = run(work, "--debug")
        assert code == 1
        assert "builtins.FileNotFoundError\n" in err
        assert err.endswith("pwb_oauth.errors.TransportError: Not there.\npwb-oauth: Not there.\n")
        assert SECRET not in err

    def test_cause_that_is_hidden_stays_hidden(self, run):
        """``from None`` is there for a reason."""

        def work():
            try:
                os.stat(SECRET)  # noqa: PTH116
            except OSError:
                raise TransportError("Not there.") from None

        assert "FileNotFoundError" not in run(work, "--debug")[2]

    def test_before_the_command_it_works_too(self, person):
        """Every command has it, and the group."""
        ran = person.over_pipe("--debug", "login", "ftp://x.org")
        assert ran.returncode == 2
        assert "Traceback (most recent call last):" in ran.stderr
        assert person.over_pipe("login", "--help").stdout.count("--debug") == 1


class TestInterruption:
    """Ctrl-C, and an input that ends."""

    def test_ctrl_c_at_a_prompt_it_is_130_and_one_line(self, person):
        """A person who has changed their mind."""
        terminal = person.at_terminal("login", person.wiki.api_url)
        terminal.expect(r"nothing is shown\): ")
        terminal.sendintr()
        code, shown = ended(terminal)
        assert code == 130
        assert shown.count("pwb-oauth: Interrupted. Run the command again to go on.") == 1
        assert "Traceback" not in shown

    @pytest.mark.parametrize(
        ("arguments", "question"),
        [(["login"], r"nothing is shown\): "), (["setup"], r"\[y/N\]: ")],
        ids=["hidden", "shown"],
    )
    def test_ctrl_d_at_a_prompt_it_is_1_and_one_line(self, person, arguments, question):
        """Of whatever kind: the input has ended, and nobody interrupted."""
        terminal = person.at_terminal(*arguments)
        terminal.expect(question)
        terminal.sendcontrol("d")
        code, shown = ended(terminal)
        assert code == 1
        assert shown.count("pwb-oauth: The input ended before the answer.") == 1
        assert "Interrupted" not in shown

    def test_interrupted_while_it_works_it_is_130(self, run):
        """As if a person pressed Ctrl-C, in a command that asks nothing."""

        def work():
            os.kill(os.getpid(), signal.SIGINT)

        code, out, err = run(work)
        assert (code, out) == (130, "")
        assert err.strip() == "pwb-oauth: Interrupted. Run the command again to go on."

    def test_input_ends_at_a_question_it_is_no_interruption(self, run, monkeypatch):
        """A program's pipe was empty: that failed, nobody pressed a key."""
        with open(os.devnull) as nothing:  # noqa: PTH123
            monkeypatch.setattr(sys, "stdin", nothing)
            code, _, err = run(lambda: click.prompt("Which", err=True))
        assert code == 1
        assert "pwb-oauth: The input ended before the answer." in err


class TestOutput:
    """Where it goes, and what it goes through."""

    @pytest.mark.parametrize(
        "arguments", [("--help",), ("key",), ("login", "--help"), ("status", "--offline")]
    )
    def test_reader_is_gone_it_ends_without_a_word(self, wiki, tmp_path, person, arguments):
        """``pwb-oauth … | head`` closes the pipe; no traceback, nothing of Python's either."""
        bot = Bot(wiki, tmp_path)
        with person.at_home():
            open_token_store().save(bot.key("Alice"), bot.credential("1.0a owner-only"))
        reader, writer = os.pipe()
        os.close(reader)
        with os.fdopen(writer, "wb") as closed:
            ran = subprocess.run(  # noqa: S603  # our own command
                [person.command, *arguments],
                env=person.environment,
                stdout=closed,
                stderr=subprocess.PIPE,
                timeout=30,
                check=False,
            )
        assert ran.stderr == b""
        assert ran.returncode == 1

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="nothing is always full here")
    @pytest.mark.parametrize("arguments", ["key", "--help", "register --owner-only x.example"])
    def test_disk_is_full_it_is_one_line_and_1(self, person, arguments):
        """Nobody's mistake."""
        with Path("/dev/full").open("wb") as full:
            ran = subprocess.run(  # noqa: S603  # our own command
                [person.command, *arguments.split()],
                env=person.environment,
                stdout=full,
                stderr=subprocess.PIPE,
                timeout=30,
                check=False,
            )
        told = (
            b"pwb-oauth: Standard output cannot be written (No space left on device). Make room "
            b"there or send it elsewhere, then run the command again.\n"
        )
        assert (ran.returncode, ran.stderr) == (1, told)

    def test_other_error_of_the_system_is_a_mistake_of_ours(self, run):
        """If it is not standard output that failed."""
        code, _, err = run(raising(OSError(28, SECRET)))
        assert code == 1
        assert "OSError, which is a mistake" in err

    def test_letters_that_the_encoding_lacks_they_are_written_otherwise(self, person):
        """A user name may have any, and an old terminal is no reason to fail."""
        script = "import click; from pwb_oauth import cli; import importlib as i;"
        script += "i.import_module = lambda name: i;"
        script += "i.key = click.Command('key', callback=lambda: click.echo('使用者'));"
        person.variables |= {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
        ran = person.over_pipe("-c", f"{script} cli.main(['key'])", command=sys.executable)
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, "\\u4f7f\\u7528\\u8005\n", "")


class TestStoreOption:
    """``--store``, which every command takes, so that a script can give it to each."""

    @pytest.mark.parametrize("name", [*cli.COMMANDS])
    def test_no_store_it_is_wrong_use_and_not_repeated(self, capsys, name):
        """Also where it would serve for nothing, or where there is nothing to do."""
        with pytest.raises(SystemExit) as end:
            cli.main([name, "--store", f"ftp://me:{SECRET}@host/x"])
        out, err = capsys.readouterr()
        assert (end.value.code, out, err.count("\n")) == (2, "", 1)
        assert err.startswith("pwb-oauth: There is no such token store.")
        assert SECRET not in err

    @pytest.mark.parametrize("store", ["keyring:", "env:", "sqlite:////nowhere/x", "mysql://h/d"])
    def test_command_keeps_nothing_it_opens_none(self, person, store):
        """Nor needs what opening it would take."""
        for line in (["key"], ["register", "wiki.example", "--owner-only"]):
            ran = person.over_pipe(*line, "--store", store)
            assert (ran.returncode, ran.stderr) == (0, "")


class TestCompletion:
    """Shell completion, as docs/commands/README.md has it."""

    def complete(self, person, *words):
        person.variables |= {
            "_PWB_OAUTH_COMPLETE": "bash_complete",
            "COMP_WORDS": " ".join(("pwb-oauth", *words)),
            "COMP_CWORD": str(len(words)),
        }
        ran = person.over_pipe()
        assert (ran.returncode, ran.stderr) == (0, "")
        return [line.partition(",")[2] for line in ran.stdout.splitlines()]

    def test_commands_are_listed_in_the_order_of_need(self, person):
        """All of them."""
        assert self.complete(person, "") == list(cli.COMMANDS)

    def test_options_are_listed(self, person):
        """Of the command that was typed."""
        assert {"--to", "--all", "--user"} <= set(self.complete(person, "move", "--"))

    @pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
    def test_shell_is_given_its_function(self, person, shell):
        """What the line in the user's start-up file runs."""
        if shell == "bash" and not _has_bash():
            pytest.skip("no bash here, which click asks for its version")
        person.variables["_PWB_OAUTH_COMPLETE"] = f"{shell}_source"
        ran = person.over_pipe()
        assert ran.returncode == 0
        assert "pwb-oauth" in ran.stdout
        assert "_PWB_OAUTH_COMPLETE" in ran.stdout


def _has_bash():
    return any(os.access(f"{folder}/bash", os.X_OK) for folder in os.get_exec_path())


class TestHelp:
    """``--help``."""

    @pytest.mark.parametrize("name", [*cli.COMMANDS])
    def test_each_command_explains_itself_with_examples(self, name):
        """In a few words in the list, and with one to three examples."""
        command = cli.cli.get_command(click.Context(cli.cli), name)
        assert command.name == name
        context = click.Context(command, info_name=name, terminal_width=200)
        assert command.get_short_help_str(200).endswith(".")
        _, _, examples = command.get_help(context).partition("Examples:\n")
        examples = [line.strip() for line in examples.partition("\n\n")[0].splitlines()]
        assert 1 <= len(examples) <= 3
        assert all(f"pwb-oauth {name}" in line for line in examples)

    def test_list_of_commands_nothing_is_cut(self):
        """In a terminal of 80 columns."""
        context = click.Context(cli.cli, info_name="pwb-oauth", terminal_width=80)
        listed = cli.cli.get_help(context).partition("Commands:")[2].splitlines()[1:]
        assert len(listed) == len(cli.COMMANDS)
        assert not [line for line in listed if line.endswith("...")]

    def test_version_is_shown(self, person):
        """For reports."""
        assert person.over_pipe("--version").stdout.startswith("pwb-oauth, version ")


class TestNetwork:
    """The wiki is not there."""

    def test_nothing_listens_it_is_one_line_and_1(self, person):
        """With the host, and nothing of what urllib3 says."""
        with socket.socket() as reserved:
            reserved.bind(("127.0.0.1", 0))
            port = reserved.getsockname()[1]
            ran = person.over_pipe(
                "login", f"http://127.0.0.1:{port}/w/api.php", "--with-token", typed="abc.def.ghi\n"
            )
        assert (ran.returncode, ran.stdout) == (1, "")
        assert ran.stderr.startswith(f"pwb-oauth: 127.0.0.1:{port} cannot be reached")
        assert "Check the address and the network, then try again." in ran.stderr
        assert ran.stderr.count("\n") == 1
