"""How much the stress tests do: a short form, and the long one that the issue of reliability names.

``PWB_OAUTH_TEST_STRESS=long`` chooses the long one.
"""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Counts.

    Attributes:
        processes: That share a credential.
        threads: Of each of them.
        rounds: How often all access tokens expire.
        pywikibot_processes: Of those that share a credential and edit by ``page.save()``.
        bystanders: Processes that work while another one is killed.
        edits: Of each of two processes that have an authorization of their own.
        accounts: At work at the same time.
        account_processes: Among which they are divided.
        account_edits: Of each account.
        requests: Signed ones, against one sandbox wiki.
        visitors: Of a web tool, in one process.
        visitor_edits: Of each of two browsers and a job of one visitor.
    """

    processes: int
    threads: int
    rounds: int
    pywikibot_processes: int
    bystanders: int
    edits: int
    accounts: int
    account_processes: int
    account_edits: int
    requests: int
    visitors: int
    visitor_edits: int


SHORT = Scale(
    processes=4,
    threads=4,
    rounds=4,
    pywikibot_processes=2,
    bystanders=3,
    edits=40,
    accounts=16,
    account_processes=1,
    account_edits=20,
    requests=2_000,
    visitors=60,
    visitor_edits=67,
)
LONG = Scale(
    processes=8,
    threads=16,
    rounds=20,
    pywikibot_processes=3,
    bystanders=7,
    edits=200,
    accounts=64,
    account_processes=2,
    account_edits=200,
    requests=10_000,
    visitors=1_000,
    visitor_edits=200,
)


def scale() -> Scale:
    """The one that was chosen."""
    return LONG if os.environ.get("PWB_OAUTH_TEST_STRESS") == "long" else SHORT
