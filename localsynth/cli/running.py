"""``run`` and ``runs``: make rows, look at what was made, go on, watch, delete."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from localsynth.core.words import counted

from .detaching import DetachOption, begun, stop_queued
from .detaching import detach as start_detached
from .detaching import stop as stop_made
from .making import control_of_command, make, resumable, tell
from .options import (
    Format,
    FormatOption,
    MaxMemoryOption,
    MaxMinutesOption,
    RunArgument,
    WorkspaceOption,
    in_workspace,
    limits_of,
    open_workspace,
)
from .output import confirm, hint, print_records, print_table, print_text, say

if TYPE_CHECKING:
    from localsynth.core.run import Run
    from localsynth.workspace import Job, Workspace

__all__ = ["register"]

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
    max_minutes: MaxMinutesOption = None,
    max_memory: MaxMemoryOption = None,
    detach: DetachOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Make synthetic rows as a recipe says, and their members if it has some. Prints the run's id.

    It begins at once, whatever else goes on. Runs with --detach, and what the terminal UI starts, wait for each other:
    $LOCALSYNTH_PARALLEL of them (1) work side by side, in the order in which they were asked for.

    With --max-minutes it stops when the time is over, as after one Ctrl+C, with exit code 1; `runs resume` goes on. What needs
    more than --max-memory is refused before it begins, or stopped, with exit code 3.
    """
    space, limits = open_workspace(workspace), limits_of(max_minutes, max_memory)
    options: dict[str, Any] = {"rows": rows, "seed": seed, "model": model, "threads": threads, "where": where}
    if detach:
        from localsynth.workspace import find_recipe

        options |= {"max_minutes": limits.minutes, "max_memory": limits.memory}
        start_detached(space, "run", workspace, path=str(find_recipe(recipe)), **options)
        return
    control = control_of_command()
    tell(space, make(space, recipe, control=control, limits=limits, **options), workspace, control.limit)


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
    """All runs, newest first, and before them those to come."""
    from localsynth.workspace.background import run_of

    space = open_workspace(workspace)
    queue = {run_of(job): job for job in space.coming()}
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
            "status": _waits(queue[made.run_id]) if made.run_id in queue else space.standing(made),
            "rows": made.rows_done,
            "wanted": made.rows_wanted,
            "seconds": round(made.usage.seconds, 1),
            "started": f"{made.started_at.astimezone():%Y-%m-%d %H:%M}",
        }
        for made in space.runs(dataset)
    ]
    known = {row["run"] for row in rows}
    queued = [_not_begun(job, dataset) for run_id, job in reversed(queue.items()) if run_id not in known]
    print_records([*filter(None, queued), *rows], format, columns)


def _not_begun(job: Job, dataset: str | None) -> dict[str, object] | None:
    """A run that is to come, if it is of that dataset, or any."""
    from localsynth.workspace.background import recipe_of, run_of

    asked = recipe_of(job.request)
    if asked is None or (dataset is not None and dataset.lower() != asked.dataset.name.lower()):
        return None
    return {
        "run": run_of(job),
        "dataset": asked.dataset.name,
        "method": asked.method.name,
        "model": asked.model.name,
        "exposure": "",
        "status": _waits(job),
        "rows": 0,
        "wanted": asked.rows,
        "seconds": 0.0,
        "started": "",
    }


def _waits(job: Job) -> str:
    state = job.state()
    waits = f" ({state.step.text})" if state.step is not None and state.phase == "queued" else ""
    return f"{state.phase}{waits}" if state.phase == "queued" else "starting"


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
    max_minutes: MaxMinutesOption = None,
    max_memory: MaxMemoryOption = None,
    detach: DetachOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Go on with a run that was stopped, broke off or was killed; gives the rows it would have given undisturbed."""
    from localsynth.core.run import Status

    from .progress import display, interruptible

    space, limits = open_workspace(workspace), limits_of(max_minutes, max_memory)
    found = space.get_run(run)
    if found.status is Status.FINISHED:
        say(f"run {found.run_id} is finished already")
    if detach:
        options = {"max_minutes": limits.minutes, "max_memory": limits.memory}
        start_detached(space, "resume", workspace, run=found.run_id, as_recorded=as_recorded, **options)
        return
    control = control_of_command()
    with display() as shown, interruptible(control), resumable(space, shown):
        made = space.resume(found, as_recorded=as_recorded, limits=limits, on_event=shown, control=control)
    tell(space, made, workspace, control.limit)


@runs.command("watch")
def watch(run: RunArgument = "last", workspace: WorkspaceOption = None) -> None:
    """Follow a run that another process makes. Ctrl+C stops watching, not the run."""
    from .progress import display

    space = open_workspace(workspace)
    if (queued := space.coming_run(run)) is not None:
        begun(queued)
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
    """Stop a run that another process makes, after its batch; it can be resumed. One that is queued never begins."""
    space = open_workspace(workspace)
    if stop_queued(space, run, now=now):
        return
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
