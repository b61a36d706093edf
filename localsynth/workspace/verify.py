"""Is what was made what was asked for? Recomputed from the stored rows, trusting nothing that made them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localsynth.core.cells import read_cell
from localsynth.core.celltext import text_of
from localsynth.core.columns import Column
from localsynth.core.schema import Schema
from localsynth.store.rules import RuleChecker

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Target", "Verification", "invalid_cells", "targets", "verify_table"]

SHARE_TOLERANCE = 0.03
MEAN_TOLERANCE = 0.03  # of the declared standard deviation


@dataclass(frozen=True)
class Target:
    """One declared number beside what the rows have. Met where they differ by ``tolerance`` at most."""

    column: str
    what: str
    wanted: float
    got: float
    tolerance: float

    @property
    def met(self) -> bool:
        """Whether the rows have it."""
        return abs(self.got - self.wanted) <= self.tolerance + 1e-9


@dataclass(frozen=True)
class Verification:
    """What was counted: ``broken`` maps each rule to the rows that break it, ``problems`` tells the first bad cells."""

    rows: int
    cells: int
    invalid: int
    problems: tuple[str, ...]
    broken: dict[str, int]
    targets: tuple[Target, ...]

    @property
    def ok(self) -> bool:
        """Whether every cell is valid, every rule kept and every target met."""
        return (
            not self.invalid and not any(self.broken.values()) and all(target.met for target in self.targets)
        )


def verify_table(schema: Schema, table: pa.Table, shared: Collection[str] = ()) -> Verification:
    """Read every cell again, ask every rule again, and count every declared number again.

    shared : identifiers of what the rows belong to, which may occur more than once.
    """
    problems = list(invalid_cells(schema, table, shared))
    with closing(RuleChecker(schema)) as checker:
        broken = checker.violations(table)
    return Verification(
        rows=table.num_rows,
        cells=table.num_rows * table.num_columns,
        invalid=len(problems),
        problems=tuple(problems[:10]),
        broken={rule.label: int(broken[:, index].sum()) for index, rule in enumerate(schema.rules)},
        targets=tuple(targets(schema, table)),
    )


def invalid_cells(schema: Schema, table: pa.Table, shared: Collection[str] = ()) -> Iterator[str]:
    """A sentence for each cell that the schema does not allow. shared : see :func:`verify_table`."""
    from localsynth.metrics.cells import forbidden_cells  # loads numpy and Arrow

    marked = forbidden_cells(schema, table)
    for column in schema.columns:
        cells = table.column(column.name)
        for row in marked[column.name].nonzero()[0].tolist():
            yield f"row {row + 1}, {_complaint(column, cells[row].as_py())}"
        unique = column.kind == "identifier" and column.name not in shared
        if unique and (twice := len(cells) - len(cells.unique())):
            yield f"{column.name}: {twice} identifiers occur twice"


def _complaint(column: Column, value: Any) -> str:
    try:
        read_cell(column, text_of(value), quoted=isinstance(value, str))
    except ValueError as error:
        return str(error)
    return f"{column.name}: {text_of(value)}"


def targets(schema: Schema, table: pa.Table) -> Iterator[Target]:
    """Each declared share, mean, quantile and share of missing values beside what the table has."""
    for column in schema.columns:
        values = table.column(column.name).to_pylist()
        present = [value for value in values if value is not None]
        if column.null_rate is not None and values:
            share = 1 - len(present) / len(values)
            yield Target(column.name, "missing", column.null_rate, share, SHARE_TOLERANCE)
        if present:
            yield from _of_distribution(column, present)


def _of_distribution(column: Column, present: Sequence[Any]) -> Iterator[Target]:
    declared = column.distribution
    if declared is None:
        return
    if declared.mean is not None and declared.sd is not None:
        mean = math.fsum(present) / len(present)
        yield Target(column.name, "mean", declared.mean, mean, MEAN_TOLERANCE * declared.sd)
    if declared.shares is not None:
        counts = Counter(text_of(value) for value in present)
        total = math.fsum(declared.shares.values())
        for name, share in declared.shares.items():
            yield Target(
                column.name, f"share of {name}", share / total, counts[name] / len(present), SHARE_TOLERANCE
            )
    for level, value in declared.points():
        if 0 < level < 1:
            below = sum(x < value for x in present) / len(present)
            at = sum(x == value for x in present) / len(present)
            # Where many rows lie at the quantile itself, any level they span is right.
            got = min(max(level, below), below + at)
            yield Target(column.name, f"share up to {value:g}", level, got, SHARE_TOLERANCE)
