"""Columns made beside given ones: targets moved to what is given, a start along tables, frozen columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from localsynth.align.anchoring import anchored
from localsynth.align.chain import chain
from localsynth.align.grid import Grid
from localsynth.align.keeping import keep
from localsynth.align.rows import make
from localsynth.core.schema import Schema
from localsynth.core.targets import Axis, Margin, Statistics, Table

SCHEMA = Schema.model_validate(
    {
        "columns": [
            {"name": "g", "kind": "categorical", "categories": ["a", "b"]},
            {"name": "h", "kind": "categorical", "categories": ["x", "y"]},
            {"name": "own", "kind": "categorical", "categories": ["0", "1"]},
            {"name": "n", "kind": "integer", "range": [0, 9]},
        ],
        "rules": [{"check": "g = 'a' or n >= 5"}],
    }
)
G, H, OWN = (
    Axis(name, labels=((one,), (two,)))
    for name, one, two in (("g", "a", "b"), ("h", "x", "y"), ("own", "0", "1"))
)
N = Axis("n", edges=(0, 5, 10))


def statistics(*tables: Table) -> Statistics:
    halves = (0.5, 0.5)
    return Statistics(tuple(Margin(axis, halves, 400.0) for axis in (G, H, OWN, N)), tables)


def test_targets_move_to_what_is_given_and_keep_their_odds() -> None:
    table = Table((G, OWN), (0.4, 0.1, 0.1, 0.4), 400.0)
    known = pa.table({"g": ["a"] * 30 + ["b"] * 10})
    found = anchored(statistics(table, Table((G, H), (0.25,) * 4)), SCHEMA, ("g", "h"), known)
    # The table of two given columns can no longer be changed; `h` is given, but not known beforehand.
    assert [one.columns for one in found.tables] == [("g", "own")]
    assert found.margin("g").shares == (0.75, 0.25)
    assert found.margin("h").shares == found.margin("own").shares == (0.5, 0.5)
    cells = np.array(found.tables[0].shares).reshape(2, 2)
    assert cells.sum(1) == pytest.approx([0.75, 0.25])
    assert cells.sum(0) == pytest.approx([0.5, 0.5])
    odds = cells[0, 0] * cells[1, 1] / (cells[0, 1] * cells[1, 0])
    assert odds == pytest.approx(16.0)


def test_without_rows_nothing_moves() -> None:
    given = statistics(Table((G, OWN), (0.4, 0.1, 0.1, 0.4)))
    assert anchored(given, SCHEMA, ("g",), pa.table({"g": pa.array([], pa.string())})) == given


def test_a_chain_draws_under_the_table_that_tells_most() -> None:
    """`own` is the exclusive or of two given columns: no pair tells anything, the three together tell all."""
    both = np.zeros((2, 2, 2))
    for g in range(2):
        for h in range(2):
            both[g, h, g ^ h] = 0.25
    grid = Grid(SCHEMA, statistics(Table((G, H, OWN), tuple(both.ravel().tolist()), 400.0)))
    rng = np.random.default_rng(0)
    given = np.full((400, 4), -1, np.int32)
    given[:, :2] = rng.integers(0, 2, (400, 2))
    codes = chain(grid, given, rng)
    assert (codes[:, :2] == given[:, :2]).all()
    assert (codes[:, 2] == (given[:, 0] ^ given[:, 1])).all()
    # Nothing tells of `n`: its own margin does.
    assert np.bincount(codes[:, 3]).tolist() == [200, 200]
    given[:, 3] = 1
    assert (chain(grid, given, rng)[:, 3] == 1).all()


def test_frozen_columns_stay_row_by_row() -> None:
    grid = Grid(SCHEMA, statistics(Table((G, OWN), (0.45, 0.05, 0.05, 0.45), 400.0)))
    rng = np.random.default_rng(2)
    draft = np.full((300, 4), -1, np.int32)
    draft[:, 0] = np.arange(300) % 2
    made = make(grid, 300, rng, draft=draft, frozen=[0])
    assert (made.codes[:, 0] == draft[:, 0]).all()
    assert np.bincount(made.codes[:, 2]).tolist() == [150, 150]
    assert np.mean(made.codes[:, 0] == made.codes[:, 2]) == pytest.approx(0.9, abs=0.01)
    with pytest.raises(ValueError, match="draft of all rows"):
        make(grid, 301, rng, draft=draft, frozen=[0])
    with pytest.raises(ValueError, match="draft of all rows"):
        make(grid, 300, rng, frozen=[0])


def test_rules_are_kept_without_touching_what_is_frozen() -> None:
    grid = Grid(SCHEMA, statistics())
    rng = np.random.default_rng(4)
    draft = np.full((400, 4), -1, np.int32)
    draft[:, 0] = rng.permutation(np.repeat([0, 1], [300, 100]))
    made = make(grid, 400, rng, draft=draft, frozen=[0])
    table = grid.decode(made.codes, rng)

    def violations(rows: pa.Table) -> Any:
        a = np.array(rows["g"].to_pylist()) == "a"
        return ~(a | (rows["n"].to_numpy() >= 5))[:, None]

    before = table["g"].to_pylist()
    assert violations(table).any()
    kept = keep(SCHEMA, table, made.codes, grid, violations, rng, frozen=["g"])
    assert not kept.broken.any()
    assert kept.table["g"].to_pylist() == before
    assert sorted(kept.table["n"].to_pylist()) == sorted(table["n"].to_pylist())
