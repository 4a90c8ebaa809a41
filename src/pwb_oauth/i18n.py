"""No messages.

Pywikibot's command ``pwb`` imports this before it runs a script of ours (:mod:`pwb_oauth.scripts`).
It goes on with its own messages where this has no file.
"""

__file__ = None  # type: ignore[assignment]
