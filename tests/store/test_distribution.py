"""How values are distributed: every row counted once, edges round, both sides in the same bins."""

from __future__ import annotations

import math
from datetime import date, datetime
from itertools import pairwise
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsynth.core.schema import Schema
from localsynth.store import distribution
from localsynth.store.distribution import ColumnCounts, count_column

SCHEMA = Schema.from_toml(
    """
[[columns]]
name = "n"
kind = "integer"
range = [-100, 100]

[[columns]]
name = "x"
kind = "float"
range = [0.0, 1.0]
decimals = 2

[[columns]]
name = "day"
kind = "date"
range = ["2000-01-01", "2030-01-01"]

[[columns]]
name = "at"
kind = "datetime"
range = ["2000-01-01T00:00", "2030-01-01T00:00"]

[[columns]]
name = "yes"
kind = "boolean"

[[columns]]
name = 'text "'
kind = "text"
"""
)
TYPES = {"n": pa.int64(), "x": pa.float64(), "day": pa.date32(), "at": pa.timestamp("us"), "yes": pa.bool_()}


CON = duckdb.connect()


def counts(column: str, values: list[Any], **options: Any) -> ColumnCounts:
    CON.register("rows", pa.table({column: pa.array(values, TYPES.get(column, pa.string()))}))
    return count_column(CON, "(FROM rows)", SCHEMA.column(column), **options)


def test_whole_numbers() -> None:
    found = counts("n", [1, 2, 2, 9, None, 30], bins=5)
    assert (found.rows, found.missing, found.distinct, found.exact, found.rest) == (6, 1, 4, True, 0)
    assert found.edges == (0, 10, 20, 30, 40)
    assert found.counts == (4, 0, 0, 1)
    assert counts("n", [3, 4, 5], bins=20).edges == (3, 4, 5, 6)


def test_decimals_have_round_edges() -> None:
    found = counts("x", [0.1, 0.3, 0.7], bins=6)
    assert found.edges == (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
    assert found.counts == (1, 0, 1, 0, 0, 0, 1)


def test_days_and_moments() -> None:
    days = counts("day", [date(2020, 1, 1), date(2020, 1, 3)], bins=5)
    assert [days.edge(0), days.edge(1), days.edge(-1)] == [
        date(2020, 1, 1),
        date(2020, 1, 2),
        date(2020, 1, 4),
    ]
    moments = counts("at", [datetime(2020, 1, 1, 12), datetime(1969, 1, 1)], bins=4)
    assert sum(moments.counts) == 2
    assert moments.edge(0) <= datetime(1969, 1, 1)  # type: ignore[operator]
    assert moments.edge(-1) > datetime(2020, 1, 1, 12)  # type: ignore[operator]


def test_values_one_by_one() -> None:
    found = counts('text "', ["b", "a", "b", None, "it's [c]", "a", "b"], most=2)
    assert (found.values, found.counts, found.rest, found.missing, found.distinct) == (
        ("b", "a"),
        (3, 2),
        1,
        1,
        3,
    )
    assert counts("yes", [True, False, True]).values == (True, False)


def test_very_many_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distribution, "_MOST_DISTINCT", 10)
    found = counts('text "', ["often"] * 500 + [f"t{n}" for n in range(100)], most=3)
    assert not found.exact
    assert 80 < found.distinct < 120
    assert (found.values[0], found.counts[0], len(found.values)) == ("often", 500, 3)
    assert sum(found.counts) + found.rest == 600


def test_side_by_side() -> None:
    real, made = counts("n", list(range(10)), bins=2), [3, 7, 50, None]
    beside = counts("n", made, like=real)
    assert (beside.edges, beside.counts, beside.rest, beside.missing) == (real.edges, (1, 1), 1, 1)
    texts = counts('text "', ["c", "z", "c"], like=counts('text "', ["a", "c"]))
    assert (texts.values, texts.counts, texts.rest) == (("a", "c"), (0, 2), 1)


@pytest.mark.parametrize("column", SCHEMA.names)
@pytest.mark.parametrize("values", [[], [None, None]])
def test_nothing_to_count(column: str, values: list[None]) -> None:
    found = counts(column, values)
    assert (found.rows, found.missing, found.distinct, found.counts, found.rest) == (
        len(values),
        len(values),
        0,
        (),
        0,
    )
    assert (found.edges, found.values) == ((), ())


@settings(max_examples=60)
@given(
    st.lists(st.one_of(st.none(), st.floats(), st.integers(-5, 5).map(float)), max_size=30),
    st.integers(1, 40),
)
def test_every_number_is_in_one_bin(values: list[float | None], bins: int) -> None:
    found = counts("x", values, bins=bins)
    finite = [value for value in values if value is not None and math.isfinite(value)]
    assert found.missing == values.count(None)
    assert sum(found.counts) == len(finite)
    assert found.rest == len(values) - found.missing - len(finite)
    assert all(low < high for low, high in pairwise(found.edges))
    assert len(found.edges) <= bins + 3
    expected = [sum(low <= value < high for value in finite) for low, high in pairwise(found.edges)]
    assert list(found.counts) == expected
