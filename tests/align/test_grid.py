"""The grid: every axis of a column over the same base cells, contradictions told, values back in their cells."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsynth.align.grid import Grid
from localsynth.core.columns import CategoricalColumn, FloatColumn, IntegerColumn, TextColumn
from localsynth.core.errors import LocalsynthError
from localsynth.core.schema import Dependency, Schema
from localsynth.core.targets import Axis, Margin, Statistics, Table
from tests.align.support import CLINIC, clinic, shares_of, statistics_of
from tests.core.test_targets import axes
from tests.core.test_targets import shares_of as weights_of

AGE = IntegerColumn(name="age", range=(18, 90))
SEX = CategoricalColumn(name="sex", categories=["F", "M"], nullable=True)  # type: ignore[arg-type]
PEOPLE = Schema(columns=(AGE, SEX))
BY_SEX = Axis("sex", labels=(("F",), ("M",)))


def test_rows_come_back_into_their_cells_and_shapes_are_kept() -> None:
    rows = clinic(2000)
    grid = Grid(CLINIC, statistics_of(CLINIC, rows))
    codes = grid.encode(rows)
    assert codes.min() >= 0
    assert grid.notes == ()
    made = grid.decode(codes, np.random.default_rng(0))
    assert made.schema == rows.schema
    assert np.array_equal(grid.encode(made)[:, :-1], codes[:, :-1])  # texts are left to the method
    assert made["note"].null_count == 2000
    assert made["dose"].null_count == rows["dose"].null_count
    for name in ("age", "dose"):
        mine, real = (np.sort(t[name].drop_null().to_numpy()) for t in (made, rows))
        assert np.abs(mine - real).mean() < 0.02 * real.std()
    again = grid.decode(codes, np.random.default_rng(0))
    assert again.equals(made)


def test_whole_numbers_fill_a_cell_evenly_where_nothing_is_known_of_it() -> None:
    statistics = shares_of(PEOPLE, (Axis("age", edges=(18, 22, 91)), (1.0, 0.0)), (BY_SEX, (0.5, 0.5)))
    grid = Grid(PEOPLE, statistics)
    made = grid.decode(np.zeros((4000, 2), np.int32), np.random.default_rng(0))["age"].to_numpy()
    assert np.bincount(made)[18:22].tolist() == pytest.approx([1000] * 4, abs=2)


def test_base_cells_are_the_common_refinement() -> None:
    by_age = Table((Axis("age", edges=(18, 40, 91)), BY_SEX), (0.25, 0.25, 0.2, 0.3))
    margin = Margin(
        Axis("age", edges=(18, 30, 50, 91)), (0.3, 0.4, 0.3), 0.0, ((18, 29), (30, 31, 49), (50, 90))
    )
    grid = Grid(PEOPLE, Statistics((margin, Margin(BY_SEX, (0.45, 0.55))), (by_age,), "file"))
    assert grid.edges(0) == (18, 30, 40, 50, 91)
    assert grid.sizes == (4, 2)
    assert grid.tables[0].cells[0].tolist() == [0, 0, 1, 1]
    # the quantiles say how much of 30 to 49 is below 40: half of it at 31, and 8.5 of 18.5 steps of the rest
    assert grid.shares[0] == pytest.approx(
        [0.3, 0.4 * (0.5 + 0.5 * 8.5 / 18.5), 0.4 * (0.5 - 0.5 * 8.5 / 18.5), 0.3]
    )
    assert [grid.label(0, cell) for cell in range(4)] == ["18 to 29", "30 to 39", "40 to 49", "50 to 90"]
    assert grid.cells_within(0, 30, 49).tolist() == [1, 2]
    assert grid.cells_within(0, 30, 39).tolist() == [1]
    assert grid.cells_within(0, 33, 35).tolist() == [1]
    assert grid.cells_within(0, 0, 100).tolist() == [0, 1, 2, 3]


def test_a_table_tells_where_values_lie_inside_a_wide_cell() -> None:
    finer = Table((Axis("age", edges=(18, 30, 91)), BY_SEX), (0.1, 0.1, 0.4, 0.4))
    grid = Grid(PEOPLE, shares_of(PEOPLE, (Axis("age"), (1.0,)), (BY_SEX, (0.5, 0.5)), tables=[finer]))
    assert grid.notes == ()
    assert grid.shares[0] == pytest.approx([0.2, 0.8])


def test_contradictions_are_told_and_the_margin_counts() -> None:
    ages = Axis("age", edges=(18, 50, 91))
    table = Table((ages, BY_SEX), (0.28, 0.22, 0.2, 0.3))
    grid = Grid(PEOPLE, shares_of(PEOPLE, (ages, (0.5, 0.5)), (BY_SEX, (0.52, 0.48)), tables=[table]))
    assert grid.notes == ("the table of age, sex has 48.0% sex F, the margin 52.0%; the margin counts",)
    assert grid.tables[0].counts.sum(0) == pytest.approx([0.52, 0.48])
    assert grid.tables[0].counts.sum(1) == pytest.approx([0.5, 0.5])
    odds = [
        t[0, 0] * t[1, 1] / t[0, 1] / t[1, 0]
        for t in (grid.tables[0].counts, np.reshape(table.shares, (2, 2)))
    ]
    assert odds[0] == pytest.approx(odds[1])
    assert grid.notes[0] in grid.statistics.notes


def test_what_a_table_leaves_out_is_taken_as_independent() -> None:
    sex = Axis("sex", labels=(("F",), ("M",)), missing=True)
    ages = Axis("age", edges=(18, 50, 91))
    table = Table((ages, BY_SEX), (0.1, 0.4, 0.4, 0.1))
    grid = Grid(PEOPLE, shares_of(PEOPLE, (ages, (0.5, 0.5)), (sex, (0.4, 0.4, 0.2)), tables=[table]))
    assert grid.notes == ()
    assert grid.tables[0].counts == pytest.approx(np.array([[0.08, 0.32, 0.1], [0.32, 0.08, 0.1]]))


def test_zeros_that_forbid_the_margins_and_empty_groups_are_told() -> None:
    ages = Axis("age", edges=(18, 50, 91))
    apart = Table((ages, BY_SEX), (0.5, 0.0, 0.0, 0.5))
    grid = Grid(PEOPLE, shares_of(PEOPLE, (ages, (0.3, 0.7)), (BY_SEX, (0.5, 0.5)), tables=[apart]))
    assert "zeros" not in grid.notes[0]
    assert any("empty cells" in note for note in grid.notes)
    assert grid.tables[0].counts.sum(1) == pytest.approx([0.3, 0.7], abs=1e-6)
    nobody = Table((ages, BY_SEX), (0.5, 0.0, 0.5, 0.0))
    grid = Grid(PEOPLE, shares_of(PEOPLE, (ages, (0.3, 0.7)), (BY_SEX, (0.5, 0.5)), tables=[nobody]))
    assert any("no rows where sex is M" in note for note in grid.notes)
    assert grid.tables[0].counts == pytest.approx(np.array([[0.15, 0.15], [0.35, 0.35]]))


def test_what_the_schema_forbids_is_cut_off() -> None:
    ages, sexes = Axis("age", edges=(0, 18, 50, 120)), Axis("sex", labels=(("F",), ("M",), ("X",)))
    grid = Grid(PEOPLE, shares_of(PEOPLE, (ages, (0.1, 0.5, 0.4)), (sexes, (0.4, 0.4, 0.2))))
    assert grid.edges(0) == (18, 50, 91)
    assert grid.shares[0] == pytest.approx([5 / 9, 4 / 9])
    assert grid.shares[1] == pytest.approx([0.5, 0.5])
    assert [note[:24] for note in grid.notes] == ["10.0% of the margin of a", "20.0% of the margin of s"]
    with pytest.raises(LocalsynthError, match="no cell of the margin of 'age'"):
        Grid(PEOPLE, shares_of(PEOPLE, (Axis("age", edges=(0, 9)), (1.0,)), (BY_SEX, (0.5, 0.5))))


def test_extreme_columns_never_fail() -> None:
    wide = IntegerColumn(name="wide", range=(-(2**63) + 1, 2**63 - 1))
    many = CategoricalColumn(name="many", categories=[f"c{i}" for i in range(5000)])  # type: ignore[arg-type]
    schema = Schema(
        columns=(wide, many, TextColumn(name="gone", nullable=True), FloatColumn(name="x", range=(0, 0)))
    )
    statistics = shares_of(
        schema,
        (Axis("wide", edges=(-(2**63) + 1, 0, 2**63)), (0.5, 0.5)),
        (Axis("many", labels=tuple((f"c{i}",) for i in range(5000))), [1 / 5000] * 5000),
        (Axis("gone", missing=True), (0.0, 1.0)),
        (Axis("x"), (1.0,)),
    )
    grid = Grid(schema, statistics)
    for n in (0, 1, 7):
        codes = np.column_stack([np.repeat(np.arange(len(c)), c) for c in grid.margins(n)]).astype(np.int32)
        made = grid.decode(codes.reshape(n, 4), np.random.default_rng(n))
        assert made.num_rows == n
        assert np.array_equal(grid.encode(made), codes.reshape(n, 4))


def test_a_declared_dependency_that_shows_ties_columns() -> None:
    town = CategoricalColumn(name="town", categories=["A", "B"])  # type: ignore[arg-type]
    code = CategoricalColumn(name="code", categories=["1", "2", "3", "4"])  # type: ignore[arg-type]
    schema = Schema(columns=(town, code), dependencies=(Dependency(determinant=("code",), dependent="town"),))
    codes, towns = (
        Axis("code", labels=(("1",), ("2",), ("3",), ("4",))),
        Axis("town", labels=(("A",), ("B",))),
    )
    table = Table((towns, codes), (0.1, 0.3, 0.0, 0.0, 0.0, 0.0, 0.2, 0.4), 100, "dependency")
    grid = Grid(schema, shares_of(schema, (towns, (0.4, 0.6)), (codes, (0.1, 0.3, 0.2, 0.4)), tables=[table]))
    (tie,) = grid.ties
    assert (tie.determinant, tie.dependent, tie.image.tolist()) == (1, 0, [0, 0, 1, 1])
    for n in (1, 3, 7, 100):
        by_town, by_code = grid.margins(n)
        assert by_code.sum() == n
        assert by_town.tolist() == [by_code[:2].sum(), by_code[2:].sum()]
        assert (np.abs(by_town - n * grid.shares[0]) < 1).all()


@st.composite
def anything(draw: st.DrawFn) -> tuple[Schema, Statistics]:
    """Two columns with any axes, and a table whose axes are cut in any other way."""
    columns, margins, other = [], [], []
    for name in ("a", "b"):
        axis, second = draw(axes(name)), draw(axes(name))
        if axis.edges:
            low, high = axis.edges[0], axis.edges[-1] - 1
            columns.append(IntegerColumn(name=name, range=(low, high), nullable=draw(st.booleans())))
            second = second if second.edges else Axis(name, missing=second.missing)
        elif axis.labels:
            values = [value for cell in axis.labels for value in cell]
            columns.append(CategoricalColumn(name=name, categories=values, nullable=draw(st.booleans())))  # type: ignore[arg-type]
            second = second if second.labels else Axis(name, missing=second.missing)
        else:
            columns.append(TextColumn(name=name, nullable=draw(st.booleans())))
            second = Axis(name, missing=second.missing)
        margins.append(Margin(axis, draw(weights_of(axis.size))))
        other.append(second)
    table = Table(tuple(other), draw(weights_of(other[0].size * other[1].size)))
    return Schema(columns=tuple(columns)), Statistics(tuple(margins), (table,), "file")


@settings(deadline=None)
@given(anything(), st.integers(0, 40))
def test_any_statistics_make_a_grid(found: tuple[Schema, Statistics], n: int) -> None:
    schema, statistics = found
    grid = Grid(schema, statistics)
    for shares, column, size in zip(grid.shares, range(2), grid.sizes, strict=True):
        assert len(shares) == size
        assert shares.sum() == pytest.approx(1)
        assert grid.counts(column, n).sum() == n
        assert all(a < b for a, b in pairwise(grid.edges(column)))
    (table,) = grid.tables
    for axis, column in enumerate(table.columns):
        wanted = np.bincount(table.cells[axis], grid.shares[column], table.counts.shape[axis])
        assert table.counts.sum(1 - axis) == pytest.approx(wanted, abs=1e-4)
    rng = np.random.default_rng(n)
    codes = np.column_stack([rng.integers(0, size, n) for size in grid.sizes]).astype(np.int32).reshape(n, 2)
    made = grid.decode(codes, rng)
    again = grid.encode(made)
    for at, column in enumerate(schema.columns):
        if not isinstance(column, TextColumn):
            assert np.array_equal(again[:, at], codes[:, at])
    assert isinstance(made, pa.Table)
