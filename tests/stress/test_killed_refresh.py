"""A process is killed while it renews the access token that others are working with."""

from __future__ import annotations

import time

from machine import Crew, credential, register, wait_until

USER = "Alice"
THREADS = 2
EDITS = 2


class Bystanders:
    """Processes that share the credential, and what they have seen so far."""

    def __init__(self, crew, machine, record):
        self.crew = crew
        self.machine = machine
        self.record = record
        self.seen = 0
        self.refreshes = 0
        self.saved = []

    def outlive(self, point, *, expire=False):
        """Work while another process is killed at a point of its refresh.

        Args:
            point: Where.
            expire: Let the tokens expire before it is killed. Else the others notice only if it
                got so far that the wiki has ended the old one.

        Returns:
            The errors that they reported, one for each edit; and the statuses of the refreshes.
        """
        victim = self.machine.start("victim.py", f"victim {point}", user=USER, point=point)
        try:
            victim.expect("there")
            if expire:
                self.machine.wiki.expire_tokens()
            refused = self.record.refused()
            self.crew.begin_round()
            # All of them have been refused once, and are waiting for the lock that it holds.
            wait_until(
                lambda: self.record.refused() - refused >= len(self.crew.workers) * THREADS,
                f"the others are held up by the one that is {point}",
            )
        finally:
            victim.kill()
        self.crew.end_round()
        return self.news()

    def work(self):
        """Edit undisturbed. Returns what :meth:`outlive` does."""
        self.crew.begin_round()
        self.crew.end_round()
        return self.news()

    def news(self):
        """What was reported since it was last asked for."""
        reports = self.crew.reports
        by_worker = len(self.crew.workers) * THREADS * EDITS
        assert len(reports) == self.seen + by_worker
        texts = {report["text"]: report["error"] for report in reports}
        self.saved = [text for text, error in texts.items() if not error]
        statuses = [refresh.status for refresh in self.record.refreshes()]
        errors = self.errors_of_last_round(reports)
        statuses, self.refreshes = statuses[self.refreshes :], len(statuses)
        self.seen = len(reports)
        return errors, statuses

    def errors_of_last_round(self, reports):
        """What went wrong in it."""
        turn = str(self.seen // (len(self.crew.workers) * THREADS * EDITS))
        last = [each for each in reports if each["text"].split()[-1].partition(".")[0] == turn]
        return [each["error"] for each in last if each["error"]]


class TestKilledWhileItRenews:
    """The others go on. No lock stays behind. The worst that happens is a clear error."""

    def test_at_every_step(self, machine, record, scale, note):
        """One step after the other, with the same processes all the time."""
        wiki = machine.wiki
        consumer = register(wiki)
        machine.save(credential(wiki, consumer, USER))
        told = {"user": USER, "threads": THREADS, "edits": EDITS, "pause": 0}
        crew = Crew(
            [machine.start("api_worker.py", f"b{n}", **told) for n in range(scale.bystanders)]
        )
        began = time.monotonic()
        with crew:
            others = Bystanders(crew, machine, record)
            assert others.work() == ([], [])
            self.check_they_go_on(others)
            for point in ("after the answer", "in the write"):
                self.check_they_need_a_login(others, point)
                machine.save(credential(wiki, consumer, USER))
                assert others.work() == ([], [])
            assert others.outlive("before the release") == ([], [200])
            wiki.expire_tokens()
            assert others.work() == ([], [200])
        record.check_saved(others.saved)
        with machine.store() as store, store.locked(machine.key(USER)) as entry:
            assert entry.credential
        note(
            f"4 killed, {len(crew.workers)} others, {len(others.saved)} edits saved, "
            f"{time.monotonic() - began:.1f} s"
        )

    def check_they_go_on(self, others):
        """Killed before it asked the wiki: one of the others does."""
        assert others.outlive("before the request", expire=True) == ([], [200])

    def check_they_need_a_login(self, others, point):
        """Killed before the new token was stored: nobody has it, and the old one is void."""
        errors, statuses = others.outlive(point)
        assert len(errors) == len(others.crew.workers) * THREADS * EDITS
        assert {error.partition(":")[0] for error in errors} == {"LoginRequiredError"}
        assert all("Log in: pwb-oauth login" in error for error in errors)
        assert statuses[0] == 200
        # Each process finds out by itself, once.
        assert statuses[1:] == [401] * len(others.crew.workers)
