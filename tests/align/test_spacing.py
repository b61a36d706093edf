"""Values dealt out within their cells by how far they should be from given ones."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localsynth.align.grid import Grid
from localsynth.align.spacing import Array, _draw, spaced
from localsynth.core.schema import Schema
from localsynth.core.targets import Axis, Margin, Statistics, Table

SCHEMA = Schema.model_validate(
    {
        "columns": [
            {"name": "head", "kind": "integer", "range": [0, 99], "nullable": True},
            {"name": "who", "kind": "categorical", "categories": ["spouse", "child"]},
            {"name": "age", "kind": "integer", "range": [0, 99], "nullable": True},
        ]
    }
)
APART = {"apart": ("age", "head")}
WHO = Axis("who", labels=(("spouse",), ("child",)))
STEPS = Axis("apart", edges=(-99, -31, -29, -2, 3, 100))
#: Spouses within two years, children thirty years younger.
BOTH = Table((WHO, STEPS), (0.0, 0.0, 0.0, 0.5, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0), 1000.0)


def statistics() -> Statistics:
    age = Margin(Axis("age", edges=(0, 30, 60, 100), missing=True), (0.3, 0.4, 0.2, 0.1), 1000.0)
    head = Margin(Axis("head", edges=(0, 100), missing=True), (0.9, 0.1), 1000.0)
    return Statistics((head, Margin(WHO, (0.5, 0.5), 1000.0), age))


def aims() -> Statistics:
    apart = Margin(STEPS, (0.0, 0.5, 0.0, 0.5, 0.0), 1000.0)
    found = statistics()
    return Statistics((*found.margins, apart), (BOTH,))


def beside(rows: int, seed: int) -> tuple[Grid, pa.Table, Array]:
    """Spouses and children in the right cells, at random within."""
    rng = np.random.default_rng(seed)
    grid = Grid(SCHEMA, statistics())
    head = rng.integers(31, 90, rows)
    child = rng.random(rows) < 0.5
    age = np.where(child, head - 30, head)
    codes = np.column_stack([np.zeros(rows), child, np.digitize(age, [30, 60])]).astype(np.int32)
    table = grid.decode(codes, rng).set_column(0, "head", pa.array(head, pa.int64()))
    return grid, table, codes


def test_values_move_near_to_where_they_belong_and_none_leaves_its_cell() -> None:
    grid, table, codes = beside(3000, seed=0)
    rng = np.random.default_rng(1)
    found = spaced(SCHEMA, table, codes, grid, aims(), APART, rng)
    assert found["head"].equals(table["head"])
    assert found["who"].equals(table["who"])
    for cell in range(3):
        inside = codes[:, 2] == cell
        before, after = (np.sort(one["age"].to_numpy()[inside]) for one in (table, found))
        assert (before == after).all()
    wanted = np.where(codes[:, 1] == 1, -30, 0)
    off = [np.abs(one["age"].to_numpy() - one["head"].to_numpy() - wanted).mean() for one in (table, found)]
    assert off[0] > 8
    assert off[1] < off[0] / 2


@given(st.integers(0, 2**32 - 1), st.integers(0, 40))
def test_missing_values_and_no_rows(seed: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    grid = Grid(SCHEMA, statistics())
    codes = np.column_stack([rng.integers(0, size, rows) for size in grid.sizes]).astype(np.int32)
    table = grid.decode(codes, rng)
    found = spaced(SCHEMA, table, codes, grid, aims(), APART, np.random.default_rng(seed))
    again = spaced(SCHEMA, table, codes, grid, aims(), APART, np.random.default_rng(seed))
    assert found.equals(again)
    assert found["age"].is_null().equals(table["age"].is_null())
    assert sorted(found["age"].drop_null().to_pylist()) == sorted(table["age"].drop_null().to_pylist())
    # Without a margin of the difference nothing is known of it.
    assert spaced(SCHEMA, table, codes, grid, statistics(), APART, rng).equals(table)


def test_draws_lie_between_the_bounds_and_follow_the_shares() -> None:
    edges, rng = np.array([-10, 0, 10, 20]), np.random.default_rng(2)
    shares = np.tile([0.2, 0.0, 0.8], (20_000, 1))
    low, high = np.full(20_000, -5), np.full(20_000, 15)
    found = _draw(edges, shares, low, high, rng)
    # Half of the first cell lies within, half of the last: 0.1 against 0.4.
    assert (found < 0).mean() == pytest.approx(0.2, abs=0.02)
    assert not ((found >= 0) & (found < 10)).any()
    assert found.min() >= -5
    assert found.max() < 15
    assert np.isnan(_draw(edges, shares[:1], np.array([2]), np.array([8]), rng)).all()
