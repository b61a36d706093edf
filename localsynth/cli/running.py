"""``run`` and ``runs``: make rows, look at what was made, go on, watch, delete."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from localsynth.core.errors import ExitCode
from localsynth.core.words import counted

from .detaching import DetachOption
from .detaching import detach as start_detached
from .detaching import stop as stop_made
from .options import Format, FormatOption, RunArgument, WorkspaceOption, in_workspace, open_workspace
from .output import confirm, hint, print_records, print_table, print_text, say

if TYPE_CHECKING:
    from localsynth.core.run import Run
    from localsynth.workspace import Workspace

__all__ = ["make", "register", "tell"]

runs = typer.Typer(
    help="The runs of the workspace: list, show, rounds, resume, watch, stop, delete.",
    invoke_without_command=True,
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("run")(run)
    app.add_typer(runs, name="runs")


def run(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="A recipe file, or the name of a packaged recipe.")
    ],
    rows: Annotated[
        int | None, typer.Option("--rows", help="How many rows, instead of the recipe's.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="The seed, instead of the recipe's.")] = None,
    model: Annotated[
        str | None, typer.Option("--model", help="The model; 'uniform' needs none installed.")
    ] = None,
    threads: Annotated[int | None, typer.Option("--threads", help="Threads of the model.")] = None,
    where: Annotated[
        str | None,
        typer.Option(
            "--where", help="A condition that every row meets, in SQL: \"disease = 'yes' and age > 60\"."
        ),
    ] = None,
    detach: DetachOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Make synthetic rows as a recipe says, and their members if it has some. Prints the run's id."""
    space = open_workspace(workspace)
    if detach:
        from localsynth.workspace import find_recipe

        path = str(find_recipe(recipe))
        options = {"rows": rows, "seed": seed, "model": model, "threads": threads, "where": where}
        start_detached(space, "run", workspace, path=path, **options)
        return
    finished = make(space, recipe, rows=rows, seed=seed, model=model, threads=threads, where=where)
    tell(space, finished, workspace)


def make(
    space: Workspace,
    recipe: str,
    *,
    rows: int | None = None,
    seed: int | None = None,
    model: str | None = None,
    threads: int | None = None,
    where: str | None = None,
) -> Run:
    """Run a recipe with a bar and a Ctrl+C that finishes the batch."""
    from localsynth.workspace import Control

    from .progress import display, interruptible

    control = Control()
    with display() as shown, interruptible(control), _resumable(space, shown):
        return space.run(
            recipe,
            rows=rows,
            seed=seed,
            model=model,
            threads=threads,
            where=where,
            on_event=shown,
            control=control,
        )


def tell(space: Workspace, made: Run, folder: Path | None) -> None:
    """How a run ended, and the exit code for it; its id is the data, and on a second line that of the run of its members."""
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
        raise typer.Exit(ExitCode.INTERRUPTED)
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


class _resumable:  # noqa: N801 - used as a word: `with _resumable(...)`
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


# --- runs -------------------------------------------------------------------------------------------------------


@runs.callback()
def _default(context: typer.Context, workspace: WorkspaceOption = None) -> None:
    if context.invoked_subcommand is None:
        list_runs(workspace=workspace)
    elif workspace is not None:
        os.environ["LOCALSYNTH_WORKSPACE"] = str(workspace)  # `localsynth runs --workspace DIR list`


@runs.command("list")
def list_runs(
    dataset: Annotated[str | None, typer.Option("--dataset", help="Only runs of this dataset.")] = None,
    format: FormatOption = Format.TABLE,  # noqa: A002
    workspace: WorkspaceOption = None,
) -> None:
    """All runs, newest first."""
    space = open_workspace(workspace)
    columns = [
        "run",
        "dataset",
        "method",
        "model",
        "exposure",
        "status",
        "rows",
        "wanted",
        "seconds",
        "started",
    ]
    rows = [
        {
            "run": made.run_id,
            "dataset": made.dataset,
            "method": made.method,
            "model": made.model,
            "exposure": made.exposure.label,
            "status": space.standing(made),
            "rows": made.rows_done,
            "wanted": made.rows_wanted,
            "seconds": round(made.usage.seconds, 1),
            "started": f"{made.started_at.astimezone():%Y-%m-%d %H:%M}",
        }
        for made in space.runs(dataset)
    ]
    print_records(rows, format, columns)


@runs.command("show")
def show(
    run: RunArgument = "last",
    recipe: Annotated[bool, typer.Option("--recipe", help="Print the recipe as recorded, as TOML.")] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Everything recorded about a run, and what its method found out."""
    from localsynth.core.recipe import Recipe

    space = open_workspace(workspace)
    found = space.get_run(run)
    if recipe:
        print_text(Recipe.model_validate_json(found.recipe_json).to_toml().splitlines())
        return
    usage = found.usage
    maker = space.maker(found)
    facts = {
        "run": found.run_id,
        "dataset": found.dataset,
        "method": f"{found.method} (version {found.method_version}, exposure: {found.exposure.label})",
        "model": f"{found.model} ({found.model_sha256[:12]})"
        if found.model_sha256
        else found.model or "none",
        "engine": space.engine_of(found),
        "status": space.standing(found) + (f" by process {maker}" if maker else ""),
        "message": found.message,
        "rows": f"{found.rows_done:,} of {found.rows_wanted:,}",
        "seed": found.seed,
        "recipe": found.recipe_path or "not from a file",
        "of": _named(space.parent_of(found)),
        "members": _named(space.members_of(found)),
        "started": f"{found.started_at.astimezone():%Y-%m-%d %H:%M:%S}",
        "finished": f"{found.finished_at.astimezone():%Y-%m-%d %H:%M:%S}" if found.finished_at else "",
        "seconds": f"{usage.seconds:.1f}",
        "calls": usage.calls,
        "tokens": f"{usage.decoded_tokens:,} written ({usage.forced_tokens:,} of them forced), {usage.prompt_tokens:,} read",
    }
    from .output import safe

    print_text(f"{name:<9} {safe(value)}" for name, value in facts.items() if value != "")
    if (told := space.explain(found)) is not None:
        from localsynth.report.terminal.making import Told

        from .output import print_rich

        print_rich(Told(told))
    _show_stages(space, found)


def _show_stages(space: Workspace, run: Run) -> None:
    """What was done to drawn rows, where the run was evaluated and has such stages."""
    from localsynth.core.errors import NotFound

    try:
        evaluation = space.evaluation(run)
    except NotFound:
        return
    if not evaluation.stages:
        return
    from localsynth.report.lookup import Lookup
    from localsynth.report.terminal import StagesTold
    from localsynth.workspace.evaluate import families, measures

    from .output import print_rich

    print_rich(StagesTold(Lookup(evaluation, measures(), families())))


def _named(run: Run | None) -> str:
    """A run that another belongs with."""
    return (
        ""
        if run is None
        else f"{run.run_id} ({counted(run.rows_done, 'row')} of {run.dataset}, {run.status.value})"
    )


@runs.command("rounds")
def rounds(
    run: RunArgument = "last",
    format: FormatOption = Format.TABLE,  # noqa: A002
    workspace: WorkspaceOption = None,
) -> None:
    """What a run's method tried while it learnt: who proposed it, what it changed, what it scored, whether it was kept."""
    space = open_workspace(workspace)
    found = space.get_run(run)
    table = space.rounds_arrow(found)
    print_table(table, format)
    if not table.num_rows:
        hint(f"nothing was tried in rounds yet by run {found.run_id}, whose method is {found.method}")


@runs.command("resume")
def resume(
    run: RunArgument = "last",
    as_recorded: Annotated[
        bool,
        typer.Option("--as-recorded", help="Go on with the recorded recipe, even if its file has changed."),
    ] = False,
    detach: DetachOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Go on with a run that was stopped, broke off or was killed; gives the rows it would have given undisturbed."""
    from localsynth.core.run import Status
    from localsynth.workspace import Control

    from .progress import display, interruptible

    space = open_workspace(workspace)
    found = space.get_run(run)
    if found.status is Status.FINISHED:
        say(f"run {found.run_id} is finished already")
    if detach:
        start_detached(space, "resume", workspace, run=found.run_id, as_recorded=as_recorded)
        return
    control = Control()
    with display() as shown, interruptible(control), _resumable(space, shown):
        made = space.resume(found, as_recorded=as_recorded, on_event=shown, control=control)
    tell(space, made, workspace)


@runs.command("watch")
def watch(run: RunArgument = "last", workspace: WorkspaceOption = None) -> None:
    """Follow a run that another process makes. Ctrl+C stops watching, not the run."""
    from .progress import display

    space = open_workspace(workspace)
    found = space.get_run(run)
    with display() as shown:
        for event in space.watch(found):
            shown(event)
    found = space.get_run(found)
    say(
        f"{space.standing(found)}: {found.rows_done:,} of {found.rows_wanted:,} rows {found.message}".rstrip()
    )


@runs.command("stop")
def stop(
    run: RunArgument = "last",
    now: Annotated[
        bool, typer.Option("--now", help="At once: the batch under way is lost, what was committed is kept.")
    ] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Stop a run that another process makes, after its batch. It can be resumed."""
    space = open_workspace(workspace)
    stop_made(space, space.get_run(run), workspace, now=now)


@runs.command("delete")
def delete(
    run: RunArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Delete a run with its rows."""
    space = open_workspace(workspace)
    found = space.get_run(run)
    if not yes:
        confirm(f"Delete run {found.run_id} with {counted(found.rows_done, 'row')}?")
    space.delete_run(found)
    say(f"deleted run {found.run_id} with {counted(found.rows_done, 'row')}")
    for adapter in (one for one in space.adapters(found.dataset) if one.run_id == found.run_id):
        hint(
            f"the adapter it learnt stays: localsynth adapters delete {adapter.label}{in_workspace(workspace)}"
        )
