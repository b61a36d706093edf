"""How the values of a column are spread, as bars of characters: of one table, or of two on the same lines.

Where two tables are compared each line has one bar: ``█`` as far as both go, then ``▀`` where only the first has more, or ``▄``
where only the second has. What they have in common is quiet, what tells them apart stands out, with and without colour.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from rich.console import Console, ConsoleOptions, RenderResult
from rich.style import Style
from rich.text import Text
from textual.color import Color

from localsynth.core.words import counted, plain
from localsynth.tui.plain import clipped, line, one_line, wide

if TYPE_CHECKING:
    from textual.app import App

__all__ = ["Bars", "Counts", "DistributionPlot", "bars_of", "distance", "plot_styles"]

BOTH, FIRST, SECOND = "█", "▀", "▄"
_FIGURE = 9  # cells of a percentage with the space before it
_LEAST_BAR = 12

_Line: TypeAlias = tuple[str, float, float]  # label, share in the first table, in the second


@dataclass(frozen=True)
class Bars:
    """How many rows have which value.

    marks : the values, one for each count; or the ends of the bins, one more than counts. missing : rows without a value.
    others : rows whose value is none of the marks.
    """

    marks: tuple[str, ...]
    counts: tuple[int, ...]
    missing: int = 0
    others: int = 0

    def __post_init__(self) -> None:
        if len(self.marks) - len(self.counts) not in {0, 1}:
            raise ValueError(f"{len(self.marks)} marks for {len(self.counts)} counts")

    @property
    def binned(self) -> bool:
        """Whether the marks are ends of bins."""
        return len(self.marks) > len(self.counts)

    @property
    def rows(self) -> int:
        """All rows."""
        return sum(self.counts) + self.missing + self.others

    def share(self, count: int) -> float:
        """Of all rows; 0 where there are none."""
        return count / self.rows if self.rows else 0.0

    def joined(self, most: int) -> Bars:
        """Neighbouring bins put together, or rare values among the others, so that there are at most so many bars."""
        most = max(most, 1)
        if len(self.counts) <= most:
            return self
        if self.binned:
            step = -(-len(self.counts) // most)
            starts = range(0, len(self.counts), step)
            marks = (*(self.marks[at] for at in starts), self.marks[-1])
            counts = tuple(sum(self.counts[at : at + step]) for at in starts)
            return Bars(marks, counts, self.missing, self.others)
        rest = sum(self.counts[most:])
        return Bars(self.marks[:most], self.counts[:most], self.missing, self.others + rest)


class Counts(Protocol):
    """What ``Browse.distribution`` gives."""

    @property
    def missing(self) -> int:
        """Rows without a value."""

    @property
    def rest(self) -> int:
        """Rows in none of the counts."""

    @property
    def counts(self) -> tuple[int, ...]:
        """Rows in each bin, or of each value."""

    @property
    def edges(self) -> tuple[float, ...]:
        """Of the bins; none where values are counted."""

    @property
    def values(self) -> tuple[Any, ...]:
        """What is counted; none where there are bins."""

    def edge(self, index: int, /) -> float | int | date | datetime:
        """An edge as a value of the column."""


def bars_of(counts: Counts) -> Bars:
    """Counted values, or bins, with their words."""
    marks = [counts.edge(at) for at in range(len(counts.edges))] if counts.edges else counts.values
    return Bars(tuple(map(_mark, marks)), counts.counts, counts.missing, counts.rest)


def _mark(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return f"{value:,}" if abs(value) >= 10_000 else str(value)  # a year has no comma
        case float():
            return plain(value)
        case datetime():
            return f"{value:%Y-%m-%d %H:%M}"
    return str(value)


def distance(left: Bars, right: Bars) -> float:
    """Total variation distance: the share of rows that would have to change, 0 where both are spread alike, at most 1."""
    return sum(abs(one - other) for _, one, other in _lines(left, right)) / 2


class DistributionPlot:
    """Bars to be printed by rich, in the width it is given.

    left, right : either may be missing; two of bins have the same ends. names : what they are of. lines : at most so high.
    styles : of what is in both, in the first alone and in the second alone.
    """

    def __init__(
        self,
        left: Bars | None,
        right: Bars | None,
        title: str = "",
        *,
        names: tuple[str, str] = ("real", "synthetic"),
        lines: int | None = None,
        styles: tuple[Style, Style, Style] | None = None,
    ) -> None:
        if (
            left is not None
            and right is not None
            and (left.binned or right.binned)
            and left.marks != right.marks
        ):
            raise ValueError("bins can be compared where they have the same ends")
        self._left, self._right, self._title, self._names = left, right, title, names
        self._most = lines
        self._styles = styles or (Style(), Style(color="cyan"), Style(color="magenta"))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        left, right = self._left, self._right
        if left is None and right is None:
            yield line("nothing to show yet", "dim")
            return
        yield from self._drawn(left, right, options.max_width)

    def _drawn(self, left: Bars | None, right: Bars | None, width: int) -> Iterator[Text]:
        legend = self._legend(left, right, width)
        found = list(_lines(*self._fitted(left, right, 1 + len(legend))))
        label = max(min(max((wide(name) for name, *_ in found), default=0), width // 3), 1)
        figures = [
            name for side, name in ((left, self._names[0]), (right, self._names[1])) if side is not None
        ]
        room = width - label - 1 - sum(max(_FIGURE, wide(name) + 2) for name in figures)
        if room < _LEAST_BAR:
            figures, room = [], max(width - label - 1, 1)
        yield self._heading(figures, width)
        top = max((max(one, other) for _, one, other in found), default=0.0)
        for name, one, other in found:
            text = Text(no_wrap=True, end="\n")
            text.append_text(line(clipped(name, label)))
            text.append(" " * (label - wide(clipped(name, label)) + 1))
            text.append_text(self._bar(one, other, top, room))
            for figure, share in zip(figures, self._shares(one, other), strict=False):
                text.append(f"{share:.1%}".replace("%", " %").rjust(max(_FIGURE, wide(figure) + 2)), "dim")
            yield text
        yield from legend

    def _fitted(self, left: Bars | None, right: Bars | None, others: int) -> tuple[Bars | None, Bars | None]:
        if self._most is None:
            return left, right
        sides = [side for side in (left, right) if side is not None]
        extra = sum((any(side.missing for side in sides), any(side.others for side in sides)))
        most = self._most - others - extra
        if left is not None and right is not None and not left.binned:
            left, right = _same_marks(left, right)
            sides = [left, right]
        if any(len(side.counts) > most and not side.binned for side in sides) and not any(
            side.others for side in sides
        ):
            most -= 1  # what is joined has a line of its own
        most = max(most, 1)
        return left and left.joined(most), right and right.joined(most)

    def _shares(self, one: float, other: float) -> tuple[float, ...]:
        return (one, other) if self._left is not None and self._right is not None else (max(one, other),)

    def _bar(self, one: float, other: float, top: float, room: int) -> Text:
        first, second = (_cells(share, top, room) for share in (one, other))
        both, left, right = self._styles
        text = Text()
        if self._left is None or self._right is None:
            text.append(BOTH * max(first, second), left if self._right is None else right)
        else:
            text.append(BOTH * min(first, second), both)
            text.append(FIRST * max(first - second, 0), left)
            text.append(SECOND * max(second - first, 0), right)
        return text.append(" " * (room - text.cell_len))

    def _heading(self, figures: Sequence[str], width: int) -> Text:
        right = "".join(name.rjust(max(_FIGURE, wide(name) + 2)) for name in figures)
        title = clipped(one_line(self._title), max(width - len(right) - 1, 1))
        text = Text(title, "bold", no_wrap=True)
        return text.append(" " * max(width - wide(title) - len(right), 0)).append(right, "dim")

    def _legend(self, left: Bars | None, right: Bars | None, width: int) -> list[Text]:
        """One line, or two where one has no room for it."""
        one, other = self._names
        _, first, second = self._styles
        text = Text(no_wrap=True, overflow="ellipsis")
        if left is None or right is None:
            only, name, style = (left, one, first) if left is not None else (right, other, second)
            rows = only.rows if only is not None else 0
            return [text.append(BOTH, style).append(f" {name}  {counted(rows, 'row')}", "dim")]
        text.append(BOTH).append(" both  ", "dim").append(FIRST, first).append(f" only {one}  ", "dim")
        text.append(SECOND, second).append(f" only {other}", "dim")
        numbers = Text(no_wrap=True, overflow="ellipsis")
        if left.rows and right.rows:
            numbers.append(f"distance {distance(left, right):.3f}  ")
        numbers.append(f"{left.rows:,} and {right.rows:,} rows", "dim")
        if text.cell_len + numbers.cell_len + 2 > width:
            return [text, numbers]
        return [text.append("  ").append_text(numbers)]


def plot_styles(app: App[object]) -> tuple[Style, Style, Style]:
    """Colours for :class:`DistributionPlot` that suit the app's theme."""
    return Style(), _style(app, "accent"), _style(app, "primary")


def _style(app: App[object], name: str) -> Style:
    return Style(color=Color.parse(app.theme_variables[name]).rich_color)


def _cells(share: float, top: float, room: int) -> int:
    """What is there has a cell, however rare it is."""
    return max(round(share / top * room), 1) if share > 0 and top > 0 else 0


def _same_marks(left: Bars, right: Bars) -> tuple[Bars, Bars]:
    """Both with the values of either, those of the first before."""
    first, second = (dict(zip(side.marks, side.counts, strict=True)) for side in (left, right))
    marks = tuple(first | second)
    return tuple(  # type: ignore[return-value]
        Bars(marks, tuple(counts.get(mark, 0) for mark in marks), side.missing, side.others)
        for side, counts in ((left, first), (right, second))
    )


def _lines(left: Bars | None, right: Bars | None) -> Iterator[_Line]:
    if (
        left is not None
        and right is not None
        and left.marks != right.marks
        and not (left.binned or right.binned)
    ):
        left, right = _same_marks(left, right)
    shown = left if left is not None else right
    if shown is None:
        return
    for at, label in enumerate(_labels(shown)):
        yield label, _share(left, at), _share(right, at)
    for label, of in (("other values", "others"), ("missing", "missing")):
        one, other = (side.share(getattr(side, of)) if side is not None else 0.0 for side in (left, right))
        if one or other:
            yield label, one, other


def _labels(bars: Bars) -> list[str]:
    if not bars.binned:
        return [one_line(mark) for mark in bars.marks]
    widest = max(map(wide, bars.marks))
    return [
        f"{low.rjust(widest)} – {high.rjust(widest)}" for low, high in pairwise(map(one_line, bars.marks))
    ]


def _share(side: Bars | None, at: int) -> float:
    return side.share(side.counts[at]) if side is not None and at < len(side.counts) else 0.0
