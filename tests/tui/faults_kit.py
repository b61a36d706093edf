"""What tests of mishaps share: runs made by processes of their own, and what the screen says of them."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from pathlib import Path

from localsynth.tui.app import LocalsynthApp
from localsynth.workspace import Job, Workspace

from .kit import screen_text

RUN = 'rows = {}\nseed = 1\n[dataset]\nname = "wine"\n[method]\nname = "{}"\n'


def said(app: LocalsynthApp) -> str:
    """What the screen shows, in one line."""
    return " ".join(screen_text(app).replace("│", " ").split())


async def begin(app: LocalsynthApp, recipe: str) -> Job:
    """A run in a process of its own, as the place Recipe starts it; the UI is about it."""
    job: Job = await app.ask(lambda ws: ws.start_job("run", recipe=recipe, path=None))
    end = time.monotonic() + 60
    while (run := job.state().run_id) is None:
        assert job.alive(), job.log.read_text()
        assert time.monotonic() < end
        await asyncio.sleep(0.01)
    app.about(Workspace(job.folder.parent.parent).get_run(run).dataset, run)
    return job


def children(pid: int) -> list[int]:
    """The processes that a process started."""
    told = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = (map(int, line.split()) for line in told.splitlines())
    return [child for child, parent in pairs if parent == pid]


def end_jobs(folder: Path) -> None:
    """What a test left going on."""
    for job in Workspace(folder).jobs():
        if pid := job.pid:
            os.killpg(pid, signal.SIGKILL)
