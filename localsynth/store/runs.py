"""Runs: recorded when they start, one transaction per batch, found again by any unique beginning of their name.

``synth.<dataset>`` holds the rows of all runs of the dataset's present shape. When a run begins whose columns differ (other
names, types or order), the table steps aside as ``synth_old."<dataset>#<generation>"`` and a new one begins: rows of earlier
runs stay as they were, and a run that is resumed goes on in the table it began in.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from localsynth.core.contracts import Round, Stage
from localsynth.core.errors import NotFound, RunError
from localsynth.core.events import Event
from localsynth.core.nearest import nearest
from localsynth.core.run import Batch, Call, Reject, Run, Status
from localsynth.core.schema import Schema

from . import audit, clock, generations, names, trouble
from .permitting import policy_in, refuse_narrowed, told_of
from .rounds import rounds_table
from .rows import append, insert_arrow, insert_records
from .runrecords import ORDER, RUN, call_record, insert_events, run_of, run_record
from .stages import keep_stages

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from .session import Store

__all__ = [
    "check_policy",
    "checkpoint",
    "commit_batch",
    "create",
    "delete",
    "end",
    "events",
    "example_prompt",
    "get",
    "list_all",
    "reopen",
    "rows_done",
    "run_rows",
    "run_with_rows",
]


def create(store: Store, run: Run) -> None:
    """Record a run before its first batch. Raises ``NotFound`` (no such dataset) or ``RunError`` (name taken)."""
    schema = Schema.model_validate_json(run.schema_json)
    with store.write() as con:
        if con.execute("SELECT 1 FROM meta.runs WHERE run_id = ?", [run.run_id]).fetchall():
            raise RunError(f"there is a run called '{run.run_id}' already")
        dataset = generations.exact_name(con, run.dataset)
        generation = generations.table_for(con, dataset, schema)
        insert_records(con, "meta.runs", [{**run_record(run, generation), "dataset": dataset}])
        audit.note(store, con, "run started", **told_of(con, run, dataset))
        if run.model_sha256 is not None:
            con.execute(
                "INSERT INTO meta.models SELECT ?, ?, ? WHERE NOT EXISTS (FROM meta.models WHERE sha256 = ?)",
                [run.model_sha256, run.model or "", clock.now(), run.model_sha256],
            )


def get(store: Store, name: str) -> Run:
    """The run of that name, or the only one whose name begins so; ``last`` is the newest. Raises ``NotFound``."""
    with store.read() as con:
        return run_of(con.execute(RUN + " WHERE r.run_id = ?" + ORDER, [_find(con, name)]).fetchall()[0])


def list_all(store: Store, dataset: str | None = None) -> list[Run]:
    """All runs, newest first; those of one dataset if one is named."""
    where = "" if dataset is None else " WHERE lower(r.dataset) = lower(?)"
    with store.read() as con:
        return [
            run_of(row)
            for row in con.execute(RUN + where + ORDER, [] if dataset is None else [dataset]).fetchall()
        ]


def commit_batch(
    store: Store,
    batch: Batch,
    rows: pa.Table,
    calls: Sequence[Call],
    rejects: Sequence[Reject],
    events: Sequence[Event],
    state: Mapping[str, Any],
    stages: Sequence[Stage] = (),
    rounds: Sequence[Round] = (),
) -> None:
    """Store one batch whole, or nothing of it.

    Parameters
    ----------
    batch : ``batch_no`` 0 with no rows is what was learnt before the first row; then 1, 2, ... without a gap, the first of
    them without rows, too, where a method learns in steps.
    rows : exactly the columns of the run's schema (any order), ``batch.rows`` of them; numbered on from the last
    batch.
    state : JSON-able; what :func:`checkpoint` gives back.
    stages : rows as they were earlier; see :mod:`~localsynth.store.stages`. rounds : what a step of learning tried; see
    :mod:`~localsynth.store.rounds`.

    Raises ``NotFound``, ``PolicyError`` where the dataset's policy no longer allows the run, ``RunError`` (wrong number,
    wrong columns, wrong rounds, stages of a run with a privacy budget) and the store's errors.
    """
    if rows.num_rows != batch.rows:
        raise RunError(f"batch {batch.batch_no} claims {batch.rows} rows but brings {rows.num_rows}")
    text = json.dumps(dict(state), ensure_ascii=False, allow_nan=False)
    tried = rounds_table(batch.run_id, batch.batch_no, rounds)
    with store.write() as con:
        dataset, generation, schema_json, done = _exact(con, batch.run_id)
        refuse_narrowed(con, batch.run_id)
        last = _last_batch(con, batch.run_id)
        if batch.batch_no != last + 1 and not (last == -1 and batch.batch_no == 1):
            had = f"batch {last} was the last" if last >= 0 else "there is none yet"
            raise RunError(f"batch {batch.batch_no} of run '{batch.run_id}' does not follow: {had}")
        table = generations.table_of(con, dataset, generation)
        schema = Schema.model_validate_json(schema_json)
        append(con, table, schema, rows, batch.run_id, batch.batch_no, done + 1)
        keep_stages(con, schema, batch.run_id, batch.batch_no, stages)
        if tried.num_rows:
            insert_arrow(con, "meta.rounds", tried)
        moment = clock.naive(batch.finished_at or datetime.now(UTC))
        key = {"run_id": batch.run_id, "batch_no": batch.batch_no}
        record = {**key, "first_row": done + 1, "rows": batch.rows, "seed": batch.seed, **asdict(batch.usage)}
        shown = _shown(store, con, dataset, batch, last, calls)
        insert_records(con, "meta.batches", [{**record, "finished_at": moment, "prompts_sha256": shown}])
        insert_records(
            con, "meta.calls", [call_record(key, number, call) for number, call in enumerate(calls, 1)]
        )
        insert_records(con, "meta.rejects", [{**key, **asdict(reject)} for reject in rejects])
        insert_events(con, batch.run_id, events)
        con.execute("DELETE FROM meta.checkpoints WHERE run_id = ?", [batch.run_id])
        insert_records(con, "meta.checkpoints", [{**key, "state_json": text}])
        con.execute("UPDATE meta.runs SET rows_done = ? WHERE run_id = ?", [done + batch.rows, batch.run_id])


def check_policy(store: Store, run_id: str) -> None:
    """Raises ``PolicyError`` where the dataset's policy no longer allows what a run shows its model, and ``NotFound``."""
    with store.read() as con:
        _exact(con, run_id)
        refuse_narrowed(con, run_id)


def end(store: Store, run_id: str, status: Status, message: str, events: Sequence[Event] = ()) -> None:
    """Record how a run ended; the ``_synth`` view moves on to a finished or short one. Raises ``NotFound``."""
    with store.write() as con:
        dataset, _, _, done = _exact(con, run_id)
        con.execute(
            "UPDATE meta.runs SET status = ?, message = ?, finished_at = ? WHERE run_id = ?",
            [status.value, message, clock.now(), run_id],
        )
        insert_events(con, run_id, events)
        generations.refresh_view(con, dataset)
        audit.note(store, con, "run ended", dataset=dataset, run=run_id, status=status.value, rows=done)


def reopen(store: Store, run_id: str) -> None:
    """Set a run's status back to running, so that batches may follow. Raises ``NotFound``."""
    with store.write() as con:
        dataset, _, _, done = _exact(con, run_id)
        con.execute(
            "UPDATE meta.runs SET status = ?, message = '', finished_at = NULL WHERE run_id = ?",
            [Status.RUNNING.value, run_id],
        )
        generations.refresh_view(con, dataset)
        audit.note(
            store, con, "run resumed", dataset=dataset, run=run_id, policy=policy_in(con, dataset), rows=done
        )


def checkpoint(store: Store, run_id: str) -> tuple[int, dict[str, Any]] | None:
    """The last committed batch's number and the state it left; ``None`` before the first. Raises ``NotFound``."""
    with store.read() as con:
        _exact(con, run_id)
        found = con.execute(
            "SELECT batch_no, state_json FROM meta.checkpoints WHERE run_id = ?", [run_id]
        ).fetchall()
    return (int(found[0][0]), json.loads(found[0][1])) if found else None


def rows_done(store: Store, run_id: str) -> int:
    """How many rows of the run are stored. Raises ``NotFound``."""
    with store.read() as con:
        return _exact(con, run_id)[3]


def run_rows(store: Store, run_id: str, every: int = 1) -> pa.Table:
    """The stored rows of a run in the order they were made, canonical columns. Raises ``NotFound``.

    every : only each so many-th row, to look at a long run evenly.
    """
    with store.read() as con:
        return _rows(con, run_id, every)


def run_with_rows(store: Store, run_id: str, most: int) -> tuple[Run, pa.Table]:
    """A run as it stands with its rows of the same moment; of more than ``most``, evenly spread ones, at most so many.

    Raises ``NotFound``.
    """
    with store.read() as con:
        run, *_ = run_in(con, run_id)
        return run, _rows(con, run_id, max(1, -(-run.rows_done // most)))


def run_in(con: duckdb.DuckDBPyConnection, run_id: str) -> tuple[Run, Schema, str]:
    """A run, the schema of its rows and the table (quoted) they are in; inside a transaction of the caller.

    Raises ``NotFound``.
    """
    dataset, generation, schema_json, _ = _exact(con, run_id)
    run = run_of(con.execute(RUN + " WHERE r.run_id = ?" + ORDER, [run_id]).fetchall()[0])
    return run, Schema.model_validate_json(schema_json), generations.table_of(con, dataset, generation)


def _rows(con: duckdb.DuckDBPyConnection, run_id: str, every: int) -> pa.Table:
    from localsynth.tables import arrow_schema

    _, schema, table = run_in(con, run_id)
    some = " AND (row_no - 1) % ? = 0" if every > 1 else ""
    query = f"SELECT {names.columns_sql(schema.names)} FROM {table} WHERE run_id = ?{some} ORDER BY row_no"
    found = con.sql(query, params=[run_id, every] if every > 1 else [run_id])
    return found.to_arrow_table().cast(arrow_schema(schema))


def example_prompt(store: Store, run_id: str) -> str | None:
    """The last prompt of a run as the model read it; ``None`` where it asked no model. Raises ``NotFound``."""
    with store.read() as con:
        _exact(con, run_id)
        query = "SELECT prompt FROM meta.calls WHERE run_id = ? ORDER BY batch_no DESC, call_no DESC LIMIT 1"
        found = con.execute(query, [run_id]).fetchall()
    return str(found[0][0]) if found else None


def events(store: Store, run_id: str) -> list[str]:
    """The stored events of a run, oldest first, each as the line ``core.events.decode`` reads. Raises ``NotFound``."""
    with store.read() as con:
        _exact(con, run_id)
        found = con.execute(
            "SELECT event_json FROM meta.events WHERE run_id = ? ORDER BY rowid", [run_id]
        ).fetchall()
    return [line for (line,) in found]


def delete(store: Store, run_id: str) -> None:
    """Remove a run, its rows and its folder. Raises ``NotFound``."""
    with store.write() as con:
        dataset, _, _, done = _exact(con, run_id)
        forget(con, run_id)
        generations.refresh_view(con, dataset)
        audit.note(store, con, "run deleted", dataset=dataset, run=run_id, rows=done)
    remove_folder(store, run_id)


def forget(con: duckdb.DuckDBPyConnection, run_id: str) -> None:
    """Remove all that the tables hold of a run but what it spent of privacy, inside a transaction of the caller."""
    dataset, generation, *_ = _exact(con, run_id)
    con.execute(f"DELETE FROM {generations.table_of(con, dataset, generation)} WHERE run_id = ?", [run_id])
    tables = (
        "batches",
        "calls",
        "rejects",
        "checkpoints",
        "stages",
        "rounds",
        "events",
        "statistics",
        "refusals",
        "metrics",
        "runs",
    )
    for name in tables:
        con.execute(f"DELETE FROM meta.{name} WHERE run_id = ?", [run_id])


def remove_folder(store: Store, run_id: str) -> None:
    """Remove the files of a run. Raises ``StoreError``."""
    folder = store.run_folder(run_id)
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise trouble.from_os(error, folder, "remove") from error


def require(con: duckdb.DuckDBPyConnection, run_id: str) -> None:
    """Raise ``NotFound`` where there is no run of that full name; inside a transaction of the caller."""
    _exact(con, run_id)


def schema_in(con: duckdb.DuckDBPyConnection, run_id: str) -> Schema:
    """The schema of a run's rows, inside a transaction of the caller. Raises ``NotFound``."""
    return Schema.model_validate_json(_exact(con, run_id)[2])


def _exact(con: duckdb.DuckDBPyConnection, run_id: str) -> tuple[str, int, str, int]:
    """Dataset, generation, schema and rows done of a run named in full."""
    found = con.execute(
        "SELECT dataset, generation, schema_json, rows_done FROM meta.runs WHERE run_id = ?", [run_id]
    ).fetchall()
    if not found:
        raise _unknown(con, run_id)
    dataset, generation, schema_json, done = found[0]
    return str(dataset), int(generation), str(schema_json), int(done)


def _find(con: duckdb.DuckDBPyConnection, name: str) -> str:
    ids = [
        row[0]
        for row in con.execute(
            "SELECT run_id FROM meta.runs ORDER BY started_at DESC, run_id DESC"
        ).fetchall()
    ]
    if name in ids:
        return name
    if name == "last" and ids:
        return str(ids[0])
    begin = [run_id for run_id in ids if name and run_id.startswith(name)]
    if len(begin) > 1:
        some = ", ".join(begin[:5]) + (", ..." if len(begin) > 5 else "")
        raise NotFound(f"'{name}' begins the names of {len(begin)} runs", f"write more of one of: {some}")
    if not begin:
        raise _unknown(con, name)
    return str(begin[0])


def _unknown(con: duckdb.DuckDBPyConnection, name: str) -> NotFound:
    ids = [row[0] for row in con.execute("SELECT run_id FROM meta.runs").fetchall()]
    if not ids:
        return NotFound(f"there is no run called '{name}', nor any other", "localsynth run RECIPE makes one")
    return NotFound(f"there is no run called '{name}'{nearest(name, ids)}", "localsynth runs lists them")


def _last_batch(con: duckdb.DuckDBPyConnection, run_id: str) -> int:
    return int(
        con.execute(
            "SELECT coalesce(max(batch_no), -1) FROM meta.batches WHERE run_id = ?", [run_id]
        ).fetchall()[0][0]
    )


def _shown(
    store: Store,
    con: duckdb.DuckDBPyConnection,
    dataset: str,
    batch: Batch,
    last: int,
    calls: Sequence[Call],
) -> str | None:
    """The hash of all prompts up to a batch's; those of the batch stand in the audit log before they count here."""
    found = con.execute(
        "SELECT prompts_sha256 FROM meta.batches WHERE run_id = ? AND batch_no = ?", [batch.run_id, last]
    ).fetchall()
    before: str | None = found[0][0] if found else None
    if not calls:
        return before
    made = audit.prompts_sha256(before, (call.prompt for call in calls))
    shown: dict[str, Any] = {
        "batch": batch.batch_no,
        "calls": len(calls),
        "requests": sum(call.requests for call in calls),
    }
    shown |= {"dataset": dataset, "run": batch.run_id, "rows": batch.rows}
    audit.note(store, con, "prompts shown", **shown, prompts_sha256=made)
    return made
