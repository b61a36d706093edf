"""Boxes that locked decoding holds numbers to, as rules that rows keep when they are aligned, too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from localsynth.core.schema import Rule, Schema

from .boxes import Within
from .locks import Locked
from .relations import label

__all__ = ["held_to_boxes"]

Array: TypeAlias = np.ndarray[Any, Any]
Violations: TypeAlias = Callable[[pa.Table], Array]


def held_to_boxes(schema: Schema, violations: Violations, locks: Locked | None) -> tuple[Schema, Violations]:
    """A schema with one rule more for each relation that has boxes, and what tells which rows break which.

    Alignment moves values by their margins and tables, and of boxes it knows nothing. A row with a missing value keeps the
    boxes of that column. The rules are no SQL that could be run; their texts name the columns they read.
    """
    some = (
        []
        if locks is None
        else [at for at, relation in enumerate(locks.relations) if _boxed(relation.patterns)]
    )
    if locks is None or not some:
        return schema, violations
    relations = [locks.relations[at] for at in some]
    rules = tuple(
        Rule(
            check=" and ".join('"' + name.replace('"', '""') + '" is not null' for name in relation.names),
            name=f"as the train rows: {label(relation.dependency)}",
        )
        for relation in relations
    )

    def broken(table: pa.Table) -> Array:
        whole = [
            np.all([table.column(name).is_valid().to_numpy() for name in relation.names], axis=0)
            for relation in relations
        ]
        outside = ~locks.kept(table)[:, some] & np.stack(whole, axis=1)
        return np.column_stack([violations(table), outside])

    return schema.model_copy(update={"rules": (*schema.rules, *rules)}), broken


def _boxed(patterns: Any) -> bool:
    return any(isinstance(cell, Within) for pattern in patterns for cell in pattern)
