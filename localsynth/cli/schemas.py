"""``schema``: show, export, check and set the description of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from localsynth.core.words import counted

from . import suggesting
from .options import Format, FormatOption, Policy, WorkspaceOption, in_workspace, open_workspace
from .output import hint, print_records, print_text, say

__all__ = ["register"]

schema = typer.Typer(
    help="The description of a table: show, export, check, set; what its rows tell.", no_args_is_help=True
)
Name = Annotated[str, typer.Argument(metavar="DATASET", help="A dataset's name.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    suggesting.register(schema)
    app.add_typer(schema, name="schema")


@schema.command("show")
def show(
    name: Annotated[
        str | None, typer.Argument(metavar="DATASET", help="A dataset; without it, all are listed.")
    ] = None,
    format: FormatOption = Format.TABLE,  # noqa: A002
    workspace: WorkspaceOption = None,
) -> None:
    """The columns of a dataset, or all datasets."""
    space = open_workspace(workspace)
    if name is None:
        rows = [
            {
                "dataset": d.name,
                "rows": d.rows,
                "train": d.train_rows,
                "holdout": d.holdout_rows,
                "columns": len(d.schema.columns),
                "rules": len(d.schema.rules),
                "policy": d.policy.label,
                "source": d.source,
            }
            for d in space.datasets()
        ]
        print_records(
            rows, format, ["dataset", "rows", "train", "holdout", "columns", "rules", "policy", "source"]
        )
        return
    dataset = space.dataset(name)
    print_records(
        [_column(column) for column in dataset.schema.columns],
        format,
        list(_column(dataset.schema.columns[0])),
    )
    for rule in dataset.schema.rules:
        say(f"rule: {rule.check}" + (f"  ({rule.name})" if rule.name else ""))
    say(
        f"policy: {dataset.policy.label}"
        + (f", target: {dataset.schema.target}" if dataset.schema.target else "")
    )


def _column(column: object) -> dict[str, str | None]:
    def get(key: str) -> object:
        return getattr(column, key, None)

    bounds, categories = get("range"), get("categories")
    if isinstance(categories, dict):
        values = ", ".join(categories)
    elif isinstance(bounds, tuple):
        values = f"{bounds[0]} to {bounds[1]}"
    elif get("kind") == "text":
        values = f"{get('min_length')} to {get('max_length')} characters"
    else:
        values = ""
    rate = get("null_rate")
    missing = f"{rate:.1%}" if isinstance(rate, float) else "allowed" if get("nullable") else "no"
    return {
        "column": str(get("name")),
        "kind": str(get("kind")),
        "unit": str(get("unit") or ""),
        "values": values,
        "missing": missing,
        "description": str(get("description") or ""),
    }


@schema.command("export")
def export(
    name: Name,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file, instead of standard output.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it exists.")] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Print a dataset's schema as TOML, to be edited and put back with `schema set`."""
    from localsynth.workspace.auditing import left
    from localsynth.workspace.files import save_text

    space = open_workspace(workspace)
    found = space.dataset(name)
    text = found.schema.to_toml()
    if output is None:
        print_text(text.splitlines())
        return
    left(space, "schema exported", save_text(text, output, overwrite=overwrite), dataset=found.name)
    say(f"wrote {output}")
    there = in_workspace(workspace)
    hint(
        f"after editing: localsynth schema check {output}, then localsynth schema set {name} {output}{there}"
    )


@schema.command("check")
def check(file: Annotated[Path, typer.Argument(metavar="FILE", help="A schema file.")]) -> None:
    """Say everything that is wrong with a schema file, and where; also whether its rules can be kept."""
    from localsynth.core.schema import Schema
    from localsynth.workspace.checking import check_schema

    found = Schema.load(file)
    check_schema(found)
    say(
        f"{file}: good: {counted(len(found.columns), 'column')}, {counted(len(found.rules), 'rule')}", "green"
    )


@schema.command("set")
def set_(
    name: Name,
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="A schema file.")] = None,
    policy: Annotated[
        Policy | None, typer.Option("--policy", help="How much a model may see from now on.")
    ] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Replace a dataset's schema or policy; a name that is new declares a dataset without rows."""
    from localsynth.core.errors import SchemaError
    from localsynth.core.schema import Schema
    from localsynth.workspace.checking import check_schema

    if file is None and policy is None:
        raise SchemaError("nothing to set", "give a schema file, or --policy schema|statistics|rows")
    space = open_workspace(workspace)
    if file is not None:
        new = Schema.load(file)
        check_schema(new)
        if any(dataset.name == name for dataset in space.init().datasets()):
            space.set_schema(name, new)
            say(
                f"dataset {name} has a new schema: {counted(len(new.columns), 'column')},"
                f" {counted(len(new.rules), 'rule')}",
                "green",
            )
            if new.inferred:
                hint(
                    "its line 'inferred = true' says that ranges and categories were read off rows: a privacy budget (epsilon)"
                    " needs them checked by a person, and that line deleted"
                )
        else:
            space.declare(name, new, policy=policy.value if policy else "schema")
            say(f"declared dataset {name}: {counted(len(new.columns), 'column')}, no rows", "green")
    if policy is not None:
        space.set_policy(name, policy.value)
        say(f"a model may now see of {name}: {policy.value}", "green")
