"""Statistics kept with a run."""

from __future__ import annotations

import stat
from dataclasses import replace

import pytest

from localsynth.core.errors import RunError, SqlError
from localsynth.core.targets import Axis, Budget, Margin, Spending, Statistics, Table
from localsynth.store import datasets, given, reading, runs
from localsynth.store.given import Given
from localsynth.store.session import Store

from .store_kit import SCHEMA, make_run

AGE = Axis("age", edges=(0, 18, 111))
PART = Axis('a "b".c', edges=(0, 1, 101), missing=True)
WORD = Axis("select", labels=(("x",), ("y",)))
MARGINS = Statistics(
    (
        Margin(AGE, (0.25, 0.75), 8.0, ((1, 17), (18, 90))),
        Margin(PART, (0.5, 0.25, 0.25), 8.0),
        Margin(WORD, (1.0, 0.0), 8.0),
    ),
    source="8 rows",
)
BOTH = replace(MARGINS, tables=(Table((AGE, WORD), (0.25, 0.0, 0.75, 0.0), 8.0, "target"),))


@pytest.fixture
def run(store: Store) -> str:
    datasets.declare(store, "clinic", SCHEMA)
    runs.create(store, make_run("r1"))
    return "r1"


def test_what_was_given_is_read_back_in_order(store: Store, run: str) -> None:
    assert given.latest(store, run) is None
    first = Given("margins", '{"bins": 6}', MARGINS)
    second = Given("tables", "é", BOTH)
    given.put(store, run, SCHEMA, first)
    assert given.latest(store, run) == MARGINS
    given.put(store, run, SCHEMA, second)
    assert given.read_all(store, run) == [first, second]
    assert given.latest(store, run) == BOTH
    assert given.read_all(store, "another") == []
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


def test_people_read_cells_as_rows(store: Store, run: str) -> None:
    given.put(store, run, SCHEMA, Given("margins", "", replace(MARGINS, margins=MARGINS.margins[1:])))
    given.put(store, run, SCHEMA, Given("margins", "", MARGINS))
    given.put(store, run, SCHEMA, Given("tables", "", BOTH))
    cells = reading.sql(
        store, "SELECT run_id, dataset, origin, column_name, cell, share, total FROM meta.margins"
    )
    assert [tuple(row.values()) for row in cells.to_pylist()] == [
        (run, "clinic", "rows", "age", "0 to 17", 0.25, 8.0),
        (run, "clinic", "rows", "age", "18 to 110", 0.75, 8.0),
        (run, "clinic", "rows", 'a "b".c', "0.0", 0.5, 8.0),
        (run, "clinic", "rows", 'a "b".c', "0.1 to 10.0", 0.25, 8.0),
        (run, "clinic", "rows", 'a "b".c', "missing", 0.25, 8.0),
        (run, "clinic", "rows", "select", "x", 1.0, 8.0),
        (run, "clinic", "rows", "select", "y", 0.0, 8.0),
    ]
    tables = reading.sql(
        store, "SELECT table_no, why, columns, cells, share FROM meta.tables WHERE share > 0"
    )
    assert [tuple(row.values()) for row in tables.to_pylist()] == [
        (1, "target", ["age", "select"], ["0 to 17", "x"], 0.25),
        (1, "target", ["age", "select"], ["18 to 110", "x"], 0.75),
    ]


def test_a_file_is_shown_by_its_margins_once(store: Store, run: str) -> None:
    of_file = replace(BOTH, origin="file")
    given.put(store, run, SCHEMA, Given("given", "", of_file))
    given.put(store, run, SCHEMA, Given("margins", "", replace(of_file, tables=())))
    assert reading.sql(store, "SELECT count(*) AS n FROM meta.margins")["n"].to_pylist() == [7]
    assert reading.sql(store, "SELECT count(*) AS n FROM meta.tables")["n"].to_pylist() == [0]


def test_the_budget_stands_beside(store: Store, run: str) -> None:
    noisy = replace(MARGINS, origin="noisy", budget=Budget(1.5, 1e-6, (Spending("margins", 0.02),)))
    given.put(store, run, SCHEMA, Given("margins", "", noisy))
    found = reading.sql(store, "SELECT origin, epsilon, delta FROM meta.statistics").to_pylist()
    assert found == [{"origin": "noisy", "epsilon": 1.5, "delta": 1e-6}]
    assert given.latest(store, run) == noisy


def test_statistics_go_with_their_run(store: Store, run: str) -> None:
    given.put(store, run, SCHEMA, Given("margins", "", MARGINS))
    datasets.declare(store, "CLINIC", SCHEMA, replace=True)
    assert reading.sql(store, "SELECT DISTINCT dataset FROM meta.margins")["dataset"].to_pylist() == [
        "CLINIC"
    ]
    runs.delete(store, run)
    assert reading.count(store, ("meta", "statistics")) == 0


def test_no_statistics_without_a_run(store: Store) -> None:
    with pytest.raises(RunError, match="before it began"):
        given.put(store, "r9", SCHEMA, Given("margins", "", MARGINS))


def test_people_cannot_change_them(store: Store, run: str) -> None:
    with pytest.raises(SqlError):
        reading.sql(store, "DELETE FROM meta.statistics")
