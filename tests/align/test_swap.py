"""Swaps: margins stay, tables come near, nothing refused is made."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localsynth.align.swap import Array, Table, align
from localsynth.core.errors import Cancelled


def counted(codes: Array, columns: Sequence[int], sizes: Sequence[int]) -> Array:
    flat = np.zeros(len(codes), np.int64)
    for column in columns:
        flat = flat * sizes[column] + codes[:, column]
    shape = [sizes[column] for column in columns]
    return np.bincount(flat, minlength=int(np.prod(shape))).reshape(shape)


def independent(codes: Array, rng: np.random.Generator) -> Array:
    return np.column_stack([rng.permutation(column) for column in codes.T])


def wanted(rows: int, seed: int = 0) -> tuple[Array, list[int]]:
    """Rows with structure: a chain, and a third column that is the exclusive or of two."""
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 4, rows), rng.integers(0, 2, rows)
    c = (a + (rng.random(rows) < 0.2)) % 4
    return np.column_stack([a, b, c, (a % 2) ^ b]).astype(np.int32), [4, 2, 4, 2]


def test_tables_that_can_be_met_are_met() -> None:
    target, sizes = wanted(3000)
    rng = np.random.default_rng(1)
    tables = [Table(pair, counted(target, pair, sizes)) for pair in ((0, 1), (0, 2), (1, 3), (0, 3))]
    start = independent(target, rng)
    made = align(start, tables, rng)
    assert max(made.gaps) < 0.005
    for column, size in enumerate(sizes):
        assert np.array_equal(
            np.bincount(made.codes[:, column], minlength=size), np.bincount(target[:, column], minlength=size)
        )
    for table, gap in zip(tables, made.gaps, strict=True):
        found = np.abs(counted(made.codes, table.columns, sizes) - table.counts).sum() / 2 / 3000
        assert gap == pytest.approx(found)


def test_three_columns_at_once_reach_what_no_pair_shows() -> None:
    target, sizes = wanted(2000)
    rng = np.random.default_rng(2)
    start = independent(target, rng)
    made = align(start, [Table((0, 1, 3), counted(target, (0, 1, 3), sizes))], rng)
    assert made.gaps[0] < 0.01
    parity = (made.codes[:, 0] % 2) ^ made.codes[:, 1]
    assert (parity == made.codes[:, 3]).mean() > 0.99
    assert np.array_equal(np.bincount(start[:, 2]), np.bincount(made.codes[:, 2]))  # in no table: untouched
    assert np.array_equal(start[:, 2], made.codes[:, 2])


def test_refused_rows_are_never_made_and_frozen_columns_stay() -> None:
    target, sizes = wanted(1500)
    rng = np.random.default_rng(3)
    start = independent(target, rng)
    start = start[~((start[:, 0] == 3) & (start[:, 2] == 0))]

    def refuse(rows: Array) -> Array:
        return (rows[:, 0] == 3) & (rows[:, 2] == 0)

    tables = [Table((0, 2), counted(target, (0, 2), sizes)), Table((0, 3), counted(target, (0, 3), sizes))]
    made = align(start, tables, rng, refuse=refuse, frozen=[0])
    assert not refuse(made.codes).any()
    assert np.array_equal(made.codes[:, 0], start[:, 0])
    assert max(made.gaps) < 0.1


def test_tables_coarser_than_the_codes_are_met_over_their_own_cells() -> None:
    target, _ = wanted(3000)
    coarse = np.array([0, 0, 1, 1], np.int32)  # of the four cells of a and c
    seen = np.column_stack([coarse[target[:, 0]], target[:, 1], coarse[target[:, 2]]])
    own = (coarse, np.arange(2, dtype=np.int32))
    tables = [
        Table((0, 1), counted(seen, (0, 1), [2, 2, 2]), own),
        Table((2, 1), counted(seen, (2, 1), [2, 2, 2]), own),
        Table((0, 2), counted(target, (0, 2), [4, 2, 4])),
    ]
    rng = np.random.default_rng(4)
    made = align(independent(target, rng), tables, rng)
    assert max(made.gaps) < 0.005
    assert np.array_equal(tables[0].count(target), tables[0].counts)
    found = np.abs(tables[1].count(made.codes) - tables[1].counts).sum() / 2 / 3000
    assert made.gaps[1] == pytest.approx(found)
    assert np.array_equal(np.sort(made.codes, axis=0), np.sort(target, axis=0))


def test_units_stay_together() -> None:
    target, sizes = wanted(2000)
    rng = np.random.default_rng(5)
    rows = np.column_stack([independent(target, rng), np.zeros(2000, np.int32)]).astype(np.int32)
    rows[:, 4] = 3 - rows[:, 2]
    tables = [
        Table((0, 4), counted(np.column_stack([target, 3 - target[:, 2]]), (0, 4), [*sizes, 4])),
        Table((1, 2), counted(target, (1, 2), sizes)),
    ]
    made = align(rows, tables, rng, units=[(2, 4)])
    assert np.array_equal(made.codes[:, 4], 3 - made.codes[:, 2])
    assert max(made.gaps) < 0.005
    held = align(rows, tables, rng, units=[(2, 4)], frozen=[4])
    assert np.array_equal(held.codes[:, [2, 4]], rows[:, [2, 4]])


def test_targets_that_contradict_are_met_halfway() -> None:
    rng = np.random.default_rng(6)
    rows = np.column_stack([rng.permutation(np.repeat([0, 1], 500)) for _ in range(2)]).astype(np.int32)
    tables = [
        Table((0, 1), np.array([[500.0, 0], [0, 500]])),
        Table((1, 0), np.array([[0.0, 500], [500, 0]])),
    ]
    made = align(rows, tables, rng)
    assert sum(made.gaps) == pytest.approx(1.0)
    assert max(made.gaps) < 0.52


@given(st.integers(0, 40), st.integers(1, 5), st.integers(0, 2**32))
def test_margins_stay_whatever_the_rows(rows: int, columns: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    sizes = list(rng.integers(1, 5, columns))
    codes = (
        np.column_stack([rng.integers(0, size, rows) for size in sizes])
        .astype(np.int32)
        .reshape(rows, columns)
    )
    before = codes.copy()
    pairs = [(a, b) for a in range(columns) for b in range(a + 1, columns)]
    tables = [Table(pair, rng.random([sizes[i] for i in pair]) * rows) for pair in pairs]
    made = align(codes, tables, rng, most_sweeps=20)
    assert np.array_equal(codes, before)
    assert made.codes.shape == codes.shape
    assert np.array_equal(np.sort(made.codes, axis=0), np.sort(codes, axis=0))
    first = [np.abs(counted(codes, t.columns, sizes) - t.counts).sum() for t in tables]
    last = [np.abs(counted(made.codes, t.columns, sizes) - t.counts).sum() for t in tables]
    squares = [
        sum(((counted(some, t.columns, sizes) - t.counts) ** 2).sum() for t in tables)
        for some in (codes, made.codes)
    ]
    assert squares[1] <= squares[0] + 1e-6
    assert len(first) == len(last)


def test_the_same_seed_gives_the_same_rows() -> None:
    target, sizes = wanted(500)
    tables = [Table((0, 2), counted(target, (0, 2), sizes))]
    start = independent(target, np.random.default_rng(1))
    one, two = (align(start, tables, np.random.default_rng(9)) for _ in range(2))
    assert np.array_equal(one.codes, two.codes)
    assert one.gaps == two.gaps


def test_a_cancel_is_felt_and_enough_is_enough() -> None:
    target, sizes = wanted(500)
    tables = [Table((0, 2), counted(target, (0, 2), sizes))]

    def stop() -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        align(target, tables, np.random.default_rng(0), check=stop)
    start = independent(target, np.random.default_rng(1))
    assert align(start, tables, np.random.default_rng(0), enough=1.0).sweeps == 1
