"""Ctrl-C at a moment when something would be lost."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def held_back() -> Iterator[None]:
    """Let an exception that a signal raises, as Ctrl-C does, wait until the block has ended.

    The second one is not held back: whoever presses Ctrl-C again means it. Nor is a signal that
    ends the process without an exception. Only the main thread is interrupted by signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        if came:
            _restore(handlers)
            signal.raise_signal(number)
        came.append(number)

    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    # What is no function is the system's own, or a web server's that Python knows nothing of.
    handlers = {number: handler for number, handler in handlers.items() if callable(handler)}
    for number in handlers:
        signal.signal(number, note)
    try:
        yield
    finally:
        _restore(handlers)
        if came:
            signal.raise_signal(came[0])


def _restore(handlers: Mapping[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)
