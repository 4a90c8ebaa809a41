"""Which user of this site a wiki's user is: made or found by the wiki and ``sub``, nothing else."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.db import IntegrityError, router, transaction

from pwb_oauth.web.django.models import WikiUser

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser

    from pwb_oauth.web.user_session import UserSession


def find_or_make(session: UserSession) -> AbstractBaseUser:
    """The user of this site who belongs to a wiki's user, made if there is none.

    A user of this site who only has the same name or e-mail address is somebody else.
    """
    link = _find(session) or _make(session)
    if link.display_name != session.username:
        link.display_name = session.username
        link.save(update_fields=["display_name"])
    user: AbstractBaseUser = link.user
    return user


def belongs(user: AbstractBaseUser | AnonymousUser, session: UserSession) -> bool:
    """Whether a user of this site is the one for a wiki's user."""
    ours = WikiUser.objects.filter(user_id=user.pk, **_whose(session))
    return user.is_authenticated and ours.exists()


def _find(session: UserSession) -> WikiUser | None:
    whose = _whose(session)
    for link in WikiUser.objects.select_related("user").filter(**whose):
        # MariaDB does not tell small letters from capitals.
        if {name: getattr(link, name) for name in whose} == whose:
            return link
    return None


def _make(session: UserSession) -> WikiUser:
    try:
        with transaction.atomic(using=router.db_for_write(WikiUser)):
            user = _new_user()
            return WikiUser.objects.create(
                user=user, display_name=session.username, **_whose(session)
            )
    except IntegrityError:
        link = _find(session)  # another browser was faster
        if link is None:
            raise
        return link


def _new_user() -> AbstractBaseUser:
    model = get_user_model()
    # A name that nobody chose: the wiki's user may be called like the site's administrator.
    user = model(**{str(model.USERNAME_FIELD): f"wiki-{secrets.token_hex(12)}"})
    user.set_unusable_password()
    user.save()
    return user


def _whose(session: UserSession) -> dict[str, str]:
    return {"wiki": session.wiki.central.name, "subject": session.subject}
