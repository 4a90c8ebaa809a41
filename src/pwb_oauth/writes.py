"""Which requests could change something on a wiki."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_TOKEN = re.compile(rb'(?:^|&)token=|name="token"')


def holds_token(data: Any) -> bool:
    """Whether a body, encoded or not, has the parameter ``token`` that every write has."""
    if isinstance(data, (str, bytes)):
        return _TOKEN.search(data if isinstance(data, bytes) else data.encode()) is not None
    if isinstance(data, (list, tuple)):
        return any(name == "token" for name, _ in data)
    return isinstance(data, Mapping) and "token" in data
