"""What the report place asks of the workspace, in one go: the runs, what is known of how good they are, what is going on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

from localsynth.core.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rich.console import RenderableType

    from localsynth.core.evaluation import Evaluation
    from localsynth.core.judging import Family, Measure
    from localsynth.core.run import Run
    from localsynth.workspace import Job, Workspace

__all__ = ["Asked", "Sight", "Write", "html", "parts_of", "rows", "see", "warm_up"]

#: Writes a file and says what it is, before its path.
Write: TypeAlias = "Callable[[Workspace, Path], str]"


@dataclass(frozen=True)
class Asked:
    """Which runs, by id, held against which dataset (``None``: their own), and whether by figures outside their budget."""

    runs: tuple[str, ...] = ()
    against: str | None = None
    outside: bool = False


@dataclass(frozen=True)
class Sight:
    """runs : those asked for. missing : why there is no evaluation, in words. job : one that judges one of them just now.

    budgeted : whether any run has a privacy budget. parts : the report, as (title, what rich prints).
    """

    asked: Asked
    runs: tuple[Run, ...] = ()
    evaluation: Evaluation | None = None
    missing: str = ""
    job: Job | None = None
    budgeted: bool = False
    parts: tuple[tuple[str, RenderableType], ...] = ()


def see(ws: Workspace, asked: Asked) -> Sight:
    """Look. Raises ``NotFound`` where a run is gone, and what the workspace raises for runs that cannot be side by side."""
    from localsynth.store.budgets import budgeted

    runs = tuple(ws.get_run(run) for run in asked.runs)
    job = _judging(ws, asked.runs)
    # As the workspace judges them: by the recipe, or by the noise that was drawn.
    bounded = bool(budgeted(ws.store, runs))
    try:
        found = ws.evaluation(*asked.runs, against=asked.against, outside_budget=asked.outside)
    except NotFound as error:
        return Sight(asked, runs, None, error.message, job, bounded)
    return Sight(asked, runs, found, "", job, bounded, tuple(parts_of(ws, found, runs)))


def warm_up() -> None:
    """Import what a report is made with, which takes seconds, before there is one."""
    from localsynth.report import comparison, terminal  # noqa: F401

    _kinds()


@cache
def _kinds() -> tuple[dict[str, Measure], dict[str, Family]]:
    """Every measure and its family, looked for once: going through what is installed takes a second."""
    from localsynth.workspace.evaluate import families, measures

    return measures(), families()


def parts_of(ws: Workspace, found: Evaluation, runs: Sequence[Run]) -> Iterator[tuple[str, RenderableType]]:
    """The difference of two runs, the report, and what their methods found out."""
    from localsynth.report.comparison import compare, render
    from localsynth.report.terminal import terminal_report
    from localsynth.report.terminal.making import Told

    measures, families = _kinds()
    if len(runs) == 2:
        yield "The two runs side by side", render(compare(found, measures))
    yield "Verdict", terminal_report(found, measures, families)
    for run in runs:
        if (told := ws.explain(run)) is not None:
            yield "", Told(told)


def _judging(ws: Workspace, runs: Sequence[str]) -> Job | None:
    """The job that evaluates any of these runs."""
    return next(
        (
            job
            for job in ws.jobs()
            if job.kind == "evaluate"
            and set(getattr(job.request, "runs", ())) & set(runs)
            and job.alive()
            and not job.state().over  # its process ends a moment after its work
        ),
        None,
    )


def html(found: Evaluation, ws: Workspace, path: Path) -> str:
    """Write the report as a page."""
    from localsynth.report.lookup import Lookup

    ws.report(found, path, overwrite=True)
    tells = Lookup(found, {}, {}).tells_of_rows
    return f"the report{', which shows statistics of real rows,' if tells else ''} is in"


def rows(run: str, ws: Workspace, path: Path) -> str:
    """Write the rows of a run."""
    ws.export(run, path, overwrite=True)
    return "the rows are in"
