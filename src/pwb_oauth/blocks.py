"""In which web tool's block what runs here is, and so as which visitor it acts."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Block(Protocol):
    """What a block gives out."""

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""

    @property
    def further_site(self) -> Callable[..., Any]:
        """What stands for ``pywikibot.Site`` in it."""


# One entry for each time that a block was entered.
_entered: ContextVar[tuple[tuple[Block], ...]] = ContextVar("pwb_oauth_blocks", default=())


@contextmanager
def entered(block: Block) -> Iterator[None]:
    """Be in a block, in this thread or task and what copies its context.

    Blocks may end in any order, as those of generators do: each takes out its own entry only.
    """
    entry = (block,)
    _entered.set((*_entered.get(), entry))
    try:
        yield
    finally:
        _entered.set(tuple(each for each in _entered.get() if each is not entry))


def current() -> Block | None:
    """The block that was entered last, of those that are open; None outside of any."""
    return next((block for (block,) in reversed(_entered.get()) if block.is_open), None)
