"""Columns profiled over the train rows alone, and what the rows say to a schema before it is set."""

from __future__ import annotations

from datetime import date, datetime

import pyarrow as pa
import pytest

from localsynth.core.columns import Column, DateColumn, DatetimeColumn, FloatColumn, IntegerColumn
from localsynth.core.errors import NotFound
from localsynth.core.schema import Dependency, Rule, Schema
from localsynth.store import datasets, profiles, tryout
from localsynth.store.profiles import Profile, profile
from localsynth.store.session import Store

ODD = 'a "b" at\nrowid'.replace("\n", " ")
SCHEMA = Schema.model_validate(
    {
        "columns": [
            {"name": "id", "kind": "identifier"},
            {"name": ODD, "kind": "integer", "range": [0, 200], "nullable": True},
            {"name": "dose", "kind": "float", "range": [-1.5, 2.5], "decimals": 1},
            {"name": "ward", "kind": "categorical", "categories": ["n", "s", "never"]},
            {"name": "ill", "kind": "boolean"},
            {"name": "day", "kind": "date", "range": [date(2024, 1, 1), date(2024, 12, 31)]},
            {"name": "at", "kind": "datetime", "range": [datetime(2024, 1, 1), datetime(2024, 12, 31)]},
            {"name": "note", "kind": "text"},
        ],
    }
)
ROWS = 120


def rows(n: int = ROWS) -> pa.Table:
    return pa.table(
        {
            "id": [str(i) for i in range(n)],
            ODD: [None if i % 4 == 0 else i for i in range(n)],
            "dose": [-1.5 + (i % 5) for i in range(n)],
            "ward": ["ns"[i % 3 == 0] for i in range(n)],
            "ill": [i % 3 == 0 for i in range(n)],
            "day": [date(2024, 1, 1 + i % 24) for i in range(n)],
            "at": [datetime(2024, 1, 1, 8, i % 2) for i in range(n)],
            "note": ["x" * (1 + i % 3) for i in range(n)],
        }
    )


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store.create(tmp_path_factory.mktemp("profiles") / "ws", timeout=5)
    datasets.import_table(store, rows(), "t", schema=SCHEMA, holdout=0)
    datasets.import_table(store, rows(), "half", schema=SCHEMA, holdout=0.5)
    datasets.declare(store, "described", SCHEMA)
    return store


@pytest.fixture(scope="module")
def found(filled: Store) -> Profile:
    return profile(filled, "T")


def test_every_column_is_counted(found: Profile) -> None:
    assert (found.rows, found.train) == (ROWS, ROWS)
    assert tuple(found.columns) == SCHEMA.names
    assert found.columns["ward"].values == (("n", 80), ("s", 40))
    assert found.columns["ill"].values == (("false", 80), ("true", 40))
    odd = found.columns[ODD]
    assert odd.missing == 30
    assert sum(odd.counts) == 90
    assert (odd.edges[0], odd.edges[-1]) == (1, 121)  # whole numbers, an edge is where the next bin begins
    assert all(edge == int(edge) for edge in odd.edges)
    assert found.columns["note"].counts == (40, 40, 40)
    assert found.columns["note"].edges == (1, 2, 3, 4)
    assert (found.columns["note"].most, odd.most, found.columns["ward"].most) == (3, 119, None)


def test_bins_of_days_moments_and_decimals_hold_every_row(found: Profile) -> None:
    for name in ("dose", "day", "at", "id"):
        assert sum(found.columns[name].counts) == ROWS, name
    assert found.columns["dose"].edges[0] == -1.5
    assert found.columns["dose"].edges[-1] == 2.5
    assert found.columns["day"].edges[0] == (date(2024, 1, 1) - date(1970, 1, 1)).days
    assert found.columns["at"].counts == (60, 60)


def test_rows_held_out_are_not_counted(filled: Store) -> None:
    found = profile(filled, "half")
    assert found.rows == found.train == 60
    train = datasets.train_table(filled, "half")
    assert dict(found.columns["ward"].values)["n"] == train["ward"].to_pylist().count("n")


def test_infinite_and_missing_values_break_nothing(store: Store) -> None:
    schema = Schema(
        columns=(FloatColumn(name="x", nullable=True, range=(0, 9)), IntegerColumn(name="y", range=(7, 7)))
    )
    table = pa.table({"x": pa.array([None, None, 3.0], pa.float64()), "y": [7, 7, 7]})
    datasets.import_table(store, table, "t", schema=schema, holdout=0)
    found = profile(store, "t")
    assert found.columns["x"].missing == 2
    assert found.columns["x"].counts == (1,)
    assert found.columns["y"].counts == (3,)


def test_moments_before_1970_are_in_their_minute(store: Store) -> None:
    schema = Schema(columns=(DatetimeColumn(name="at", range=(datetime(1969, 1, 1), datetime(1970, 1, 2))),))
    moments = [datetime(1969, 12, 31, 23, 59, 30), datetime(1970, 1, 1, 0, 0, 30)]
    datasets.import_table(store, pa.table({"at": moments}), "t", schema=schema, holdout=0)
    found = profile(store, "t").columns["at"]
    assert (found.edges, found.counts) == ((-1, 0, 1), (1, 1))


def test_a_dataset_without_rows_has_an_empty_profile(filled: Store) -> None:
    assert profile(filled, "described") == Profile()
    assert tryout.misfits(filled, "described", SCHEMA.columns) == {}
    assert (
        tryout.dependency_breaks(filled, "described", Dependency(determinant=("ward",), dependent="ill"))
        is None
    )
    with pytest.raises(NotFound):
        profile(filled, "u")


def test_of_many_rows_a_sample_is_looked_at(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiles, "_MOST", 40)
    found = profile(filled, "t")
    assert 0 < found.rows < found.train == ROWS
    assert sum(found.columns["ward"].counts) <= found.rows
    assert sum(count for _, count in found.columns["ward"].values) == found.rows


def test_columns_that_rows_do_not_fit_are_told_with_the_reason(filled: Store) -> None:
    columns: list[Column] = [
        IntegerColumn(name=ODD, range=(0, 50), nullable=True),
        IntegerColumn(name="dose", range=(-2, 3)),
        DateColumn(name="day", range=(date(2024, 1, 1), date(2024, 12, 31))),
        DatetimeColumn(name="at", range=(datetime(2024, 1, 1), datetime(2024, 1, 1))),
    ]
    wrong = tryout.misfits(filled, "t", columns)
    assert set(wrong) == {ODD, "dose", "at"}
    assert "lies outside 0 to 50" in wrong[ODD]
    assert "is not of kind integer" in wrong["dose"]
    assert tryout.misfits(filled, "t", [IntegerColumn(name="new", range=(0, 1))])["new"].startswith(
        "the schema's column"
    )


def test_rules_are_tried_on_the_train_rows_one_by_one(filled: Store) -> None:
    rules = (Rule(check="dose > -1"), Rule(check="nope > 1"), Rule(check="note <> ''"))
    tried, broken = tryout.rule_breaks(filled, "t", SCHEMA.model_copy(update={"rules": rules}))
    assert tried == ROWS
    assert broken[0] == 24
    assert isinstance(broken[1], str)
    assert "nope" in broken[1]
    assert broken[2] == 0


def test_rules_of_a_schema_with_other_columns_are_read_only(filled: Store) -> None:
    other = Schema(columns=(IntegerColumn(name="new", range=(0, 1)),), rules=(Rule(check="new > 0"),))
    assert tryout.rule_breaks(filled, "t", other) == (0, (0,))


def test_dependencies_are_counted_over_rows_with_all_of_the_left(filled: Store) -> None:
    assert tryout.dependency_breaks(filled, "t", Dependency(determinant=("ward",), dependent="ill")) == (
        0,
        ROWS,
    )
    assert tryout.dependency_breaks(filled, "t", Dependency(determinant=("ill",), dependent="note")) == (
        40,
        ROWS,
    )
    assert tryout.dependency_breaks(filled, "t", Dependency(determinant=(ODD,), dependent="ill")) == (0, 90)
    assert tryout.dependency_breaks(filled, "t", Dependency(determinant=("gone",), dependent="ill")) is None
