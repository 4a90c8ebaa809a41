"""A JSON file that says what a sandbox wiki starts with: accounts, consumers, pages.

Its members are the arguments of `SandboxWiki.add_user`, `add_consumer`, `add_bot_password` and
`add_page`; docs/sandbox-wiki.md shows one.
"""

from __future__ import annotations

import json
import re
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

from pwb_oauth.testing.sandbox import grants, titles
from pwb_oauth.testing.sandbox.administration import DEFAULT_GRANTS
from pwb_oauth.testing.sandbox.consent import IDENTITY_GRANTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from pwb_oauth.testing.sandbox import SandboxWiki
    from pwb_oauth.testing.sandbox.model import WikiState

_BOT_PASSWORD = re.compile(r"[0-9a-w]{32,}")


class SeedError(ValueError):
    """A mistake in a seed; the text names the place."""


@dataclass(frozen=True)
class SeedUser:
    """An account. One of the name of an account that is there replaces it."""

    name: str
    password: str | None = field(default=None, repr=False)
    groups: list[str] = field(default_factory=list)
    email: str = ""
    real_name: str = ""


@dataclass(frozen=True)
class SeedBotPassword:
    """A bot password."""

    user: str
    app_id: str
    password: str | None = field(default=None, repr=False)
    grants: list[str] = field(default_factory=lambda: list(DEFAULT_GRANTS))


@dataclass(frozen=True)
class SeedConsumer:
    """A consumer."""

    name: str
    oauth_version: Literal["1.0a", "2.0"] = "2.0"
    owner: str = "Alice"
    owner_only: bool = False
    confidential: bool = True
    callback_url: str = ""
    callback_is_prefix: bool = False
    grants: list[str] = field(default_factory=lambda: list(DEFAULT_GRANTS))
    state: Literal["proposed", "approved", "rejected", "disabled"] = "approved"
    grant_types: list[str] | None = None
    key: str | None = None
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class SeedPage:
    """A page."""

    title: str
    text: str
    user: str = "Admin"


@dataclass(frozen=True)
class Seed:
    """Everything."""

    users: list[SeedUser] = field(default_factory=list)
    consumers: list[SeedConsumer] = field(default_factory=list)
    bot_passwords: list[SeedBotPassword] = field(default_factory=list)
    pages: list[SeedPage] = field(default_factory=list)


def read_file(path: Path) -> Seed:
    """Read a seed file.

    Raises:
        SeedError: It cannot be read, is no JSON, or has a member too many, too few or of the wrong
            kind. What the wiki itself does not know, a group for example, :func:`sow` finds.
    """
    try:
        document = json.loads(path.read_text("utf-8"))
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise SeedError(f"{where}: this is not JSON: {error.msg}") from None
    except UnicodeDecodeError:
        raise SeedError("it is not UTF-8") from None
    except RecursionError:
        raise SeedError("it is nested too deeply") from None
    except OSError as error:
        raise SeedError(f"it cannot be read: {error.strerror}") from None
    return read(document)


def read(document: Any) -> Seed:
    """Read what a seed file holds.

    Raises:
        SeedError: A member is unknown, missing or of the wrong kind.
    """
    given = _members(document, Seed, "the file")
    kinds = {
        "users": SeedUser,
        "consumers": SeedConsumer,
        "bot_passwords": SeedBotPassword,
        "pages": SeedPage,
    }
    return Seed(**{name: list(_entries(given[name], kinds[name], name)) for name in given})


def _entries(given: Any, kind: Any, place: str) -> Iterator[Any]:
    if not isinstance(given, list):
        raise SeedError(f"{place}: must be a list of objects")
    hints = get_type_hints(kind)
    for number, entry in enumerate(given):
        here = f"{place}[{number}]"
        members = _members(entry, kind, here)
        for name, value in members.items():
            _check(value, hints[name], f"{here}.{name}")
        yield kind(**members)


def _members(given: Any, kind: Any, place: str) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise SeedError(f"{place}: must be an object")
    known = {each.name: each for each in fields(kind)}
    for name in given:
        if name not in known:
            raise SeedError(f"{place}: {name!r} is unknown; there are {', '.join(known)}")
    for name, each in known.items():
        if name not in given and each.default is MISSING and each.default_factory is MISSING:
            raise SeedError(f"{place}: {name!r} is missing")
    return given


def _check(value: Any, hint: Any, place: str) -> None:
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise SeedError(f"{place}: must be one of {', '.join(map(repr, get_args(hint)))}")
        return
    kind, fits = _KINDS[str(hint).removesuffix(" | None")]
    if not fits(value):
        raise SeedError(f"{place}: must be {kind}")


def _is_text(value: Any) -> bool:
    # JSON can write halves of a character, which no wiki can send.
    return isinstance(value, str) and value.encode("utf-8", "ignore").decode() == value


_KINDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "<class 'str'>": ("text", _is_text),
    "str": ("text", _is_text),
    "<class 'bool'>": ("true or false", lambda value: isinstance(value, bool)),
    "list[str]": (
        "a list of texts",
        lambda value: isinstance(value, list) and all(map(_is_text, value)),
    ),
}
"""By how Python writes an annotation."""


def sow(wiki: SandboxWiki, seed: Seed) -> None:
    """Set a wiki up with everything that a seed holds.

    Raises:
        SeedError: A group, grant or account is unknown, or a key, name or title cannot be.
    """
    state = wiki._state  # noqa: SLF001  # one package
    for number, user in enumerate(seed.users):
        _check_user(state, user, f"users[{number}]")
        wiki.add_user(**asdict(user))
    for number, consumer in enumerate(seed.consumers):
        _check_consumer(state, consumer, f"consumers[{number}]")
        wiki.add_consumer(**asdict(consumer))
    for number, given in enumerate(seed.bot_passwords):
        _check_bot_password(state, given, f"bot_passwords[{number}]")
        wiki.add_bot_password(**asdict(given))
    for number, page in enumerate(seed.pages):
        _check_account(state, page.user, f"pages[{number}].user")
        try:
            wiki.add_page(**asdict(page))
        except titles.InvalidTitleError as error:
            raise SeedError(f"pages[{number}].title: {error}") from None


def _check_user(state: WikiState, user: SeedUser, place: str) -> None:
    if titles.clean_user_name(user.name) != user.name:
        raise SeedError(f"{place}.name: must begin with a capital letter and have no #<>[]{{}}|/_")
    _check_known(user.groups, state.groups, f"{place}.groups")


def _check_consumer(state: WikiState, consumer: SeedConsumer, place: str) -> None:
    _check_account(state, consumer.owner, f"{place}.owner")
    _check_grants(state, consumer.grants, f"{place}.grants")
    if consumer.key in state.consumers:
        raise SeedError(f"{place}.key: another consumer has it")


def _check_bot_password(state: WikiState, given: SeedBotPassword, place: str) -> None:
    _check_account(state, given.user, f"{place}.user")
    _check_grants(state, given.grants, f"{place}.grants")
    if given.password is not None and not _BOT_PASSWORD.fullmatch(given.password):
        raise SeedError(f"{place}.password: must be 32 characters or more from 0 to 9 and a to w")


def _check_account(state: WikiState, name: str, place: str) -> None:
    _check_known([name], state.users, place)


def _check_grants(state: WikiState, names: list[str], place: str) -> None:
    _check_known(grants.full_names(names), [*state.grants, *IDENTITY_GRANTS], place)


def _check_known(names: list[str], known: Iterable[str], place: str) -> None:
    for name in names:
        if name not in known:
            raise SeedError(f"{place}: {name!r} is unknown; there are {', '.join(known)}")
