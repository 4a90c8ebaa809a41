"""``pwb-oauth migrate`` killed before each of its steps: a second run ends well."""

from __future__ import annotations

import signal
import stat
import sys

import pytest

from migrations import CONFIG, LINE, PASSWORDS
from mover import Mover, contents
from person import ended

COOKIES = "pywikibot-Alice.lwp"
# Ends the process before the given occurrence of what it is about to do, as Python reports it.
KILL = """
import os, signal, sys
event, name, occurrence = sys.argv[1], sys.argv[2], int(sys.argv[3])
seen = 0
def count(what, arguments):
    global seen
    if what == event and name in str(arguments[0]) and not str(arguments[0]).endswith(".lock"):
        seen += 1
        if seen == occurrence:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(count)
from pwb_oauth.cli import main
main(["migrate", "--yes"])
"""
STEPS = (
    ("socket.connect", "", 1, "the wiki is asked whose the tuple is"),
    ("open", "accounts.new", 1, "the account is noted as begun"),
    ("os.rename", "accounts.new", 1, "the note is put in place"),
    ("open", "keyring.new", 1, "the credential is written"),
    ("os.rename", "keyring.new", 1, "the credential is put in place"),
    ("open", "accounts.new", 2, "the account is noted as complete"),
    ("os.rename", "accounts.new", 2, "that note is put in place"),
    ("socket.connect", "", 2, "the credential is tried"),
    ("open", ".user-config.py.pwb", 1, "the line is added"),
    ("os.rename", ".user-config.py.pwb", 1, "the file with the line is put in place"),
    ("open", ".user-config.py.pwb", 2, "the tuple is taken out"),
    ("os.rename", ".user-config.py.pwb", 2, "the file without the tuple is put in place"),
    ("open", ".user-password.cfg.pwb", 1, "the password is taken out"),
    ("os.rename", ".user-password.cfg.pwb", 1, "the file without the password is put in place"),
    ("os.remove", COOKIES, 1, "the cookies are deleted"),
)

# The same where somebody logs in on the way, from the moment at which they have typed the token.
LOGIN_STEPS = (
    ("socket.connect", "", 2, "the wiki is asked whose the token is"),
    ("open", "accounts.new", 1, "the account is noted as begun"),
    ("os.rename", "accounts.new", 1, "the note is put in place"),
    ("open", "keyring.new", 1, "the credential is written"),
    ("os.rename", "keyring.new", 1, "the credential is put in place"),
    ("open", "accounts.new", 2, "the account is noted as complete"),
    ("os.rename", "accounts.new", 2, "that note is put in place"),
)
# And from the moment at which it is stored: whether it is proven by then.
STORED_STEPS = (
    ("socket.connect", "", 3, False, "the credential is tried"),
    ("open", ".user-config.py.pwb", 1, True, "the line is added"),
    ("os.rename", ".user-config.py.pwb", 1, True, "the file with the line is put in place"),
    ("open", ".user-password.cfg.pwb", 1, True, "the password is taken out"),
    ("os.rename", ".user-password.cfg.pwb", 1, True, "the file without it is put in place"),
)


@pytest.fixture
def mover(wiki, tmp_path):
    """Somebody with a tuple, a password and cookies, all of Alice's."""
    mover = Mover(wiki, tmp_path / "home")
    mover.tuple_of("a", "Alice")
    beginning = mover.config.read_text() + f"password_file = {PASSWORDS!r}\n"
    entry = mover.filled_in("authenticate['<host>'] = ('<a1>', '<a2>', '<a3>', '<a4>')  # mine\n")
    cookie = 'Set-Cookie3: xSession=s; path="/"; domain="127.0.0.1"; discard; version=0\n'
    mover.states = {
        CONFIG: [
            f"{beginning}{entry}",
            f"{beginning}{entry}{LINE}\n",
            f"{beginning}# mine\n{LINE}\n",
        ],
        PASSWORDS: ["# mine\n('Alice', 'hunter2-alice')\n", "# mine\n"],
        COOKIES: [f"#LWP-Cookies-2.0\n{cookie}"],
    }
    mover.write({name: states[0].encode() for name, states in mover.states.items()})
    return mover


class TestKilled:
    """A process that is gone from one moment to the next."""

    @pytest.mark.parametrize(("event", "name", "occurrence", "step"), STEPS)
    def test_before_each_step_nothing_is_lost_and_a_second_run_ends_well(
        self, mover, event, name, occurrence, step
    ):
        """Every file is whole, and what it no longer holds is stored and works."""
        del step  # for people
        command = ("-c", KILL, event, name, str(occurrence))
        ran = mover.over_pipe(*command, command=sys.executable)
        assert ran.returncode == -signal.SIGKILL, ran.stdout + ran.stderr
        self.check_nothing_is_lost(mover)

        ran = mover.over_pipe("migrate", "--yes")
        assert ran.returncode == 0, ran.stdout + ran.stderr
        left = {name: data.decode() for name, data in contents(mover).items()}
        assert left == {CONFIG: mover.states[CONFIG][-1], PASSWORDS: "# mine\n"}
        assert set(mover.stored()) == {"Alice"}

    def check_nothing_is_lost(self, mover):
        whole = {name: data.decode() for name, data in contents(mover).items()}
        begun = {name for name in whole if name.endswith(".pwb-oauth-new")}
        for name in begun:
            assert stat.S_IMODE((mover.folder / name).stat().st_mode) == 0o600
        for name in set(whole) - begun:
            assert whole[name] in mover.states[name]
        out = (
            mover.names["a2"] not in whole[CONFIG]
            or "hunter2" not in whole[PASSWORDS]
            or COOKIES not in whole
        )
        if out:
            assert mover.names["a4"] == mover.stored()["Alice"].access_token.secret
            assert LINE in whole[CONFIG]
            proofs = mover.wiki.log.select(action="query", user="Alice", mechanism="oauth1")
            assert proofs


@pytest.fixture
def password_alone(wiki, tmp_path):
    """Somebody with a password, who has not logged in, and an access token to log in with."""
    mover = Mover(wiki, tmp_path / "home")
    beginning = mover.config.read_text() + f"password_file = {PASSWORDS!r}\n"
    mover.states = {
        CONFIG: [beginning, f"{beginning}{LINE}\n"],
        PASSWORDS: ["# mine\n('Alice', 'hunter2-alice')\n", "# mine\n"],
    }
    mover.write({name: states[0].encode() for name, states in mover.states.items()})
    mover.token = wiki.add_consumer("New", owner="Alice", owner_only=True).access_token
    return mover


class TestKilledAfterLogin:
    """A process that is gone once somebody has typed their new access token."""

    @pytest.mark.parametrize(("event", "name", "occurrence", "step"), LOGIN_STEPS)
    def test_before_the_token_is_stored_a_second_run_asks_again(
        self, password_alone, event, name, occurrence, step
    ):
        """The password is still there to log in with, and the token is as good as before."""
        del step  # for people
        mover = password_alone
        self.kill(mover, event, name, occurrence)
        left = self.whole_files(mover)
        assert left == {name: states[0] for name, states in mover.states.items()}

        terminal = mover.at_terminal("migrate", "--yes")
        self.type_token(mover, terminal)
        self.check_moved(mover, *ended(terminal))

    @pytest.mark.parametrize(("event", "name", "occurrence", "proven", "step"), STORED_STEPS)
    def test_once_the_token_is_stored_a_second_run_asks_for_nothing(
        self, password_alone, event, name, occurrence, proven, step
    ):
        """It proves what is stored, and takes out the password that was still there till then."""
        del step  # for people
        mover = password_alone
        self.kill(mover, event, name, occurrence)
        assert mover.stored()["Alice"].access_token.value == mover.token
        assert "hunter2" in self.whole_files(mover)[PASSWORDS]
        proofs = len(self.proofs(mover))
        assert bool(proofs) is proven

        ran = mover.over_pipe("migrate", "--yes")
        self.check_moved(mover, ran.returncode, ran.stdout + ran.stderr)
        assert len(self.proofs(mover)) > proofs

    def kill(self, mover, event, name, occurrence):
        arguments = ("-c", KILL, event, name, str(occurrence))
        terminal = mover.at_terminal(*arguments, command=sys.executable)
        self.type_token(mover, terminal)
        ended(terminal)
        assert terminal.signalstatus == signal.SIGKILL

    def type_token(self, mover, terminal):
        terminal.expect(r"as Alice now\?")
        terminal.sendline("y")
        terminal.expect("Access token")
        terminal.sendline(mover.token)

    def proofs(self, mover):
        return mover.wiki.log.select(action="query", user="Alice", mechanism="oauth2")

    def whole_files(self, mover):
        """What the files hold: each is as it was, or as it shall be."""
        found = {
            name: data.decode()
            for name, data in contents(mover).items()
            if not name.endswith(".pwb-oauth-new")
        }
        assert all(text in mover.states[name] for name, text in found.items())
        return found

    def check_moved(self, mover, code, shown):
        assert code == 0, shown
        left = {name: data.decode() for name, data in contents(mover).items()}
        assert left == {name: states[-1] for name, states in mover.states.items()}
        assert mover.stored()["Alice"].access_token.value == mover.token
