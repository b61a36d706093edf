"""Waiting for a run to begin."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from localsynth.tui.desk import Desk

if TYPE_CHECKING:
    from localsynth.workspace import Job

__all__ = ["begun"]

_LOOKING_S = 0.1


async def begun(job: Job, desk: Desk, tell: Callable[[str], None]) -> str | None:
    """The run's id as soon as it has one; ``None`` where it was stopped before. Raises what it was refused for.

    tell : what is being waited for.
    """
    while True:
        state = await desk.do(job.state)
        if state.run_id is not None:
            return state.run_id
        if state.error is not None:
            raise state.error.raised()
        if state.over:
            return None
        tell(state.step.text if state.step is not None else "everything is checked once more")
        await asyncio.sleep(_LOOKING_S)
