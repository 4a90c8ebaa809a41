"""What Pywikibot's command ``pwb`` finds of ours, by its entry point ``scriptspath``."""

from __future__ import annotations

from pathlib import Path

folder = Path(__file__).parent / "pwb_oauth"
"""Named like this package, since ``pwb`` imports the module ``i18n`` of a package of that name."""
