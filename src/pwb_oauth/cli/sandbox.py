"""``pwb-oauth sandbox``: a wiki on this machine, for programs in any language."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from pwb_oauth.cli import options
from pwb_oauth.cli.terminal import console
from pwb_oauth.errors import ConfigurationError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pwb_oauth.testing import SandboxWiki
    from pwb_oauth.testing.sandbox import Consumer, LogEntry
    from pwb_oauth.testing.sandbox.seed_file import Seed

_LONGEST = 80
_CALLBACK = "http://127.0.0.1:8000/oauth/callback"
_CONSUMERS = {
    "consumers": [
        {
            "name": "Example 1.0a",
            "oauth_version": "1.0a",
            "callback_url": "http://127.0.0.1",
            "callback_is_prefix": True,
        },
        {"name": "Example 2.0", "callback_url": _CALLBACK},
        {"name": "Example 2.0 public", "callback_url": _CALLBACK, "confidential": False},
        {
            "name": "Example 1.0a, owner-only",
            "oauth_version": "1.0a",
            "owner": "BotOwner",
            "owner_only": True,
        },
        {"name": "Example 2.0, owner-only", "owner": "BotOwner", "owner_only": True},
    ]
}
"""What the wiki starts with where no seed says it."""


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8090,
    show_default=True,
    help="Where to listen, on 127.0.0.1 alone; 0 for any free port.",
)
@click.option(
    "--version",
    type=click.Choice(["1.43", "1.46", "wikimedia"]),
    default="1.43",
    show_default=True,
    help="Whose behaviour.",
)
@click.option(
    "--seed",
    "seed_path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="JSON that says which users, consumers and pages it starts with.",
)
@options.idle_store_option
def sandbox(port: int, version: str, seed_path: Path | None) -> None:
    """Run a wiki on this machine that speaks MediaWiki's OAuth.

    Prints its addresses, users and consumers, with their passwords and secrets, which are good for
    nothing else; then a line for each request. Everything is gone when it ends. What a seed file
    may hold is in docs/sandbox-wiki.md. Ctrl-C ends it, with exit code 0.

    \b
    Examples:
      pwb-oauth sandbox
      pwb-oauth sandbox --port 0 --version wikimedia --seed seed.json
    """
    try:
        from pwb_oauth.testing import SandboxWiki  # noqa: PLC0415  # needs the extra
    except ModuleNotFoundError as error:
        raise MissingExtraError("sandbox") from error

    seed = _read(seed_path)
    try:
        wiki = SandboxWiki(version=version, port=port)
    except OSError as error:
        raise ConfigurationError(
            f"Cannot listen on port {port}: {os.strerror(error.errno or 0)}. "
            "Name another one with --port, or 0 for any that is free."
        ) from error
    with wiki:
        _sow(wiki, seed, seed_path)
        # First, since who has read the last line may ask at once.
        wiki.log.watch(_show)
        _describe(wiki)
        with suppress(KeyboardInterrupt):
            wiki.wait()


def _read(path: Path | None) -> Seed:
    from pwb_oauth.testing.sandbox import seed_file  # noqa: PLC0415  # needs the extra

    if path is None:
        return seed_file.read(_CONSUMERS)
    try:
        return seed_file.read_file(path)
    except seed_file.SeedError as error:
        raise ConfigurationError(f"{path}: {error}.") from None


def _sow(wiki: SandboxWiki, seed: Seed, path: Path | None) -> None:
    from pwb_oauth.testing.sandbox import seed_file  # noqa: PLC0415  # needs the extra

    try:
        seed_file.sow(wiki, seed)
    except seed_file.SeedError as error:
        raise ConfigurationError(f"{path}: {error}.") from None


def _describe(wiki: SandboxWiki) -> None:
    out = console()
    out.print(f"A wiki listens at {wiki.url}\n", markup=False)
    for name, address in (
        ("api.php", wiki.api_url),
        ("rest.php", wiki.rest_url),
        ("index.php", wiki.index_url),
    ):
        out.print(f"{name}: {address}", markup=False)
    out.print(_table_of_users(wiki), soft_wrap=False)
    for consumer in wiki.consumers.values():
        for name, value in _facts(consumer):
            out.print(f"{name}: {value}", markup=False)
        out.print()
    out.print("Ctrl-C ends it.")


def _table_of_users(wiki: SandboxWiki) -> Table:
    table = Table("user", "password", "groups", box=SIMPLE_HEAD)
    for user in wiki.users.values():
        table.add_row(*map(escape, (user.name, user.password or "", ", ".join(user.groups))))
    for given in wiki.bot_passwords.values():
        table.add_row(escape(given.login_name), given.password, "bot password")
    return table


def _facts(consumer: Consumer) -> Iterator[tuple[str, str]]:
    kinds = [f"OAuth {consumer.oauth_version}"]
    kinds += [f"only for {consumer.owner}"] if consumer.owner_only else []
    kinds += [] if consumer.confidential else ["public"]
    kinds += [] if consumer.state == "approved" else [consumer.state]
    yield "consumer", f"{consumer.name} ({', '.join(kinds)})"
    yield "  key", consumer.key
    yield "  secret", consumer.secret
    if not consumer.owner_only:
        yield "  callback", consumer.callback_url + ("…" if consumer.callback_is_prefix else "")
    if consumer.access_token:
        yield "  access token", consumer.access_token
    if consumer.access_secret:
        yield "  access secret", consumer.access_secret


def _show(entry: LogEntry) -> None:
    """Write a line for a request. A reader who went away does not stop the wiki."""
    with suppress(OSError):
        click.echo(_line(entry), err=True)


def _line(entry: LogEntry) -> str:
    what = [entry.path]
    what += [
        f"{name}={entry.params[name]}"
        for name in ("action", "title", "grant_type")
        if name in entry.params
    ]
    who = entry.user or "nobody"
    if entry.mechanism != "none":
        who += f" by {entry.mechanism}"
    answer = f"{entry.status or 'cut'} {entry.error or ''}"
    time = entry.time.astimezone().strftime("%H:%M:%S")
    parts = (time, entry.method, " ".join(map(_printable, what)), who, answer.rstrip())
    return "  ".join(map(_printable, parts))


def _printable(text: str) -> str:
    """What came from outside, without what would command a terminal, and not for ever."""
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    return "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in text)
