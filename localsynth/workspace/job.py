"""A job's own process: does what the request in its folder asks for, and says how far it is.

    python -m localsynth.workspace.job FOLDER DESCRIPTOR

The descriptor is that of the job's lock, held already; it stays held until this process ends, however it ends. SIGINT and
SIGTERM come blocked, and are let in when there is someone to judge them. Jobs of the queue come here when it is their turn.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from localsynth.core.errors import DatasetError, ExitCode, LocalsynthError
from localsynth.core.evaluation import NotKept
from localsynth.core.events import Event, Notice, RunStarted
from localsynth.core.recipe import DatasetSpec, Recipe
from localsynth.core.run import Run, Status
from localsynth.core.schema import Schema
from localsynth.core.tomlfile import read_text
from localsynth.core.tracing import install, named, trace
from localsynth.runs.control import interruptible
from localsynth.runs.watch import end_process_by
from localsynth.store.audit import refused_network

from . import Control, Workspace
from .jobfiles import Failure, Phase, StatusFile, StatusReader
from .jobrequests import EvaluateRequest, ImportRequest, Request, ResumeRequest, RunRequest, read_request
from .sources import SAMPLE

__all__ = ["main"]

_STEP_EVERY_S = 0.25  # in the file


def main(folder: Path, lock: int) -> ExitCode:
    """Do the job in ``folder``, and give the exit code. lock : the descriptor of its lock."""
    os.set_inheritable(lock, False)  # what this process starts must not keep the job alive
    status = StatusFile(folder)
    end_process_by(partial(_given_up, status))
    try:
        return _job(folder, status)
    except KeyboardInterrupt:  # a second signal, while the first was being told
        status.add(phase=Phase.STOPPED)
        return ExitCode.INTERRUPTED


def _job(folder: Path, status: StatusFile) -> ExitCode:
    status.add(phase=Phase.STARTING)
    control = Control()
    with interruptible(control, lambda _text: status.add(stopping=True)):
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
            _, _, request = read_request(folder)
            space = Workspace(folder.parent.parent)
            work = _Work(space, control, status)
            status.add(phase=Phase.RUNNING)
            phase, result = work.do(request)
        except KeyboardInterrupt:
            status.add(phase=Phase.STOPPED)
            return ExitCode.INTERRUPTED
        except LocalsynthError as error:
            return _failed(status, Failure.of(error))
        except Exception as error:  # noqa: BLE001 - nobody else is there to tell it; the log has the rest
            sys.stderr.write(trace(error))
            if StatusReader(folder).read().stopping:  # what a library made of the interrupt
                status.add(phase=Phase.STOPPED)
                return ExitCode.INTERRUPTED
            what = f"something went wrong inside localsynth: {named(error)}"
            return _failed(status, Failure(what, f"this is our mistake; {folder / 'log'} shows where"))
        if space.exists:
            refused_network(space.store)
        status.add(phase=phase, result=result)
    return ExitCode.OK if phase is Phase.DONE else ExitCode.INTERRUPTED


def _given_up(status: StatusFile, error: LocalsynthError) -> NoReturn:
    """What cannot be told to stop any more is ended with its process."""
    os._exit(_failed(status, Failure.of(error)))


def _failed(status: StatusFile, failure: Failure) -> ExitCode:
    status.add(phase=Phase.FAILED, error=asdict(failure))
    return failure.code


class _Work:
    """The ways to do a job; each gives how it ended, and what it made."""

    def __init__(self, space: Workspace, control: Control, status: StatusFile) -> None:
        self._space, self._control, self._status = space, control, status
        self._started = False
        self._step_at = float("-inf")

    def do(self, request: Request) -> tuple[Phase, dict[str, Any]]:
        """What is asked for. Raises what the workspace raises."""
        match request:
            case RunRequest():
                return self._made(self._run(request))
            case ResumeRequest():
                return self._made(
                    self._space.resume(
                        request.run,
                        as_recorded=request.as_recorded,
                        limits=request.limits,
                        on_event=self._heard,
                        control=self._control,
                    )
                )
            case EvaluateRequest():
                return self._evaluate(request)
            case ImportRequest():
                return self._import(request)

    def _run(self, request: RunRequest) -> Run:
        return self._space.run(
            _recipe(request),
            rows=request.rows,
            seed=request.seed,
            model=request.model,
            threads=request.threads,
            where=request.where,
            run_id=request.run_id,
            limits=request.limits,
            on_event=self._heard,
            control=self._control,
        )

    def _made(self, run: Run) -> tuple[Phase, dict[str, Any]]:
        members = self._space.members_of(run)
        both = [run] if members is None else [run, members]
        for one in both:
            self._status.add(run=one.run_id)
        last = both[-1]
        phase = Phase.DONE if last.status in {Status.FINISHED, Status.SHORT} else Phase.STOPPED
        result = {"runs": [one.run_id for one in both], "dataset": run.dataset, "rows": run.rows_done}
        return phase, {**result, "status": last.status.value, "message": last.message}

    def _evaluate(self, request: EvaluateRequest) -> tuple[Phase, dict[str, Any]]:
        try:
            found = self._space.evaluate(
                *request.runs,
                against=request.against,
                metrics=request.metrics,
                seed=request.seed,
                threads=request.threads,
                outside_budget=request.outside_budget,
                limits=request.limits,
                on_step=self._evaluated,
                on_warning=self._left_out,
            )
        except NotKept as error:  # its hint is for who has the scores on the screen
            lost = LocalsynthError(error.message, "evaluate once more when the workspace is free")
            lost.code = error.code
            raise lost from error
        return Phase.DONE, {"runs": [run.run_id for run in found.runs], "against": request.against}

    def _import(self, request: ImportRequest) -> tuple[Phase, dict[str, Any]]:
        options: dict[str, Any] = {
            "name": request.name,
            "target": request.target,
            "holdout": request.holdout,
            "policy": request.policy,
            "schema": _schema(request),
            "seed": request.seed,
            "replace": request.replace,
            "limits": request.limits,
        }
        if not request.source.startswith(SAMPLE):
            made = self._space.import_file(request.source, encoding=request.encoding, **options)
        elif request.encoding is not None:
            raise DatasetError("a sample is no text file", "leave out the encoding")
        else:
            made = self._space.import_sample(request.source, **options)
        return Phase.DONE, {"dataset": made.name, "rows": made.rows}

    def _heard(self, event: Event) -> None:
        """Which run it is; the run itself tells the rest in its own file. Before it begins, what is being waited for."""
        if isinstance(event, RunStarted):
            self._started = True
            self._status.add(run=event.run_id)
        elif isinstance(event, Notice) and not self._started:
            self._status.add(step={"done": 0, "total": 0, "text": event.text})

    def _left_out(self, error: LocalsynthError) -> None:
        self._status.add(note=f"{error.kept} ({error.hint})" if error.hint else error.kept)

    def _evaluated(self, done: int, total: int, subject: str, metric: str) -> None:
        now = time.monotonic()
        if now - self._step_at >= _STEP_EVERY_S:
            self._step_at = now
            self._status.add(step={"done": done, "total": total, "text": f"{subject} {metric}".strip()})


def _recipe(request: RunRequest) -> Recipe | Path:
    """The file, where it says what is asked for; else the text, with paths as they would be found from the file."""
    path = Path(request.path) if request.path is not None else None
    if path is not None and (request.recipe is None or read_text(path, "recipe") == request.recipe):
        return path
    recipe = Recipe.from_toml(request.recipe or "", path)
    return recipe if path is None else _from(path.parent, recipe)


def _from(folder: Path, recipe: Recipe) -> Recipe:
    def found(spec: DatasetSpec) -> DatasetSpec:
        given = {"source": spec.source, "schema_file": spec.schema_file, "statistics": spec.statistics}
        files = {key: value for key, value in given.items() if value and not value.startswith(SAMPLE)}
        return spec.model_copy(update={key: str(folder / value) for key, value in files.items()})

    members = recipe.members
    if members is not None:
        members = members.model_copy(update={"dataset": found(members.dataset)})
    return recipe.model_copy(update={"dataset": found(recipe.dataset), "members": members})


def _schema(request: ImportRequest) -> Schema | None:
    if request.schema is not None:
        return Schema.from_toml(request.schema)
    return Schema.load(Path(request.schema_file)) if request.schema_file is not None else None


if __name__ == "__main__":
    install()
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
