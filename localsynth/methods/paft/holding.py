"""What locked decoding holds numbers to, boxes and outlines, as rules of rows: alignment keeps them too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from localsynth.core.schema import Rule, Schema

from .boxes import Within
from .locks import Locked
from .relations import label

__all__ = ["held"]

Array: TypeAlias = np.ndarray[Any, Any]
Violations: TypeAlias = Callable[[pa.Table], Array]


def held(
    schema: Schema, violations: Violations, locks: Locked | None, *, boxes: bool
) -> tuple[Schema, Violations]:
    """A schema with one rule more for each relation that has boxes and each outline, and what tells which rows break which.

    boxes : whether the rows' boxes count. Alignment moves values by their margins and tables, and knows nothing of boxes; as
    written, every row keeps them. Outlines count in any case, for the grammar holds points to their boxes alone. A row with a
    missing value keeps what is said of that column. The rules are no SQL that could be run; their texts name the columns
    they read.
    """
    if locks is None:
        return schema, violations
    some = [at for at, relation in enumerate(locks.relations) if boxes and _boxed(relation.patterns)]
    if not some and not locks.outlines:
        return schema, violations
    relations = [locks.relations[at] for at in some]
    rules = [
        *(_rule(one.names, f"as the train rows: {label(one.dependency)}") for one in relations),
        *(_rule((one.of, one.x, one.y), f"outlines of {one.of}") for one in locks.outlines),
    ]

    def broken(table: pa.Table) -> Array:
        columns = [violations(table)]
        if some:
            whole = [
                np.all([table.column(name).is_valid().to_numpy() for name in relation.names], axis=0)
                for relation in relations
            ]
            columns.append(~locks.kept(table)[:, some] & np.stack(whole, axis=1))
        columns += [~one.holds(table)[:, None] for one in locks.outlines]
        return np.column_stack(columns)

    return schema.model_copy(update={"rules": (*schema.rules, *rules)}), broken


def _rule(names: Sequence[str], told: str) -> Rule:
    return Rule(
        check=" and ".join('"' + name.replace('"', '""') + '" is not null' for name in names), name=told
    )


def _boxed(patterns: Any) -> bool:
    return any(isinstance(cell, Within) for pattern in patterns for cell in pattern)
