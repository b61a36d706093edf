"""Every metric over every subject: reality, the reference methods, the runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from localsynth.core.columns import IdentifierColumn
from localsynth.core.errors import LocalsynthError
from localsynth.core.evaluation import REAL, Judged
from localsynth.core.judging import (
    Belonging,
    Case,
    Kept,
    Measure,
    Metric,
    Score,
    StandIn,
    not_applicable,
    writable,
)
from localsynth.core.schema import Schema
from localsynth.core.seeds import derive
from localsynth.core.targets import Statistics

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Failed", "Step", "judge", "without_identifiers"]

#: Told before each piece of work: pieces done, pieces in all, whose, which metric.
Step = Callable[[int, int, str, str], None]
#: Told when a metric failed: whose rows it judged, and why.
Failed = Callable[[str, LocalsynthError], None]


_ROUNDING = 1e-9
_NO_HOLDOUT = "no real rows were held out"


@dataclass(frozen=True)
class _Stage:
    """The real rows as one stand-in leaves them, and what may be shared between the cases in front of them."""

    rows: pa.Table
    holdout: pa.Table
    common: Kept


class _Check:
    """A check that remembers what it raised, to tell an evaluation that is stopped from a metric that fails."""

    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check
        self.raised: BaseException | None = None

    def __call__(self) -> None:
        try:
            self._check()
        except BaseException as error:
            self.raised = error
            raise


def judge(
    real: Case,
    subjects: Mapping[str, pa.Table],
    metrics: Sequence[Metric],
    step: Step | None = None,
    failed: Failed | None = None,
    targets: Mapping[str, Statistics] | None = None,
    belonging: Mapping[str, Belonging] | None = None,
) -> Iterator[Judged]:
    """Scores, subject by subject, each in the metrics' order.

    real : train, holdout and all a case needs but for ``rows``, which are those of nobody. subjects : name -> rows; ``REAL``
    is judged before them where there are real rows, each metric's own stand-in taking the place of synthetic ones.
    A measure that needs real rows where there are none is not applicable, and says so; where none were held out, plain
    facts about REAL (means, shares of missing cells) are those of the train split, and say so.
    failed : told of a metric that fails, which then has no value there; without it that ends everything.
    targets : name -> the statistics that a subject's rows were made to meet. belonging : name -> how they go together with the
    rows they are members of.
    Raises what ``real.check`` raises, and ``LocalsynthError`` naming the metric that fails.
    """
    check = _Check(real.check)
    real = replace(real, check=check)
    stages = _stages(real)
    names = [*([REAL] if real.train.num_rows else []), *subjects]
    done, total = 0, len(names) * len(metrics)
    for name in names:
        cases: dict[StandIn | None, Case] = {}  # one subject's at a time: encoded tables are large
        for metric in metrics:
            real.check()
            if step is not None:
                step(done, total, name, metric.name)
            if name == REAL:
                stage = stages[metric.real]
                case = cases.setdefault(
                    metric.real,
                    replace(real, rows=stage.rows, holdout=stage.holdout, kept=Kept(), common=stage.common),
                )
            else:
                aims, ties = (targets or {}).get(name), (belonging or {}).get(name)
                case = cases.setdefault(
                    None, replace(real, rows=subjects[name], kept=Kept(), targets=aims, belonging=ties)
                )
            try:
                scores = _stood_in(metric, case) if name == REAL else _scores(metric, case)
            except LocalsynthError as error:
                if check.raised is not None:
                    raise check.raised from None
                if failed is None:
                    raise
                failed(name, error)
                scores = [not_applicable(measure.name, error.message) for measure in metric.measures]
            for score in scores:
                yield Judged(name, score)
            done += 1


def _stages(real: Case) -> dict[StandIn, _Stage]:
    order = np.random.default_rng(derive(real.seed, "half")).permutation(real.holdout.num_rows)
    first, second = np.sort(order[: len(order) // 2]), np.sort(order[len(order) // 2 :])
    return {
        "train": _Stage(real.train, real.holdout, real.common),
        "holdout": _Stage(real.holdout if real.holdout.num_rows else real.train, real.holdout, real.common),
        "half": _Stage(real.holdout.take(first), real.holdout.take(second), Kept()),
    }


def _stood_in(metric: Metric, case: Case) -> list[Score]:
    """Scores of real rows. Train rows in the holdout's place tell plain facts alone: held against train they are alike."""
    if metric.real != "holdout" or case.holdout.num_rows:
        return _scores(metric, case)
    facts = {measure.name for measure in metric.measures if measure.better == "none"}
    no_others = [
        not_applicable(measure.name, _NO_HOLDOUT) for measure in metric.measures if measure.name not in facts
    ]
    found = _scores(metric, case) if facts else []
    return [*(_of_train(score) for score in found if score.metric in facts), *no_others]


def _of_train(score: Score) -> Score:
    if score.value is None:
        return score
    label = f"of the train split, because {_NO_HOLDOUT}"
    return replace(score, note=f"{label}; {score.note}" if score.note else label)


def _scores(metric: Metric, case: Case) -> list[Score]:
    because = _nothing_to_hold_against(metric, case)
    if because:
        return [not_applicable(measure.name, because) for measure in metric.measures]
    known = {measure.name: measure for measure in metric.measures}
    columns = {None, *case.schema.names}
    out = "leave it out: --metrics names the ones to compute"
    try:
        found = [_sound(score, known, columns) for score in metric.scores(case)]
        _each_once(found)
    except LocalsynthError as error:
        if writable(error.message) and writable(error.hint):
            raise
        raise LocalsynthError(f"the metric '{metric.name}' failed with {type(error).__name__}", out) from None
    except _Unsound as error:
        raise LocalsynthError(f"the metric '{metric.name}' gave {error}", out) from None
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a stranger's metric can raise anything; it is told, not swallowed
        # Its words are not repeated: they may quote a cell of a held-out row.
        raise LocalsynthError(
            f"the metric '{metric.name}' failed with {type(error).__name__}",
            f"{out}; --debug shows where it failed",
        ) from error
    return found


class _Unsound(Exception):
    """A stranger may give anything. Says what, without a cell: an item may be one."""


def _sound(score: object, known: Mapping[str, Measure], columns: Set[str | None]) -> Score:
    """The score as it may be kept: of a declared measure, of columns there are, with finite numbers in its range or none."""
    if not isinstance(score, Score) or score.metric not in known:
        raise _Unsound("something else than a score of its measures")
    of = f"a score of '{score.metric}'"
    if not writable(score.note) or not (score.item is None or writable(score.item)):
        raise _Unsound(f"{of} whose note or item is no text")
    if not {score.column_a, score.column_b} <= columns or (score.column_a is None) > (score.column_b is None):
        raise _Unsound(f"{of} that is of no column of the table")
    measure = known[score.metric]
    value, low, high = (_number(one, measure, of) for one in (score.value, score.low, score.high))
    if (low is None) != (high is None) or (value is None and low is not None):
        raise _Unsound(f"{of} with half an interval, or an interval of nothing")
    if low is not None and high is not None and low > high:
        raise _Unsound(f"{of} whose interval ends before it begins")
    return replace(score, value=value, low=low, high=high)


def _number(given: object, measure: Measure, of: str) -> float | None:
    """A value, or an end of its interval; what rounding leaves beyond the range is cut."""
    if given is None:
        return None
    try:
        number = float(given)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise _Unsound(f"{of} that is no number") from None
    if not math.isfinite(number):
        raise _Unsound(f"{of} that is no finite number")
    for bound, beyond in ((measure.low, -1), (measure.high, 1)):
        over = 0.0 if bound is None else (number - bound) * beyond
        if bound is None or over <= 0:
            continue
        if over > _ROUNDING * max(1.0, abs(bound)):
            raise _Unsound(f"{of} outside the range it declares")
        number = float(bound)
    return number


def _each_once(scores: Sequence[Score]) -> None:
    seen = set()
    for score in scores:
        place = (score.metric, frozenset((score.column_a, score.column_b)), score.item)
        if place in seen:
            raise _Unsound(f"two scores of '{score.metric}' for one place")
        seen.add(place)


def _nothing_to_hold_against(metric: Metric, case: Case) -> str:
    if metric.needs_train and not case.train.num_rows:
        return case.withheld or "the dataset has no real rows to hold these against"
    if metric.needs_holdout and not case.holdout.num_rows:
        return case.withheld or _NO_HOLDOUT
    return ""


def without_identifiers(schema: Schema, table: pa.Table) -> pa.Table:
    """The columns that are judged: identifiers are numbered by code and tell nothing."""
    return table.select([c.name for c in schema.columns if not isinstance(c, IdentifierColumn)])
