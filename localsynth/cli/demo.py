"""``demo``: the whole way once, with everything checked again at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from localsynth.core.errors import ExitCode

from .making import make, tell
from .options import Format, WorkspaceOption, in_workspace, open_workspace
from .output import print_table, say

if TYPE_CHECKING:
    from pathlib import Path

    from localsynth.core.run import Run
    from localsynth.workspace.verify import Verification

__all__ = ["register"]

_RECIPE = "clinic"
_COLUMNS_SHOWN = 8


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo(
    rows: Annotated[int | None, typer.Option("--rows", help="How many rows, instead of 500.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="The seed, instead of the recipe's.")] = None,
    model: Annotated[
        str | None, typer.Option("--model", help="The model; 'uniform' needs none installed.")
    ] = None,
    threads: Annotated[int | None, typer.Option("--threads", help="Threads of the model.")] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Make rows of a made-up clinic, check every one of them, and show what to do next."""
    from localsynth.core.run import Status

    space = open_workspace(workspace)
    made = make(space, _RECIPE, rows=rows, seed=seed, model=model, threads=threads)
    if made.status is Status.CANCELLED:
        tell(space, made, workspace)
    found = space.verify(made)
    _summary(made, found)
    _targets(found)
    table = space.rows_arrow(made)
    say(f"\nThe first rows (of {table.num_columns} columns):", "bold")
    print_table(table.slice(0, 6), Format.TABLE)
    query = _query(made)
    say(f'\nlocalsynth sql "{query}"', "bold")
    print_table(space.sql_arrow(query), Format.TABLE)
    _next(made, workspace)
    if made.status is not Status.FINISHED or not found.ok:
        raise typer.Exit(ExitCode.FAILED)


def _summary(made: Run, found: Verification) -> None:
    usage = made.usage
    seconds = max(usage.seconds, 1e-9)
    broken = sum(found.broken.values())
    say()
    say("Checked again from the stored rows:", "bold")
    say(f"  rows             {found.rows:,} of {made.rows_wanted:,}")
    say(f"  invalid          {found.invalid} of {found.cells:,} cells", None if not found.invalid else "red")
    for problem in found.problems:
        say(f"                   {problem}", "red")
    say(f"  rule violations  {broken} ({len(found.broken)} rules)", None if not broken else "red")
    for label, count in found.broken.items():
        if count:
            say(f"                   {count} rows break: {label}", "red")
    say(
        f"  speed            {made.rows_done / seconds:.1f} rows/s, {usage.decoded_tokens / seconds:,.0f} tokens/s"
    )
    say(f"  seconds          {usage.seconds:.1f}")
    if made.message:
        say(f"  message          {made.message}", "red")


def _targets(found: Verification) -> None:
    if not found.targets:
        return
    met = sum(target.met for target in found.targets)
    say(f"  declared numbers {met} of {len(found.targets)} met", None if met == len(found.targets) else "red")
    say("\nDeclared, and what the rows have:", "bold")
    name = max(len(target.column) for target in found.targets)
    what = max(len(target.what) for target in found.targets)
    say(f"  {'column':<{name}}  {'what':<{what}}  {'declared':>9}  {'rows':>9}")
    for target in found.targets:
        say(
            f"  {target.column:<{name}}  {target.what:<{what}}  {target.wanted:>9.4g}  {target.got:>9.4g}"
            f"  {'' if target.met else 'missed'}".rstrip(),
            None if target.met else "red",
        )


def _query(made: Run) -> str:
    """A question that the table itself suggests: a number by category."""
    from localsynth.core.schema import Schema

    columns = Schema.model_validate_json(made.schema_json).columns
    by = max((c for c in columns if c.kind == "categorical"), key=lambda c: len(c.categories), default=None)
    number = next((c for c in columns if c.kind in {"integer", "float"}), None)
    view = _name(f"{made.dataset}_synth")
    if by is None or number is None:
        return f"FROM {view} LIMIT 5"
    mean = f"round(avg({_name(number.name)}), 1) AS {_name('mean_' + number.name)}"
    return f"SELECT {_name(by.name)}, count(*) AS n, {mean} FROM {view} GROUP BY ALL ORDER BY n DESC"  # noqa: S608


def _name(text: str) -> str:
    plain = text.isascii() and text.isidentifier() and text.islower()
    return text if plain else '"' + text.replace('"', '""') + '"'


def _next(made: Run, workspace: Path | None) -> None:
    option = in_workspace(workspace)
    say("\nWhat to type next:", "bold")
    for command in (
        f"localsynth export {made.run_id} -o rows.parquet{option}",
        f'localsynth sql "SUMMARIZE {made.dataset}_synth"{option}',
        "localsynth recipe copy clinic mine    (edit mine/clinic.toml, then: localsynth run mine/clinic.toml)",
        f"localsynth import FILE.csv{option}",
        "localsynth --help",
    ):
        say(f"  {command}")
