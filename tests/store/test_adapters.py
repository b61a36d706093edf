"""Adapters: a file and a row each, whatever breaks off in between."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localsynth.core.adapter import LearntAdapter
from localsynth.core.errors import AdapterError, DatasetError, ModelError, NotFound, RunError, StoreError
from localsynth.core.run import Exposure
from localsynth.store import adapters, datasets, reading, runs
from localsynth.store.removing import copies, drop
from localsynth.store.rowhash import rows_sha256
from localsynth.store.session import Store
from tests.store.adapter_kit import described, trained
from tests.store.store_kit import commit, make_rows, make_run

Make = Callable[..., LearntAdapter]


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture
def clinic(store: Store) -> Store:
    """A dataset of 30 rows, and a run of it."""
    datasets.import_table(store, make_rows(30), "clinic")
    runs.create(store, make_run("20260101-a", schema=datasets.get(store, "clinic").schema))
    return store


@pytest.fixture
def keep(clinic: Store, tmp_path: Path) -> Make:
    def made(seed: int = 0, **changes: Any) -> LearntAdapter:
        path = trained(tmp_path, seed)
        return adapters.put(clinic, path, described(clinic, path, **changes))

    return made


# --- in ---------------------------------------------------------------------------------------------------------------


def test_the_file_is_moved_in_and_all_is_read_back(clinic: Store, tmp_path: Path) -> None:
    path = trained(tmp_path)
    content = path.read_bytes()
    wanted = described(clinic, path)
    made = adapters.put(clinic, path, wanted)
    assert made == replace(
        wanted,
        dataset="clinic",
        settings={"rank": 4, "seconds": 1.5, "gap": None},
        curve=({"epoch": 1, "held": 3.5}, {"epoch": 2, "held": None}),
    )
    assert (made.exposure, made.stale, made.label) == (Exposure.ROWS, False, made.adapter_id)
    assert adapters.get(clinic, made.adapter_id) == made
    file = clinic.folder / made.file
    assert adapters.file_of(clinic, made) == adapters.check(clinic, made) == file
    assert file.read_bytes() == content
    assert (mode(file), mode(file.parent)) == (0o600, 0o700)
    assert not path.exists()
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]
    found = reading.sql(clinic, "SELECT adapter_id, column_order, exposure FROM meta.adapters").to_pylist()
    assert found == [
        {"adapter_id": made.adapter_id, "column_order": ['a "b".c', "select", "age"], "exposure": "rows"}
    ]


def test_from_another_file_system_it_is_copied(
    clinic: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    path = trained(tmp_path)
    path.chmod(0o644)
    made = adapters.put(clinic, path, described(clinic, path))
    assert mode(adapters.check(clinic, made)) == 0o600
    assert not path.exists()


def test_the_same_file_of_a_run_is_kept_once(clinic: Store, keep: Make) -> None:
    first = keep()
    again = keep()
    assert again == first
    other = keep(seed=1)
    assert other.adapter_id != first.adapter_id
    runs.create(clinic, make_run("20260102-b", schema=datasets.get(clinic, "clinic").schema))
    elsewhere = keep(run_id="20260102-b")
    assert elsewhere.sha256 == first.sha256
    assert {one.adapter_id for one in adapters.list_all(clinic)} == {
        first.adapter_id,
        other.adapter_id,
        elsewhere.adapter_id,
    }


def test_kept_again_a_lost_file_is_there_again(clinic: Store, keep: Make) -> None:
    first = keep()
    adapters.file_of(clinic, first).unlink()
    assert keep() == first
    adapters.check(clinic, first)


def test_not_before_the_run_has_begun(clinic: Store, tmp_path: Path) -> None:
    path = trained(tmp_path)
    with pytest.raises(RunError, match="not begun"):
        adapters.put(clinic, path, described(clinic, path, run_id="later"))
    assert path.exists()
    assert list(clinic.adapter_folder.iterdir()) == []


def test_a_file_that_is_not_what_was_measured(clinic: Store, tmp_path: Path) -> None:
    path = trained(tmp_path)
    wanted = described(clinic, path)
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(StoreError, match="changed while it was read"):
        adapters.put(clinic, path, wanted)
    assert path.exists()
    assert list(clinic.adapter_folder.iterdir()) == []
    assert adapters.list_all(clinic) == []


def test_what_json_cannot_hold_is_a_mistake_of_the_method(clinic: Store, tmp_path: Path) -> None:
    path = trained(tmp_path)
    with pytest.raises(RunError, match="cannot be kept"):
        adapters.put(clinic, path, described(clinic, path, settings={"folder": tmp_path}))
    assert path.exists()
    assert list(clinic.adapter_folder.iterdir()) == []


# --- broken off -------------------------------------------------------------------------------------------------------


class Killed(BaseException):
    """The process is gone: nothing that would clean up is done."""


_DIES = """
import os, pickle, sys
from localsynth.store import adapters
from localsynth.store.session import Store

folder, path, wanted = pickle.load(sys.stdin.buffer)
adapters.insert_records = lambda *_: os._exit(7)
adapters.put(Store(folder), path, wanted)
"""


def test_killed_between_file_and_row(clinic: Store, tmp_path: Path) -> None:
    path = trained(tmp_path)
    wanted = described(clinic, path)
    died = subprocess.run(
        [sys.executable, "-c", _DIES],
        input=pickle.dumps((clinic.folder, path, wanted)),
        capture_output=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert died.returncode == 7, died.stderr
    stray = clinic.folder / wanted.file
    assert stray.exists()
    assert path.exists()  # it can be kept again
    assert adapters.list_all(clinic) == []
    again = Store.open(clinic.folder)
    assert not stray.exists()
    made = adapters.put(again, path, described(again, path))
    assert adapters.check(again, made).exists()


def test_killed_between_row_and_file(clinic: Store, keep: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    made, other = keep(), keep(seed=1)

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(adapters, "remove_files", die)
        with pytest.raises(Killed):
            adapters.delete(clinic, made.adapter_id)
    assert adapters.file_of(clinic, made).exists()
    with pytest.raises(NotFound):
        adapters.get(clinic, made.adapter_id)
    adapters.delete(clinic, other.adapter_id)  # the next deletion sweeps as the next opening does
    assert list(clinic.adapter_folder.iterdir()) == []


def test_a_sweep_takes_only_what_is_named_as_an_adapter(clinic: Store, keep: Make) -> None:
    made = keep()
    folder = clinic.adapter_folder
    mine = folder / "my own.gguf"
    mine.write_bytes(b"GGUF")
    strays = [
        folder / "20260101-000000-clinic-0123ab.gguf",
        folder / "20260101-000000-clinic-0123ab.gguf.part",
    ]
    for stray in strays:
        stray.write_bytes(b"GGUF")
    assert adapters.sweep(clinic) == strays
    assert sorted(folder.iterdir()) == sorted([mine, adapters.file_of(clinic, made)])
    assert adapters.sweep(clinic) == []


def test_a_file_whose_row_is_about_to_come_is_not_swept(
    clinic: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    swept: list[list[Path]] = []
    insert = adapters.insert_records

    def meanwhile(*arguments: Any) -> None:
        swept.append(adapters.sweep(clinic))
        insert(*arguments)

    monkeypatch.setattr(adapters, "insert_records", meanwhile)
    path = trained(tmp_path)
    made = adapters.put(clinic, path, described(clinic, path))
    assert swept == [[]]
    adapters.check(clinic, made)


# --- found, named, deleted --------------------------------------------------------------------------------------------


def test_found_by_id_name_and_beginning(clinic: Store, keep: Make) -> None:
    one = keep(adapter_id="20260101-000000-clinic-aaaaaa", file="adapters/20260101-000000-clinic-aaaaaa.gguf")
    two = keep(
        1, adapter_id="20260102-000000-clinic-bbbbbb", file="adapters/20260102-000000-clinic-bbbbbb.gguf"
    )
    assert adapters.get(clinic, "20260101") == one
    named = adapters.rename(clinic, "20260102", "wards")
    assert (named, named.label) == (replace(two, name="wards"), "wards")
    assert adapters.get(clinic, "wards") == named
    with pytest.raises(NotFound, match="begins the ids of 2 adapters"):
        adapters.get(clinic, "2026")
    with pytest.raises(NotFound, match="did you mean 'wards'"):
        adapters.get(clinic, "ward")
    with pytest.raises(NotFound):
        adapters.get(clinic, "")
    assert adapters.list_all(clinic, "CLINIC") == adapters.list_all(clinic)
    assert adapters.list_all(clinic, "other") == []


def test_names(clinic: Store, keep: Make) -> None:
    one, two = keep(), keep(1)
    adapters.rename(clinic, one.adapter_id, "wards")
    assert adapters.rename(clinic, one.adapter_id, "wards").name == "wards"
    with pytest.raises(AdapterError, match="already"):
        adapters.rename(clinic, two.adapter_id, "wards")
    for wrong in ("", "A", "a b", "../x", one.adapter_id, "20260101-mine", "x" * 65):
        with pytest.raises(AdapterError, match="cannot name"):
            adapters.rename(clinic, two.adapter_id, wrong)
    assert adapters.rename(clinic, "wards", None).name is None
    assert adapters.rename(clinic, two.adapter_id, "wards").name == "wards"


def test_none_at_all(store: Store) -> None:
    with pytest.raises(NotFound, match="nor any other"):
        adapters.get(store, "x")
    assert adapters.list_all(store) == []


def test_a_file_that_is_gone_or_changed(clinic: Store, keep: Make) -> None:
    made = keep()
    file = adapters.file_of(clinic, made)
    data = file.read_bytes()
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(ModelError, match="has changed"):
        adapters.check(clinic, made)
    file.unlink()
    with pytest.raises(ModelError, match="is gone"):
        adapters.check(clinic, made)
    assert adapters.delete(clinic, made.adapter_id) == made  # a record without a file can be deleted
    assert adapters.list_all(clinic) == []


def test_it_outlives_its_run(clinic: Store, keep: Make) -> None:
    made = keep()
    runs.delete(clinic, made.run_id)
    assert adapters.get(clinic, made.adapter_id) == made
    adapters.check(clinic, made)


# --- its dataset ------------------------------------------------------------------------------------------------------


def stale(store: Store) -> list[bool]:
    return [one.stale for one in adapters.list_all(store)]


def test_stale_while_the_rows_are_others(clinic: Store, keep: Make) -> None:
    made = keep()
    assert stale(clinic) == [False]
    datasets.import_table(clinic, make_rows(30), "Clinic", replace=True)  # the same rows, the same split
    assert stale(clinic) == [False]
    assert adapters.get(clinic, made.adapter_id).dataset == "Clinic"
    datasets.import_table(clinic, make_rows(30), "clinic", replace=True, seed=1)  # another split
    assert stale(clinic) == [True]
    datasets.declare(clinic, "clinic", datasets.get(clinic, "clinic").schema, replace=True)
    assert stale(clinic) == [True]
    datasets.import_table(clinic, make_rows(30), "clinic", replace=True)
    assert stale(clinic) == [False]


def test_another_schema_of_the_same_rows(clinic: Store, keep: Make) -> None:
    keep()
    schema = datasets.get(clinic, "clinic").schema
    turned = schema.model_copy(update={"columns": schema.columns[::-1], "description": "otherwise"})
    datasets.set_schema(clinic, "clinic", turned)
    assert stale(clinic) == [False]


def test_a_dataset_goes_with_all_that_was_made_of_it(clinic: Store, keep: Make, tmp_path: Path) -> None:
    made = keep()
    adapters.rename(clinic, made.adapter_id, "wards")
    commit(clinic, "20260101-a", 1, 4)
    training = clinic.run_folder("20260101-a") / "training"
    training.mkdir()
    (training / "corpus.npz").write_bytes(b"rows")
    datasets.import_table(clinic, make_rows(30), "other")
    runs.create(clinic, make_run("20260103-c", "other", schema=datasets.get(clinic, "other").schema))
    stays = keep(1, run_id="20260103-c")
    with pytest.raises(DatasetError, match="1 run"):
        drop(clinic, "clinic")
    adapters.check(clinic, made)
    gone = drop(clinic, "CLINIC", with_runs=True)
    assert (gone.dataset, gone.rows, gone.runs, gone.made, gone.adapters) == (
        "clinic",
        30,
        ("20260101-a",),
        4,
        ("wards",),
    )
    assert adapters.list_all(clinic) == [replace(stays, stale=stays.stale)]
    assert [path.name for path in clinic.adapter_folder.iterdir()] == [Path(stays.file).name]
    assert not training.parent.exists()
    tables = reading.sql(clinic, "SELECT schema_name || '.' || table_name AS t FROM duckdb_tables()")
    for table in tables["t"].to_pylist():
        schema, name = table.split(".", 1)
        columns = reading.sql(
            clinic,
            f"SELECT column_name AS c FROM duckdb_columns() WHERE schema_name = '{schema}' AND table_name = '{name}'",
        )["c"].to_pylist()
        assert name != "clinic"
        for column, value in (("dataset", "clinic"), ("run_id", "20260101-a")):
            if column in columns:
                query = f"SELECT 1 FROM {schema}.\"{name}\" WHERE {column} = '{value}'"
                assert reading.sql(clinic, query).num_rows == 0, table


def test_a_folder_that_cannot_be_removed_does_not_save_the_rest(
    clinic: Store, keep: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = keep()

    def refuse(*_: object) -> None:
        raise StoreError("cannot remove")

    monkeypatch.setattr(runs, "remove_folder", refuse)
    with pytest.raises(StoreError, match="cannot remove"):
        drop(clinic, "clinic", with_runs=True)
    assert not adapters.file_of(clinic, made).exists()
    with pytest.raises(NotFound):
        datasets.get(clinic, "clinic")


def test_copies_of_the_workspace_are_told(store: Store) -> None:
    assert copies(store) == []
    copy = store.folder / "workspace.duckdb.bak-6"
    copy.write_bytes(b"")
    assert copies(store) == [copy]


# --- the hash ---------------------------------------------------------------------------------------------------------


def table(**columns: Any) -> pa.Table:
    return pa.table(columns)


def test_the_hash_depends_on_values_order_and_names_alone() -> None:
    import datetime as dt

    days = pa.array([dt.date(2020, 1, 1), None, dt.date(1960, 5, 5)], pa.date32())
    moments = pa.array([None, dt.datetime(2020, 1, 1, 2), dt.datetime(1960, 1, 1)], pa.timestamp("us"))
    whole = table(
        a=[1, None, 3], b=["x", None, ""], c=[0.5, None, -1.0], d=days, e=moments, f=[True, None, False]
    )
    digest = rows_sha256(whole)
    chunked = pa.concat_tables([whole.slice(0, 1), whole.slice(1)])
    longer = pa.concat_tables([whole.slice(2), whole]).slice(1)
    assert digest == rows_sha256(chunked) == rows_sha256(longer) == rows_sha256(whole.select(list("fedcba")))
    others = [
        whole.take([1, 0, 2]),
        whole.slice(0, 2),
        whole.rename_columns(list("abcdeg")),
        *(
            whole.set_column(at, name, pa.array(values, whole.schema.field(name).type))
            for at, (name, values) in enumerate(
                {
                    "a": [1, 0, 3],
                    "b": ["x", "", None],
                    "c": [0.5, 0.0, -1.0],
                    "d": [dt.date(2020, 1, 2), None, dt.date(1960, 5, 5)],
                    "e": [dt.datetime(1970, 1, 1), dt.datetime(2020, 1, 1, 2), dt.datetime(1960, 1, 1)],
                    "f": [True, False, False],
                }.items()
            )
        ),
        whole.set_column(0, "a", pa.array([1.0, None, 3.0])),
    ]
    assert len({digest, *map(rows_sha256, others)}) == len(others) + 1


CELLS = st.tuples(
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.none() | st.booleans(),
)
TYPES = pa.schema([("a", pa.int64()), ("b", pa.string()), ("c", pa.float64()), ("d", pa.bool_())])


def of_cells(rows: list[tuple[Any, ...]]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(TYPES)
    return pa.Table.from_arrays(
        [pa.array(cells, field.type) for cells, field in zip(columns, TYPES, strict=True)], schema=TYPES
    )


@given(st.lists(CELLS, max_size=8), st.integers(0, 8), st.lists(CELLS, max_size=8))
def test_equal_rows_and_no_others_have_equal_hashes(
    rows: list[tuple[Any, ...]], cut: int, others: list[tuple[Any, ...]]
) -> None:
    whole = of_cells(rows)
    assert rows_sha256(pa.concat_tables([whole.slice(0, cut), whole.slice(cut)])) == rows_sha256(whole)
    # 0.0 and -0.0 are equal numbers, and two values.
    same = repr(rows) == repr(others)
    assert (rows_sha256(of_cells(others)) == rows_sha256(whole)) is same


def test_texts_are_not_run_together() -> None:
    assert rows_sha256(table(a=["ab", "c"])) != rows_sha256(table(a=["a", "bc"]))
    assert rows_sha256(table(a=["ab"], b=["c"])) != rows_sha256(table(a=["a"], b=["bc"]))


def test_what_lies_under_a_missing_cell_counts_for_nothing() -> None:
    one = pa.Array.from_buffers(
        pa.int64(), 2, [pa.py_buffer(b"\1"), pa.py_buffer((5).to_bytes(8, "little") * 2)]
    )
    assert one.to_pylist() == [5, None]
    assert rows_sha256(table(a=one)) == rows_sha256(table(a=pa.array([5, None])))


def test_more_rows_than_are_hashed_at_once() -> None:
    rows = 200_000
    whole = table(a=list(range(rows)), b=[str(i) if i % 7 else None for i in range(rows)])
    cut = pa.concat_tables([whole.slice(0, 12_345), whole.slice(12_345, 100_000), whole.slice(112_345)])
    assert rows_sha256(whole) == rows_sha256(cut)
    last = whole.slice(0, rows - 1)
    assert rows_sha256(last) != rows_sha256(whole)


def test_what_a_removal_left_behind_goes_when_the_workspace_is_opened(
    clinic: Store, keep: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep()
    commit(clinic, "20260101-a", 1, 4)
    runs.create(clinic, make_run("20260102-b", schema=datasets.get(clinic, "clinic").schema))
    gone, stays, plain = (
        clinic.run_folder(name) for name in ("20260101-a", "20260102-b", "20990101-not-yet")
    )
    for folder in (gone, stays):
        (folder / "training").mkdir()
        (folder / "training" / "corpus.npz").write_bytes(b"rows")
    known = {run.run_id for run in runs.list_all(clinic)}
    assert {gone.name, stays.name} <= known
    with clinic.write() as con:
        runs.forget(con, gone.name)  # the process dies before it removes the folder
    Store.open(clinic.folder)
    assert not gone.exists()
    assert (stays / "training" / "corpus.npz").exists()
    assert plain.exists()  # a run that has not been recorded yet
