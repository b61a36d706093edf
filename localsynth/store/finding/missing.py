"""Values that are missing for a reason: where another is missing, or where another column says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from localsynth.core.columns import BooleanColumn, CategoricalColumn, Column, IntegerColumn
from localsynth.core.finding import FoundRule, Limits, percent
from localsynth.core.words import counted
from localsynth.store.names import identifier, literal

from .coding import Array, Coded

__all__ = ["find_missing"]

_FEW_VALUES = 20
_MOST_NAMED = 10


def find_missing(coded: Coded, values: Sequence[Sequence[object]], limits: Limits) -> list[FoundRule]:
    """Rules on missing values. values : of each column, its values by code."""
    gaps = {
        at: codes < 0
        for at, codes in enumerate(coded.codes)
        if limits.rule_broken <= coded.missing[at] <= coded.rows - limits.rule_broken
    }
    said, kept = _together(coded, gaps)
    found = said + list(_where_missing(coded, kept, limits))
    for at, column in enumerate(coded.columns):
        if _names_values(column, coded.distinct[at]):
            rules = (_Reason(coded, at, gap, values[at]).rule(limits) for gap in kept if gap != at)
            found += [rule for rule in rules if rule is not None]
    return found


def _together(coded: Coded, gaps: dict[int, Array]) -> tuple[list[FoundRule], dict[int, Array]]:
    """Columns that are missing in the same rows, and one of each such group with what is left."""
    kept: dict[int, Array] = {}
    found = []
    for at, gap in gaps.items():
        first = next((other for other, seen in kept.items() if (seen == gap).all()), None)
        if first is None:
            kept[at] = gap
            continue
        share = float(gap.mean())
        a, b = coded.name(first), coded.name(at)
        found.append(
            FoundRule(
                f"({identifier(a)} IS NULL) = ({identifier(b)} IS NULL)",
                f"{b} missing exactly where {a} is",
                "missing",
                f"missing together in {counted(int(gap.sum()), 'row')} of {coded.rows:,};"
                f" by chance {percent(2 * share * (1 - share))} of all rows would break it",
                int(gap.sum()),
            )
        )
    return found, kept


def _where_missing(coded: Coded, gaps: dict[int, Array], limits: Limits) -> Iterator[FoundRule]:
    """``b`` is missing wherever ``a`` is, by way of no third column."""
    whenever = set()
    for one, other in combinations(gaps, 2):
        for a, b in ((one, other), (other, one)):
            broken = gaps[a].sum() * (1 - gaps[b].mean())
            if broken >= limits.rule_broken and not (gaps[a] & ~gaps[b]).any():
                whenever.add((a, b))
    for a, b in sorted(whenever):
        if any((a, middle) in whenever and (middle, b) in whenever for middle in gaps):
            continue
        rows = int(gaps[a].sum())
        yield FoundRule(
            f"{identifier(coded.name(a))} IS NOT NULL OR {identifier(coded.name(b))} IS NULL",
            f"{coded.name(b)} missing where {coded.name(a)} is",
            "missing",
            f"holds in all {rows:,} rows without {coded.name(a)};"
            f" by chance {percent(float(1 - gaps[b].mean()))} of them would break it",
            rows,
        )


def _names_values(column: Column, distinct: int) -> bool:
    few = isinstance(column, IntegerColumn) and distinct <= _FEW_VALUES
    return distinct > 1 and (few or isinstance(column, CategoricalColumn | BooleanColumn))


@dataclass(frozen=True)
class _Reason:
    """A column ``at`` with few values, whose values may say that the column of ``gap`` is missing."""

    coded: Coded
    at: int
    gap: int
    values: Sequence[object]

    def rule(self, limits: Limits) -> FoundRule | None:
        coded = self.coded
        present = coded.codes[self.at] >= 0
        codes, gap = coded.codes[self.at][present], (coded.codes[self.gap] < 0)[present]
        size = coded.distinct[self.at]
        rows, without = np.bincount(codes, minlength=size), np.bincount(codes, gap, minlength=size)
        filled = 1 - float(gap.mean())
        empty = (without == rows) & (rows * filled >= limits.rule_broken)
        if not empty.any() or empty.sum() > _MOST_NAMED:
            return None
        speaking = int(rows[empty].sum())
        exactly = not bool(without[(without < rows) | ~empty].any())
        return self._said(
            [self.values[code] for code in np.flatnonzero(empty).tolist()], speaking, filled, exactly
        )

    def _said(self, values: Sequence[object], rows: int, filled: float, exactly: bool) -> FoundRule:
        column, gap = self.coded.columns[self.at], self.coded.name(self.gap)
        test = _test(column, values)
        # A value that is missing itself says nothing either way, and the comparison is NULL.
        check = (
            f"({test}) = ({identifier(gap)} IS NULL)"
            if exactly
            else f"NOT ({test}) OR {identifier(gap)} IS NULL"
        )
        said = " or ".join(str(value).lower() if isinstance(value, bool) else str(value) for value in values)
        also = " and in no other row" if exactly else ""
        return FoundRule(
            check,
            f"{gap} missing {'exactly ' if exactly else ''}where {column.name} is {said}",
            "missing",
            f"missing in all {rows:,} rows where {column.name} is {said}{also};"
            f" by chance {percent(filled)} of them would have a value",
            rows,
        )


def _test(column: Column, values: Sequence[object]) -> str:
    name = identifier(column.name)
    if isinstance(column, BooleanColumn):
        return name if values[0] is True else f"NOT {name}"
    written = sorted(
        str(value) if isinstance(column, IntegerColumn) else literal(str(value)) for value in values
    )
    return f"{name} = {written[0]}" if len(written) == 1 else f"{name} IN ({', '.join(written)})"
