"""Equal rows: cells as whole numbers that are equal where the cells are, and rows numbered by their cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from .encode import Array, Part, View

__all__ = ["cell_codes", "distinct_rows", "row_groups"]


def cell_codes(view: View, part: Part, rows: Array | None = None) -> Array:
    """Per row (of all, or of those numbered) a whole number from 0, the same where the cells are the same; missing cells
    are alike.
    """
    cells = view.cells(part) if rows is None else view.cells(part)[rows]
    _, codes = np.unique(cells, return_inverse=True)
    return np.asarray(codes, np.int64)


def row_groups(columns: Iterable[Array]) -> Array:
    """Per row a whole number from 0, the same where all columns have the same code. Exact, and stops at rows all distinct."""
    groups: Array | None = None
    for codes in columns:
        if groups is None:
            _, groups = np.unique(codes, return_inverse=True)
            continue
        if groups.size and groups.max() + 1 == groups.size:
            break
        # Both factors are at most the number of rows: the product of two such fits into 64 bits.
        _, groups = np.unique(groups * (codes.max(initial=0) + 1) + codes, return_inverse=True)
    assert groups is not None
    return np.asarray(groups, np.int64)


def distinct_rows(columns: Sequence[View], part: Part, rows: Array) -> Array:
    """Those of the numbered rows of a table that repeat none of them that stands earlier, in their order."""
    groups = row_groups(cell_codes(view, part, rows) for view in columns)
    _, first = np.unique(groups, return_index=True)
    return np.asarray(rows[np.sort(first)])
