"""A process that renews the access token, and stops in the midst of it to be killed there.

It finds the access token about to expire before everybody else does, as its clock is fast. At the
point that it was told it prints ``there`` and waits, for a SIGKILL or the end of its input.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from api_worker import Editor
from pwb_oauth import clock, oauth2
from pwb_oauth.stores.keyring import KeyringTokenStore, _KeyringItems
from pwb_oauth.tokens import open_token_store
from workplace import say, task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pwb_oauth.tokens import LockedCredential, TokenKey

_FAST = timedelta(minutes=59, seconds=30)


def stop() -> None:
    """Be killed here."""
    say("there")
    sys.stdin.read()
    os._exit(1)


def stop_before_request() -> None:
    """The lock is held; the wiki has not been asked."""
    oauth2.refresh = lambda *_, **__: stop()  # type: ignore[assignment,return-value]


def stop_after_answer() -> None:
    """The wiki has given a new token, and the old one is void; nobody else knows."""
    original = oauth2.refresh

    def refresh(*args: Any, **options: Any) -> Any:
        token = original(*args, **options)
        stop()
        return token

    oauth2.refresh = refresh


def stop_in_write() -> None:
    """Some of the new credential is in the store."""
    refreshed = []
    original = oauth2.refresh

    def refresh(*args: Any, **options: Any) -> Any:
        token = original(*args, **options)
        refreshed.append(token)
        return token

    def stop_if_refreshed() -> None:
        if refreshed:
            stop()

    oauth2.refresh = refresh
    if isinstance(open_token_store(), KeyringTokenStore):
        _after_item(stop_if_refreshed)
    else:
        _after_update(stop_if_refreshed)


def _after_item(do: Any) -> None:
    """Act when a piece of the credential has been written, and the old one is still in use."""
    original = _KeyringItems.set

    def set_and_do(self: _KeyringItems, *args: str) -> None:
        original(self, *args)
        do()

    _KeyringItems.set = set_and_do  # type: ignore[method-assign]


def _after_update(do: Any) -> None:
    """Act when the row has been changed, and that is not committed."""
    from sqlalchemy import Engine, event

    @event.listens_for(Engine, "after_cursor_execute")
    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("UPDATE"):
            do()


def stop_before_release() -> None:
    """The new credential is in the store; the lock is still held."""
    store = type(open_token_store())
    original = store.locked

    @contextmanager
    def locked(self: Any, key: TokenKey) -> Iterator[LockedCredential]:
        with original(self, key) as entry:
            yield entry
            stop()

    store.locked = locked  # type: ignore[method-assign]


POINTS = {
    "before the request": stop_before_request,
    "after the answer": stop_after_answer,
    "in the write": stop_in_write,
    "before the release": stop_before_release,
}


def main() -> None:
    """Do as told."""
    told = task()
    POINTS[told["point"]]()
    editor = Editor(told["api_url"], told["user"])
    now = clock.now
    clock.now = lambda: now() + _FAST
    editor.edit("Stress victim", f"{told['user']} victim: never saved")


if __name__ == "__main__":
    main()
