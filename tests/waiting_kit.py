"""Waiting for what other processes do, and ending those that a test left going on."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from localsynth import Workspace


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Wait for a condition; fail where it does not come."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.005)


@contextmanager
def workspace_with_jobs(folder: Path) -> Iterator[Workspace]:
    """A workspace; what a failed test left running is ended with it."""
    made = Workspace(folder)
    yield made
    for job in made.jobs():
        if pid := job.pid:
            os.killpg(pid, signal.SIGKILL)
            until(lambda gone=job: not gone.alive())  # type: ignore[misc]
