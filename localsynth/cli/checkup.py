"""``doctor``: what there is, and whether it is well."""

from __future__ import annotations

from typing import Annotated

import typer

from localsynth.core.errors import ExitCode

from .options import Format, FormatOption, WorkspaceOption, open_workspace
from .output import print_records, print_text, safe, say

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor(
    format: FormatOption = Format.TABLE,  # noqa: A002
    workspace: WorkspaceOption = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Try every way to the network, and see that each is refused.")
    ] = False,
) -> None:
    """Versions, models, threads, memory, workspace; and proof that no process of ours holds a socket."""
    bad = 0
    rows = []
    width = 42 if offline else 22
    for finding in open_workspace(workspace).doctor(offline=offline):
        bad += finding.state == "bad"
        rows.append(
            {"what": finding.what, "state": finding.state, "found": finding.found, "hint": finding.hint}
        )
        if format is Format.TABLE:
            mark = {"ok": "ok  ", "note": "note", "bad": "BAD "}[finding.state]
            advice = f"  ({finding.hint})" if finding.hint else ""
            print_text([f"{mark}  {finding.what:<{width}}  {safe(finding.found)}{safe(advice)}"])
    if format is not Format.TABLE:
        print_records(rows, format, ["what", "state", "found", "hint"])
    if bad:
        say(f"{bad} of {len(rows)} things are not well", "red")
        raise typer.Exit(ExitCode.ENGINE)
    say("all is well", "green")
