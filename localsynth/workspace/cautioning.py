"""What makes figures better than they are, or of fewer rows than they seem: said before all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from localsynth.core.columns import IdentifierColumn
from localsynth.core.dataset import Dataset
from localsynth.core.errors import NotFound
from localsynth.core.evaluation import UNFINISHED, Judged, caution
from localsynth.core.run import Exposure, Run
from localsynth.core.schema import Schema
from localsynth.report.cautions import unfinished
from localsynth.store import datasets
from localsynth.store.session import Store

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["cautions", "common_rows", "other_kind"]


def cautions(
    store: Store, runs: Sequence[Run], dataset: Dataset, holdout: pa.Table | None
) -> Iterator[Judged]:
    """Of runs that have fewer rows than were asked for, and of runs that may have learned from rows held out.

    holdout : of the dataset they are held against; ``None`` where they are held against no rows.
    """
    for run in runs:
        if words := unfinished(run):
            yield caution(words, run.run_id, UNFINISHED)
        if holdout is None or run.exposure < Exposure.STATISTICS:
            continue
        if words := _learned(store, run, dataset, holdout):
            yield caution(words, run.run_id)


def _learned(store: Store, run: Run, dataset: Dataset, holdout: pa.Table) -> str:
    better = "the scores may look better than they are"
    if run.dataset == dataset.name:
        if dataset.imported_at <= run.started_at:
            return ""
        return (
            f"'{dataset.name}' was imported anew after this run was made: rows held out now may have been among those it"
            " learned from, and the scores look better than they are"
        )
    if not holdout.num_rows:
        return ""
    unknown = f"whether rows held out of '{dataset.name}' are among those this run learned from cannot be told, because"
    try:
        train = datasets.train_table(store, run.dataset)
        own = datasets.get(
            store, run.dataset
        )  # read last: rows imported anew just now do not pass for the run's
    except NotFound:
        return f"{unknown} its dataset '{run.dataset}' is gone: {better}"
    if own.imported_at > run.started_at:
        return f"{unknown} '{own.name}' was imported anew after this run was made: {better}"
    if (column := other_kind(own.schema, dataset.schema)) is not None:
        return f"{unknown} the column '{column}' is of another kind in '{own.name}' by now: {better}"
    names = [column.name for column in dataset.schema.columns if not isinstance(column, IdentifierColumn)]
    known = common_rows(holdout.select(names), train.select(names))
    if not known:
        return ""
    return (
        f"{known:,} of the {dataset.holdout_rows:,} rows held out of '{dataset.name}' are train rows of '{own.name}', from"
        " which this run was made: the scores look better than they are"
    )


def other_kind(schema: Schema, wanted: Schema) -> str | None:
    """The first column of ``wanted`` that ``schema`` lacks or has as another kind; ``None`` where there is none."""
    kinds = {column.name: column.kind for column in schema.columns}
    return next((column.name for column in wanted.columns if kinds.get(column.name) != column.kind), None)


def common_rows(rows: pa.Table, others: pa.Table) -> int:
    """How many of ``rows`` are also among ``others``, equal in every cell; missing cells are alike.

    Both have the same columns of the same types.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    from localsynth.metrics.grouping import row_groups

    def codes(name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        cells = pa.chunked_array([*rows.column(name).chunks, *others.column(name).chunks])
        if pa.types.is_floating(cells.type):
            cells = pc.add(cells, 0.0)  # -0 is 0
        encoded = pc.dictionary_encode(cells).unify_dictionaries()
        indices = [chunk.indices.cast(pa.int64()).fill_null(-1).to_numpy() for chunk in encoded.chunks]
        return np.concatenate(indices) + 1

    if not rows.num_rows or not others.num_rows or not rows.num_columns:
        return 0
    groups = row_groups(map(codes, rows.column_names))
    return int(np.isin(groups[: rows.num_rows], groups[rows.num_rows :]).sum())
