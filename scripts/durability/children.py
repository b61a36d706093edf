"""Work in a process of its own, made by a fork of this one, in which something goes wrong at a chosen moment.

The process that forks must have been started with the faults loaded (see :func:`restart_with_faults`), and must hold no thread
and no database open: everything that touches a workspace happens in a child.
"""

from __future__ import annotations

import ctypes
import importlib
import io
import os
import pickle
import select
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Ended", "Fault", "Running", "begin", "command", "isolated", "load_what", "restart_with_faults"]

_SOURCE = Path(__file__).with_name("faults.c")
_LOADED = "LOCALSYNTH_FAULTS_LOADED"
_LIMIT_S = 120.0
#: Kinds of faults, as faults.c numbers them.
KILL_BEFORE, KILL_AFTER, KILL_WITHIN, FAIL, CLOCK = range(1, 6)
_FOR_EVER = 1 << 40


@dataclass(frozen=True)
class Fault:
    """What happens at the ``at``-th change below ``folder``, from 1. 0: nothing, changes are only counted.

    lasting : changes in a row that fail with the error number ``error``. seconds : how far the clock jumps. log : a new file
    for all changes and their data; see :mod:`.disk`.
    """

    folder: Path
    kind: int = 0
    at: int = 0
    lasting: int = _FOR_EVER
    error: int = 0
    seconds: int = 0
    log: Path | None = None


@dataclass(frozen=True)
class Ended:
    """How a child ended. value : what its function gave, ``None`` where it was killed. talk : its standard error.

    changes : it made below the fault's folder. error : a traceback, where the function raised.
    """

    killed: bool
    value: Any = None
    talk: str = ""
    changes: int = 0
    error: str = ""


def restart_with_faults() -> None:
    """Start this program again with the faults loaded, unless they are. Raises ``RuntimeError`` where that fails."""
    if os.environ.get(_LOADED):
        return
    if sys.platform != "linux":
        raise RuntimeError("faults are made with LD_PRELOAD, which is for Linux")
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        library = Path(folder) / "faults.so"
        try:
            subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library, _SOURCE, "-pthread"], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise RuntimeError(f"faults.c cannot be compiled: {error}") from error
        again = {**os.environ, "LD_PRELOAD": str(library), _LOADED: "1", "OPENBLAS_NUM_THREADS": "1"}
        sys.exit(subprocess.run([sys.executable, *sys.argv], env=again, check=False).returncode)


class Running:
    """A child at work."""

    def __init__(self, work: Callable[[], Any], fault: Fault | None) -> None:
        reading, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(reading)
            _child(work, fault, writing)
        os.close(writing)
        self._pipe = reading

    def kill(self) -> None:
        """Hard, now. One that has ended is left alone."""
        os.kill(self.pid, signal.SIGKILL)

    def wait(self, limit: float = _LIMIT_S) -> Ended:
        """How it ends. Raises ``TimeoutError`` after so many seconds; it is killed then."""
        chunks = []
        with os.fdopen(self._pipe, "rb") as pipe:
            while select.select([pipe], [], [], limit)[0]:
                chunk = os.read(pipe.fileno(), 1 << 20)
                if not chunk:
                    break
                chunks.append(chunk)
            else:
                self.kill()
                os.waitpid(self.pid, 0)
                raise TimeoutError(f"a process was still at work after {limit:g} s")
        _, status = os.waitpid(self.pid, 0)
        told = b"".join(chunks)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            return Ended(killed=True)
        if not told:
            return Ended(killed=False, error=f"the process ended with status {status} and said nothing")
        ended: Ended = pickle.loads(told)
        return ended


def begin(work: Callable[[], Any], fault: Fault | None = None) -> Running:
    """Have a child do the work."""
    return Running(work, fault)


def isolated(work: Callable[[], Any], fault: Fault | None = None) -> Any:
    """What the work gives, done in a child. Raises ``RuntimeError`` where it raised or was killed."""
    ended = begin(work, fault).wait()
    if ended.killed or ended.error:
        raise RuntimeError(ended.error or "killed")
    return ended.value


def load_what(work: Callable[[], Any]) -> None:
    """Load the modules that the work loads, so that children begin with them. The work is done in a child."""

    def loaded() -> list[str]:
        work()
        return [name for name in sys.modules if not name.startswith("__")]

    for name in isolated(loaded):
        with suppress(ImportError):  # some are made by others, and have no file
            importlib.import_module(name)
    if threading.active_count() > 1:
        raise RuntimeError("a module started a thread, which a fork would leave behind")


def command(arguments: Sequence[object], folder: Path) -> Callable[[], int]:
    """The work of ``localsynth ARGUMENTS`` on a workspace; gives the exit code."""

    def work() -> int:
        from localsynth.cli.main import run

        return int(run([*map(str, arguments), "--workspace", str(folder)]))

    return work


def _child(work: Callable[[], Any], fault: Fault | None, writing: int) -> None:
    talk = io.StringIO()
    value, error = None, ""
    library = ctypes.CDLL(None)
    library.faults_count.restype = ctypes.c_long
    try:
        with redirect_stderr(talk), redirect_stdout(io.StringIO()):
            if fault is not None:
                _arm(library, fault)
            value = work()
    except BaseException:  # noqa: BLE001 - told to the parent, which judges it
        error = traceback.format_exc()
    changes = int(library.faults_count()) if fault is not None else 0
    if fault is not None:
        _arm(library, Fault(Path("/nowhere")))
    with os.fdopen(writing, "wb") as pipe:
        pickle.dump(Ended(False, value, talk.getvalue(), changes, error), pipe)
    os._exit(0)


def _arm(library: ctypes.CDLL, fault: Fault) -> None:
    log = -1
    if fault.log is not None:
        log = os.open(fault.log, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    library.faults_arm(
        os.fsencode(fault.folder),
        ctypes.c_int(log),
        ctypes.c_int(fault.kind),
        ctypes.c_long(fault.at),
        ctypes.c_long(fault.lasting),
        ctypes.c_int(fault.error),
        ctypes.c_int64(fault.seconds),
    )
