"""How a person stops a run: after the batch, or at once."""

from __future__ import annotations

from localsynth.core.contracts import Engine

__all__ = ["Control"]


class Control:
    """Handed to a run, kept by whoever may want to stop it. Safe to call from any thread and from a signal handler."""

    def __init__(self) -> None:
        self.stopping = False  # finish the batch, then stop
        self.killed = False  # stop now; the batch is lost
        self._engine: Engine | None = None
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
        _end(self._engine)

    def attach(self, engine: Engine | None) -> None:
        """The run begins to listen."""
        self._engine, self._running = engine, True
        if self.killed:
            _end(engine)

    def detach(self) -> None:
        """The run is over."""
        self._engine, self._running = None, False


def _end(engine: Engine | None) -> None:
    """An engine with a process of its own is ended with it: asking nicely takes as long as what it is computing."""
    if engine is not None:
        getattr(engine, "kill", engine.cancel)()
