"""A run on the terminal: made with a bar and a Ctrl+C that finishes the batch, and how it ended told."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from localsynth.core.errors import ExitCode
from localsynth.core.words import counted

from .options import in_workspace
from .output import hint, print_text, say

if TYPE_CHECKING:
    from localsynth.core.errors import LocalsynthError
    from localsynth.core.run import Run
    from localsynth.workspace import Control, Limits, Workspace

__all__ = ["control_of_command", "make", "resumable", "tell"]


def make(
    space: Workspace,
    recipe: str,
    *,
    rows: int | None = None,
    seed: int | None = None,
    model: str | None = None,
    threads: int | None = None,
    where: str | None = None,
    limits: Limits | None = None,
    control: Control | None = None,
) -> Run:
    """Run a recipe with a bar and a Ctrl+C that finishes the batch."""
    from .progress import display, interruptible

    control = control or control_of_command()
    with display() as shown, interruptible(control), resumable(space, shown):
        return space.run(
            recipe,
            rows=rows,
            seed=seed,
            model=model,
            threads=threads,
            where=where,
            limits=limits,
            on_event=shown,
            control=control,
        )


def control_of_command() -> Control:
    """What stops a run; imported here, so that ``--help`` need not load it."""
    from localsynth.workspace import Control

    return Control()


def tell(space: Workspace, made: Run, folder: Path | None, limit: LocalsynthError | None = None) -> None:
    """How a run ended, and the exit code for it; its id is the data, and on a second line that of the run of its members.

    limit : what stopped it, where no person did.
    """
    from localsynth.core.run import Status

    from .progress import duration

    members = space.members_of(made)
    print_text([made.run_id] if members is None else [made.run_id, members.run_id])
    last = made if members is None else members
    if members is not None:
        rows = f"{counted(made.rows_done, 'row')} of {made.dataset}"
        say(f"{rows}, and {members.rows_done:,} of {members.dataset}, which belong to them")
    if last.status not in {Status.FINISHED, Status.SHORT}:
        say(f"{last.message}: {last.rows_done:,} of {last.rows_wanted:,} rows are kept", "yellow")
        hint(f"go on with: {_resume_command(last.run_id, folder)}")
        raise typer.Exit(ExitCode.INTERRUPTED if limit is None else limit.code)
    short = [one for one in (made, members) if one is not None and one.status is Status.SHORT]
    for one in short:
        of = f" of {one.dataset}" if members is not None else ""
        say(f"fell short{of}: {one.message}", "red")
    if short:
        hint("what there is is kept; loosen the rules or the schema, or choose another method")
        raise typer.Exit(ExitCode.FAILED)
    seconds = last.usage.seconds
    rate = f", {last.rows_done / seconds:.1f} rows/s" if seconds > 0 else ""
    say(f"{counted(last.rows_done, 'row')} in {duration(seconds)}{rate}, in {space.store.path}", "green")
    hint(f'next: localsynth sql "from {_quoted(last.dataset + "_synth")} limit 10"{in_workspace(folder)}')


def _quoted(name: str) -> str:
    return name if name.isidentifier() and name.isascii() else '\\"' + name.replace('"', '\\"\\"') + '\\"'


def _resume_command(run_id: str, folder: Path | None) -> str:
    return f"localsynth runs resume {run_id}{in_workspace(folder)}"


class resumable:  # noqa: N801 - used as a word: `with resumable(...)`
    """Says how to go on when a run breaks off, whatever breaks it."""

    def __init__(self, space: Workspace, shown: object) -> None:
        self._space, self._shown = space, shown

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        started = getattr(self._shown, "started", None)
        if error is not None and started is not None and self._recorded(started.run_id):
            say(f"run {started.run_id} broke off; what was committed is kept")
            hint(f"go on with: {_resume_command(started.run_id, self._space.folder)}")

    def _recorded(self, run_id: str) -> bool:
        from localsynth.core.errors import LocalsynthError

        try:
            return bool(self._space.get_run(run_id))
        except LocalsynthError:
            return False
