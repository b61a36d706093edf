"""Where a job's process waits for its turn, before it loads what its work needs: many wait, and each should be small.

    python -m localsynth.runs.turn FOLDER LOCK TICKET

FOLDER is the job's; the others are descriptors, held already: of the job's lock, and of its ticket in the queue. SIGINT and
SIGTERM come blocked, are let in while this waits, and are blocked again for the work.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from localsynth.core.errors import ExitCode

from .queue import wait_for_turn
from .statusfile import Phase, StatusFile

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["main"]

_SIGNALS = {signal.SIGINT, signal.SIGTERM}
_WORK = "localsynth.workspace.job"


def main(folder: Path, lock: int, ticket: int) -> ExitCode:
    """Wait; then this process does the job."""
    for handle in (lock, ticket):
        os.set_inheritable(handle, False)  # what this process starts must not keep the job alive
    status = StatusFile(folder)
    try:
        for number in _SIGNALS:
            signal.signal(number, _stopped)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        wait_for_turn(folder.parents[1], folder.name, ticket, lambda: status.add(phase=Phase.QUEUED))
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    except KeyboardInterrupt:
        status.add(phase=Phase.STOPPED)
        return ExitCode.INTERRUPTED
    sys.argv = [_WORK, str(folder), str(lock)]
    runpy.run_module(_WORK, run_name="__main__", alter_sys=True)
    return ExitCode.OK


def _stopped(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
