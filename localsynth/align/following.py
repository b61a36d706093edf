"""Columns that one other column determines: they are not aligned but follow it, by the pairs of values the train rows have.

To align both apart and mend what breaks would tear values from each other that always stand together.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from localsynth.core.schema import Dependency, Rule, Schema

from .reach import rule_columns

__all__ = ["Follower", "aligned_with", "followed", "followers"]

_NOMINAL = frozenset({"categorical", "boolean"})
_UNALIGNED = frozenset({"text", "identifier"})


@dataclass(frozen=True)
class Follower:
    """images : of each value of the determinant the one value of the dependent column that train rows have beside it."""

    determinant: str
    dependent: str
    images: Mapping[Any, Any]


def followers(
    schema: Schema,
    order: Sequence[str],
    dependencies: Sequence[Dependency],
    train: pa.Table,
    rules: Sequence[Rule] = (),
) -> tuple[Follower, ...]:
    """Each column at most once, and after what it follows.

    order : in which columns are written. dependencies : that rows keep, those of the schema that they do not keep left out.
    rules : that rows are to keep beside the schema's.

    A determinant is nominal, so that alignment gives it no value that was never seen, and is written before its dependent. A
    column that a rule reads is aligned with all others, since what breaks a rule can then be mended.
    """
    read = frozenset().union(*rule_columns(schema.model_copy(update={"rules": (*schema.rules, *rules)})))
    place = {name: at for at, name in enumerate(order)}
    found: dict[str, Follower] = {}
    ways = sorted(
        (place[one.dependent], place[one.determinant[0]], one.determinant[0], one.dependent)
        for one in dependencies
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
    """The table with what follows the columns it has.

    drawn : the same rows with all columns; their cells stand where a value was never seen.
    """
    for one in some:
        if one.determinant not in table.column_names:
            continue
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


def aligned_with(
    schema: Schema, names: Collection[str], following: Collection[Follower] = ()
) -> tuple[str, ...]:
    """The columns that a grid needs where some are to be aligned, in canonical order.

    These themselves, or what they follow; what a dependency ties to them, so that it can move with them; and what a rule reads
    beside them, so that rows that come to break it can be mended. Texts and identifiers are never aligned.

    schema : with the dependencies that rows are to keep. names : the columns to be aligned. following : columns that are not.
    """
    leads = {one.dependent: one.determinant for one in following}
    able = [one.name for one in schema.columns if one.kind not in _UNALIGNED and one.name not in leads]

    def moved(some: Collection[str]) -> set[str]:
        """What is to move for these columns to move."""
        left = set(some)
        while late := left & leads.keys():
            left = (left - late) | {leads[name] for name in late}
        return left & set(able)

    needed = moved(names)
    groups = [moved({*one.determinant, one.dependent}) for one in schema.dependencies]
    groups += [moved(read) for read in rule_columns(schema)]
    while more := [group for group in groups if group & needed and not group <= needed]:
        needed = needed.union(*more)
    return tuple(name for name in able if name in needed)
