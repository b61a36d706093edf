"""What PAFT aligns to: how fine, and which values are drawn anew."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from localsynth.align.grid import Grid
from localsynth.core.schema import Dependency
from localsynth.methods.paft.structure import Structure
from localsynth.methods.paft.targets import bins_for, continuous
from tests.align.support import CLINIC, clinic, statistics_of


@pytest.mark.parametrize(
    ("rows", "bins"), [(1, 5), (200, 5), (400, 6), (1000, 8), (2000, 10), (1_000_000, 10)]
)
def test_more_rows_support_finer_tables(rows: int, bins: int) -> None:
    assert bins_for(rows) == bins


def bound(*dependencies: Dependency) -> Structure:
    return Structure(dependencies, (CLINIC.names,), {}, ())


def test_numbers_that_hardly_occur_twice_are_continuous() -> None:
    train = clinic(300, seed=1)
    at = train.column_names.index("age")
    grid = Grid(CLINIC, statistics_of(CLINIC, train))
    rare = train.set_column(at, train.schema.field("age"), pa.array(np.arange(300), train["age"].type))
    assert "age" in continuous(CLINIC, bound(), rare, grid)
    often = train.set_column(at, train.schema.field("age"), pa.array(np.arange(300) % 60, train["age"].type))
    assert "age" not in continuous(CLINIC, bound(), often, grid)


def test_what_depends_on_others_is_left_as_it_is() -> None:
    train = clinic(300, seed=1)
    at = train.column_names.index("age")
    rare = train.set_column(at, train.schema.field("age"), pa.array(np.arange(300), train["age"].type))
    grid = Grid(CLINIC, statistics_of(CLINIC, train))
    tied = Dependency(determinant=("age",), dependent="band")
    assert "age" not in continuous(CLINIC, bound(tied), rare, grid)


def test_few_rows_show_nothing_that_is_continuous() -> None:
    train = clinic(40, seed=1)
    grid = Grid(CLINIC, statistics_of(CLINIC, train))
    assert continuous(CLINIC, bound(), train, grid) == ()
