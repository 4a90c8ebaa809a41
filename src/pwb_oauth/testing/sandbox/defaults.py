"""The description of a fresh sandbox wiki, in the shape that `seed` sets any wiki up from."""

from __future__ import annotations

import secrets
from datetime import datetime, timezone
from typing import Any

from pwb_oauth.testing.sandbox import grant_tables

_NAME = "SandboxWiki"
_USERS = {"Admin": ["sysop"], "BotOwner": ["bot"], "Alice": [], "Bob": []}
_PAGES = {
    "Main Page": "This wiki lives in a test. Do what you like.",
    "Sandbox": "Sandbox start.",
    "Protected": "Only administrators may change this page.",
}


def default_description(generator: str) -> dict[str, Any]:
    """Describe a fresh wiki: four users with passwords made up now, three pages, no consumer.

    Args:
        generator: The version that siteinfo reports, ``MediaWiki 1.43.9``.
    """
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "site": _site(),
        "versions": {"mediawiki": generator.removeprefix("MediaWiki "), "extensions": {}},
        "lifetimes": {},
        "access_token_keys": {},
        "users": [_user(number, name, now) for number, name in enumerate(_USERS, start=1)],
        "bot_passwords": [],
        "consumers": {},
        "groups": grant_tables.GROUPS,
        "grants": grant_tables.GRANTS,
        "hidden_grants": grant_tables.HIDDEN_GRANTS,
        "grant_groups": grant_tables.GRANT_GROUPS,
        "grant_descriptions": grant_tables.GRANT_DESCRIPTIONS,
        "namespaces": _namespaces(),
        "pages": [_page(number, title, now) for number, title in enumerate(_PAGES, start=1)],
        "recent_changes": [
            {
                "rcid": number,
                "timestamp": now,
                "ns": 0,
                "title": title,
                "type": 1,
                "patrolled": 0,
                "revid": number,
            }
            for number, title in enumerate(_PAGES, start=1)
        ],
        "statistics": {
            "edits": len(_PAGES),
            "articles": 0,
            "pages": len(_PAGES),
            "users": len(_USERS),
            "activeusers": 0,
            "images": 0,
        },
    }


def _site() -> dict[str, Any]:
    return {
        "server": "",
        "sitename": _NAME,
        "dbname": "sandbox",
        "wiki_id": "sandbox",
        "cookie_prefix": "sandbox",
        "script_path": "/w",
        "article_path": "/wiki/$1",
        "language": "en",
        "client_ip": "127.0.0.1",
        "rate_limits": {},
        "anonymous_may_edit": True,
        "temporary_accounts": False,
        "uploads": True,
        "file_extensions": ["png", "gif", "jpg", "jpeg", "webp"],
        "min_upload_chunk_size": 1024,
        "rc_patrol": True,
        "autoconfirm": {"age": 0, "edits": 0},
        "restriction_levels": ["", "autoconfirmed", "sysop"],
        "restriction_types": ["create", "edit", "move", "upload"],
    }


def _namespaces() -> dict[str, str]:
    return {
        str(number): name.replace("Project", _NAME)
        for number, name in grant_tables.NAMESPACES.items()
    }


def _user(number: int, name: str, now: str) -> dict[str, Any]:
    return {
        "id": number,
        "name": name,
        "password": secrets.token_urlsafe(12),
        "groups": _USERS[name],
        "registration": now,
        "real_name": "",
        "email": f"{name.lower()}@example.org",
        "email_confirmed_at": now,
        "editcount": 0,
    }


def _page(number: int, title: str, now: str) -> dict[str, Any]:
    locked = {"levels": ["sysop"], "expiry": "infinity"}
    return {
        "pageid": number,
        "ns": 0,
        "title": title,
        "content_model": "wikitext",
        "touched": now,
        "protection": {"edit": locked, "move": locked} if title == "Protected" else {},
        "first_revision": {
            "revid": number,
            "timestamp": now,
            "user": "Admin",
            "comment": "",
            "minor": False,
            "text": _PAGES[title],
            "tags": [],
        },
        "latest_revision": number,
    }
