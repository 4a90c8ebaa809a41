"""Tools for tests: a wiki on loopback that speaks MediaWiki's OAuth, and what every store passes.

Nothing is imported before it is asked for: the sandbox needs the extra ``sandbox``, the contract
needs pytest.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pwb_oauth.testing.contract import TokenStoreContract
    from pwb_oauth.testing.sandbox import SandboxWiki

__all__ = ["SandboxWiki", "TokenStoreContract"]

_HOMES = {
    "SandboxWiki": "pwb_oauth.testing.sandbox",
    "TokenStoreContract": "pwb_oauth.testing.contract",
}


def __getattr__(name: str) -> Any:
    """Load a public name on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted({*globals(), *__all__})
