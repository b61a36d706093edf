"""Rows that come too near to a real one."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from localsynth.align.guarding import NearGuard
from tests.align.support import CLINIC, clinic


def test_a_copy_is_too_near_and_other_rows_of_the_population_are_not() -> None:
    train, fresh = clinic(300, seed=1), clinic(300, seed=2)
    guard = NearGuard(CLINIC, train)
    assert guard.near(train).all()
    assert guard.near(fresh).mean() < 0.2  # a tenth of real rows lies as near to another
    assert guard.usual > 0


def test_a_row_that_differs_by_a_hair_is_too_near() -> None:
    train = clinic(300, seed=1)
    column = train.schema.get_field_index("dose")
    moved = [None if dose is None else round(dose + 0.1, 1) for dose in train["dose"].to_pylist()]
    hair = train.set_column(column, train.schema.field(column), pa.array(moved, pa.float64()))
    assert NearGuard(CLINIC, train).near(hair).mean() > 0.9


def test_a_row_that_occurs_several_times_may_come_again_and_a_single_one_may_not() -> None:
    one, other = clinic(1, seed=1), clinic(1, seed=2)
    guard = NearGuard(CLINIC, pa.concat_tables([one] * 20 + [other]))
    assert guard.usual == 0
    assert guard.near(pa.concat_tables([one, other, clinic(1, seed=3)])).tolist() == [False, True, False]


def test_the_share_decides() -> None:
    train, fresh = clinic(300, seed=1), clinic(300, seed=2)
    shares = [NearGuard(CLINIC, train, share).near(fresh).mean() for share in (0.0, 0.1, 0.5)]
    assert shares == sorted(shares)
    assert 0.3 < shares[-1] < 0.7


def test_distances_are_those_computed_one_by_one() -> None:
    """By hand: of four values 0.125, 0.375, ... of all lie below (half of each itself counted)."""
    table = clinic(4, seed=0)
    ages = table.set_column(0, table.schema.field(0), pa.array([20, 30, 40, 50], pa.int64()))
    guard = NearGuard(CLINIC, ages, 0.25)
    ordered, nominal = guard._placed(ages)
    assert ordered[:, 0].tolist() == [0.125, 0.375, 0.625, 0.875]
    apart = []
    for one in range(4):
        found = []
        for other in range(4):
            if one == other:
                continue
            a, b = ordered[one], ordered[other]
            far = np.where(
                np.isnan(a) & np.isnan(b), 0, np.where(np.isnan(a) | np.isnan(b), 1, np.abs(a - b))
            )
            found.append((far.sum() + (nominal[one] != nominal[other]).sum()) / 7)
        apart.append(min(found))
    assert guard.usual == np.quantile(apart, 0.25)


@given(st.integers(0, 12), st.integers(0, 12), st.integers(0, 5))
def test_it_never_fails(train: int, rows: int, seed: int) -> None:
    guard = NearGuard(CLINIC, clinic(max(train, 1), seed=seed).slice(0, train))
    assert len(guard.near(clinic(max(rows, 1), seed=seed + 1).slice(0, rows))) == rows


def test_a_value_far_beyond_the_real_ones_is_not_near_to_the_last_of_them() -> None:
    train = clinic(300, seed=1)
    place = train.schema.get_field_index("age")
    top = int(np.argmax(np.array(train["age"].to_pylist(), float)))
    guard = NearGuard(CLINIC, train, 0.05)

    def with_age(age: int) -> pa.Table:
        return train.slice(top, 1).set_column(place, train.schema.field(place), pa.array([age], pa.int64()))

    oldest = max(train["age"].to_pylist())
    near = [guard._nearest(guard._placed(with_age(oldest + more)), lambda: None)[0][0] for more in (0, 5, 40)]
    assert near[0] == 0 < near[1] < near[2]


def test_texts_of_made_rows_are_not_remembered() -> None:
    train = clinic(50, seed=1)
    guard = NearGuard(CLINIC, train)
    known = {name: len(words) for name, words in guard._words.items()}
    guard.near(clinic(200, seed=9))
    assert {name: len(words) for name, words in guard._words.items()} == known
