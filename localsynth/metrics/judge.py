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
from localsynth.core.judging import Case, Kept, Metric, Score, StandIn, not_applicable
from localsynth.core.schema import Schema
from localsynth.core.seeds import derive

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Step", "judge", "without_identifiers"]

#: Told before each piece of work: pieces done, pieces in all, whose, which metric.
Step = Callable[[int, int, str, str], None]


@dataclass(frozen=True)
class _Stage:
    """The real rows as one stand-in leaves them, and what may be shared between the cases in front of them."""

    rows: pa.Table
    holdout: pa.Table
    common: Kept


def judge(
    real: Case,
    subjects: Mapping[str, pa.Table],
    metrics: Sequence[Metric],
    step: Step | None = None,
) -> Iterator[Judged]:
    """Scores, subject by subject, each in the metrics' order.

    real : train, holdout and all a case needs but for ``rows``, which are those of nobody. subjects : name -> rows; ``REAL``
    is judged before them where there are real rows, each metric's own stand-in taking the place of synthetic ones.
    A measure that needs real rows where there are none is not applicable, and says so.
    Raises what ``real.check`` raises, and ``LocalsynthError`` naming the metric that fails.
    """
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
                case = cases.setdefault(None, replace(real, rows=subjects[name], kept=Kept()))
            for score in _scores(metric, case):
                yield Judged(name, score)
            done += 1


def _stages(real: Case) -> dict[StandIn, _Stage]:
    order = np.random.default_rng(derive(real.seed, "half")).permutation(real.holdout.num_rows)
    first, second = np.sort(order[: len(order) // 2]), np.sort(order[len(order) // 2 :])
    return {
        "train": _Stage(real.train, real.holdout, real.common),
        "holdout": _Stage(real.holdout, real.holdout, real.common),
        "half": _Stage(real.holdout.take(first), real.holdout.take(second), Kept()),
    }


def _scores(metric: Metric, case: Case) -> list[Score]:
    because = _nothing_to_hold_against(metric, case)
    if because:
        return [not_applicable(measure.name, because) for measure in metric.measures]
    try:
        given = list(metric.scores(case))
    except (LocalsynthError, KeyboardInterrupt):
        raise
    except Exception as error:  # a stranger's metric can raise anything; it is told, not swallowed
        # Its words are not repeated: they may quote a cell of a held-out row.
        raise LocalsynthError(
            f"the metric '{metric.name}' failed with {type(error).__name__}",
            "leave it out: --metrics names the ones to compute; --debug shows where it failed",
        ) from error
    known = {measure.name for measure in metric.measures}
    return [_sound(metric.name, score, known) for score in given]


def _sound(metric: str, score: Score, known: Set[str]) -> Score:
    """The score as it may be kept: of a declared measure, with finite numbers or none."""
    if getattr(score, "metric", None) not in known:  # a stranger may give anything
        raise LocalsynthError(
            f"the metric '{metric}' gave something else than a score of its measures",
            "leave it out: --metrics names the ones to compute",
        )
    value, low, high = (None if one is None else float(one) for one in (score.value, score.low, score.high))
    if any(one is not None and not math.isfinite(one) for one in (value, low, high)):
        return replace(
            score,
            value=None,
            low=None,
            high=None,
            note="not applicable, because the metric found no finite number",
        )
    return replace(score, value=value, low=low, high=high)


def _nothing_to_hold_against(metric: Metric, case: Case) -> str:
    if metric.needs_train and not case.train.num_rows:
        return "the dataset has no real rows to hold these against"
    if metric.needs_holdout and not case.holdout.num_rows:
        return "no real rows were held out"
    return ""


def without_identifiers(schema: Schema, table: pa.Table) -> pa.Table:
    """The columns that are judged: identifiers are numbered by code and tell nothing."""
    return table.select([c.name for c in schema.columns if not isinstance(c, IdentifierColumn)])
