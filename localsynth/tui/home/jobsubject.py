"""Which dataset and which method a job is about."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localsynth.core.errors import LocalsynthError

if TYPE_CHECKING:
    from localsynth.workspace import Job, JobState, Workspace

__all__ = ["Subjects"]


class Subjects:
    """Finds it out once for each job, and keeps it."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._runs: dict[str, tuple[str, str]] = {}  # dataset and method, by run id
        self._missing: set[str] = set()  # runs that the workspace does not have

    def of(self, space: Workspace, job: Job, state: JobState) -> str:
        """Dataset and method in a few words, as far as that can be told; asked in a thread."""
        if job.id in self._known:
            return self._known[job.id]
        runs = state.run_ids or tuple(getattr(job.request, "runs", ())) or tuple(state.result.get("runs", ()))
        if not runs and job.kind == "resume":
            runs = (str(getattr(job.request, "run", "")),)
        found = self._made(space, runs) or _asked(job)
        if state.over or (found and state.run_ids):
            self._known[job.id] = found
        return found

    def _made(self, space: Workspace, runs: Sequence[str]) -> str:
        """Of runs that are recorded: the dataset of the first, and all their methods."""
        unknown = [run for run in runs if run not in self._runs and run not in self._missing]
        if unknown and space.exists:
            with suppress(LocalsynthError):
                self._runs = {one.run_id: (one.dataset, one.method) for one in space.runs()}
                self._missing |= {run for run in unknown if run not in self._runs}
        found = [self._runs[run] for run in runs if run in self._runs]
        return ", ".join(dict.fromkeys([*(one[0] for one in found), *(one[1] for one in found)]))


def _asked(job: Job) -> str:
    """By what was asked for."""
    if job.kind == "import":
        source = str(getattr(job.request, "source", ""))
        return str(getattr(job.request, "name", None) or Path(source.rpartition(":")[2]).stem)
    return _of_recipe(getattr(job.request, "recipe", None), getattr(job.request, "path", None))


def _of_recipe(text: str | None, path: str | None) -> str:
    """The dataset and the method that a recipe names."""
    with suppress(OSError, ValueError, RecursionError):  # it is checked elsewhere
        read = Path(path).read_text(encoding="utf-8") if text is None and path is not None else text or ""
        data = tomllib.loads(read)
        return ", ".join(word for table in ("dataset", "method") if (word := _name(data.get(table))))
    return ""


def _name(table: Any) -> str:
    return str(table.get("name", "")) if isinstance(table, dict) else ""
