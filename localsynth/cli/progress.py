"""A run on a terminal: a bar with rate and ETA, or plain lines where nobody can watch a bar; and what Ctrl+C does."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from localsynth.core.events import BatchCommitted, Event, Notice, Progress, RowsRejected, RunEnded, RunStarted
from localsynth.core.words import duration

from .output import err, say, warn

if TYPE_CHECKING:
    from localsynth.workspace import Control

__all__ = ["Display", "display", "duration", "interruptible"]

_LINE_EVERY_S = 5.0


class Display:
    """Listens to a run and tells it on standard error. ``started`` is the last run that began, if any."""

    def __init__(self) -> None:
        self.started: RunStarted | None = None

    def __call__(self, event: Event) -> None:
        match event:
            case Notice(level="warning"):
                warn(event.text)
            case Notice():
                say(event.text)
            case RunStarted():
                self.started = event
                on = f" on {event.model}" if event.model else ""
                again = f", {event.rows_done:,} are there" if event.resumed else ""
                say(
                    f"run {event.run_id}: {event.rows_wanted:,} rows of {event.dataset} by {event.method}{on}{again}"
                )
                self.begin(event)
            case Progress():
                self.progress(event)
            case BatchCommitted() | RowsRejected():
                self.note(event)
            case RunEnded():
                self.end()
            case _:
                pass

    def begin(self, event: RunStarted) -> None:
        """The run begins."""

    def progress(self, event: Progress) -> None:
        """It goes on."""

    def note(self, event: BatchCommitted | RowsRejected) -> None:
        """A batch is in the store, or rows were refused."""

    def end(self) -> None:
        """It is over."""


def _far(event: Progress, of: str = "") -> str:
    """Rows, rates and what is left; no rate before there is one."""
    rates = [f"{event.rows_per_s:,.1f} rows/s"] if event.rows_per_s > 0 else []
    rates += [f"{event.tokens_per_s:,.0f} tokens/s"] if event.tokens_per_s > 0 else []
    done = f"{event.rows_done:,.0f}/{event.rows_wanted:,}{of}"
    return "  ".join((done, *rates, f"ETA {duration(event.eta_s)}"))


class _Lines(Display):
    """One line every few seconds, for log files."""

    def __init__(self) -> None:
        super().__init__()
        self._said = float("-inf")

    def progress(self, event: Progress) -> None:
        now = time.monotonic()
        if now - self._said >= _LINE_EVERY_S:
            self._said = now
            share = event.rows_done / max(1, event.rows_wanted)
            if event.stage_share is not None:
                say(f"{event.stage_share:4.0%}  {event.stage}  ETA {duration(event.stage_eta_s)}")
                return
            stage = f"  {event.stage}" if event.stage not in {"", "rows"} else ""
            say(f"{share:4.0%}  {_far(event, ' rows')}{stage}")


class _Bar(Display):
    """A bar that is there from the first second."""

    def __init__(self) -> None:
        super().__init__()
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar

        self._refused = 0
        self._bar: Any = Bar(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[numbers]}", markup=False),
            TimeElapsedColumn(),
            console=err(),
            transient=True,
            expand=True,
        )
        self._task = self._bar.add_task("starting", total=None, numbers="")
        self._bar.start()

    def begin(self, event: RunStarted) -> None:
        self._refused = 0
        self._bar.start()  # again, where this is the run of another's members
        self._bar.reset(self._task)
        self._bar.update(self._task, total=event.rows_wanted, completed=event.rows_done, description="rows")

    def progress(self, event: Progress) -> None:
        if event.stage_share is not None:
            self._bar.update(
                self._task,
                completed=event.stage_share * event.rows_wanted,
                description=f"{event.stage:<8.16}",
                numbers=f"{event.stage_share:.0%}  ETA {duration(event.stage_eta_s)}",
            )
            return
        self._bar.update(
            self._task,
            completed=event.rows_done,
            description=f"{event.stage or 'rows':<8.16}"
            + (f" ({self._refused:,} refused)" if self._refused else ""),
            numbers=_far(event),
        )

    def note(self, event: BatchCommitted | RowsRejected) -> None:
        if isinstance(event, RowsRejected):
            self._refused += event.count

    def end(self) -> None:
        self._bar.stop()


@contextmanager
def display() -> Iterator[Display]:
    """What fits the terminal; taken down again however the run ends."""
    shown: Display = _Bar() if sys.stderr.isatty() and err().is_terminal else _Lines()
    try:
        yield shown
    finally:
        shown.end()


def interruptible(control: Control) -> AbstractContextManager[None]:
    """Ctrl+C once finishes the batch, twice stops at once; before the run begins it just stops. So does SIGTERM."""
    from localsynth.runs.control import interruptible as listening

    return listening(control, say)
