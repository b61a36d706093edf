"""The order in which a row is written, and what is known about each column before the model writes one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from localsynth.align.reach import rule_columns
from localsynth.core.columns import BooleanColumn, CategoricalColumn, Column, IdentifierColumn, TextColumn
from localsynth.core.contracts import Task
from localsynth.core.schema import Schema

from .spread import spread
from .targets import ShareTarget, Target

__all__ = ["Layout", "is_short_list", "rule_columns", "written"]


def written(schema: Schema) -> tuple[Column, ...]:
    """The columns a model writes: all but identifiers."""
    return tuple(column for column in schema.columns if not isinstance(column, IdentifierColumn))


class Layout:
    """A row is written target columns first, then dates and other open columns, then texts.

    The leading column is the schema's target or the list with the fewest values. Of the others those come first that
    branch least (:func:`spread`), so that rows drafted together share most of their beginning; wide ones stay as the
    schema has them.

    columns : all that are written, in that order. aimed : those with a target. open : those without. rules : per rule the
    columns it may depend on.
    """

    def __init__(self, task: Task, targets: Mapping[str, Target]) -> None:
        self.task = task
        self.targets = dict(targets)
        self.rules = rule_columns(task.schema)
        columns = written(task.schema)
        spreads = {column.name: spread(column, self.targets.get(column.name)) for column in columns}
        first = self._first(columns, spreads)
        self.columns = tuple(sorted(columns, key=lambda c: (self._part(c), c.name != first, spreads[c.name])))
        self.aimed = tuple(column for column in self.columns if column.name in self.targets)
        self.open = tuple(column for column in self.columns if column.name not in self.targets)

    def _part(self, column: Column) -> int:
        """Which part of the row: what code aims at, what the model completes, texts."""
        if column.name in self.targets:
            return 0
        return 2 if isinstance(column, TextColumn) else 1

    def _first(self, columns: Sequence[Column], spreads: Mapping[str, float]) -> str | None:
        """The column that leads: a list of values whose numbers of rows code can settle."""
        lists = [c for c in columns if isinstance(self.targets.get(c.name), ShareTarget)]
        settled = [c for c in lists if not c.nullable or c.null_rate is not None] or lists
        chosen = [c for c in settled if c.name == self.task.schema.target] or sorted(
            settled, key=lambda c: spreads[c.name]
        )
        return chosen[0].name if chosen else None

    @property
    def lead(self) -> ShareTarget | None:
        """The first column, where code decides before the draft how many rows each of its values gets."""
        if not self.aimed:
            return None
        first, target = self.aimed[0], self.targets[self.aimed[0].name]
        settled = not first.nullable or first.null_rate is not None
        return target if settled and isinstance(target, ShareTarget) else None


def is_short_list(column: Column, longest: int) -> bool:
    """Whether a column has a list of at most ``longest`` values."""
    if isinstance(column, BooleanColumn):
        return True
    return isinstance(column, CategoricalColumn) and len(column.categories) <= longest
