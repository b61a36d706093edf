"""Tables as arrays: the one way all metrics turn cells into numbers, codes and feature vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from localsynth.core.columns import Column, IdentifierColumn, TextColumn
from localsynth.core.judging import Case
from localsynth.tables import arrow_type

__all__ = ["PARTS", "Array", "Features", "Part", "View", "featured", "features", "one_hot_width", "views"]

Array: TypeAlias = np.ndarray[Any, Any]
Part = Literal["rows", "train", "holdout"]
PARTS: tuple[Part, ...] = ("rows", "train", "holdout")
_FEW, _REPEATED = (
    50,
    5,
)  # distinct real values of a text column that is read as categories, and rows of each on average
_EXACT = 2**53  # whole numbers up to here are told apart by float64
_MINUTE = 60_000_000  # microseconds
_LEVELS, _BUCKETS = 256, 64  # one-hot places for the most frequent levels; the others share these by code


@dataclass(frozen=True)
class View:
    """One column of all three tables.

    kind : ``number`` (days and minutes since 1970 for dates and moments), ``category`` (booleans too, and texts of at most 50
    distinct train values with 5 rows each on average), ``text``. parts : per table one value a row: float64 with NaN for a
    missing number; for categories and texts int64 codes into ``levels``, the same for all tables. levels : the distinct
    values, most frequent in train first, then those of the rows alone, then those held out alone; ``None`` among them stands
    for missing. unasked : how many levels at the end are held out alone. whole : a number that has no decimals.
    ranks : of numbers that float64 does not tell apart (identifiers beyond 2^53), instead of ``parts`` wherever cells are
    compared: float64 ranks among the distinct values of all three tables, NaN for a missing number.
    """

    name: str
    kind: Literal["number", "category", "text"]
    parts: dict[Part, Array]
    levels: tuple[Any, ...] = ()
    whole: bool = False
    ranks: dict[Part, Array] | None = None
    unasked: int = 0

    def cells(self, part: Part) -> Array:
        """Values that are equal exactly where the cells are, and of numbers rise as they do (NaN is missing)."""
        return self.parts[part] if self.ranks is None else self.ranks[part]

    def missing(self, part: Part) -> Array:
        """Which rows hold nothing, boolean."""
        values: Array = self.parts[part]
        if self.kind == "number":
            return np.isnan(values)
        empty = self.levels.index(None) if None in self.levels else -1
        return np.equal(values, empty)


def views(case: Case) -> tuple[View, ...]:
    """Every column but identifiers, in canonical order; made once for a case."""
    return case.kept.once(
        "views",
        lambda: tuple(_view(case, c) for c in case.schema.columns if not isinstance(c, IdentifierColumn)),
    )


def _view(case: Case, column: Column) -> View:
    tables = {"rows": case.rows, "train": case.train, "holdout": case.holdout}
    arrays = {part: tables[part].column(column.name).combine_chunks() for part in PARTS}
    kind = arrow_type(column)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_temporal(kind):
        parts = {part: _numbers(array) for part, array in arrays.items()}
        whole = not pa.types.is_floating(kind)
        return View(column.name, "number", parts, whole=whole, ranks=_ranks(arrays) if whole else None)
    # The held-out rows' values must have a code, or they could not be compared; none is treated otherwise for being there.
    levels = _levels(arrays["train"], arrays["rows"], arrays["holdout"])
    unasked = len(levels) - len(_levels(arrays["train"], arrays["rows"]))
    codes = {part: _codes(array, levels) for part, array in arrays.items()}
    text = isinstance(column, TextColumn) and not _repeats(arrays["train"])
    return View(
        column.name, "text" if text else "category", codes, tuple(levels.to_pylist()), unasked=unasked
    )


def _repeats(train: pa.Array) -> bool:
    """Whether texts are few values over and over. Few rows alone make no categories: people's notes hardly ever agree."""
    # Not asked of the rows judged, which would be read otherwise than others beside them; nor of the held-out rows, which
    # decide nothing about how rows are read.
    written = train.drop_null()
    values = len(pc.unique(written))
    return 0 < values <= _FEW and len(written) >= _REPEATED * values


def _numbers(array: pa.Array) -> Array:
    if pa.types.is_timestamp(array.type):
        array = pc.divide(array.cast(pa.int64()).cast(pa.float64(), safe=False), float(_MINUTE))
    elif pa.types.is_date(array.type):
        array = array.cast(pa.int32())
    values = np.asarray(array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))
    return np.where(np.isfinite(values), values, np.nan)


def _ranks(arrays: dict[Part, pa.Array]) -> dict[Part, Array] | None:
    """Ranks of whole numbers; ``None`` where float64 tells them all apart: to 2^53, and of moments whole minutes."""
    moments = pa.types.is_timestamp(arrays["rows"].type)
    whole = {part: array.cast(pa.int64()) for part, array in arrays.items()} if moments else arrays
    filled = {
        part: np.asarray(array.drop_null().to_numpy(zero_copy_only=False)) for part, array in whole.items()
    }
    if not any(_beyond(values, moments=moments) for values in filled.values()):
        return None
    distinct = np.unique(np.concatenate(list(filled.values())))
    ranks: dict[Part, Array] = {}
    for part, array in whole.items():
        ranks[part] = np.full(len(array), np.nan)
        ranks[part][array.is_valid().to_numpy(zero_copy_only=False)] = np.searchsorted(distinct, filled[part])
    return ranks


def _beyond(values: Array, *, moments: bool) -> bool:
    if values.dtype.kind not in "iu" or not values.size:  # days are no such numbers
        return False
    if moments:
        return bool((values % _MINUTE).any())
    return max(int(values.max()), -int(values.min())) > _EXACT


def _levels(*arrays: pa.Array) -> pa.Array:
    """Distinct values of all arrays: those of the first, then those that the second has besides, and so on; each by falling
    frequency there, equally frequent ones by value.
    """
    return pc.unique(pa.chunked_array([_ranked(array) for array in arrays], arrays[0].type))


def _ranked(array: pa.Array) -> pa.Array:
    counted = pa.Table.from_struct_array(pc.value_counts(array))
    return counted.sort_by([("counts", "descending"), ("values", "ascending")])["values"].combine_chunks()


def _codes(array: pa.Array, levels: pa.Array) -> Array:
    found = pc.index_in(array, levels)  # a missing value is found where the levels hold one
    return np.asarray(found.to_numpy(zero_copy_only=False), np.int64)


@dataclass(frozen=True)
class Features:
    """Rows as vectors of float32: numbers standardised, missing ones at the median and told by a column of their own,
    categories one-hot (missing is one of them). Texts are left out.

    matrix : per table (rows x features). blocks : column name -> its slice of features.
    """

    matrix: dict[Part, Array]
    blocks: dict[str, slice]

    def without(self, name: str) -> list[int]:
        """Indices of the features of all columns but one."""
        return [
            i for other, block in self.blocks.items() if other != name for i in range(block.start, block.stop)
        ]


def features(case: Case, fitted: Part = "train", onehot: float = 1.0) -> Features:
    """All columns of the case as vectors; made once for each way to make them.

    fitted : the table that medians, means and standard deviations come from. onehot : what a 1 is replaced by; with
    1/sqrt(2) two rows that differ in one category are 1 apart.
    """
    return case.kept.once(("features", fitted, onehot), lambda: featured(views(case), fitted, onehot))


def featured(columns: Sequence[View], fitted: Part = "train", onehot: float = 1.0) -> Features:
    """The columns as vectors, as :func:`features` makes them of all rows of a case. Any rows may stand in the parts."""
    blocks: dict[str, slice] = {}
    pieces: dict[Part, list[Array]] = {part: [] for part in PARTS}
    start = 0
    for view in columns:
        if view.kind == "text":
            continue
        made = _standardised(view, fitted, onehot) if view.kind == "number" else _one_hot(view, onehot)
        width = made["rows"].shape[1]
        blocks[view.name] = slice(start, start + width)
        start += width
        for part in PARTS:
            pieces[part].append(made[part])
    matrix = {
        part: np.hstack(found) if found else np.zeros((len(columns[0].parts[part]), 0), np.float32)
        for part, found in pieces.items()
    }
    return Features(matrix, blocks)


def _standardised(view: View, fitted: Part, onehot: float) -> dict[Part, Array]:
    own = view.parts[fitted]
    own = own[~np.isnan(own)]
    center = float(np.median(own)) if own.size else 0.0
    mean = float(own.mean()) if own.size else 0.0
    # The computed deviation of equal decimals is not always 0, and dividing by its rest would blow up.
    spread = float(own.std()) if own.size and own.min() < own.max() else 1.0
    # A table that alone has missing values needs the place too; in the others it is 0 and weighs nothing.
    gaps = any(view.missing(part).any() for part in PARTS)
    made: dict[Part, Array] = {}
    for part in PARTS:
        values, empty = view.parts[part], view.missing(part)
        scaled = (np.where(empty, center, values) - mean) / (spread or 1.0)
        columns = [scaled.astype(np.float32)]
        if gaps:
            columns.append(empty.astype(np.float32) * np.float32(onehot))
        made[part] = np.column_stack(columns)
    return made


def one_hot_width(view: View) -> int:
    """Features of a category column that can be other than 0 in train or in the rows."""
    return min(len(view.levels) - view.unasked, _LEVELS + _BUCKETS)


def _one_hot(view: View, onehot: float) -> dict[Part, Array]:
    # Levels that are held out alone stand behind the others and move none of them.
    width = min(len(view.levels), _LEVELS + _BUCKETS)
    made: dict[Part, Array] = {}
    for part in PARTS:
        codes = view.parts[part]
        places = np.where(codes < _LEVELS, codes, _LEVELS + codes % _BUCKETS) if width > _LEVELS else codes
        block = np.zeros((len(codes), width), np.float32)
        block[np.arange(len(codes)), places] = onehot
        made[part] = block
    return made
