"""Pair tables without the noise of a small sample, as far as that can be told apart.

A table counted over few rows shows dependence that the rows next year would not have. Rows that meet it to the last one
lie nearer to those it was counted over than they should. Each table is drawn towards independence by the part of its
likelihood ratio that chance gives (the positive-part estimator of James & Stein 1961): a strong dependence stays as it is,
one that chance explains is gone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from localsynth.core.targets import Statistics, Table

from .triples import SURE, Group, interaction

__all__ = ["shrunk"]


def shrunk(
    statistics: Statistics,
    target: str | None,
    named: Sequence[Group] = (),
    differences: Collection[str] = (),
) -> Statistics:
    """Exact statistics of rows with such pair tables; others are given back as they are.

    Tables with the target stay, because what predicts it is what people use the rows for; so do pairs within a larger table,
    which says the same once more.
    named : groups that somebody named without having seen a table; of one that its pairs explain, the pairs are taken.
    differences : columns that tell how far two others are apart. A table with one of them is drawn towards independence over
        those cells alone that rows lie in: what no row shows (spouses forty years apart) is mostly what cannot be.
    """
    if statistics.origin != "rows":
        return statistics
    statistics = _split(statistics, {frozenset(group) for group in named})
    larger = [set(table.columns) for table in statistics.tables if len(table.columns) > 2]
    return replace(
        statistics,
        tables=tuple(
            table
            if len(table.columns) > 2
            or target in table.columns
            or any(set(table.columns) <= columns for columns in larger)
            else _shrunk(table, seen=not set(differences).isdisjoint(table.columns))
            for table in statistics.tables
        ),
    )


def _split(statistics: Statistics, named: set[frozenset[str]]) -> Statistics:
    """Named tables of three columns that hold no more than their pairs give way to these."""
    kept = [
        table
        for table in statistics.tables
        if len(table.columns) != 3 or frozenset(table.columns) not in named or interaction(table) > SURE
    ]
    there = {frozenset(table.columns) for table in kept}
    for table in statistics.tables:
        if frozenset(table.columns) in there:
            continue
        shares = np.array(table.shares).reshape(table.shape)
        for at in range(3):
            axes = tuple(axis for other, axis in enumerate(table.axes) if other != at)
            pair = frozenset(axis.column for axis in axes)
            if pair not in there:
                there.add(pair)
                summed = shares.sum(at).ravel()
                kept.append(Table(axes, tuple((summed / summed.sum()).tolist()), table.total, table.why))
    return replace(statistics, tables=tuple(kept))


def _shrunk(table: Table, *, seen: bool) -> Table:
    """seen : cells that no row lies in stay empty."""
    shares = np.array(table.shares).reshape(table.shape)
    rows, columns = shares.sum(1), shares.sum(0)
    alone = np.multiply.outer(rows, columns)
    held = shares > 0
    ratio = 2 * table.total * float((shares[held] * np.log(shares[held] / alone[held])).sum())
    freedom = (int((rows > 0).sum()) - 1) * (int((columns > 0).sum()) - 1)
    real = max(0.0, 1 - freedom / ratio) if ratio > 0 else 0.0
    if seen:
        alone = np.where(held, alone, 0.0) / alone[held].sum()
    mixed = real * shares + (1 - real) * alone
    return replace(table, shares=tuple((mixed / mixed.sum()).ravel().tolist()))
