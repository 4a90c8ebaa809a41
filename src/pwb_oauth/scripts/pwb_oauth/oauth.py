"""The command ``pwb-oauth`` as a script of Pywikibot, such as ``pwb oauth login``.

Pywikibot's global options stand before the name: ``pwb -family:commons -code:beta oauth login``.
"""
# ruff: noqa: INP001  # Pywikibot runs the file; nobody imports it

from __future__ import annotations

import sys

from pwb_oauth.cli import main

_DONE = ("-nolog", "-dir", "-config")
"""What Pywikibot has heeded wherever it stands: ``pwb`` moves the first one behind the name."""


def run() -> None:
    """Run the command without what is none of its business."""
    arguments = [one for one in sys.argv[1:] if one.partition(":")[0] not in _DONE]
    main(["--help" if one == "-help" else one for one in arguments], prog_name="pwb oauth")


if __name__ == "__main__":
    run()
