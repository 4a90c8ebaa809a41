"""``pwb-oauth login --consumer``: to the wiki and back, by the browser and by pasting."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from person import Person, ended
from pwb_oauth import open_token_store
from pwb_oauth.cli.callback import DEFAULT_URL
from pwb_oauth.tokens import TokenKey

HIDDEN = r"nothing is shown[^:]*\): "
SECOND_MACHINE = {
    "1.0a": "log in there too, by a consumer of its own or by this one: logins by OAuth 1.0a do "
    "not disturb each other.",
    "2.0": "log in by a consumer of its own: two logins of one account by the same consumer "
    "disturb each other.",
}
INTERRUPTED = "pwb-oauth: Interrupted. Run the command again to go on."
NO_TOKEN = ("html", "half-json", "empty")
"""How a wiki may answer with something else than a token."""


@pytest.fixture
def person(wiki, tmp_path):
    return Person(wiki, tmp_path / "person")


@pytest.fixture
def callback():
    """A callback URL at a port that is free."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}/callback"


def register(person, callback, version="2.0", **options):
    return person.wiki.add_consumer(
        "Tool", oauth_version=version, owner="Admin", callback_url=callback or "", **options
    )


def stored(person, user="Alice"):
    with person.at_home():
        return open_token_store("keyring:").load(TokenKey(person.host, user))


def entries(person):
    with person.at_home():
        return [entry.key.username for entry in open_token_store("keyring:").entries()]


def listens(url):
    parts = urlsplit(url)
    with socket.socket() as client:
        return client.connect_ex((parts.hostname, parts.port)) == 0


def begin(person, consumer, callback, *options):
    """Type the command and the secret; the terminal, once it waits for the browser."""
    terminal = begin_before_the_secret(person, consumer, callback, *options)
    terminal.sendline(consumer.secret)
    terminal.expect(HIDDEN)
    return terminal


def begin_before_the_secret(person, consumer, callback, *options):
    """Type the command; the terminal, once it asks for the consumer's secret."""
    line = ["login", "--consumer", consumer.key, "--oauth", consumer.oauth_version]
    callback_options = ["--callback", callback] if callback else []
    terminal = person.at_terminal(*line, *callback_options, *options)
    terminal.expect(HIDDEN)
    return terminal


def says_no_token(person, shown):
    """Whether it is one line, with the next step, that the wiki gave no token."""
    (line,) = shown.strip().splitlines()
    host = person.host.partition(":")[0]
    return (
        line.startswith(f"pwb-oauth: {host}")
        and "answered with something else than OAuth (HTTP 200). Try again later" in line
    )


def log_in(person, consumer, callback):
    terminal = begin(person, consumer, callback)
    terminal.sendline(person.wiki.approve(person.visited[-1], "Bob"))
    assert ended(terminal)[0] == 0


def browsers_in(person):
    """A folder of browsers as they are installed on servers, which note where they were sent."""
    folder = person.home / "bin"
    folder.mkdir()
    for name in ("www-browser", "w3m", "links", "lynx", "xdg-open"):
        (folder / name).symlink_to(person.home / "browser")
    return folder


def wait_for_hanging(wiki):
    """Wait until a request is in the hands of the fault that hangs."""
    while any(fault.count for fault in wiki._faults._waiting):
        time.sleep(0.02)


def codes(address):
    """What is secret in the address that a browser ended on."""
    query = parse_qs(urlsplit(address).query)
    return [
        query[name][0]
        for name in ("code", "state", "oauth_token", "oauth_verifier")
        if name in query
    ]


def link_in(terminal):
    return next(line.strip() for line in terminal.before.splitlines() if "/w/" in line)


def link_of(person):
    while not person.visited:
        time.sleep(0.02)
    return person.visited[0]


class TestByConsumer:
    """Obtaining an access token in the browser."""

    @pytest.mark.parametrize(
        ("version", "options"),
        [("1.0a", {}), ("2.0", {}), ("2.0", {"confidential": False})],
        ids=["1.0a", "2.0", "2.0 public"],
    )
    def test_browser_comes_back_it_is_stored(self, person, callback, version, options):
        """A browser that asks for an icon and strays is answered, and changes nothing."""
        consumer = register(person, callback, version, **options)
        terminal = begin(person, consumer, callback)
        address = person.wiki.approve(person.visited[0], "Bob")
        assert requests.get(callback.replace("callback", "icon"), timeout=10).status_code == 404
        for query in ("", "?code=a&state=b", "?oauth_token=a&oauth_verifier=b", "?error=x&state=b"):
            strange = requests.get(callback + query, timeout=10)
            assert strange.status_code == 400
            assert "does not belong" in strange.text
        done = requests.get(address, timeout=10)
        code, shown = ended(terminal)
        assert (code, done.status_code) == (0, 200)
        assert done.text == "Done. Close this page, and go back to the terminal."
        assert done.headers["Referrer-Policy"] == "no-referrer"
        assert done.headers["Cache-Control"] == "no-store"
        assert f"Logged in to {person.host} as Bob (OAuth {version})." in shown
        assert ("renewed by itself" in shown) == (version == "2.0")
        share = "On a second machine share this store (a database), or"
        assert f"{share} {SECOND_MACHINE[version]}\r\n" in shown
        credential = stored(person, "Bob")
        assert credential.consumer.callback_url == callback
        token = credential.access_token
        secrets = (
            consumer.secret,
            token.secret if version == "1.0a" else token.value,
            *codes(address),
        )
        assert not [secret for secret in secrets if secret in shown]
        assert not listens(callback)

    @pytest.mark.parametrize("version", ["1.0a", "2.0"])
    def test_address_is_pasted_it_is_stored_and_not_shown(self, person, callback, version):
        """A browser on another machine cannot come back; a wrong address is asked for again."""
        consumer = register(person, callback, version)
        terminal = begin(person, consumer, callback, "--no-browser")
        assert person.visited == []
        link = link_in(terminal)
        terminal.sendline("http://127.0.0.1:1/callback?code=abc&state=xyz")
        terminal.expect("does not belong to the authorization")
        terminal.expect(f"\n[^\n]*aste the address.*{HIDDEN}")
        address = person.wiki.approve(link, "Bob")
        terminal.sendline(address)
        code, shown = ended(terminal)
        assert code == 0
        assert not [secret for secret in codes(address) if secret in shown]
        assert stored(person, "Bob").username == "Bob"

    @pytest.mark.parametrize("registered", [None, DEFAULT_URL], ids=["code", "address"])
    def test_1_0a_without_callback_the_registered_one_is_found(self, person, registered):
        """Out of band the wiki shows a code, or sends the browser to what was registered."""
        consumer = register(person, registered, "1.0a")
        terminal = begin(person, consumer, None)
        address = person.wiki.approve(person.visited[0], "Bob")
        terminal.sendline(address if registered else codes(address)[-1])
        assert ended(terminal)[0] == 0
        assert stored(person, "Bob").oauth_version == "1.0a"

    def test_over_a_pipe_the_secret_is_the_first_line(self, person, callback):
        """And the pasted address the second, which is waited for beside the browser."""
        consumer = register(person, callback)
        line = [person.command, "login", "--consumer", consumer.key, "--callback", callback]
        with subprocess.Popen(  # noqa: S603  # our own command
            line,
            env=person.environment,
            cwd=person.home,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            process.stdin.write(f"{consumer.secret}\n")
            process.stdin.flush()
            link = next(part.strip() for part in process.stderr if "/oauth2/authorize" in part)
            out, err = process.communicate(person.wiki.approve(link, "Bob"), timeout=30)
        assert process.returncode == 0, err
        assert "as Bob (OAuth 2.0)" in out
        assert consumer.secret not in out + err

    def test_over_a_pipe_that_ends_the_browser_is_waited_for(self, person, callback):
        """The end of the input is not the end of the wait; the browser is opened all the same."""
        consumer = register(person, callback)
        ran = []
        line = ["login", "--consumer", consumer.key, "--callback", callback]
        thread = threading.Thread(
            target=lambda: ran.append(person.over_pipe(*line, typed=consumer.secret))
        )
        thread.start()
        link = link_of(person)
        requests.get(person.wiki.approve(link, "Bob"), timeout=10)
        thread.join()
        assert ran[0].returncode == 0, ran[0].stderr

    @pytest.mark.parametrize(
        ("second", "code", "says"),
        [("", 2, "as the second line"), ("http://x/?code=a&state=b\n", 1, "does not belong")],
    )
    def test_over_a_pipe_without_an_address_it_ends(self, person, second, code, says):
        """Nobody listens at another machine's address, and there is nobody to ask again."""
        elsewhere = "https://tool.example/callback"
        consumer = register(person, elsewhere)
        line = ["login", "--consumer", consumer.key, "--callback", elsewhere]
        ran = person.over_pipe(*line, typed=f"{consumer.secret}\n{second}")
        assert (ran.returncode, ran.stdout) == (code, "")
        assert says in ran.stderr

    def test_port_is_taken_it_says_so_and_takes_a_paste(self, person, callback):
        """By another login, as it happens: both end well, and the later one is kept."""
        consumer = register(person, callback)
        first = begin(person, consumer, callback)
        second = begin(person, consumer, callback)
        assert "Another program listens at" in second.before
        assert "Waiting for the browser" not in second.before.splitlines()[-1]
        addresses = [person.wiki.approve(link, "Bob") for link in person.visited]
        strange = requests.get(addresses[1], timeout=10)
        assert (strange.status_code, "paste" in strange.text) == (400, True)
        requests.get(addresses[0], timeout=10)
        assert ended(first)[0] == 0
        before = stored(person, "Bob")
        second.sendline(addresses[1])
        assert ended(second)[0] == 0
        assert stored(person, "Bob").logged_in_at >= before.logged_in_at
        assert stored(person, "Bob") != before

    def test_cancelled_in_the_browser_it_says_so_and_waits_on(self, person, callback):
        """The wiki sends an error back without the state, and anybody can send a browser here."""
        terminal = begin(person, register(person, callback), callback)
        address = person.wiki.approve(person.visited[0], "Bob", allow=False)
        assert "did not work" in requests.get(address, timeout=10).text
        terminal.expect("The browser reported: .*was not allowed.*Still waiting")
        terminal.expect(HIDDEN)
        assert listens(callback)
        requests.get(person.wiki.approve(person.visited[0], "Bob"), timeout=10)
        assert ended(terminal)[0] == 0
        assert entries(person) == ["Bob"]

    def test_cancelled_and_pasted_it_ends(self, person, callback):
        """Nobody but the person at the terminal can have done that."""
        terminal = begin(person, register(person, callback), callback)
        terminal.sendline(person.wiki.approve(person.visited[0], "Bob", allow=False))
        code, shown = ended(terminal)
        assert code == 1
        assert "was not allowed" in shown
        assert entries(person) == []

    @pytest.mark.parametrize("version", ["1.0a", "2.0"])
    def test_input_ends_before_the_secret_it_says_so(self, person, callback, version):
        """An empty line would mean a consumer without one; no line is a mistake."""
        consumer = register(person, callback, version)
        line = ["login", "--consumer", consumer.key, "--oauth", version, "--callback", callback]
        ran = person.over_pipe(*line)
        assert (ran.returncode, ran.stdout) == (2, "")
        assert "first line" in ran.stderr
        assert person.visited == []

    def test_over_a_pipe_a_wrong_address_comes_first_the_right_one_is_found(self, person):
        """As many lines as there are."""
        elsewhere = "https://tool.example/callback"
        consumer = register(person, elsewhere)
        line = [person.command, "login", "--consumer", consumer.key, "--callback", elsewhere]
        with subprocess.Popen(  # noqa: S603  # our own command
            line,
            env=person.environment,
            cwd=person.home,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            process.stdin.write(f"{consumer.secret}\n")
            process.stdin.flush()
            link = next(part.strip() for part in process.stderr if "/oauth2/authorize" in part)
            right = person.wiki.approve(link, "Bob")
            _, err = process.communicate(f"http://x/?code=a&state=b\n\n{right}\nmore", timeout=30)
        assert process.returncode == 0, err
        assert entries(person) == ["Bob"]

    def test_another_account_allowed_nothing_is_stored(self, person, callback):
        """The browser was signed in as somebody else, and shows that it failed."""
        terminal = begin(person, register(person, callback), callback, "--user", "Alice")
        address = person.wiki.approve(person.visited[0], "Bob")
        assert "did not work" in requests.get(address, timeout=10).text
        code, shown = ended(terminal)
        assert code == 1
        assert "belongs to 'Bob'" in shown
        assert entries(person) == []

    @pytest.mark.parametrize("version", ["1.0a", "2.0"])
    def test_wrong_secret_it_is_refused(self, person, callback, version):
        """At the first request that needs it, and without repeating it."""
        consumer = register(person, callback, version)
        line = ["login", "--consumer", consumer.key, "--oauth", version, "--callback", callback]
        terminal = person.at_terminal(*line)
        terminal.expect(HIDDEN)
        terminal.sendline("hunter2")
        if version == "2.0":
            terminal.expect(HIDDEN)
            requests.get(person.wiki.approve(person.visited[0], "Bob"), timeout=10)
        code, shown = ended(terminal)
        assert code == 4
        assert "hunter2" not in shown
        assert entries(person) == []

    def test_over_ssh_the_address_is_shown_and_pasted_and_no_browser_starts(self, person, callback):
        """Not even one that would fill the terminal, of those that are installed there."""
        person.variables |= {
            "BROWSER": "",
            "DISPLAY": "",
            "WAYLAND_DISPLAY": "",
            "SSH_CONNECTION": "192.0.2.1 50000 192.0.2.2 22",
            "PATH": f"{browsers_in(person)}{os.pathsep}{os.environ['PATH']}",
        }
        terminal = begin(person, register(person, callback), callback)
        assert person.visited == []
        assert "\nOpen this address:" in terminal.before
        assert "If your browser did not open" not in terminal.before
        address = person.wiki.approve(link_in(terminal), "Bob")
        terminal.sendline(address)
        code, shown = ended(terminal)
        assert code == 0
        assert not [secret for secret in codes(address) if secret in shown]
        assert entries(person) == ["Bob"]
        assert person.visited == []


class TestNoToken:
    """The wiki answers with something else than a token: 1, one line, and nothing is kept."""

    @pytest.mark.parametrize("pasted", [False, True], ids=["browser", "pasted"])
    @pytest.mark.parametrize("fault", NO_TOKEN)
    @pytest.mark.parametrize(
        ("version", "path"), [("1.0a", "/index.php"), ("2.0", "/oauth2/access_token")]
    )
    def test_instead_of_the_access_token(self, person, callback, version, path, fault, pasted):
        """The browser's page says that it failed, and the terminal why."""
        terminal = begin(person, register(person, callback, version), callback)
        address = person.wiki.approve(person.visited[0], "Bob")
        person.wiki.fail_next(fault, path=path)
        if pasted:
            terminal.sendline(address)
        else:
            page = requests.get(address, timeout=10)
            assert page.text == "That did not work. Close this page: the terminal says why."
        code, shown = ended(terminal)
        assert code == 1
        assert says_no_token(person, shown)
        assert not [secret for secret in codes(address) if secret in shown]
        assert entries(person) == []
        assert not listens(callback)

    @pytest.mark.parametrize("fault", NO_TOKEN)
    def test_instead_of_the_request_token(self, person, callback, fault):
        """OAuth 1.0a asks for one before a person is sent to the wiki: nobody is."""
        consumer = register(person, callback, "1.0a")
        terminal = begin_before_the_secret(person, consumer, callback)
        person.wiki.fail_next(fault, path="/index.php")
        terminal.sendline(consumer.secret)
        code, shown = ended(terminal)
        assert code == 1
        assert says_no_token(person, shown)
        assert consumer.secret not in shown
        assert person.visited == []
        assert entries(person) == []
        assert not listens(callback)


class TestInterrupted:
    """Ctrl-C anywhere: 130, the port is free, nothing is lost."""

    @pytest.mark.parametrize("version", ["1.0a", "2.0"])
    def test_at_the_consumer_secret(self, person, callback, version):
        """Half of it is typed already."""
        terminal = begin_before_the_secret(person, register(person, callback, version), callback)
        terminal.send("half a secret")
        terminal.sendintr()
        code, shown = ended(terminal)
        assert code == 130
        assert shown.split() == INTERRUPTED.split()
        assert person.visited == []
        assert not listens(callback)

    def test_while_it_waits_for_the_browser(self, person, callback):
        """The port is free again."""
        terminal = begin(person, register(person, callback), callback)
        assert listens(callback)
        terminal.sendintr()
        code, shown = ended(terminal)
        assert code == 130
        assert "Traceback" not in shown
        assert not listens(callback)
        assert entries(person) == []

    @pytest.mark.parametrize(
        ("version", "path"), [("1.0a", "/index.php"), ("2.0", "/oauth2/access_token")]
    )
    def test_while_a_pasted_address_is_exchanged(self, person, callback, version, path):
        """What was stored before is still there, and another attempt ends well."""
        consumer = register(person, callback, version)
        log_in(person, consumer, callback)
        before = stored(person, "Bob")
        terminal = begin(person, consumer, callback)
        address = person.wiki.approve(person.visited[-1], "Bob")
        person.wiki.fail_next("hang", path=path, seconds=60)
        terminal.sendline(address)
        wait_for_hanging(person.wiki)
        terminal.sendintr()
        code, shown = ended(terminal)
        assert code == 130
        assert shown.split() == INTERRUPTED.split()
        assert stored(person, "Bob") == before
        assert not listens(callback)
        log_in(person, consumer, callback)
        assert stored(person, "Bob") != before
