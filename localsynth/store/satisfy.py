"""Can the rules be kept at all? A bounded search for a row that keeps them, or the names of those that cannot be kept.

Rows are drawn at random first. Rules like ``total = a + b`` are almost never met so; then the best rows are improved one column
at a time: all values of a small range, sums and differences of other columns, the ends, the rules' own constants.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from localsynth.core.errors import RuleError
from localsynth.core.schema import Schema
from localsynth.core.seeds import derive

from .domain import Codes, Domain

if TYPE_CHECKING:
    import pyarrow as pa

    from .rules import RuleChecker

__all__ = ["search"]

_Rows: TypeAlias = dict[str, Codes]
_Met: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]
_DRAW = 40_000
_BEAM, _ROUNDS, _SWEEP = 6, 8, 600


def search(checker: RuleChecker, seed: int, tries: int) -> None:
    """Raise ``RuleError`` naming the first rule no row meets, or the rules never met together.

    A rule over texts or identifiers is given the benefit of the doubt: of those values only a few can be tried.
    """
    schema = checker.schema
    hunt = _Hunt(checker, seed, tries)
    doubtful = {
        index
        for index, parts in enumerate(checker.parts)
        if any(not hunt.domains[name].finite for name in parts.columns)
    }
    hunt.draw()
    for index in range(len(schema.rules)):
        if not hunt.find([index]) and index not in doubtful:
            raise RuleError(
                f"the rule '{schema.rules[index].label}' is met by no row that was tried ({hunt.tried:,})",
                "compare it with the ranges and categories of its columns",
            )
    sure = [index for index in range(len(schema.rules)) if index not in doubtful]
    if not hunt.find(sure):
        labels = " and ".join(f"'{schema.rules[index].label}'" for index in hunt.conflict(sure))
        raise RuleError(
            f"the rules {labels} are met by some rows each, but by no row together ({hunt.tried:,} were tried)",
            "change or remove one of them",
        )


class _Hunt:
    """Rows tried so far, and which sets of rules they met."""

    def __init__(self, checker: RuleChecker, seed: int, tries: int) -> None:
        self.checker = checker
        self.schema: Schema = checker.schema
        constants = [constant for parts in checker.parts for constant in parts.constants]
        self.domains = {column.name: Domain(column, constants) for column in self.schema.columns}
        self.used = [
            name for name in self.schema.names if any(name in parts.columns for parts in checker.parts)
        ]
        self.rng = np.random.default_rng(derive(seed, "rules"))
        self.tried, self.budget = 0, tries
        self.rows: _Rows = {}
        self.met: _Met = np.zeros((0, len(self.schema.rules)), dtype=bool)
        self.patterns: set[bytes] = set()

    def draw(self) -> None:
        """Random rows: without empty cells, and with some in columns that may be empty."""
        n = max(1, min(_DRAW, self.budget // 4))
        self.rows = {name: self.domains[name].draw(self.rng, n) for name in self.used}
        self.met = self._judge(self.rows)
        empty = {name: self.rng.random(n) < 0.3 for name in self.used if self.schema.column(name).nullable}
        if empty:
            self._judge(self.rows, empty)

    def find(self, which: Sequence[int]) -> bool:
        """Has a row met all of these rules, or does one after improving the best?"""
        if self._seen(which):
            return True
        names = sorted({name for index in which for name in self.checker.parts[index].columns})
        if not names:
            return False
        order = np.argsort(-self.met[:, which].sum(axis=1) + self.rng.random(len(self.met)) * 0.5)
        beam = {name: codes[order[:_BEAM]] for name, codes in self.rows.items()}
        spent = self.tried
        for _ in range(_ROUNDS):
            moved = self._moves(beam, names)
            met = self._judge(moved)
            if self._seen(which):
                return True
            if self.tried - spent > self.budget:
                return False
            score = met[:, which].sum(axis=1) + self.rng.random(len(met)) * 0.5
            best = np.argsort(-score)[:_BEAM]
            beam = {name: codes[best] for name, codes in moved.items()}
        return False

    def conflict(self, which: Sequence[int]) -> list[int]:
        """As few of the rules as still cannot be met together."""
        for pair in combinations(which, 2):
            if not self.find(pair):
                return list(pair)
        left = list(which)
        for index in which:
            fewer = [other for other in left if other != index]
            if len(fewer) > 1 and not self.find(fewer):
                left = fewer
        return left

    def _seen(self, which: Sequence[int]) -> bool:
        rules = len(self.schema.rules)
        return any(
            np.frombuffer(pattern, dtype=bool, count=rules)[list(which)].all() for pattern in self.patterns
        )

    def _judge(self, rows: _Rows, empty: dict[str, _Met] | None = None) -> _Met:
        n = len(next(iter(rows.values()))) if rows else 1
        truth = self.checker.truth(self._table(rows, n, empty or {}))
        # NULL counts as met, but a row that is let off by an empty cell proves nothing about a rule.
        met: _Met = truth == 1
        if empty is None:
            met |= truth == -1
        self.tried += n
        self.patterns.update(row.tobytes() for row in np.unique(met, axis=0))
        return met

    def _table(self, rows: _Rows, n: int, empty: dict[str, _Met]) -> pa.Table:
        import pyarrow as pa

        from localsynth.tables import arrow_type

        return pa.table(
            {
                column.name: self.domains[column.name].values(rows[column.name], empty.get(column.name))
                if column.name in rows
                else pa.nulls(n, arrow_type(column))
                for column in self.schema.columns
            }
        )

    def _moves(self, beam: _Rows, names: Sequence[str]) -> _Rows:
        """Every row of the beam with one column changed to each value worth trying."""
        size = len(next(iter(beam.values())))
        pieces: list[_Rows] = []
        for row in range(size):
            for name in names:
                values = self._worth_trying(beam, row, name)
                piece = {other: np.full(len(values), codes[row]) for other, codes in beam.items()}
                piece[name] = values
                pieces.append(piece)
        return {name: np.concatenate([piece[name] for piece in pieces]) for name in beam}

    def _worth_trying(self, beam: _Rows, row: int, name: str) -> Codes:
        domain = self.domains[name]
        if domain.size <= _SWEEP:
            return np.arange(domain.low, domain.high + 1)
        derived: list[float] = []
        if domain.step is not None:
            others = [
                float(codes[row]) * step
                for other, codes in beam.items()
                if other != name and (step := self.domains[other].step) is not None
            ][:12]
            derived = [*others, *(a + b for a, b in combinations(others, 2))]
            derived += [a - b for a in others for b in others] + [a * b for a, b in combinations(others, 2)]
            derived += [a / b for a in others for b in others if b]
        step = domain.step or 1.0
        exact = np.array([value / step for value in derived if abs(value / step) < 2**62])
        near = np.concatenate([np.rint(exact) + shift for shift in (-1, 0, 1)]) if len(exact) else exact
        codes = np.concatenate([near.astype(np.int64), domain.special, domain.draw(self.rng, _SWEEP // 4)])
        return np.unique(codes[(codes >= domain.low) & (codes <= domain.high)])
