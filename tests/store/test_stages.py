"""Rows of earlier stages: kept with their batch, given back to the last bit, readable in SQL, gone with their run."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsynth.core.contracts import STAGE_ROWS, Stage
from localsynth.core.errors import NotFound, RunError
from localsynth.core.run import Batch, Usage
from localsynth.core.schema import Schema
from localsynth.core.targets import Budget
from localsynth.store import budgets, datasets, names, reading, runs
from localsynth.store.session import Store
from localsynth.store.stages import read_stages
from localsynth.tables import arrow_schema, table_of
from tests.store.store_kit import SCHEMA, make_rows, make_run

#: A column of every kind, under names that need care in SQL and in maps.
KINDS = Schema.model_validate(
    {
        "columns": [
            {"name": "id", "kind": "identifier"},
            {"name": "select", "kind": "integer", "range": [-(2**62), 2**62], "nullable": True},
            {"name": 'a "b".c', "kind": "float", "range": [-1e6, 1e6], "nullable": True},
            {"name": "it's", "kind": "boolean", "nullable": True},
            {"name": "😀", "kind": "date", "range": ["0001-01-01", "9999-12-31"], "nullable": True},
            {"name": "cells", "kind": "datetime", "range": ["0001-01-01T00:00", "9999-12-31T23:59"], "nullable": True},
            {"name": "$.x", "kind": "categorical", "categories": ["x", "y"], "nullable": True},
            {"name": "a,b", "kind": "text", "nullable": True},
        ]
    }
)  # fmt: skip
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_ROWS = st.lists(
    st.tuples(
        st.none(),
        *(
            st.none() | values
            for values in (
                st.integers(-(2**63), 2**63 - 1),
                st.floats(),  # whatever a plug-in may give: a stage is not checked against the schema's ranges
                st.booleans(),
                st.dates(),
                st.datetimes(),
                _TEXTS,
                _TEXTS | st.sampled_from(["", "NULL", "null", "{a=b}", "'", '"', "\x00", "a\nb", " x "]),
            )
        ),
    ),
    max_size=12,
)


@pytest.fixture
def clinic(store: Store) -> Store:
    datasets.declare(store, "clinic", SCHEMA)
    return store


@pytest.fixture(scope="module")
def every_kind(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Iterator[int]]:
    folder: Path = tmp_path_factory.mktemp("stages")
    store = Store.create(folder / "ws", timeout=5)
    datasets.declare(store, "kinds", KINDS)
    return store, count(1)


def rows(n: int, first: int = 1) -> pa.Table:
    return make_rows(n, first).cast(arrow_schema(SCHEMA))


def commit(store: Store, run_id: str, batch_no: int, n: int, *stages: Stage) -> None:
    batch = Batch(run_id, batch_no, n, 0, Usage())
    runs.commit_batch(store, batch, make_rows(n), [], [], [], {}, stages)


def bits(table: pa.Table) -> list[list[Any]]:
    """Cells, floats as their bits: -0.0 and 0.0 are two numbers."""

    def cell(value: Any) -> Any:
        if not isinstance(value, float):
            return value
        return "nan" if value != value else struct.pack("<d", value)

    return [[cell(value) for value in column.to_pylist()] for column in table.columns]


@settings(max_examples=20)
@given(_ROWS)
def test_every_kind_comes_back_to_the_last_bit(
    every_kind: tuple[Store, Iterator[int]], made: list[tuple[Any, ...]]
) -> None:
    store, numbers = every_kind
    run_id = f"r{next(numbers)}"
    runs.create(store, make_run(run_id, "kinds", KINDS))
    table = table_of(KINDS, made)
    nothing = table.slice(0, 0)
    batch = Batch(run_id, 1, 0, 0, Usage())
    runs.commit_batch(store, batch, nothing, [], [], [], {}, [Stage("drawn", table), Stage("none", nothing)])
    found = read_stages(store, run_id)
    assert list(found) == (["drawn"] if made else [])
    if made:
        assert found["drawn"].schema == arrow_schema(KINDS)
        assert bits(found["drawn"]) == bits(table)
        # What SQL casts is the value, too; the identifier is NULL.
        cast = ", ".join(f"cells[{names.literal(name)}]::{kind}" for name, kind in names.shape(KINDS))
        with store.read() as con:
            query = f"SELECT {cast} FROM meta.stages WHERE run_id = ? ORDER BY row_no"
            told = con.sql(query, params=[run_id]).to_arrow_table()
        assert bits(told.rename_columns(table.column_names).cast(table.schema)) == bits(table)
    runs.delete(store, run_id)
    assert reading.count(store, ("meta", "stages")) == 0


def test_a_row_in_sql(every_kind: tuple[Store, Iterator[int]]) -> None:
    store, numbers = every_kind
    run_id = f"r{next(numbers)}"
    runs.create(store, make_run(run_id, "kinds", KINDS))
    row = [None, 2**53 + 1, 0.1, True, date(1, 2, 3), datetime(1999, 12, 31, 23, 59, 59, 999999), "x", "NULL"]
    commit_table = table_of(KINDS, [row])
    runs.commit_batch(
        store, Batch(run_id, 1, 0, 0, Usage()), commit_table.slice(0, 0), [], [], [], {}, [Stage("s", commit_table)]
    )  # fmt: skip
    found = reading.sql(store, f"SELECT * FROM meta.stages WHERE run_id = '{run_id}'").to_pylist()
    cells = ["9007199254740993", "0.1", "true", "0001-02-03", "1999-12-31 23:59:59.999999", "x", "NULL"]
    own = {"run_id": run_id, "batch_no": 1, "stage_no": 1, "stage": "s", "row_no": 1}
    assert found == [{**own, "cells": list(zip(KINDS.names, [None, *cells], strict=True))}]
    runs.delete(store, run_id)


def test_batches_follow_and_no_more_than_the_first_rows_are_kept(clinic: Store) -> None:
    runs.create(clinic, make_run("r"))
    assert read_stages(clinic, "r") == {}
    commit(clinic, "r", 1, 0, Stage("drawn", rows(1500)), Stage("selected", rows(3, 7)))
    commit(clinic, "r", 2, 0, Stage("drawn", rows(700, 1501)), Stage("selected", rows(2, 20)))
    commit(clinic, "r", 3, 0, Stage("drawn", rows(9)))
    found = read_stages(clinic, "r")
    assert list(found) == ["drawn", "selected"]
    assert found["drawn"].equals(rows(STAGE_ROWS))
    assert found["selected"].equals(pa.concat_tables([rows(3, 7), rows(2, 20)]).combine_chunks())
    numbered = reading.sql(
        clinic, "SELECT stage, batch_no, min(row_no), max(row_no), count(*) FROM meta.stages GROUP BY ALL ORDER BY ALL"
    ).to_pydict()  # fmt: skip
    assert list(zip(*numbered.values(), strict=True)) == [
        ("drawn", 1, 1, 1500, 1500),
        ("drawn", 2, 1501, 2000, 500),
        ("selected", 1, 1, 3, 3),
        ("selected", 2, 4, 5, 2),
    ]


def test_the_order_is_that_of_the_stages_not_of_their_names(clinic: Store) -> None:
    runs.create(clinic, make_run("r"))
    commit(clinic, "r", 1, 0, Stage("z", rows(1)), Stage("a", rows(1)), Stage("m", rows(1)))
    assert list(read_stages(clinic, "r")) == ["z", "a", "m"]
    with pytest.raises(NotFound):
        read_stages(clinic, "other")


def test_they_go_with_their_run_and_with_the_dataset(clinic: Store) -> None:
    for name in ("one", "two"):
        runs.create(clinic, make_run(name))
        commit(clinic, name, 1, 2, Stage("drawn", rows(2)))
    runs.delete(clinic, "one")
    assert reading.count(clinic, ("meta", "stages")) == 2
    assert read_stages(clinic, "two")["drawn"].num_rows == 2
    datasets.drop(clinic, "clinic", with_runs=True)
    assert reading.count(clinic, ("meta", "stages")) == 0


def test_stages_are_stored_with_their_batch_or_not_at_all(clinic: Store) -> None:
    runs.create(clinic, make_run("r"))
    with clinic.write() as con:
        con.execute("ALTER TABLE meta.checkpoints RENAME TO hidden")
    with pytest.raises(OSError, match="checkpoints"):
        commit(clinic, "r", 1, 2, Stage("drawn", rows(2)))
    assert reading.count(clinic, ("meta", "stages")) == 0
    with clinic.write() as con:
        con.execute("ALTER TABLE meta.hidden RENAME TO checkpoints")
    with pytest.raises(RunError, match="columns of the stage 'drawn'"):
        commit(clinic, "r", 1, 2, Stage("drawn", rows(2).drop_columns(["age"])))
    assert runs.rows_done(clinic, "r") == 0


@pytest.mark.parametrize("by", ["recipe", "ledger"])
def test_a_run_with_a_privacy_budget_keeps_none(clinic: Store, by: str) -> None:
    recipe = '{"privacy": {"epsilon": 1.0}}' if by == "recipe" else "{}"
    runs.create(
        clinic, replace(make_run("r"), recipe_json=recipe, started_at=datetime(2026, 1, 1, tzinfo=UTC))
    )
    if by == "ledger":
        budgets.book(clinic, "r", Budget(epsilon=1.0, delta=1e-6))
    with pytest.raises(RunError, match="has a privacy budget, which does not cover"):
        commit(clinic, "r", 1, 2, Stage("drawn", rows(2)))
    assert (runs.rows_done(clinic, "r"), reading.count(clinic, ("meta", "stages"))) == (0, 0)
    commit(clinic, "r", 1, 2)
    assert runs.rows_done(clinic, "r") == 2
