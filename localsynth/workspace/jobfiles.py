"""How far a job is and how it ended, in a file of its folder that is read without the database.

A job's folder holds ``request.json``, written once; ``status.jsonl``, appended to, one JSON object a line; ``lock``, held by
the process that works; and ``log``, what that process prints. None of them holds a table's rows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from localsynth.core.errors import ExitCode, LocalsynthError, Problem
from localsynth.runs.statusfile import Phase, StatusFile

__all__ = ["Failure", "JobFailed", "JobState", "JobStep", "Phase", "StatusFile", "StatusReader"]


@dataclass(frozen=True)
class JobStep:
    """What is being done; ``total`` is 0 where it is not known how much there is."""

    done: int
    total: int
    text: str


@dataclass(frozen=True)
class Failure:
    """An error as data. kind : the name of its class. diff : of a recipe that changed."""

    message: str
    hint: str = ""
    code: ExitCode = ExitCode.FAILED
    problems: tuple[Problem, ...] = ()
    diff: str = ""
    kind: str = "LocalsynthError"

    @classmethod
    def of(cls, error: LocalsynthError) -> Failure:
        """What there is to say of it, but cells: the file is kept."""
        problems, diff = getattr(error, "problems", ()), getattr(error, "diff", "")
        return cls(error.kept, error.hint, error.code, tuple(problems), diff, type(error).__name__)

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Failure:
        """Out of a line of JSON."""
        problems = tuple(Problem(**problem) for problem in data.get("problems", ()))
        return cls(**{**data, "code": ExitCode(data.get("code", 1)), "problems": problems})

    def raised(self) -> JobFailed:
        """The error again, for who asked for the job."""
        error = JobFailed(self.message, self.hint)
        error.code, error.problems, error.diff = self.code, self.problems, self.diff
        return error


class JobFailed(LocalsynthError):
    """A job ended with an error: its sentence, hint, problems and exit code."""

    problems: tuple[Problem, ...] = ()
    diff: str = ""


@dataclass(frozen=True)
class JobState:
    """How far a job is.

    run_ids : of the runs it makes or takes up, as soon as they begin; the second is that of the members of the first's rows.
    stopping : someone asked it to stop. notes : what it went on without. result : what it made, in names and numbers.
    """

    phase: Phase = Phase.STARTING
    run_ids: tuple[str, ...] = ()
    step: JobStep | None = None
    stopping: bool = False
    notes: tuple[str, ...] = ()
    error: Failure | None = None
    result: Mapping[str, Any] = field(default_factory=dict)

    @property
    def run_id(self) -> str | None:
        """The run it is about, once that has begun."""
        return self.run_ids[0] if self.run_ids else None

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self.phase not in {Phase.STARTING, Phase.QUEUED, Phase.RUNNING}


class StatusReader:
    """The end that is read from: each call goes on where the last one stopped."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "status.jsonl"
        self._offset = 0
        self._state = JobState()

    def read(self) -> JobState:
        """What is said so far; a line that has not ended yet is left for the next call."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except OSError:
            return self._state
        end = data.rfind(b"\n") + 1
        for line in filter(None, data[:end].split(b"\n")):
            self._state = _after(self._state, line)
        self._offset += end
        return self._state


def _after(state: JobState, line: bytes) -> JobState:
    """The state after one more line; a torn one, or one of a newer version, changes nothing."""
    try:
        said = json.loads(line.decode("utf-8", "surrogateescape"))
        if "phase" in said:
            state = replace(state, phase=Phase(said["phase"]))
        if "run" in said and said["run"] not in state.run_ids:
            state = replace(state, run_ids=(*state.run_ids, str(said["run"])))
        if "step" in said:
            state = replace(state, step=JobStep(**said["step"]))
        if "note" in said:
            state = replace(state, notes=(*state.notes, str(said["note"])))
        if "error" in said:
            state = replace(state, error=Failure.read(said["error"]))
        return replace(
            state,
            stopping=state.stopping or bool(said.get("stopping")),
            result=dict(said.get("result") or state.result),
        )
    except (ValueError, TypeError, AttributeError, RecursionError):
        return state
