"""Many accounts of all kinds at work in the same processes, while their tokens and logins end."""

from __future__ import annotations

import random
import threading
import time
from contextlib import contextmanager

import pytest

from machine import Crew, Machine, credential, owner_only_credential, register

THREADS = 8
KINDS = ("2.0", "2.0 public", "2.0", "1.0a", "owner-only")
_PAUSE = 0.05
# What an edit or a login may meet while its account is logged out; nothing was executed then.
EXPECTED = (
    "LoginRequiredError: ",
    "ConfigurationError: 'Bot",
    # Pywikibot's own: what it does for a site that is signed out and has no account.
    "Error: API write action attempted as IP",
)


class Logins:
    """The accounts' credentials."""

    def __init__(self, machine, count):
        self.machine = machine
        self.users = [f"Bot{number}" for number in range(count)]
        self.consumers = {
            "2.0": register(machine.wiki),
            "2.0 public": register(machine.wiki, confidential=False),
            "1.0a": register(machine.wiki, oauth_version="1.0a"),
        }
        for user in self.users:
            machine.wiki.add_user(user, groups=["bot"])
            self.log_in(user)

    def kind(self, user):
        return KINDS[self.users.index(user) % len(KINDS)]

    def log_in(self, user):
        wiki, consumer = self.machine.wiki, self.consumers.get(self.kind(user))
        if consumer is None:
            self.machine.save(owner_only_credential(wiki, user))
        else:
            self.machine.save(credential(wiki, consumer, user))

    def log_out(self, user):
        with self.machine.store() as store:
            assert store.forget(self.machine.key(user))


@contextmanager
def ending(logins):
    """Let access tokens expire, and log accounts out and in, all the time."""
    chance = random.Random(1)  # noqa: S311  # no secret
    over = threading.Event()
    counts = {"tokens expired": 0, "logged out and in": 0}
    problems = []

    def disturb():
        while not over.wait(_PAUSE):
            user = chance.choice(logins.users)
            # The tokens of owner-only consumers live for a thousand years.
            if logins.kind(user) != "owner-only" and chance.random() < 0.7:
                logins.machine.wiki.expire_tokens(user)
                counts["tokens expired"] += 1
            else:
                logins.log_out(user)
                logins.log_in(user)
                counts["logged out and in"] += 1

    def run():
        try:
            disturb()
        except BaseException as problem:  # noqa: BLE001  # the test looks at it
            problems.append(problem)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield counts
    finally:
        over.set()
        thread.join()
    assert problems == []


@pytest.mark.usefixtures("file_keyring")
class TestManyAccounts:
    """No edit by another account, none anonymous, none lost, none twice."""

    def test_while_tokens_expire_and_accounts_log_out_and_in(
        self, wiki, tmp_path, record, scale, note
    ):
        """In threads and by asynchronous saves, all through Pywikibot."""
        machine = Machine(tmp_path / "machine", wiki)
        logins = Logins(machine, scale.accounts)
        told = {"threads": THREADS, "edits": scale.account_edits}
        count = scale.account_processes
        crew = Crew(
            [
                machine.start("accounts_worker.py", f"w{n}", users=logins.users[n::count], **told)
                for n in range(count)
            ]
        )
        with crew:
            began = time.monotonic()
            with ending(logins) as counts:
                crew.begin_round()
                crew.end_round()
            seconds = time.monotonic() - began
        errors = [error for report in crew.reports for error in report["errors"]]
        note(
            f"{len(crew.reports)} edits, {len(errors)} refused and repeated, "
            + "".join(f"{number} {what}, " for what, number in counts.items())
            + f"{len(record.refreshes())} refreshes, {seconds:.1f} s"
        )
        assert [report for report in crew.reports if not report["saved"]] == []
        assert len(crew.reports) == scale.accounts * scale.account_edits
        record.check_saved(report["text"] for report in crew.reports)
        reasons = [error.removeprefix("login: ") for error in errors]
        assert [reason for reason in reasons if not reason.startswith(EXPECTED)] == []
        assert record.refreshes()
