"""Talking to a person: asking, hiding what they type, and printing."""

from __future__ import annotations

import getpass
import json
import os
import signal
import sys
import unicodedata
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.text import Text

from pwb_oauth.cli.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from rich.status import Status

_BACKSPACE = (0x7F, 0x08)
_KILL_LINE = 0x15
_END = 0x04
_ENTER = b"\r\n"
# Controls, halves of characters, and what turns lines round or ends them; but not the joiners,
# which the names of several scripts need.
_UNPRINTABLE = ("Cc", "Cf", "Cs", "Zl", "Zp")
_PRINTABLE = "\n\t\u200c\u200d"
_PLAIN = {"✓": "+", "✗": "x", "•": "*"}
"""Our own marks, and what they are where the encoding of the output lacks them."""
_PLAIN_IN_TEXT = str.maketrans({"…": "...", "\N{REPLACEMENT CHARACTER}": "?"})
"""The same for what may stand anywhere in a sentence of ours."""


def is_interactive() -> bool:
    """Whether somebody can be asked."""
    return has_keyboard() and sys.stderr.isatty()


def has_keyboard() -> bool:
    """Whether standard input is a terminal. A daemon may have none at all."""
    return sys.stdin is not None and sys.stdin.isatty()


def printable(text: str) -> str:
    """A text that does to a terminal nothing but show itself, character for character."""
    return "".join(map(_shown, text))


def _shown(char: str) -> str:
    hidden = unicodedata.category(char) in _UNPRINTABLE and char not in _PRINTABLE
    return "\N{REPLACEMENT CHARACTER}" if hidden else char


class _Console(Console):
    """Prints what wikis say as well as what we do."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print what is given, made printable."""
        super().print(*map(self._made_printable, objects), **options)

    def _made_printable(self, shown: Any) -> Any:
        if isinstance(shown, Text):
            safe = shown.copy()
            safe.plain = self._written(shown.plain)
            return safe
        return self._written(shown) if isinstance(shown, str) else shown

    def _written(self, text: str) -> str:
        shown = printable(text)
        if not self.options.ascii_only:
            return shown
        return _PLAIN.get(shown) or shown.translate(_PLAIN_IN_TEXT)


def console(*, err: bool = False) -> Console:
    """What to print to, in colour on a terminal alone. Long lines are left to the terminal."""
    return _Console(stderr=err, highlight=False, soft_wrap=True, emoji=False)


def aside(*, quiet: bool = False) -> Console:
    """What to tell people with while standard output is for programs; silent if nobody watches.

    Args:
        quiet: Whether to be silent anyhow.
    """
    out = console(err=True)
    out.quiet = quiet or not out.file.isatty()
    return out


def at_work(text: str) -> Status:
    """Show, on a terminal alone, that something goes on, for as long as a ``with`` lasts."""
    out = console(err=True)
    return out.status(text, spinner="line" if out.options.ascii_only else "dots")


def say(text: str) -> None:
    """Tell a person something that is not the result."""
    console(err=True).print(text, markup=False)


def warn(text: str) -> None:
    """Tell a person what they had better look at."""
    console(err=True).print(f"Warning: {text}", markup=False, style="yellow")


def print_json(value: Any) -> None:
    """Print for programs: one document, keys as given, in UTF-8 or, where that is not, ASCII."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=console().options.ascii_only))


def confirm(question: str) -> bool:
    """Ask yes or no; no is the default."""
    return click.confirm(printable(question), err=True)


def ask(question: str, **options: Any) -> str:
    """Ask for something that may be seen. ``options`` are those of ``click.prompt``."""
    return str(click.prompt(printable(question), err=True, **options))


def ask_secret(question: str) -> str:
    """Ask for something that is not shown; without a terminal, a line of standard input.

    Raises:
        click.Abort: The person typed Ctrl-D.
        EOFError: Standard input is no terminal, and has ended.
    """
    if not has_keyboard():
        return read_line().strip()
    if sys.platform == "win32":
        return getpass.getpass(f"{question}: ", stream=sys.stderr).strip()
    with hidden_line(question) as line:
        while (typed := line.read()) is None:
            pass
    return typed.strip()


def read_line() -> str:
    """A line of standard input that is no terminal.

    Nothing behind it is taken, so that the next line is still there for whoever waits for it.

    Raises:
        EOFError: There is none.
    """
    line = bytearray()
    byte = b""
    while sys.stdin is not None and (byte := os.read(sys.stdin.fileno(), 1)) not in (b"", b"\n"):
        line += byte
    if not line and not byte:
        raise EOFError
    # Editors on Windows begin a file with a mark of its encoding.
    return line.decode("utf-8-sig", "replace")


@contextmanager
def hidden_line(question: str) -> Iterator[HiddenLine]:
    """Ask for a line that is not shown, however long.

    The terminal's own line mode is off meanwhile: it cuts lines at 4,095 characters (1,024 on
    macOS), and access tokens are as long. Ctrl-C interrupts as ever. Leaving, by whatever signal
    that can be caught, puts the terminal back as it was, and drops what was pasted behind the line
    lest a shell take it for commands. (After SIGKILL ``stty sane`` does it.) Not for Windows.

    Args:
        question: What to show, without a colon.
    """
    import termios  # noqa: PLC0415  # not on Windows

    line = HiddenLine(sys.stdin.fileno(), question)
    before = termios.tcgetattr(line.fileno())
    # A shell that brings us back after Ctrl-Z does not bring the mode back.
    resumed = signal.signal(signal.SIGCONT, lambda *_: line.hide())
    ended = signal.signal(signal.SIGTERM, _exit)
    try:
        line.hide()
        line.ask()
        yield line
    finally:
        termios.tcsetattr(line.fileno(), termios.TCSAFLUSH, before)
        signal.signal(signal.SIGCONT, resumed)
        signal.signal(signal.SIGTERM, ended)
        click.echo(err=True)  # Enter was not shown either


class HiddenLine:
    """The keys that a person presses, put together to lines."""

    def __init__(self, terminal: int, question: str) -> None:
        """Read from a terminal, given by its file descriptor."""
        self._terminal = terminal
        self._question = question
        self._typed = bytearray()

    def fileno(self) -> int:
        """The terminal, to wait for."""
        return self._terminal

    def ask(self) -> None:
        """Show the question."""
        click.echo(f"{self._question}: ", err=True, nl=False)

    def ask_again(self, reason: str) -> None:
        """Say why, and show the question once more."""
        say(f"\n{reason}")
        self.ask()

    def read(self) -> str | None:
        """Take what was typed since, waiting for a key if there is none.

        Returns:
            The line, once Enter was pressed; None before.

        Raises:
            click.Abort: The person typed Ctrl-D, or the terminal is gone.
        """
        wait_for([self])
        keys = os.read(self._terminal, 4096)
        if not keys:
            raise click.Abort
        for key in keys:
            if key in _ENTER:
                line = self._typed.decode("utf-8", "replace")
                self._typed.clear()
                return line
            self._press(key)
        return None

    def _press(self, key: int) -> None:
        if key == _END and not self._typed:
            raise click.Abort
        if key == _KILL_LINE:
            self._typed.clear()
        elif key in _BACKSPACE:
            self._typed = bytearray(self._typed.decode("utf-8", "ignore")[:-1].encode())
        else:
            self._typed.append(key)

    def hide(self) -> None:
        """Show nothing of what is typed, and hand it over key by key."""
        import termios  # noqa: PLC0415  # not on Windows

        modes = termios.tcgetattr(self._terminal)
        modes[3] &= ~(termios.ECHO | termios.ICANON)
        # A read does not wait: Ctrl-C takes away what is there to be read, perhaps just before it.
        modes[6][termios.VMIN], modes[6][termios.VTIME] = 0, 0
        termios.tcsetattr(self._terminal, termios.TCSADRAIN, modes)


def _exit(number: int, frame: object) -> None:
    """End by way of every ``finally``."""
    del frame
    sys.exit(128 + number)


def write_time(moment: datetime | None) -> str | None:
    """A moment for JSON: ISO 8601 with its offset, whole seconds."""
    return None if moment is None else moment.isoformat(timespec="seconds")
