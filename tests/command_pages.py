"""The pages of docs/commands, made from the help of the commands.

``python tests/command_pages.py`` writes them anew.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pwb_oauth.cli import COMMANDS, cli

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "commands"
INDEX = "README.md"

_UNFILLED = "\b\n"
_EXAMPLES = "Examples:\n"
_HEADING = """\
# The command `pwb-oauth`

<!-- Written by tests/command_pages.py. Change the help of the command instead. -->
"""
_COMPLETION = """\
## Completion

Tab completes commands and options, once your shell is told:

| shell | line | file |
|---|---|---|
| bash 4.4 or newer | `eval "$(_PWB_OAUTH_COMPLETE=bash_source pwb-oauth)"` | `~/.bashrc` |
| zsh | `eval "$(_PWB_OAUTH_COMPLETE=zsh_source pwb-oauth)"` | `~/.zshrc` |
| fish | `_PWB_OAUTH_COMPLETE=fish_source pwb-oauth \\| source` | `~/.config/fish/config.fish` |

## As a script of Pywikibot

Where Pywikibot was installed by pip, `pwb oauth login` is `pwb-oauth login`, and so on. It needs a
`user-config.py`, like every script there: `pwb-oauth setup` makes one. Pywikibot's global options
stand before the name: `pwb -family:commons -code:beta oauth status`.

Pywikibot's own `pwb login -oauth` is another command, and shows secrets.
"""


def pages() -> dict[str, str]:
    """Every page by its file name."""
    group = click.Context(cli, info_name="pwb-oauth")
    contexts = [
        click.Context(command, group, info_name=name, terminal_width=10_000)
        for name in COMMANDS
        if (command := cli.get_command(group, name))
    ]
    written = {f"{context.info_name}.md": _page(context) for context in contexts}
    return {INDEX: _index(group, contexts), **written}


def _index(group: click.Context, contexts: list[click.Context]) -> str:
    links = [
        f"| [{context.info_name}]({context.info_name}.md) | {_short(context)} |"
        for context in contexts
    ]
    return (
        "\n".join(
            [
                _HEADING,
                *_prose(group),
                "| command | |\n|---|---|",
                *links,
                "",
                "Every command explains itself: `pwb-oauth login --help`.",
                "",
                _COMPLETION,
            ]
        ).rstrip("\n")
        + "\n"
    )


def _page(context: click.Context) -> str:
    usage = context.command.get_usage(context).removeprefix("Usage: ")
    parts = [
        f"# {context.command_path}\n",
        "<!-- Written by tests/command_pages.py. Change the help of the command instead. -->\n",
        *_prose(context),
        f"```\n{usage}\n```\n",
        *(f"{_escaped(text)}\n" for text in _paragraphs(context.command.epilog)),
        "## Options\n",
        *_options(context),
        "",
        *_examples(context),
    ]
    return "\n".join(parts).rstrip("\n") + "\n"


def _short(context: click.Context) -> str:
    return _escaped(context.command.get_short_help_str(200))


def _prose(context: click.Context) -> Iterator[str]:
    for text in _paragraphs(context.command.help):
        if text.startswith(_UNFILLED):
            if not text.startswith(_UNFILLED + _EXAMPLES):
                yield f"```\n{text.removeprefix(_UNFILLED)}\n```\n"
        else:
            yield f"{_escaped(text)}\n"


def _options(context: click.Context) -> Iterator[str]:
    for param in context.command.params:
        record = param.get_help_record(context) if isinstance(param, click.Option) else None
        if record:
            name, text = record
            yield f"- `{name}`: {_escaped(' '.join(text.split()))}"


def _examples(context: click.Context) -> Iterator[str]:
    for text in _paragraphs(context.command.help):
        if text.startswith(_UNFILLED + _EXAMPLES):
            lines = text.removeprefix(_UNFILLED + _EXAMPLES)
            yield f"## Examples\n\n```sh\n{inspect.cleandoc(lines)}\n```\n"


def _paragraphs(text: str | None) -> list[str]:
    return inspect.cleandoc(text or "").split("\n\n") if text else []


def _escaped(text: str) -> str:
    return re.sub(r"([*<\[\]|])", r"\\\1", text)


def write() -> None:
    """Write the pages, and take those away whose command is gone."""
    FOLDER.mkdir(exist_ok=True)
    made = pages()
    for old in set(FOLDER.iterdir()) - {FOLDER / name for name in made}:
        old.unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
