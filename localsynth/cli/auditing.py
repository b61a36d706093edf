"""``audit``: who brought real data in, showed it to a model, left it in a file or removed it; and whether that log is whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from localsynth.core.errors import ExitCode
from localsynth.core.words import counted

from .options import Format, FormatOption, WorkspaceOption, open_workspace, use_workspace
from .output import hint, print_records, print_text, say

if TYPE_CHECKING:
    from localsynth.store.audit import AuditEntry

__all__ = ["register"]

DatasetOption = Annotated[
    str | None, typer.Option("--dataset", help="Only of this dataset, also if it is gone.")
]
RunOption = Annotated[str | None, typer.Option("--run", help="Only of this run, also if it is gone.")]
_COLUMNS = ("number", "time", "user", "program", "what", "dataset", "run", "more", "hash")
_OFTEN = {"dataset", "run"}
audit = typer.Typer(
    help="The audit log of the workspace: show it, verify it.\n\n"
    "The file audit.jsonl says who imported, changed, ran, judged, exported and removed what, with which exposure, model"
    " and hashes of prompts; never a cell, a prompt or a query. Each entry holds the hash of the one before.",
    invoke_without_command=True,
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(audit, name="audit")


@audit.callback()
def _audit(
    context: typer.Context,
    format: FormatOption = Format.TABLE,  # noqa: A002
    dataset: DatasetOption = None,
    run: RunOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    if context.invoked_subcommand is None:
        show(format, dataset, run, workspace)
    else:
        use_workspace(workspace)


@audit.command("show")
def show(
    format: FormatOption = Format.TABLE,  # noqa: A002
    dataset: DatasetOption = None,
    run: RunOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Print the entries, the oldest first."""
    found = open_workspace(workspace).audit(dataset, run)
    print_records(
        [_row(entry) for entry in found], format, _COLUMNS if format is not Format.TABLE else _COLUMNS[:-1]
    )


def _row(entry: AuditEntry) -> dict[str, Any]:
    about = entry.about
    runs = about.get("run") or " ".join(about.get("runs", ()))
    said = {key: value for key, value in about.items() if key not in _OFTEN}
    more = "; ".join(
        f"{key}: {value if isinstance(value, str) else json.dumps(value)}" for key, value in said.items()
    )
    return {
        "number": entry.number,
        "time": entry.time.isoformat(timespec="seconds"),
        "user": f"{entry.user}@{entry.who.get('host', '')}",
        "program": str(entry.who.get("program", "")),
        "what": entry.what,
        "dataset": about.get("dataset") or "",
        "run": runs,
        "more": more,
        "hash": entry.hash,
    }


@audit.command("verify")
def verify(
    head: Annotated[
        str | None,
        typer.Option(
            "--head", help="A hash written down elsewhere (or its beginning) that must be in the log."
        ),
    ] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Look whether the log is whole, and compute the hashes of all prompts that are still there again.

    Found are entries that were changed, taken out or cut off, and prompts that are not those the models were shown. Who can
    write to the workspace can write the log and the database anew: write the hash that is printed down elsewhere, and say
    it with --head the next time.
    """
    found = open_workspace(workspace).verify_audit(head)
    for note in found.notes:
        say(f"note: {note}", "yellow")
    for flaw in found.flaws:
        say(f"audit log: {flaw}", "red")
    print_text([found.head])
    entries = f"{found.entries:,} {'entry' if found.entries == 1 else 'entries'}"
    if not found.whole:
        say(f"{entries}; {counted(len(found.flaws), 'flaw')}", "red")
        raise typer.Exit(ExitCode.FAILED)
    say(
        f"the audit log is whole: {entries}; {counted(found.prompts, 'prompt')} of {counted(found.runs, 'run')} as told",
        "green",
    )
    if head is None:
        hint(
            "write the hash above down elsewhere: `localsynth audit verify --head HASH` then tells a log written anew"
        )
