"""``init``, ``import``, ``datasets``, ``forget``, ``sql`` and ``export``: what goes into a workspace, and what comes out."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from localsynth.core.errors import ExitCode
from localsynth.core.words import counted

from .options import (
    Format,
    FormatOption,
    MaxMemoryOption,
    MaxMinutesOption,
    Policy,
    RunArgument,
    WorkspaceOption,
    in_workspace,
    limits_of,
    open_workspace,
    use_workspace,
)
from .output import confirm, hint, print_table, print_text, say, warn

if TYPE_CHECKING:
    from localsynth.workspace.forgetting import ToForget

__all__ = ["register"]

_ON_SCREEN = 50
_TELL_EVERY_S = 3.0
datasets = typer.Typer(help="The datasets of the workspace: list, remove.", invoke_without_command=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("init")(init)
    app.command("import")(import_)
    app.add_typer(datasets, name="datasets")
    app.command("forget")(forget)
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
    policy: Annotated[
        Policy | None,
        typer.Option(
            "--policy",
            help="How much a model may see.  [default: rows; what it was, of one that is replaced]",
        ),
    ] = None,
    schema: Annotated[
        Path | None, typer.Option("--schema", help="A schema file, instead of inferring one.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option("--encoding", help="Of a text file, if it is not UTF-8.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the split into train and holdout.")] = 0,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a dataset of the same name.")] = False,
    max_minutes: MaxMinutesOption = None,
    max_memory: MaxMemoryOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Import a table. Prints the schema that was found, as TOML, to be corrected.

    What does not fit into --max-memory goes to the disk, into the workspace's folder. Of one that is stopped nothing is kept.
    """
    from localsynth.core.dataset import check_holdout
    from localsynth.core.errors import DatasetError
    from localsynth.core.schema import Schema

    check_holdout(holdout)  # before a workspace is made for it
    options: dict[str, Any] = {
        "name": name,
        "target": target,
        "holdout": holdout,
        "policy": policy.value if policy is not None else None,
        "schema": Schema.load(schema) if schema is not None else None,
        "seed": seed,
        "replace": replace,
        "limits": limits_of(max_minutes, max_memory),
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
        " again: `localsynth forget` leaves none"
    )


def forget(
    name: Annotated[str, typer.Argument(metavar="DATASET", help="A dataset's name.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    keep_copies: Annotated[
        bool,
        typer.Option(
            "--keep-copies", help="Leave copies of the whole workspace, which hold it, where they are."
        ),
    ] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Forget a dataset: no byte of it stays in the workspace; the database is written anew, and searched.

    As `datasets remove`, and beside that prompts, checkpoints, logs, jobs, what the terminal UI keeps, and copies of the
    workspace from before it was brought up to date. What was spent of a privacy budget stays spent, and the audit log, which
    holds no data, stays. Files that were exported are yours: they are listed. What a disk keeps of removed files (journals,
    snapshots, spare blocks of an SSD, backups) is not in our hands: encrypt the disk.
    One that was cut off is finished by the same command.
    """
    space = open_workspace(workspace)
    what = space.to_forget(name)
    _tell(what, keep_copies=keep_copies)
    if not yes:
        confirm(f"Forget the dataset {what.dataset}, for good?")
    gone = space.forget(what.dataset, keep_copies=keep_copies, say=say)
    say(
        f"forgot the dataset {what.dataset}: {counted(what.rows, 'real row')}, {counted(len(what.runs), 'run')} with"
        f" {counted(what.made, 'row')}, {counted(len(what.adapters), 'adapter')}, {counted(len(what.jobs), 'job')};"
        f" the database has {gone.after / 1e6:,.1f} MB (before: {what.size / 1e6:,.1f})",
        "green",
    )
    for path in what.outside:
        hint(f"{path} was exported from it, and is yours to remove")
    for path in gone.kept:
        warn(f"{path} is a copy of the workspace from before, and may hold its rows")
    if gone.found:
        for place in gone.found:
            say(f"a value of it still stands in {place}", "red")
        raise typer.Exit(ExitCode.FAILED)
    if gone.searched:
        said = f"searched every file and table for {counted(gone.searched, 'value')} of it: none found"
        say(said, "green")
    else:
        hint("it had no value that tells it from everything else, to be searched for")


def _tell(what: ToForget, *, keep_copies: bool) -> None:
    """What will go, before it does."""
    say(
        f"{what.dataset}: {counted(what.rows, 'real row')}, {counted(len(what.runs), 'run')} with"
        f" {counted(what.made, 'row')}, {counted(len(what.adapters), 'adapter')}, {counted(len(what.jobs), 'job')};"
        f" the database, of {what.size / 1e6:,.1f} MB, is written anew, which needs as much free space"
    )
    for path in what.copies:
        size = path.stat().st_size / 1e6
        if keep_copies:
            warn(f"{path} ({size:,.1f} MB) holds what the workspace held when it was copied, and stays")
        else:
            warn(f"{path} ({size:,.1f} MB), a copy of the whole workspace from before, goes, too")
    if what.leaning:
        warn(
            f"{', '.join(what.leaning)}: made with an adapter learnt from it, for other datasets; they stay, delete them if"
            " they must be gone"
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
    from localsynth.workspace.auditing import left_query

    most = limit if limit is not None else (_ON_SCREEN if format is Format.TABLE else 0)
    space = open_workspace(workspace)
    table = space.sql_arrow(query, limit=most + 1 if most else None)
    if not sys.stdout.isatty():  # into a file, or another program
        left_query(space, "query printed", query, None, rows=table.num_rows, format=format.value)
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
    said = time.monotonic()

    def heard(rows: int) -> None:
        nonlocal said
        if time.monotonic() - said >= _TELL_EVERY_S:
            said = time.monotonic()
            say(f"{rows / found.rows_done:4.0%}  {rows:,} of {found.rows_done:,} rows written")

    path = space.export(found, output, format=format, overwrite=overwrite, heard=heard)
    say(f"wrote {counted(found.rows_done, 'row')} of {found.run_id} to {path}")
    if space.standing(found) not in {"finished", "short"}:
        hint(f"this run is {space.standing(found)}: {found.rows_done:,} of {found.rows_wanted:,} rows")
