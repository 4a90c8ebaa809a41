"""``pwb-oauth migrate``: at a terminal, over a pipe, and when something goes wrong."""

from __future__ import annotations

import stat
import sys

import pytest

from migrations import CONFIG, LINE, PASSWORDS
from mover import Mover, contents, write_all_kinds
from person import ended

QUICK = "import pywikibot; s = pywikibot.Site(); s.login(); print('signed in as', s.user())"


@pytest.fixture
def mover(wiki, tmp_path):
    """Somebody with secrets in files."""
    return Mover(wiki, tmp_path / "home")


@pytest.fixture
def all_kinds(mover):
    """Somebody with a tuple of Alice's, a BotPassword of hers and a password of Bob's."""
    write_all_kinds(mover)
    return mover


def new_token(person, user):
    """The access token of an owner-only consumer that somebody registers now."""
    return person.wiki.add_consumer("New", owner=user, owner_only=True).access_token


class TestDryRun:
    """``--dry-run``: what would be done."""

    @pytest.mark.parametrize("terminal", [True, False])
    def test_nothing_changes_and_no_wiki_is_asked(self, all_kinds, terminal):
        """Neither at a terminal nor over a pipe is anything asked."""
        before = contents(all_kinds)
        if terminal:
            code, shown = ended(all_kinds.at_terminal("migrate", "--dry-run"))
        else:
            ran = all_kinds.over_pipe("migrate", "--dry-run")
            code, shown = ran.returncode, ran.stdout
        assert code == 0
        for finding, plan in (
            ("user-config.py:10 OAuth 1.0a tuple of", "to be stored and taken out"),
            ("user-password.cfg:2 BotPassword of Alice", "to be taken out once the wiki accepts"),
            ("user-password.cfg:3 password of Bob", "to be taken out once you have logged in"),
        ):
            [line] = [line for line in shown.splitlines() if line.startswith(finding)]
            assert plan in line
        assert f"+{LINE}" in shown
        assert "hunter2" not in shown
        assert contents(all_kinds) == before
        assert len(all_kinds.wiki.log) == 0
        assert all_kinds.stored() == {}

    def test_tuple_is_left_it_is_not_planned_with(self, all_kinds):
        """What is left is not stored, so that a password cannot go by it."""
        text = contents(all_kinds)[CONFIG].decode()
        (all_kinds.folder / CONFIG).write_text(text.replace("authenticate[", "if 1: authenticate["))
        shown = all_kinds.over_pipe("migrate", "--dry-run").stdout
        [line] = [line for line in shown.splitlines() if "BotPassword of Alice" in line]
        assert "to be taken out once you have logged in" in line

    def test_names_that_pywikibot_does_not_know_it_says_nothing_of_them(self, mover):
        """Each script says so, which is enough; that a value is of the wrong type is still said."""
        with mover.config.open("a") as file:
            file.write("consumer_secret = 'x'\nmaxlag = 5\nmylang = 5\n")
        ran = mover.over_pipe("migrate", "--dry-run")
        assert "unknown" not in ran.stderr
        assert "deprecated" not in ran.stderr
        assert "expected" in ran.stderr

    @pytest.mark.parametrize("config", [None, ""])
    def test_no_secret_it_says_so(self, mover, config):
        """With or without a user-config.py."""
        if config is None:
            mover.config.unlink()
        ran = mover.over_pipe("migrate", "--dry-run")
        assert (ran.returncode, ran.stdout) == (0, "No secret is left in Pywikibot's files.\n")


class TestAdvice:
    """What should be changed because it lay in a file."""

    def test_several_lines_of_an_account_it_is_said_once(self, mover):
        """However they write its name."""
        mover.log_in("Alice")
        lines = ["('Alice', 'x')", "('en', 'sandbox', 'alice', 'y')", "('sandbox', 'Alice', 'z')"]
        config = mover.config.read_text() + f"password_file = {PASSWORDS!r}\n"
        mover.write({CONFIG: config.encode(), PASSWORDS: "\n".join(lines).encode()})
        ran = mover.over_pipe("migrate", "--yes")
        assert (ran.returncode, ran.stdout.count("Moved: ")) == (0, 3)
        assert ran.stdout.count("Now change the password of Alice: ") == 1
        assert ran.stdout.count("Now change") == 1


class TestPasswordToOAuth:
    """A bot that signs in by a password today, and by a stored credential tomorrow."""

    def run_bot(self, person):
        """Run a script, and tell as whom and how it signed in."""
        ran = person.over_pipe("-W", "ignore", "-c", QUICK, command=sys.executable)
        assert "signed in as Alice" in ran.stdout, ran.stderr
        entry = [entry for entry in person.wiki.log if entry.user == "Alice"][-1]
        return entry.mechanism

    def test_password_and_cookies_go_and_the_bot_runs_on(self, mover):
        """The cookies that Pywikibot itself has stored; other wikis' stay."""
        password = mover.wiki.users["Alice"].password
        config = mover.config.read_text() + "password_file = 'user-password.cfg'\n"
        entry = f"('Alice', {password!r})\n"
        mover.write({CONFIG: config.encode(), PASSWORDS: entry.encode()})
        assert self.run_bot(mover) == "cookie"
        jar = mover.folder / "pywikibot-Alice.lwp"
        session = jar.read_text()
        foreign = 'Set-Cookie3: xSession=1; path="/"; domain="wiki.example"; discard; version=0\n'
        jar.write_text(session + foreign)

        terminal = mover.at_terminal("migrate")
        terminal.expect("pywikibot-Alice.lwp .*: is left, since usernames names no account")
        for question, answer in (
            (r"Go on\?", "y"),
            (r"as Alice now\?", "y"),
            ("Access token", new_token(mover, "Alice")),
        ):
            terminal.expect(question)
            terminal.sendline(answer)
        code, shown = ended(terminal)

        assert (code, "Moved: pywikibot-Alice.lwp session cookies" in shown) == (1, True)
        assert "127.0.0.1" not in jar.read_text()
        assert "wiki.example" in jar.read_text()
        assert stat.S_IMODE(jar.stat().st_mode) == 0o600
        assert contents(mover)[PASSWORDS] == b""
        mover.wiki.users["Alice"].password = "another"
        assert self.run_bot(mover) == "oauth2"

    def test_no_cookie_is_left_the_file_is_deleted(self, mover):
        """Which of its kind is a secret tells its name."""
        mover.log_in("Alice")
        line = 'Set-Cookie3: {}=x; path="/"; domain="127.0.0.1"; discard; version=0\n'
        for name, cookies in (
            ("pywikibot-Alice.lwp", ("sandboxSession", "sandboxUserName")),
            ("pywikibot.lwp", ("centralauth_Token",)),
            ("pywikibot-Bob.lwp", ("sandboxSession",)),
            ("pywikibot-Carol.lwp", ("WMF-Last-Access",)),
        ):
            text = "#LWP-Cookies-2.0\n" + "".join(map(line.format, cookies))
            mover.write({name: text.encode()})
        ran = mover.over_pipe("migrate", "--yes")
        assert ran.returncode == 1
        assert "pywikibot-Bob.lwp session cookies of an unknown account: is left" in ran.stdout
        left = sorted(path.name for path in mover.folder.glob("*.lwp"))
        assert left == ["pywikibot-Bob.lwp", "pywikibot-Carol.lwp"]


class TestBadInput:
    """What goes wrong is one line, and nothing is lost."""

    @pytest.mark.parametrize("fault", ["503", "cut", "html", "maxlag"])
    def test_proof_fails_the_tuple_is_left_and_stored_too(self, all_kinds, fault):
        """A wiki that has an accident has not accepted anything."""
        before = contents(all_kinds)
        all_kinds.wiki.fail_next(fault, count=20, path="/w/api.php")
        ran = all_kinds.over_pipe("migrate", "--yes")
        assert (ran.returncode, "Left: user-config.py:10" in ran.stdout) == (1, True)
        assert "Traceback" not in ran.stderr
        assert contents(all_kinds) == before
        assert set(all_kinds.stored()) == {"Alice"}

    def test_proof_is_refused_the_tuple_is_left(self, all_kinds):
        """Though the wiki has just said whose it is."""
        before = contents(all_kinds)
        all_kinds.wiki.block("Alice")
        all_kinds.wiki.lock("Alice")
        ran = all_kinds.over_pipe("migrate", "--yes")
        assert ran.returncode == 1
        assert contents(all_kinds) == before

    def test_wiki_cannot_be_reached_all_is_left(self, all_kinds):
        """One line for each secret."""
        before = contents(all_kinds)
        all_kinds.wiki.close()
        ran = all_kinds.over_pipe("migrate", "--yes")
        assert ran.returncode == 1
        left = [line for line in ran.stdout.splitlines() if line.startswith("Left: ")]
        assert len(left) == 3
        assert "cannot be reached" in left[0]
        assert contents(all_kinds) == before

    @pytest.mark.parametrize("store", ["memory:", "env:", "nonsense:"])
    def test_store_keeps_nothing_nothing_changes(self, all_kinds, store):
        """Wrong use."""
        before = contents(all_kinds)
        ran = all_kinds.over_pipe("migrate", "--yes", "--store", store)
        assert (ran.returncode, ran.stderr.count("\n")) == (2, 1)
        assert contents(all_kinds) == before

    def test_other_store_than_scripts_open_it_warns(self, all_kinds):
        """They would not find what is in it."""
        url = f"sqlite:///{all_kinds.home}/tokens.sqlite"
        all_kinds.variables["PWB_OAUTH_ENCRYPTION_KEYS"] = all_kinds.over_pipe("key").stdout.strip()
        ran = all_kinds.over_pipe("migrate", "--yes", "--store", url)
        assert f", to {url} as Alice on {all_kinds.host}" in ran.stdout
        assert f"PWB_OAUTH_STORE={url}" in ran.stderr
        assert all_kinds.stored() == {}

    def test_line_cannot_be_added_nothing_is_stored(self, all_kinds):
        """Without it nothing could stand in for a secret."""
        before = contents(all_kinds)
        (all_kinds.folder / CONFIG).chmod(0o400)
        all_kinds.log_in("Bob")
        ran = all_kinds.over_pipe("migrate", "--yes")
        assert ran.returncode == 1
        assert f"needs the line {LINE}" in ran.stderr
        assert contents(all_kinds) == before

    def test_others_could_read_the_tuple_it_says_where_to_withdraw(self, all_kinds):
        """It still works, for them too."""
        (all_kinds.folder / CONFIG).chmod(0o644)
        ran = all_kinds.over_pipe("migrate", "--yes")
        assert "Others could read" in ran.stdout
        assert "Special%3AOAuthManageMyGrants" in ran.stdout

    def test_pywikibot_passes_over_the_file_it_says_so(self, all_kinds):
        """Its settings do not hold, so that nothing can be told from them."""
        before = contents(all_kinds)
        (all_kinds.folder / CONFIG).chmod(0o606)
        ran = all_kinds.over_pipe("migrate", "--yes")
        assert (ran.returncode, "chmod o-w" in ran.stderr) == (2, True)
        assert contents(all_kinds) == before
