"""Raking: margins are met, odds ratios stay."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsynth.align.raking import completed, product, rake


def positive(size: int) -> st.SearchStrategy[list[float]]:
    return st.lists(st.floats(0.01, 1), min_size=size, max_size=size)


@settings(deadline=None)
@given(st.data(), st.lists(st.integers(1, 4), min_size=2, max_size=3))
def test_margins_are_met_whatever_the_table(data: st.DataObject, shape: list[int]) -> None:
    cells = data.draw(
        st.lists(
            st.sampled_from([0.0, 0.0, 0.2, 1.0]), min_size=int(np.prod(shape)), max_size=int(np.prod(shape))
        )
    )
    margins = [np.array(data.draw(positive(size))) for size in shape]
    margins = [margin / margin.sum() for margin in margins]
    raked = rake(np.reshape(cells, shape), margins)
    for axis, margin in enumerate(margins):
        rest = tuple(at for at in range(len(shape)) if at != axis)
        assert raked.shares.sum(rest) == pytest.approx(margin, abs=1e-5)
    assert (raked.shares >= 0).all()


def test_margins_that_only_an_empty_cell_more_would_meet() -> None:
    """The one solution inside these zeros leaves a cell empty that had rows; plain fitting creeps there for ever."""
    table = np.reshape([0, 0, 0, 0.2, 0.2, 0.2, 0, 0], (2, 2, 2))
    raked = rake(table, [np.array([0.5, 0.5])] * 3)
    assert raked.shares.sum((1, 2)) == pytest.approx([0.5, 0.5], abs=1e-6)
    assert raked.shares[0, 1, 1] == pytest.approx(0.5, abs=0.03)


def test_a_table_that_fits_stays_as_it_is() -> None:
    table = np.array([[0.1, 0.0, 0.3], [0.2, 0.4, 0.0]])
    raked = rake(table, [table.sum(1), table.sum(0)])
    assert raked.shares == pytest.approx(table)
    assert not raked.filled
    assert [len(cells) for cells in raked.empty] == [0, 0]


def test_a_worked_example_and_its_odds() -> None:
    table = np.array([[40.0, 30, 20, 10], [35, 50, 100, 75], [30, 80, 70, 120], [20, 30, 40, 50]])
    rows, columns = np.array([150, 300, 400, 150]) / 1000, np.array([200, 300, 400, 100]) / 1000
    raked = rake(table, [rows, columns]).shares * 1000
    # as printed in Wikipedia's article on the method
    assert raked[0] == pytest.approx([64.56, 46.23, 35.38, 3.83], abs=0.01)
    odds = [t[0, 0] * t[1, 1] / t[0, 1] / t[1, 0] for t in (table, raked)]
    assert odds[0] == pytest.approx(odds[1])


def test_a_silent_part_is_independent() -> None:
    told = np.array([[0.4, 0.1], [0.1, 0.4]])
    margins = [np.array([0.4, 0.4, 0.2]), np.array([0.5, 0.5])]
    wide = completed(told, [np.array([0, 1, -1]), np.array([0, 1])], margins)
    assert wide == pytest.approx(np.array([[0.32, 0.08], [0.08, 0.32], [0.1, 0.1]]))
    assert product(margins) == pytest.approx(np.outer(*margins))
