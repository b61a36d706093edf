"""Target statistics: what rows should add up to, told without any row.

Values of ordered columns are whole numbers here: integer and float columns in steps of their last decimal, dates as proleptic
ordinals (days), moments as minutes since 1970-01-01.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from math import isfinite, prod
from typing import Any, Literal, Protocol, TypeAlias

__all__ = ["Axis", "Budget", "Margin", "Origin", "Spending", "Statistics", "Table", "TargetSource"]

Origin: TypeAlias = Literal["rows", "file", "noisy"]


@dataclass(frozen=True)
class Axis:
    """How the values of a column fall into cells.

    labels : of a nominal column (categorical, boolean as ``true`` and ``false``) the values of each cell, usually one.
    edges : of an ordered column; cell i holds the values ``edges[i] <= value < edges[i + 1]``.
    Neither for a column whose values are not told apart (text): one cell, for any value.
    missing : there is one more cell, the last, for missing values.
    """

    column: str
    labels: tuple[tuple[str, ...], ...] = ()
    edges: tuple[int, ...] = ()
    missing: bool = False

    def __post_init__(self) -> None:
        if self.labels and self.edges:
            raise ValueError(f"the axis of '{self.column}' has both labels and edges")
        if self.edges and (
            len(self.edges) < 2 or any(a >= b for a, b in zip(self.edges, self.edges[1:], strict=False))
        ):
            raise ValueError(f"the edges of '{self.column}' do not rise")
        values = [value for cell in self.labels for value in cell]
        if len(set(values)) < len(values) or not all(self.labels):
            raise ValueError(f"the cells of '{self.column}' share a value or hold none")

    @property
    def present(self) -> int:
        """Cells for values."""
        return len(self.labels) or max(1, len(self.edges) - 1)

    @property
    def size(self) -> int:
        """Cells, with that of missing values."""
        return self.present + self.missing


@dataclass(frozen=True)
class Margin:
    """The distribution of one column.

    shares : of each cell of the axis; they sum to 1. total : rows it rests on, 0 where nobody knows.
    inner : of an ordered column, for each cell with values the quantiles of its values at evenly spaced levels, lowest to
        highest; empty where nothing is known, and values spread evenly over the cell.
    """

    axis: Axis
    shares: tuple[float, ...]
    total: float = 0.0
    inner: tuple[tuple[int, ...], ...] = ()

    def __post_init__(self) -> None:
        _check(self.shares, self.axis.size, f"the margin of '{self.axis.column}'")
        if self.inner and len(self.inner) != self.axis.present:
            raise ValueError(
                f"'{self.axis.column}' has {self.axis.present} cells and quantiles of {len(self.inner)}"
            )


@dataclass(frozen=True)
class Table:
    """The joint distribution of two or more columns.

    axes : may be coarser than those of the margins, or cut elsewhere. shares : row-major over the axes, the last fastest;
    they sum to 1. total : rows it rests on, 0 where nobody knows. why : who chose it (``target``, ``strongest``,
    ``model``, ``dependency``, ``given``).
    """

    axes: tuple[Axis, ...]
    shares: tuple[float, ...]
    total: float = 0.0
    why: str = "given"

    def __post_init__(self) -> None:
        if len(set(self.columns)) < max(2, len(self.axes)):
            raise ValueError(
                f"a table needs two or more different columns, not {', '.join(self.columns) or 'none'}"
            )
        _check(self.shares, prod(self.shape), f"the table of {', '.join(self.columns)}")

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(axis.column for axis in self.axes)

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(axis.size for axis in self.axes)


def _check(shares: Sequence[float], size: int, what: str) -> None:
    if len(shares) != size:
        raise ValueError(f"{what} has {size} cells and {len(shares)} shares")
    if not all(isfinite(share) and share >= 0 for share in shares) or abs(sum(shares) - 1) > 1e-6:
        raise ValueError(f"{what} needs shares of at least 0 that sum to 1")


@dataclass(frozen=True)
class Spending:
    """A part of a privacy budget, and what it bought. rho : zero-concentrated differential privacy (Bun & Steinke 2016)."""

    what: str
    rho: float


@dataclass(frozen=True)
class Budget:
    """Differential privacy of all the statistics together: (epsilon, delta), between tables that differ by one row."""

    epsilon: float
    delta: float
    spent: tuple[Spending, ...] = ()

    @property
    def rho(self) -> float:
        return sum(part.rho for part in self.spent)


@dataclass(frozen=True)
class Statistics:
    """What a run aims at.

    margins : of every column but identifiers, in the schema's order. tables : joint ones.
    origin : ``rows`` counted over the train split, ``file`` written by a person, ``noisy`` counted with noise.
    source : in words. notes : what a person should know of them (contradictions, what was cut or merged).
    """

    margins: tuple[Margin, ...]
    tables: tuple[Table, ...] = ()
    origin: Origin = "rows"
    source: str = ""
    notes: tuple[str, ...] = ()
    budget: Budget | None = None
    _at: dict[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._at.update({margin.axis.column: at for at, margin in enumerate(self.margins)})
        for table in self.tables:
            for column in table.columns:
                if column not in self._at:
                    raise ValueError(f"a table reads '{column}', which has no margin")

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self._at)

    def at(self, column: str) -> int:
        """The position of a column's margin; raises ``KeyError``."""
        return self._at[column]

    def margin(self, column: str) -> Margin:
        """The margin of a column; raises ``KeyError``."""
        return self.margins[self._at[column]]

    def to_json(self) -> str:
        """Reading it back gives equal statistics."""
        data = {name: value for name, value in asdict(self).items() if not name.startswith("_")}
        return json.dumps(data, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Statistics:
        """What ``to_json`` gave."""
        data = json.loads(text)
        budget = data["budget"]
        return cls(
            margins=tuple(
                Margin(_axis(m["axis"]), tuple(m["shares"]), m["total"], tuple(map(tuple, m["inner"])))
                for m in data["margins"]
            ),
            tables=tuple(
                Table(tuple(map(_axis, t["axes"])), tuple(t["shares"]), t["total"], t["why"])
                for t in data["tables"]
            ),
            origin=data["origin"],
            source=data["source"],
            notes=tuple(data["notes"]),
            budget=budget
            and Budget(
                budget["epsilon"], budget["delta"], tuple(Spending(**part) for part in budget["spent"])
            ),
        )


def _axis(data: dict[str, Any]) -> Axis:
    return Axis(data["column"], tuple(map(tuple, data["labels"])), tuple(data["edges"]), data["missing"])


class TargetSource(Protocol):
    """Where a method gets its target statistics; what it once gave for a run is kept with the run and given again.

    A method sees the table through it alone. With a privacy budget each of the two questions is answered once.
    """

    def margins(self, bins: int) -> Statistics:
        """All margins, no tables. bins : of ordered columns, about equally full; a file's own cells stay as they are."""
        ...

    def tables(self, groups: Sequence[Sequence[str]], pairs: int | None = None) -> Statistics:
        """The same margins with tables.

        groups : of columns whose joint table is wanted; those that cannot be had (no such table published, more cells than
            the rows support) are left out with a note.
        pairs : how many of the strongest pairs beside those with the target and those of the schema's dependencies; by
            default as many as the rows support.
        """
        ...
