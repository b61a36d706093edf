"""A schema being edited: always a valid one, every step of it can be undone, and it is kept until it is saved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from localsynth.core.columns import Column
from localsynth.core.errors import SchemaError
from localsynth.core.schema import Dependency, Rule, Schema
from localsynth.core.tomlfile import validate

__all__ = ["Draft", "column_data", "with_column", "with_item", "with_table"]


class Draft:
    """The schema of ``dataset`` as it was, and as it is to be."""

    def __init__(self, dataset: str, base: Schema, now: Schema | None = None) -> None:
        self.dataset = dataset
        self.base = base
        self._steps = [base] if now is None or now == base else [base, now]
        self._at = len(self._steps) - 1

    @property
    def schema(self) -> Schema:
        """As it is to be."""
        return self._steps[self._at]

    @property
    def changed(self) -> bool:
        """Whether there is anything to save."""
        return self.schema != self.base

    @property
    def can_undo(self) -> bool:
        """Whether there is a step back."""
        return self._at > 0

    @property
    def can_redo(self) -> bool:
        """Whether a step was taken back."""
        return self._at + 1 < len(self._steps)

    def change(self, schema: Schema) -> None:
        """One step on; steps that were taken back are gone."""
        if schema != self.schema:
            self._steps[self._at + 1 :] = [schema]
            self._at += 1

    def undo(self) -> None:
        """One step back, where there is one."""
        self._at = max(self._at - 1, 0)

    def redo(self) -> None:
        """The step on again that was taken back last."""
        self._at = min(self._at + 1, len(self._steps) - 1)

    def rebase(self, base: Schema, again: Callable[[Schema], Schema]) -> None:
        """The kept schema is ``base`` now; ``again`` makes the same change to every step of the draft."""
        self.base = base
        self._steps = [again(step) for step in self._steps]

    def changed_columns(self) -> tuple[Column, ...]:
        """Columns that are not as they were."""
        before = {column.name: column for column in self.base.columns}
        return tuple(column for column in self.schema.columns if before.get(column.name) != column)

    def kept(self) -> dict[str, str]:
        """What brings it back at the next start."""
        return {"base": self.base.to_toml(), "draft": self.schema.to_toml()}

    @classmethod
    def again(cls, dataset: str, kept: Any) -> Draft | None:
        """From what was kept; ``None`` where that cannot be used."""
        try:
            base, now = Schema.from_toml(kept["base"]), Schema.from_toml(kept["draft"])
        except (SchemaError, KeyError, TypeError, AttributeError):
            return None
        return cls(dataset, base, now)


def _data(schema: Schema) -> dict[str, Any]:
    return {**schema.model_dump(mode="python", exclude_none=True), "inferred": schema.inferred}


def column_data(column: Column) -> dict[str, Any]:
    """A column as plain data, as a form shows and changes it."""
    return column.model_dump(mode="python", exclude_none=True)


def with_table(schema: Schema, **changed: Any) -> Schema:
    """With other plain data for fields of the schema. Raises ``SchemaError`` with every problem."""
    return validate(Schema, {**_data(schema), **changed}, "", None, "schema")


def with_column(schema: Schema, at: int, data: Mapping[str, Any]) -> Schema:
    """With other data for the column at a place. Raises ``SchemaError`` with every problem."""
    columns = list(_data(schema)["columns"])
    columns[at] = dict(data)
    return with_table(schema, columns=columns)


def with_item(
    schema: Schema, field: str, at: int | None, data: Mapping[str, Any] | Rule | Dependency | None
) -> Schema:
    """With another rule or dependency at a place of ``field``, a new one where that is ``None``, or without it.

    Raises ``SchemaError`` with every problem.
    """
    items = list(getattr(schema, field))
    if data is None:
        del items[len(items) - 1 if at is None else at]
    elif at is None:
        items.append(data)
    else:
        items[at] = data
    return with_table(schema, **{field: items})
