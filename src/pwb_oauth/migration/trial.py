"""Running a ``user-config.py`` as Pywikibot would, before it takes the place of the one there."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_SECONDS = 60
# Pywikibot compiles the file by its name; it gets what stands on standard input instead. The exit
# code tells that this happened, and that nothing was raised.
_RUN = """
import builtins, os, sys
path, new, real = os.path.realpath(sys.argv[1]), sys.stdin.buffer.read(), compile
given = []
def instead(source, name, *arguments, **options):
    if isinstance(name, str) and os.path.realpath(name) == path and not given:
        given.append(name)
        source = new
    return real(source, name, *arguments, **options)
builtins.compile = instead
import pywikibot.config
sys.exit(0 if given else 1)
"""


def runs(path: Path, data: bytes) -> bool:
    """Whether Pywikibot starts with this in the place of a ``user-config.py``.

    What it prints, which may quote what is secret, is kept to ourselves.

    Args:
        path: The file, which is there.
        data: What might be in it.
    """
    try:
        ran = subprocess.run(  # noqa: S603  # this Python, no shell
            [sys.executable, "-W", "ignore", "-c", _RUN, str(path)],
            input=data,
            env={**os.environ, "PYWIKIBOT_DIR": str(path.parent)},
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return ran.returncode == 0
