"""``pwb-oauth migrate --json``: one document on standard output, and all else beside it."""

from __future__ import annotations

import json

import pexpect
import pytest

from migrations import CONFIG, PASSWORDS, SET_UPS
from mover import Mover, contents, write_all_kinds
from person import ended
from pwb_oauth.testing import SandboxWiki

SEVERAL = [
    set_up
    for set_up in SET_UPS
    if set_up.name
    in (
        "names that are not ASCII",
        "secrets in comments",
        "several families",
        "passwords of some who have not logged in",
    )
]


@pytest.fixture(scope="module")
def other():
    """Another wiki, with Olga."""
    with SandboxWiki() as wiki:
        wiki.add_user("Olga")
        yield wiki


@pytest.fixture
def mover(wiki, other, tmp_path):
    """Somebody with secrets in files."""
    return Mover(wiki, tmp_path / "home", other)


@pytest.fixture
def all_kinds(mover):
    """Somebody with a tuple of Alice's, a BotPassword of hers and a password of Bob's."""
    write_all_kinds(mover)
    return mover


def at_terminal(person, *arguments):
    """Begin at a terminal, with standard output in a file; Ctrl-C does not end the shell."""
    line = f"trap : INT; {person.command} migrate --json {' '.join(arguments)} >report"
    return person.at_terminal("-c", line, command="/bin/sh")


def report(person):
    """What is in that file."""
    return json.loads((person.home / "report").read_text())


def told(document):
    """Each secret as people are told of it, and what became of it."""
    kinds = {"oauth1": "OAuth 1.0a tuple", "bot_password": "BotPassword"}
    return [
        (f"{kinds.get(one['kind'], one['kind'])} of {one['label']}", one["status"], one["problem"])
        for one in document["secrets"]
    ]


def statuses(document):
    return [one["status"] for one in document["secrets"]]


class TestSetUps:
    """The same secrets are named as in words, by the same exit codes."""

    def check(self, mover, set_up, document):
        """As many are moved, and as many are left, as of each set-up is known."""
        found = told(document)
        moved = [what for what, status, _ in found if status == "moved"]
        left = [(what, why) for what, status, why in found if status == "left"]
        assert len(moved) == len(set_up.moved)
        for what, expected in zip(moved, set_up.moved, strict=True):
            assert what.endswith(mover.filled_in(expected))
        assert len(left) == len(set_up.left)
        for _, why in set_up.left:
            # Who was asked is told otherwise than who could not be.
            reason = mover.filled_in(why).removeprefix("Log in first: ")
            assert [one for _, one in left if reason in one]

    @pytest.mark.parametrize("set_up", SEVERAL, ids=lambda set_up: set_up.name)
    def test_over_a_pipe(self, mover, set_up):
        """What is planned, then what was done; nothing else at all on standard output."""
        secrets = mover.begin_with(set_up)
        before = contents(mover)

        planned = mover.over_pipe("migrate", "--dry-run", "--json")
        assert contents(mover) == before
        ran = mover.over_pipe("migrate", "--yes", "--json")

        assert (planned.returncode, planned.stderr) == (0, "")
        assert ran.returncode == set_up.exit_code
        plan, done = (json.loads(one.stdout) for one in (planned, ran))
        for before, after in zip(told(plan), told(done), strict=True):
            assert before[0] == after[0]
            assert before[1] == "planned" or before == after
        self.check(mover, set_up, done)
        shown = planned.stdout + ran.stdout + ran.stderr
        assert not [one for one in secrets if one in shown]

    @pytest.mark.parametrize("set_up", SEVERAL, ids=lambda set_up: set_up.name)
    def test_at_a_terminal(self, mover, set_up):
        """Where all of the screen is the plan's document, and then none of it is."""
        secrets = mover.begin_with(set_up)
        code, planned = ended(mover.at_terminal("migrate", "--dry-run", "--json"))
        assert (code, {one[1] for one in told(json.loads(planned))} <= {"planned", "left"}) == (
            0,
            True,
        )
        terminal = at_terminal(mover, "--yes")
        shown = planned
        while terminal.expect([r"now\? \[y/N\]: ", pexpect.EOF]) == 0:
            shown += terminal.before
            terminal.sendline("n")
        terminal.close()
        shown += terminal.before + (mover.home / "report").read_text()
        assert terminal.exitstatus == set_up.exit_code
        self.check(mover, set_up, report(mover))
        assert not [one for one in secrets if one in shown]


class TestDocument:
    """What is in it."""

    def test_person_logs_in_all_is_there(self, all_kinds):
        """And what a person needs is on the screen meanwhile, the progress bar too."""
        token = all_kinds.wiki.add_consumer("New", owner="Bob", owner_only=True).access_token
        terminal = at_terminal(all_kinds)
        terminal.expect("password of Bob: to be taken out once you have logged in")
        shown = ""
        for question, answer in ((r"Go on\?", "y"), (r"as Bob now\?", "y"), ("token.*: ", token)):
            terminal.expect(question)
            shown += terminal.before
            terminal.sendline(answer)
        code, rest = ended(terminal)
        shown += rest
        assert code == 0
        for expected in ("3/3", "Logged in to", "Moved: user-password.cfg:3", "Now change the"):
            assert expected in shown
        assert not [one for one in ("hunter2", token, all_kinds.names["a2"]) if one in shown]

        index = f"{all_kinds.wiki.index_url}?title=Special%3A"
        alice, bob = ({"wiki": all_kinds.host, "username": name} for name in ("Alice", "Bob"))
        config, passwords = str(all_kinds.config), str(all_kinds.folder / PASSWORDS)
        same = {"status": "moved", "problem": None, "store": "keyring:"}
        assert report(all_kinds) == {
            "secrets": [
                {
                    "kind": "oauth1",
                    "label": all_kinds.host,
                    "file": config,
                    "line": 10,
                    "accounts": [alice],
                    "plan": "store",
                    "change_at": [],
                    **same,
                },
                {
                    "kind": "bot_password",
                    "label": "Alice",
                    "file": passwords,
                    "line": 2,
                    "accounts": [alice],
                    "plan": "take_out",
                    "change_at": [f"{index}BotPasswords"],
                    **same,
                },
                {
                    "kind": "password",
                    "label": "Bob",
                    "file": passwords,
                    "line": 3,
                    "accounts": [bob],
                    "plan": "log_in",
                    "change_at": [f"{index}ChangePassword"],
                    **same,
                },
            ],
            "user_config": {"file": config, "installs": True},
        }

    def test_others_could_read_the_tuple_the_link_is_that_of_its_grant(self, all_kinds):
        """Before and after; what is left keeps its old password."""
        all_kinds.config.chmod(0o644)
        for arguments in (("--dry-run",), ("--yes",)):
            found = json.loads(all_kinds.over_pipe("migrate", "--json", *arguments).stdout)
            links = [
                " ".join(one["change_at"]).partition("Special%3A")[2] for one in found["secrets"]
            ]
            assert links[:2] == ["OAuthManageMyGrants", "BotPasswords"]
        assert (statuses(found), links[2]) == (["moved", "moved", "left"], "")

    def test_no_secret_it_is_empty(self, mover):
        """Exit code 0."""
        ran = mover.over_pipe("migrate", "--json")
        document = {"secrets": [], "user_config": {"file": str(mover.config), "installs": False}}
        assert (ran.returncode, json.loads(ran.stdout), ran.stderr) == (0, document, "")


class TestCutShort:
    """What it says where not all was done."""

    def test_nobody_can_be_asked_all_is_planned(self, all_kinds):
        """Exit code 2, and nothing changes."""
        before = contents(all_kinds)
        ran = all_kinds.over_pipe("migrate", "--json")
        assert (ran.returncode, "To go on, add --yes." in ran.stderr) == (2, True)
        document = json.loads(ran.stdout)
        assert (statuses(document), document["user_config"]["installs"]) == (["planned"] * 3, False)
        assert contents(all_kinds) == before

    def test_interrupted_it_says_how_far_it_came(self, all_kinds):
        """Exit code 130."""
        terminal = at_terminal(all_kinds, "--yes")
        terminal.expect(r"as Bob now\?")
        terminal.send("\x03")
        assert ended(terminal)[0] == 130
        assert statuses(report(all_kinds)) == ["moved", "moved", "planned"]

    @pytest.mark.parametrize("why", ["store", "line"])
    def test_nothing_can_be_moved_each_says_why(self, all_kinds, why):
        """As standard error does."""
        if why == "line":
            all_kinds.config.chmod(0o400)
            all_kinds.log_in("Bob")
        store = ("--store", "memory:") if why == "store" else ()
        ran = all_kinds.over_pipe("migrate", "--yes", "--json", *store)
        assert ran.returncode == {"store": 2, "line": 1}[why]
        document = json.loads(ran.stdout)
        assert statuses(document) == ["left"] * 3
        assert ran.stderr == f"pwb-oauth: {document['secrets'][2]['problem']}\n"

    def test_syntax_error_there_is_no_document(self, all_kinds):
        """Since nothing is known; the exit code is that of wrong use."""
        with all_kinds.config.open("a") as file:
            file.write("family = = 'x'\n")
        ran = all_kinds.over_pipe("migrate", "--json")
        assert (ran.returncode, ran.stdout, CONFIG in ran.stderr) == (2, "", True)
