"""Where the recordings of a real MediaWiki are, and how a test asks for one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "recordings"

needs_recordings = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the recordings of a real wiki are not beside this checkout"
)


def load(case: str) -> dict[str, Any]:
    """Read one recorded case, or ``_wiki`` for what the wiki was before each case."""
    content: dict[str, Any] = json.loads((FOLDER / f"{case}.json").read_text("utf-8"))
    return content
