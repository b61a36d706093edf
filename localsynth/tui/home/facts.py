"""What Home knows: read in a thread, all of it when something changed, and a cheap look every second."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localsynth.core.dataset import Dataset
    from localsynth.core.events import Progress
    from localsynth.core.run import Run
    from localsynth.engine.catalog import Model
    from localsynth.workspace import Job, JobState, Workspace

__all__ = ["Facts", "Look", "Machine", "Making", "Watcher", "facts_of", "machine_of"]

_RUNNING = "running"
_FRESH_NS = 5_000_000_000


@dataclass(frozen=True)
class Facts:
    """What is in the workspace. exists : whether there is one.

    standing : of each run, in a word, by id. scores : of runs that were evaluated, how well the best classifier tells their
    rows from real ones; ``None`` where that was not measured. stamp : of the moment before it was read.
    """

    folder: str
    exists: bool
    datasets: tuple[Dataset, ...] = ()
    runs: tuple[Run, ...] = ()
    standing: dict[str, str] = field(default_factory=dict)
    scores: dict[str, float | None] = field(default_factory=dict)
    stamp: object = None


@dataclass(frozen=True)
class Machine:
    """The models, the one that is used where none is named, and how many bytes of memory are free."""

    models: tuple[Model, ...]
    default: str | None
    free: int | None


@dataclass(frozen=True)
class Making:
    """A run that is recorded as being made: how it stands, and how far it said it is."""

    standing: str
    progress: Progress | None = None


@dataclass(frozen=True)
class Look:
    """What a look told. making : by run id. jobs : newest first."""

    stamp: object
    making: dict[str, Making]
    jobs: tuple[tuple[Job, JobState], ...]


def facts_of(space: Workspace) -> Facts:
    """All of it. Raises the errors of the store."""
    stamp = space.stamp()
    if not space.exists:
        return Facts(str(space.folder), exists=False, stamp=stamp)
    runs = tuple(space.runs())
    return Facts(
        str(space.folder),
        exists=True,
        datasets=tuple(space.datasets()),
        runs=runs,
        standing={run.run_id: space.standing(run) for run in runs},
        scores=_scores(space),
        stamp=stamp,
    )


def _scores(space: Workspace) -> dict[str, float | None]:
    from localsynth.report.outline import SEPARATION

    # As a report reads them: of these real rows, not of some imported before, and within a privacy budget.
    table = space.sql_arrow(
        "SELECT m.run_id, CASE WHEN starts_with(m.metric, 'c2st_') THEN m.metric ELSE '' END AS metric,"
        " arg_max(m.value, m.computed_at) AS value FROM meta.metrics m JOIN meta.runs r USING (run_id)"
        " JOIN meta.datasets d ON d.name = r.dataset WHERE m.dataset = d.name AND m.computed_at >= d.imported_at"
        " AND m.subject = m.run_id AND m.column_a IS NULL AND m.item IS NULL AND NOT m.outside_budget"
        " GROUP BY ALL"
    )
    found: dict[str, dict[str, float | None]] = {}
    for row in table.to_pylist():
        found.setdefault(row["run_id"], {})[row["metric"]] = row["value"]
    auc = [name for name in SEPARATION if name.startswith("c2st_")]
    return {
        run_id: next((one[name] for name in auc if one.get(name) is not None), None)
        for run_id, one in found.items()
    }


def machine_of(space: Workspace) -> Machine:
    """The models on this machine. Raises ``ModelError`` where the list of them cannot be read."""
    catalog = space.models()
    models = tuple(catalog.list())
    default = next((model.name for model in models if model.installed), None)
    return Machine(models, default, space.free_memory())


class Watcher:
    """Takes the looks; one at a time, in whichever thread."""

    def __init__(self) -> None:
        self._jobs: list[Job] = []
        self._listed: object = None

    def look(self, space: Workspace, running: Sequence[Run]) -> Look:
        """Open no database. running : runs that are recorded as being made."""
        stamp = space.stamp()
        # A job's folder is there a moment before it can be read, and nothing tells of that.
        fresh = time.time_ns() - stamp[-1][0] < _FRESH_NS
        if fresh or stamp[-1] != self._listed:
            # Of jobs that are known already, how far their files have been read is known, too.
            known = {job.id: job for job in self._jobs}
            self._jobs = [known.get(job.id, job) for job in space.jobs()]
            self._listed = stamp[-1]
        making = {run.run_id: _making(space, run) for run in running}
        return Look(stamp, making, tuple((job, job.state()) for job in self._jobs))


def _making(space: Workspace, run: Run) -> Making:
    standing = space.standing(run)
    return Making(standing, space.progress(run) if standing == _RUNNING else None)
