"""Margins and joint tables of the train rows."""

from __future__ import annotations

from math import prod

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localsynth.core.schema import Schema
from localsynth.core.targets import Axis, Margin
from localsynth.store import datasets, statistics
from localsynth.store.counting import Counting
from localsynth.store.session import Store

SCHEMA = Schema.model_validate(
    {
        "target": "ill",
        "columns": [
            {"name": "id", "kind": "identifier"},
            {"name": "age", "kind": "integer", "range": [0, 120]},
            {"name": "dose", "kind": "float", "range": [0, 10], "decimals": 1, "nullable": True},
            {"name": "ward", "kind": "categorical", "categories": ["n", "s", "never", "rare"]},
            {"name": "ill", "kind": "boolean"},
            {"name": "note", "kind": "text"},
        ],
    }
)


def rows(n: int = 120) -> pa.Table:
    return pa.table(
        {
            "id": [str(i) for i in range(n)],
            "age": [20 + i % 60 for i in range(n)],
            "dose": [None if i % 4 == 0 else 0.0 if i % 2 else i % 9 + 0.5 for i in range(n)],
            "ward": ["rare" if i < 2 else "ns"[i % 3 == 0] for i in range(n)],
            "ill": [i % 3 == 0 for i in range(n)],
            "note": ["x"] * n,
        }
    )


@pytest.fixture
def counting(store: Store) -> Counting:
    return Counting.of(store, datasets.import_table(store, rows(), "t", schema=SCHEMA, holdout=0))


def test_margins_have_a_cell_for_every_value(counting: Counting) -> None:
    found = statistics.margins(counting, 4)
    assert found.columns == SCHEMA.names[1:]
    assert found.origin == "rows"
    assert found.source == "120 train rows"
    assert found.notes == ("values that fewer than 5 train rows have: ward (1)",)
    age = found.margin("age")
    assert (age.axis.edges[0], age.axis.edges[-1]) == (0, 121)
    assert age.shares == (0.25, 0.25, 0.25, 0.25)
    assert age.total == 120
    assert [len(knots) for knots in age.inner] == [6, 6, 6, 6]
    dose = found.margin("dose")
    assert dose.axis.missing
    assert dose.shares[0] == 0.5  # 0.0, a value that half of the rows have
    assert dose.axis.edges[:2] == (0, 1)
    assert dose.shares[-1] == 0.25
    ward = found.margin("ward")
    assert ward.axis.labels == (("n",), ("s",), ("never",), ("rare",))
    assert ward.shares == (79 / 120, 39 / 120, 0, 2 / 120)
    assert found.margin("ill").shares == (1 / 3, 2 / 3)
    assert found.margin("note") == Margin(Axis("note"), (1.0,), 120.0)


def test_a_schema_read_off_the_rows_tells_its_extremes_and_says_so(store: Store) -> None:
    for declared, told in ((True, False), (False, True)):
        dataset = datasets.import_table(
            store, rows(), f"d{declared}", schema=SCHEMA, holdout=0, declared=declared
        )
        with Counting.of(store, dataset) as counting:
            said = [note for note in statistics.margins(counting, 4).notes if "inferred" in note]
        assert len(said) == told
        assert all("train value: age, dose; widen their ranges in a schema file" in note for note in said)


def test_joint_cells_of_few_rows_are_told(counting: Counting) -> None:
    found = statistics.margins(counting, 4)
    ward_ill = [found.margin("ward").axis, found.margin("ill").axis]
    tables = statistics.tables(counting, [(ward_ill, "target")])
    # rare & true, rare & false: one row each (rows 0 and 1)
    assert statistics.few_rows(tables).startswith("2 cells of 1 joint table hold fewer than 5 train rows")
    assert "no prompt shows them" in statistics.few_rows(tables)
    age = [found.margin("age").axis, found.margin("ill").axis]
    assert statistics.few_rows(statistics.tables(counting, [(age, "target")])) == ""


def test_a_column_without_any_value_has_a_margin(store: Store) -> None:
    table = rows(20).set_column(2, "dose", pa.nulls(20, pa.float64()))
    with Counting.of(store, datasets.import_table(store, table, "e", schema=SCHEMA, holdout=0)) as counting:
        dose = statistics.margins(counting, 6).margin("dose")
    assert dose.axis == Axis("dose", edges=(0, 101), missing=True)
    assert dose.shares == (0.0, 1.0)


def test_no_rows_have_no_margins(store: Store) -> None:
    with (
        Counting.of(store, datasets.declare(store, "d", SCHEMA)) as counting,
        pytest.raises(ValueError, match="no train rows"),
    ):
        statistics.margins(counting, 6)


def test_tables_are_counted_over_their_axes(counting: Counting) -> None:
    found = statistics.margins(counting, 4)
    axes = statistics.joint_axes([found.margin("ward"), found.margin("ill")], 120)
    assert axes == (
        Axis("ward", labels=(("n",), ("s",), ("never", "rare"))),
        Axis("ill", labels=(("true",), ("false",))),
    )
    (table,) = statistics.tables(counting, [(axes, "target")])
    assert table.shares == pytest.approx(np.array([0, 79, 39, 0, 1, 1]) / 120)
    assert (table.total, table.why) == (120.0, "target")


def test_pairs_are_counted_as_their_own_tables_are(counting: Counting) -> None:
    found = statistics.margins(counting, 4)
    pairs = dict(statistics.pair_counts(counting, found))
    names = ["age", "dose", "ward", "ill"]
    assert set(pairs) == {
        (found.at(a), found.at(b)) for at, a in enumerate(names) for b in names[at + 1 :]
    }  # a text has one cell and no pairs
    counts = pairs[found.at("age"), found.at("dose")]
    assert counts.tolist() == counting.count([found.margin("age").axis, found.margin("dose").axis]).tolist()
    assert all(table.sum() == 120 for table in pairs.values())


def margin(name: str, counts: list[int], ordered: bool, missing: bool) -> Margin:
    cells = len(counts) - missing
    axis = (
        Axis(name, edges=tuple(range(cells + 1)), missing=missing)
        if ordered
        else Axis(name, labels=tuple((f"v{i}",) for i in range(cells)), missing=missing)
    )
    return Margin(axis, tuple(count / sum(counts) for count in counts))


def test_axes_are_made_coarser_until_the_rows_support_the_cells() -> None:
    many = margin("m", [100 - i for i in range(40)], ordered=False, missing=False)
    line = margin("l", [10] * 21, ordered=True, missing=True)
    two = margin("t", [5, 5], ordered=False, missing=False)
    axes = statistics.joint_axes([many, line, two], 200)
    assert axes is not None
    assert [axis.size for axis in axes] == [10, 10, 2]
    assert axes[0].labels[:9] == tuple((f"v{i}",) for i in range(9))
    assert len(axes[0].labels[9]) == 31
    assert axes[1].missing
    assert (axes[1].edges[0], axes[1].edges[-1]) == (0, 20)
    few = margin("f", [50] * 4, ordered=False, missing=False)
    assert statistics.joint_axes([few, line, two], 30, least=4) is None  # only three cells each
    assert statistics.joint_axes([few, line, two], 30, least=3) is not None
    assert statistics.joint_axes([many, two], 30) is None  # no value is common: they would all share a cell
    assert statistics.joint_axes([many, line], 1e9, rows_per_cell=1e6) is not None


def test_a_column_of_thousands_of_values_stays_within_what_is_kept() -> None:
    huge = margin("h", [1000] * 5000, ordered=False, missing=True)
    axes = statistics.joint_axes([huge, margin("o", [9] * 50, ordered=True, missing=False)], 1e9)
    assert axes is not None
    assert prod(axis.size for axis in axes) <= 100_000


@given(
    st.lists(
        st.tuples(st.lists(st.integers(0, 50), min_size=2, max_size=30), st.booleans(), st.booleans()),
        min_size=2,
        max_size=4,
    ),
    st.integers(1, 5000),
)
def test_coarser_axes_hold_the_same_values(found: list[tuple[list[int], bool, bool]], rows: int) -> None:
    margins = [
        margin(f"c{at}", [counts[0] + 1, *counts[1:]], ordered, missing)
        for at, (counts, ordered, missing) in enumerate(found)
    ]
    axes = statistics.joint_axes(margins, rows)
    if axes is None:
        return
    assert prod(axis.size for axis in axes) <= max(rows, 2 ** len(axes))
    for axis, one in zip(axes, margins, strict=True):
        assert axis.column == one.axis.column
        assert axis.missing == one.axis.missing
        assert set(axis.edges) <= set(one.axis.edges)
        assert sorted(v for cell in axis.labels for v in cell) == sorted(
            v for cell in one.axis.labels for v in cell
        )
        if axis.edges:
            assert (axis.edges[0], axis.edges[-1]) == (one.axis.edges[0], one.axis.edges[-1])
