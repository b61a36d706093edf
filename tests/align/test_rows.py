"""Rows made to measure: margins exact whatever the tables say, tables near, everything a function of the seed."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsynth.align import rows as rows_room
from localsynth.align.grid import Grid
from localsynth.align.rows import make, mix
from localsynth.align.settle import settle
from localsynth.align.start import independent, tree
from localsynth.align.swap import Array, Table
from localsynth.core.columns import CategoricalColumn
from localsynth.core.errors import Cancelled
from localsynth.core.schema import Dependency, Schema
from localsynth.core.targets import Axis, Statistics
from localsynth.core.targets import Table as Target
from tests.align.support import CLINIC, clinic, shares_of, statistics_of
from tests.align.test_grid import anything


@cache
def clinic_grid() -> Grid:
    return Grid(CLINIC, statistics_of(CLINIC, clinic(2000)))


def margins_of(codes: Array, grid: Grid) -> list[list[int]]:
    return [
        np.bincount(column, minlength=size).tolist() for column, size in zip(codes.T, grid.sizes, strict=True)
    ]


@pytest.mark.parametrize("start", ["tree", "independent"])
def test_margins_are_exact_and_tables_near(start: str) -> None:
    grid = clinic_grid()
    made = make(grid, 1000, np.random.default_rng(0), start=start)  # type: ignore[arg-type]
    assert margins_of(made.codes, grid) == [counts.tolist() for counts in grid.margins(1000)]
    assert made.margin_gaps == (0.0,) * 7
    assert np.mean(made.table_gaps) < 0.01
    table, gap = grid.goals(1000)[0], made.table_gaps[0]
    assert np.abs(table.count(made.codes) - table.counts).sum() / 2000 == pytest.approx(gap)


def test_the_tree_begins_nearer_than_columns_alone() -> None:
    grid = clinic_grid()
    far = [
        sum(np.abs(t.count(codes) - t.counts).sum() for t in grid.goals(1000))
        for codes in (
            tree(grid, 1000, np.random.default_rng(1)),
            independent(grid, 1000, np.random.default_rng(1)),
        )
    ]
    assert far[0] < 0.6 * far[1]


def test_open_cells_are_drawn_under_what_is_given() -> None:
    grid = clinic_grid()
    given = np.full((400, 7), -1, np.int32)
    given[:200, 0] = 0  # the youngest
    given[200:, 1] = 2  # old
    codes = tree(grid, 400, np.random.default_rng(2), given)
    assert (codes >= 0).all()
    assert (codes[:200, 0] == 0).all()
    assert (codes[:200, 1] == 0).all()  # who is in the lowest fifth is young
    assert (codes[200:, 1] == 2).all()
    assert codes[200:, 0].min() >= 3
    ill = codes[:, 5] == 0  # true comes first
    assert ill[:200].mean() < ill[200:].mean() - 0.2  # fewer of the young are


def test_a_draft_is_kept_as_far_as_margins_let_it() -> None:
    grid = clinic_grid()
    draft = make(grid, 300, np.random.default_rng(3)).codes
    made = make(grid, 300, np.random.default_rng(4), draft=draft, most_sweeps=0)
    assert margins_of(made.codes, grid) == [counts.tolist() for counts in grid.margins(300)]
    assert np.array_equal(np.unique(made.codes, axis=0), np.unique(draft, axis=0))
    frozen = make(grid, 300, np.random.default_rng(5), draft=np.zeros((300, 7), np.int32), frozen=[0])
    assert not frozen.codes[:, 0].any()
    assert frozen.margin_gaps[0] == pytest.approx(1 - grid.shares[0][0], abs=0.01)
    assert frozen.margin_gaps[1:] == (0.0,) * 6
    few = make(grid, 50, np.random.default_rng(6), draft=draft[:10])
    assert margins_of(few.codes, grid) == [counts.tolist() for counts in grid.margins(50)]


def test_margins_are_met_over_all_batches() -> None:
    grid = clinic_grid()
    done = [np.zeros(size, np.int64) for size in grid.sizes]
    for number, size in enumerate((7, 100, 1, 0, 31)):
        made = make(grid, size, np.random.default_rng(number), done=done, most_sweeps=5)
        for column, counts in enumerate(done):
            counts += np.bincount(made.codes[:, column], minlength=len(counts))
    for counts, shares in zip(done, grid.shares, strict=True):
        assert counts.sum() == 139
        assert (np.abs(counts - shares * 139) < 2).all()


def test_many_rows_are_made_out_of_a_blueprint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_room, "BLUEPRINT", 500)
    grid = clinic_grid()
    made = make(grid, 5021, np.random.default_rng(0))
    assert margins_of(made.codes, grid) == [counts.tolist() for counts in grid.margins(5021)]
    assert np.mean(made.table_gaps) < 0.02
    direct = make(grid, 500, np.random.default_rng(0))
    assert len(np.unique(made.codes, axis=0)) > 1.5 * len(np.unique(direct.codes, axis=0))


def test_mixing_changes_rows_and_no_table() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 3, (900, 5)).astype(np.int32)
    codes[:, 4] = codes[:, 3]
    tables = [
        Table((0, 1), np.ones((3, 3))),
        Table((1, 2), np.ones((2, 3)), (np.array([0, 0, 1]), np.arange(3))),
    ]
    mixed = mix(codes, tables, rng, units=[(3, 4)])
    for table in tables:
        assert np.array_equal(table.count(mixed), table.count(codes))
    assert np.array_equal(mixed[:, 4], mixed[:, 3])
    assert (mixed != codes).any(axis=0).all()
    assert np.array_equal(np.sort(mixed, axis=0), np.sort(codes, axis=0))


def test_tied_columns_fit_in_every_row_and_both_margins_are_met() -> None:
    names = [f"t{i}" for i in range(6)]
    codes = [f"{name}-{i}" for name in names for i in range(9)]
    town, code, sick = (
        CategoricalColumn(name=name, categories=values)  # type: ignore[arg-type]
        for name, values in (("town", names), ("code", codes), ("sick", ["yes", "no"]))
    )
    schema = Schema(
        columns=(town, code, sick), dependencies=(Dependency(determinant=("code",), dependent="town"),)
    )
    rng = np.random.default_rng(0)
    at = np.concatenate([np.arange(54), rng.choice(54, 900, p=(w := rng.random(54)) / w.sum())])
    ill = rng.random(len(at)) < (at // 9) / 8
    axes = [Axis(c.name, labels=tuple((v,) for v in c.categories)) for c in (town, code, sick)]
    counted = [
        np.bincount(part, minlength=axis.size) / len(at)
        for part, axis in zip((at // 9, at, ill), axes, strict=True)
    ]
    both = np.zeros((54, 6))
    np.add.at(both, (at, at // 9), 1 / len(at))
    by_town = np.zeros((6, 2))
    np.add.at(by_town, (at // 9, ill.astype(int)), 1 / len(at))
    tables = [
        Target((axes[1], axes[0]), tuple(both.ravel().tolist()), len(at), "dependency"),
        Target((axes[0], axes[2]), tuple(by_town.ravel().tolist()), len(at)),
    ]
    grid = Grid(schema, shares_of(schema, *zip(axes, counted, strict=True), tables=tables))
    for n in (1, 10, 500):
        made = make(grid, n, np.random.default_rng(n))
        assert np.array_equal(made.codes[:, 1] // 9, made.codes[:, 0])
        assert (np.abs(np.bincount(made.codes[:, 0], minlength=6) - n * grid.shares[0]) < 1).all()
        assert max(made.margin_gaps) == 0
    assert made.table_gaps[1] < 0.01


def test_settling_moves_no_more_rows_than_it_must() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (1000, 2)).astype(np.int32)
    margins = [np.array([400, 300, 200, 100]), np.array([0, 0, 500, 500])]
    target = Table((0, 1), np.array([[0.0, 0, 400, 0], [0, 0, 100, 200], [0, 0, 0, 200], [0, 0, 0, 100]]))
    made = settle(codes, margins, rng, goals=[target])
    for column, margin in enumerate(margins):
        before = np.bincount(codes[:, column], minlength=4)
        assert np.bincount(made[:, column], minlength=4).tolist() == margin.tolist()
        assert (made[:, column] != codes[:, column]).sum() == np.maximum(before - margin, 0).sum()
    blind = settle(codes, margins, rng)
    off = [np.abs(target.count(some) - target.counts).sum() for some in (made, blind)]
    assert off[0] < off[1]


@settings(deadline=None, max_examples=60)
@given(anything(), st.integers(0, 60), st.sampled_from(["tree", "independent"]), st.integers(0, 2**32))
def test_any_statistics_make_rows(found: tuple[Schema, Statistics], n: int, start: str, seed: int) -> None:
    grid = Grid(*found)
    made = make(grid, n, np.random.default_rng(seed), start=start, most_sweeps=10)  # type: ignore[arg-type]
    assert made.codes.shape == (n, 2)
    assert margins_of(made.codes, grid) == [counts.tolist() for counts in grid.margins(n)]
    again = make(grid, n, np.random.default_rng(seed), start=start, most_sweeps=10)  # type: ignore[arg-type]
    assert np.array_equal(made.codes, again.codes)
    assert grid.decode(made.codes, np.random.default_rng(seed)).num_rows == n


def test_sixty_columns_and_five_thousand_categories() -> None:
    rng = np.random.default_rng(0)
    columns = [CategoricalColumn(name=f"c{i}", categories=["a", "b", "c"]) for i in range(59)]  # type: ignore[arg-type]
    many = CategoricalColumn(name="many", categories=[f"v{i}" for i in range(5000)])  # type: ignore[arg-type]
    schema = Schema(columns=(*columns, many))
    axes = [Axis(c.name, labels=tuple((v,) for v in c.categories)) for c in schema.columns]
    top = Axis("many", labels=(("v0",), ("v1",), tuple(f"v{i}" for i in range(2, 5000))))
    shares = [rng.dirichlet(np.ones(axis.size)) for axis in axes]
    shares = [share / share.sum() for share in shares]
    pairs = [(axes[i], axes[i + 1]) for i in range(58)] + [(axes[0], top)]
    tables = [Target(pair, tuple(rng.dirichlet(np.ones(9)).tolist())) for pair in pairs]
    tables = [Target(t.axes, tuple((np.array(t.shares) / sum(t.shares)).tolist())) for t in tables]
    grid = Grid(schema, shares_of(schema, *zip(axes, shares, strict=True), tables=tables))
    assert grid.notes
    made = make(grid, 400, rng, most_sweeps=20)
    assert max(made.margin_gaps) == 0
    assert np.mean(made.table_gaps) < 0.05
    assert grid.encode(grid.decode(made.codes, rng)).tolist() == made.codes.tolist()


def test_a_cancel_is_felt() -> None:
    def stop() -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        make(clinic_grid(), 100, np.random.default_rng(0), check=stop)
