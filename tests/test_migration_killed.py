"""``pwb-oauth migrate`` killed before each of its steps: a second run ends well."""

from __future__ import annotations

import signal
import stat
import sys

import pytest

from migrations import CONFIG, LINE, PASSWORDS
from mover import Mover, contents

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
