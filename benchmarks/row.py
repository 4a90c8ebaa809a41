"""A line of the table."""

from __future__ import annotations

from dataclasses import dataclass

_TOLERANCE = 0.2
"""How far a number may be off its mark: by a fifth."""

_TIMES = frozenset({"s", "ms", "µs"})


@dataclass(frozen=True)
class Row:
    """What one piece of work costs.

    Attributes:
        work: What is measured.
        unit: Of ``stock``, ``ours`` and ``limit``.
        stock: Pywikibot without us; None where it cannot do that.
        ours: With us.
        limit: What cannot be undercut; None where there is no such thing.
        goal: What was to be reached, in words.
        mark: The least that ``ratio`` is to be; None where the goal is no ratio.
        at_most: The most that ``ours`` is to be; None where the goal is none of time or memory.
    """

    work: str
    unit: str
    stock: float | None
    ours: float
    limit: float | None = None
    goal: str = ""
    mark: float | None = None
    at_most: float | None = None

    @property
    def ratio(self) -> float | None:
        """How many times less than stock it is."""
        return None if self.stock is None or not self.ours else self.stock / self.ours

    @property
    def missed(self) -> bool:
        """Whether it is off its mark by more than a fifth."""
        if self.at_most is not None and self.ours > self.at_most * (1 + _TOLERANCE):
            return True
        return self.mark is not None and (self.ratio or 0) < self.mark * (1 - _TOLERANCE)

    @property
    def is_of_this_machine(self) -> bool:
        """Whether the mark is a time: a slow or busy machine misses it, whatever we do."""
        return self.at_most is not None and self.unit in _TIMES

    def cells(self) -> tuple[str, ...]:
        """The line as text: work, stock, ours, ratio, limit, goal."""
        numbers = (_written(number, self.unit) for number in (self.stock, self.ours))
        ratio = "—" if self.ratio is None else f"{self.ratio:.3g}"
        return (self.work, *numbers, ratio, _written(self.limit, self.unit), self.goal)


def _written(number: float | None, unit: str) -> str:
    if number is None:
        return "—"
    rounded = f"{number:,.0f}" if number >= 1000 else f"{number:.3g}"  # noqa: PLR2004  # no 1e+03
    return f"{rounded} {unit}".strip()
