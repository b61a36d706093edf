"""Counting the train rows in cells."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from localsynth.core.errors import DatasetError, RunError
from localsynth.core.schema import Schema
from localsynth.core.targets import Axis
from localsynth.store import datasets
from localsynth.store.counting import Counting
from localsynth.store.session import Store

SCHEMA = Schema.model_validate(
    {
        "columns": [
            {"name": "id", "kind": "identifier"},
            {"name": "n", "kind": "integer", "range": [-5, 5], "nullable": True},
            {"name": "x y", "kind": "float", "range": [-1, 1], "decimals": 1},
            {"name": "yes", "kind": "boolean", "nullable": True},
            {"name": 'a "b"', "kind": "categorical", "categories": ["z", "never", "a"], "nullable": True},
            {"name": "day", "kind": "date", "range": ["1969-12-30", "1970-01-03"]},
            {"name": "at", "kind": "datetime", "range": ["1969-12-31T23:58", "1970-01-01T00:02"]},
            {"name": "note", "kind": "text", "nullable": True},
        ]
    }
)
ROWS = pa.table(
    {
        "id": ["1", "2", "3", "4"],
        "n": pa.array([-5, 0, None, 5], pa.int64()),
        "x y": [-0.3, 0.14, 0.26, 1.04],
        "yes": [True, False, None, True],
        'a "b"': ["a", None, "z", "a"],
        "day": [date(1969, 12, 31), date(1970, 1, 1), date(1970, 1, 2), date(1970, 1, 2)],
        "at": [
            datetime(1969, 12, 31, 23, 59, 30),
            datetime(1970, 1, 1, 0, 0, 59),
            datetime(1970, 1, 1, 0, 1),
            datetime(1969, 12, 31, 23, 58),
        ],
        "note": ["one", None, "two", "three"],
    }
)
DAY_ONE = date(1970, 1, 1).toordinal()


@pytest.fixture
def counting(store: Store) -> Counting:
    return Counting.of(store, datasets.import_table(store, ROWS, "t", schema=SCHEMA, holdout=0))


def told(counting: Counting, column: str) -> list[tuple[int, int]]:
    return list(zip(*(part.tolist() for part in counting.values(column)), strict=True))


def test_values_are_the_whole_numbers_that_targets_tell_of(counting: Counting) -> None:
    assert counting.rows == 4
    assert counting.columns == SCHEMA.names[1:]
    assert told(counting, "n") == [(-5, 1), (0, 1), (5, 1)]
    assert told(counting, "x y") == [(-3, 1), (1, 1), (3, 1), (10, 1)]  # rounded, and kept within the range
    assert told(counting, "yes") == [(0, 2), (1, 1)]
    assert told(counting, 'a "b"') == [(0, 1), (2, 2)]
    assert told(counting, "day") == [(DAY_ONE - 1, 1), (DAY_ONE, 1), (DAY_ONE + 1, 2)]
    assert told(counting, "at") == [(-2, 1), (-1, 1), (0, 1), (1, 1)]
    assert told(counting, "note") == [(0, 3)]
    assert [counting.missing(name) for name in counting.columns] == [1, 0, 1, 1, 0, 0, 1]


def test_cells_hold_what_their_axis_says(counting: Counting) -> None:
    assert counting.count([Axis("n", edges=(-5, 0, 5), missing=True)]).tolist() == [1, 1, 1]  # 5 is in none
    assert counting.count([Axis("n", edges=(-5, 0, 6))]).tolist() == [1, 2]  # nor is a missing value
    assert counting.count([Axis("yes", labels=(("false",), ("true",)), missing=True)]).tolist() == [1, 2, 1]
    assert counting.count([Axis('a "b"', labels=(("a", "never"), ("z",)))]).tolist() == [2, 1]
    assert counting.count([Axis('a "b"', labels=(("z", "stranger"),))]).tolist() == [1]
    assert counting.count([Axis("note", missing=True)]).tolist() == [3, 1]
    assert counting.count([Axis("at", edges=(-2, 0, 3))]).tolist() == [2, 2]


def test_joint_cells_are_row_major(counting: Counting) -> None:
    axes = [
        Axis("n", edges=(-5, 0, 6), missing=True),
        Axis('a "b"', labels=(("z",), ("never",), ("a",)), missing=True),
    ]
    found = counting.count(axes)
    assert found.dtype == np.int64
    assert found.tolist() == [[0, 0, 1, 0], [0, 0, 1, 1], [1, 0, 0, 0]]
    with counting.coded(axes) as coded:
        assert coded.count([1, 0]).tolist() == found.T.tolist()
        assert coded.count([0]).tolist() == [1, 2, 1]


def test_many_cells_are_found_as_numpy_finds_them(store: Store) -> None:
    rng = np.random.default_rng(3)
    values = rng.integers(-1000, 1000, 3000)
    words = [f"w{i}" for i in rng.integers(0, 300, 3000)]
    schema = Schema.model_validate(
        {
            "columns": [
                {"name": "v", "kind": "integer", "range": [-1000, 1000]},
                {"name": "w", "kind": "categorical", "categories": [f"w{i}" for i in range(300)]},
            ]
        }
    )
    table = pa.table({"v": values, "w": words})
    dataset = datasets.import_table(store, table, "t", holdout=0.5, seed=4, schema=schema)
    train = datasets.train_table(store, "t")
    edges = tuple(sorted({int(cut) for cut in rng.integers(-900, 900, 200)}))
    listed = [f"w{i}" for i in range(300)]
    labels = tuple(tuple(listed[at::60]) for at in range(60))
    with Counting.of(store, dataset) as counting:
        found = counting.count([Axis("v", edges=edges), Axis("w", labels=labels)])
    own = {word: cell for cell, cell_words in enumerate(labels) for word in cell_words}
    wanted = np.zeros((len(edges) - 1, 60), int)
    for value, word in zip(*(train[name].to_pylist() for name in ("v", "w")), strict=True):
        cell = int(np.searchsorted(edges, value, side="right")) - 1
        if 0 <= cell < len(edges) - 1:
            wanted[cell, own[word]] += 1
    assert 0 < wanted.sum() < 1500
    assert (found == wanted).all()


def test_only_train_rows_are_counted(store: Store) -> None:
    table = pa.table({"n": list(range(90))})
    dataset = datasets.import_table(store, table, "t", holdout=1 / 3)
    with Counting.of(store, dataset) as counting:
        assert counting.rows == 60
        assert counting.values("n")[0].tolist() == sorted(datasets.train_table(store, "t")["n"].to_pylist())


def test_rows_that_were_replaced_meanwhile_are_refused(store: Store) -> None:
    dataset = datasets.import_table(store, pa.table({"n": [1, 2, 3]}), "t")
    datasets.import_table(store, pa.table({"n": [4, 5, 6]}), "t", replace=True)
    with pytest.raises(RunError, match="imported anew"):
        Counting.of(store, dataset)


def test_rows_that_a_schema_does_not_fit_are_refused(store: Store) -> None:
    dataset = datasets.import_table(store, pa.table({"n": [1, 2, 30]}), "t", holdout=0)
    narrow = Schema.model_validate({"columns": [{"name": "n", "kind": "integer", "range": [0, 9]}]})
    with pytest.raises(DatasetError, match="lies outside 0 to 9"):
        Counting.of(store, replace(dataset, schema=narrow))


def test_the_ends_of_64_bits_are_counted(store: Store) -> None:
    low, high = -(2**63) + 1, 2**63 - 1
    schema = Schema.model_validate({"columns": [{"name": "n", "kind": "integer", "range": [low, high]}]})
    dataset = datasets.import_table(store, pa.table({"n": [low, high]}), "t", schema=schema, holdout=0)
    with Counting.of(store, dataset) as counting:
        assert counting.count([Axis("n", edges=(low, 0, high + 1))]).tolist() == [1, 1]


def test_there_is_no_way_from_the_counts_to_the_workspace(counting: Counting, store: Store) -> None:
    with pytest.raises(duckdb.Error):
        counting._con.execute(f"ATTACH '{store.path}' AS w (READ_ONLY)")
    tables = counting._con.execute("SELECT table_name FROM duckdb_tables()").fetchall()
    assert tables == [("train",)]
