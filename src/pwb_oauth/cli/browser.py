"""Opening an address in the person's browser, where there is one."""

from __future__ import annotations

import os
import sys
import webbrowser


def open_in_browser(url: str) -> bool:
    """Open an address in the person's own browser.

    Returns:
        Whether one was there. It may have failed all the same: show the address too.
    """
    if not _on_their_screen():
        return False
    try:
        return webbrowser.open(url)
    except webbrowser.Error:
        return False


def _on_their_screen() -> bool:
    """Whether a browser would open where the person sits.

    Over SSH it would open on the other machine. Without a screen webbrowser takes one that fills
    the terminal, from which the answer is still to be read.
    """
    if os.environ.get("BROWSER"):
        return True
    if sys.platform in ("win32", "darwin"):
        return "SSH_CONNECTION" not in os.environ
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
