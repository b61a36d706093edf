"""Whether a draft can be run and how long that would take, asked while a person pauses."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from localsynth.core.errors import Problem

from .draft import Draft
from .gathering import gathered, judged_by
from .sections import NAME, Facts

if TYPE_CHECKING:
    from localsynth.workspace import Checked, Estimate, Workspace

__all__ = ["Pauses", "Told", "told"]

_TYPING_S = 0.15  # a person goes on typing; what is wrong is looked for when they pause


@dataclass(frozen=True)
class Told:
    """What a check told. text : of the draft that was checked. facts : what it may use. estimate : where nothing is wrong."""

    text: str
    facts: Facts
    checked: Checked
    estimate: Estimate | None

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong."""
        return self.checked.problems

    @property
    def lines(self) -> set[int]:
        """Lines of the text that are wrong."""
        return {one.line for one in self.problems if one.line is not None}


def told(ws: Workspace, draft: Draft, text: str, path: Path | None, facts: Facts) -> Told:
    """Check the text of a draft. What could not be read of the workspace before is tried again."""
    if facts.trouble is not None:
        facts = gathered(ws, draft.dataset)
    facts = judged_by(ws, facts, draft)
    checked = ws.check_draft(text, path, facts.datasets if facts.trouble is None else None)
    if facts.trouble is not None:
        unread = Problem(facts.trouble.message, facts.trouble.hint, None, ".".join(NAME.place))
        checked = replace(checked, problems=(unread, *checked.problems))
    recipe = checked.recipe if not checked.problems else None
    return Told(
        text, facts, checked, None if recipe is None else ws.estimate(recipe, facts.paces, facts.datasets)
    )


class Pauses:
    """Does some work when a person pauses: never twice at a time, and once more where there was reason to meanwhile."""

    def __init__(self, work: Callable[[], Awaitable[None]]) -> None:
        self._work = work
        self._due = self._busy = False

    def wanted(self) -> bool:
        """There is reason to. Gives whether :meth:`go` is to be begun; else it goes on already."""
        begin, self._due, self._busy = not self._busy, True, True
        return begin

    async def go(self) -> None:
        """Wait for a pause and work, as long as there is reason to."""
        try:
            while self._due:
                await asyncio.sleep(_TYPING_S)
                self._due = False
                await self._work()
        finally:
            self._busy = False
