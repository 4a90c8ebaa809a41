"""A question that several checks need the answer to, and that is asked once."""

from __future__ import annotations

import copy
import threading
from typing import TYPE_CHECKING, Generic, TypeVar

from pwb_oauth.checks.finding import CannotTellError
from pwb_oauth.errors import PwbOAuthError

if TYPE_CHECKING:
    from collections.abc import Callable

_Answer = TypeVar("_Answer")


class Question(Generic[_Answer]):
    """Asked by whoever needs it first; every other thread waits for the same answer."""

    def __init__(self, ask: Callable[[], _Answer]) -> None:
        """Ask nothing yet.

        Args:
            ask: What asks.
        """
        self._ask = ask
        self._lock = threading.Lock()
        self._answer: tuple[_Answer] | None = None
        self._error: Exception | None = None

    def answer(self) -> _Answer:
        """The answer.

        Raises:
            PwbOAuthError: What came instead, the same for everybody.
            CannotTellError: Another fault keeps it from being asked.
        """
        with self._lock:
            if self._error is not None:
                raise copy.copy(self._error)
            if self._answer is None:
                try:
                    self._answer = (self._ask(),)
                except (PwbOAuthError, CannotTellError) as error:
                    self._error = error
                    raise
            return self._answer[0]

    def error(self) -> PwbOAuthError | None:
        """What came instead of an answer, if it was asked and something did."""
        try:
            self.answer()
        except PwbOAuthError as error:
            return error
        except CannotTellError:
            pass
        return None

    def known(self, otherwise: str) -> _Answer:
        """The answer, for a check that is not about this question.

        Args:
            otherwise: Why that check can say nothing where there is none.

        Raises:
            CannotTellError: There is none.
        """
        try:
            return self.answer()
        except PwbOAuthError:
            raise CannotTellError(otherwise) from None
