"""One tree of errors, each with a sentence, a hint and the exit code the command line gives it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

__all__ = [
    "AdapterError",
    "AddFailed",
    "Cancelled",
    "ContextTooSmall",
    "DatasetError",
    "EngineDied",
    "EngineError",
    "ExitCode",
    "LocalsynthError",
    "ModelError",
    "ModelNotInstalled",
    "NotFound",
    "OutOfTime",
    "OverMemory",
    "PolicyError",
    "Problem",
    "RecipeChanged",
    "RecipeError",
    "RuleError",
    "RunError",
    "SchemaError",
    "SqlError",
    "StoreError",
    "StoreLocked",
    "StoreVersionError",
]


class ExitCode(IntEnum):
    """What the command line returns to the shell."""

    OK = 0
    FAILED = 1  # the run failed or fell short
    USAGE = 2  # wrong arguments, recipe, schema or data
    ENGINE = 3  # the model or the engine
    LOCKED = 4  # another process writes to the workspace
    INTERRUPTED = 130


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a file a person wrote: where, what, and what to write instead."""

    message: str
    hint: str = ""
    line: int | None = None
    path: str = ""  # dotted path inside the file, e.g. ``columns[3].range``


class LocalsynthError(Exception):
    """Base of all errors shown to people.

    Parameters
    ----------
    message : one sentence saying what is wrong, with the value that is wrong.
    hint : what to do about it; may be empty.
    """

    code: ExitCode = ExitCode.FAILED
    #: What of the message are cells of a table: for the person at the terminal, and for no file that is kept.
    cells: tuple[str, ...] = ()

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def kept(self) -> str:
        """The message as a log may keep it: without cells."""
        text = self.message
        for cell in sorted(self.cells, key=len, reverse=True):
            text = text.replace(cell, "a value")
        return text

    def __str__(self) -> str:
        return self.message


class RecipeError(LocalsynthError, ValueError):
    """A recipe, or an argument that overrides it, cannot be used; ``problems`` lists every mistake found."""

    code = ExitCode.USAGE

    def __init__(self, message: str, hint: str = "", problems: Sequence[Problem] = ()) -> None:
        super().__init__(message, hint)
        self.problems = tuple(problems)


class StatisticsError(RecipeError):
    """A file of published statistics, or a table beside it, cannot be used."""


class RecipeChanged(RecipeError):
    """A run cannot be resumed because its recipe is no longer the one that started it.

    ``diff`` is a unified diff from the recorded recipe to the present one.
    """

    def __init__(self, message: str, hint: str = "", diff: str = "") -> None:
        super().__init__(message, hint)
        self.diff = diff


class SchemaError(LocalsynthError, ValueError):
    """A schema is wrong; ``problems`` lists every mistake found, not only the first."""

    code = ExitCode.USAGE

    def __init__(self, message: str, hint: str = "", problems: Sequence[Problem] = ()) -> None:
        super().__init__(message, hint)
        self.problems = tuple(problems)


class RuleError(SchemaError):
    """A rule does not parse, does not yield a truth value, or was met by no row tried."""


class DatasetError(LocalsynthError, ValueError):
    """A data file or a dataset cannot be used as asked."""

    code = ExitCode.USAGE


class AdapterError(LocalsynthError, ValueError):
    """What was asked of an adapter cannot be done."""

    code = ExitCode.USAGE


class NotFound(LocalsynthError, LookupError):
    """Something was named that does not exist; the hint names the nearest that does."""

    code = ExitCode.USAGE


class PolicyError(LocalsynthError, PermissionError):
    """A dataset's owner allows less exposure than the method needs."""

    code = ExitCode.USAGE


class RunError(LocalsynthError, RuntimeError):
    """A run failed or is in a state that does not allow what was asked."""


class SqlError(LocalsynthError, ValueError):
    """A person's SQL was refused by the database."""


class StoreError(LocalsynthError, OSError):
    """The workspace cannot be read or written (read-only, disk full, damaged)."""


class StoreLocked(StoreError):
    """Another process holds the workspace; the message names its pid where it is known."""

    code = ExitCode.LOCKED


class StoreVersionError(StoreError):
    """The workspace was written by a newer localsynth."""

    code = ExitCode.USAGE


class ModelError(LocalsynthError, RuntimeError):
    """A model file is missing, damaged, changed or of a kind that cannot be used."""

    code = ExitCode.ENGINE


class AddFailed(ModelError):
    """A model could not be installed or registered."""


class ModelNotInstalled(ModelError):
    """A model is known by name but its file is not on this machine."""


class EngineError(LocalsynthError, RuntimeError):
    """The engine refused a request."""

    code = ExitCode.ENGINE


class EngineDied(EngineError):
    """The engine's process ended while it was wanted."""


class ContextTooSmall(EngineError):
    """One row, or the prompt and one row, does not fit the model's context."""


class OutOfTime(LocalsynthError):
    """The work reached its ``--max-minutes``."""


class OverMemory(LocalsynthError):
    """The work needs, or took, more memory than its ``--max-memory``."""

    code = ExitCode.ENGINE


class Cancelled(LocalsynthError):
    """A person asked for the work to stop."""

    code = ExitCode.INTERRUPTED
