"""Which joint tables to aim at: as many as the rows support."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import TypeAlias

from localsynth.align.association import Pair, choose_pairs
from localsynth.core.schema import Schema
from localsynth.core.targets import Axis, Margin, Statistics
from localsynth.store.statistics import joint_axes

__all__ = ["Choice", "Chosen", "Wanted", "choose"]

Wanted: TypeAlias = tuple[tuple[Axis, ...], str]


@dataclass(frozen=True)
class Choice:
    """How many tables, and how fine.

    rows_per_cell : a table has at least so many train rows for each of its cells, on average; its axes are made coarser
        until it has. group_cells : a table of three or more columns that would need an axis of fewer cells is left out.
    least, most : of the strongest pairs beside those that are always there. load : between these bounds, as many as have
        that many cells for each train row, all together.
    """

    rows_per_cell: float = 1.0
    group_cells: int = 3
    least: int = 10
    most: int = 200
    load: float = 3.0


@dataclass
class Chosen:
    """tables : axes and who chose them, no set of columns twice. notes : what was left out, and why."""

    tables: list[Wanted] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def choose(
    schema: Schema,
    statistics: Statistics,
    rows: float,
    strengths: Mapping[Pair, float],
    groups: Sequence[Sequence[str]],
    pairs: int | None,
    choice: Choice,
) -> Chosen:
    """Every pair with the target, the schema's dependencies, the groups asked for, then the strongest other pairs.

    strengths : of each pair of margins, by position, what one column tells of the other beyond chance; a pair that is not
    there (a column of one cell) has no table, one of 0 or less is chosen only for the target's sake. pairs : how many of
    the others; by default :class:`Choice` tells.
    """
    chosen = Chosen()
    names = statistics.columns
    target = schema.target
    always = [statistics.at(target)] if target is not None and target in names else []
    ranked = choose_pairs(strengths, len(strengths), always)
    own = [pair for pair in ranked if set(always) & set(pair)]
    taken: set[frozenset[str]] = set()

    def add(columns: Sequence[str], why: str, least: int = 2) -> tuple[Axis, ...] | None:
        taken.add(frozenset(columns))
        axes = joint_axes([statistics.margin(name) for name in columns], rows, choice.rows_per_cell, least)
        if axes is not None:
            chosen.tables.append((axes, why))
        else:
            needs = " x ".join(str(statistics.margin(name).axis.size) for name in columns)
            chosen.notes.append(
                f"no joint table of {', '.join(columns)}: {rows:,.0f} rows are too few for {needs} cells"
            )
        return axes

    for pair in own:
        add([names[at] for at in sorted(pair, key=lambda at: at in always)], "target")
    for columns, why in _asked(schema, statistics, groups, chosen.notes):
        if frozenset(columns) not in taken:
            add(columns, why, choice.group_cells if len(columns) > 2 else 2)
    others = [pair for pair in ranked[len(own) :] if frozenset(names[at] for at in pair) not in taken]
    for pair in _supported(others, statistics.margins, rows, pairs, choice):
        add([names[at] for at in pair], "strongest")
    return chosen


def _asked(
    schema: Schema, statistics: Statistics, groups: Iterable[Sequence[str]], notes: list[str]
) -> Iterable[tuple[tuple[str, ...], str]]:
    """Dependencies and groups of two or more different columns that can be told apart."""
    usable = {margin.axis.column for margin in statistics.margins if margin.axis.size > 1}
    for dependency in schema.dependencies:
        columns = (*dict.fromkeys(dependency.determinant), dependency.dependent)
        if set(columns) <= usable:
            yield columns, "dependency"
    for group in groups:
        columns = tuple(name for name in dict.fromkeys(group) if name in usable)
        left = [name for name in dict.fromkeys(group) if name not in usable]
        if left:
            notes.append(f"{', '.join(left)} cannot be part of a joint table")
        if len(columns) > 1:
            yield columns, "model"


def _supported(
    pairs: Sequence[Pair], margins: Sequence[Margin], rows: float, wanted: int | None, choice: Choice
) -> list[Pair]:
    """The first ``wanted`` of the pairs; by default as many as the rows support."""
    if wanted is not None:
        return list(pairs[: max(0, wanted)])
    found: list[Pair] = []
    cells = 0
    for pair in pairs[: choice.most]:
        axes = joint_axes([margins[at] for at in pair], rows, choice.rows_per_cell)
        cells += prod(axis.size for axis in axes) if axes else 0
        if len(found) >= choice.least and cells > choice.load * rows:
            break
        found.append(pair)
    return found
