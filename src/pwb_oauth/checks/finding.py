"""What a check returns, and what it raises where it can say nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pwb_oauth.errors import MissingExtraError

if TYPE_CHECKING:
    from pwb_oauth.errors import PwbOAuthError


@dataclass(frozen=True)
class Finding:
    """A fault.

    Attributes:
        problem: What is wrong.
        remedy: What to do.
    """

    problem: str
    remedy: str

    @classmethod
    def of(cls, error: PwbOAuthError) -> Finding:
        """What one of our errors says, whose first sentence is the problem.

        Where that is all, what stands behind its colon is what to do.
        """
        text = str(error)
        problem, _, remedy = text.partition(". " if ". " in text else ": ")
        if isinstance(error, MissingExtraError):
            remedy = f"Do: {remedy}"  # a command
        remedy = f"{remedy[:1].upper()}{remedy[1:]}" or "Correct that, then: pwb-oauth doctor"
        return cls(f"{problem.rstrip('.')}.", remedy)


class CannotTellError(Exception):
    """Another fault, or the lack of anything to look at, keeps a check from telling. Says which."""
