"""What the panel Method shows: what a method told, its curves plotted, and those of a learning that is not in the store yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Any, TypeAlias

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from localsynth.core.events import Measured
from localsynth.core.explaining import Curve, Explanation, Series
from localsynth.report.terminal.making import Told
from localsynth.report.terminal.pieces import head, text
from localsynth.tui.plain import line, one_line

__all__ = ["CurvePlot", "MethodTold", "curves_of"]

_LINES, _WIDEST = 9, 72  # cells of a plot
_MARKS = "●○+×◆◇"
_FURTHEST = 1e100  # beyond, differences overflow

Points: TypeAlias = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class MethodTold:
    """To be printed by rich. told : of the store. rounds : the last candidates. live : curves of what was heard."""

    method: str
    told: Explanation | None = None
    rounds: Table | None = None
    live: tuple[Curve, ...] = ()

    def beside(self, measured: Mapping[str, Sequence[Measured]]) -> MethodTold:
        """With the curves that the store does not tell."""
        parts = self.told.parts if self.told is not None else ()
        stored = {(part.x, part.y) for part in parts if isinstance(part, Curve)}
        return replace(self, live=tuple(one for one in curves_of(measured) if (one.x, one.y) not in stored))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self.told is None and self.rounds is None and not self.live:
            yield line(f"The method {self.method} has told nothing about this run so far.", "dim")
            return
        yield from map(CurvePlot, self.live)
        for part in self.told.parts if self.told is not None else ():
            yield CurvePlot(part) if isinstance(part, Curve) else Told(Explanation(parts=(part,)))
        if self.rounds is not None:
            yield self.rounds


def curves_of(measured: Mapping[str, Sequence[Measured]]) -> Iterator[Curve]:
    """One for all numbers of one unit that are told over the same steps; an interval is two more lines."""
    some = [(name, [one for one in many if _usable(one)]) for name, many in measured.items()]
    alike = sorted(((name, many) for name, many in some if many), key=lambda one: _axes(one[1]))
    for (x, y), group in groupby(alike, key=lambda one: _axes(one[1])):
        series = tuple(part for name, many in group for part in _series(name, many))
        title = f"{y or 'value'}, {x} by {x}"
        yield Curve(title=title[0].upper() + title[1:], x=x, y=y, series=series)


def _axes(many: Sequence[Measured]) -> tuple[str, str]:
    return many[0].per, many[0].unit


def _series(name: str, many: Sequence[Measured]) -> Iterator[Series]:
    yield Series(name=name, points=tuple((one.step, one.value) for one in many))
    for which, points in (
        ("low", tuple((one.step, one.low) for one in many if one.low is not None)),
        ("high", tuple((one.step, one.high) for one in many if one.high is not None)),
    ):
        if points:
            yield Series(name=f"{name}, {which}", points=points)


def _usable(one: Measured) -> bool:
    """Whether it is a number that can be drawn: a file may hold anything."""
    numbers: list[Any] = [one.step, one.value, one.low or 0.0, one.high or 0.0]
    return all(isinstance(number, int | float) and abs(number) <= _FURTHEST for number in numbers)


class CurvePlot:
    """Lines of characters, each with a mark of its own, so that they are told apart without colours too."""

    def __init__(self, curve: Curve) -> None:
        self._curve = curve
        self._xs = [x for one in curve.series for x, _ in one.points]
        self._ys = [y for one in curve.series for _, y in one.points]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        curve = self._curve
        yield from head(one_line(curve.title))
        if curve.caption:
            yield text(curve.caption, "dim")
        low, high = f"{min(self._ys):.4g}", f"{max(self._ys):.4g}"
        labels = {0: high, _LINES - 1: low} if low != high else {_LINES // 2: low}
        margin = max(len(low), len(high))
        width = max(min(options.max_width - margin - 2, _WIDEST), 8)
        for number, cells in enumerate(self._cells(width)):
            yield (
                Text(f"{labels.get(number, ''):>{margin}} ", "dim", no_wrap=True)
                .append("│")
                .append(cells, "not dim")
            )
        first, last = f"{min(self._xs):g}", f"{max(self._xs):g} {one_line(curve.x)}"
        yield Text(f"{'':{margin}} └{'─' * width}", "dim", no_wrap=True)
        yield Text(
            f"{'':{margin + 2}}{first}{last:>{max(width - len(first), 0)}}",
            "dim",
            no_wrap=True,
            overflow="ellipsis",
        )
        yield self._legend()

    def _legend(self) -> RenderableType:
        grid = Table.grid(padding=(0, 2, 0, 0))
        for one, mark in self._marked():
            first, last = one.points[0][1], one.points[-1][1]
            since = f"{first:.4g} to {last:.4g}" if len(one.points) > 1 else f"{last:.4g}"
            grid.add_row(
                Text(f"{mark} ").append_text(text(one.name)), Text(since), text(self._curve.y, "dim")
            )
        if self._curve.marked is not None and self._curve.mark:
            grid.add_row(text(self._curve.mark), Text(f"{one_line(self._curve.x)} {self._curve.marked:g}"))
        return grid

    def _marked(self) -> Iterator[tuple[Series, str]]:
        for number, one in enumerate(self._curve.series):
            yield one, _MARKS[number % len(_MARKS)]

    def _cells(self, width: int) -> list[str]:
        """The lines of the plot, the uppermost first."""
        cells = [[" "] * width for _ in range(_LINES)]
        every = [(self._places(one.points, width), mark) for one, mark in self._marked()]
        for places, _ in every:
            for (left, down), (right, to) in pairwise(places):
                for across in range(left + 1, right):
                    cells[round(down + (to - down) * (across - left) / (right - left))][across] = "·"
        for places, mark in reversed(every):  # where two meet, the first is seen
            for across, down in places:
                cells[down][across] = mark
        return ["".join(row) for row in cells]

    def _places(self, points: Points, width: int) -> list[tuple[int, int]]:
        """(across, down) of each point."""
        left, right, low, high = min(self._xs), max(self._xs), min(self._ys), max(self._ys)
        return [
            (
                round((x - left) / ((right - left) or 1.0) * (width - 1)),
                round((high - y) / (high - low) * (_LINES - 1)) if high > low else _LINES // 2,
            )
            for x, y in points
        ]
