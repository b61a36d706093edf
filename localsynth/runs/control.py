"""How a person, or a limit, stops a run: after the batch, or at once."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from localsynth.core.contracts import Engine
from localsynth.core.errors import LocalsynthError, OverMemory

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["Control", "interruptible"]


class Control:
    """Handed to a run, kept by whoever may want to stop it. Safe to call from any thread and from a signal handler."""

    def __init__(self) -> None:
        self.stopping = False  # finish the batch, then stop
        self.killed = False  # stop now; the batch is lost
        self.limit: LocalsynthError | None = None  # what it was stopped by, where that was a limit
        self._engine: Engine | None = None
        self._end: Callable[[], None] | None = None
        self._running = False

    @property
    def running(self) -> bool:
        """Whether a run listens. Before that there is nothing to finish."""
        return self._running

    def stop(self) -> None:
        """Finish the batch, then stop."""
        self.stopping = True

    def kill(self) -> None:
        """Stop now. What is committed stays."""
        self.stopping = self.killed = True
        if (end := self._end) is not None:
            end()

    def reached(self, limit: LocalsynthError, *, at_once: bool) -> None:
        """A limit is reached; asked again, it insists. What a person asked for before that is not the limit's doing."""
        if not self.stopping or isinstance(limit, OverMemory):
            self.limit = limit
        if at_once:
            self.kill()
        else:
            self.stop()

    def check(self) -> None:
        """For work that cannot be finished early. Raises the limit that is reached."""
        if self.limit is not None:
            raise self.limit

    def attach(self, engine: Engine | None) -> None:
        """The run begins to listen."""
        self._engine, self._running = engine, True
        # An engine with a process of its own is ended with it: asking nicely takes as long as what it is computing.
        self.ends_by(None if engine is None else getattr(engine, "kill", engine.cancel))

    def ends_by(self, end: Callable[[], None] | None) -> None:
        """What else is to be done, from any thread, to stop at once; it may be called more than once."""
        self._end = end
        if self.killed and end is not None:
            end()

    def detach(self) -> None:
        """The run is over."""
        self._engine = self._end = None
        self._running = False


@contextmanager
def interruptible(control: Control, say: Callable[[str], None]) -> Iterator[None]:
    """SIGINT or SIGTERM once finishes the batch, twice stops at once; before the run begins it is a ``KeyboardInterrupt``.

    say : told what is being done about it. Changes nothing in a thread other than the main one, where no signal arrives.
    """
    presses = 0

    def pressed(_number: int, _frame: FrameType | None) -> None:
        nonlocal presses
        if not control.running:
            raise KeyboardInterrupt
        presses += 1
        if presses == 1:
            control.stop()
            say("finishing the batch, then stopping (Ctrl+C again stops at once and loses the batch)")
        elif presses == 2:
            control.kill()
            say("stopping at once")
        else:
            raise KeyboardInterrupt

    try:
        before = {number: signal.signal(number, pressed) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
