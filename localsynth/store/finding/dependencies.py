"""Functional dependencies, exact and approximate, minimal, and told from accidents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from localsynth.core.columns import FloatColumn, IdentifierColumn
from localsynth.core.finding import FoundDependency, Limits
from localsynth.core.words import counted

from .chance import by_chance
from .coding import Array, Coded
from .grouping import Groups, count_groups, minorities
from .lattice import Lattice
from .screening import Screen

__all__ = ["Candidate", "confirm", "search"]


@dataclass(frozen=True)
class Candidate:
    """A dependency as counted. minority : rows that break it. chance : the share of rows that chance would break it in."""

    left: tuple[int, ...]
    dependent: int
    groups: Groups
    minority: int
    chance: float

    def told(self, coded: Coded) -> FoundDependency:
        """The noun."""
        return FoundDependency(
            coded.names(self.left),
            coded.name(self.dependent),
            self.minority / self.groups.rows,
            self.groups.groups,
            self.groups.support,
            self.groups.rows,
            self.chance,
        )


def search(coded: Coded, limits: Limits) -> tuple[list[Candidate], list[str]]:
    """All minimal dependencies with at most ``limits.left`` columns on the left, and what was left out, in words."""
    hunt = _Hunt(coded, limits)
    found: list[Candidate] = []
    for size in range(1, limits.left + 1):
        found += hunt.level(size)
    return found, hunt.notes()


def confirm(coded: Coded, found: Iterable[Candidate], limits: Limits) -> list[Candidate]:
    """What was found in some rows, counted again in all; chance is as it was there."""
    kept = []
    for one in found:
        groups = count_groups(coded, one.left)
        if not _enough(groups, coded, one.left, limits):
            continue
        counts = minorities(coded, one.left, [one.dependent], _most(groups, limits))
        if one.dependent in counts and _telling(counts[one.dependent], one.chance * groups.rows, limits):
            kept.append(replace(one, groups=groups, minority=counts[one.dependent]))
    return kept


class _Hunt:
    def __init__(self, coded: Coded, limits: Limits) -> None:
        self._coded, self._limits = coded, limits
        self._screen = Screen(coded, limits.g3)
        self._left_out: list[str] = []
        columns = range(len(coded.columns))
        self._dependents = [at for at in columns if self._varies(at)]
        self._lattice = Lattice([at for at in self._dependents if self._repeats(at)])
        self._budget = max(limits.groupings, 0)
        self._pull: Array = np.zeros((len(coded.columns), len(coded.columns)))

    def level(self, size: int) -> list[Candidate]:
        """Dependencies with ``size`` columns on the left that smaller ones do not tell."""
        if size == 2:
            self._before_pairs()
        found: list[Candidate] = []
        for left in self._lattice.sets(size, self._pull, self._budget):
            self._budget -= 1
            found += self._look(left)
        return found

    def notes(self) -> list[str]:
        """What was left out, in sentences."""
        if any(self._coded.missing[at] for at in self._lattice.columns):
            self._left_out.append(
                "rows where a column on the left is missing are not counted for its dependencies"
            )
        return self._left_out + self._lattice.passed

    def _varies(self, at: int) -> bool:
        coded, column = self._coded, self._coded.columns[at]
        if isinstance(column, IdentifierColumn):
            self._left_out.append(f"{column.name}: an identifier, in no dependency")
            return False
        if coded.distinct[at] + (coded.missing[at] > 0) < 2:
            self._left_out.append(f"{column.name}: has one value only, in no dependency")
            return False
        return True

    def _repeats(self, at: int) -> bool:
        coded = self._coded
        present = coded.rows - coded.missing[at]
        if coded.distinct[at] > self._limits.near_key * present:
            self._left_out.append(
                f"{coded.name(at)}: {counted(coded.distinct[at], 'different value')} in {counted(present, 'row')},"
                " as good as a key, so on the left of no dependency"
            )
            return False
        return coded.distinct[at] > 1

    def _before_pairs(self) -> None:
        for kept, other in self._lattice.drop_twins():
            self._dependents.remove(other)
            self._left_out.append(
                f"{self._coded.name(other)}: says the same as {self._coded.name(kept)}, which stands for it in combinations"
            )
        for left in self._lattice.columns:
            self._pull[left, self._dependents] = self._screen.pull(left)[self._dependents]
            self._pull[left, left] = 0

    def _look(self, left: tuple[int, ...]) -> list[Candidate]:
        lattice, limits = self._lattice, self._limits
        possible = self._screen.possible(left, lattice.open(left, self._dependents))
        if not possible:
            return []
        groups = count_groups(self._coded, left)
        if not _enough(groups, self._coded, left, limits):
            if not _enough(groups, self._coded, (), limits):
                lattice.sparse.add(frozenset(left))
            return []
        found = []
        for at, minority in sorted(minorities(self._coded, left, possible, _most(groups, limits)).items()):
            if minority and lattice.nearly_told(left, at):
                continue
            chance = by_chance(self._coded, left, at)
            if _telling(minority, chance, limits):
                lattice.take(left, at, exact=minority == 0)
                found.append(Candidate(left, at, groups, minority, chance / groups.rows))
        return found


def _most(groups: Groups, limits: Limits) -> float:
    """Rows that may break a dependency: of those alone that could."""
    return limits.g3 * groups.repeated


def _telling(minority: int, chance: float, limits: Limits) -> bool:
    """Far fewer rows break it than by chance, and chance breaks it in enough rows to tell."""
    return chance >= limits.broken and minority <= limits.chance * chance


def _enough(groups: Groups, coded: Coded, left: Sequence[int], limits: Limits) -> bool:
    alone = len(left) == 1 and isinstance(coded.columns[left[0]], FloatColumn)
    support = limits.float_support if alone else limits.support
    return groups.rows > 0 and groups.support >= support and groups.repeated >= limits.repeated * groups.rows
