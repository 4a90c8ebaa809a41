"""Many threads of many processes share one credential whose access token expires again and again.

One of them renews it; the others wait for that, take what it stored, and go on.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from machine import Crew, Machine, credential, register, wait_until
from record import ALLOWANCE

_REFRESH_SECONDS = 0.2
_SHORT_LIFE = timedelta(seconds=2)
_WIKI_SECONDS = 0.01
"""What a request costs the sandbox wiki. Asked for more, it would be the wiki that stalls."""
USER = "Alice"
EDITS = 2
"""Of a thread in a round: the token may expire before the first, and has before the second."""


def work_while_tokens_expire(machine, record, script, processes, threads, rounds):
    """Let them edit, and end all access tokens in the midst of each round but the first."""
    wiki = machine.wiki
    machine.save(credential(wiki, register(wiki), USER))
    told = {"user": USER, "threads": threads, "edits": EDITS}
    told["pause"] = processes * threads * _WIKI_SECONDS
    crew = Crew([machine.start(script, f"p{n}", **told) for n in range(processes)])
    with crew:
        crew.begin_round()
        crew.end_round()
        for number in range(rounds):
            before = len(record.accepted())
            crew.begin_round()
            wait_until(
                lambda before=before: len(record.accepted()) - before >= processes * threads // 4,
                f"round {number} is under way",
            )
            wiki.fail_next("hang", path="oauth2/access_token", seconds=_REFRESH_SECONDS)
            wiki.expire_tokens()
            crew.end_round()
            assert crew.errors == []
            assert len(record.refreshes()) == number + 1
    return crew.reports


def work_until_renewed(machine, record, processes, threads, times):
    """Let them edit with tokens that do not live long, until these were renewed so many times."""
    wiki = machine.wiki
    wiki.set_lifetimes(access=_SHORT_LIFE)
    machine.save(credential(wiki, register(wiki), USER))
    told = {"user": USER, "threads": threads, "edits": EDITS}
    told["pause"] = processes * threads * _WIKI_SECONDS
    crew = Crew([machine.start("api_worker.py", f"p{n}", **told) for n in range(processes)])
    with crew:
        while len(record.refreshes()) < times:
            crew.begin_round()
            crew.end_round()
            assert crew.errors == []
    return crew.reports


def check(record, reports, rounds):
    """As many refreshes as the tokens expired, and every edit once."""
    assert [refresh.status for refresh in record.refreshes()] == [200] * rounds
    record.check_saved(report["text"] for report in reports)


class TestOneRefreshForAll:
    """Exactly one request to the token endpoint each time, whoever shares the credential."""

    def test_in_a_store(self, machine, record, scale, note):
        """By requests of accounts to api.php, so that few cores carry many threads."""
        reports = work_while_tokens_expire(
            machine, record, "api_worker.py", scale.processes, scale.threads, scale.rounds
        )
        assert len(reports) == scale.processes * scale.threads * (scale.rounds + 1) * EDITS
        note(record.measured(reports))
        check(record, reports, scale.rounds)
        assert record.longest_stall(reports) < ALLOWANCE

    @pytest.mark.usefixtures("file_keyring")
    def test_ahead_of_time(self, wiki, tmp_path, record, scale, note):
        """By the clock, which strikes for all at the same time; nobody renews a token twice."""
        machine = Machine(tmp_path / "machine", wiki)
        reports = work_until_renewed(machine, record, scale.processes, scale.threads, scale.rounds)
        note(record.measured(reports))
        refreshes = record.refreshes()
        check(record, reports, len(refreshes))
        life = _SHORT_LIFE.total_seconds()
        times = [refresh.began for refresh in refreshes]
        lived = [later - earlier for earlier, later in pairwise(times)]
        assert min(lived) > life / 2

    @pytest.mark.usefixtures("file_keyring")
    def test_through_pywikibot(self, wiki, tmp_path, record, scale, note):
        """By ``page.save()``, with the keyring."""
        machine = Machine(tmp_path / "machine", wiki)
        reports = work_while_tokens_expire(
            machine, record, "pywikibot_worker.py", scale.pywikibot_processes, 4, scale.rounds
        )
        assert len(reports) == scale.pywikibot_processes * 4 * (scale.rounds + 1) * EDITS
        note(record.measured(reports))
        check(record, reports, scale.rounds)
        assert record.longest_stall(reports) < ALLOWANCE
