"""``schema suggest`` and ``schema order``: what the rows tell about themselves, and the order that follows from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from localsynth.core.words import counted

from .options import Format, FormatOption, WorkspaceOption, in_workspace, open_workspace
from .output import hint, print_records, print_text, safe, say, warn

if TYPE_CHECKING:
    from localsynth.core.finding import Found
    from localsynth.core.ordering import Ordering
    from localsynth.workspace import Workspace

__all__ = ["register"]

Name = Annotated[str, typer.Argument(metavar="DATASET", help="A dataset's name.")]


def register(schema: typer.Typer) -> None:
    """Add the commands to the group ``schema``."""
    schema.command("suggest")(suggest)
    schema.command("order")(order)


def suggest(
    name: Name,
    accept: Annotated[
        list[str] | None,
        typer.Option(
            "--accept", help="Write this into the schema: a name as printed, or all. Can be repeated."
        ),
    ] = None,
    format: FormatOption = Format.TABLE,  # noqa: A002
    workspace: WorkspaceOption = None,
) -> None:
    """Dependencies, keys and rules found in the train rows, with the evidence. Only --accept changes anything."""
    space = open_workspace(workspace)
    found = space.suggest(name)
    if format is Format.JSON:
        print_text([found.to_json()])
    elif format is Format.TABLE:
        print_text(safe(line) for line in _lines(found))
    else:
        print_records(list(_records(found)), format, ["kind", "name", "check", "rows", "evidence"])
    if format is not Format.JSON:
        for note in found.left_out:
            hint(f"left out: {note}")
    if accept:
        _accept(space, name, accept, found)
    elif found.dependencies or found.rules:
        hint(
            f"to write it into the schema: localsynth schema suggest {name} --accept all{in_workspace(workspace)}"
        )


def _accept(space: Workspace, name: str, accept: list[str], found: Found) -> None:
    done = space.accept(name, None if "all" in accept else accept, found=found)
    for sentence in done.left:
        warn(f"not accepted: {sentence}")
    taken = f"{_many(len(done.dependencies))} and {counted(len(done.rules), 'rule')}"
    say(f"the schema of {name} has {taken} more", "green")
    if done.dependencies or done.rules:
        hint("the schema now tells of the rows, as an inferred one does: it is marked so")


def _many(count: int) -> str:
    return f"{count:,} {'dependency' if count == 1 else 'dependencies'}"


def _records(found: Found) -> Iterator[dict[str, Any]]:
    for one in found.dependencies:
        kind = "dependency" if one.exact else "near dependency"
        yield {"kind": kind, "name": one.name, "check": "", "rows": one.rows, "evidence": one.evidence}
    for key in found.keys:
        yield {"kind": "key", "name": key.name, "check": "", "rows": key.rows, "evidence": key.evidence}
    for rule in found.rules:
        yield {
            "kind": rule.kind,
            "name": rule.name,
            "check": rule.check,
            "rows": rule.rows,
            "evidence": rule.evidence,
        }


def _lines(found: Found) -> Iterator[str]:
    """For people: a name, and the evidence below it."""
    records = list(_records(found))
    if not records:
        yield "nothing was found"
    for record in records:
        yield f"{record['kind']}: {record['name']}"
        if record["check"]:
            yield f"  {record['check']}"
        yield f"  {record['evidence']}"


def order(
    name: Name,
    first: Annotated[str | None, typer.Option("--first", help="A column to stand first.")] = None,
    fix: Annotated[
        list[str] | None,
        typer.Option(
            "--fix", help="A column to stand where you name it, before all others. Can be repeated."
        ),
    ] = None,
    format: FormatOption = Format.TABLE,  # noqa: A002
    workspace: WorkspaceOption = None,
) -> None:
    """An order of the columns: what determines before what is determined, like beside like; and why."""
    made = open_workspace(workspace).order(name, first=first, fixed=fix or ())
    if format is Format.JSON:
        print_text([json.dumps(asdict(made), ensure_ascii=False)])
        return
    for line in _edges(made):
        say(line)
    rows = [
        {"place": at, "column": column, "why": made.placed[column]} for at, column in enumerate(made.order, 1)
    ]
    if format is Format.TABLE:
        width = max(len(safe(column)) for column in made.order)
        print_text(f"{row['place']:>3}  {safe(row['column']):<{width}}  {safe(row['why'])}" for row in rows)
    else:
        print_records(rows, format, ["place", "column", "why"])


def _edges(made: Ordering) -> Iterator[str]:
    for edge in made.edges:
        yield f"{edge.before} before {edge.after}: {edge.why}"
    for circle in made.components:
        yield f"in a circle: {', '.join(circle)}"
