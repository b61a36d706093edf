"""Evaluation: what all metrics said of one or more runs, beside reality and the reference methods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Self

from .dataset import Dataset
from .errors import LocalsynthError
from .explaining import Explanation
from .judging import Score
from .run import Run
from .schema import Schema
from .targets import Statistics

__all__ = [
    "CAUTION",
    "NOBODY",
    "NOTE",
    "OUTSIDE",
    "REAL",
    "REFERENCES",
    "UNFINISHED",
    "WITHHELD",
    "Evaluation",
    "Judged",
    "NotKept",
    "Spent",
    "caution",
    "staged",
    "unseen",
]

REAL = "REAL"
#: Stands as the metric of a score without value whose note is something to know before all figures of that run.
CAUTION = "caution"
#: Whose cautions are that are of no run in particular.
NOBODY = ""
#: Items of cautions: one that bears on no figure, and one that says that a run had fewer rows than were asked for.
NOTE, UNFINISHED = "note", "unfinished"
#: Item of the caution that figures come from real rows although the run has a privacy budget.
OUTSIDE = "outside the budget"
#: Why most measures have no value where nothing is told but what a privacy budget covers; after "not applicable, because".
WITHHELD = "the run has a privacy budget, and figures from real rows are not covered by it"
#: Methods without a model that every result stands beside, worst structure first.
REFERENCES = ("independent", "gaussian-copula", "bootstrap")


@dataclass(frozen=True)
class Judged:
    """A score and whose it is: ``REAL``, a reference method's, a run's id, or of a :func:`staged` run."""

    subject: str
    score: Score

    def plain(self) -> dict[str, Any]:
        """As in ``localsynth evaluate --json``."""
        score = self.score
        return {
            "subject": self.subject,
            "metric": score.metric,
            "column_a": score.column_a,
            "column_b": score.column_b,
            "item": score.item,
            "value": score.value,
            "low": score.low,
            "high": score.high,
            "note": score.note,
        }


@dataclass(frozen=True)
class Spent:
    """What was spent of privacy on a dataset, by all runs that a workspace has of it.

    epsilon, delta : the sums over the runs with a budget (basic composition); releases : how many those are. unbounded :
    runs that saw statistics of real rows, or real rows, without a budget.
    """

    epsilon: float
    delta: float
    releases: int
    unbounded: int


@dataclass(frozen=True)
class Evaluation:
    """Runs judged together.

    dataset : the real rows they are held against. runs : in the order asked for. scores : subject by subject, ``REAL`` first,
    then the references, then the runs. seed : of whatever metrics drew. reference_rows : rows made by each reference
    method, 0 where there were none. made_at : UTC.
    covered : nothing was computed from real rows, and ``dataset`` tells of none: all runs have a privacy budget, and every
    figure depends on real rows through their noisy statistics alone.
    aims : the target statistics of runs that have some, by run id. spent : on the dataset, where a run has a budget.
    stages : run id -> stage -> scores of its rows as they were at that stage, in the stages' order; by the metrics that judged
    the run, against the same real rows. They are no scores of the run, and none of ``scores``.
    """

    dataset: Dataset
    runs: tuple[Run, ...]
    scores: tuple[Judged, ...]
    seed: int
    reference_rows: int
    made_at: datetime
    covered: bool = False
    aims: Mapping[str, Statistics] = field(default_factory=dict)
    spent: Spent | None = None
    stages: Mapping[str, Mapping[str, tuple[Judged, ...]]] = field(default_factory=dict)

    @property
    def subjects(self) -> tuple[str, ...]:
        """All subjects, in the order of ``scores``."""
        return tuple(dict.fromkeys(judged.subject for judged in self.scores))

    def find(self, metric: str, subject: str | None = None) -> list[Judged]:
        """Every score of a metric, of one subject or all."""
        return [
            judged
            for judged in self.scores
            if judged.score.metric == metric and subject in {None, judged.subject}
        ]

    def of_table(self, metric: str, subject: str) -> Score | None:
        """A metric's score of the whole table."""
        for judged in self.find(metric, subject):
            if judged.score.column_a is None and judged.score.item is None:
                return judged.score
        return None


def caution(words: str, subject: str = NOBODY, item: str | None = None) -> Judged:
    """Something to know before all figures: of a run, or of all of them."""
    return Judged(subject, Score(CAUTION, None, item=item, note=words))


def staged(run_id: str, stage: str) -> str:
    """Whose the scores of a stage's rows are: no run has this id, since an id holds no space."""
    return f"{run_id} {stage}"


def unseen(dataset: Dataset, run: Run) -> Dataset:
    """The dataset as a report may know it that a privacy budget covers: as declared for the run, and without numbers of rows.

    The schema of now may have been inferred from the rows since.
    """
    schema = Schema.model_validate_json(run.schema_json)
    return replace(dataset, schema=schema, rows=0, train_rows=0, holdout_rows=0)


class NotKept(LocalsynthError):
    """Scores were computed but could not be stored; ``evaluation`` holds them, and a caution that says so.

    prompts : an example prompt of each run, as a report shows it. explanations : what their methods found out.
    """

    evaluation: Evaluation
    prompts: Mapping[str, str] = MappingProxyType({})
    explanations: Mapping[str, Explanation] = MappingProxyType({})

    @classmethod
    def of(cls, error: LocalsynthError, evaluation: Evaluation) -> Self:
        """What ``error`` did to an evaluation; the exit code is that of the error."""
        again = "they are shown all the same; `localsynth evaluate` once more computes and keeps them"
        hint = f"{error.hint}; {again}" if error.hint else again
        made = cls(f"the scores were not kept: {error.message}", hint)
        made.code, made.evaluation = error.code, evaluation
        return made
