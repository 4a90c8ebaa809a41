"""Carries the steps of a recorded case out against a fresh sandbox wiki."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pwb_oauth.testing.fidelity.actions import carry_out
from pwb_oauth.testing.fidelity.compare import differences
from pwb_oauth.testing.fidelity.difference import Difference
from pwb_oauth.testing.fidelity.follow import Follower
from pwb_oauth.testing.fidelity.forms import Shown, submitted
from pwb_oauth.testing.fidelity.outgoing import Outgoing, followed
from pwb_oauth.testing.fidelity.recording import Action
from pwb_oauth.testing.fidelity.signing import Secrets
from pwb_oauth.testing.fidelity.transport import NoReplyError, send
from pwb_oauth.testing.sandbox import SandboxWiki

if TYPE_CHECKING:
    from pwb_oauth.testing.fidelity.recording import Case, Exchange, Reply

# Dates are whole seconds while the clock runs on. It is not put back to the second's beginning:
# a token would be younger than the request that it is used in.
_RUN_ON = timedelta(minutes=1)


@dataclass(frozen=True)
class Played:
    """One exchange as it was played back; ``reply`` is None where the sandbox gave none."""

    exchange: Exchange
    request: Outgoing
    reply: Reply | None
    found: tuple[Difference, ...]


@dataclass
class CaseResult:
    """What became of a case."""

    name: str
    played: list[Played] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """The exceptions that nothing in the sandbox expected."""

    @property
    def passed(self) -> bool:
        """Whether the sandbox answered like the recorded wiki throughout."""
        return not self.reasons

    @property
    def reasons(self) -> list[str]:
        """The differences in words, in the order in which they showed."""
        reasons = [
            f"step {one.exchange.number} ({one.exchange.label}): {difference}"
            for one in self.played
            for difference in one.found
        ]
        return reasons + self.broken


def replay(case: Case, description: dict[str, Any]) -> CaseResult:
    """Play a case back.

    Args:
        case: The recorded case.
        description: What the wiki was before the case, as in ``_wiki.json``.

    Returns:
        Every exchange with its differences. Steps after one without a reply are left out.

    Raises:
        RecordingError: The case has a step that is not known.
    """
    result = CaseResult(case.name)
    with SandboxWiki(description) as wiki:
        player = _Player(wiki, description)
        for step in case.groups():
            if isinstance(step, Action):
                carry_out(step, wiki)
                continue
            result.played += player.exchange(step)
            if any(one.reply is None for one in result.played):
                break
        result.broken = [f"in the sandbox: {error!r}" for error in wiki.errors]
        wiki.errors.clear()  # else leaving the wiki raises them
    return result


class _Player:
    """The client and the browsers of one case."""

    def __init__(self, wiki: SandboxWiki, description: dict[str, Any]) -> None:
        self._wiki = wiki
        self._address = urlsplit(wiki.url).netloc
        self._follower = Follower()
        self._secrets = Secrets(description)
        self._shown: dict[str, Shown] = {}

    def exchange(self, group: list[Exchange]) -> list[Played]:
        """Send the requests of a group at once and compare the replies as a set."""
        self._set_clock(group[0])
        requests = [self._request(exchange) for exchange in group]
        if len(group) == 1:
            replies = [self._send(requests[0])]
        else:
            with ThreadPoolExecutor(len(group)) as pool:
                replies = list(pool.map(self._send, requests))
        played = [
            self._compared(exchange, request, reply)
            for exchange, request, reply in zip(
                group, requests, _paired(group, replies), strict=True
            )
        ]
        for one in played:
            self._learn(one)
        return played

    def _set_clock(self, exchange: Exchange) -> None:
        ahead = self._wiki.clock.now - exchange.moment
        if not timedelta() <= ahead < _RUN_ON:
            self._wiki.clock.set(exchange.moment)

    def _request(self, exchange: Exchange) -> Outgoing:
        request = followed(exchange, self._follower, self._secrets)
        shown = self._shown.get(exchange.jar or "")
        if exchange.by_browser and exchange.method == "POST" and shown is not None:
            return submitted(exchange, request, shown)
        return request

    def _send(self, request: Outgoing) -> Reply | NoReplyError:
        try:
            return send(self._address, request)
        except NoReplyError as error:
            return error

    def _compared(
        self, exchange: Exchange, request: Outgoing, reply: Reply | NoReplyError
    ) -> Played:
        if isinstance(reply, NoReplyError):
            missing = Difference("reply", exchange.reply.status, str(reply))
            return Played(exchange, request, None, (missing,))
        return Played(exchange, request, reply, tuple(differences(exchange, reply)))

    def _learn(self, one: Played) -> None:
        if one.reply is None:
            return
        self._follower.learn(one.exchange, one.reply)
        self._secrets.learn(one.reply)
        recorded, live = one.exchange.reply.page, one.reply.page
        if recorded is not None and live is not None and one.exchange.jar is not None:
            self._shown[one.exchange.jar] = Shown(one.exchange.url, recorded, live)


def _paired(
    group: list[Exchange], replies: list[Reply | NoReplyError]
) -> list[Reply | NoReplyError]:
    """Order the replies so that each recorded one meets the live one that is most like it."""
    if len(group) == 1:
        return replies
    left, ordered = list(replies), []
    for exchange in group:
        best = min(left, key=partial(_distance, exchange))
        left.remove(best)
        ordered.append(best)
    return ordered


def _distance(exchange: Exchange, reply: Reply | NoReplyError) -> tuple[bool, int]:
    if isinstance(reply, NoReplyError):
        return True, 0
    return reply.status != exchange.reply.status, len(differences(exchange, reply))
