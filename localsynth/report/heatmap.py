"""Pair trends as a triangle: dark where two columns go together otherwise than in the real table."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence

from .markup import Html, tag
from .plaintext import clipped, shown
from .svg import figure_svg, label, short

__all__ = ["STEPS", "heatmap"]

#: How far a pair may fall short of 1 to be drawn in each shade; the last shade takes what is beyond.
STEPS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
_MOST_TITLES = 1500  # a word for every cell of a wider table would make most of the file
_LABELS = 132.0


def heatmap(columns: Sequence[str], scores: Mapping[tuple[int, int], float], who: str) -> Html:
    """One cell a pair. columns : in order; scores : (row, column) of the triangle -> score, 1 is best.

    The name at the end of a row stands for the row to its left and for the column below it.
    """
    count = len(columns)
    cell = min(max(900.0 / max(count, 1), 8.6), 26.0)
    size = cell * count
    drawn: list[Html] = []
    if len(scores) <= _MOST_TITLES:
        drawn.extend(
            tag(
                "rect",
                tag("title", f"{shown(columns[row])} × {shown(columns[column])}: {value:.3f}"),
                x=short(column * cell),
                y=short(row * cell),
                width=short(cell - 0.6),
                height=short(cell - 0.6),
                class_=f"h{_shade(value)}",
            )
            for (row, column), value in scores.items()
        )
    else:
        drawn.extend(_merged(scores, cell))
    font = min(max(cell * 0.82, 7.4), 11.0)
    drawn.extend(
        label((row + 0.18) * cell, row * cell + cell / 2 + font * 0.35, clipped(shown(name), 24), "level")
        for row, name in enumerate(columns)
    )
    worst = min(scores, key=scores.__getitem__, default=None)
    said = f"{len(scores)} pairs of {count} columns"
    if worst is not None:
        said += f"; lowest {columns[worst[0]]} and {columns[worst[1]]} with {scores[worst]:.3f}"
    body = tag("g", drawn, style=f"font-size:{short(font)}px")
    return figure_svg(size + _LABELS, size + 2, f"Pair trends of {who}", said, body, class_="plot heat")


def _shade(value: float) -> int:
    return bisect_left(STEPS, round(1 - value, 9))


def _merged(scores: Mapping[tuple[int, int], float], cell: float) -> list[Html]:
    """All cells of a shade as one path."""
    by_shade: dict[int, list[str]] = defaultdict(list)
    side = short(cell - 0.4)
    for (row, column), value in scores.items():
        by_shade[_shade(value)].append(f"M{short(column * cell)} {short(row * cell)}h{side}v{side}h-{side}z")
    return [tag("path", d="".join(parts), class_=f"h{shade}") for shade, parts in sorted(by_shade.items())]
