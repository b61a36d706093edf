"""``adapters``: what methods learnt from rows and kept: list, show, export, rename, delete."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from localsynth.core.words import counted

from .options import Format, FormatOption, WorkspaceOption, in_workspace, open_workspace, use_workspace
from .output import confirm, hint, print_records, print_text, safe, say, warn

if TYPE_CHECKING:
    from localsynth.core.adapter import LearntAdapter

__all__ = ["register"]

adapters = typer.Typer(
    help="The adapters of the workspace: list, show, export, rename, delete.", invoke_without_command=True
)
Adapter = Annotated[
    str, typer.Argument(metavar="ADAPTER", help="An adapter's id or its beginning, or its name.")
]
_COLUMNS = ("adapter", "name", "dataset", "stale", "method", "model", "mb", "run", "created")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(adapters, name="adapters")


@adapters.callback()
def _adapters(context: typer.Context, workspace: WorkspaceOption = None) -> None:
    if context.invoked_subcommand is None:
        list_adapters(workspace=workspace)
    else:
        use_workspace(workspace)


@adapters.command("list")
def list_adapters(
    dataset: Annotated[
        str | None, typer.Option("--dataset", help="Only adapters learnt from this dataset.")
    ] = None,
    format: FormatOption = Format.TABLE,  # noqa: A002
    workspace: WorkspaceOption = None,
) -> None:
    """All adapters, newest first. A stale one was learnt from rows that its dataset no longer has."""
    found = open_workspace(workspace).adapters(dataset)
    rows = [
        {
            "adapter": one.adapter_id,
            "name": one.name,
            "dataset": one.dataset,
            "stale": one.stale,
            "method": one.method,
            "model": one.model,
            "mb": round(one.size / 1e6, 1),
            "run": one.run_id,
            "created": f"{one.created_at.astimezone():%Y-%m-%d %H:%M}",
        }
        for one in found
    ]
    print_records(rows, format, _COLUMNS)
    stale = sum(one.stale for one in found)
    if stale:
        hint(f"{counted(stale, 'adapter')} learnt from rows that were changed or imported anew since")


@adapters.command("show")
def show(adapter: Adapter, format: FormatOption = Format.TABLE, workspace: WorkspaceOption = None) -> None:  # noqa: A002
    """Where an adapter is from, how it was trained, and what it is for."""
    found = open_workspace(workspace).adapter(adapter)
    facts = _facts(found)
    if format is Format.JSON:
        print_text([json.dumps(facts, ensure_ascii=False, indent=2)])
    elif format is Format.TABLE:
        print_text(_lines(found))
    else:
        flat = {key: _flat(value) for key, value in facts.items()}
        print_records([flat], format, list(flat))


def _facts(one: LearntAdapter) -> dict[str, Any]:
    return {
        "adapter": one.adapter_id,
        "name": one.name,
        "dataset": one.dataset,
        "rows_sha256": one.rows_sha256,
        "stale": one.stale,
        "run": one.run_id,
        "method": one.method,
        "exposure": one.exposure.label,
        "model": one.model,
        "model_sha256": one.model_sha256,
        "architecture": one.architecture,
        "file": one.file,
        "sha256": one.sha256,
        "size": one.size,
        "created": one.created_at.isoformat(),
        "settings": dict(one.settings),
        "curve": [dict(point) for point in one.curve],
        "order": list(one.order),
        "recipe": json.loads(one.recipe_json),
    }


def _flat(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def _lines(one: LearntAdapter) -> list[str]:
    stale = "; the dataset has other rows now" if one.stale else ""
    facts = {
        "adapter": one.adapter_id,
        "name": one.name or "",
        "dataset": f"{one.dataset} (exposure: {one.exposure.label}{stale})",
        "run": one.run_id,
        "method": one.method,
        "model": f"{one.model} ({one.architecture}, {one.model_sha256[:12]})",
        "file": f"{one.file} ({one.size / 1e6:,.1f} MB, sha256 {one.sha256[:12]})",
        "created": f"{one.created_at.astimezone():%Y-%m-%d %H:%M:%S}",
        "settings": ", ".join(
            # What is told of each column is for programs, and long.
            f"{key} {_shown(value)}"
            for key, value in one.settings.items()
            if not isinstance(value, dict)
        ),
        "order": ", ".join(one.order),
    }
    lines = [f"{name:<9} {safe(value)}" for name, value in facts.items() if value]
    return lines + [
        f"{'curve' if at == 0 else '':<9} {safe(', '.join(f'{key} {_shown(value)}' for key, value in point.items()))}"
        for at, point in enumerate(one.curve)
    ]


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    return f"{value:.6g}" if isinstance(value, float) else str(_flat(value))


@adapters.command("export")
def export(
    adapter: Adapter,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write: NAME.gguf.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it exists.")] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Even where the dataset's policy allows no rows to be seen.")
    ] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Copy an adapter's GGUF file out of the workspace."""
    space = open_workspace(workspace)
    found = space.adapter(adapter)
    path = space.export_adapter(found, output, overwrite=overwrite, anyway=yes)
    warn(
        f"an adapter holds what it learnt from real rows of {found.dataset}, and can give rows away: whoever has {path} and"
        f" the model can ask it for them"
    )
    say(f"wrote {path} ({found.size / 1e6:,.1f} MB), an adapter for {found.model}")


@adapters.command("rename")
def rename(
    adapter: Adapter,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it; '' for nothing.")],
    workspace: WorkspaceOption = None,
) -> None:
    """Give an adapter a name to be called by in recipes and here."""
    made = open_workspace(workspace).rename_adapter(adapter, name or None)
    say(f"{made.adapter_id} is called {made.name}" if made.name else f"{made.adapter_id} has no name")


@adapters.command("delete")
def delete(
    adapter: Adapter,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Delete an adapter and its file; rows made with it stay."""
    space = open_workspace(workspace)
    found = space.adapter(adapter)
    if not yes:
        confirm(f"Delete the adapter {found.label}, learnt from {found.dataset}?")
    space.delete_adapter(found)
    say(f"deleted the adapter {found.label}")
    if any(run.run_id == found.run_id for run in space.runs(found.dataset)):
        hint(
            f"the rows of the run that learnt it stay: localsynth runs show {found.run_id}{in_workspace(workspace)}"
        )
