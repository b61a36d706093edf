"""Arguments and options that several commands share, and how a command gets at its workspace."""

from __future__ import annotations

import os
import shlex
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeAlias

import typer

if TYPE_CHECKING:
    from localsynth.core.errors import LocalsynthError
    from localsynth.core.limits import Limits
    from localsynth.workspace import Workspace

__all__ = [
    "Format",
    "FormatOption",
    "MaxMemoryOption",
    "MaxMinutesOption",
    "Policy",
    "RunArgument",
    "WorkspaceOption",
    "in_workspace",
    "limits_of",
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

MaxMinutesOption: TypeAlias = Annotated[
    float | None,
    typer.Option("--max-minutes", metavar="MINUTES", help="Stop after so long; what is made is kept."),
]
MaxMemoryOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--max-memory",
        metavar="SIZE",
        help="The most memory, as 800MB or 4GB, for all its processes.  [default: $LOCALSYNTH_MAX_MEMORY]",
    ),
]


def limits_of(minutes: float | None, memory: str | None) -> Limits:
    """The limits a command was given. Raises ``RecipeError``. The command's process is ended where it cannot keep them."""
    from localsynth.core.limits import Limits, check_minutes, parse_size
    from localsynth.runs.watch import end_process_by

    end_process_by(_give_up)
    return Limits(
        None if minutes is None else check_minutes(minutes), None if memory is None else parse_size(memory)
    )


def _give_up(error: LocalsynthError) -> NoReturn:
    from .output import show_error

    show_error(error)
    os._exit(error.code)


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
