"""``pwb-oauth register``: from the link to a login, by way of the wiki's own form."""

from __future__ import annotations

import json
import re
import shlex
import socket
from html import unescape
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import requests

from person import Person, ended
from pwb_oauth import grants
from pwb_oauth.cli.callback import DEFAULT_URL
from pwb_oauth.testing.sandbox.approve import Browser, FormReader

BOX = "Tick the box at the end too, by which you agree to the wiki's rules. Submit it."


@pytest.fixture
def callback():
    """A callback URL at a port that is free."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}/callback"


@pytest.fixture
def person(wiki, tmp_path):
    return Person(wiki, tmp_path / "person")


def ask(person, *arguments):
    ran = person.over_pipe("register", *arguments, "--json")
    assert (ran.returncode, ran.stderr) == (0, "")
    return json.loads(ran.stdout)


def submit(wiki, url, ticked, user="Alice"):
    """Do what the command says: sign in, tick, submit. The consumer that comes of it."""
    with Browser(wiki.url, wiki.url) as browser:
        browser.approve(url, user=user, password=wiki.users[user].password, allow=True)
        form = FormReader(browser._session.get(url, timeout=10).text)
        ticks = [("wpgrants[]", f"grant-{name}") for name in ticked]
        button = next(iter(form.buttons.items()))
        before = set(wiki.consumers)
        browser._session.post(
            urljoin(url, unescape(form.action)), data=[*form.fields, *ticks, button], timeout=10
        )
    (key,) = set(wiki.consumers) - before
    return wiki.consumers[key]


class TestRegister:
    """A link to the form, and what the person still has to do."""

    @pytest.mark.parametrize("version", ["1.0a", "2.0"])
    def test_owner_only_the_form_gives_a_token_that_logs_in(self, person, version):
        """The whole way, with nothing typed into the form."""
        told = ask(person, "--owner-only", "--oauth", version, "--name", "Example & bot")
        consumer = submit(person.wiki, told["url"], told["grants"])
        assert (consumer.name, consumer.oauth_version) == ("Example & bot", version)
        assert (consumer.owner_only, consumer.state) == (True, "approved")
        # A wiki takes no second consumer of the same name and version.
        assert re.fullmatch(r"\d{4}\.\d\d\.\d\d\.\d{4}", consumer.version)
        assert consumer.grants == ["basic", *told["grants"]]
        parts = [consumer.access_token]
        if version == "1.0a":
            parts = [consumer.key, consumer.secret, consumer.access_token, consumer.access_secret]
        line = shlex.split(told["login_command"])[1:]
        ran = person.over_pipe(*line, "--with-token", typed=":".join(parts))
        assert ran.returncode == 0, ran.stderr
        assert "Warning" not in ran.stderr

    @pytest.mark.parametrize("version", ["1.0a", "2.0"])
    def test_callback_the_login_that_it_names_fits_without_more(self, person, version):
        """Port and path are the same by default; the owner need not wait for the approval."""
        told = ask(person, "--oauth", version, "--callback")
        consumer = submit(person.wiki, told["url"], told["grants"], user="Alice")
        assert (told["callback_url"], consumer.callback_url) == (DEFAULT_URL, DEFAULT_URL)
        assert (consumer.owner_only, consumer.state) == (False, "proposed")
        assert consumer.confidential
        if version == "2.0":
            assert consumer.grant_types == ["authorization_code", "refresh_token"]
        line = shlex.split(told["login_command"].replace("KEY", consumer.key))[1:]
        terminal = person.at_terminal(*line)
        terminal.expect("Consumer secret.*: ")
        terminal.sendline(consumer.secret)
        terminal.expect(r"nothing is shown\): ")
        address = person.wiki.approve(person.visited[0], "Alice")
        assert address.startswith(DEFAULT_URL)
        if "Another program listens" in terminal.before:  # on a machine that is busy with it
            terminal.sendline(address)
        else:
            assert requests.get(address, timeout=10).status_code == 200
        assert ended(terminal)[0] == 0
        assert person.over_pipe("whoami").stdout == "Alice\n"

    def test_at_a_terminal_it_lists_what_to_tick_and_what_happens_next(self, person):
        """By the names on the wiki; the link is on a line of its own."""
        code, shown = ended(person.at_terminal("register", "--owner-only", "--for", "uploading"))
        assert code == 0
        links = [line for line in shown.splitlines() if "OAuthConsumerRegistration" in line]
        assert links[0].strip().startswith(person.wiki.index_url)
        for grant in grants.PURPOSES["uploading"]:
            assert grants.label(grant) in shown
        assert BOX in shown
        assert f"pwb-oauth login {person.host}" in shown
        assert "approved at once" in shown

    def test_callback_at_a_terminal_what_it_says_leads_to_a_login(self, person, callback):
        """What to tick, who approves it, and the line to type, with what the wiki shows then."""
        code, shown = ended(person.at_terminal("register", "--callback", callback))
        assert code == 0
        assert BOX in shown
        assert "confirmed there" in shown
        assert "days to weeks" in shown
        ticked = grants.PURPOSES["editing"]
        assert [name for name in ticked if grants.label(name) not in shown] == []
        lines = [line.strip() for line in shown.splitlines()]
        (link,) = (line for line in lines if line.startswith(person.wiki.index_url))
        (login,) = (line for line in lines if line.startswith("pwb-oauth login"))
        consumer = submit(person.wiki, link, ticked)
        assert consumer.callback_url == callback
        terminal = person.at_terminal(*shlex.split(login.replace("KEY", consumer.key))[1:])
        terminal.expect("Consumer secret.*: ")
        terminal.sendline(consumer.secret)
        terminal.expect(r"nothing is shown\): ")
        address = person.wiki.approve(person.visited[0], "Alice")
        assert requests.get(address, timeout=10).status_code == 200
        assert ended(terminal)[0] == 0
        assert person.over_pipe("whoami").stdout == "Alice\n"

    def test_callback_it_says_who_approves_it(self, person):
        """And which login to type then, for a callback of one's own."""
        line = ["--callback", "https://tool.example/cb?a b", "--oauth", "1.0a"]
        ran = person.over_pipe("register", *line)
        assert "days to weeks" in " ".join(ran.stdout.split())
        assert (
            f"pwb-oauth login {person.host} --consumer KEY --oauth 1.0a "
            "--callback 'https://tool.example/cb?a b'"
        ) in ran.stdout

    def test_for_may_be_repeated_each_grant_is_listed_once(self, person):
        """The fewest for all of it."""
        told = ask(person, "--owner-only", "--for", "patrolling", "--for", "editing")
        assert told["grants"] == ["patrol", "highvolume", "editpage"]
        assert ask(person, "--owner-only", "--for", "reading")["grants"] == []
        ran = person.over_pipe("register", "--owner-only", "--for", "reading")
        assert "Tick no grant" in ran.stdout

    def test_wikimedia_the_link_goes_to_meta(self, person):
        """Wherever the bot works."""
        told = ask(person, "wikipedia:test", "--owner-only")
        parts = urlsplit(told["url"])
        assert (parts.scheme, parts.netloc, parts.path) == (
            "https",
            "meta.wikimedia.org",
            "/w/index.php",
        )
        title = parse_qs(parts.query)["title"]
        assert title == ["Special:OAuthConsumerRegistration/propose/oauth2"]
        assert told["wiki"] == "meta.wikimedia.org"
        assert told["login_command"] == "pwb-oauth login meta.wikimedia.org"

    def test_open_the_browser_goes_there(self, person):
        """To the link that is also shown."""
        told = ask(person, "--owner-only", "--open")
        assert person.visited == [told["url"]]

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            ([], "Say --owner-only"),
            (["--owner-only", "--callback"], "Say --owner-only"),
            (["--callback", "tool.example"], "not an http or https URL"),
            (["--owner-only", "--for", "vandalism"], "vandalism"),
            (["nonsense:xx", "--owner-only"], "family:code"),
        ],
    )
    def test_wrong_use_it_exits_with_2(self, person, arguments, says):
        """And says what is right."""
        ran = person.over_pipe("register", *arguments)
        assert (ran.returncode, ran.stdout) == (2, "")
        assert says in ran.stderr
