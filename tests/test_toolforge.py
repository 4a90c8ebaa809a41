"""What docs/toolforge.md says of a tool with its tokens in a database, done as it says.

The part with environment variables alone is in test_cli_export.py.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import click
import pytest

from person import Person, ended
from pwb_oauth import cli
from pwb_oauth.encryption import new_key

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "toolforge.md"
DATABASES = os.environ.get("PWB_OAUTH_TEST_DB_URLS", "").split()
MARIADB = [url for url in DATABASES if url.startswith("mariadb")]
EDIT = """
import pywikibot
page = pywikibot.Page(pywikibot.Site(), "Test")
page.text += "more"
page.save(quiet=True)
"""


class Tool:
    """A tool: a home with the password of its database, and variables for all of its jobs."""

    def __init__(self, wiki, home, store):
        self.person = Person(wiki, home)
        self.python = Path(sys.executable)
        with (self.person.folder / "user-config.py").open("a") as config:
            config.write("__import__('pwb_oauth').install()\n")
        (home / "replica.my.cnf").write_text("[client]\nuser = pwb_oauth\n")
        self.variables = {
            "PYWIKIBOT_DIR": str(self.person.folder),
            "HOME": str(home),
            "NO_PROXY": "127.0.0.1",
            "PWB_OAUTH_STORE": store,
            "PWB_OAUTH_ENCRYPTION_KEYS": new_key(),
        }
        self.person.variables |= self.variables

    def job(self, *command):
        """A container without a terminal, a keyring or a user's name."""
        return subprocess.run(  # noqa: S603  # our own command
            command,
            env=self.variables,
            cwd=self.person.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture(params=["sqlite", "mariadb"])
def tool(request, wiki, tmp_path):
    if request.param == "sqlite":
        return Tool(wiki, tmp_path / "tool", f"sqlite:///{tmp_path}/tokens.sqlite")
    if not MARIADB:
        pytest.skip("PWB_OAUTH_TEST_DB_URLS names no MariaDB")
    # As the document has it: the user is in the file, not in the URL.
    url = MARIADB[0].replace("pwb_oauth@", "")
    return Tool(wiki, tmp_path / "tool", f"{url}&read_default_file=~/replica.my.cnf")


class TestDocument:
    """Every command that it gives can be typed."""

    def test_commands_and_options_exist(self):
        """Those of ours."""
        text = DOCUMENT.read_text("utf-8")
        lines = re.findall(r"pwb-oauth ((?:--?[\w-]+|[\w.:]+)(?: (?:--?[\w-]+|[\w.:]+))*)", text)
        assert len(lines) > 8
        for line in lines:
            name, *words = line.split()
            command = cli.cli.get_command(click.Context(cli.cli), name)
            assert command is not None, line
            options = {option for param in command.params for option in param.opts}
            assert {word for word in words if word.startswith("-")} <= options, line


class TestTokensInDatabase:
    """A consumer whose tokens expire after hours."""

    def test_from_login_to_logout(self, wiki, tool):
        """Log in from afar, edit for months, change the key, log out."""
        self.log_in(wiki, tool)
        for number in range(3):
            assert tool.job(tool.python, "-c", EDIT).returncode == 0
            wiki.clock.advance(timedelta(hours=5).total_seconds())
            status = tool.job(tool.person.command, "status")
            assert status.returncode == 0, status.stdout
            assert len(wiki.pages["Test"].revisions) == number + 1
        assert {revision.user for revision in wiki.pages["Test"].revisions} == {"Alice"}
        refreshes = [one for one in wiki.log if one.params.get("grant_type") == "refresh_token"]
        assert len(refreshes) == 3
        self.change_key(tool)
        assert tool.job(tool.person.command, "logout", "--all").returncode == 0
        assert tool.job(tool.person.command, "status").returncode == 4

    def log_in(self, wiki, tool):
        with socket.socket() as reserved:
            reserved.bind(("127.0.0.1", 0))
            callback = f"http://127.0.0.1:{reserved.getsockname()[1]}/callback"
        consumer = wiki.add_consumer("Tool", owner="Admin", callback_url=callback)
        line = ("login", "--consumer", consumer.key, "--callback", callback, "--no-browser")
        terminal = tool.person.at_terminal(*line)
        terminal.expect("ecret")
        terminal.sendline(consumer.secret)
        terminal.expect(rf"{re.escape(wiki.url)}\S*authorize\S*")
        address = wiki.approve(terminal.after, "Alice")
        terminal.expect("ddress")
        terminal.sendline(address)
        code, shown = ended(terminal)
        assert code == 0, shown
        assert tool.person.visited == []

    def change_key(self, tool):
        old = tool.variables["PWB_OAUTH_ENCRYPTION_KEYS"]
        new = tool.job(tool.person.command, "key").stdout.strip()
        line = re.search(r'python -c "(.*reencrypt.*)"', DOCUMENT.read_text("utf-8"))[1]
        for keys, command in [
            (f"{new} {old}", (tool.python, "-c", line)),
            (new, (tool.person.command, "whoami")),
        ]:
            tool.variables["PWB_OAUTH_ENCRYPTION_KEYS"] = keys
            ran = tool.job(*command)
            assert ran.returncode == 0, ran.stderr
        assert ran.stdout == "Alice\n"
        tool.variables["PWB_OAUTH_ENCRYPTION_KEYS"] = old
        assert tool.job(tool.person.command, "whoami").returncode == 1
        tool.variables["PWB_OAUTH_ENCRYPTION_KEYS"] = new
