"""Are these real rows? Exact copies, and rows nearer to a train row than hardly any unseen real row is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from localsynth.core.judging import Case, Family, Measure, Score, StandIn, not_applicable

from .encode import Array, Part, View, views
from .intervals import wilson
from .neighbours import SAME
from .space import NO_POINTS, joined, space, to_train
from .writing import counted, lacking, nothing

__all__ = ["Copies"]

_QUANTILE = 0.05
_AT_ONCE = 50_000  # rows


class Copies:
    """Rows that are train rows, or nearly.

    Exact copies are counted over all rows and all columns but identifiers, free texts included; a missing cell equals a
    missing cell. Near copies use the distances of :mod:`~localsynth.metrics.space`: near is what only 5% of the held-out
    rows are. Where columns have few values that threshold can be 0 and far more than 5% of the held-out rows as near;
    ``near_copies`` therefore means something only beside ``near_copies_holdout``.
    """

    name: ClassVar[str] = "copies"
    family: ClassVar[Family] = "privacy"
    real: ClassVar[StandIn] = "half"
    needs_train: ClassVar[bool] = True
    needs_holdout: ClassVar[bool] = False
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure(
            "exact_copies",
            "Exact copies",
            "Share of rows that are the same as a real train row in every column (identifiers aside; missing equals missing)."
            " In tables of few categories some rows coincide by chance: compare with REAL. None at all does not show that"
            " nothing was copied; one changed digit hides a copy from this count.",
            "lower", 0.0, 1.0, "localsynth: counted; interval after Wilson 1927",
        ),
        Measure(
            "near_copies",
            "Near copies",
            "Share of rows that lie as near to some real train row as only the nearest 5% of the held-out real people do."
            " Clearly more than among the held-out rows means that train rows were nearly repeated; as many shows only that"
            " this sort of copying did not happen.",
            "lower", 0.0, 1.0,
            "distance to closest record with the holdout as yardstick (Platzer & Reutterer 2021); interval after Wilson 1927",
        ),
        Measure(
            "near_copies_holdout",
            "Near copies among held-out rows",
            "Share of the held-out real rows that are as near to a train row as that: what near copies are by chance. About 5%"
            " by construction, more where many people look alike.",
            "none", 0.0, 1.0,
            "distance to closest record with the holdout as yardstick (Platzer & Reutterer 2021); interval after Wilson 1927",
        ),
    )  # fmt: skip

    def scores(self, case: Case) -> Iterator[Score]:
        """Exact copies, near copies, and the holdout's own."""
        reason = lacking(case, train=True)
        if reason is not None:
            yield from nothing(self.measures, reason)
            return
        yield _exact(case)
        case.check()
        yield from _near(case)


def _exact(case: Case) -> Score:
    columns = views(case)
    known: set[bytes] = set()
    for cells in _cells(columns, "train"):
        known.update(row.tobytes() for row in cells)
    copies = 0
    for cells in _cells(columns, "rows"):
        case.check()
        copies += sum(row.tobytes() in known for row in cells)
    n = case.rows.num_rows
    low, high = wilson(copies, n)
    note = f"{copies:,} of {counted(n, 'rows')} equal a train row in every column"
    return Score("exact_copies", copies / n, low=low, high=high, note=note)


def _cells(columns: tuple[View, ...], part: Part) -> Iterator[Array]:
    """Rows as 64-bit patterns, equal where the cells are, some at a time: of numbers 0 and -0 are one, and all NaN."""
    total = len(columns[0].parts[part])
    for start in range(0, total, _AT_ONCE):
        made = []
        for view in columns:
            values = view.cells(part)[start : start + _AT_ONCE]
            if view.kind == "number":
                values = np.where(np.isnan(values), np.nan, values + 0.0).view(np.int64)
            made.append(values)
        yield np.column_stack(made)


def _near(case: Case) -> Iterator[Score]:
    because = None
    if space(case) is None:
        because = NO_POINTS
    elif case.holdout.num_rows == 0:
        because = "no real rows were held out, and only those tell what distance is small"
    if because is not None:
        yield not_applicable("near_copies", because)
        yield not_applicable("near_copies_holdout", because)
        return
    mine, theirs = to_train(case, "rows"), to_train(case, "holdout")
    away, own = mine.near.distances[:, 0], theirs.near.distances[:, 0]
    limit = float(np.quantile(own, _QUANTILE, method="inverted_cdf"))
    reach = limit + SAME * (1 + limit)
    near, usual = int((away <= reach).sum()), int((own <= reach).sum())
    rate = usual / len(own)
    said = (
        f"{near:,} of {counted(len(away), 'rows')} {'is' if near == 1 else 'are'} at most {limit:.3g} from a train row,"
        f" as are {rate:.1%} of the held-out rows"
    )
    if limit == 0:
        said += "; that is no distance at all: in this table many people look the same"
    elif len(own) < 1 / _QUANTILE:
        said += f"; with {counted(len(own), 'held-out rows')} that is the nearest one's distance, and rough"
    for name, count, told, note in (
        ("near_copies", near, mine, said),
        ("near_copies_holdout", usual, theirs, f"{usual:,} of {counted(len(own), 'held-out rows')}, at most {limit:.3g} away"),
    ):  # fmt: skip
        low, high = wilson(count, len(told.asked))
        yield Score(name, count / len(told.asked), low=low, high=high, note=joined(note, told.sampled))
