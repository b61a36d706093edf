"""Drawn rows become rows to keep: aligned, none that breaks a rule, a dependency or comes too near, and told what it took."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsynth.align.finishing import Finisher, Tally, with_dependencies
from localsynth.align.following import Follower
from localsynth.align.grid import Grid
from localsynth.align.guarding import NearGuard
from localsynth.align.swap import Array
from localsynth.core.columns import CategoricalColumn, IdentifierColumn, IntegerColumn, TextColumn
from localsynth.core.schema import Dependency, Rule, Schema
from localsynth.tables import arrow_schema
from tests.align.support import statistics_of

COUNTY = {"A": "n", "B": "n", "C": "s"}
TIED = Dependency(determinant=("town",), dependent="county")
SCHEMA = Schema(
    columns=(
        IdentifierColumn(name="id"),
        CategoricalColumn(name="town", categories=dict.fromkeys("ABC", "")),
        CategoricalColumn(name="county", categories=dict.fromkeys("ns", "")),
        IntegerColumn(name="low", range=(0, 99)),
        IntegerColumn(name="high", range=(0, 99), nullable=True),
        TextColumn(name="note", nullable=True, max_length=8),
    ),
    rules=(Rule(check="low <= high", name="order"),),
)
FREE = SCHEMA.model_copy(update={"rules": ()})


def breaks(table: pa.Table) -> Array:
    """``low <= high``; NULL counts as met."""
    low, high = (np.array(table[name].to_pylist(), np.float64) for name in ("low", "high"))
    return np.asarray(low > high).reshape(-1, 1)


def breaks_nothing(table: pa.Table) -> Array:
    return np.zeros((table.num_rows, 0), np.bool_)


def rows_of(*rows: tuple[str, str, int, int | None, str | None]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * 5
    arrays = [pa.nulls(len(rows), pa.string()), *map(pa.array, columns)]
    target = arrow_schema(SCHEMA)
    return pa.Table.from_arrays(
        [array.cast(field.type) for array, field in zip(arrays, target, strict=True)], schema=target
    )


def real(n: int = 300) -> pa.Table:
    """Most in A, values low, ``high`` a little above ``low``."""
    rng = np.random.default_rng(0)
    towns = rng.choice(list("ABC"), n, p=[0.6, 0.3, 0.1]).tolist()
    low = np.minimum(rng.gamma(2, 12, n), 85).astype(int)
    high = low + rng.integers(0, 15, n)
    return rows_of(
        *((t, COUNTY[t], a, b, None) for t, a, b in zip(towns, low.tolist(), high.tolist(), strict=True))
    )


def drawn(n: int, seed: int = 1, *, notes: bool = True) -> pa.Table:
    """Rows as chance has them, towns in their counties; every note is another."""
    rng = np.random.default_rng(seed)
    towns = rng.choice(list("ABC"), n).tolist()
    low, high = rng.integers(0, 100, (2, n)).tolist()
    return rows_of(
        *(
            (town, COUNTY[town], a, b, f"{seed}-{at}" if notes or at % 2 else None)
            for at, (town, a, b) in enumerate(zip(towns, low, high, strict=True))
        )
    )


def grid_of(schema: Schema = SCHEMA, *, only: Collection[str] = ("town", "county", "low", "high")) -> Grid:
    """Towards the real rows."""
    found = statistics_of(schema, real(), leave=[name for name in schema.names if name not in only])
    return Grid(schema, replace(found, margins=tuple(m for m in found.margins if m.axis.column in only)))


def rng_of(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def lines(table: pa.Table) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in table.to_pylist()]


# --- without alignment ------------------------------------------------------------------------------------------------


def test_without_a_grid_the_first_rows_that_keep_the_rules_are_taken_as_they_are() -> None:
    pairs = [(5, 1), (1, 5), (9, 0), (2, 2), (3, None)]
    pool = rows_of(*(("A", "n", a, b, f"{at}") for at, (a, b) in enumerate(pairs)))
    finisher = Finisher(SCHEMA, breaks)
    some = finisher.finished(pool, 2, rng_of())
    assert some.table["note"].to_pylist() == ["1", "3"]
    assert [(one.reason, one.detail) for one in some.rejects] == [("rule", "order")] * 2
    assert some.selected is None
    assert finisher.finished(pool, 1, rng_of()).table["note"].to_pylist() == ["1"]
    assert len(finisher.finished(pool, 1, rng_of()).rejects) == 1
    more = finisher.finished(pool, 9, rng_of())
    assert more.table["note"].to_pylist() == ["1", "3", "4"]
    assert len(more.rejects) == 2
    assert finisher.dump()["done"] is None


def test_fresh_rows_are_not_too_near_and_all_are_counted() -> None:
    guard = NearGuard(SCHEMA, real())
    finisher = Finisher(SCHEMA, breaks, guard=guard)
    rows = pa.concat_tables([real().slice(0, 20), drawn(50)])
    near = guard.near(rows)
    assert 0 < near.sum() < 70
    kept = finisher.fresh(rows, unreadable=3)
    assert lines(kept) == [line for line, bad in zip(lines(rows), near, strict=True) if not bad]
    assert finisher.tally == Tally(drawn=70, near=int(near.sum()), unreadable=3)
    assert Finisher(SCHEMA, breaks).fresh(rows) is rows


# --- alignment --------------------------------------------------------------------------------------------------------


def test_batches_have_the_margins_together_and_come_nearer_to_the_tables() -> None:
    grid = grid_of(FREE)
    finisher = Finisher(FREE, breaks_nothing, grid)
    first = finisher.finished(drawn(150, 1), 50, rng_of(1))
    assert first.table.schema == arrow_schema(FREE)
    assert [counts.tolist() for counts in finisher.done or []] == [one.tolist() for one in grid.margins(50)]
    assert first.after < first.before
    assert 0 < first.changed < 1
    tally = finisher.tally
    assert (tally.changed, tally.selected_gap, tally.gap) == (first.changed, first.before, first.after)
    second = finisher.finished(drawn(90, 2), 30, rng_of(2))
    together = grid.encode(pa.concat_tables([first.table, second.table]))
    for at, shares in enumerate(grid.shares):
        counts = np.bincount(together[:, at], minlength=len(shares))
        assert np.abs(counts - 80 * shares).max() <= 2
        assert (finisher.done or [])[at].tolist() == counts.tolist()


def test_selected_are_rows_of_the_pool_and_what_has_no_margin_stays_with_them() -> None:
    pool = drawn(150)
    made = Finisher(FREE, breaks_nothing, grid_of(FREE)).finished(pool, 50, rng_of())
    assert made.selected is not None
    places = [lines(pool).index(line) for line in lines(made.selected)]
    assert places == sorted(set(places))
    assert places != list(range(50))
    assert made.table["note"].to_pylist() == made.selected["note"].to_pylist()
    assert made.table["low"].to_pylist() != made.selected["low"].to_pylist()


def test_dealt_columns_get_values_in_the_order_they_had() -> None:
    grid = grid_of(FREE, only=("low",))
    made = Finisher(FREE, breaks_nothing, grid, dealt=("low",)).finished(drawn(60), 60, rng_of())
    assert made.selected is not None
    assert made.table["low"].to_pylist() != made.selected["low"].to_pylist()
    codes = grid.encode(made.table)[:, 0]
    had, has = (np.array(table["low"].to_pylist()) for table in (made.selected, made.table))
    stayed = grid.encode(made.selected)[:, 0] == codes
    for cell in range(grid.sizes[0]):
        own = stayed & (codes == cell)
        rises = had[own, None] < had[None, own]
        assert not (rises & (has[own, None] > has[None, own])).any()
    assert stayed.sum() > 10


def test_aligned_rows_keep_every_rule() -> None:
    finisher = Finisher(SCHEMA, breaks, grid_of())
    made = finisher.finished(drawn(240), 60, rng_of())
    assert made.table.num_rows == 60
    assert not breaks(made.table).any()
    assert made.selected is not None
    assert breaks(made.selected).any()
    assert made.rejects == ()


def test_what_alignment_brings_too_near_is_replaced_by_other_rows_as_they_were_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pool = drawn(200)
    known = set(lines(pool))
    guard = NearGuard(FREE, real())
    # Near is whatever was changed.
    monkeypatch.setattr(
        guard, "near", lambda rows, _=None: np.array([line not in known for line in lines(rows)])
    )
    finisher = Finisher(FREE, breaks_nothing, grid_of(FREE), guard)
    made = finisher.finished(pool, 60, rng_of())
    assert made.table.num_rows == 60
    assert len({*lines(made.table)} & known) == 60
    assert made.near == finisher.tally.near > 10
    assert made.selected is not None
    assert {*lines(made.table)} != {*lines(made.selected)}
    assert [int(counts.sum()) for counts in finisher.done or []] == [60] * 4
    # Of a pool without others nothing can stand for what is lost.
    bare = Finisher(FREE, breaks_nothing, grid_of(FREE), guard).finished(pool.slice(0, 60), 60, rng_of())
    assert bare.table.num_rows == 60 - bare.near < 60


@pytest.mark.parametrize("pool", [drawn(0), drawn(5)])
def test_few_rows_are_all_that_can_be_made(pool: pa.Table) -> None:
    made = Finisher(FREE, breaks_nothing, grid_of(FREE)).finished(pool, 20, rng_of())
    assert made.table.num_rows == pool.num_rows
    assert made.table.schema == arrow_schema(FREE)
    assert (made.selected is None) == (pool.num_rows == 0)


# --- what the grid does not have --------------------------------------------------------------------------------------


def test_a_rule_about_texts_is_judged_with_them_and_spoils_no_other_row() -> None:
    schema = SCHEMA.model_copy(update={"rules": (Rule(check="note is not null"),)})

    def lacks(table: pa.Table) -> Array:
        return table["note"].is_null().to_numpy().reshape(-1, 1)

    pool = drawn(240, notes=False)
    made = Finisher(schema, lacks, grid_of(schema)).finished(pool, 60, rng_of())
    assert made.table.num_rows == 60
    assert made.table["note"].null_count == 0
    assert not {*lines(made.table)} <= {*lines(pool)}  # rows with a note are kept as they were aligned


def test_a_rule_about_a_column_without_a_margin_is_kept_by_replacing_rows() -> None:
    pool = drawn(300)
    made = Finisher(SCHEMA, breaks, grid_of(only=("low",))).finished(pool, 40, rng_of())
    assert made.table.num_rows == 40
    assert not breaks(made.table).any()
    notes = dict(zip(pool["note"].to_pylist(), pool["high"].to_pylist(), strict=True))
    assert [notes[note] for note in made.table["note"].to_pylist()] == made.table["high"].to_pylist()


def test_a_grid_that_tears_a_dependency_is_refused() -> None:
    schema = with_dependencies(SCHEMA, [TIED])
    with pytest.raises(ValueError, match="'county' has no margin, and is tied to \\['town'\\]"):
        Finisher(schema, breaks, grid_of(only=("town", "low")))
    Finisher(schema, breaks, grid_of(only=("low", "high")))
    Finisher(schema, breaks, grid_of(only=("town",)), following=(Follower("town", "county", COUNTY),))
    told = with_dependencies(SCHEMA, [Dependency(determinant=("town",), dependent="note")])
    Finisher(told, breaks, grid_of(only=("town",)))


# --- dependencies -----------------------------------------------------------------------------------------------------


def test_what_was_found_to_depend_stands_behind_what_was_declared_once() -> None:
    other = Dependency(determinant=("low",), dependent="high")
    schema = with_dependencies(with_dependencies(SCHEMA, [TIED]), [TIED, other])
    assert schema.dependencies == (TIED, other)
    assert SCHEMA.dependencies == ()


def test_a_dependency_holds_over_batches_and_a_pause() -> None:
    schema = with_dependencies(FREE, [TIED])
    grid = grid_of(schema)
    finisher = Finisher(schema, breaks_nothing, grid)
    # As the model wrote them nothing holds; what is there first counts.
    torn = drawn(300, 3)
    torn = torn.set_column(2, "county", pa.array(rng_of(5).choice(["n", "s"], 300)))
    first = finisher.finished(torn.slice(0, 80), 80, rng_of())
    again = Finisher(schema, breaks_nothing, grid)
    again.load(json.loads(json.dumps(finisher.dump())))
    second = again.finished(drawn(80, 4), 80, rng_of(1))
    pairs = {(row["town"], row["county"]) for made in (first, second) for row in made.table.to_pylist()}
    assert len(pairs) == len({town for town, _ in pairs}) == 3


def test_what_follows_keeps_step_with_what_it_follows() -> None:
    schema = with_dependencies(FREE, [TIED])
    grid = grid_of(schema, only=("town", "low"))
    finisher = Finisher(schema, breaks_nothing, grid, following=(Follower("town", "county", COUNTY),))
    made = finisher.finished(drawn(60), 60, rng_of())
    assert made.selected is not None
    assert made.table["town"].to_pylist() != made.selected["town"].to_pylist()
    assert [COUNTY[row["town"]] for row in made.table.to_pylist()] == made.table["county"].to_pylist()
    assert Counter(made.table["county"].to_pylist()) != Counter(made.selected["county"].to_pylist())


# --- state ------------------------------------------------------------------------------------------------------------


def test_a_batch_after_a_pause_is_the_one_it_would_have_been() -> None:
    grid, guard = grid_of(), NearGuard(SCHEMA, real())
    straight, paused = (Finisher(SCHEMA, breaks, grid, guard, ("low",)) for _ in range(2))
    straight.finished(straight.fresh(drawn(200)), 50, rng_of())
    paused.load(json.loads(json.dumps(straight.dump())))
    assert paused.dump() == straight.dump()
    both = [one.finished(one.fresh(drawn(200, 2)), 50, rng_of(3)).table for one in (straight, paused)]
    assert both[0].equals(both[1])
    assert paused.dump() == straight.dump()


def test_states_of_older_runs_are_read() -> None:
    tally = {"drawn": 9, "near": 2, "unreadable": 1, "changed": 0.25, "selected_gap": 0.2, "gap": 0.1}
    state = {"done": [[3, 4]], "known": {"town -> county": {'["A"]': "n"}}, "tally": tally, "dealt": ["low"]}
    finisher = Finisher(SCHEMA, breaks, dealt=("low",))
    finisher.load(state)
    assert finisher.tally == Tally(9, 2, 1, 0.25, 0.2, 0.1)
    assert json.loads(json.dumps(finisher.dump())) == state
    for strange in [{}, state | {"tally": tally | {"far": 1}}, state | {"done": [["x"]]}]:
        with pytest.raises((KeyError, TypeError, ValueError)):
            finisher.load(strange)


def test_the_state_told_is_not_changed_by_later_batches() -> None:
    finisher = Finisher(SCHEMA, breaks, grid_of())
    finisher.finished(finisher.fresh(drawn(100)), 30, rng_of())
    state = finisher.dump()
    before = json.dumps(state)
    finisher.finished(finisher.fresh(drawn(100, 2)), 30, rng_of())
    assert json.dumps(state) == before != json.dumps(finisher.dump())


def stops(at: int) -> Callable[[], None]:
    calls = count()

    def check() -> None:
        if next(calls) == at:
            raise KeyboardInterrupt

    return check


def test_what_is_stopped_counts_nothing() -> None:
    finisher = Finisher(SCHEMA, breaks, grid_of(), NearGuard(SCHEMA, real()))
    pool = drawn(150)
    before = finisher.dump()
    stopped = 0
    for at in (*range(6), 10, 20, 40):
        try:
            Finisher(SCHEMA, breaks, finisher.grid, finisher.guard).finished(pool, 40, rng_of(), stops(at))
        except KeyboardInterrupt:
            stopped += 1
            with pytest.raises(KeyboardInterrupt):
                finisher.finished(pool, 40, rng_of(), stops(at))
            assert finisher.dump() == before
    assert stopped >= 4
    assert finisher.finished(pool, 40, rng_of()).table.num_rows == 40


# --- whatever is drawn ------------------------------------------------------------------------------------------------

_CELLS = st.tuples(
    st.sampled_from("ABC"),
    st.sampled_from("ns"),
    st.integers(0, 99),
    st.one_of(st.none(), st.integers(0, 99)),
    st.sampled_from([None, "x", "y"]),
)


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(_CELLS, max_size=40), n=st.integers(1, 30), seed=st.integers(0, 9), tied=st.booleans())
def test_any_pool_gives_rows_that_can_be_kept(
    rows: list[tuple[str, str, int, int | None, str | None]], n: int, seed: int, tied: bool
) -> None:
    schema = with_dependencies(SCHEMA, [TIED] if tied else [])
    finisher = Finisher(schema, breaks, grid_of(schema))
    made = finisher.finished(rows_of(*rows), n, rng_of(seed))
    assert made.table.num_rows <= min(n, len(rows))
    assert made.table.schema == arrow_schema(SCHEMA)
    assert not breaks(made.table).any()
    if rows:
        assert {int(counts.sum()) for counts in finisher.done or []} == {made.table.num_rows}
