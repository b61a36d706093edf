"""The terminal's parts about columns, pairs and attacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from localsynth.core.columns import Column
from localsynth.core.evaluation import REAL
from localsynth.core.judging import Measure
from localsynth.report.attacks import attacks
from localsynth.report.columnbins import plots_of
from localsynth.report.columnpart import judged_columns, why_no_histogram
from localsynth.report.evidence import chance_words
from localsynth.report.intervals import whisker
from localsynth.report.lookup import Figure, Lookup, Subject
from localsynth.report.numbers import number, of_column, with_interval
from localsynth.report.outline import ATTACKS
from localsynth.report.pairpart import worst_pairs
from localsynth.report.plaintext import axis, clipped, one_line, sparks
from localsynth.report.verdict import Verdict

from .pieces import Why, head, table, text

__all__ = ["columns", "pairs", "privacy"]

_SPARKS, _AXIS, _PAIRS = 11, 16, 8
_BESIDE = 13  # characters of two figures that fit beside each other
_OF_WHAT = "bars: the train split; missing and mean: REAL (the holdout) | synthetic"
_NO_HOLDOUT = "bars, missing and mean: the train split, because there is no holdout | synthetic"


def columns(lookup: Lookup, width: int) -> Iterator[RenderableType]:
    """Each column's bars, real and synthetic, its shape score, missing share and mean; a table for each recipe."""
    real = lookup.reference(REAL)
    if real is None and lookup.columns("target_shares"):
        yield from _aimed_columns(lookup, width)
        return
    for subject in lookup.runs if _anything(lookup) else ():
        yield from head(f"Columns: real rows and {one_line(subject.label)}")
        if not lookup.columns("histogram") and not lookup.columns("column_shapes"):
            yield text(f"Nothing to show: {lookup.figure('column_shapes', subject).note}", "dim")
            continue
        grid = table("column", "real", "synthetic", "shape", "missing", "mean", right=(3, 4, 5))
        for bars in grid.columns[1:3]:
            bars.no_wrap = True
        why = Why(1)
        for column in judged_columns(lookup):
            grid.add_row(
                Text(clipped(one_line(column.name), max(width - 64, 12))),
                *_bars(lookup, subject, column.name, why),
                _shape(lookup, subject, column.name, why),
                _both(lookup, "missing_rate", real, subject, column),
                _both(lookup, "mean", real, subject, column),
            )
        yield grid
        yield from why.lines()
        if real is not None:
            held = lookup.evaluation.dataset.holdout_rows
            yield Text(_OF_WHAT if held else _NO_HOLDOUT, style="dim")


def _aimed_columns(lookup: Lookup, width: int) -> Iterator[RenderableType]:
    """Each column's bars over the cells of its target, and how far off it is."""
    for subject in lookup.runs:
        yield from head(f"Columns: the target and {one_line(subject.label)}")
        grid = table("column", "target", "synthetic", "off target", right=(3,))
        for bars in grid.columns[1:3]:
            bars.no_wrap = True
        why = Why(1)
        for column in judged_columns(lookup):
            off = lookup.figure("target_margins", subject, column.name)
            if off.value is None:  # of a column with one cell, which nothing can miss
                continue
            grid.add_row(
                Text(clipped(one_line(column.name), max(width - 44, 12))),
                *_bars(lookup, subject, column.name, why),
                Text(number(off.value, lookup.measure("target_margins"))),
            )
        yield grid
        yield from why.lines()
        yield Text("bars: a cell of the target each; off target: total variation distance", style="dim")


def _anything(lookup: Lookup) -> bool:
    """Whether there is something to show, or a reason to tell that was not told above."""
    known = lookup.columns("histogram") or lookup.columns("column_shapes") or lookup.pairs("pair_trends")
    return bool(known or lookup.evaluation.dataset.train_rows)


def _bars(lookup: Lookup, subject: Subject, column: str, why: Why) -> tuple[Text, Text]:
    """The histogram of the real rows, or the target, and that of the run, the mean over seeds, on one scale."""
    plots = plots_of(lookup, column)
    own = (bins for bins in plots if any(series.who == subject.label for series in bins.runs))
    bins = next(own, plots[0] if plots else None)
    if bins is None:
        found = Figure((), note=why_no_histogram(lookup, column))
        why.cell(found, lookup.measure("histogram"), f"bars of {column}", subject)
        return Text(), Text()
    top = max((share for series in bins.everybody for share in series.mean), default=0.0)
    mine = next((series for series in bins.runs if series.who == subject.label), None)
    real, made = (sparks(series.mean, top, _SPARKS) if series else "" for series in (bins.real, mine))
    return Text(real, style="dim"), Text(made, style="cyan")


def _shape(lookup: Lookup, subject: Subject, column: str, why: Why) -> Text:
    """The column's shape score, of several seeds the mean alone."""
    found = lookup.figure("column_shapes", subject, column)
    if found.value is not None:
        found = Figure((found.value,))
    return why.cell(found, lookup.measure("column_shapes"), f"shape of {column}", subject)


def _both(lookup: Lookup, metric: str, real: Subject | None, subject: Subject, column: Column) -> Text:
    """Real and synthetic, one above the other where both are long."""
    measure = lookup.measure(metric)
    people = (real, subject) if real is not None else (subject,)
    values = [lookup.figure(metric, who, column.name).value for who in people]
    if not any(value is not None for value in values):
        return Text("–", style="dim")
    words = [
        "–"
        if value is None
        else of_column(value, column.kind)
        if metric == "mean"
        else number(value, measure)
        for value in values
    ]
    return Text(" | ".join(words) if sum(map(len, words)) < _BESIDE else "\n".join(words))


def pairs(lookup: Lookup) -> Iterator[RenderableType]:
    """The worst pairs of each recipe, beside reality and what independent columns give."""
    measure, why = lookup.measure("pair_trends"), Why(0)
    if not _anything(lookup):
        return
    yield from head("Worst pairs of columns")
    drawn = False
    for subject in lookup.runs:
        people = [
            s for s in (lookup.reference(REAL), lookup.reference("independent"), subject) if s is not None
        ]
        worst = worst_pairs(lookup, subject, _PAIRS)
        if not worst:
            continue
        drawn = True
        grid = table("pair", *(s.label for s in people), right=range(1, len(people) + 1))
        for a, b, _ in worst:
            names = Text(f"{clipped(one_line(a), 22)} × {clipped(one_line(b), 22)}")
            cells = [
                why.cell(lookup.figure("pair_trends", s, a, b), measure, f"{a} × {b}", s) for s in people
            ]
            grid.add_row(names, *cells)
        yield grid
    if not drawn:
        note = next((lookup.figure("pair_trends", subject).note for subject in lookup.runs), "not measured")
        yield text(f"Nothing to show: {note or 'not measured'}", "dim")
    yield from why.lines()


def privacy(lookup: Lookup, judged: Sequence[Verdict]) -> Iterator[RenderableType]:
    """Every attack with its interval, from chance to copies; then what was and what was not shown."""
    for verdict in judged:
        yield from head(f"Privacy: {one_line(verdict.subject.label)}")
        measured = [metric for metric in ATTACKS if lookup.figure(metric, verdict.subject).values]
        if measured:
            seeds = len(verdict.subject.names) > 1
            value = "mean ± standard deviation over seeds" if seeds else "value, 95% interval"
            grid = table("attack", value, "", "chance", "copies", right=(3, 4))
            for attack in attacks(lookup, verdict.subject):
                if attack.run.value is None:
                    continue
                measure = lookup.measure(attack.metric)
                grid.add_row(
                    text(measure.title),
                    Text(with_interval(attack.run, measure), style="bold cyan"),
                    Text(_drawn(attack.run, measure, attack.bootstrap)),
                    Text(chance_words(attack, measure)),
                    Text("–" if attack.bootstrap.value is None else number(attack.bootstrap.value, measure)),
                )
            yield grid
        for words, sentences in (("Shown", verdict.shown or ("Nothing.",)), ("Not shown", verdict.not_shown)):
            yield Text(words, style="bold")
            listed = Table.grid(padding=(0, 1, 0, 0))
            for sentence in sentences:
                listed.add_row(Text("-"), text(sentence))
            yield listed


def _drawn(figure: Figure, measure: Measure, bootstrap: Figure) -> str:
    """The value and its interval on a line that reaches from the ideal, or nothing, to copies."""
    low = measure.ideal if measure.ideal is not None else 0.0
    reach = whisker(figure)
    ends = [low, *figure.values, *(reach or ()), *([bootstrap.value] if bootstrap.value is not None else [])]
    assert figure.value is not None
    return axis(min(ends), max(ends), _AXIS, figure.value, reach, low)
