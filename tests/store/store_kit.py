"""Runs and rows to fill a workspace with."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb
import pyarrow as pa

from localsynth.core.events import Notice
from localsynth.core.run import Batch, Call, Exposure, Reject, Run, Status, Usage
from localsynth.core.schema import Schema
from localsynth.store import runs
from localsynth.store.session import Store

SCHEMA = Schema.from_toml(
    """
[[columns]]
name = "id"
kind = "identifier"

[[columns]]
name = "age"
kind = "integer"
range = [0, 110]

[[columns]]
name = "a \\"b\\".c"
kind = "float"
range = [0.0, 10.0]
decimals = 1
null_rate = 0.2

[[columns]]
name = "select"
kind = "categorical"
categories = ["x", "y"]
"""
)


def with_audit(con: duckdb.DuckDBPyConnection) -> None:
    """What the audit log needs, in a workspace of a version that had none."""
    con.execute("CREATE TABLE meta.audit AS SELECT 0::BIGINT AS number, repeat('0', 64) AS hash")
    con.execute("ALTER TABLE meta.batches ADD COLUMN prompts_sha256 VARCHAR")


def without_audit(con: duckdb.DuckDBPyConnection) -> None:
    """As that version left it."""
    con.execute("DROP TABLE meta.audit")
    con.execute("ALTER TABLE meta.batches DROP COLUMN prompts_sha256")


def make_run(run_id: str, dataset: str = "clinic", schema: Schema = SCHEMA, second: int = 0) -> Run:
    """A run about to start."""
    return Run(
        run_id=run_id,
        dataset=dataset,
        method="independent",
        method_version=1,
        exposure=Exposure.SCHEMA,
        model="m",
        model_sha256="ab",
        rows_wanted=10,
        rows_done=0,
        seed=2**62,
        status=Status.RUNNING,
        recipe_json="{}",
        recipe_path=None,
        fingerprint="f",
        schema_json=schema.to_json(),
        started_at=datetime(2026, 1, 1, 12, 0, second, tzinfo=UTC),
    )


def make_rows(n: int, first: int = 1) -> pa.Table:
    """Rows of SCHEMA."""
    return pa.table(
        {
            "id": [f"{first + i:06d}" for i in range(n)],
            "age": [(first + i) % 111 for i in range(n)],
            'a "b".c': [None if i % 3 == 0 else i % 10 + 0.5 for i in range(n)],
            "select": ["xy"[i % 2] for i in range(n)],
        }
    )


def commit(store: Store, run_id: str, batch_no: int, n: int, first: int = 1) -> None:
    """One batch with a bit of everything."""
    runs.commit_batch(
        store,
        Batch(run_id, batch_no, n, seed=2**63 - 1, usage=Usage(1, 2, 3, 4, 5, 0.5)),
        make_rows(n, first),
        [Call("rows", 1, "prompt", 7, Usage(calls=1))],
        [Reject("rule", "r", "text")],
        [Notice(run_id, 1.5, f"batch {batch_no}")],
        {"batch": batch_no},
    )
