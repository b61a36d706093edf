"""The discriminator of MALLM-GAN: what it tells, how sure it is, and what counts as a copy."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from localsynth.core.schema import Schema
from localsynth.methods.mallm_gan.areas import Pairs, area_of, widening
from localsynth.methods.mallm_gan.features import Features
from localsynth.methods.mallm_gan.judge import FEWEST, Judged, compared, judged
from localsynth.methods.mallm_gan.nearness import Nearness
from localsynth.metrics.ranking import area
from localsynth.tables import arrow_schema, table_of
from tests.align.support import CLINIC, clinic

FEATURES = Features(CLINIC)


def shuffled(table: pa.Table, seed: int, names: tuple[str, ...] | None = None) -> pa.Table:
    """Rows whose columns (or those named) are independent of all others."""
    rng = np.random.default_rng(seed)
    columns = [
        column.take(pa.array(rng.permutation(table.num_rows))) if names is None or name in names else column
        for name, column in zip(table.column_names, table.columns, strict=True)
    ]
    return pa.Table.from_arrays(columns, schema=table.schema)


def tell(real: pa.Table, made: pa.Table, seed: int = 0, **more: Any) -> Judged:
    given_near = more.pop("near", np.zeros(made.num_rows, np.bool_))
    found = judged(FEATURES, real, made, near=given_near, usual=more.pop("usual", 0.05), seed=seed, **more)
    assert found is not None
    return found


# --- rows as numbers ------------------------------------------------------------------------------------------------


def test_each_kind_of_column_is_a_number() -> None:
    schema = Schema.from_toml(
        """
columns = [
  { name = "id", kind = "identifier" },
  { name = "age", kind = "integer", range = [0, 99] },
  { name = "dose", kind = "float", range = [0, 9], decimals = 1 },
  { name = "ward", kind = "categorical", categories = ["west", "east"], nullable = true },
  { name = "ill", kind = "boolean", nullable = true },
  { name = "day", kind = "date", range = [2024-01-01, 2024-12-31] },
  { name = "moment", kind = "datetime", range = [2024-01-01T00:00:00, 2024-12-31T00:00:00] },
  { name = "note", kind = "text", nullable = true },
]
"""
    )
    minute = datetime(2024, 5, 1, 0, 7)
    table = table_of(
        schema,
        [
            (None, 30, 0.3, "east", True, date(2024, 5, 1), minute, "é!"),
            (None, 31, 0.4, None, None, date(2024, 5, 3), minute.replace(minute=9), None),
            (None, 99, 9.0, "west", False, date(2024, 5, 1), minute, ""),
            (None, 0, 0.0, "north", False, date(2024, 5, 1), minute, "abc"),
        ],
    )
    features = Features(schema)
    assert features.names == ("age", "dose", "ward", "ill", "day", "moment", "note")
    assert features.nominal == [name == "ward" for name in features.names]
    cells = features.encode(table)
    nan = float("nan")
    np.testing.assert_array_equal(
        cells[:, :4], [[30, 3, 1, 1], [31, 4, nan, nan], [99, 90, 0, 0], [0, 0, nan, 0]]
    )
    assert (cells[1, 4] - cells[0, 4], cells[1, 5] - cells[0, 5]) == (2, 2)
    np.testing.assert_array_equal(cells[:, 6], [2, nan, 0, 3])
    assert features.encode(table.slice(0, 0)).shape == (0, 7)


# --- the area under the curve ---------------------------------------------------------------------------------------


def test_pairs_of_one_fold_alone_are_compared() -> None:
    """By hand: in fold 0 the real 2 is above the made 1 and ties with 2; in fold 1 the real 0 is below 5."""
    pairs = Pairs.of(np.array([[2, 0]]), np.array([[1, 2, 5]]), np.array([[0, 1]]), np.array([[0, 0, 1]]))
    assert pairs.area() == (1 + 0.5 + 0) / 3
    assert area_of(np.array([2.0, 0.0]), np.array([1.0, 2.0, 5.0])) == (1 + 0.5 + 0) / 6


@given(seed=st.integers(0, 10_000), high=st.integers(2, 30), low=st.integers(2, 30))
@settings(max_examples=50)
def test_of_one_fold_it_is_what_others_compute(seed: int, high: int, low: int) -> None:
    rng = np.random.default_rng(seed)
    real, made = rng.integers(0, 9, (1, high)), rng.integers(0, 9, (1, low)) - rng.integers(0, 9)
    pairs = Pairs.of(real, made, np.zeros_like(real), np.zeros_like(made))
    truth, said = np.repeat([1, 0], (high, low)), np.concatenate([real[0], made[0]])
    assert pairs.area() == pytest.approx(roc_auc_score(truth, said))
    assert pairs.interval(1.0) == pytest.approx(area(truth == 1, said).interval(), abs=1e-9)
    times = rng.integers(1, 4, high), rng.integers(1, 4, low)
    again = np.concatenate([np.repeat(real[0], times[0]), np.repeat(made[0], times[1])])
    weighed = pairs.areas(*(one[None, :].astype(float) for one in times))
    assert weighed[0] == pytest.approx(roc_auc_score(np.repeat([1, 0], [one.sum() for one in times]), again))


def test_the_interval_is_wider_where_models_learnt_from_the_same_rows() -> None:
    assert widening(5, 1) == pytest.approx(1.5)
    assert widening(2, 1) == pytest.approx(3**0.5)
    assert 1 < widening(10, 4) < widening(5, 4) < widening(5, 1)
    rng = np.random.default_rng(0)
    real, made, folds = rng.normal(0.5, 1, (1, 100)), rng.normal(0, 1, (1, 100)), np.arange(100)[None] % 5
    pairs = Pairs.of(real, made, folds, folds)
    (low, high), (lower, higher) = pairs.interval(1.0), pairs.interval(1.5)
    assert higher - lower == pytest.approx(1.5 * (high - low), rel=0.05)


# --- what is told ---------------------------------------------------------------------------------------------------


def test_real_rows_are_not_told_from_real_rows() -> None:
    found = [tell(clinic(100, seed=2 * seed), clinic(100, seed=2 * seed + 1), seed) for seed in range(12)]
    assert sum(one.low == 0 for one in found) >= 11
    assert abs(np.mean([one.signed for one in found])) < 0.05
    assert all(0 <= one.low <= one.score <= one.high <= 1 for one in found)


def test_columns_that_are_independent_are_told() -> None:
    real, made = clinic(200, seed=1), shuffled(clinic(200, seed=2), 3)
    found = tell(real, made)
    assert found.score > 0.3
    assert found.low > 0.1
    assert tell(real, made, shuffled=True).low == 0


def test_rows_that_are_told_without_fail_leave_room_for_doubt() -> None:
    old = clinic(60, seed=1)
    column = old.schema.get_field_index("age")
    young = old.set_column(column, old.schema.field(column), pa.array([18] * 60, pa.int64()))
    older = old.set_column(column, old.schema.field(column), pa.array([90] * 60, pa.int64()))
    found = tell(young, older)
    assert found.score == found.high == 1
    assert 0.8 < found.low < 0.99


def test_a_copier_fools_the_discriminator_and_still_loses() -> None:
    real, shown = clinic(200, seed=1), clinic(200, seed=2)
    nearness = Nearness(CLINIC, shown, real)
    found = tell(real, shown, near=nearness.near(shown), usual=nearness.usual)
    assert found.low == 0
    assert found.excess == pytest.approx(0.95, abs=0.02)
    assert found.loss > 0.9
    honest = clinic(200, seed=3)
    rival = tell(real, honest, near=nearness.near(honest), usual=nearness.usual)
    assert compared(found, rival, seed=1).better == 1
    assert tell(real, shown, near=nearness.near(shown), weight=0.0).loss < 0.2


def test_the_column_that_gives_rows_away_is_named() -> None:
    real, made = clinic(150, seed=1), clinic(150, seed=2)
    column = made.schema.get_field_index("dose")
    higher = [None if dose is None else min(20.0, dose + 5) for dose in made["dose"].to_pylist()]
    made = made.set_column(column, made.schema.field(column), pa.array(higher, pa.float64()))
    found = tell(real, made, importance=True)
    (first, value), *others = found.telling
    assert first == "dose"
    assert value > 0.2
    assert max(other for _, other in others) < 0.05
    assert {name for name, _ in found.telling} == set(FEATURES.names)
    assert [other for _, other in found.telling] == sorted(
        (other for _, other in found.telling), reverse=True
    )
    assert tell(real, made).telling == ()


def test_a_judgement_is_a_function_of_rows_and_seed() -> None:
    real, made = clinic(60, seed=1), shuffled(clinic(60, seed=2), 3)
    one = tell(real, made, importance=True)
    with threadpool_limits(4):
        again = tell(real, made, importance=True)
    np.testing.assert_array_equal(one.real_scores, again.real_scores)
    assert one.telling == again.telling
    assert (one.auc, one.low, one.high) == (again.auc, again.low, again.high)
    assert tell(real, made, seed=1).auc != one.auc
    other = tell(real, clinic(80, seed=4))
    np.testing.assert_array_equal(one.real_folds, other.real_folds)


def test_repeats_deal_the_rows_anew() -> None:
    real, made = clinic(60, seed=1), shuffled(clinic(60, seed=2), 3)
    one, three = tell(real, made), tell(real, made, repeats=3)
    assert three.real_scores.shape == three.real_folds.shape == (3, 60)
    np.testing.assert_array_equal(one.real_scores[0], three.real_scores[0])
    assert not (three.real_folds[0] == three.real_folds[1]).all()


@pytest.mark.parametrize("sizes", [(FEWEST, FEWEST), (FEWEST, 90), (90, FEWEST), (11, 13)])
def test_few_rows_or_uneven_sides_are_judged(sizes: tuple[int, int]) -> None:
    found = tell(*(clinic(size, seed=size + at) for at, size in enumerate(sizes)))
    assert found.low == 0
    assert np.bincount(found.real_folds[0]).max() - np.bincount(found.real_folds[0]).min() <= 1
    assert found.real_scores.shape == (1, sizes[0])


def test_too_few_rows_are_not_judged() -> None:
    near = np.zeros(FEWEST - 1, np.bool_)
    few, many = clinic(FEWEST - 1), clinic(30)
    assert judged(FEATURES, many, few, near=near, usual=0.05, seed=0) is None
    assert judged(FEATURES, few, many, near=np.zeros(30, np.bool_), usual=0.05, seed=0) is None
    assert judged(FEATURES, many, many, near=np.zeros(30, np.bool_), usual=0.05, seed=0, folds=31) is None


def test_odd_tables_are_judged() -> None:
    """Columns of nothing, of one value, of more categories than boosting can tell apart."""
    many = ", ".join(f'"c{number}"' for number in range(400))
    schema = Schema.from_toml(
        f"""
columns = [
  {{ name = "code", kind = "categorical", categories = [{many}] }},
  {{ name = "same", kind = "integer", range = [0, 9] }},
  {{ name = "empty", kind = "float", range = [0, 9], nullable = true }},
]
"""
    )

    def rows(start: int) -> pa.Table:
        return table_of(schema, [(f"c{start + number}", 3, None) for number in range(200)])

    none = np.zeros(200, np.bool_)
    found = judged(Features(schema), rows(0), rows(200), near=none, usual=0.0, seed=0)
    assert found is not None
    assert found.score > 0.9
    nothing = table_of(schema, [(None, None, None)] * 200)
    blank = judged(Features(schema), nothing, nothing, near=none, usual=0.0, seed=0, importance=True)
    assert blank is not None
    assert (blank.auc, blank.low) == (0.5, 0)
    assert all(value == 0 for _, value in blank.telling)


# --- one against another --------------------------------------------------------------------------------------------


def test_the_better_of_two_is_told_and_equals_are_not() -> None:
    real = clinic(200, seed=1)
    good, bad = tell(real, clinic(200, seed=2)), tell(real, shuffled(clinic(200, seed=3), 4))
    found = compared(bad, good, seed=0)
    assert found.better > 0.98
    assert found.low < found.difference < found.high < 0
    back = compared(good, bad, seed=0)
    assert back.difference == pytest.approx(-found.difference)
    assert back.better < 0.02
    alike = compared(good, good, seed=0)
    assert alike.difference == 0
    assert 0.4 < alike.better < 0.6
    assert alike.low < 0 < alike.high
    assert compared(good, good, seed=0) == alike


def test_of_equal_generators_neither_is_better() -> None:
    shares = []
    for seed in range(8):
        real, *made = (clinic(100, seed=100 * seed + at) for at in range(3))
        one, other = (tell(real, shuffled(rows, seed, ("age", "dose")), seed) for rows in made)
        shares.append(compared(one, other, seed=seed, draws=300).better)
    assert 0.3 < np.mean(shares) < 0.7
    assert max(shares) < 0.99
    assert np.ptp(shares) > 0.2


def test_copies_count_in_the_comparison() -> None:
    real, made = clinic(100, seed=1), clinic(100, seed=2)
    none, half = np.zeros(100, np.bool_), np.arange(100) % 2 == 0
    clean, copied = tell(real, made, near=none), tell(real, made, near=half)
    found = compared(clean, copied, seed=0)
    assert found.difference == pytest.approx(0.45)
    assert found.better < 0.02
    assert compared(clean, copied, seed=0, weight=0.0).difference == 0


def test_judgements_of_other_rows_are_not_compared() -> None:
    made = clinic(40, seed=2)
    one = tell(clinic(40, seed=1), made)
    for other in (tell(clinic(50, seed=1), made), tell(clinic(40, seed=1), made, seed=1)):
        with pytest.raises(ValueError, match="same real rows"):
            compared(one, other, seed=0)


# --- near copies ----------------------------------------------------------------------------------------------------


def test_a_twentieth_of_real_rows_is_near() -> None:
    shown, other, fresh = clinic(300, seed=1), clinic(300, seed=2), clinic(2_000, seed=3)
    nearness = Nearness(CLINIC, shown, other)
    assert nearness.usual == pytest.approx(0.05, abs=0.005)
    assert nearness.near(fresh).mean() == pytest.approx(0.05, abs=0.03)
    assert nearness.near(shown).all()


def test_a_row_that_differs_by_a_hair_is_near() -> None:
    shown = clinic(300, seed=1)
    column = shown.schema.get_field_index("dose")
    moved = [None if dose is None else round(dose + 0.1, 1) for dose in shown["dose"].to_pylist()]
    hair = shown.set_column(column, shown.schema.field(column), pa.array(moved, pa.float64()))
    assert Nearness(CLINIC, shown, clinic(300, seed=2)).near(hair).mean() > 0.9


def test_copies_of_common_rows_are_no_copies() -> None:
    common, single = clinic(1, seed=1), clinic(1, seed=2)
    shown = pa.concat_tables([common, common, single])
    nearness = Nearness(CLINIC, shown, clinic(40, seed=3))
    assert nearness.near(pa.concat_tables([common, single])).tolist() == [False, True]


def test_in_a_table_of_few_cells_the_usual_rate_is_what_real_rows_show() -> None:
    """Two yes/no columns: one of the rows shown is alone, and 3 of 30 others equal it."""
    schema = Schema.from_toml(
        'columns = [{ name = "a", kind = "boolean" }, { name = "b", kind = "boolean" }]'
    )
    shown = table_of(schema, [(True, True)] * 5 + [(False, False)] * 4 + [(True, False)])
    other = table_of(schema, [(True, True)] * 27 + [(True, False)] * 3)
    nearness = Nearness(schema, shown, other)
    assert nearness.usual == pytest.approx(0.1)
    assert nearness.near(other).sum() == 3


@given(shown=st.integers(0, 12), other=st.integers(0, 25), made=st.integers(0, 5), seed=st.integers(0, 99))
@settings(max_examples=40)
def test_it_never_fails_on_few_rows(shown: int, other: int, made: int, seed: int) -> None:
    tables = [
        clinic(max(size, 1), seed=seed + at).slice(0, size) for at, size in enumerate((shown, other, made))
    ]
    nearness = Nearness(CLINIC, tables[0], tables[1])
    near = nearness.near(tables[2])
    assert near.shape == (made,)
    assert near.dtype == np.bool_
    assert 0 <= nearness.usual <= 1
    assert not (shown == 0 and near.any())
    assert nearness.near(tables[0]).all()


def test_identifiers_are_no_part_of_a_row() -> None:
    schema = Schema.from_toml(
        'columns = [{ name = "id", kind = "identifier" }, { name = "a", kind = "integer", range = [0, 9] }]'
    )
    shown = pa.table({"id": ["1", "2"], "a": pa.array([3, 7], pa.int64())}, schema=arrow_schema(schema))
    made = pa.table({"id": ["9", "8"], "a": pa.array([3, 5], pa.int64())}, schema=arrow_schema(schema))
    assert Nearness(schema, shown, shown).near(made).tolist() == [True, False]
