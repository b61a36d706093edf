"""Which joint tables to measure with what is left of a budget, and how finely."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import prod

import numpy as np

from localsynth.core.schema import Schema
from localsynth.core.targets import Statistics, Table

from .accounting import scale_of
from .coarse import Coarse, coarsen
from .curator import Array, Curator, Selection
from .smoothing import MEAN_ABSOLUTE, outer, shrunk

__all__ = ["measure_tables"]

_ERROR = 0.2  # total variation distance that noise alone may make in a table before it is smoothed
_BASIC = 36  # cells a table should be able to have within that error; fewer tables are measured otherwise
_MOST = 200
_CHOOSING_PART = 0.1  # of what is left for tables, where there is anything to choose


@dataclass(frozen=True)
class _Wanted:
    columns: tuple[str, ...]
    why: str


def measure_tables(
    schema: Schema,
    statistics: Statistics,
    curator: Curator,
    groups: Sequence[Sequence[str]],
    pairs: int | None,
) -> tuple[list[Table], list[str]]:
    """Tables and notes. Everything is decided by the schema, the noisy margins and private choices.

    As many tables are measured as can have some ``_BASIC`` cells within the error that noise may make; those named come
    first, then the pairs that differ most from independence. Where not even all the named ones can be had, the choice
    among them is private too.
    """
    rho, rows = curator.ledger.left, statistics.margins[0].total
    open_columns = [margin.axis.column for margin in statistics.margins if margin.axis.size > 1]
    if rho < 1e-6 * curator.ledger.total or len(open_columns) < 2:
        return [], []
    named, notes = _named(schema, open_columns, groups)
    known = {frozenset(one.columns) for one in named}
    others = [
        _Wanted(pair, "strongest") for pair in combinations(open_columns, 2) if frozenset(pair) not in known
    ]
    most = min(_affordable(rho, rows), _MOST)
    if most < 1:
        return [], ["The privacy budget is too small for any joint table: columns are told one by one."]
    more = min(len(others), max(0, most - len(named)), len(others) if pairs is None else pairs)
    if pairs is not None and more < min(pairs, len(others)):
        notes.append(f"The privacy budget holds {more} of the {pairs} further pairs wanted.")
    pool, forced, picks = (others, named, more) if len(named) <= most else (named, [], most)
    if not forced and len(named) > most:
        notes.append(
            f"The privacy budget holds {most} of the {len(named)} joint tables wanted; those farthest from"
            " independence were chosen privately."
        )
    if picks < len(pool) and picks:
        chosen = _choose(statistics, curator, pool, forced, picks, rho * _CHOOSING_PART, rows)
    else:
        chosen = pool[:picks]
    return _measure(statistics, curator, [*forced, *chosen], rows, notes), notes


def _affordable(rho: float, rows: float) -> int:
    """How many tables of ``_BASIC`` cells fit within ``_ERROR``; noise makes cells * scale * MEAN_ABSOLUTE / 2 / rows of it."""
    scale = 2 * _ERROR * rows / (MEAN_ABSOLUTE * _BASIC)
    return int(2 * rho * scale**2)


def _most_cells(scale: float, rows: float) -> int:
    return int(2 * _ERROR * rows / (MEAN_ABSOLUTE * scale))


def _named(
    schema: Schema, open_columns: Sequence[str], groups: Sequence[Sequence[str]]
) -> tuple[list[_Wanted], list[str]]:
    """Tables of the schema's dependencies, of the groups, and of pairs with the target, each once."""
    wanted: dict[frozenset[str], _Wanted] = {}
    notes: list[str] = []
    for columns, why in _asked(schema, open_columns, groups):
        distinct = tuple(dict.fromkeys(columns))
        if len(distinct) > 1 and all(column in open_columns for column in distinct):
            wanted.setdefault(frozenset(distinct), _Wanted(distinct, why))
        elif why == "model":
            notes.append(
                f"No joint table of {', '.join(columns)}: it takes two or more columns with a margin."
            )
    return list(wanted.values()), notes


def _asked(
    schema: Schema, open_columns: Sequence[str], groups: Sequence[Sequence[str]]
) -> Iterator[tuple[tuple[str, ...], str]]:
    for dependency in schema.dependencies:
        yield (*dependency.determinant, dependency.dependent), "dependency"
    for group in groups:
        yield tuple(group), "model"
    if schema.target is not None:
        for column in open_columns:
            if column != schema.target:
                yield (column, schema.target), "target"


def _axes(statistics: Statistics, columns: Sequence[str], cells: int) -> list[Coarse] | None:
    """Axes whose table has at most that many cells, the largest made coarser first; ``None`` where that cannot be."""
    margins = [statistics.margin(column) for column in columns]
    levels = [margin.axis.present for margin in margins]
    extra = [int(margin.axis.missing) for margin in margins]
    while prod(map(sum, zip(levels, extra, strict=True))) > cells:
        largest = max(range(len(levels)), key=lambda at: levels[at])
        if levels[largest] <= 2:
            return None
        levels[largest] -= 1
    return [coarsen(margin, level) for margin, level in zip(margins, levels, strict=True)]


def _choose(
    statistics: Statistics,
    curator: Curator,
    pool: Sequence[_Wanted],
    forced: Sequence[_Wanted],
    picks: int,
    rho: float,
    rows: float,
) -> list[_Wanted]:
    """``picks`` of the pool, one after the other. As in MST, pairs that connect what is not connected yet come first.

    Scores are L1 distances to independence less what noise will add (AIM), over the cells the tables will be measured on.
    """
    scale = scale_of((curator.ledger.left - rho) / (len(forced) + picks))
    coarse = {
        index: axes
        for index, one in enumerate(pool)
        if (axes := _axes(statistics, one.columns, _most_cells(scale, rows))) is not None
    }
    at = list(coarse)
    picks = min(picks, len(at))
    expected = [np.rint(outer([one.shares for one in coarse[index]]) * rows).astype(np.int64) for index in at]
    selection = curator.selection(
        [[one.axis for one in coarse[index]] for index in at],
        expected,
        [round(MEAN_ABSOLUTE * scale * model.size) for model in expected],
    )
    chosen = _spanning(selection, [pool[index] for index in at], forced, picks, rho)
    return [pool[at[index]] for index in chosen]


def _spanning(
    selection: Selection, pool: Sequence[_Wanted], forced: Sequence[_Wanted], picks: int, rho: float
) -> list[int]:
    part = {column: column for one in (*pool, *forced) for column in one.columns}

    def join(columns: Sequence[str]) -> None:
        for old in {part[column] for column in columns}:
            for column, name in part.items():
                if name == old:
                    part[column] = part[columns[0]]

    for one in forced:
        join(one.columns)
    open_ones, chosen = list(range(len(pool))), []
    for _ in range(picks):
        bridges = [at for at in open_ones if len({part[column] for column in pool[at].columns}) > 1]
        pick = selection.pick(bridges or open_ones, rho / picks, "choice of pairs")
        open_ones.remove(pick)
        chosen.append(pick)
        join(pool[pick].columns)
    return chosen


def _measure(
    statistics: Statistics, curator: Curator, wanted: Sequence[_Wanted], rows: float, notes: list[str]
) -> list[Table]:
    """One measurement for each table, the budget in equal parts."""
    cells = _most_cells(scale_of(curator.ledger.left / max(1, len(wanted))), rows)
    fitting = [(one, axes) for one in wanted if (axes := _axes(statistics, one.columns, cells)) is not None]
    measured = {one for one, _ in fitting}
    notes += [
        f"No joint table of {', '.join(one.columns)}: more cells than the privacy budget holds ({cells})."
        for one in wanted
        if one not in measured
    ]
    tables = []
    rho = curator.ledger.left / max(1, len(fitting))
    for one, axes in fitting:
        noised = curator.measure([axis.axis for axis in axes], rho, f"table of {', '.join(one.columns)}")
        shares: Array = shrunk(noised.counts, noised.scale, [axis.shares for axis in axes], rows)
        tables.append(
            Table(tuple(axis.axis for axis in axes), tuple(map(float, shares.ravel())), rows, one.why)
        )
    return tables
