"""What the events of a run add up to: how far it is, what was refused, what was said."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from localsynth.core.events import (
    BatchCommitted,
    BatchStarted,
    Event,
    Measured,
    Notice,
    Progress,
    RowsRejected,
    RunEnded,
    RunStarted,
)
from localsynth.core.words import counted

__all__ = ["Said", "Story"]

_LINES = 1_000
_RATES = 240


class Said(NamedTuple):
    """One line of the log. number : from 1, in order. at : seconds since the epoch."""

    number: int
    at: float
    text: str
    warning: bool


@dataclass
class Story:
    """Grows with every event. Nothing here is certain but what the store says; it is what a person watches.

    started, ended : the last beginning, and the end that followed it. rejects : rows refused, by (reason, detail). commits :
    batches that came into the store. made, seconds : rows and time of all sessions that said how they ended. rates : rows per
    second of the last minutes. measured : the numbers of learning, by name, their steps rising. measures : how many were told.
    """

    started: RunStarted | None = None
    ended: RunEnded | None = None
    progress: Progress | None = None
    batch: BatchStarted | None = None
    committed: BatchCommitted | None = None
    commits: int = 0
    made: int = 0
    seconds: float = 0.0
    first_at: float | None = None
    last_at: float | None = None
    rejects: Counter[tuple[str, str]] = field(default_factory=Counter)
    rates: deque[float] = field(default_factory=lambda: deque(maxlen=_RATES))
    log: deque[Said] = field(default_factory=lambda: deque(maxlen=_LINES))
    said: int = 0
    measured: dict[str, list[Measured]] = field(default_factory=dict)
    measures: int = 0

    def take(self, events: Iterable[Event]) -> None:
        """What happened next."""
        for event in events:
            self.first_at = event.at if self.first_at is None else self.first_at
            self.last_at = event.at
            self._take(event)

    def _take(self, event: Event) -> None:
        match event:
            case RunStarted():
                self._begin(event)
            case Progress():
                self.progress = event
                if event.stage_share is None:
                    self.rates.append(event.rows_per_s)
            case Measured():
                self._measure(event)
            case BatchStarted():
                self.batch = event
            case BatchCommitted():
                self.committed, self.batch = event, None
                self.commits += 1
            case RowsRejected():
                self.rejects[event.reason, event.detail] += event.count
                of = f" ({event.detail})" if event.detail else ""
                self._say(
                    event.at,
                    f"batch {event.batch_no}: {counted(event.count, 'row')} refused: {event.reason}{of}",
                )
            case Notice():
                self._say(event.at, event.text, warning=event.level == "warning")
            case RunEnded():
                self._end(event)

    def _begin(self, event: RunStarted) -> None:
        self.started, self.ended, self.progress, self.batch = event, None, None, None
        self.rates.clear()
        on = f" on {event.model}" if event.model else ""
        if event.resumed:
            self._say(event.at, f"goes on; {counted(event.rows_done, 'row')} are there")
        else:
            self._say(
                event.at,
                f"begins: {counted(event.rows_wanted, 'row')} of {event.dataset} by {event.method}{on}",
            )

    def _end(self, event: RunEnded) -> None:
        before = self.started.rows_done if self.started is not None else 0
        self.made, self.seconds = self.made + event.rows_done - before, self.seconds + event.seconds
        self.ended, self.batch = event, None
        why = f": {event.message}" if event.message else ""
        self._say(
            event.at,
            f"ends, {event.status} with {counted(event.rows_done, 'row')}{why}",
            warning=event.status in {"failed", "short"},
        )

    def _measure(self, event: Measured) -> None:
        points = self.measured.setdefault(event.name, [])
        while points and points[-1].step >= event.step:  # learning began again from before
            points.pop()
        points.append(event)
        self.measures += 1

    def _say(self, at: float, text: str, *, warning: bool = False) -> None:
        self.said += 1
        self.log.append(Said(self.said, at, text, warning))

    @property
    def rows_done(self) -> float:
        """Rows done, those of the unfinished batch estimated."""
        last = self.ended or self.progress or self.committed or self.started
        return last.rows_done if last is not None else 0

    @property
    def refused(self) -> int:
        """Rows that were written and not kept."""
        return self.rejects.total()
