"""From a run's events to the UI: one file read five times a second in a thread, at most five messages a second.

The run is made by another process, which writes its events to a file. Whoever watches costs it nothing: no connection, no lock
that lasts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from textual.message import Message

from localsynth.core.errors import LocalsynthError
from localsynth.core.run import Run
from localsynth.tui.running.story import Story

if TYPE_CHECKING:
    from localsynth.tui.desk import Desk

__all__ = ["Bridge", "RunProgressed", "Watched"]

POLL_S = 0.2
_PATIENT_S = 2.0  # between tries, while the events cannot be read
_IDLE_S = 1.0  # clocks on the screen go on where nothing happens


@dataclass
class Watched:
    """What is known of a run that is watched.

    maker : as ``Workspace.maker``. heard : whether its file was read to the end once. trouble : why its events cannot be read.
    seen : how many commits of the story the screen has shown.
    """

    run: Run
    story: Story = field(default_factory=Story)
    maker: int | None = None
    heard: bool = False
    trouble: str = ""
    seen: int = 0

    @property
    def going_on(self) -> bool:
        """Whether a process makes it just now."""
        return self.maker is not None


class RunProgressed(Message):
    """Something happened in the run that is watched, or nothing did for a second. over : nobody makes it any more."""

    def __init__(self, watched: Watched, *, over: bool) -> None:
        super().__init__()
        self.watched, self.over = watched, over


class Bridge:
    """Reads events as long as someone makes the run. post : given the messages, on the event loop."""

    def __init__(self, desk: Desk, post: Callable[[RunProgressed], object]) -> None:
        self._desk, self._post = desk, post
        self._told = float("-inf")

    async def watch(self, watched: Watched) -> None:
        """Until nobody makes the run; once, where nobody does. Going on later hears what came in between."""
        offset, self._told = 0, float("-inf")
        watched.story = Story()
        while True:
            offset, news, more = await self._listen(watched, offset)
            over = not watched.going_on and not more
            watched.heard = watched.heard or not more
            self._tell(watched, over=over, news=news and not more)
            if over:
                return
            await asyncio.sleep(0 if more else _PATIENT_S if watched.trouble else POLL_S)

    async def _listen(self, watched: Watched, offset: int) -> tuple[int, bool, bool]:
        """Where to go on, whether there was anything new, whether there is more."""
        try:
            heard = await self._desk.ask(lambda ws: ws.listen(watched.run, offset))
        except LocalsynthError as error:
            news = watched.trouble != error.message
            watched.trouble = error.message
            watched.maker = await self._desk.ask(lambda ws: ws.maker(watched.run))
            return offset, news, False
        news = bool(heard.events) or heard.maker != watched.maker or bool(watched.trouble)
        watched.story.take(heard.events)
        watched.maker, watched.trouble = heard.maker, ""
        return heard.offset, news, heard.more

    def _tell(self, watched: Watched, *, over: bool, news: bool) -> None:
        quiet = time.monotonic() - self._told
        if over or (news and quiet >= 0.9 * POLL_S) or quiet >= _IDLE_S:
            self._told = time.monotonic()
            self._post(RunProgressed(watched, over=over))
