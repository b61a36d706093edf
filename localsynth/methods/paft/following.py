"""Columns that one other column determines: they are not aligned but follow it, by the pairs of values the train rows have.

To align both apart and mend what breaks would tear values from each other that always stand together.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from localsynth.align.reach import rule_columns
from localsynth.core.schema import Rule, Schema

from .structure import Structure

__all__ = ["Follower", "followed", "followers"]

_NOMINAL = frozenset({"categorical", "boolean"})


@dataclass(frozen=True)
class Follower:
    """images : of each value of the determinant the one value of the dependent column that train rows have beside it."""

    determinant: str
    dependent: str
    images: Mapping[Any, Any]


def followers(
    schema: Schema, structure: Structure, train: pa.Table, rules: Sequence[Rule] = ()
) -> tuple[Follower, ...]:
    """Each column at most once, and after what it follows. rules : that rows are to keep beside the schema's.

    A determinant is nominal, so that alignment gives it no value that was never seen, and is written before its dependent. A
    column that a rule reads is aligned with all others, since what breaks a rule can then be mended.
    """
    read = frozenset().union(*rule_columns(schema.model_copy(update={"rules": (*schema.rules, *rules)})))
    place = {name: at for at, name in enumerate(structure.order)}
    found: dict[str, Follower] = {}
    ways = sorted(
        (place[one.dependent], place[one.determinant[0]], one.determinant[0], one.dependent)
        for one in structure.dependencies
        if len(one.determinant) == 1 and {*one.determinant, one.dependent} <= place.keys()
    )
    for late, early, determinant, dependent in ways:
        usable = schema.column(determinant).kind in _NOMINAL and schema.column(dependent).kind != "text"
        if dependent in found or dependent in read or early >= late or not usable:
            continue
        images = _images(train, determinant, dependent)
        if images is not None:
            found[dependent] = Follower(determinant, dependent, images)
    return tuple(found.values())


def _images(train: pa.Table, determinant: str, dependent: str) -> dict[Any, Any] | None:
    """``None`` where some value has two: what a schema declares need not hold."""
    pairs = train.select([determinant, dependent]).group_by([determinant, dependent]).aggregate([])
    images = dict(zip(pairs[determinant].to_pylist(), pairs[dependent].to_pylist(), strict=True))
    return images if len(images) == pairs.num_rows else None


def followed(table: pa.Table, some: Collection[Follower], drawn: pa.Table) -> pa.Table:
    """The table with the dependent columns; where a value was never seen, the cell of ``drawn`` (the same rows)."""
    for one in some:
        cells = [
            one.images.get(value, had)
            for value, had in zip(
                table.column(one.determinant).to_pylist(),
                drawn.column(one.dependent).to_pylist(),
                strict=True,
            )
        ]
        column = pa.array(cells, drawn.schema.field(one.dependent).type)
        table = table.append_column(drawn.schema.field(one.dependent), column)
    return table
