"""What the environment says about live tests: with which token, against which wiki."""

from __future__ import annotations

import os

VARIABLES = {"1.0a": "PYWIKIBOT_TEST_OAUTH", "2.0": "PWB_OAUTH_TEST_TOKEN"}
"""What holds the secret of each OAuth version: four parts joined by colons, an access token."""

WIKI = "PWB_OAUTH_TEST_WIKI"
_WRITE = "PWB_OAUTH_TEST_WRITE"
_DEFAULT_WIKI = "test.wikipedia.org"


def secret_of(oauth_version: str) -> str:
    """The secret of an OAuth version; empty if it is not set."""
    return os.environ.get(VARIABLES[oauth_version], "").strip()


def wiki() -> str:
    """The host name or URL of the wiki that live tests ask."""
    return os.environ.get(WIKI, "").strip() or _DEFAULT_WIKI


def why_skipped(*oauth_versions: str) -> str | None:
    """Why a live test is skipped; None if the secret of one of these OAuth versions is set."""
    if any(map(secret_of, oauth_versions)):
        return None
    names = [VARIABLES[oauth_version] for oauth_version in oauth_versions]
    return f"{' or '.join(names)} is not set"


def why_read_only() -> str | None:
    """Why a live test must not write; None if it may, on a test wiki."""
    return None if os.environ.get(_WRITE) == "1" else f"{_WRITE}=1 is not set"
