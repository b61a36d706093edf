"""How far an evaluation is, in a line; it goes on in a process of its own, whether the line is seen or not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from textual.message import Message
from textual.widgets import Static

from .words import progress

if TYPE_CHECKING:
    from localsynth.tui.app import LocalsynthApp
    from localsynth.workspace import Job, JobState

__all__ = ["JobBar"]

_LOOK_EVERY_S = 0.3


class JobBar(Static):
    """Follows one job to its end, then tells how it ended."""

    DEFAULT_CSS = "JobBar { height: 1; display: none; background: $panel; } JobBar.-seen { display: block; }"

    class Over(Message):
        """The job has ended. runs : those it was about, by id."""

        def __init__(self, runs: tuple[str, ...], state: JobState) -> None:
            super().__init__()
            self.runs, self.state = runs, state

    def __init__(self) -> None:
        super().__init__(markup=False)
        self.job: Job | None = None

    def follow(self, job: Job) -> None:
        """From now on, until it is over."""
        if self.job is None:
            self.job = job
            self.add_class("-seen")
            self.run_worker(self._watch(job), group="job", exclusive=True)

    async def _watch(self, job: Job) -> None:
        desk = cast("LocalsynthApp", self.app).desk
        runs: tuple[str, ...] = tuple(getattr(job.request, "runs", ()))
        state = await desk.do(job.state)
        while not state.over:
            self.update(progress(runs, state, self.app.size.width))
            await asyncio.sleep(_LOOK_EVERY_S)
            state = await desk.do(job.state)
        self.job = None
        self.remove_class("-seen")
        self.post_message(self.Over(runs, state))

    async def stop(self) -> None:
        """Ask it to stop."""
        if self.job is not None:
            await cast("LocalsynthApp", self.app).desk.do(self.job.stop)
