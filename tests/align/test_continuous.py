"""Which values are drawn anew, and how fine a grid is."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from localsynth.align.continuous import continuous
from localsynth.align.structured import bins_for
from localsynth.core.schema import Dependency
from tests.align.support import CLINIC, clinic


@pytest.mark.parametrize(
    ("rows", "bins"), [(1, 5), (200, 5), (400, 6), (1000, 8), (2000, 10), (1_000_000, 10)]
)
def test_more_rows_support_finer_tables(rows: int, bins: int) -> None:
    assert bins_for(rows) == bins


def with_ages(ages: np.ndarray) -> pa.Table:
    train = clinic(len(ages), seed=1)
    at = train.column_names.index("age")
    return train.set_column(at, train.schema.field("age"), pa.array(ages, train["age"].type))


def test_numbers_that_hardly_occur_twice_are_continuous() -> None:
    assert "age" in continuous(CLINIC, with_ages(np.arange(300)), CLINIC.names)
    assert "age" not in continuous(CLINIC, with_ages(np.arange(300) % 60), CLINIC.names)


def test_only_named_columns_are_among_them_and_no_nominal_ones() -> None:
    rare = with_ages(np.arange(300))
    assert continuous(CLINIC, rare, ["age", "band", "note"]) == ("age",)
    assert "age" not in continuous(CLINIC, rare, ["dose", "seen"])


def test_what_depends_on_others_is_left_as_it_is() -> None:
    tied = Dependency(determinant=("age",), dependent="band")
    assert "age" not in continuous(CLINIC, with_ages(np.arange(300)), CLINIC.names, [tied])


def test_few_rows_show_nothing_that_is_continuous() -> None:
    assert continuous(CLINIC, clinic(40, seed=1), CLINIC.names) == ()
