"""Cells of ordered columns."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localsynth.align.quantiles import Quantiles
from localsynth.store.binning import CLOCK, FEW, edges_of, fewer, quantiles


def unique(values: list[int]) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    return np.unique(np.array(values, np.int64), return_counts=True)


def test_quantile_cells_are_equally_full_and_begin_at_round_numbers() -> None:
    values, counts = unique(list(range(3, 123)))  # 120 different values
    edges = edges_of(values, counts, 4, 0, 200)
    assert edges == (0, 33, 63, 93, 201)
    sparse, ones = unique([*range(0, 700, 7)])
    assert edges_of(sparse, ones, 2, 0, 1000) == (0, 350, 1001)  # between 343 and 350
    assert edges_of(sparse + 3, ones, 2, 0, 1000) == (0, 350, 1001)  # between 346 and 353: the roundest


def test_a_value_that_many_have_gets_a_cell_of_its_own() -> None:
    values, counts = unique([0] * 60 + [40] * 50 + list(range(1000, 1090)))
    edges = edges_of(values, counts, 5, 0, 5000)
    assert edges[:4] == (0, 1, 40, 41) or edges[:3] == (0, 40, 41)
    rows = [counts[(values >= a) & (values < b)].sum() for a, b in pairwise(edges)]
    assert rows[0] == 60
    assert rows[1] == 50
    assert all(30 <= count <= 60 for count in rows[2:])


def test_few_values_are_a_cell_each() -> None:
    values, counts = unique([1] * 9 + [5] * 6 + [9] * 7)
    assert edges_of(values, counts, 6, 0, 10) == (0, 5, 9, 11)
    assert edges_of(values, counts, 3, 1, 9) == (1, 5, 9, 10)


def test_cells_of_few_rows_go_to_the_smaller_neighbour_and_tell_no_value() -> None:
    values, counts = unique([1] * 9 + [500] * 2 + [903] * 7)
    assert edges_of(values, counts, 6, 0, 1000) == (0, 2, 1001)  # 500 goes with 903, and is no edge
    values, counts = unique([1] * 9 + [507] * 2 + [803] * 2 + [907] * 2)
    assert edges_of(values, counts, 6, 0, 1000) == (0, 2, 1001)
    values, counts = unique([7, 8])
    assert edges_of(values, counts, 6, 0, 10) == (0, 11)
    assert edges_of(values[:0], counts[:0], 6, 0, 10) == (0, 11)


def test_moments_are_cut_at_full_hours_and_days() -> None:
    values, counts = unique(list(range(0, 7 * 1440, 97)))
    edges = edges_of(values, counts, 3, 0, 7 * 1440, CLOCK)
    assert all(edge % 60 == 0 for edge in edges[:-1])


def test_quantiles_of_a_cell() -> None:
    values, counts = unique(list(range(100)))
    (found,) = quantiles(values, counts, (0, 100))
    assert len(found) == 20
    # Windows of five, read straight on to the ends; 0 and 99 are not among them, 1 and 98 stand in.
    assert np.abs(np.array(found) - np.linspace(0, 99, 20)).max() <= 1
    values, counts = unique([3] * 10 + [4] * 10)
    assert quantiles(values, counts, (3, 4, 5)) == ((3, 3), (4, 4))
    values, counts = unique([1, 2, 3, 4])
    assert quantiles(values, counts, (0, 10)) == ((),)


@pytest.mark.parametrize("alike", [1, FEW - 1])
def test_an_extreme_enters_nothing(alike: int) -> None:
    rest = list(range(100, 400))
    found = []
    for low, high in ((50, 1000), (1, 101_000)):
        values, counts = unique([*[low] * alike, *rest, *[high] * alike])
        edges = edges_of(values, counts, 6, 0, 200_000)
        found.append((edges, quantiles(values, counts, edges)))
    assert found[0] == found[1]
    assert found[0][1][-1][-1] <= 420  # 399 stands in, read on a little


def test_extremes_that_enough_rows_share_are_told() -> None:
    values, counts = unique([1] * FEW + list(range(100, 200)) + [1000] * FEW)
    (knots,) = quantiles(values, counts, (0, 2000))
    assert (knots[0], knots[-1]) == (1, 1000)


def test_where_nothing_can_stand_in_for_the_extremes_nothing_is_told() -> None:
    values, counts = unique([3] * 4 + [9] * 4)
    assert quantiles(values, counts, (0, 10)) == ((),)
    values, counts = unique([3] * 4 + [9] * 20)
    assert quantiles(values, counts, (0, 10)) == ((9,) * 4,)
    assert quantiles(values[:0], counts[:0], (0, 10)) == ((),)


def test_a_small_cell_tells_mean_and_standard_deviation_alone() -> None:
    """Five to nine rows: rows of the same mean and spread look alike, whatever their order statistics are."""
    outside = [*range(-100, 0, 5), *range(100, 200, 5)]
    cells = {}
    for rows in ((20, 30, 40, 50, 60), (22, 26, 40, 54, 58), (20, 30, 40, 50, 60, 60, 30, 20, 50)):
        values, counts = unique([*outside, *rows])
        cells[rows] = quantiles(values, counts, (-100, 0, 100, 300))[1]
        half = np.std(rows) * 3**0.5
        assert cells[rows] == (round(40 - half), round(40 + half))
    values, counts = unique([*outside, 1, 1, 1, 1, 90])
    assert quantiles(values, counts, (-100, 0, 100, 300))[1][0] == 0  # cut to the cell


@given(st.lists(st.integers(0, 10**6), min_size=10, max_size=300, unique=True), st.integers(0, 299))
def test_one_value_moves_no_more_than_its_window_tells(values: list[int], which: int) -> None:
    """No two windows share a row: of a cell with different values, one row that moves among its neighbours' ranks moves one
    mean, and with it at most the knots beside it.
    """
    rising = np.array(sorted(values), np.int64) * 100
    at = which % len(rising)
    moved = rising.copy()
    moved[at] += 50  # still between its neighbours
    ones = np.ones(len(rising), np.int64)
    edges = (0, 10**9)
    (one,), (other,) = quantiles(rising, ones, edges), quantiles(moved, ones, edges)
    assert np.count_nonzero(np.array(one) - np.array(other)) <= 4
    if at in (0, len(rising) - 1):
        assert one == other


def test_decoded_values_stay_near_what_was_counted() -> None:
    """Wasserstein distance in standard deviations, ten cells: noise of a few rows, and an unbiased spread."""
    rng = np.random.default_rng(5)
    for drawn in (rng.normal(0, 1, 400), rng.uniform(0, 1, 400), rng.exponential(1, 400)):
        rows = np.sort(np.rint(drawn * 10_000).astype(np.int64))
        values, counts = np.unique(rows, return_counts=True)
        edges = edges_of(values, counts, 10, int(values[0]), int(values[-1]))
        made = []
        for (low, high), knots in zip(pairwise(edges), quantiles(values, counts, edges), strict=True):
            inside = int(counts[(values >= low) & (values < high)].sum())
            made.append(Quantiles.of(low, high, knots).spread(inside, rng))
        decoded = np.sort(np.concatenate(made))
        assert np.abs(decoded - rows).mean() / rows.std() < 0.025
        assert decoded.std() / rows.std() == pytest.approx(1, abs=0.05)


@given(
    st.lists(st.tuples(st.integers(-(10**12), 10**12), st.integers(1, 40)), min_size=1, max_size=60),
    st.integers(1, 20),
    st.booleans(),
)
def test_cells_hold_every_value_and_no_cell_few_rows(
    found: list[tuple[int, int]], bins: int, clock: bool
) -> None:
    merged = dict(found)
    values = np.array(sorted(merged), np.int64)
    counts = np.array([merged[int(value)] for value in values], np.int64)
    low, high = int(values[0]) - 3, int(values[-1])
    edges = edges_of(values, counts, bins, low, high, *([CLOCK] if clock else []))
    assert (edges[0], edges[-1]) == (low, high + 1)
    assert all(a < b for a, b in pairwise(edges))
    rows = [int(counts[(values >= a) & (values < b)].sum()) for a, b in pairwise(edges)]
    assert sum(rows) == counts.sum()
    assert len(rows) == 1 or min(rows) >= FEW
    told = {int(value) for value, count in zip(values, counts, strict=True) if count >= FEW}
    for (a, b), knots in zip(pairwise(edges), quantiles(values, counts, edges), strict=True):
        inside = int(counts[(values >= a) & (values < b)].sum())
        assert knots == () if inside < FEW else knots or len(values) == 2
        assert list(knots) == sorted(knots)
        assert all(a <= knot < b for knot in knots)
        if knots and inside >= 2 * FEW:
            assert inside // len(knots) >= FEW
        own = values[(values >= a) & (values < b)]
        if len(own) == 1 and knots:
            assert set(knots) == {int(own[0])} <= told


@pytest.mark.parametrize(("most", "starts"), [(9, [0, 1, 2, 3]), (3, [0, 1, 3]), (2, [0, 1]), (1, [0])])
def test_neighbours_are_joined_rarest_first(most: int, starts: list[int]) -> None:
    assert fewer(np.array([50, 10, 5, 30]), most) == starts


def test_long_whole_numbers_keep_their_last_digits() -> None:
    """Account numbers of 18 digits: one that many have is decoded as itself, and the others stay near."""
    base, many = 987_654_321_012_340_000, 987_654_321_012_345_677
    rng = np.random.default_rng(3)
    values = np.sort(np.concatenate([base + rng.integers(0, 10_000, 200), np.full(300, many)]))
    different, counts = np.unique(values, return_counts=True)
    (cell,) = quantiles(different, counts, (base, base + 10_000))
    found = Quantiles.of(base, base + 10_000, cell).spread(len(values), rng)
    assert (found == many).mean() > 0.5
    assert np.abs(found - values).mean() < 150


@pytest.mark.parametrize(("low", "high"), [(10**18 - 3000, 10**18), (-(2**63), 2**63), (-5, 10**18)])
def test_a_cell_of_long_whole_numbers_holds_what_is_read_from_it(low: int, high: int) -> None:
    whole = Quantiles.of(low, high, (low, (low + high) // 2, high - 1, high - 1))
    rng = np.random.default_rng(1)
    for cell in (whole, whole.part(low, low + 1000), whole.part(high - 1000, high)):
        made = cell.spread(500, rng)
        assert made.dtype == np.int64
        assert cell.low <= int(made.min()) <= int(made.max()) < cell.high
        assert all(cell.low <= value < cell.high for value in cell.inner())
        assert np.all(np.diff(made.astype(object)) >= 0)
    assert whole.inner()[0] == low
    assert high - 1024 <= whole.inner()[-1] < high
    assert whole.below((low + high) // 2) == pytest.approx(1 / 3, abs=0.01)
