"""Drawn rows brought to target statistics."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from localsynth.align.grid import Grid
from localsynth.align.refining import chosen_rows, refined
from tests.align.support import CLINIC, clinic, statistics_of


@pytest.fixture(scope="module")
def grid() -> Grid:
    return Grid(CLINIC, statistics_of(CLINIC, clinic(600, seed=1)))


def skewed(n: int) -> pa.Table:
    """Rows of another population: mostly the old."""
    rows = clinic(4 * n, seed=2)
    old = np.array(rows["age"].to_pylist()) > 55
    order = np.concatenate([np.flatnonzero(old), np.flatnonzero(~old)])
    return rows.take(pa.array(order[:n]))


def counts(grid: Grid, codes: np.ndarray, at: int) -> np.ndarray:
    return np.bincount(codes[:, at], minlength=grid.sizes[at])


def test_margins_are_exact_and_tables_near(grid: Grid) -> None:
    drawn = skewed(300).select(grid.names)
    made = refined(grid, drawn, grid.encode(drawn), np.random.default_rng(0))
    for at, wanted in enumerate(grid.margins(300)):
        assert np.array_equal(counts(grid, made.codes, at), wanted)
    assert made.after < 0.5 * made.before
    assert np.array_equal(grid.encode(made.table)[:, :-1], made.codes[:, :-1])  # the last column holds texts


def test_values_stay_where_their_cell_stays(grid: Grid) -> None:
    drawn = clinic(300, seed=3).select(grid.names)
    codes = grid.encode(drawn)
    made = refined(grid, drawn, codes, np.random.default_rng(0))
    same = (made.codes == codes).all(axis=0)
    kept = [
        [a == b for a, b in zip(drawn[name].to_pylist(), made.table[name].to_pylist(), strict=True)]
        for name in grid.names
    ]
    stays = made.codes == codes
    for at in range(len(grid.names)):
        assert all(kept[at][row] for row in np.flatnonzero(stays[:, at]))
    assert made.changed == pytest.approx(1 - stays.mean())
    assert 0 < made.changed < 0.5
    assert not same.all()


def test_a_value_outside_every_cell_gets_one(grid: Grid) -> None:
    drawn = clinic(100, seed=4).select(grid.names)
    codes = grid.encode(drawn)
    codes[:10, 0] = -1
    made = refined(grid, drawn, codes, np.random.default_rng(0))
    assert (made.codes >= 0).all()
    assert np.array_equal(grid.encode(made.table)[:, :-1], made.codes[:, :-1])  # the last column holds texts


def test_what_was_made_before_counts_for_the_margins(grid: Grid) -> None:
    done = [np.zeros(size, np.int64) for size in grid.sizes]
    for part in range(3):
        drawn = skewed(101).select(grid.names)
        made = refined(grid, drawn, grid.encode(drawn), np.random.default_rng(part), done=done)
        done = [before + counts(grid, made.codes, at) for at, before in enumerate(done)]
    for at, wanted in enumerate(grid.margins(303)):
        assert np.abs(done[at] - wanted).max() <= 2


def test_the_best_of_a_surplus_are_chosen_and_whole_rows_first(grid: Grid) -> None:
    drawn = skewed(900)
    codes = grid.encode(drawn)
    codes[::3, 1] = -1
    best = chosen_rows(grid, codes, 200, np.random.default_rng(0))
    assert (codes[best] >= 0).all()
    assert len(best) == 200
    most = chosen_rows(grid, codes, 700, np.random.default_rng(0))
    assert len(set(most.tolist())) == 700
    at = grid.names.index("band")
    wanted = grid.margins(200)[at]
    whole = codes[(codes >= 0).all(axis=1)]
    assert (
        np.abs(counts(grid, codes[best], at) - wanted).sum()
        < np.abs(counts(grid, whole[:200], at) - wanted).sum()
    )


def test_dealt_values_are_drawn_anew_and_keep_their_order_within_a_cell(grid: Grid) -> None:
    drawn = clinic(400, seed=5).select(grid.names)
    codes = grid.encode(drawn)
    at = grid.names.index("age")
    as_is = refined(grid, drawn, codes, np.random.default_rng(0))
    dealt = refined(grid, drawn, codes, np.random.default_rng(0), dealt=["age"])
    assert np.array_equal(as_is.codes, dealt.codes)
    assert as_is.table.drop_columns("age").equals(dealt.table.drop_columns("age"))
    before, after = (np.array(some.table["age"].to_pylist(), float) for some in (as_is, dealt))
    assert (before != after).any()
    stayed = as_is.codes[:, at] == codes[:, at]
    for cell in range(grid.bases[at].axis.present):
        rows = np.flatnonzero(stayed & (codes[:, at] == cell))
        order = np.argsort(before[rows], kind="stable")
        tops = after[rows][order]
        # Equal values take those of their rank in any order; a larger one never gets a smaller value.
        for low, high in zip(range(len(rows)), range(1, len(rows)), strict=False):
            if before[rows][order][low] < before[rows][order][high]:
                assert tops[low] <= tops[high]
    assert np.array_equal(grid.encode(dealt.table)[:, at], dealt.codes[:, at])


def test_rows_beside_others_are_those_that_these_lack(grid: Grid) -> None:
    there = grid.encode(skewed(150).select(grid.names))
    offered = clinic(600, seed=6).select(grid.names)
    codes = grid.encode(offered)
    blind = chosen_rows(grid, codes, 150, np.random.default_rng(0))
    fitting = chosen_rows(grid, codes, 150, np.random.default_rng(0), beside=there)
    assert len(set(fitting.tolist())) == 150

    def gap(which: np.ndarray) -> float:
        both = np.concatenate([there, codes[which]])
        return sum(float(np.abs(goal.count(both) - goal.counts).sum()) for goal in grid.goals(300))

    assert gap(fitting) < 0.8 * gap(blind)
