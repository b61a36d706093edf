"""``fill``: the empty cells of a table that is known in part."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from localsynth.core.words import counted

from .options import MaxMemoryOption, MaxMinutesOption, WorkspaceOption, limits_of, open_workspace
from .output import err, print_text, say, warn

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("fill")(fill)


def fill(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="A recipe file, or the name of a packaged recipe.")
    ],
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The table with empty cells: csv, tsv, parquet, jsonl.")
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="OUT", help="Where the filled table goes; the suffix says how."
        ),
    ],
    adapter: Annotated[
        str | None,
        typer.Option(
            "--adapter", help="Fill with this adapter.  [default: the newest of the dataset and model]"
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="The seed, instead of the recipe's.")] = None,
    model: Annotated[str | None, typer.Option("--model", help="The model, instead of the recipe's.")] = None,
    threads: Annotated[int | None, typer.Option("--threads", help="Threads of the model.")] = None,
    encoding: Annotated[
        str | None, typer.Option("--encoding", help="Of a CSV or TSV file.  [default: utf-8]")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT if it exists.")] = False,
    max_minutes: MaxMinutesOption = None,
    max_memory: MaxMemoryOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Fill the empty cells of a table, each row given all that is known of it. Known cells stay as they are.

    The file is written when all rows are done, whole or not at all. Prints its path.
    """
    from localsynth.workspace.auditing import left
    from localsynth.workspace.files import check_place, format_of, save

    kind = format_of(output)
    check_place(output, overwrite=overwrite)
    space, limits = open_workspace(workspace), limits_of(max_minutes, max_memory)
    begun = time.monotonic()
    with err().status("loading", spinner="dots") as status:

        def step(stage: str, done: float, wanted: float) -> None:
            status.update(f"{stage} {done:,.0f}/{wanted:,.0f} rows")

        made = space.fill(
            recipe,
            file,
            adapter=adapter,
            seed=seed,
            model=model,
            threads=threads,
            encoding=encoding,
            limits=limits,
            say=lambda text, level: warn(text) if level == "warning" else say(text),
            step=step,
        )
    written = save(made.rows, output, kind, overwrite=overwrite)
    left(space, "filled table exported", written, rows=made.rows.num_rows, format=kind)
    seconds = time.monotonic() - begun
    say(
        f"{counted(made.cells, 'cell')} filled in {counted(made.rows.num_rows, 'row')}, in {seconds:.1f} s",
        "green",
    )
    if made.broken:
        warn(f"{counted(made.broken, 'filled row')} could not keep every rule and dependency")
    print_text([str(output)])
