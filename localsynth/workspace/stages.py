"""Rows of earlier stages of runs, to be judged as the runs are: what was done to rows since is told by the difference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localsynth.core.evaluation import Judged, staged
from localsynth.core.run import Run
from localsynth.store.session import Store
from localsynth.store.stages import read_stages

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["StageRows", "apart", "stages_of"]


@dataclass(frozen=True)
class StageRows:
    """What is kept of one stage of a run."""

    run_id: str
    stage: str
    rows: pa.Table

    @property
    def subject(self) -> str:
        """Whose their scores are."""
        return staged(self.run_id, self.stage)


def stages_of(
    store: Store, runs: Sequence[Run], fit: Callable[[Run, pa.Table], pa.Table]
) -> tuple[StageRows, ...]:
    """The stages of each run, in order. fit : gives the rows the columns they are judged with."""
    return tuple(
        StageRows(run.run_id, stage, fit(run, rows))
        for run in runs
        for stage, rows in read_stages(store, run.run_id).items()
    )


def apart(
    scores: Sequence[Judged], stages: Sequence[StageRows]
) -> tuple[list[Judged], dict[str, dict[str, tuple[Judged, ...]]]]:
    """Scores that are of no stage; and those of each stage, by run and stage."""
    subjects = {stage.subject for stage in stages}
    found: dict[str, dict[str, tuple[Judged, ...]]] = {}
    for stage in stages:
        own = tuple(judged for judged in scores if judged.subject == stage.subject)
        found.setdefault(stage.run_id, {})[stage.stage] = own
    return [judged for judged in scores if judged.subject not in subjects], found
