"""What a database is used for: what its errors say, and how long is waited in it."""

from __future__ import annotations

from dataclasses import dataclass

from pwb_oauth.stores.locks import LOCK_TIMEOUT


@dataclass(frozen=True)
class Purpose:
    """One use of databases.

    Attributes:
        named_in: Where the URL stands, as an error names it.
        not_in_memory: What an error says to those who name a database in memory; may be empty.
        lock_timeout: Seconds to wait for what somebody else holds.
    """

    named_in: str
    not_in_memory: str = ""
    lock_timeout: float = LOCK_TIMEOUT


TOKENS = Purpose(
    "PWB_OAUTH_STORE, --store or --to", "A store that ends with the process is memory:."
)
