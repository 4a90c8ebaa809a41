"""``pwb-oauth sandbox``, as somebody runs it who writes in another language."""

from __future__ import annotations

import json
import re
import signal
import socket
from pathlib import Path

import pytest
import requests

from pwb_oauth.cli import main
from pwb_oauth.cli.exits import Exit
from pwb_oauth.cli.sandbox import sandbox
from pwb_oauth.testing.sandbox.versions import BEHAVIOURS
from sandbox_clients import bearer
from sandbox_program import Program

SEED = {
    "users": [{"name": "Carol", "password": "open sesame", "groups": ["bot"]}],
    "bot_passwords": [{"user": "Carol", "app_id": "app", "password": "0123456789abcdef" * 2}],
    "consumers": [
        {"name": "Tool", "key": "the key", "secret": "the secret", "callback_url": "http://x/cb"},
        {"name": "Own", "oauth_version": "1.0a", "owner": "Carol", "owner_only": True},
    ],
    "pages": [{"title": "project:some_page", "text": "Hello.", "user": "Carol"}],
}


@pytest.fixture
def start():
    """Start the command; whatever is left of it is ended after the test."""
    started = []

    def run(*arguments):
        started.append(Program(*arguments))
        return started[-1]

    yield run
    for program in started:
        program.process.kill()
        program.process.communicate()


@pytest.fixture
def seed(tmp_path):
    """Write a seed file; give the options that name it."""

    def write(content):
        path = tmp_path / "seed.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
        return ["--seed", str(path)]

    return write


def refused(capsys, *arguments):
    """Run the command, which is to end at once; its exit code, and the only line it prints."""
    with pytest.raises(SystemExit) as ended:
        main(["sandbox", *arguments])
    out, error = capsys.readouterr()
    (line,) = [*out.splitlines(), *error.splitlines()]
    return ended.value.code, line


class TestStart:
    """What it prints."""

    def test_printed_tokens_and_passwords_are_good(self, start):
        """Owner-only consumers of both OAuths, and an account."""
        program = start()
        token = program.fact("access token", "consumer: Example 2.0, owner-only")
        assert program.ask(headers=bearer(token)) == "BotOwner"
        assert program.ask(auth=program.owner_only()) == "BotOwner"
        password = re.search(r"^ *Alice +(\S+)", program.said, re.MULTILINE)[1]
        with requests.Session() as session:
            session.params = {"format": "json", "formatversion": "2"}
            ask = {"action": "query", "meta": "tokens", "type": "login"}
            tokens = session.get(program.api, params=ask, timeout=10).json()["query"]["tokens"]
            fields = {
                "action": "clientlogin",
                "username": "Alice",
                "password": password,
                "logintoken": tokens["logintoken"],
                "loginreturnurl": "http://127.0.0.1/",
            }
            reply = session.post(program.api, fields, timeout=10).json()
        assert reply["clientlogin"]["status"] == "PASS"
        code, log = program.interrupt()
        assert code == Exit.FINE
        assert password not in "".join(log)

    def test_every_kind_of_consumer_is_there(self, start):
        """So that nobody needs a seed file for a first try."""
        program = start()
        kinds = re.findall(r"^consumer: .+ \((.+)\)$", program.said, re.MULTILINE)
        assert kinds == [
            "OAuth 1.0a",
            "OAuth 2.0",
            "OAuth 2.0, public",
            "OAuth 1.0a, only for BotOwner",
            "OAuth 2.0, only for BotOwner",
        ]

    @pytest.mark.parametrize("version", BEHAVIOURS)
    def test_version_is_the_one_asked_for(self, start, version):
        """By what the wiki says of itself."""
        program = start("--version", version)
        ask = {"action": "query", "meta": "siteinfo", "format": "json"}
        general = requests.get(program.api, ask, timeout=10).json()["query"]["general"]
        assert general["generator"] == BEHAVIOURS[version].generator

    def test_versions_to_choose_from_are_the_sandboxs(self):
        """The command names them itself, since it must load without the extra."""
        (option,) = [each for each in sandbox.params if each.name == "version"]
        assert list(option.type.choices) == list(BEHAVIOURS)


class TestLog:
    """A line for each request, on standard error."""

    def test_line_tells_what_who_how_and_what_was_answered(self, start):
        """One of a token, one of nobody, one that is refused, one of Special:OAuth."""
        program = start()
        token = program.fact("access token", "consumer: Example 2.0, owner-only")
        program.ask(headers=bearer(token))
        program.ask()
        requests.get(program.api, {"action": "nosuch"}, timeout=10)
        requests.get(f"{program.url}/w/index.php?title=Special:OAuth/initiate", timeout=10)
        code, log = program.interrupt()
        assert code == Exit.FINE
        assert [re.sub(r"^\d\d:\d\d:\d\d  ", "", line) for line in log] == [
            "GET  /w/api.php action=query  BotOwner by oauth2  200",
            "GET  /w/api.php action=query  nobody  200",
            "GET  /w/api.php action=nosuch  nobody  200 badvalue",
            "GET  /w/index.php title=Special:OAuth/initiate  nobody  200",
        ]

    def test_what_a_client_sends_cannot_command_the_terminal(self, start):
        """Nor make a line of its own, nor one without an end."""
        program = start()
        requests.get(f"{program.url}/wiki/%1B%5B2J%0A{'x' * 500}", timeout=10)
        _, log = program.interrupt()
        (line,) = log
        assert "/wiki/\\x1b[2J\\x0axxx" in line
        assert len(line) < 150

    def test_reader_that_went_away_does_not_stop_the_wiki(self, start):
        """As where the output is piped to ``head``."""
        program = start()
        program.process.stderr.close()
        for _ in range(3):
            assert program.ask() == "127.0.0.1"
        program.process.send_signal(signal.SIGINT)
        assert program.process.wait(20) == Exit.FINE
        program.process.stderr = None


class TestSeed:
    """``--seed``."""

    def test_wiki_has_what_the_file_says(self, start, seed):
        """Accounts, consumers with their keys, bot passwords, pages."""
        program = start(*seed(SEED))
        assert re.search(r"^ *Carol +open sesame +bot *$", program.said, re.MULTILINE)
        assert re.search(r"^ *Carol@app +(0123456789abcdef){2} ", program.said, re.MULTILINE)
        assert re.findall(r"^consumer: (.+)$", program.said, re.MULTILINE) == [
            "Tool (OAuth 2.0)",
            "Own (OAuth 1.0a, only for Carol)",
        ]
        fields = {"grant_type": "authorization_code", "code": "x"}
        tool = {"client_id": "the key", "client_secret": "the secret"}
        address = f"{program.fact('rest.php')}/oauth2/access_token"
        assert requests.post(address, fields | tool, timeout=10).status_code == 400
        assert requests.post(address, fields, timeout=10).status_code == 401
        page = f"{program.url}/w/index.php?title=SandboxWiki:Some_page&action=raw"
        assert requests.get(page, timeout=10).text == "Hello."

    @pytest.mark.parametrize(
        ("content", "place"),
        [
            ("{\n  users: []}", "line 2, column 3: this is not JSON"),
            ("[" * 100_000, "it is nested too deeply"),
            ([], "the file: must be an object"),
            ({"user": []}, "the file: 'user' is unknown; there are users, consumers"),
            ({"users": {}}, "users: must be a list"),
            ({"users": ["Carol"]}, "users[0]: must be an object"),
            ({"users": [{}]}, "users[0]: 'name' is missing"),
            ({"users": [{"name": "A"}, {"name": 1}]}, "users[1].name: must be text"),
            ({"users": [{"name": "carol"}]}, "users[0].name: must begin with a capital"),
            ({"users": [{"name": "A", "groups": "bot"}]}, "users[0].groups: must be a list of"),
            ({"users": [{"name": "A", "groups": ["bto"]}]}, "users[0].groups: 'bto' is unknown"),
            ({"consumers": [{"name": "A", "owner": "B"}]}, "consumers[0].owner: 'B' is unknown"),
            (
                {"consumers": [{"name": "A", "oauth_version": "3"}]},
                "consumers[0].oauth_version: must be one of '1.0a', '2.0'",
            ),
            (
                {"consumers": [{"name": "A", "owner_only": "yes"}]},
                "consumers[0].owner_only: must be true or false",
            ),
            (
                {"consumers": [{"name": "A", "grants": ["edit"]}]},
                "consumers[0].grants: 'edit' is unknown; there are",
            ),
            (
                {"consumers": [{"name": "A", "key": "k"}, {"name": "B", "key": "k"}]},
                "consumers[1].key: another consumer has it",
            ),
            (
                {"bot_passwords": [{"user": "Alice", "app_id": "a", "password": "x"}]},
                "bot_passwords[0].password: must be 32 characters",
            ),
            ({"pages": [{"title": "A[b", "text": ""}]}, "pages[0].title: "),
            ({"pages": [{"title": "A"}]}, "pages[0]: 'text' is missing"),
        ],
    )
    def test_mistake_is_a_line_that_names_the_place(self, capsys, seed, content, place):
        """And nothing else is printed."""
        options = seed(content)
        code, line = refused(capsys, "--port", "0", *options)
        assert code == Exit.WRONG_USE
        assert line.startswith(f"pwb-oauth: {options[1]}: {place}")

    @pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.write_bytes(b"\xff"), None])
    def test_file_that_cannot_be_read_is_a_line(self, capsys, tmp_path, make):
        """A folder, another encoding, nothing at all."""
        path = tmp_path / "seed.json"
        if make:
            make(path)
        code, line = refused(capsys, "--port", "0", "--seed", str(path))
        assert code == Exit.WRONG_USE
        assert line.startswith(f"pwb-oauth: {path}: it ")


class TestPort:
    """``--port``."""

    def test_taken_port_is_a_line_that_names_it(self, capsys):
        """With what to do."""
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            code, line = refused(capsys, "--port", str(port))
        assert code == Exit.WRONG_USE
        assert line == (
            f"pwb-oauth: Cannot listen on port {port}: Address already in use. "
            "Name another one with --port, or 0 for any that is free."
        )

    @pytest.mark.parametrize("port", ["-1", "65536", "http"])
    def test_what_is_no_port_is_wrong_use(self, capsys, port):
        """Click says what is."""
        code, line = refused(capsys, "--port", port)
        assert code == Exit.WRONG_USE
        assert "--port" in line
