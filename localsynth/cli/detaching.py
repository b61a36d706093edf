"""Runs that go on without the command that started them, and how they are stopped."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import typer

from .options import in_workspace
from .output import hint, print_text, say

if TYPE_CHECKING:
    from localsynth.core.run import Run
    from localsynth.workspace import Job, JobState, Workspace

__all__ = ["DetachOption", "begun", "detach", "stop", "stop_queued"]

_POLL_S = 0.05
_PATIENCE_S = 10.0  # a run stopped at once ends within some seconds, or is killed

DetachOption: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--detach",
        help="Go on in the background: print the run's id when it has begun, or is queued behind others.",
    ),
]


def detach(space: Workspace, kind: Literal["run", "resume"], folder: Path | None, **request: Any) -> None:
    """Start or take up a run in a process of its own; return when it has begun. Its id is the data.

    Raises what refuses the run as ``JobFailed``. Ctrl+C before the run has begun stops it.
    """
    from localsynth.core.errors import Cancelled
    from localsynth.workspace import Phase
    from localsynth.workspace.background import run_of

    job = space.start_job(kind, **request)
    try:
        state = begun(job, queued=True)
    except KeyboardInterrupt:
        job.stop()
        raise
    if state.error is not None:
        raise state.error.raised()
    run_id, there = state.run_id or run_of(job), in_workspace(folder)
    if state.phase is Phase.QUEUED and run_id is not None:
        print_text([run_id])
        waits = state.step.text if state.step is not None else "about to begin"
        say(f"run {run_id} is queued in the background: {waits}")
        hint(f"look at the queue with: localsynth runs list{there}")
        hint(f"take it out with:       localsynth runs stop {run_id}{there}")
        return
    if state.run_id is None:
        raise Cancelled("the run was stopped before it began", f"its log is {job.log}")
    print_text([state.run_id])
    if state.phase is Phase.DONE:
        say(f"run {state.run_id} is done: {state.result['status']}", "green")
    else:
        say(f"run {state.run_id} goes on in the background (process {job.pid or 'unknown'})")
        hint(f"look at it with: localsynth runs watch {state.run_id}{there}")
        hint(f"stop it with:    localsynth runs stop {state.run_id}{there}")


def begun(job: Job, *, queued: bool = False) -> JobState:
    """How a job stands when its run has begun, or never will; what is waited for is told. queued : or when it waits."""
    from localsynth.workspace import Phase

    told = ""
    while True:
        state = job.state()
        if queued and state.phase is Phase.QUEUED:
            return state
        if state.step is not None and state.step.text != told:
            told = state.step.text
            say(told)
        if state.run_id is not None or state.over:
            return state
        time.sleep(_POLL_S)


def stop_queued(space: Workspace, run: str, *, now: bool) -> bool:
    """Stop a run that has not begun; ``False`` where there is none of that id."""
    if space.coming_run(run) is None or not space.stop_run(run, now=now):
        return False
    say(f"run {run} will not begin")
    return True


def stop(space: Workspace, run: Run, folder: Path | None, *, now: bool) -> None:
    """Stop a run that any process makes. Raises ``RunError`` where none does, or where it does not stop."""
    from localsynth.core.errors import RunError

    if not space.stop_run(run, now=now):
        raise RunError(f"run {run.run_id} is not being made", f"it is {space.standing(run)}")
    if now:
        made = [one for one in (run, space.members_of(run)) if one is not None]
        limit = time.monotonic() + _PATIENCE_S
        while pids := [pid for one in made if (pid := space.maker(one)) is not None]:
            if time.monotonic() > limit:
                raise RunError(
                    f"run {run.run_id} was told to stop at once and is still being made",
                    f"`kill -9 {pids[0]}` ends its process; what was committed is kept",
                )
            time.sleep(_POLL_S)
        say(f"run {run.run_id} is stopped; what was committed is kept")
    else:
        say(f"run {run.run_id} finishes its batch, then stops (--now stops it at once and loses the batch)")
    hint(f"go on with: localsynth runs resume {run.run_id}{in_workspace(folder)}")
