"""Work in a process of its own, which goes on when the one that started it ends: runs, evaluations, imports."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

from localsynth.core.errors import LocalsynthError, NotFound, RunError, StoreError
from localsynth.core.nearest import nearest
from localsynth.core.recipe import Recipe
from localsynth.core.run import Run
from localsynth.core.tomlfile import read_text
from localsynth.core.words import counted
from localsynth.engine.child import finding_us
from localsynth.runs.lock import alive, being_made, holder
from localsynth.runs.queue import alone, before, places, take_ticket, waiting
from localsynth.sealed import command
from localsynth.store import trouble

from .base import Base
from .choosing import new_run_id
from .jobfiles import Failure, JobState, JobStep, Phase, StatusFile, StatusReader
from .jobrequests import (
    REQUESTS,
    ImportRequest,
    Request,
    ResumeRequest,
    RunRequest,
    read_request,
    write_request,
)
from .nested import members_of
from .signalling import signalled
from .sources import SAMPLE

__all__ = ["Background", "Job", "JobKind", "all_jobs", "forget_jobs", "recipe_of", "run_of"]

JobKind: TypeAlias = Literal["run", "resume", "evaluate", "import"]

_FOLDER = "jobs"
_KEPT = 200
_KEPT_S = 30 * 24 * 3600.0
_GRACE_S = 5.0  # for a job that is told to stop at once; then it is killed
_SIGNALS = signal.SIGINT, signal.SIGTERM


class Job:
    """A job of a workspace, running or over. Every method reads small files only, and waits for nothing.

    Raises ``NotFound`` where there is none in the folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.id = folder.name
        try:
            self.kind, started, self.request = read_request(folder)
        except (OSError, ValueError) as error:
            raise NotFound(f"there is no job '{folder.name}' in this workspace") from error
        self.started_at = datetime.fromtimestamp(started, UTC)
        self.title = self.request.title
        self._status = StatusReader(folder)

    def __repr__(self) -> str:
        return f"Job({self.id!r})"

    @property
    def pid(self) -> int | None:
        """Of its process; ``None`` where that has ended, 0 where it is not known yet."""
        return holder(self.folder)

    @property
    def log(self) -> Path:
        """What its process printed."""
        return self.folder / "log"

    def alive(self) -> bool:
        """Whether its process is there."""
        return self.pid is not None

    def state(self) -> JobState:
        """How far it is."""
        alive = self.alive()  # asked before reading: what was said until then is read below
        state = self._status.read()
        if alive and state.phase is Phase.QUEUED and (ahead := before(self.folder.parents[1], self.id)):
            return replace(state, step=JobStep(0, 0, f"waiting for {counted(ahead, 'other')}"))
        if alive or state.over:
            return state
        if state.stopping:
            return replace(state, phase=Phase.STOPPED)
        found = f"its log is {self.log}"
        if state.run_id is not None:
            found = f"`localsynth runs resume {state.run_id}` goes on where it was; {found}"
        return replace(
            state,
            phase=Phase.DIED,
            error=Failure(f"the process of the job '{self.title}' ended in mid-work", found),
        )

    def stop(self) -> None:
        """Ask it to stop: a run finishes its batch and can be resumed, of anything else nothing is kept."""
        if signalled(self.folder, signal.SIGINT):
            StatusFile(self.folder).add(stopping=True)

    def kill(self) -> None:
        """Stop it at once; a run keeps what is committed. What does not end within 5 s of that is killed."""
        # The second signal stops a run at once, and two of one kind sent together may count as one.
        asked = self.state().stopping
        if signalled(self.folder, *(_SIGNALS[1:] if asked else _SIGNALS)):
            StatusFile(self.folder).add(stopping=True)
            timer = threading.Timer(_GRACE_S, self._end)
            timer.daemon = True
            timer.start()

    def forget(self) -> None:
        """Remove its folder. Raises ``RunError`` while it goes on, ``StoreError`` where the folder cannot be removed."""
        if self.alive():
            raise RunError(f"the job '{self.title}' is still going on", "stop it first")
        try:
            shutil.rmtree(self.folder)
        except OSError as error:
            raise trouble.from_os(error, self.folder, "remove") from error

    def _end(self) -> None:
        with suppress(ProcessLookupError):
            if pid := self.pid:
                os.killpg(pid, signal.SIGKILL)


class Background(Base):
    """Jobs: started, listed, found; and runs stopped, whoever makes them."""

    def start_job(self, kind: JobKind, **request: Any) -> Job:
        """Do something in a process of its own and come back at once: it goes on when this process ends.

        request : fields of the kind's class in :mod:`~localsynth.workspace.jobrequests`. The folder of the workspace is made
        if it is not there. Raises ``StoreError`` where the job cannot be written down, or the workspace is open for looking
        only, ``DatasetError`` for an import of no such policy or holdout, ``RunError`` where a run is to be taken up that
        somebody makes, or will make; all else that is wrong is told by :meth:`Job.state`.
        """
        self._may_write()
        asked = _named(_absolute(REQUESTS[kind](**request)))
        places()  # what it says wrongly is told here
        if isinstance(asked, ImportRequest):
            asked.check()
        jobs = self.folder / _FOLDER
        folder = jobs / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{kind}-{secrets.token_hex(3)}"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            jobs.mkdir(mode=0o700, exist_ok=True)
            with alone(jobs):  # of two who ask for the same at the same moment, the second is told
                if isinstance(asked, ResumeRequest):
                    self._refuse_what_is_made(asked.run)
                folder.mkdir(mode=0o700)
                _spawn(folder, kind, asked)
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise trouble.from_os(error, folder, "create") from error
        _sweep(jobs)
        return Job(folder)

    def jobs(self) -> list[Job]:
        """All jobs on disk, newest first: those of other processes, and those that are over, too."""
        return sorted(all_jobs(self.folder), key=lambda job: job.started_at, reverse=True)

    def job(self, job_id: str) -> Job:
        """The job of that id. Raises ``NotFound``."""
        known = {job.id: job for job in all_jobs(self.folder)}
        if job_id not in known:
            raise NotFound(f"there is no job '{job_id}' in this workspace{nearest(job_id, known)}")
        return known[job_id]

    def stop_run(self, run: Run | str = "last", *, now: bool = False) -> bool:
        """Ask whoever makes a run, or the members of its rows, to finish the batch and stop; ``now``: to stop at once.

        One that has not begun never will. Gives ``False`` where nobody makes it. Waits for nothing. Raises ``RunError``
        where its process is this one, another user's, or cannot be seen from here.
        """
        self._may_write()
        if (queued := self.coming_run(run if isinstance(run, str) else run.run_id)) is not None:
            queued.kill() if now else queued.stop()
            return True
        found = self.get_run(run)
        for job in all_jobs(self.folder):
            if found.run_id in job.state().run_ids and job.alive():
                job.kill() if now else job.stop()
                return True
        members = members_of(self.store, found)
        made = [found.run_id] if members is None else [found.run_id, members.run_id]
        return any(
            signalled(self.folder / "runs" / run_id, *(_SIGNALS if now else _SIGNALS[:1])) for run_id in made
        )

    def coming_run(self, run_id: str) -> Job | None:
        """The job that will make, or go on with, the run of that id, and has not begun with it; ``None`` where none will."""
        return next((job for job in self.coming() if run_of(job) == run_id), None)

    def coming(self) -> list[Job]:
        """The jobs whose runs have not begun: they wait for their turn, or are about to begin; in order."""
        waits = list(waiting(self.folder))
        found = [job for job in all_jobs(self.folder) if run_of(job) is not None and job.alive()]
        found = [job for job in found if not (state := job.state()).over and state.run_id is None]
        return sorted(found, key=lambda job: (job.id in waits and waits.index(job.id) + 1, job.started_at))

    def queued(self) -> list[Job]:
        """The jobs that wait for their turn, in order."""
        waits = waiting(self.folder)
        known = {job.id: job for job in all_jobs(self.folder) if job.id in waits}
        return [known[job_id] for job_id in waits if job_id in known]

    def _refuse_what_is_made(self, run_id: str) -> None:
        for job in all_jobs(self.folder):
            if run_of(job) == run_id and (pid := job.pid) is not None and not (state := job.state()).over:
                if state.phase is Phase.QUEUED:
                    raise RunError(
                        f"run {run_id} waits for its turn already", "`localsynth runs list` shows the queue"
                    )
                raise being_made(run_id, pid)
        pid = holder(self.folder / "runs" / run_id)
        # A killed maker's engine may hold its lock a moment longer.
        if pid is not None and (not pid or alive(pid)):
            raise being_made(run_id, pid)

    def _may_write(self) -> None:
        if self.read_only:
            raise StoreError(
                f"the workspace {self.folder} is open for looking only", "open it without --read-only"
            )


def run_of(job: Job) -> str | None:
    """The id of the run that a job will make, or go on with; ``None`` of one that does neither."""
    match job.request:
        case RunRequest(run_id=run_id):
            return run_id
        case ResumeRequest(run=run_id):
            return run_id
    return None


def forget_jobs(workspace: Path, run_ids: Iterable[str], dataset: str | None = None) -> None:
    """Remove the folders of jobs that are over and made or judged those runs, or imported that dataset."""
    gone = set(run_ids)
    for job in all_jobs(workspace):
        state = job.state()
        of_dataset = dataset is not None and state.result.get("dataset") == dataset
        of_run = not gone.isdisjoint((*state.run_ids, *state.result.get("runs", ())))
        if state.over and not job.alive() and (of_dataset or of_run):
            shutil.rmtree(job.folder, ignore_errors=True)


def _absolute(request: Request) -> Request:
    """With paths that mean the same wherever they are read."""
    if isinstance(request, RunRequest) and request.path is not None:
        return replace(request, path=_full(request.path))
    if isinstance(request, ImportRequest):
        schema = _full(request.schema_file) if request.schema_file is not None else None
        source = os.fspath(request.source)
        return replace(
            request, schema_file=schema, source=source if source.startswith(SAMPLE) else _full(source)
        )
    return request


def recipe_of(request: Request) -> Recipe | None:
    """The recipe of a run that is asked for, with so many rows as are asked for; ``None`` where it cannot be read."""
    if not isinstance(request, RunRequest):
        return None
    try:
        found = Recipe.from_toml(request.recipe or read_text(Path(request.path or ""), "recipe"))
    except LocalsynthError:  # the job tells it
        return None
    return found if request.rows is None else found.model_copy(update={"rows": request.rows})


def _named(request: Request) -> Request:
    """A run gets its id, unless it cannot begin."""
    if not isinstance(request, RunRequest) or request.run_id or (recipe := recipe_of(request)) is None:
        return request
    return replace(request, run_id=new_run_id(recipe.dataset.name))


def _full(path: str | os.PathLike[str]) -> str:
    return str(Path(path).expanduser().absolute())


def _spawn(folder: Path, kind: str, request: Request) -> None:
    """Start the process of a job. Raises ``OSError``."""
    ticket = None if kind == "import" else take_ticket(folder.parents[1], folder.name)
    held = () if ticket is None else (ticket,)
    module = "localsynth.workspace.job" if ticket is None else "localsynth.runs.turn"
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        # Taken here and inherited, so that there is no moment at which the job looks dead.
        fcntl.flock(lock, fcntl.LOCK_EX)
        write_request(folder, kind, request)
        with _blocked(), open(folder / "log", "xb", opener=_private) as log:
            process = subprocess.Popen(
                command(module, str(folder), *map(str, (lock, *held))),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(lock, *held),
                env=finding_us(os.environ),
                start_new_session=True,  # the terminal's end is not the job's
            )
        os.pwrite(lock, f"{process.pid}\n".encode(), 0)
    finally:
        for handle in (lock, *held):
            os.close(handle)
    # Whoever starts a process has to take note of its end, or it stays in the system's table.
    threading.Thread(target=process.wait, name=f"{folder.name} ends", daemon=True).start()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


@contextmanager
def _blocked() -> Iterator[None]:
    """A process that is started in here gets its first signals when it is ready to judge them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def all_jobs(workspace: Path) -> Iterator[Job]:
    """Every job on disk, newest first."""
    for name in _names(workspace / _FOLDER):
        with suppress(NotFound):  # one that is being made, or removed
            yield Job(workspace / _FOLDER / name)


def _names(folder: Path) -> list[str]:
    """Newest first."""
    try:
        with os.scandir(folder) as entries:
            return sorted((e.name for e in entries if e.is_dir(follow_symlinks=False)), reverse=True)
    except OSError:
        return []


def _sweep(jobs: Path) -> None:
    """Remove jobs that were over long ago, and the oldest of too many. What cannot be removed stays."""
    oldest = time.time() - _KEPT_S
    for place, name in enumerate(_names(jobs)):
        folder = jobs / name
        if (place >= _KEPT or _last_said(folder) < oldest) and holder(folder) is None:
            shutil.rmtree(folder, ignore_errors=True)


def _last_said(folder: Path) -> float:
    for path in (folder / "status.jsonl", folder):
        with suppress(OSError):
            return path.stat().st_mtime
    return time.time()
