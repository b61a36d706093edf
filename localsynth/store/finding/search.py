"""The search as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from localsynth.core.finding import Explored, Found, Limits
from localsynth.core.schema import Schema
from localsynth.core.seeds import derive
from localsynth.core.words import counted

from .coding import Coded
from .dependencies import Candidate, confirm, search
from .keys import find_keys
from .offering import find_rules
from .strength import cardinalities, strengths

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["explore", "find"]


def find(table: pa.Table, schema: Schema, limits: Limits = Limits()) -> Found:  # noqa: B008 - frozen
    """Dependencies, keys and rules in the rows of ``table``: those of a train split, columns as the schema types them.

    The same rows give the same answer. Rows are counted in a database in memory that holds nothing else.
    """
    rows = table.select(list(schema.names))
    if rows.num_rows < max(2 * limits.broken, 4):
        few = f"{counted(rows.num_rows, 'row')} are too few to tell what holds from an accident: nothing was looked for"
        return Found(left_out=(few,))
    with Coded(rows, schema) as coded:
        keys, of_keys = find_keys(coded, limits)
        found, notes = _dependencies(rows, coded, schema, limits)
        dependencies = tuple(one.told(coded) for one in found)
        rules, of_rules = find_rules(rows, coded, schema, limits)
    return Found(dependencies, tuple(keys), tuple(rules), (*notes, *of_keys, *of_rules))


def explore(table: pa.Table, schema: Schema) -> Explored:
    """What :func:`find` finds, and what else an order of the columns needs."""
    return Explored(find(table, schema), strengths(table, schema), cardinalities(table, schema))


def _dependencies(
    rows: pa.Table, coded: Coded, schema: Schema, limits: Limits
) -> tuple[list[Candidate], list[str]]:
    if rows.num_rows <= 2 * limits.sample:
        return search(coded, limits)
    rng = np.random.default_rng(derive(0, "finding", "sample"))
    some = np.sort(rng.choice(rows.num_rows, limits.sample, replace=False))
    with Coded(rows.take(some), schema) as sample:
        found, notes = search(sample, limits)
    said = (
        f"candidates for dependencies were sought in {limits.sample:,} of {rows.num_rows:,} rows and checked on all of them;"
        " one that shows only where more rows are alike was missed"
    )
    return confirm(coded, found, limits), [said, *notes]
