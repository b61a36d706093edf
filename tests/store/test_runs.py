"""Runs: batches whole or not at all, names found, older shapes kept, kills survived."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from localsynth.core.errors import NotFound, RunError
from localsynth.core.events import decode
from localsynth.core.run import Batch, Exposure, Status, Usage
from localsynth.core.schema import Schema
from localsynth.store import datasets, migrate, reading, runs
from localsynth.store.session import Store
from tests.store.store_kit import SCHEMA, commit, make_rows, make_run, with_audit, without_audit


@pytest.fixture
def clinic(store: Store) -> Store:
    datasets.declare(store, "clinic", SCHEMA)
    return store


def test_a_run_from_start_to_end(clinic: Store) -> None:
    runs.create(clinic, make_run("20260101-a"))
    assert runs.checkpoint(clinic, "20260101-a") is None
    assert runs.run_rows(clinic, "20260101-a").num_rows == 0
    commit(clinic, "20260101-a", 0, 0)
    assert runs.checkpoint(clinic, "20260101-a") == (0, {"batch": 0})
    commit(clinic, "20260101-a", 1, 6)
    commit(clinic, "20260101-a", 2, 4, first=7)
    assert runs.checkpoint(clinic, "20260101-a") == (2, {"batch": 2})
    assert runs.rows_done(clinic, "20260101-a") == 10
    rows = runs.run_rows(clinic, "20260101-a")
    assert rows.column_names == list(SCHEMA.names)
    assert rows["id"].to_pylist() == [f"{i:06d}" for i in range(1, 11)]
    assert reading.count(clinic, "clinic_synth") == 0
    runs.end(clinic, "20260101-a", Status.FINISHED, "done", [])
    assert reading.sql(clinic, 'SELECT "a ""b"".c" FROM clinic_synth').num_rows == 10
    run = runs.get(clinic, "last")
    assert run.status is Status.FINISHED
    assert run.rows_done == 10
    assert run.usage == Usage(3, 6, 9, 12, 15, 1.5)
    assert run.started_at == datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert run.seed == 2**62
    assert run.exposure is Exposure.SCHEMA
    assert [decode(line).text for line in runs.events(clinic, run.run_id)] == [
        "batch 0",
        "batch 1",
        "batch 2",
    ]  # type: ignore[union-attr]
    numbers = reading.sql(clinic, "SELECT batch_no, row_no FROM synth.clinic ORDER BY row_no").to_pydict()
    assert numbers == {"batch_no": [1] * 6 + [2] * 4, "row_no": list(range(1, 11))}
    for table, n in (("calls", 3), ("rejects", 3), ("batches", 3), ("checkpoints", 1), ("models", 1)):
        assert reading.count(clinic, ("meta", table)) == n
    runs.reopen(clinic, run.run_id)
    assert runs.get(clinic, run.run_id).finished_at is None
    assert reading.count(clinic, "clinic_synth") == 0


def test_the_setup_is_kept_and_may_be_missing(clinic: Store) -> None:
    runs.create(clinic, make_run("bare"))
    runs.create(clinic, replace(make_run("full"), setup_json='{"setup": {"threads": 4}}'))
    assert runs.get(clinic, "bare").setup_json is None
    assert runs.get(clinic, "full").setup_json == '{"setup": {"threads": 4}}'


def test_a_workspace_from_before_setups_were_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = migrate.known()
    monkeypatch.setattr(migrate, "known", lambda: known[:1])
    old = Store.create(tmp_path / "old")
    with old.write() as con:
        con.execute("ALTER TABLE meta.datasets ADD COLUMN declared BOOLEAN")
        con.execute("CREATE TABLE meta.adapters (dataset VARCHAR)")
        with_audit(con)
    datasets.declare(old, "clinic", SCHEMA)
    monkeypatch.setattr(runs, "run_record", _without_setup(runs.run_record))
    runs.create(old, make_run("20260101-a"))
    commit(old, "20260101-a", 1, 4)
    with old.write() as con:
        con.execute("ALTER TABLE meta.datasets DROP COLUMN declared")
        con.execute("DROP TABLE meta.adapters")
        without_audit(con)
    monkeypatch.undo()
    store = Store.open(tmp_path / "old")
    run = runs.get(store, "20260101-a")
    assert (run.setup_json, run.rows_done) == (None, 4)
    assert datasets.get(store, "clinic").declared  # it has no rows to infer a schema from
    commit(store, "20260101-a", 2, 4, first=5)
    assert runs.get(store, "20260101-a").rows_done == 8


def _without_setup(record: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def old(*arguments: Any) -> dict[str, Any]:
        return {key: value for key, value in record(*arguments).items() if key != "setup_json"}

    return old


def test_names(clinic: Store) -> None:
    with pytest.raises(NotFound, match="nor any other"):
        runs.get(clinic, "last")
    for second, run_id in enumerate(("20260101-one", "20260102-two", "20260102-three")):
        runs.create(clinic, make_run(run_id, second=second))
    assert [run.run_id for run in runs.list_all(clinic, "CLINIC")] == [
        "20260102-three",
        "20260102-two",
        "20260101-one",
    ]
    assert runs.get(clinic, "20260101").run_id == "20260101-one"
    assert runs.get(clinic, "last").run_id == "20260102-three"
    with pytest.raises(NotFound, match="2 runs"):
        runs.get(clinic, "20260102")
    with pytest.raises(NotFound, match="did you mean '20260102-three'"):
        runs.get(clinic, "2026102-three")
    with pytest.raises(NotFound):
        runs.get(clinic, "")
    with pytest.raises(RunError, match="already"):
        runs.create(clinic, make_run("20260101-one"))
    with pytest.raises(NotFound, match="did you mean 'clinic'"):
        runs.create(clinic, make_run("x", dataset="clinik"))


def test_what_does_not_fit_leaves_nothing(clinic: Store) -> None:
    runs.create(clinic, make_run("r"))
    commit(clinic, "r", 0, 0)
    batch = Batch("r", 1, 2, 0, Usage())
    good = make_rows(2)
    for rows, wrong in (
        (good.slice(0, 1), "claims 2 rows"),
        (good.drop_columns(["age"]), "age"),
        (good.append_column("more", pa.array([1, 2])), "more"),
        (good.set_column(1, "age", pa.array(["x", "y"])), "types"),
    ):
        with pytest.raises(RunError, match=wrong):
            runs.commit_batch(clinic, batch, rows, [], [], [], {})
    for number in (0, 2):
        with pytest.raises(RunError, match="does not follow"):
            commit(clinic, "r", number, 1)
    with pytest.raises(NotFound):
        commit(clinic, "other", 0, 0)
    with pytest.raises(ValueError, match="JSON"):
        runs.commit_batch(clinic, batch, good, [], [], [], {"x": float("nan")})
    assert runs.rows_done(clinic, "r") == 0
    assert reading.count(clinic, ("synth", "clinic")) == 0
    commit(clinic, "r", 1, 2)


def test_an_error_late_in_a_batch_takes_all_of_it_back(clinic: Store) -> None:
    runs.create(clinic, make_run("r"))
    with clinic.write() as con:
        con.execute("ALTER TABLE meta.checkpoints RENAME TO hidden")
    with pytest.raises(OSError, match="checkpoints"):
        commit(clinic, "r", 1, 5)
    assert reading.count(clinic, ("synth", "clinic")) == 0
    assert reading.count(clinic, ("meta", "batches")) == 0


def test_a_changed_shape_keeps_old_runs(clinic: Store) -> None:
    runs.create(clinic, make_run("old"))
    commit(clinic, "old", 1, 3)
    runs.create(clinic, make_run("half", second=1))
    commit(clinic, "half", 1, 2)
    runs.end(clinic, "old", Status.FINISHED, "")
    new = Schema.from_toml('[[columns]]\nname = "age"\nkind = "float"\nrange = [0.0, 1.0]\n')
    datasets.set_schema(clinic, "clinic", new)
    assert reading.count(clinic, "clinic_synth") == 3  # still the latest finished run, in its own shape
    runs.create(clinic, make_run("new", schema=new, second=2))
    runs.commit_batch(clinic, Batch("new", 1, 1, 0, Usage()), pa.table({"age": [0.5]}), [], [], [], {})
    commit(clinic, "half", 2, 2, first=3)
    assert runs.run_rows(clinic, "old").num_rows == 3
    assert runs.run_rows(clinic, "half")["id"].to_pylist() == [f"{i:06d}" for i in range(1, 5)]
    assert runs.run_rows(clinic, "new").to_pydict() == {"age": [0.5]}
    assert reading.count(clinic, ("synth_old", "clinic#1")) == 7
    runs.end(clinic, "new", Status.SHORT, "too few")
    assert reading.sql(clinic, "FROM clinic_synth").to_pydict() == {"age": [0.5]}
    runs.delete(clinic, "new")
    assert reading.sql(clinic, "FROM clinic_synth").num_rows == 3
    runs.create(clinic, make_run("again", second=3))
    assert runs.run_rows(clinic, "old").num_rows == 3


def test_delete_and_drop(clinic: Store) -> None:
    runs.create(clinic, make_run("r"))
    commit(clinic, "r", 1, 3)
    (clinic.run_folder("r") / "events.jsonl").touch()
    with pytest.raises(ValueError, match="has 1 run"):
        datasets.drop(clinic, "clinic")
    datasets.drop(clinic, "clinic", with_runs=True)
    assert not (clinic.folder / "runs" / "r").exists()
    assert datasets.list_all(clinic) == []
    for table in (
        "runs",
        "batches",
        "calls",
        "rejects",
        "events",
        "checkpoints",
        "stages",
        "columns",
        "splits",
    ):
        assert reading.count(clinic, ("meta", table)) == 0
    with pytest.raises(NotFound):
        runs.delete(clinic, "r")


WRITER = """
import sys
from localsynth.store.session import Store
from tests.store.store_kit import commit

store = Store.open(sys.argv[1], timeout=60)
number, first = int(sys.argv[2]), int(sys.argv[3])
while True:
    size = number * 7 % 50 + 1
    commit(store, "r", number, size, first)
    print(number, flush=True)
    number, first = number + 1, first + size
"""


def _writer(store: Store) -> subprocess.Popen[bytes]:
    found = runs.checkpoint(store, "r")
    number = found[0] + 1 if found else 1
    first = runs.rows_done(store, "r") + 1
    root = Path(__file__).parents[2]
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(store.folder), str(number), str(first)],
        stdout=subprocess.PIPE,
        cwd=root,
        env={"PYTHONPATH": str(root), "PATH": ""},
    )


def test_killed_at_any_moment(clinic: Store) -> None:
    runs.create(clinic, make_run("r"))
    rng = random.Random(5)
    for _ in range(6):
        child = _writer(clinic)
        assert child.stdout is not None
        for _ in range(rng.randint(1, 3)):
            assert child.stdout.readline()
        try:
            child.wait(timeout=rng.random() * 0.06)  # somewhere in the middle of the next batches
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        store = Store.open(clinic.folder)
        per_batch = reading.sql(
            store,
            "SELECT b.batch_no, b.rows, b.first_row, count(s.row_no) n, min(s.row_no) low, max(s.row_no) high"
            " FROM meta.batches b LEFT JOIN synth.clinic s ON s.batch_no = b.batch_no GROUP BY ALL ORDER BY 1",
        ).to_pylist()
        total = 0
        for number, batch in enumerate(per_batch, 1):
            assert batch["batch_no"] == number
            assert batch["rows"] == batch["n"]
            assert (batch["low"], batch["high"]) == (total + 1, total + batch["n"])
            assert batch["first_row"] == total + 1
            total += batch["n"]
        assert runs.rows_done(store, "r") == total
        assert runs.checkpoint(store, "r") == (len(per_batch), {"batch": len(per_batch)})
        assert reading.count(store, ("meta", "events")) == len(per_batch)
        assert runs.run_rows(store, "r")["id"].to_pylist() == [f"{i:06d}" for i in range(1, total + 1)]


READER = """
import duckdb, sys
for line in sys.stdin:
    with duckdb.connect(sys.argv[1], read_only=True) as con:
        print(con.execute("SELECT count(*) FROM synth.clinic").fetchall()[0][0], flush=True)
"""


def test_plain_duckdb_reads_between_commits(clinic: Store) -> None:
    runs.create(clinic, make_run("r"))
    child = subprocess.Popen(
        [
            sys.executable,
            "-c",
            READER,
            str(clinic.path),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    for number in range(1, 6):
        commit(clinic, "r", number, 3, first=number * 3 - 2)
        child.stdin.write("read\n")
        child.stdin.flush()
        assert child.stdout.readline() == f"{number * 3}\n"
    child.communicate("")


def test_the_file_opens_in_the_oldest_duckdb_supported(clinic: Store) -> None:
    with duckdb.connect(str(clinic.path), read_only=True) as con:
        (tags,) = con.execute(
            "SELECT tags FROM duckdb_databases() WHERE database_name = 'workspace'"
        ).fetchall()[0]
    assert tags["storage_version"].startswith("v1.5")


def test_a_run_and_its_rows_are_of_one_moment(clinic: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    runs.create(clinic, make_run("r"))
    commit(clinic, "r", 1, 7)
    opened: list[int] = []
    read = Store.read

    def counted(store: Store, timeout: float | None = None) -> Any:
        opened.append(1)
        return read(store, timeout)

    monkeypatch.setattr(Store, "read", counted)
    run, rows = runs.run_with_rows(clinic, "r", 100)
    assert len(opened) == 1
    assert (run.rows_done, rows.num_rows) == (7, 7)
    assert run == runs.get(clinic, "r")
    assert runs.run_with_rows(clinic, "r", 3)[1]["age"].to_pylist() == [1, 4, 7]  # evenly, at most three
    with pytest.raises(NotFound):
        runs.run_with_rows(clinic, "nosuch", 3)
