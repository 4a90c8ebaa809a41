"""Lists that come in parts: what ``list=`` shows and ``generator=`` goes on with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from pwb_oauth.testing.sandbox.api_errors import bad_continue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")


@dataclass
class Listing:
    """One part of a list.

    Attributes:
        items: For ``list=``.
        titles: Of the same pages, for ``generator=``.
        next: What the module's parameter must be for the next part, None at the end.
        continue_name: That parameter's name.
    """

    items: list[dict[str, Any]]
    titles: list[str] = field(default_factory=list)
    next: str | None = None
    continue_name: str = "continue"


def take_part(
    candidates: Iterable[T], key: Callable[[T], str], limit: int, start: str | None
) -> tuple[list[T], str | None]:
    """Cut a part out of a list.

    Args:
        candidates: All of it, in order.
        key: Names a candidate; goes into the ``continue`` parameter.
        limit: How many at most.
        start: The ``continue`` parameter: the first to take.

    Returns:
        The part, and the key of the candidate after it, None at the end.

    Raises:
        ApiError: There is nothing called ``start``.
    """
    rows = list(candidates)
    first = 0
    if start is not None:
        keys = [key(row) for row in rows]
        if start not in keys:
            raise bad_continue()
        first = keys.index(start)
    part = rows[first : first + limit]
    after = rows[first + limit : first + limit + 1]
    return part, key(after[0]) if after else None
