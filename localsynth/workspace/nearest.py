"""The real rows nearest to a made one, for the owner of the rows: is it one of them, or nearly?"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localsynth.core.dataset import Dataset
from localsynth.core.errors import DatasetError, NotFound, PolicyError
from localsynth.core.judging import Case
from localsynth.core.run import Exposure, Run
from localsynth.core.schema import Schema
from localsynth.core.words import counted
from localsynth.store.numbered import numbered_row, numbered_train_rows
from localsynth.store.session import Store

from .cautioning import other_kind

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

__all__ = ["Nearest", "nearest_rows"]

_MOST = 250_000  # train rows compared; of more, evenly spread ones


@dataclass(frozen=True)
class Nearest:
    """Real train rows, nearest first.

    rows : with ``row_id`` and every column. distances : 1 is one category, or one standard deviation, apart; free texts and
    identifiers count for nothing. compared : train rows looked at, of ``train_rows``.
    """

    rows: pa.Table
    distances: tuple[float, ...]
    compared: int
    train_rows: int


def nearest_rows(store: Store, run: Run, row_no: int, count: int) -> Nearest:
    """As :meth:`Workspace.nearest`."""
    from localsynth.metrics.judge import without_identifiers
    from localsynth.metrics.neighbours import nearest
    from localsynth.metrics.space import NO_POINTS, space

    dataset, train = numbered_train_rows(store, run.dataset, _MOST, _allow)
    row = _like(dataset, run, numbered_row(store, run.run_id, row_no))
    bare = train.drop_columns(["row_id"])
    case = Case(
        schema=dataset.schema,
        rows=without_identifiers(dataset.schema, row),
        train=without_identifiers(dataset.schema, bare),
        holdout=without_identifiers(dataset.schema, bare.slice(0, 0)),
        seed=0,
        violations=_no_rules,
    )
    points = space(case)
    if points is None:
        raise DatasetError(f"nothing is near in '{dataset.name}': {NO_POINTS}")
    known = points.matrix["train"]
    threads = len(os.sched_getaffinity(0))
    near = nearest(points.matrix["rows"], known, min(max(1, count), len(known)), threads=threads)
    found = points.rows["train"][near.indices[0]]
    distances = tuple(float(far) for far in near.distances[0])
    return Nearest(train.take(found), distances, len(known), dataset.train_rows)


def _allow(dataset: Dataset) -> None:
    if dataset.policy < Exposure.ROWS:
        raise PolicyError(
            f"the policy of dataset '{dataset.name}' is {dataset.policy.label}: its real rows are not looked up by rows that"
            " were made",
            f"if you own the data: localsynth schema set {dataset.name} --policy rows",
        )
    if not dataset.train_rows:
        raise DatasetError(
            f"the dataset '{dataset.name}' has no real rows", "import a table: localsynth import FILE"
        )


def _like(dataset: Dataset, run: Run, row: pa.Table) -> pa.Table:
    """The row with the dataset's columns and types."""
    from localsynth.tables import arrow_schema

    if not row.num_rows:
        raise NotFound(
            f"run {run.run_id} has no row of that number", f"it has {counted(run.rows_done, 'row')}"
        )
    made = Schema.model_validate_json(run.schema_json)
    same = sorted(made.names) == sorted(dataset.schema.names)
    if not same or other_kind(made, dataset.schema) is not None:
        raise DatasetError(
            f"run {run.run_id} has other columns than '{dataset.name}' has now",
            "its schema has changed since; make a new run",
        )
    target = arrow_schema(dataset.schema)
    return row.select(target.names).cast(target)


def _no_rules(table: pa.Table) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Distances ask for none."""
    import numpy as np

    return np.zeros((table.num_rows, 0), bool)
