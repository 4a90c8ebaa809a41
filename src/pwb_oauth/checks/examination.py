"""Running checks, and what comes of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pwb_oauth.checks.finding import CannotTellError
from pwb_oauth.checks.machine import AccountSeen, Machine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pwb_oauth.checks.finding import Finding
    from pwb_oauth.checks.machine import WikiSeen
    from pwb_oauth.checks.registry import Check
    from pwb_oauth.wiki import Wiki


@dataclass(frozen=True)
class Outcome:
    """What came of a check.

    Attributes:
        check: Which.
        findings: What is wrong.
        skipped: Why it can say nothing; None if it can say something.
    """

    check: Check
    findings: tuple[Finding, ...] = ()
    skipped: str | None = None


def examine(checks: Sequence[Check], wiki: Wiki | None, store_url: str | None) -> list[Outcome]:
    """Run checks.

    Args:
        checks: Which.
        wiki: The wiki that they are about; None for those of all stored accounts.
        store_url: The token store; None for the one that is used by default.
    """
    machine = Machine(wiki, store_url)
    # First and in this thread, since user-config.py is run for them, which is anybody's code.
    local = {check: _run((check, machine)) for check in checks if check.of == "machine"}
    tasks = [(check, one) for check in checks for one in _subjects(check, machine)]
    ran = list(zip(tasks, machine.crew.for_each(_run, tasks), strict=True))
    return [
        local.get(check) or _merged(check, [outcome for task, outcome in ran if task[0] is check])
        for check in checks
    ]


def _subjects(check: Check, machine: Machine) -> Sequence[WikiSeen | AccountSeen]:
    if check.of == "machine":
        return ()
    return machine.wikis if check.of == "wiki" else machine.accounts


def _run(task: tuple[Check, Any]) -> Outcome:
    check, subject = task
    try:
        return Outcome(check, tuple(check.function(subject)))
    except CannotTellError as why:
        return Outcome(check, skipped=str(why))


def _merged(check: Check, outcomes: list[Outcome]) -> Outcome:
    """One outcome of those for each wiki or account."""
    findings = tuple(finding for outcome in outcomes for finding in outcome.findings)
    reasons = [outcome.skipped for outcome in outcomes if outcome.skipped is not None]
    if findings or len(reasons) < len(outcomes):
        return Outcome(check, findings)
    nothing = "no wiki is known" if check.of == "wiki" else "no account can be looked at"
    return Outcome(check, skipped=reasons[0] if reasons else nothing)
