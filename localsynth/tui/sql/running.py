"""The one question that is asked at a time, how long it takes, and how it is stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from .result import ResultPane

if TYPE_CHECKING:
    from localsynth.tui.screens.base import PlaceScreen
    from localsynth.workspace import Workspace

__all__ = ["Running"]

_T = TypeVar("_T")
_TICK_S = 0.2


class Running:
    """seconds : how long the last question took, or the present one has taken."""

    def __init__(self) -> None:
        self._stop: threading.Event | None = None
        self._began = 0.0
        self._took = 0.0

    @property
    def busy(self) -> bool:
        """Whether something is asked just now."""
        return self._stop is not None

    @property
    def seconds(self) -> float:
        """So far, or in all."""
        return time.monotonic() - self._began if self.busy else self._took

    def stop(self) -> None:
        """End what is asked; it ends with ``Cancelled``."""
        if self._stop is not None:
            self._stop.set()

    async def ask(
        self, screen: PlaceScreen, doing: str, question: Callable[[Workspace, threading.Event], _T]
    ) -> _T:
        """What ``question`` gives; meanwhile the title of the result says what goes on."""
        stop = self._stop = threading.Event()
        self._began = time.monotonic()
        pane = screen.query_one(ResultPane)

        def tick() -> None:
            ending = "stopping" if stop.is_set() else f"{doing}, escape stops it"
            pane.tell(f"{self.seconds:,.1f} s, {ending}")

        ticker = screen.set_interval(_TICK_S, tick)
        screen.refresh_bindings()
        try:
            return await screen.ask(lambda space: question(space, stop))
        finally:
            self._took = self.seconds
            self._stop = None
            ticker.stop()
            screen.refresh_bindings()
