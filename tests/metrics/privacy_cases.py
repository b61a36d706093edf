"""Cases for the attacks: one population, and synthetic rows that copy train rows or come from people nobody has seen."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from localsynth.core.judging import Case, Metric, Score

from .support import MIXED, case_of, mixed_rows

Source = Literal["copies", "fresh"]


def leaking_case(source: Source, n: int = 150, train: int = 150, holdout: int = 150, seed: int = 0) -> Case:
    """Rows of ``MIXED``: drawn from the train rows with replacement, or alike but of new people."""
    known = mixed_rows(train, 100 + seed)
    rng = np.random.default_rng(seed)
    rows: list[list[Any]] = (
        [known[i] for i in rng.integers(0, train, n)] if source == "copies" else mixed_rows(n, 200 + seed)
    )
    return case_of(MIXED, rows, known, mixed_rows(holdout, 300 + seed), seed=seed)


def again(metric: Metric, case: Case) -> list[Score]:
    """The scores of the same case with nothing kept."""
    return list(
        metric.scores(case_of(case.schema, case.rows, case.train, case.holdout, seed=case.seed, threads=3))
    )
