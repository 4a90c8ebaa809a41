"""What ``manage.py check`` says where python-social-auth or django-allauth signs visitors in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.db import connections, router

if TYPE_CHECKING:
    from collections.abc import Iterator

_IN_CLEAR = (
    "Whoever reads {table} can act as every visitor, also after a logout, until the visitor "
    "withdraws the grant on the wiki (Special:OAuthManageMyGrants). pwb_oauth's own sign-in seals "
    "tokens and ends them. To keep it as it is, put this check into SILENCED_SYSTEM_CHECKS."
)


def are_installed() -> bool:
    """Whether one of them signs visitors in with their wiki account."""
    return _has_social_auth() or _has_allauth()


def check_other_logins(**_: Any) -> list[checks.CheckMessage]:
    """What they cannot give, and what is missing to act as their visitors."""
    found: list[checks.CheckMessage] = []
    if _has_social_auth():
        found.append(
            _warning(
                101,
                "python-social-auth keeps the access tokens of visitors in clear, and a logout "
                "ends none of them.",
                _IN_CLEAR.format(table="the table social_auth_usersocialauth"),
            )
        )
    if _has_allauth():
        found.extend(_of_allauth())
    return found


def _has_social_auth() -> bool:
    if not apps.is_installed("social_django"):
        return False
    from social_core.backends.utils import load_backends  # noqa: PLC0415  # may not be installed

    backends = load_backends(settings.AUTHENTICATION_BACKENDS)  # type: ignore[no-untyped-call]
    return "mediawiki" in backends


def _has_allauth() -> bool:
    return apps.is_installed("allauth.socialaccount.providers.mediawiki")


def _of_allauth() -> Iterator[checks.CheckMessage]:
    from allauth.socialaccount import app_settings  # noqa: PLC0415  # may not be installed

    if not app_settings.STORE_TOKENS:
        yield _warning(
            102,
            "django-allauth keeps no tokens, so that nothing can be done as its visitors.",
            "Set SOCIALACCOUNT_STORE_TOKENS = True, unless they only sign in.",
        )
        return
    yield _warning(
        103,
        "django-allauth keeps the tokens of visitors in clear, one pair for each user, and a "
        "logout ends none of them.",
        _IN_CLEAR.format(table="the table socialaccount_socialtoken"),
    )
    if _is_held_by_requests():
        yield _warning(
            104,
            "The tokens are in an SQLite file that a request holds (ATOMIC_REQUESTS), so that they "
            "cannot be renewed.",
            "Switch ATOMIC_REQUESTS off, or set OPTIONS = {'init_command': "
            "'PRAGMA journal_mode=WAL'} and write nothing before you act as a visitor.",
        )


def _is_held_by_requests() -> bool:
    from allauth.socialaccount.models import SocialToken  # noqa: PLC0415  # may not be installed

    database = connections[router.db_for_write(SocialToken)]
    options = database.settings_dict["OPTIONS"]
    has_wal = "journal_mode=wal" in str(options.get("init_command")).lower().replace(" ", "")
    return database.vendor == "sqlite" and database.settings_dict["ATOMIC_REQUESTS"] and not has_wal


def _warning(number: int, said: str, hint: str) -> checks.CheckMessage:
    return checks.Warning(said, hint, id=f"pwb_oauth.W{number}")
