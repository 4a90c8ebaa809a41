"""What a person types unseen, at a real pseudo-terminal."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import termios
import time

import pexpect
import pytest
from rich.text import Text

from pwb_oauth.cli import terminal

NAMES = ["é", "🤖", "\ud800"]
_PROGRAM = "from pwb_oauth.cli import terminal; print(repr(terminal.ask_secret('Word')))"
# What shells do for a job: they keep their own terminal, and do not bring the job's mode back.
_SHELL = "trap : INT; {python} -c {program!r}; echo code $?; stty -a"


@pytest.fixture
def prompt():
    """A program that asks for a secret and prints what it was given."""
    spawned = pexpect.spawn(sys.executable, ["-c", _PROGRAM], encoding="utf-8", timeout=30)
    spawned.expect("Word: ")
    yield spawned
    spawned.close(force=True)


def shell(program=_PROGRAM):
    """The same in a shell, which then says how it left the terminal."""
    line = _SHELL.format(python=sys.executable, program=program)
    spawned = pexpect.spawn("/bin/sh", ["-c", line], encoding="utf-8", timeout=30)
    spawned.expect("Word: ")
    return spawned


def rest(spawned):
    spawned.expect(pexpect.EOF)
    return spawned.before


def modes(spawned):
    """Whether the terminal shows what is typed, and whether it works by lines."""
    local = termios.tcgetattr(spawned.child_fd)[3]
    return bool(local & termios.ECHO), bool(local & termios.ICANON)


class TestAskSecret:
    """A hidden prompt that takes whatever an access token needs."""

    def test_12000_characters_are_taken_whole(self, prompt):
        """A terminal in its line mode cuts at 4,095."""
        token = "".join(f"{number:06}" for number in range(2000))
        prompt.sendline(token)
        assert f"'{token}'" in rest(prompt)

    def test_it_shows_nothing(self, prompt):
        """But the end of the line."""
        assert modes(prompt) == (False, False)
        prompt.sendline("hunter2")
        assert rest(prompt) == "\r\n'hunter2'\r\n"

    @pytest.mark.parametrize(
        ("typed", "line"),
        [
            ("wrong\x15right", "right"),
            ("abx\x7fc", "abc"),
            ("aö\x08ß", "aß"),
            ("\x7f\x7fa", "a"),
            ("  spaces around  ", "spaces around"),
            ("", ""),
        ],
        ids=repr,
    )
    def test_keys_that_correct_do(self, prompt, typed, line):
        """Backspace takes a character, however many bytes it has, and Ctrl-U all."""
        prompt.sendline(typed)
        assert rest(prompt).strip() == repr(line)

    @pytest.mark.parametrize("key", ["c", "d"])
    def test_ctrl_c_and_ctrl_d_leave_the_terminal_as_it_was(self, key):
        """What was typed before Ctrl-C is gone."""
        spawned = shell()
        if key == "c":
            spawned.send("hunter2")
        spawned.sendcontrol(key)
        shown = rest(spawned)
        assert "code 1" in shown
        assert " echo " in shown
        assert " icanon " in shown
        assert "hunter2" not in shown

    def test_ctrl_c_that_does_not_end_the_wait_interrupts_all_the_same(self):
        """One that comes just before it, or to another thread, as it always does here."""
        elsewhere = "import signal, threading, time; "
        elsewhere += "threading.Thread(target=time.sleep, args=(60,), daemon=True).start(); "
        elsewhere += "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT]); "
        spawned = shell(elsewhere + _PROGRAM)
        spawned.sendcontrol("c")
        assert "code 1" in rest(spawned)

    def test_killed_it_leaves_the_terminal_as_it_was(self):
        """By SIGTERM, which ends a process without its finally, unless it is caught."""
        killer = "import os, threading, signal; "
        killer += "threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM)).start(); "
        shown = rest(shell(killer + _PROGRAM))
        assert "code 143" in shown
        assert " echo " in shown
        assert " icanon " in shown

    @pytest.mark.parametrize("at_once", [1, 4096])
    def test_lines_pasted_behind_it_do_not_reach_the_shell(self, at_once):
        """They might be anything. However much of them was read by then."""
        slow = f"import os; read = os.read; os.read = lambda file, _: read(file, {at_once}); "
        line = f"{sys.executable} -c {slow + _PROGRAM!r}; cat"
        spawned = pexpect.spawn("/bin/sh", ["-c", line], encoding="utf-8", timeout=30)
        spawned.expect("Word: ")
        spawned.send("hunter2\nhunter3\n")
        spawned.expect("'hunter2'")
        spawned.sendline("the end")
        spawned.expect("the end")
        assert "hunter3" not in spawned.before
        spawned.close(force=True)

    def test_back_from_ctrl_z_it_still_shows_nothing(self, prompt):
        """The shell has given the terminal its own mode meanwhile."""
        os.kill(prompt.pid, signal.SIGSTOP)
        os.waitpid(prompt.pid, os.WUNTRACED)
        usual = termios.tcgetattr(prompt.child_fd)
        usual[3] |= termios.ECHO | termios.ICANON
        termios.tcsetattr(prompt.child_fd, termios.TCSANOW, usual)
        os.kill(prompt.pid, signal.SIGCONT)
        deadline = time.monotonic() + 20
        while modes(prompt) != (False, False) and time.monotonic() < deadline:
            time.sleep(0.02)
        prompt.sendline("hunter2")
        assert rest(prompt) == "\r\n'hunter2'\r\n"


class TestReadLine:
    """A line of standard input that is no terminal."""

    def test_the_next_line_is_left_to_others(self):
        """Who waits for it would otherwise wait for what is already taken."""
        program = "import os; " + _PROGRAM + "; print(os.read(0, 100))"
        ran = subprocess.run(  # noqa: S603  # our own program
            [sys.executable, "-c", program],
            input=b"one\r\ntwo\n",
            capture_output=True,
            check=True,
        )
        assert ran.stdout.splitlines() == [b"'one'", repr(b"two\n").encode()]

    @pytest.mark.parametrize("end", ["</dev/null", "<&-"])
    def test_nothing_there_it_is_no_empty_line(self, end):
        """A daemon may not even have a standard input."""
        line = f"{sys.executable} -c {_PROGRAM!r} {end}"
        ran = subprocess.run(  # noqa: S602  # our own line
            line, shell=True, capture_output=True, text=True, check=False
        )
        assert (ran.returncode, ran.stdout) == (1, "")
        assert ran.stderr.endswith("EOFError\n")

    @pytest.mark.parametrize("typed", [b"\n", b"\r\n\n", b"\xef\xbb\xbf\n", b" "], ids=repr)
    def test_empty_line_is_one(self, typed):
        """Which is an answer."""
        ran = subprocess.run(  # noqa: S603  # our own program
            [sys.executable, "-c", _PROGRAM], input=typed, capture_output=True, check=True
        )
        assert ran.stdout.strip() == b"''"


class TestConsole:
    """What is printed is what was meant."""

    def test_names_are_printed_as_they_are(self, capsys):
        """Markup and emoji codes are characters of user names."""
        terminal.say("[red]A[/red] :smile:")
        terminal.warn("[bold]")
        captured = capsys.readouterr()
        assert captured.err == "[red]A[/red] :smile:\nWarning: [bold]\n"
        assert captured.out == ""

    def test_question_would_command_the_terminal_it_is_shown_as_characters(
        self, monkeypatch, capsys
    ):
        """A user name may stand in it."""
        monkeypatch.setattr(sys, "stdin", io.StringIO("y\n1\n"))
        assert terminal.confirm("A\x1b[31mB")
        assert terminal.ask("C\x1b[31mD") == "1"
        captured = capsys.readouterr()
        shown = captured.err + captured.out
        assert "A\ufffd[31mB" in shown
        assert "C\ufffd[31mD" in shown
        assert "\x1b" not in shown

    def test_what_would_command_the_terminal_is_shown_as_a_character(self, capsys):
        """In plain words, in styled ones, and in a question; letters of all scripts stay."""
        evil = "A\x1b[31m\x9b\x00\u202e\ud800B"
        shown = "A\ufffd[31m" + "\ufffd" * 4 + "B"
        terminal.say(evil)
        terminal.console().print(Text(evil, "bold"), evil, markup=False)
        captured = capsys.readouterr()
        assert (captured.err, captured.out) == (f"{shown}\n", f"{shown} {shown}\n")
        for name in ("Ñandú\u00a0🤖", "\u0645\u06cc\u200c\u062e", "क्\u200dष", "a\nb\tc"):
            assert terminal.printable(name) == name

    @pytest.mark.parametrize(
        ("encoding", "shown"), [("utf-8", "✓ ✗ • User✓"), ("ascii", r"+ x * User\u2713")]
    )
    def test_encoding_lacks_our_marks_it_shows_others(self, monkeypatch, encoding, shown):
        """And no other letter for any of a name."""
        raw = io.BytesIO()
        output = io.TextIOWrapper(raw, encoding, errors="backslashreplace")
        monkeypatch.setattr(sys, "stdout", output)
        terminal.console().print("✓", Text("✗", "bold"), Text("•"), "User✓")
        sys.stdout.flush()
        assert raw.getvalue().decode(encoding) == f"{shown}\n"

    @pytest.mark.parametrize(
        ("encoding", "shown"),
        [("utf-8", "tables … of \ufffd, é"), ("latin-1", "tables ... of ?, é")],
    )
    def test_encoding_lacks_what_stands_in_our_sentences_it_shows_the_like(
        self, monkeypatch, encoding, shown
    ):
        """In what standard error gets, too."""
        raw = io.BytesIO()
        monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(raw, encoding, write_through=True))
        terminal.say("tables … of \x00, é")
        assert raw.getvalue().decode(encoding) == f"{shown}\n"

    @pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "ascii"])
    def test_json_stays_json_whatever_the_encoding_is(self, encoding):
        """Python's own substitutes for letters are none."""
        program = "from pwb_oauth import cli; import click, importlib as i;"
        program += "from pwb_oauth.cli import terminal; i.import_module = lambda name: i;"
        program += f"i.key = click.Command('key', callback=lambda: terminal.print_json({NAMES!a}));"
        ran = subprocess.run(  # noqa: S603  # our own program
            [sys.executable, "-c", f"{program} cli.main(['key'])"],
            env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"},
            capture_output=True,
            check=True,
        )
        assert json.loads(ran.stdout.decode(encoding)) == NAMES
        assert ("é" in ran.stdout.decode(encoding)) == (encoding == "utf-8")
