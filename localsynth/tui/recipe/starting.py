"""Starting a run, and waiting until it has begun."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from localsynth.core.errors import RecipeError
from localsynth.tui.desk import Desk

from .draft import Draft
from .sections import Facts

if TYPE_CHECKING:
    from localsynth.workspace import Job

__all__ = ["started"]

_LOOKING_S = 0.1


async def started(draft: Draft, facts: Facts, desk: Desk, tell: Callable[[str], None]) -> str | None:
    """The id of the run of a draft, in a process of its own; ``None`` where it was stopped before it had one.

    tell : what is being waited for. Raises ``RecipeError`` with all that is wrong, and what the run was refused for.
    """
    text, path = draft.text(), draft.path
    checked = await desk.ask(lambda ws: ws.check_draft(text, path, facts.datasets))
    if checked.problems:
        raise RecipeError("the recipe cannot be run yet", "mend this first", checked.problems)
    request = draft.request()
    job = await desk.ask(lambda ws: ws.start_job("run", **request))
    return await _begun(job, desk, tell)


async def _begun(job: Job, desk: Desk, tell: Callable[[str], None]) -> str | None:
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
