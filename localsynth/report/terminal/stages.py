"""What was done to rows since they were drawn, in a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text

from localsynth.report.lookup import Lookup
from localsynth.report.outline import FAMILIES
from localsynth.report.plaintext import one_line
from localsynth.report.stages import CHANGES, StageTable, stage_tables

from .pieces import ARROWS, Why, head, in_two_lines, table, text, titled

__all__ = ["StagesTold", "stages"]


class StagesTold:
    """The tables of an evaluation's runs as something rich prints, in the width it is given."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from stages(self._lookup)


def stages(lookup: Lookup) -> Iterator[RenderableType]:
    """A table for each recipe whose runs have stages."""
    for found in stage_tables(lookup):
        yield from head(f"{found.title}: {one_line(found.subject.label)}")
        yield text(found.caption, "dim")
        yield from _grid(found)
        yield text(CHANGES, "dim")
        yield Text(ARROWS, style="dim")


def _grid(found: StageTable) -> Iterator[RenderableType]:
    last = len(found.columns)
    headings = [in_two_lines(words) for words, _ in found.columns]
    grid = table("", *headings, "drawn\nto kept", right=range(1, last + 1))
    grid.columns[0].ratio = 1
    why = Why(last)
    people = [replace(who, label=words) for words, who in found.columns]
    for family, rows in groupby(found.rows, key=lambda row: row.family):
        grid.add_row(Text(FAMILIES[family], style="bold"))
        for row in rows:
            cells = [
                why.cell(figure, row.measure, row.measure.title, who)
                for figure, who in zip(row.figures, people, strict=True)
            ]
            grid.add_row(titled(row.measure), *cells, Text(row.change))
    yield grid
    yield from why.lines()
