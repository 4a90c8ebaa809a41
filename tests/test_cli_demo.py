"""``pwb-oauth demo``: what it shows, and that it sees what goes wrong."""

from __future__ import annotations

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

from pwb_oauth import cli, testing
from pwb_oauth.cli import demo_run
from pwb_oauth.cli.demo_run import Kind
from pwb_oauth.testing.file_keyring import VARIABLE, FileKeyring

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

    def type(self, *arguments):
        """Run the command; its exit code.

        An error leaves as an exception here. ``main`` makes a line and an exit code of it.
        """
        result = CliRunner().invoke(cli.cli, arguments, prog_name="pwb-oauth")
        self.shown += result.output
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            self.shown += "".join(traceback.format_exception(result.exception))
            raise result.exception
        return result.exit_code


@pytest.fixture
def terminal():
    return Terminal()


class TestDemo:
    """The demo, in a process of its own and with things going wrong."""

    @pytest.fixture
    def one_kind(self, monkeypatch, file_keyring):
        """Only one kind of consumer, to be quick."""
        monkeypatch.setattr(demo_run, "KINDS", (Kind("OAuth 2.0, owner-only", "2.0", True),))

    def script(self, tmp_path, monkeypatch, text):
        path = tmp_path / "script.py"
        path.write_text(text)
        monkeypatch.setattr(demo_run, "example", lambda _name: path)

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
        assert visits == [(404, "Done. Close this page, and go back to the terminal.")] * 2
        assert "Demo 1" not in terminal.shown

    def test_extra_missing_it_names_it(self, terminal, monkeypatch):
        """What an installation without the sandbox says."""
        monkeypatch.setitem(sys.modules, "pwb_oauth.testing.sandbox", None)
        monkeypatch.delitem(vars(testing), "SandboxWiki", raising=False)
        with pytest.raises(ImportError, match=r"pwb-oauth\[sandbox\]"):
            terminal.type("demo")
