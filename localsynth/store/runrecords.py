"""A run and what belongs to a batch, as rows of the tables of ``meta`` and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from localsynth.core.events import Event, encode
from localsynth.core.run import Call, Exposure, Run, Status, Usage

from . import clock
from .rows import insert_records

if TYPE_CHECKING:
    import duckdb

__all__ = ["ORDER", "RUN", "call_record", "insert_events", "run_of", "run_record"]

_FIELDS = (
    "run_id", "dataset", "method", "method_version", "exposure", "model", "model_sha256", "rows_wanted", "rows_done",
    "seed", "status", "recipe_json", "recipe_path", "fingerprint", "schema_json", "started_at",
    "finished_at", "message", "setup_json",
)  # fmt: skip
RUN = f"""
SELECT {", ".join(f"r.{field}" for field in _FIELDS)},
  coalesce(sum(b.calls), 0)::BIGINT, coalesce(sum(b.samples), 0)::BIGINT, coalesce(sum(b.prompt_tokens), 0)::BIGINT,
  coalesce(sum(b.decoded_tokens), 0)::BIGINT, coalesce(sum(b.forced_tokens), 0)::BIGINT, coalesce(sum(b.seconds), 0.0)
FROM meta.runs r LEFT JOIN meta.batches b ON b.run_id = r.run_id
"""
ORDER = " GROUP BY ALL ORDER BY r.started_at DESC, r.run_id DESC"


def insert_events(con: duckdb.DuckDBPyConnection, run_id: str, events: Sequence[Event]) -> None:
    records = [
        {
            "run_id": run_id,
            "type": event.type,
            "happened_at": clock.naive(datetime.fromtimestamp(event.at, UTC)),
            "event_json": encode(event),
        }
        for event in events
    ]
    insert_records(con, "meta.events", records)


def call_record(key: Mapping[str, Any], number: int, call: Call) -> dict[str, Any]:
    own = {"purpose": call.purpose, "requests": call.requests, "prompt": call.prompt, "seed": call.seed}
    return {**key, "call_no": number, **own, **asdict(call.usage)}


def run_record(run: Run, generation: int) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "dataset": run.dataset,
        "generation": generation,
        "method": run.method,
        "method_version": run.method_version,
        "exposure": run.exposure.label,
        "model": run.model,
        "model_sha256": run.model_sha256,
        "rows_wanted": run.rows_wanted,
        "rows_done": 0,
        "seed": run.seed,
        "status": run.status.value,
        "recipe_json": run.recipe_json,
        "recipe_path": run.recipe_path,
        "fingerprint": run.fingerprint,
        "schema_json": run.schema_json,
        "started_at": clock.naive(run.started_at),
        "finished_at": clock.naive(run.finished_at) if run.finished_at else None,
        "message": run.message,
        "setup_json": run.setup_json,
    }


def run_of(row: Sequence[Any]) -> Run:
    record = dict(zip(_FIELDS, row[: len(_FIELDS)], strict=True))
    record["exposure"] = Exposure.parse(record["exposure"])
    record["status"] = Status(record["status"])
    record["started_at"] = clock.aware(record["started_at"])
    record["finished_at"] = clock.aware(record["finished_at"]) if record["finished_at"] else None
    return Run(**record, usage=Usage(*row[len(_FIELDS) :]))
