"""The terminal's parts about target statistics and privacy budgets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from localsynth.report.aims import CHANCE, Aimed, Distance, aimed
from localsynth.report.budget import Part, spending, spent_words
from localsynth.report.lookup import Lookup
from localsynth.report.numbers import number
from localsynth.report.plaintext import clipped, one_line

from .pieces import head, table, text

__all__ = ["aims", "budget"]

_NOTES, _PARTS, _NAME = 6, 8, 40


def aims(lookup: Lookup, width: int) -> Iterator[RenderableType]:
    """What the rows of each recipe were aimed at."""
    for subject in lookup.runs:
        one = aimed(lookup, subject)
        if one is None:
            continue
        yield from head(f"What the rows were aimed at: {one_line(subject.label)}")
        facts = Table.grid(padding=(0, 2, 0, 0))
        facts.add_column(style="dim", no_wrap=True)
        facts.add_column(overflow="fold")
        for what, words in one.facts:
            facts.add_row(Text(what), text(words))
        yield facts
        yield from _far(lookup, one, width)
        yield from _listed("Contradictions, and what was cut or merged", one.notes)


def _far(lookup: Lookup, one: Aimed, width: int) -> Iterator[RenderableType]:
    rows = [("margin", "target_margins", far) for far in one.margins]
    rows += [("table", "target_tables", far) for far in one.tables]
    if not rows:
        return
    grid = table("farthest off", "", "distance", "by chance", right=(2, 3))
    for kind, metric, far in rows:
        grid.add_row(Text(kind, style="dim"), *_distance(lookup, metric, far, max(width - 40, 20)))
    yield grid
    yield text(CHANCE, "dim")


def _distance(lookup: Lookup, metric: str, far: Distance, room: int) -> tuple[Text, Text, Text]:
    measure = lookup.measure(metric)
    value = number(far.figure.value or 0.0, measure)
    return Text(clipped(one_line(far.what), room)), Text(value), Text(number(far.chance, measure))


def budget(lookup: Lookup) -> Iterator[RenderableType]:
    """What was spent of privacy, and what that means."""
    if lookup.evaluation.spent is None:
        return
    for subject in lookup.runs:
        one = spending(lookup, subject)
        if one is None:
            continue
        yield from head(f"Privacy budget: {one_line(subject.label)}")
        for words in one.said:
            yield text(words)
        yield from _parts(one.parts)
        yield from _listed("What that means", one.means, len(one.means))
        yield from _listed("What it does not mean", one.means_not, len(one.means_not))
    yield from head("Privacy budget: spent on this dataset")
    for words in spent_words(lookup.evaluation.spent, lookup.evaluation.runs[0].dataset):
        yield text(words)


def _parts(parts: Sequence[Part]) -> Iterator[RenderableType]:
    if not parts:
        return
    grid = table("part", "rho", "share", right=(1, 2))
    for part in parts[:_PARTS]:
        grid.add_row(Text(clipped(one_line(part.what), _NAME)), Text(part.rho), Text(part.share))
    yield grid
    if len(parts) > _PARTS:
        yield Text(f"and {len(parts) - _PARTS:,} more parts; the HTML report lists all of them", style="dim")


def _listed(title: str, sentences: Sequence[str], most: int = _NOTES) -> Iterator[RenderableType]:
    if not sentences:
        return
    yield Text(title, style="bold")
    grid = Table.grid(padding=(0, 1, 0, 0))
    for sentence in sentences[:most]:
        grid.add_row(Text("-"), text(sentence))
    if len(sentences) > most:
        grid.add_row(
            Text("-"), Text(f"and {len(sentences) - most:,} more: the HTML report lists all of them")
        )
    yield grid
