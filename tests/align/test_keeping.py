"""Rules and dependencies are kept, and nothing but what breaks them moves a value out of its cell."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsynth.align.grid import Grid
from localsynth.align.keeping import Kept, keep
from localsynth.align.rows import make
from localsynth.align.swap import Array
from localsynth.align.trading import apart
from localsynth.core.columns import CategoricalColumn, FloatColumn, IntegerColumn
from localsynth.core.schema import Dependency, Rule, Schema
from localsynth.core.targets import Axis, Statistics
from tests.align.support import CLINIC, clinic, shares_of, statistics_of

Violations = Callable[[pa.Table], Array]


def nothing_broken(table: pa.Table) -> Array:
    return np.zeros((table.num_rows, 0), np.bool_)


def rule_of(test: Callable[[dict[str, Array]], Array], asked: list[int] | None = None) -> Violations:
    """Violations by a test of columns as arrays."""

    def violations(table: pa.Table) -> Array:
        if asked is not None:
            asked.append(table.num_rows)
        columns = {name: table[name].to_numpy() for name in table.column_names}
        return np.asarray(test(columns), np.bool_).reshape(table.num_rows, 1)

    return violations


def spans(rule: str = "low <= high", bins: tuple[int, ...] = (0, 20, 40, 60, 80, 101)) -> tuple[Schema, Grid]:
    schema = Schema(
        columns=tuple(IntegerColumn(name=name, range=(0, 100)) for name in ("low", "high", "other")),
        rules=(Rule(check=rule),),
    )
    cells = len(bins) - 1
    falling = np.arange(cells, 0, -1) / np.arange(cells + 1).sum()
    shares = {"low": falling, "high": falling[::-1], "other": np.full(cells, 1 / cells)}
    statistics = shares_of(
        schema, *[(Axis(name, edges=bins), shares[name].tolist()) for name in schema.names]
    )
    return schema, Grid(schema, statistics)


def test_rules_are_kept_and_margins_stay() -> None:
    schema, grid = spans()
    rng = np.random.default_rng(0)
    made = make(grid, 3000, rng)
    table = grid.decode(made.codes, rng)
    kept = keep(schema, table, made.codes, grid, rule_of(lambda c: c["low"] > c["high"]), rng)
    assert kept.broken.mean() < 0.01
    assert (kept.table["low"].to_numpy() > kept.table["high"].to_numpy()).tolist() == kept.broken.tolist()
    assert np.array_equal(grid.encode(kept.table), kept.codes)
    assert np.array_equal(np.sort(kept.codes, axis=0), np.sort(made.codes, axis=0))
    assert kept.table["other"].equals(table["other"])


def test_what_can_be_mended_inside_cells_moves_no_code() -> None:
    schema, grid = spans(rule="low + high <> 100", bins=(0, 101))
    rng = np.random.default_rng(1)
    codes = np.zeros((2000, 3), np.int32)
    table = grid.decode(codes, rng)
    kept = keep(schema, table, codes, grid, rule_of(lambda c: c["low"] + c["high"] == 100), rng)
    assert not kept.broken.any()
    assert kept.table != table
    assert np.array_equal(kept.codes, codes)


def test_a_rule_that_nothing_keeps_is_told_with_bounded_work() -> None:
    schema, grid = spans(rule="low > 1000")
    rng = np.random.default_rng(2)
    made = make(grid, 500, rng)
    table = grid.decode(made.codes, rng)
    asked: list[int] = []
    kept = keep(schema, table, made.codes, grid, rule_of(lambda c: c["low"] <= 1000, asked), rng)
    assert kept.broken.all()
    assert sum(asked) < 4_000_000
    assert np.array_equal(np.sort(kept.codes, axis=0), np.sort(made.codes, axis=0))


def test_only_broken_rows_and_some_others_are_looked_at() -> None:
    schema, grid = spans()
    rng = np.random.default_rng(3)
    codes = np.tile(np.array([[0, 4, 0]], np.int32), (200_000, 1))
    codes[:50] = [[4, 0, 0]]
    asked: list[int] = []
    kept = keep(
        schema, grid.decode(codes, rng), codes, grid, rule_of(lambda c: c["low"] > c["high"], asked), rng
    )
    assert asked[0] == asked[-1] == 200_000
    assert max(asked[1:-1]) < 50_000
    assert kept.broken.sum() <= 1
    assert (kept.codes != codes).any(axis=1).sum() <= 150
    assert kept.known == {}


def bands(seed: int = 0) -> tuple[Schema, Grid]:
    """An age band begins in the middle of cells of ages."""
    schema = CLINIC.model_copy(
        update={
            "dependencies": (Dependency(determinant=("age",), dependent="band"),),
            "columns": CLINIC.columns,
        }
    )
    return schema, Grid(schema, statistics_of(schema, clinic(3000, seed)))


def test_bands_of_an_ordered_determinant_begin_at_one_value() -> None:
    schema, grid = bands()
    assert not grid.ties  # ages of one cell are of two bands
    rng = np.random.default_rng(0)
    known = {}
    for batch in range(2):
        made = make(grid, 1500, rng)
        table = grid.decode(made.codes, rng)
        kept = keep(schema, table, made.codes, grid, nothing_broken, rng, known=known)
        known = json.loads(json.dumps(kept.known))
        assert kept.broken.mean() < (0.01 if batch == 0 else 0.03)
        assert np.array_equal(np.sort(kept.codes, axis=0), np.sort(made.codes, axis=0))
        assert np.array_equal(grid.encode(kept.table)[:, :-1], kept.codes[:, :-1])
        fine = ~kept.broken
        of_age = dict(zip(kept.table["age"].to_pylist(), kept.table["band"].to_pylist(), strict=True))
        pairs = {
            (age, band)
            for age, band, ok in zip(
                kept.table["age"].to_pylist(), kept.table["band"].to_pylist(), fine, strict=True
            )
            if ok
        }
        assert len({age for age, _ in pairs}) == len(pairs)
        young = [age for age, band in pairs if band == "young"]
        old = [age for age, band in pairs if band == "old"]
        assert abs(max(young) - 34) <= 2
        assert abs(min(old) - 60) <= 2
        assert of_age


def prices() -> tuple[Schema, Grid]:
    """Two columns decide a third, a number that is the same wherever both agree."""
    schema = Schema(
        columns=(
            CategoricalColumn(name="item", categories=["a", "b", "c"]),  # type: ignore[arg-type]
            CategoricalColumn(name="size", categories=["S", "L"], nullable=True),  # type: ignore[arg-type]
            FloatColumn(name="price", range=(0, 100), decimals=2),
        ),
        dependencies=(Dependency(determinant=("item", "size"), dependent="price"),),
    )
    item = Axis("item", labels=(("a",), ("b",), ("c",)))
    size = Axis("size", labels=(("S",), ("L",)), missing=True)
    price = Axis("price", edges=(0, 2000, 4000, 10001))
    return schema, Grid(
        schema, shares_of(schema, (item, (0.5, 0.3, 0.2)), (size, (0.4, 0.5, 0.1)), (price, (0.5, 0.3, 0.2)))
    )


def dependent_of(kept: Kept) -> dict[tuple[str, str | None], set[float]]:
    found: dict[tuple[str, str | None], set[float]] = {}
    for row, broken in zip(kept.table.to_pylist(), kept.broken, strict=True):
        if not broken:
            found.setdefault((row["item"], row["size"]), set()).add(row["price"])
    return found


def test_a_dependency_on_two_columns_holds_over_batches() -> None:
    schema, grid = prices()
    rng = np.random.default_rng(0)
    # codes in which most rows agree already
    codes = make(grid, 600, rng).codes
    codes[:, 2] = np.minimum(codes[:, 0], 2)
    codes[:30, 2] = rng.permutation(codes[:30, 2])
    first = keep(schema, grid.decode(codes, rng), codes, grid, nothing_broken, rng)
    assert not first.broken.any()
    assert all(len(values) == 1 for values in dependent_of(first).values())
    assert np.array_equal(np.sort(first.codes, axis=0), np.sort(codes, axis=0))
    known = json.loads(json.dumps(first.known))
    second = keep(schema, grid.decode(codes, rng), codes, grid, nothing_broken, rng, known=known)
    assert dependent_of(second) == dependent_of(first)
    assert not second.broken.any()


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 80), st.integers(0, 2**32))
def test_whatever_the_rows_codes_and_values_agree_and_what_is_not_told_holds(n: int, seed: int) -> None:
    schema, grid = prices()
    schema = schema.model_copy(update={"rules": (Rule(check="item <> 'a' or price < 50"),)})
    rng = np.random.default_rng(seed)
    codes = make(grid, n, rng, most_sweeps=0).codes
    violations = rule_of(lambda c: (c["item"] == "a") & (c["price"] >= 50))
    kept = keep(schema, grid.decode(codes, rng), codes, grid, violations, rng)
    assert np.array_equal(grid.encode(kept.table), kept.codes)
    assert np.array_equal(np.sort(kept.codes, axis=0), np.sort(codes, axis=0))
    assert all(len(values) == 1 for values in dependent_of(kept).values())
    assert not violations(kept.table).ravel()[~kept.broken].any()


def test_the_same_seed_keeps_the_same_rows() -> None:
    schema, grid = bands()
    made = make(grid, 300, np.random.default_rng(0))
    table = grid.decode(made.codes, np.random.default_rng(1))
    one, two = (
        keep(schema, table, made.codes, grid, nothing_broken, np.random.default_rng(2)) for _ in range(2)
    )
    assert one.table.equals(two.table)
    assert one.known == two.known


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30))
def test_pairs_taken_together_are_those_a_greedy_choice_takes(pairs: list[tuple[int, int]]) -> None:
    taken: set[int] = set()
    greedy = []
    for one, other in pairs:
        greedy.append(not {one, other} & taken)
        if greedy[-1]:
            taken |= {one, other}
    found = apart(*np.array(pairs, np.int64).reshape(-1, 2).T, 10)
    assert found.tolist() == greedy


def test_statistics_of_nobody_are_kept_too() -> None:
    schema, grid = bands()
    empty = grid.decode(np.zeros((0, 7), np.int32), np.random.default_rng(0))
    kept = keep(schema, empty, np.zeros((0, 7), np.int32), grid, nothing_broken, np.random.default_rng(0))
    assert kept.table.num_rows == 0
    assert isinstance(grid.statistics, Statistics)
    assert pytest.approx(0) == kept.broken.sum()
