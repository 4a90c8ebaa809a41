"""A configuration folder that points Pywikibot at a sandbox wiki."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_FAMILY = '''"""The family of one sandbox wiki, which lives as long as the test that wrote this."""

from pywikibot import family


class Family(family.SingleSiteFamily):
    """A wiki on loopback."""

    name = "sandbox"
    code = "en"
    domain = "127.0.0.1:{port}"

    def protocol(self, code):
        """It is on this machine, so it needs no encryption."""
        return "http"

    def scriptpath(self, code):
        """Where api.php is."""
        return {script_path!r}
'''
_CONFIG = """family = "sandbox"
mylang = "en"
register_families_folder({families!r})
put_throttle = 0
minthrottle = 0
simulate = False
"""


def write(folder: Path, *, port: int, script_path: str, username: str | None) -> Path:
    """Write ``user-config.py`` and ``families/sandbox_family.py``.

    Args:
        folder: Made if it is missing.
        port: Where the wiki listens.
        script_path: ``/w``.
        username: Whom ``usernames`` names; None leaves it empty.

    Returns:
        The path of ``user-config.py``, which only its owner may read: Pywikibot insists.
    """
    families = folder / "families"
    families.mkdir(parents=True, exist_ok=True)
    text = _FAMILY.format(port=port, script_path=script_path)
    (families / "sandbox_family.py").write_text(text, "utf-8")
    config = _CONFIG.format(families=str(families))
    if username is not None:
        config += f'usernames["sandbox"]["en"] = {username!r}\n'
    path = folder / "user-config.py"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(config)
    path.chmod(0o600)
    return path
