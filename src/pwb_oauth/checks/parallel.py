"""Asking about several accounts at the same time, so that Ctrl-C ends it at once and loses nothing.

A wiki ends the old access token when it renews it, so that a renewal that has begun must end with
the new one in the store. Every other request can be left to itself.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeVar

import wrapt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pwb_oauth.tokens import LockedCredential, TokenKey, TokenStore

_MAX_THREADS = 16

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Crew:
    """The threads of a command, and the renewals that they have under way. It works once."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._changed = threading.Condition()
        self._renewals = 0
        self._dismissed = False

    def watched(self, store: TokenStore) -> TokenStore:
        """A store whose renewals are waited for."""
        return _WatchedStore(store, self)

    def for_each(
        self, function: Callable[[_Item], _Result], items: Sequence[_Item]
    ) -> list[_Result]:
        """Call a function for each item, several at the same time; the results, in their order.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed. No renewal is under way, and none will begin.
        """
        tasks: SimpleQueue[tuple[Future[_Result], _Item]] = SimpleQueue()
        futures: list[Future[_Result]] = []
        for item in items:
            futures.append(Future())
            tasks.put((futures[-1], item))
        for _ in items[:_MAX_THREADS]:
            # Python does not wait for daemons when it ends.
            threading.Thread(target=_work, args=(function, tasks), daemon=True).start()
        try:
            return [future.result() for future in futures]
        finally:
            self._dismiss()

    @contextmanager
    def renewal(self) -> Iterator[None]:
        """Note that a renewal is under way. After Ctrl-C none begins: the thread ends."""
        with self._changed:
            if self._dismissed:
                raise SystemExit
            self._renewals += 1
        try:
            yield
        finally:
            with self._changed:
                self._renewals -= 1
                self._changed.notify_all()

    def _dismiss(self) -> None:
        with self._changed:
            self._dismissed = True
            self._changed.wait_for(lambda: not self._renewals)


class _WatchedStore(wrapt.ObjectProxy):  # type: ignore[type-arg]  # generic since wrapt 2
    """A token store that tells of renewals, each of which holds the lock of a credential."""

    def __init__(self, store: TokenStore, crew: Crew) -> None:
        super().__init__(store)
        self._self_crew = crew

    @contextmanager
    def locked(self, key: TokenKey) -> Iterator[LockedCredential]:
        """Hold the lock of a credential."""
        with self._self_crew.renewal(), self.__wrapped__.locked(key) as entry:
            yield entry


def _work(
    function: Callable[[_Item], _Result], tasks: SimpleQueue[tuple[Future[_Result], _Item]]
) -> None:
    while True:
        try:
            future, item = tasks.get_nowait()
        except Empty:
            return
        try:
            future.set_result(function(item))
        except Exception as error:  # noqa: BLE001  # raised where the results are waited for
            future.set_exception(error)
