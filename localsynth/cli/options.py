"""Arguments and options that several commands share, and how a command gets at its workspace."""

from __future__ import annotations

import os
import shlex
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

if TYPE_CHECKING:
    from localsynth.workspace import Workspace

__all__ = [
    "Format",
    "FormatOption",
    "Policy",
    "RunArgument",
    "WorkspaceOption",
    "in_workspace",
    "open_workspace",
    "use_workspace",
]


class Format(StrEnum):
    """How a table is written to standard output."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


class Policy(StrEnum):
    """How much of the real table a model may see."""

    SCHEMA = "schema"
    STATISTICS = "statistics"
    ROWS = "rows"


WorkspaceOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--workspace", help="The workspace folder.  [default: $LOCALSYNTH_WORKSPACE, else ./workspace]"
    ),
]
FormatOption: TypeAlias = Annotated[Format, typer.Option("--format", help="How to print the result.")]
RunArgument: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="RUN", help="A run's id or its beginning, a dataset's name (its latest run), or 'last'."
    ),
]


def open_workspace(folder: Path | None) -> Workspace:
    """The workspace a command works on; imported here, so that ``--help`` need not load it."""
    from localsynth.workspace import Workspace

    return Workspace(folder)


def use_workspace(folder: Path | None) -> None:
    """The workspace of all that follows, named before a group's command: ``localsynth adapters --workspace DIR list``."""
    if folder is not None:
        os.environ["LOCALSYNTH_WORKSPACE"] = str(folder)


def in_workspace(folder: Path | None) -> str:
    """What a command to be typed next must end with to work on the same workspace; empty where none was named."""
    return f" --workspace {shlex.quote(str(folder))}" if folder is not None else ""
