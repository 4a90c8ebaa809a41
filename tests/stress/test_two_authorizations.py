"""Two machines, each with an authorization of its own, of the same user and consumer.

Each one's CSRF tokens are void as soon as the other one has made any request.
"""

from __future__ import annotations

import time

import pytest

from machine import Crew, Machine, credential, register

USER = "Alice"


class TestTwoAuthorizations:
    """They get in each other's way, and none of them fails."""

    @pytest.mark.usefixtures("file_keyring")
    def test_both_save_everything(self, wiki, tmp_path, record, scale, note):
        """Through Pywikibot, at the same time, without a pause."""
        consumer = register(wiki)
        machines = [Machine(tmp_path / f"machine {number}", wiki) for number in range(2)]
        for machine in machines:
            machine.save(credential(wiki, consumer, USER))
        told = {"user": USER, "threads": 1, "edits": scale.edits, "pause": 0}
        crew = Crew(
            [
                machine.start("pywikibot_worker.py", f"m{number}", **told)
                for number, machine in enumerate(machines)
            ]
        )
        with crew:
            began = time.monotonic()
            crew.begin_round()
            crew.end_round()
            seconds = time.monotonic() - began
        bad = sum(entry.error == "badtoken" for entry in wiki.log)
        note(f"{len(crew.reports)} edits, {bad} times badtoken, {seconds:.1f} s")
        assert crew.errors == []
        assert len(crew.reports) == 2 * scale.edits
        record.check_saved(report["text"] for report in crew.reports)
        assert bad
        assert record.refreshes() == []
