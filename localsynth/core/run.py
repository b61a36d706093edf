"""Runs, batches and what they used."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum

from .errors import DatasetError

__all__ = ["Batch", "Call", "Exposure", "Reject", "Run", "Status", "Usage"]


class Exposure(IntEnum):
    """How much of the real table a model may see; ordered, the larger the more."""

    SCHEMA = 1
    STATISTICS = 2
    ROWS = 3

    @property
    def label(self) -> str:
        """The word used in files, tables and on screen."""
        return self.name.lower()

    @classmethod
    def parse(cls, text: str) -> Exposure:
        """Read a label; raises ``DatasetError`` on any other word."""
        try:
            return cls[str(text).strip().upper()]
        except KeyError:
            raise DatasetError(
                f"'{text}' is not one of: {', '.join(e.label for e in cls)}",
                "a policy says how much of a table a model may see",
            ) from None


class Status(StrEnum):
    """Where a run stands. ``SHORT`` ended within its budget with fewer rows than asked."""

    RUNNING = "running"
    FINISHED = "finished"
    SHORT = "short"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True)
class Usage:
    """What work was done: tokens as counted by the engine, seconds of wall time."""

    calls: int = 0
    samples: int = 0
    prompt_tokens: int = 0  # decoded to read prompts, shared prefixes counted once
    decoded_tokens: int = 0  # decoded while writing rows, forced ones included
    forced_tokens: int = 0  # of those: appended because the grammar left no choice
    seconds: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.calls + other.calls,
            self.samples + other.samples,
            self.prompt_tokens + other.prompt_tokens,
            self.decoded_tokens + other.decoded_tokens,
            self.forced_tokens + other.forced_tokens,
            self.seconds + other.seconds,
        )


@dataclass(frozen=True)
class Reject:
    """A row the model wrote that was not kept; bad output is data, not an exception."""

    reason: str  # "rule", "dependency", "duplicate", "parse", "type", "range", ...
    detail: str = ""  # e.g. the rule's name
    text: str = ""  # what the model wrote, or the row as JSON


@dataclass(frozen=True)
class Call:
    """One question to the engine, as kept in ``meta.calls``."""

    purpose: str
    requests: int
    prompt: str  # the first request's prompt as sent, template included
    seed: int
    usage: Usage


@dataclass(frozen=True)
class Batch:
    """One committed batch of a run."""

    run_id: str
    batch_no: int
    rows: int
    seed: int
    usage: Usage
    finished_at: datetime | None = None


@dataclass(frozen=True)
class Run:
    """One run as recorded in the store. ``rows_done`` counts committed rows."""

    run_id: str
    dataset: str
    method: str
    method_version: int
    exposure: Exposure
    model: str | None
    model_sha256: str | None
    rows_wanted: int
    rows_done: int
    seed: int
    status: Status
    recipe_json: str
    recipe_path: str | None
    fingerprint: str
    schema_json: str
    started_at: datetime
    finished_at: datetime | None = None
    message: str = ""
    usage: Usage = field(default_factory=Usage)
    setup_json: str | None = (
        None  # the model's file and setup as the engine wrote them down; None where there is none
    )
