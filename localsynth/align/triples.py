"""Tables of three columns that hold more than their pairs explain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from math import prod
from typing import Any, TypeAlias

import numpy as np

from localsynth.align.association import mutual_information
from localsynth.core.contracts import Given
from localsynth.core.targets import Statistics, Table

__all__ = ["SURE", "Group", "candidates", "interaction", "twin_triples", "with_interacting"]

Array: TypeAlias = np.ndarray[Any, Any]
Group: TypeAlias = tuple[str, ...]
_ROWS_PER_CELL = 4.0  # of a table of three columns
_LOOKED_AT = 5  # candidates for each table wanted
_CYCLES = 200
_NEAR = 1e-9
#: Standard deviations above what chance gives, from which on three columns hold more than their pairs.
SURE = 2.0


def candidates(statistics: Statistics, most: int, given: frozenset[str] = frozenset()) -> list[Group]:
    """Triples worth looking at, strongest first: two of their pairs depend, and the rows support so many cells.

    statistics : with pair tables. most : tables wanted in the end. given : columns that are there already; a triple of them
    alone is not worth it.
    """
    strength: dict[frozenset[str], float] = {}
    for table in statistics.tables:
        if len(table.columns) == 2:
            shares = np.array(table.shares).reshape(table.shape)
            strength[frozenset(table.columns)] = mutual_information(shares, table.total or None)
    sizes = {margin.axis.column: margin.axis.size for margin in statistics.margins}
    rows = min((margin.total for margin in statistics.margins), default=0.0)
    linked = sorted({name for pair, tells in strength.items() if tells > 0 for name in pair})
    found: list[tuple[float, Group]] = []
    for triple in combinations([name for name in sizes if name in linked], 3):
        if given.issuperset(triple) or prod(sizes[name] for name in triple) * _ROWS_PER_CELL > rows:
            continue
        pairs = sorted((strength.get(frozenset(pair), 0.0) for pair in combinations(triple, 2)), reverse=True)
        if pairs[1] > 0:
            found.append((pairs[0] + pairs[1], triple))
    found.sort(key=lambda one: (-one[0], one[1]))
    return [triple for _, triple in found[: most * _LOOKED_AT]]


def twin_triples(statistics: Statistics, given: Given) -> list[Group]:
    """Each column with its twin and another that is made: how like they are hangs on it (spouses are of different sex, children
    are not). They are aimed at whether their pairs explain them or not: pairs that are met leave much else open. Of columns
    that have a difference, that says more.
    """
    sizes = {margin.axis.column: margin.axis.size for margin in statistics.margins}
    told = {mine for mine, _ in given.differences.values()}
    return [
        (name, twin, third)
        for name, twin in given.twins.items()
        for third in sizes
        if name not in told
        and third not in (*given.names, *given.differences, name)
        and min(sizes[name], sizes[twin], sizes[third]) > 1
    ]


def interaction(table: Table) -> float:
    """How much more than its pairs a table of three columns tells, in standard deviations above chance.

    The likelihood ratio of the table against the one with its pairs and no interaction of all three (found by iterative
    proportional fitting), whose distribution under chance is about chi-squared. 0 where nothing is known of the rows.
    """
    shares = np.array(table.shares).reshape(table.shape)
    fitted = np.ones(shares.shape) / shares.size
    for _ in range(_CYCLES):
        before = fitted
        for axis in range(3):
            fitted = fitted * np.expand_dims(_ratio(shares.sum(axis), fitted.sum(axis)), axis)
        if np.abs(fitted - before).max() < _NEAR:
            break
    held = (shares > 0) & (fitted > 0)
    likelihood = 2 * table.total * float((shares[held] * np.log(shares[held] / fitted[held])).sum())
    used = [int((shares.sum(tuple(o for o in range(3) if o != at)) > 0).sum()) for at in range(3)]
    freedom = prod(size - 1 for size in used)
    return (likelihood - freedom) / (2 * freedom) ** 0.5 if freedom and table.total else 0.0


def _ratio(wanted: Array, found: Array) -> Array:
    return np.divide(wanted, found, out=np.zeros(found.shape), where=found > 0)


def with_interacting(
    statistics: Statistics, triples: Sequence[Group], most: int, always: Sequence[Group] = ()
) -> Statistics:
    """The statistics without those of the triples' tables that their pairs explain; ``most`` of them are kept, and those of
    ``always``.
    """
    wanted = {frozenset(triple) for triple in triples} - {frozenset(triple) for triple in always}
    asked = [at for at, table in enumerate(statistics.tables) if frozenset(table.columns) in wanted]
    told = {at: interaction(statistics.tables[at]) for at in asked}
    best = sorted((at for at in asked if told[at] > SURE), key=lambda at: (-told[at], at))[:most]
    kept = [table for at, table in enumerate(statistics.tables) if at not in told or at in best]
    return replace(statistics, tables=tuple(kept))
