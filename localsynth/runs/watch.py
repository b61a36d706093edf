"""Who keeps work within its limits: a thread that looks at the clock and at the memory, and stops what goes beyond."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType

from localsynth.core.errors import LocalsynthError
from localsynth.core.limits import Limits, out_of_time, over_memory
from localsynth.sealed import limit

from .control import Control
from .footprint import footprint, offspring

__all__ = ["Watch", "end_process_by"]

_LOOK_S = 0.1  # between two looks at the memory
_AGAIN_S = 0.1  # what was told to stop and goes on is told again
_PATIENCE = 0.1, 10.0  # a share of the minutes, and seconds: what a batch under way may take beyond
_HOPELESS_S, _HOPELESS = (
    5.0,
    1.1,
)  # so long, and so far, above its memory a process does not get back by itself

_STARVED_S = 5.0  # some code tries for ever to get memory that it may not have

_last_resort: Callable[[LocalsynthError], None] | None = None


def end_process_by(how: Callable[[LocalsynthError], None] | None) -> None:
    """What ends this process where its memory cannot be won back, before the system does it without a word.

    For processes that do one thing and are ours alone: a command, a job. What is committed stays.
    """
    global _last_resort
    _last_resort = how


class Watch:
    """Watches inside ``with``; what reaches a limit is told to ``control``.

    at_once : nothing can be finished (an import, an evaluation), and what is out of time is stopped at once. Otherwise it is
    stopped softly, and at once when that takes a tenth of the minutes and 10 s more. Too much memory always stops at once.
    who : takes the memory, in words. footprint, clock : for tests.
    """

    def __init__(
        self,
        limits: Limits,
        control: Control,
        *,
        who: str = "the run",
        at_once: bool = False,
        footprint: Callable[[], int] = footprint,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits, self._control, self._who, self._at_once = limits, control, who, at_once
        self._footprint, self._clock = footprint, clock
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._children = limit.for_children(limits.memory)

    def __enter__(self) -> Watch:
        self._children.__enter__()
        if self._limits:
            self._thread = threading.Thread(target=self._watch, name="limits", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        self._children.__exit__(kind, error, trace)

    def _watch(self) -> None:
        begun = self._clock()
        high = hungry = None  # since when the memory is hopeless, and since when a child gets no more
        while not self._over.wait(self._pause(begun)):
            now = self._clock()
            held = self._footprint() if self._limits.memory is not None else 0
            if self._limits.memory is not None and held > self._limits.memory:
                error = over_memory(self._limits.memory, self._who)
                self._control.reached(error, at_once=True)
                hopeless = held > self._limits.memory * _HOPELESS
                high = (now if high is None else high) if hopeless else None
                if high is not None and now - high > _HOPELESS_S and _last_resort is not None:
                    _last_resort(error)
                continue
            high = None
            starving = self._limits.memory is not None and any(map(limit.starved, offspring()))
            hungry = (now if hungry is None else hungry) if starving else None
            if self._limits.memory is not None and hungry is not None and now - hungry > _STARVED_S:
                self._control.reached(over_memory(self._limits.memory, self._who), at_once=True)
            if self._limits.minutes is not None and now >= begun + 60 * self._limits.minutes:
                at_once = self._at_once or now >= self._last(begun)
                self._control.reached(out_of_time(self._limits.minutes), at_once=at_once)

    def _pause(self, begun: float) -> float | None:
        """Seconds until there may be something to do."""
        if self._limits.memory is not None:
            return _LOOK_S
        assert self._limits.minutes is not None
        left = begun + 60 * self._limits.minutes - self._clock()
        return left if left > 0 else _AGAIN_S

    def _last(self, begun: float) -> float:
        minutes = self._limits.minutes or 0.0
        share, seconds = _PATIENCE
        return begun + 60 * minutes * (1 + share) + seconds
