"""What a row costs to somebody who knows each column and nothing of how they go together: what a fitted model has to beat."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pyarrow as pa

from localsynth.align.grid import Grid

__all__ = ["independent_loss"]

_LEAST = 1e-6  # of a cell that the margins take to be empty


def independent_loss(grid: Grid, rows: pa.Table, columns: Collection[str]) -> float | None:
    """Nats per row under the product of the margins, even within a cell; ``None`` where a column has none, as texts have none.

    Comparable with a model's loss of whole rows under their grammar, since both are of the same values. columns : those
    that are written.
    """
    bases = dict(zip(grid.names, grid.bases, strict=True))
    if not rows.num_rows or any(
        name not in bases or not (bases[name].axis.edges or bases[name].axis.labels) for name in columns
    ):
        return None
    total = np.zeros(rows.num_rows)
    for name, shares in zip(grid.names, grid.shares, strict=True):
        if name not in columns:
            continue
        axis = bases[name].axis
        values = np.diff(axis.edges) if axis.edges else np.array([len(cell) for cell in axis.labels])
        likely = np.maximum(shares, _LEAST)
        likely[: axis.present] /= values
        codes = bases[name].encode(rows.column(name))
        # A value in no cell is one the schema no longer allows.
        total -= np.log(np.where(codes >= 0, likely[codes], _LEAST))
    return float(total.mean())
