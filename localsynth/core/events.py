"""What happens in a run, as it happens. Written to ``runs/<run>/events.jsonl`` and to listeners."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, TypeAlias

__all__ = [
    "BatchCommitted",
    "BatchStarted",
    "Event",
    "Measured",
    "Notice",
    "Progress",
    "RowsRejected",
    "RunEnded",
    "RunStarted",
    "decode",
    "encode",
]


@dataclass(frozen=True)
class _Event:
    type: ClassVar[str]
    run_id: str
    at: float  # seconds since the epoch


@dataclass(frozen=True)
class RunStarted(_Event):
    """The run begins or goes on; ``rows_done`` rows are there already."""

    type: ClassVar[str] = "run_started"
    dataset: str
    method: str
    exposure: str
    model: str | None
    rows_wanted: int
    rows_done: int
    resumed: bool


@dataclass(frozen=True)
class Notice(_Event):
    """Something a person should know: a plan, a step before the first row, a warning."""

    type: ClassVar[str] = "notice"
    text: str
    level: str = "info"  # info | warning


@dataclass(frozen=True)
class BatchStarted(_Event):
    type: ClassVar[str] = "batch_started"
    batch_no: int
    rows: int


@dataclass(frozen=True)
class Progress(_Event):
    """Sent at most ten times a second while something works; ``rows_done`` counts finished rows, committed or not.

    stage_share, stage_eta_s : of work that is no row's (training), how much is done, 0 to 1, and seconds to its end.
    """

    type: ClassVar[str] = "progress"
    rows_done: float
    rows_wanted: int
    rows_per_s: float
    tokens_per_s: float
    eta_s: float | None
    stage: str = ""
    stage_share: float | None = None
    stage_eta_s: float | None = None


@dataclass(frozen=True)
class Measured(_Event):
    """A number that tells how learning goes; those of one name are a curve.

    step : how far learning was, counted in ``per``. unit : of the value. low, high : an interval of 95 %.
    A step that comes again takes back what followed it.
    """

    type: ClassVar[str] = "measured"
    name: str
    step: float
    value: float
    low: float | None = None
    high: float | None = None
    per: str = "step"
    unit: str = ""


@dataclass(frozen=True)
class RowsRejected(_Event):
    type: ClassVar[str] = "rows_rejected"
    batch_no: int
    reason: str
    detail: str
    count: int


@dataclass(frozen=True)
class BatchCommitted(_Event):
    type: ClassVar[str] = "batch_committed"
    batch_no: int
    rows: int
    rows_done: int
    rows_wanted: int
    seconds: float


@dataclass(frozen=True)
class RunEnded(_Event):
    """The last event: ``status`` as in :class:`~localsynth.core.run.Status`."""

    type: ClassVar[str] = "run_ended"
    status: str
    rows_done: int
    rows_wanted: int
    seconds: float
    message: str = ""


Event: TypeAlias = (
    RunStarted | Notice | BatchStarted | Progress | Measured | RowsRejected | BatchCommitted | RunEnded
)

_TYPES: dict[str, type[Any]] = {
    cls.type: cls
    for cls in (RunStarted, Notice, BatchStarted, Progress, Measured, RowsRejected, BatchCommitted, RunEnded)
}


def encode(event: Event) -> str:
    """One line of JSON without a line break."""
    return json.dumps({"type": event.type, **asdict(event)}, ensure_ascii=False, separators=(",", ":"))


def decode(line: str) -> Event | None:
    """The event in a line; ``None`` for a torn line or a type of a newer version."""
    try:
        data = json.loads(line)
        cls = _TYPES[data.pop("type")]
        known = {f.name for f in fields(cls)}
        event: Event = cls(**{key: value for key, value in data.items() if key in known})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return event
