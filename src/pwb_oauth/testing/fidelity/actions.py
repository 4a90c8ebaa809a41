"""Carries out the steps of a recording that changed the wiki from outside HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pwb_oauth.testing.fidelity.recording import RecordingError
from pwb_oauth.testing.sandbox.seed import duration

if TYPE_CHECKING:
    from collections.abc import Callable

    from pwb_oauth.testing.fidelity.recording import Action
    from pwb_oauth.testing.sandbox import SandboxWiki


def carry_out(action: Action, wiki: SandboxWiki) -> None:
    """Change the wiki as an administrator did.

    Raises:
        RecordingError: The recording has a step that is not known here.
    """
    try:
        act = _ACTIONS[action.do]
    except KeyError:
        raise RecordingError(f"a step {action.do!r} is not known") from None
    act(wiki, action.fields)


def _disable(wiki: SandboxWiki, fields: Any) -> None:
    wiki.set_consumer_state(fields["consumer"], "disabled")


def _reenable(wiki: SandboxWiki, fields: Any) -> None:
    wiki.set_consumer_state(fields["consumer"], "approved")


def _set_lifetimes(wiki: SandboxWiki, fields: Any) -> None:
    wiki.set_lifetimes(access=duration(fields["access"]), refresh=duration(fields["refresh"]))


def _block(wiki: SandboxWiki, fields: Any) -> None:
    wiki.block(fields["user"], reason=fields["reason"], by=fields["by"])


def _unblock(wiki: SandboxWiki, fields: Any) -> None:
    wiki.users[fields["user"]].block = None


def _time_passes(wiki: SandboxWiki, fields: Any) -> None:
    """Do nothing: the Dates of the exchanges that follow say what time it is."""


_ACTIONS: dict[str, Callable[[SandboxWiki, Any], None]] = {
    "advance_clock": _time_passes,
    "block": _block,
    "disable_consumer": _disable,
    "reenable_consumer": _reenable,
    "set_lifetimes": _set_lifetimes,
    "unblock": _unblock,
    "wait": _time_passes,
}
