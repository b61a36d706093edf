"""Evaluation: what all metrics said of one or more runs, beside reality and the reference methods."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .dataset import Dataset
from .judging import Score
from .run import Run

__all__ = ["CAUTION", "REAL", "REFERENCES", "Evaluation", "Judged"]

REAL = "REAL"
#: Stands as the metric of a score without value whose note is something to know before all figures of that run.
CAUTION = "caution"
#: Methods without a model that every result stands beside, worst structure first.
REFERENCES = ("independent", "gaussian-copula", "bootstrap")


@dataclass(frozen=True)
class Judged:
    """A score and whose it is: ``REAL``, a reference method's, or a run's id."""

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
class Evaluation:
    """Runs judged together.

    dataset : the real rows they are held against. runs : in the order asked for. scores : subject by subject, ``REAL`` first,
    then the references, then the runs. seed : of whatever metrics drew. reference_rows : rows made by each reference
    method, 0 where there were none. made_at : UTC.
    """

    dataset: Dataset
    runs: tuple[Run, ...]
    scores: tuple[Judged, ...]
    seed: int
    reference_rows: int
    made_at: datetime

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
