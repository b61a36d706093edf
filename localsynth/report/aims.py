"""What rows were aimed at: the target statistics of a recipe's runs, in words and numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, pi, sqrt

from localsynth.core.targets import Margin, Statistics, Table
from localsynth.core.words import counted

from .lookup import Figure, Lookup, Subject

__all__ = ["Aimed", "Distance", "aimed", "chance_distance"]

_WORST = 5
_ORIGINS = {
    "rows": "counted over the train rows, exactly",
    "file": "published, read from a file that a person wrote",
    "noisy": "counted over the train rows with noise, under a privacy budget",
}
_WHY = {
    "target": "with the target column",
    "strongest": "of the strongest other pairs",
    "model": "named by the model",
    "dependency": "of the schema's dependencies",
    "given": "as published",
}
#: What a distance is held against.
CHANCE = (
    "Distances are total variation distances: the share of rows that would have to change. By chance: what as many rows drawn"
    " at random from the target would be off on average; a distance no larger than that is no fault."
)


@dataclass(frozen=True)
class Distance:
    """How far rows are from one margin or table. chance : the distance of rows drawn at random from it, on average."""

    what: str
    figure: Figure
    chance: float


@dataclass(frozen=True)
class Aimed:
    """facts : (what, words). margins, tables : the largest distances of each, the largest first. notes : contradictions, what
    was cut or merged, noise, as they were told.
    """

    subject: Subject
    facts: tuple[tuple[str, str], ...]
    margins: tuple[Distance, ...]
    tables: tuple[Distance, ...]
    notes: tuple[str, ...]


def aimed(lookup: Lookup, subject: Subject) -> Aimed | None:
    """What the runs of a recipe aimed at, told of the first one that aimed at anything; ``None`` where none did."""
    aims = [(run, lookup.evaluation.aims.get(run.run_id)) for run in subject.runs]
    found = [(run, statistics) for run, statistics in aims if statistics is not None]
    if not found:
        return None
    run, statistics = found[0]
    own = {statistics.to_json() for _, statistics in found}
    facts = [("Statistics", _ORIGINS[statistics.origin])]
    if statistics.source:
        facts.append(("Source", statistics.source))
    facts += [("Margins", _margins(statistics)), ("Joint tables", _tables(statistics.tables))]
    if len(own) > 1:
        facts.append(("Of several seeds", f"each was given its own; these are of run {run.run_id}"))
    return Aimed(
        subject,
        tuple(facts),
        _largest(_of_margins(lookup, subject, statistics, run.rows_done)),
        _largest(_of_tables(lookup, subject, statistics, run.rows_done)),
        statistics.notes,
    )


def chance_distance(shares: Sequence[float], rows: int) -> float:
    """The total variation distance that ``rows`` independent draws from ``shares`` are off on average.

    Half the sum over cells of the mean absolute deviation of a binomial share, by its normal approximation.
    """
    if rows < 1:
        return 1.0
    return min(1.0, 0.5 * sqrt(2 / (pi * rows)) * fsum(sqrt(p * (1 - p)) for p in shares if p < 1))


def _margins(statistics: Statistics) -> str:
    text = counted(len(statistics.margins), "column")
    totals = {round(margin.total) for margin in statistics.margins if margin.total}
    if not totals:
        return text
    low, high = min(totals), max(totals)
    rows = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    about = "about " if statistics.origin == "noisy" else ""
    return f"{text}, resting on {about}{rows} rows"


def _tables(tables: Sequence[Table]) -> str:
    if not tables:
        return "none"
    why = Counter(_WHY.get(table.why, table.why) for table in tables)
    larger = sum(len(table.axes) > 2 for table in tables)
    more = f"; {larger:,} of three or more columns" if larger else ""
    return f"{len(tables):,}: {', '.join(f'{count:,} {words}' for words, count in why.items())}{more}"


def _of_margins(lookup: Lookup, subject: Subject, statistics: Statistics, rows: int) -> list[Distance]:
    return [
        Distance(
            margin.axis.column,
            lookup.figure("target_margins", subject, margin.axis.column),
            _by_chance(margin, rows),
        )
        for margin in statistics.margins
    ]


def _of_tables(lookup: Lookup, subject: Subject, statistics: Statistics, rows: int) -> list[Distance]:
    found, seen = [], Counter[frozenset[str]]()
    for table in statistics.tables:
        columns = table.columns
        seen[frozenset(columns)] += 1
        again = f"({seen[frozenset(columns)]})" if seen[frozenset(columns)] > 1 else ""
        if len(columns) == 2:
            figure = lookup.figure("target_tables", subject, *columns, again or None)
        else:
            item = f"{', '.join(columns)} {again}".rstrip()
            figure = lookup.figure("target_tables", subject, item=item)
        found.append(Distance(f"{' × '.join(columns)} {again}".rstrip(), figure, _by_chance(table, rows)))
    return found


def _by_chance(one: Margin | Table, rows: int) -> float:
    return chance_distance(one.shares, rows)


def _largest(every: Sequence[Distance]) -> tuple[Distance, ...]:
    valued = [one for one in every if one.figure.value is not None]
    return tuple(sorted(valued, key=lambda one: -(one.figure.value or 0.0))[:_WORST])
