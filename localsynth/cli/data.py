"""``init``, ``import``, ``datasets``, ``sql`` and ``export``: what goes into a workspace, and what comes out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from localsynth.core.words import counted

from .options import (
    Format,
    FormatOption,
    Policy,
    RunArgument,
    WorkspaceOption,
    in_workspace,
    open_workspace,
    use_workspace,
)
from .output import confirm, hint, print_table, print_text, say

__all__ = ["register"]

_ON_SCREEN = 50
datasets = typer.Typer(help="The datasets of the workspace: list, remove.", invoke_without_command=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("init")(init)
    app.command("import")(import_)
    app.add_typer(datasets, name="datasets")
    app.command("sql")(sql)
    app.command("export")(export)


def init(workspace: WorkspaceOption = None) -> None:
    """Make an empty workspace."""
    space = open_workspace(workspace)
    there = (space.folder / "workspace.duckdb").exists()
    space.init()
    say(f"{'there is a workspace' if there else 'made a workspace'} in {space.folder}")
    print_text([str(space.folder)])


def import_(
    source: Annotated[
        str, typer.Argument(metavar="FILE", help="A CSV, TSV, Parquet or JSON-lines file, or sample:NAME.")
    ],
    name: Annotated[
        str | None, typer.Option("--name", help="What to call the dataset.  [default: the file's name]")
    ] = None,
    target: Annotated[str | None, typer.Option("--target", help="The column people want to predict.")] = None,
    holdout: Annotated[
        float, typer.Option("--holdout", help="Share of rows that nothing ever sees; 0 for none.")
    ] = 1 / 3,
    policy: Annotated[Policy, typer.Option("--policy", help="How much a model may see.")] = Policy.ROWS,
    schema: Annotated[
        Path | None, typer.Option("--schema", help="A schema file, instead of inferring one.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option("--encoding", help="Of a text file, if it is not UTF-8.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the split into train and holdout.")] = 0,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a dataset of the same name.")] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Import a table. Prints the schema that was found, as TOML, to be corrected."""
    from localsynth.core.errors import DatasetError
    from localsynth.core.schema import Schema

    if not 0 <= holdout < 1:
        raise DatasetError(
            f"a holdout of {holdout:g} makes no sense: it lies between 0 and 1", "for example --holdout 0.3"
        )
    options: dict[str, Any] = {
        "name": name,
        "target": target,
        "holdout": holdout,
        "policy": policy.value,
        "schema": Schema.load(schema) if schema is not None else None,
        "seed": seed,
        "replace": replace,
    }
    space = open_workspace(workspace)
    if not source.startswith("sample:"):
        made = space.import_file(source, encoding=encoding, **options)
    elif encoding is not None:
        raise DatasetError("a sample is no text file", "leave out --encoding")
    else:
        made = space.import_sample(source, **options)
    say(
        f"dataset {made.name}: {counted(made.rows, 'row')} ({made.train_rows:,} train, {made.holdout_rows:,} held out),"
        f" {len(made.schema.columns)} columns, policy: {made.policy.label}",
        "green",
    )
    file, there = f"{made.name}.schema.toml", in_workspace(workspace)
    hint(f"correct the schema with: localsynth schema export {made.name} -o {file}{there}, edit it, then")
    hint(f"                         localsynth schema set {made.name} {file}{there}")
    print_text(made.schema.to_toml().splitlines())


@datasets.callback()
def _datasets(context: typer.Context, workspace: WorkspaceOption = None) -> None:
    if context.invoked_subcommand is None:
        list_datasets(workspace=workspace)
    else:
        use_workspace(workspace)


@datasets.command("list")
def list_datasets(format: FormatOption = Format.TABLE, workspace: WorkspaceOption = None) -> None:  # noqa: A002
    """All datasets, as `schema show` lists them."""
    from .schemas import show

    show(None, format, workspace)


@datasets.command("remove")
def remove(
    name: Annotated[str, typer.Argument(metavar="DATASET", help="A dataset's name.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Remove a dataset with all that was made of it and learnt from it: rows, runs, statistics, scores, adapters."""
    space = open_workspace(workspace)
    found = space.dataset(name)
    made, learnt = len(space.runs(found.name)), len(space.adapters(found.name))
    if not yes:
        confirm(
            f"Remove the dataset {found.name} with {counted(found.rows, 'real row')}, {counted(made, 'run')}"
            f" and {counted(learnt, 'adapter')}?"
        )
    gone = space.remove_dataset(found.name)
    say(
        f"removed the dataset {gone.dataset}: {counted(gone.rows, 'real row')}, {counted(len(gone.runs), 'run')} with"
        f" {counted(gone.made, 'row')}, their statistics, scores and folders, {counted(len(gone.adapters), 'adapter')}"
        + (f" ({', '.join(gone.adapters)})" if gone.adapters else "")
    )
    for copy in space.copies():
        hint(
            f"{copy} is a copy of the workspace from before, and may hold its rows: delete it if they must be gone"
        )
    hint(
        "what was exported stays where it is, and the database file may hold bytes of the rows until their space is used"
        " again"
    )


def sql(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="One read-only SQL statement.")],
    format: FormatOption = Format.TABLE,  # noqa: A002
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=0, help="Most rows to print; 0 for all.  [default: 50 as a table]"),
    ] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Ask the workspace with SQL. Datasets are <name>_real and <name>_synth; everything else is in schema meta."""
    most = limit if limit is not None else (_ON_SCREEN if format is Format.TABLE else 0)
    table = open_workspace(workspace).sql_arrow(query, limit=most + 1 if most else None)
    more = bool(most) and table.num_rows > most
    print_table(table.slice(0, most) if more else table, format, more=more)


def export(
    run: RunArgument,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The file to write: .csv, .tsv, .parquet or .jsonl.")
    ],
    format: Annotated[str | None, typer.Option("--format", help="If the suffix does not tell.")] = None,  # noqa: A002
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it exists.")] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Write a run's rows to a file."""
    space = open_workspace(workspace)
    found = space.get_run(run)
    path = space.export(found, output, format=format, overwrite=overwrite)
    say(f"wrote {counted(found.rows_done, 'row')} of {found.run_id} to {path}")
    if space.standing(found) not in {"finished", "short"}:
        hint(f"this run is {space.standing(found)}: {found.rows_done:,} of {found.rows_wanted:,} rows")
