"""A wiki set up from a description: users, consumers with their tokens, pages, recent changes.

The description has the shape of the recordings' ``_wiki.json``, so that a wiki can be set up as a
real one was.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from pwb_oauth.testing.sandbox import grants, jwts
from pwb_oauth.testing.sandbox.model import (
    Acceptance,
    BotPassword,
    Consumer,
    Lifetimes,
    Page,
    Protection,
    RecentChange,
    Revision,
    Site,
    User,
    WikiState,
)

if TYPE_CHECKING:
    from pwb_oauth.testing.sandbox.clock import Clock
    from pwb_oauth.testing.sandbox.versions import Behaviour

_TYPES = {0: "edit", 1: "new", 3: "log"}
_DURATION = re.compile(
    r"P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)


def state_from(description: dict[str, Any], behaviour: Behaviour, clock: Clock) -> WikiState:
    """Set a wiki up.

    Args:
        description: As `defaults.default_description` makes it.
        behaviour: The version's switches.
        clock: The wiki's clock.
    """
    wiki = WikiState(
        description,
        behaviour,
        clock,
        _site(description["site"]),
        _lifetimes(description["lifetimes"], behaviour),
        private_key=description["access_token_keys"].get("private"),
        groups={name: list(rights) for name, rights in description["groups"].items()},
        grants={name: list(rights) for name, rights in description["grants"].items()},
        namespaces={int(number): name for number, name in description["namespaces"].items()},
    )
    for data in description["users"]:
        _add_user(wiki, data)
    for data in description["bot_passwords"]:
        _add_bot_password(wiki, data)
    for data in sorted(description["consumers"].values(), key=lambda data: int(data["id"])):
        _add_consumer(wiki, data)
    for data in description["pages"]:
        _add_page(wiki, data)
    for data in description["recent_changes"]:
        _add_recent_change(wiki, data)
    return wiki


def duration(text: str) -> timedelta:
    """Read an ISO 8601 duration (``PT1H``, ``P1M``); a month counts 30 days, a year 365.

    Raises:
        ValueError: It is none.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not an ISO 8601 duration such as PT1H or P1M.")
    part = {name: int(number or 0) for name, number in match.groupdict().items()}
    days = part["years"] * 365 + part["months"] * 30 + part["days"]
    return timedelta(
        days=days, hours=part["hours"], minutes=part["minutes"], seconds=part["seconds"]
    )


def moment(text: str) -> datetime:
    """Read MediaWiki's ``2026-11-22T03:00:00Z``."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)


def _site(data: dict[str, Any]) -> Site:
    return Site(
        server=data["server"],
        name=data["sitename"],
        dbname=data["dbname"],
        cookie_prefix=data["cookie_prefix"],
        script_path=data["script_path"],
        language=data["language"],
        client_ip=data["client_ip"],
    )


def _lifetimes(data: dict[str, Any], behaviour: Behaviour) -> Lifetimes:
    lifetimes = Lifetimes(behaviour.access_lifetime, behaviour.refresh_lifetime)
    if "access_token" in data:
        lifetimes.access = duration(data["access_token"])
    if "refresh_token" in data:
        lifetimes.refresh = duration(data["refresh_token"])
    return lifetimes


def _add_user(wiki: WikiState, data: dict[str, Any]) -> None:
    confirmed = data["email_confirmed_at"]
    user = User(
        id=data["id"],
        name=data["name"],
        password=data["password"],
        groups=list(data["groups"]),
        registered_at=moment(data["registration"]),
        real_name=data["real_name"],
        email=data["email"],
        email_confirmed_at=moment(confirmed) if confirmed else None,
        editcount=data["editcount"],
    )
    wiki.users[user.name] = user
    wiki.taken_id("user", user.id)


def _add_bot_password(wiki: WikiState, data: dict[str, Any]) -> None:
    bot_password = BotPassword(data["user"], data["app_id"], data["password"], data["grants"])
    wiki.bot_passwords[bot_password.login_name] = bot_password


def _add_consumer(wiki: WikiState, data: dict[str, Any]) -> None:
    consumer = Consumer(
        id=data["id"],
        key=data["client_id"],
        secret=data["client_secret"],
        name=data["name"],
        owner=data["owner"],
        oauth_version=data["oauth_version"],
        callback_url=data["callback"],
        callback_is_prefix=data["callback_is_prefix"],
        owner_only=data["owner_only"],
        grants=grants.full_names(data["grants"]),
        state=data["state"],
        registered_at=moment(data["registered_at"]),
        confidential=data["confidential"] is not False,
        grant_types=list(data["grant_types"] or []),
        access_token=data["access_token"],
        access_secret=data["access_secret"],
        version=data["version"],
        description=data["description"],
        ip_ranges=list(data["restrictions"]["IPAddresses"]),
        rsa_key=data["rsa_key"],
        wiki=data["wiki"],
    )
    wiki.consumers[consumer.key] = consumer
    wiki.taken_id("consumer", consumer.id)
    if data["acceptance"]:
        _add_acceptance(wiki, consumer, data["acceptance"])


def _add_acceptance(wiki: WikiState, consumer: Consumer, data: dict[str, Any]) -> None:
    is_oauth1 = consumer.oauth_version == "1.0a"
    acceptance = Acceptance(
        id=data["id"],
        user_id=data["user_id"],
        consumer_key=consumer.key,
        grants=list(consumer.grants),
        accepted_at=moment(data["accepted_at"]),
        access_token=consumer.access_token or "" if is_oauth1 else "",
        access_secret=consumer.access_secret or "",
    )
    wiki.acceptances.append(acceptance)
    wiki.taken_id("acceptance", acceptance.id)
    if consumer.access_token and not is_oauth1:
        jwts.register(wiki, consumer.access_token, consumer, acceptance.id)


def _add_page(wiki: WikiState, data: dict[str, Any]) -> None:
    revisions = [_revision(wiki, data["first_revision"], 0)]
    if isinstance(data["latest_revision"], dict):
        revisions.append(_revision(wiki, data["latest_revision"], revisions[0].revid))
    page = Page(
        id=data["pageid"],
        ns=data["ns"],
        title=data["title"],
        revisions=revisions,
        touched=moment(data["touched"]),
        content_model=data["content_model"],
        protection={
            action: Protection(limit["levels"][0]) for action, limit in data["protection"].items()
        },
    )
    wiki.pages[page.title] = page
    wiki.taken_id("page", page.id)


def _revision(wiki: WikiState, data: dict[str, Any], parentid: int) -> Revision:
    user = wiki.users.get(data["user"])
    wiki.taken_id("revision", data["revid"])
    return Revision(
        revid=data["revid"],
        parentid=parentid,
        user=data["user"],
        user_id=user.id if user else 0,
        text=data["text"],
        comment=data["comment"],
        timestamp=moment(data["timestamp"]),
        minor=data["minor"],
        tags=list(data["tags"]),
    )


def _add_recent_change(wiki: WikiState, data: dict[str, Any]) -> None:
    prefix = wiki.namespaces[data["ns"]]
    bare = data["title"].replace("_", " ")
    page = wiki.pages[f"{prefix}:{bare}" if prefix else bare]
    revision = next(old for old in page.revisions if old.revid == data["revid"])
    size = len(revision.text.encode())
    kind = _TYPES[data["type"]]
    wiki.recent_changes.append(
        RecentChange(
            rcid=data["rcid"],
            type=kind,  # type: ignore[arg-type]
            timestamp=moment(data["timestamp"]),
            ns=page.ns,
            title=page.title,
            page_id=page.id,
            revid=revision.revid,
            old_revid=revision.parentid,
            user=revision.user,
            user_id=revision.user_id,
            comment=revision.comment,
            old_len=size if revision.parentid else 0,
            new_len=size,
            minor=revision.minor,
            patrolled=data["patrolled"],
            log_id=wiki.next_id("log") if kind == "log" else 0,
        )
    )
    wiki.taken_id("rc", data["rcid"])
