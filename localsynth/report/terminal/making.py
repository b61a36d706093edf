"""What a method found out, in a terminal: numbered steps, arrows as lines, curves as bars of characters and a small table."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from localsynth.core.explaining import Curve, Explanation, Facts, Graph, Part, Series, Steps
from localsynth.report.plaintext import one_line, sparks

from .pieces import head, table, text

__all__ = ["Told"]

_SPARKS, _ROWS = 32, 12


class Told:
    """An explanation as something rich prints, in the width it is given."""

    def __init__(self, explanation: Explanation) -> None:
        self._explanation = explanation

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for part in self._explanation.parts:
            yield from head(one_line(part.title))
            if part.caption:
                yield text(part.caption, "dim")
            yield from _body(part)


def _body(part: Part) -> Iterator[RenderableType]:
    match part:
        case Facts():
            grid = _grid()
            for label, words in part.facts:
                grid.add_row(text(label, "dim"), text(words))
            yield grid
        case Steps():
            yield _steps(part)
        case Graph():
            yield from _graph(part)
        case Curve():
            yield from _curve(part)


def _grid() -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(overflow="fold")
    grid.add_column(overflow="fold")
    return grid


def _steps(steps: Steps) -> Table:
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_column(overflow="fold")
    for number, step in enumerate(steps.steps, 1):
        grid.add_row(Text(f"{number}."), text(step.name, "bold"), text(step.why, "dim"))
    return grid


def _graph(graph: Graph) -> Iterator[RenderableType]:
    for link in graph.links:
        line = text(f"{link.source} -> {link.target}")
        yield line.append(f": {one_line(link.why)}", style="dim") if link.why else line
    for part in graph.components:
        yield text(f"in a circle: {', '.join(part)}")
    if graph.alone:
        yield text(f"without an arrow: {', '.join(graph.alone)}", "dim")


def _curve(curve: Curve) -> Iterator[RenderableType]:
    every = [y for one in curve.series for _, y in one.points]
    low, high = min(every), max(every)
    grid = _grid()
    for one in curve.series:
        first, last = one.points[0][1], one.points[-1][1]
        bars = sparks([_height(y, low, high) for _, y in one.points], 1.0, _SPARKS)
        grid.add_row(text(one.name), Text(f"{bars}  {first:.4g} to {last:.4g} {one_line(curve.y)}"))
    yield grid
    numbers = table(curve.x, *(one.name for one in curve.series), "", right=range(len(curve.series) + 1))
    for x in _chosen(curve):
        mark = f"<- {one_line(curve.mark)}" if x == curve.marked and curve.mark else ""
        numbers.add_row(
            Text(f"{x:g}"), *(Text(_at(one, x)) for one in curve.series), Text(mark, style="bold")
        )
    yield numbers


def _height(value: float, low: float, high: float) -> float:
    """Of a bar: the lowest value still has one, so that it is seen."""
    return 0.125 + 0.875 * (value - low) / (high - low) if high > low else 0.5


def _chosen(curve: Curve) -> list[float]:
    """Every x, or of many a dozen: evenly spread ones, the last and the marked one among them."""
    xs = sorted({x for one in curve.series for x, _ in one.points})
    if len(xs) <= _ROWS:
        return xs
    some = {xs[round(step * (len(xs) - 1) / (_ROWS - 2))] for step in range(_ROWS - 1)}
    return sorted(some | ({curve.marked} & set(xs) if curve.marked is not None else set()))


def _at(series: Series, x: float) -> str:
    return next((f"{y:.4g}" for at, y in series.points if at == x), "–")
