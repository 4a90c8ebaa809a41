"""Keeping the libraries that sign from logging what they sign with."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# They write tokens, base strings and signatures to their logs at DEBUG.
_TALKATIVE = tuple(
    logging.getLogger(name) for name in ("oauthlib.oauth1.rfc5849", "requests_oauthlib.oauth1_auth")
)
_quiet: ContextVar[bool] = ContextVar("pwb_oauth_quiet", default=False)


class _UnlessQuiet(logging.Filter):
    """Drops what is logged inside :func:`unlogged`; whoever else signs keeps their logs."""

    def filter(self, _record: logging.LogRecord) -> bool:
        return not _quiet.get()


_unless_quiet = _UnlessQuiet()


@contextmanager
def unlogged() -> Iterator[None]:
    """Sign without a trace in the logs; of no effect on other threads."""
    for logger in _TALKATIVE:
        logger.addFilter(_unless_quiet)  # adds it once
    token = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(token)
