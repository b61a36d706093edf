"""The bars of every column: what a report draws."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar

import numpy as np

from localsynth.core.columns import DateColumn, DatetimeColumn, FloatColumn, IntegerColumn, TextColumn
from localsynth.core.judging import Case, Family, Measure, Score, StandIn, not_applicable

from .binning import as_numbers
from .bins import MOST, Bins, date_bins, number_bins, safe_bins
from .disclosure import FEWEST, tells
from .encode import Array, View, views
from .space import joined
from .writing import lacking, nothing

__all__ = ["Histograms"]

_LENGTHS = "of the lengths of the texts, in characters"
_FOLDED = f"fewer than {FEWEST} train rows are empty, so that they are counted with others"
_ALONE = f"no two bars would stand for {FEWEST} train rows each (or none), and a bar of fewer tells of single people"


@dataclass(frozen=True)
class _Bars:
    """labels : of the bars. train, made : rows in each. put_together : whether bars were. note : what a person should know."""

    labels: tuple[str, ...]
    train: tuple[int, ...]
    made: tuple[int, ...]
    put_together: bool
    note: str


class Histograms:
    """The share of rows in each bin of each column; bins come from the train split, so that all tables share them.

    Numbers, dates and lengths of texts: at most 20 bins with round edges over where 99% of the train values lie, values
    beyond in the first and last. Categories: the 20 most frequent in train; those of fewer than 5 train rows, and all
    that train does not know, are 'other'. Scores stand in the order of the bins; 'missing' is the last.

    Every bar stands for at least 5 train rows, or for none: neighbouring bins are merged, the least frequent category joins
    'other', and empty cells of fewer than 5 train rows join the last bin ('missing or ...'). The bars of a column sum to 1 and
    none is left out, so that nothing follows from what is not shown. A column of which no two bars remain has none.
    """

    name: ClassVar[str] = "histograms"
    family: ClassVar[Family] = "fidelity"
    real: ClassVar[StandIn] = "train"
    needs_train: ClassVar[bool] = True
    needs_holdout: ClassVar[bool] = False
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure(
            "histogram",
            "Distribution of a column",
            "Share of rows whose value lies in a bin: a range of numbers or dates, a category, or missing.",
            "none", 0.0, 1.0, "localsynth: counted, bins from the train split",
        ),
    )  # fmt: skip

    def scores(self, case: Case) -> Iterator[Score]:
        """One score per column and bin, ``item`` naming the bin."""
        reason = lacking(case, train=True)
        if reason is not None:
            yield from nothing(self.measures, reason)
            return
        for view in views(case):
            case.check()
            bars = _categories(view) if view.kind == "category" else _numbers(case, view)
            if any(map(tells, bars.train)) or (bars.put_together and len(bars.labels) < 2):
                yield not_applicable("histogram", _ALONE, view.name)
                continue
            note = joined(_LENGTHS if view.kind == "text" else "", bars.note)
            for item, rows in zip(bars.labels, bars.made, strict=True):
                yield Score("histogram", rows / case.rows.num_rows, view.name, item=item, note=note)


def _numbers(case: Case, view: View) -> _Bars:
    made, real = (as_numbers(view, part) for part in ("rows", "train"))
    lacks, lacks_real = (int(np.isnan(values).sum()) for values in (made, real))
    made, real = (values[~np.isnan(values)] for values in (made, real))
    few = lacks_real if tells(lacks_real) else 0
    all_bins = _bins_of(case, view.name, real)
    bins = safe_bins(all_bins, real, few)
    labels = list(bins.labels)
    counts, counts_real = bins.counts(made), bins.counts(real)
    if few:
        labels[-1] = f"missing or {labels[-1]}"
        counts[-1] += lacks
        counts_real[-1] += lacks_real
    elif lacks or lacks_real:
        labels.append("missing")
        counts.append(lacks)
        counts_real.append(lacks_real)
    together = len(bins.single) < len(all_bins.single) or few > 0
    return _Bars(tuple(labels), tuple(counts_real), tuple(counts), together, _FOLDED if few else "")


def _bins_of(case: Case, name: str, real: Any) -> Bins:
    column = case.schema.column(name)
    match column:
        case IntegerColumn():
            return number_bins(real, *column.scaled_bounds, 0)
        case FloatColumn(decimals=decimals):
            return number_bins(real, *column.scaled_bounds, decimals)
        case DateColumn(range=(first, last)):
            return date_bins(real, _since_1970(first, "D"), _since_1970(last, "D"), minutes=False)
        case DatetimeColumn(range=(first, last)):
            return date_bins(real, _since_1970(first, "m"), _since_1970(last, "m"), minutes=True)
        case TextColumn(min_length=shortest, max_length=longest):
            return number_bins(real, shortest, longest, 0)
    raise TypeError(f"a column of kind {column.kind} has no bins")


def _since_1970(when: date | datetime, unit: Any) -> float:
    return float(np.datetime64(when, unit).astype(np.int64))


def _categories(view: View) -> _Bars:
    texts = [None if level is None else _text(level) for level in view.levels]
    real, made = (np.bincount(view.parts[part], minlength=len(texts)) for part in ("train", "rows"))
    empty = np.array([text is None for text in texts], np.bool_)
    few = tells(int(real[empty].sum()))
    kept = _kept(texts, real, int(real[empty].sum()) if few else 0)
    names = [str(texts[code]) for code in kept]
    rest = ~empty
    rest[kept] = False
    members = [np.arange(len(texts)) == code for code in kept]
    if few:
        labels = [_unlike("other or missing", names, "other or missing (all the rest, no value)")]
        members.append(rest | empty)
    else:
        other = "other" if names else "any value"
        labels = [
            _unlike(other, names, f"{other} (all the rest)"),
            _unlike("missing", names, "missing (no value)"),
        ]
        members += [rest, empty]
    bars = [
        (label, int(real[of].sum()), int(made[of].sum()))
        for label, of in zip([*names, *labels], members, strict=True)
    ]
    bars = [bar for place, bar in enumerate(bars) if place < len(kept) or bar[1] or bar[2]]
    told, counts_real, counts = zip(*bars, strict=True)
    return _Bars(told, counts_real, counts, not kept, _FOLDED if few else "")


def _kept(texts: list[str | None], counts: Array, few: int) -> list[int]:
    """Codes of the categories with a bar of their own, most frequent first. few : train rows counted with the others."""
    held = [code for code, text in enumerate(texts) if text is not None]
    kept = [code for code in held if counts[code] >= FEWEST]
    kept = sorted(kept, key=lambda code: (-counts[code], texts[code]))[:MOST]
    others = int(counts[held].sum() - counts[kept].sum()) + few
    return kept[:-1] if tells(others) else kept


def _unlike(label: str, names: list[str], instead: str) -> str:
    """A label no category is called by."""
    return instead if label in names else label


def _text(level: Any) -> str:
    return str(level).lower() if isinstance(level, bool) else str(level)
