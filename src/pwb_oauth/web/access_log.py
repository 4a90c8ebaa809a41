"""Access logs without the query of the callback, which holds a code until it is used."""

from __future__ import annotations

import copy
import logging
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

_LOGGERS = (
    "django.request",
    "django.server",
    "gunicorn.access",
    "hypercorn.access",
    "uvicorn.access",
    "waitress",
    "werkzeug",
)
"""Who writes down the addresses of requests."""

_HIDDEN = "?…"


class CallbackQueryFilter(logging.Filter):
    """Takes the query of the callback out of the records of a logger or handler.

    It lets every record through.

    Attributes:
        ending: The last part of the callback's path.
    """

    def __init__(self, callback_url: str) -> None:
        """Go by the last part of the path, since a proxy may take the first ones away.

        Args:
            callback_url: The callback URL.
        """
        super().__init__()
        self.ending = urlsplit(callback_url).path.rstrip("/").rpartition("/")[2]
        self._query = re.compile(rf"(?<=/{re.escape(self.ending)})(/?)\?[^\s\"']+")

    def filter(self, record: logging.LogRecord) -> bool:
        """Take it out of the message and of all that is put into it."""
        record.msg = self._without(record.msg)
        if isinstance(record.args, Mapping):
            record.args = self._without_in_mapping(record.args)
        elif record.args:
            record.args = tuple(map(self._without, record.args))
        return True

    def _without(self, value: Any) -> Any:
        return self._query.sub(rf"\1{_HIDDEN}", value) if isinstance(value, str) else value

    def _without_in_mapping(self, values: Mapping[str, object]) -> Mapping[str, object]:
        """The same mapping, since Gunicorn's knows what to say for what is missing."""
        texts = [value for value in values.values() if isinstance(value, str)]
        queries = {
            found[0].partition("?")[2] for text in texts for found in self._query.finditer(text)
        }
        shown: Any = copy.copy(values)
        for name, value in values.items():
            is_query = isinstance(value, str) and value in queries
            shown[name] = _HIDDEN if is_query else self._without(value)
        return shown  # type: ignore[no-any-return]


def hide_queries(callback_url: str) -> None:
    """Let the loggers of the usual servers drop the callback's query.

    A process may serve several web tools, each with a callback of its own.
    """
    new = CallbackQueryFilter(callback_url)
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        known = [old.ending for old in logger.filters if isinstance(old, CallbackQueryFilter)]
        if new.ending not in known:
            logger.addFilter(new)
