"""What ``migrate`` does with each secret: what is planned, and what has become of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from pwb_oauth.migration.finding import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pwb_oauth.migration.finding import Finding, Use
    from pwb_oauth.tokens import TokenKey

_WHERE_TO_CHANGE = {
    Kind.PASSWORD: "Special:ChangePassword",
    Kind.BOT_PASSWORD: "Special:BotPasswords",
}
_OPEN_TO_OTHERS = 0o077


class Plan(Enum):
    """What is to be done with a secret, in a person's words."""

    TAKE_OUT = "to be taken out once the wiki accepts what is stored"
    STORE = "to be stored and taken out once the wiki accepts it"
    LOG_IN = "to be taken out once you have logged in"


class Status(Enum):
    """What has become of a secret."""

    PLANNED = "planned"
    MOVED = "moved"
    LEFT = "left"


@dataclass
class Step:
    """A secret, and what has become of it so far.

    Attributes:
        finding: The secret.
        plan: What is to be done with it; None if it has to be left.
        problem: Why it is left; None if it is not.
        keys: Whose credentials stand in for it now; empty unless it was moved.
        store: Where they are.
    """

    finding: Finding
    plan: Plan | None
    problem: str | None = None
    keys: tuple[TokenKey, ...] = ()
    store: str | None = None

    @property
    def status(self) -> Status:
        """What has become of it."""
        if self.keys:
            return Status.MOVED
        return Status.PLANNED if self.problem is None else Status.LEFT

    @property
    def announcement(self) -> str:
        """What will be done, for a person."""
        if self.plan is None:
            return f"{self.finding}: is left, since {self.problem}"
        accounts = {_account(use) for use in self.finding.uses}
        return f"{self.finding}: {self.plan.value} ({', '.join(sorted(accounts))})."

    def advice(self) -> dict[str, str]:
        """What should be changed now, because it lay in a file: where, and what."""
        found = {}
        for use in {use.wiki.central: use for use in self.finding.uses}.values():
            advised = _advice(self.finding, use)
            if advised is not None:
                found[advised[0]] = advised[1]
        return found

    def to_json(self) -> dict[str, Any]:
        """For programs; null is what is not known, or not so."""
        return {
            "kind": self.finding.kind.name.lower(),
            "label": self.finding.label,
            "file": str(self.finding.path),
            "line": self.finding.line,
            "accounts": list(self._accounts()),
            "plan": self.plan and self.plan.name.lower(),
            "status": self.status.value,
            "problem": self.problem,
            "store": self.store,
            "change_at": [] if self.status is Status.LEFT else list(self.advice()),
        }

    def _accounts(self) -> Iterator[dict[str, str | None]]:
        planned = [(use.wiki.central.name, use.username) for use in self.finding.uses]
        moved = [(key.wiki, key.username) for key in self.keys]
        for wiki, username in dict.fromkeys(moved or planned):
            yield {"wiki": wiki, "username": username}


def plan(findings: Iterable[Finding], stored: Iterable[TokenKey]) -> Iterator[Step]:
    """Say what to do with each secret.

    Args:
        findings: The secrets.
        stored: Whose credentials are stored already.
    """
    served = set(stored)
    for finding in findings:
        if finding.problem is not None:
            yield Step(finding, None, f"{finding.problem}.")
            continue
        is_served = all(use.key in served for use in finding.uses)
        if finding.token is not None:
            served |= {use.key for use in finding.uses if use.key is not None}
        yield Step(finding, _plan(finding, is_served=is_served))


def _plan(finding: Finding, *, is_served: bool) -> Plan:
    if is_served:
        return Plan.TAKE_OUT
    return Plan.LOG_IN if finding.token is None else Plan.STORE


def _account(use: Use) -> str:
    return f"{use.username or 'whose it is'} on {use.wiki.central.name}"


def _advice(finding: Finding, use: Use) -> tuple[str, str] | None:
    """Where to change a secret that lay in a file, and what to do there."""
    wiki = use.wiki.central
    if finding.kind in _WHERE_TO_CHANGE:
        what = f"Now change the {finding.kind.value} of {use.username}"
        return wiki.page_url(_WHERE_TO_CHANGE[finding.kind]), what
    if finding.kind is Kind.OAUTH1 and finding.path.stat().st_mode & _OPEN_TO_OTHERS:
        return wiki.grants_url, (
            f"Others could read {finding.path}. Withdraw what was granted there, and log in by a "
            "new consumer"
        )
    return None
