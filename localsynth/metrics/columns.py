"""Does each column by itself look like the real one?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from scipy.special import rel_entr
from scipy.stats import wasserstein_distance

from localsynth.core.columns import DateColumn, DatetimeColumn
from localsynth.core.judging import Case, Family, Measure, Score, StandIn, not_applicable

from .binning import as_numbers, classes
from .disclosure import FEWEST, tells
from .encode import Array, View, views
from .writing import lacking, mean_of, nothing

__all__ = ["Columns", "jensen_shannon", "kolmogorov_smirnov", "total_variation"]

_LENGTHS = "of the lengths of the texts, in characters"
_NO_VALUES = "the column is empty in all train rows"
_SINGLE = f"fewer than {FEWEST} {{}} rows are empty, or are not, and it would tell how many"
_PAIR = f"only two values occur, one in fewer than {FEWEST} train rows, and it would tell in how many"
_TYPES = {DateColumn: ("days", 1440), DatetimeColumn: ("minutes", 1)}


class Columns:
    """Distances between each column and its counterpart in the train split.

    Numbers, dates and moments by their empirical distributions (of texts: of their lengths), categories by their shares.
    All rows are used. A column that is empty in the rows but not in train counts as wholly different. A rate of missing values
    that would tell how many of fewer than 5 real rows are empty, or are not, is not given; nor is a distance where only two
    values occur, one of them in so few train rows: it is the difference of two shares, of which anyone can count one.
    """

    name: ClassVar[str] = "columns"
    family: ClassVar[Family] = "fidelity"
    real: ClassVar[StandIn] = "holdout"
    needs_train: ClassVar[bool] = True
    needs_holdout: ClassVar[bool] = False
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure(
            "column_shapes",
            "Column shapes",
            "How alike each column is to the real one, from 0 (nothing in common) to 1 (the same): for numbers and dates the"
            " largest gap between the two cumulative curves, for categories the share of rows that would have to change"
            " (missing is a category), each taken from 1.",
            "higher", 0.0, 1.0,
            "1 - Kolmogorov-Smirnov statistic of the values that are there; 1 - total variation distance of the shares",
        ),
        Measure(
            "missing_rate",
            "Missing values",
            "Share of empty cells.",
            "none", 0.0, 1.0, "localsynth: counted",
        ),
        Measure(
            "missing_rate_difference",
            "Difference in missing values",
            "How far the share of empty cells is from that of the real train rows.",
            "lower", 0.0, 1.0, "localsynth: absolute difference of two shares",
        ),
        Measure(
            "wasserstein",
            "Distance of values",
            "How far the values would have to be moved on average to become the real ones, in standard deviations of the"
            " real column.",
            "lower", 0.0, None, "scipy.stats.wasserstein_distance (earth mover's distance), over the train split's deviation",
        ),
        Measure(
            "jensen_shannon",
            "Distance of distributions",
            "How easily one could tell from a single cell which table it is from: 0 not at all, 1 always.",
            "lower", 0.0, 1.0,
            "Jensen-Shannon distance, base 2 (Endres & Schindelin 2003); numbers cut at the train split's deciles,"
            " missing a class of its own",
        ),
        Measure(
            "mean",
            "Mean",
            "The mean of the values that are there (dates in days, moments in minutes since 1970-01-01).",
            "none", None, None, "numpy.mean",
        ),
        Measure(
            "std",
            "Standard deviation",
            "How widely the values that are there scatter around their mean (dates in days, moments in minutes).",
            "none", 0.0, None, "numpy.std, of the rows as they are (divided by n)",
        ),
    )  # fmt: skip

    def scores(self, case: Case) -> Iterator[Score]:
        """Each measure of each column it makes sense for, then its mean over the columns."""
        reason = lacking(case, train=True)
        if reason is not None:
            yield from nothing(self.measures, reason)
            return
        found: dict[str, list[Score]] = {measure.name: [] for measure in self.measures}
        for view in views(case):
            case.check()
            for score in _of_column(case, view):
                found[score.metric].append(score)
        no_numbers = "no column holds numbers or dates in both tables"
        none = {name: _SINGLE.format("real") for name in ("missing_rate", "missing_rate_difference")}
        for name, scores in found.items():
            if name in ("mean", "std"):
                # A mean over columns of different units says nothing.
                yield from scores or [not_applicable(name, no_numbers)]
            else:
                yield mean_of(name, scores, "columns", none.get(name, no_numbers))
                yield from scores


def _of_column(case: Case, view: View) -> Iterator[Score]:
    yield from _gaps(case, view)
    kinds = classes(case)[view.name]
    shares, shares_real = kinds.shares("rows"), kinds.shares("train")
    note = _LENGTHS if view.kind == "text" else ""
    few = _pair_of_few(kinds.codes["rows"], kinds.codes["train"])
    if few:
        yield not_applicable("jensen_shannon", _PAIR, view.name)
    else:
        yield Score("jensen_shannon", jensen_shannon(shares, shares_real), view.name, note=note)
    if view.kind == "category":
        if few:
            yield not_applicable("column_shapes", _PAIR, view.name)
        else:
            yield Score("column_shapes", 1 - total_variation(shares, shares_real), view.name)
        return
    made, real = (values[~np.isnan(values)] for values in (as_numbers(view, p) for p in ("rows", "train")))
    if _pair_of_few(made, real):
        yield from (not_applicable(metric, _PAIR, view.name) for metric in ("column_shapes", "wasserstein"))
    else:
        yield _shape(view.name, made, real, note)
        yield _moved(view.name, made, real, note)
    if view.kind == "number":
        yield from _moments(case, view.name, made, int((~view.missing("train")).sum()))


def _gaps(case: Case, view: View) -> Iterator[Score]:
    empty, empty_real = (view.missing(part) for part in ("rows", "train"))
    missing = float(empty.mean())
    if (case.rows is case.holdout or case.rows is case.train) and _few(empty):
        yield not_applicable("missing_rate", _SINGLE.format("real"), view.name)
    else:
        yield Score("missing_rate", missing, view.name)
    # Beside the rate of the rows, which anyone can count, the difference is as good as train's own rate.
    if _few(empty_real):
        yield not_applicable("missing_rate_difference", _SINGLE.format("train"), view.name)
    else:
        yield Score("missing_rate_difference", abs(missing - float(empty_real.mean())), view.name)


def _few(empty: Array) -> bool:
    return any(tells(int(found.sum())) for found in (empty, ~empty))


def _pair_of_few(made: Array, real: Array) -> bool:
    """Whether two values occur in all, and one of them in a few real rows."""
    values = np.unique(np.concatenate([made, real]))
    if len(values) != 2 or not made.size:
        return False
    first = int((real == values[0]).sum())
    return tells(first) or tells(len(real) - first)


def _shape(name: str, made: Array, real: Array, note: str) -> Score:
    if real.size == 0:
        return not_applicable("column_shapes", _NO_VALUES, name)
    if made.size == 0:
        return Score("column_shapes", 0.0, name, note="the column is empty in all rows judged")
    return Score("column_shapes", 1 - kolmogorov_smirnov(made, real), name, note=note)


def _moved(name: str, made: Array, real: Array, note: str) -> Score:
    if real.size == 0:
        return not_applicable("wasserstein", _NO_VALUES, name)
    if made.size == 0:
        return not_applicable("wasserstein", "the column is empty in all rows judged", name)
    if real.min() == real.max():
        return not_applicable("wasserstein", "all train values are the same, so they have no deviation", name)
    return Score("wasserstein", float(wasserstein_distance(made, real) / real.std()), name, note=note)


def _moments(case: Case, name: str, values: Array, real: int) -> Iterator[Score]:
    if values.size < FEWEST or real < FEWEST:
        because = (
            "the column is empty in all rows judged"
            if values.size == 0
            else f"of fewer than {FEWEST} values a mean would tell single ones"
        )
        for metric in ("mean", "std"):
            yield not_applicable(metric, because, name)
        return
    mean = float(values.mean())
    unit, minutes = _TYPES.get(type(case.schema.column(name)), ("", 0))
    note = f"{unit} since 1970-01-01, that is {_moment(mean * minutes, unit)}" if unit else ""
    yield Score("mean", mean, name, note=note)
    spread = float(values.std()) if values.min() < values.max() else 0.0
    yield Score("std", spread, name, note=unit)


def _moment(minutes: float, unit: str) -> str:
    moment = np.datetime64(round(minutes), "m")
    return str(moment).replace("T", " ") if unit == "minutes" else str(moment.astype("datetime64[D]"))


def kolmogorov_smirnov(made: Array, real: Array) -> float:
    """The largest gap between two empirical distribution functions; neither may be empty."""
    made = np.sort(made)
    points, counts = np.unique(real, return_counts=True)
    upto = np.cumsum(counts) / real.size
    before = np.concatenate(([0.0], upto[:-1]))
    # Between two real points only the other curve rises: the gap is largest at a real point or just before it.
    above = upto - np.searchsorted(made, points, "right") / made.size
    below = np.searchsorted(made, points, "left") / made.size - before
    return float(min(1.0, max(above.max(), below.max())))


def total_variation(one: Array, other: Array) -> float:
    """Half the sum of absolute differences of two distributions over the same classes."""
    return float(min(1.0, np.abs(one - other).sum() / 2))


def jensen_shannon(one: Array, other: Array) -> float:
    """The Jensen-Shannon distance of two distributions over the same classes, base 2."""
    middle = (one + other) / 2
    nats = (rel_entr(one, middle).sum() + rel_entr(other, middle).sum()) / 2
    return float(np.sqrt(np.clip(nats / np.log(2), 0.0, 1.0)))
