"""The table's ratios as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib import rcParams
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.row import Row

_OURS, _MARK = "#36c", "#a00"
_TICKS = (0.5, 1, 2, 5, 10, 20, 50)


def draw(rows: list[Row], path: Path) -> None:
    """Draw how many times less each piece of work takes than with stock Pywikibot."""
    rcParams["svg.hashsalt"] = "pwb_oauth"  # the same picture from the same numbers
    shown = [(row, row.ratio) for row in reversed(rows) if row.ratio is not None]
    figure = Figure(figsize=(10, 1.2 + 0.3 * len(shown)), layout="constrained")
    axes = figure.add_subplot()
    axes.barh(
        [row.work for row, _ in shown], [ratio - 1 for _, ratio in shown], left=1, color=_OURS
    )
    for place, (row, ratio) in enumerate(shown):
        side = 1 if ratio >= 1 else -1
        axes.annotate(
            f"{ratio:.3g}",
            (ratio, place),
            (4 * side, 0),
            textcoords="offset points",
            ha="left" if side > 0 else "right",
            va="center",
            fontsize=9,
        )
        if row.mark is not None:
            axes.plot([row.mark, row.mark], [place - 0.4, place + 0.4], color=_MARK, linewidth=2)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_xticks(_TICKS, [f"{tick:g}" for tick in _TICKS])
    axes.minorticks_off()
    axes.set_xlim(0.4, 100)
    axes.margins(y=0.01)
    axes.set_xlabel("times less than stock Pywikibot (left of 1: more; red: the mark)")
    axes.tick_params(axis="y", labelsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
