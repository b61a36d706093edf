"""What metrics write the same way: why nothing can be measured, and the mean over columns or pairs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from localsynth.core.judging import Case, Measure, Score, not_applicable

__all__ = ["counted", "lacking", "mean_of", "nothing", "too_few"]


def counted(count: int, plural: str) -> str:
    """``1 row``, ``2 rows``; the last word of the plural is what changes."""
    if count != 1:
        return f"{count:,} {plural}"
    return f"1 {plural.removesuffix('ies')}y" if plural.endswith("ies") else f"1 {plural.removesuffix('s')}"


def lacking(case: Case, *, train: bool = False, holdout: bool = False) -> str | None:
    """Which rows a metric cannot do without are not there, in words; ``None`` if all are."""
    if case.rows.num_rows == 0:
        return "there are no rows to judge"
    if train and case.train.num_rows == 0:
        return case.withheld or "there are no real train rows to compare with"
    if holdout and case.holdout.num_rows == 0:
        return case.withheld or "no real rows were held out to compare with"
    return None


def too_few(counts: Mapping[str, int], least: int) -> str | None:
    """The first count below ``least``, in words; ``None`` if none is. counts : what (plural, ending in s) -> how many."""
    for what, count in counts.items():
        if count < least:
            return (
                f"{counted(count, what)} {'is' if count == 1 else 'are'} too few: it takes at least {least}"
            )
    return None


def nothing(measures: Iterable[Measure], because: str) -> list[Score]:
    """One score for each measure, without a value."""
    return [not_applicable(measure.name, because) for measure in measures]


def mean_of(metric: str, scores: Sequence[Score], of: str, none: str) -> Score:
    """The table's score: the mean of those that have a value.

    of : what they are scores of, in the plural. none : why nothing could be measured, where none has a value.
    """
    values = [score.value for score in scores if score.value is not None]
    if not values:
        return not_applicable(metric, none)
    left_out = len(scores) - len(values)
    note = f"mean of {counted(len(values), of)}" + (f"; {left_out} left out" if left_out else "")
    return Score(metric, math.fsum(values) / len(values), note=note)
