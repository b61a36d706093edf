"""Whole records placed beside given rows."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsynth.align import placing
from localsynth.align.cells import codes
from localsynth.align.placing import Array, _never, _pairs, _Spot, place
from localsynth.core.errors import Cancelled
from localsynth.core.schema import Schema
from localsynth.core.targets import Axis, Table

SCHEMA = Schema.model_validate(
    {
        "columns": [
            {"name": "age", "kind": "integer", "range": [0, 99], "nullable": True},
            {"name": "sex", "kind": "categorical", "categories": ["f", "m"]},
            {"name": "head_age", "kind": "integer", "range": [0, 99]},
            {"name": "head_sex", "kind": "categorical", "categories": ["f", "m"]},
        ]
    }
)
APART = {"apart": ("age", "head_age")}


def couples(rows: int, seed: int) -> tuple[pa.Table, pa.Table]:
    rng = np.random.default_rng(seed)
    head, woman = rng.integers(20, 80, rows), rng.random(rows) < 0.5
    age = head + rng.integers(-3, 4, rows)
    made = pa.table({"age": age, "sex": np.where(woman, "m", "f")})
    return made, pa.table({"head_age": head, "head_sex": np.where(woman, "f", "m")})


def table_of(made: pa.Table, beside: pa.Table, axes: list[Axis]) -> Table:
    """Counted over rows as they stand."""
    flat = np.zeros(made.num_rows, np.int64)
    for axis in axes:
        if axis.column == "apart":
            far = made["age"].to_numpy() - beside["head_age"].to_numpy()
            own = np.searchsorted(np.array(axis.edges), far, side="right") - 1
        else:
            source = made if axis.column in made.column_names else beside
            own = codes(source[axis.column], axis, SCHEMA.column(axis.column))
        flat = flat * axis.size + own
    counts = np.bincount(flat, minlength=int(np.prod([axis.size for axis in axes])))
    return Table(tuple(axes), tuple((counts / counts.sum()).tolist()), made.num_rows)


SEX = Axis("sex", labels=(("f",), ("m",)))
HEAD_SEX = Axis("head_sex", labels=(("f",), ("m",)))
HEAD_AGE = Axis("head_age", edges=(0, 30, 40, 50, 60, 70, 100))
STEPS = Axis("apart", edges=(-100, *range(-3, 5), 101))


def test_couples_find_each_other() -> None:
    made, beside = couples(1500, seed=0)
    wanted = [table_of(made, beside, [SEX, HEAD_SEX]), table_of(made, beside, [HEAD_AGE, STEPS])]
    rng = np.random.default_rng(1)
    mixed = made.take(pa.array(rng.permutation(1500)))
    placed = place(SCHEMA, mixed, beside, wanted, APART, rng)
    assert sorted(placed.order.tolist()) == list(range(1500))
    found = mixed.take(pa.array(placed.order))
    apart = found["age"].to_numpy() - beside["head_age"].to_numpy()
    assert np.abs(mixed["age"].to_numpy() - beside["head_age"].to_numpy()).mean() > 15
    assert (np.abs(apart) <= 3).mean() > 0.95
    assert (np.array(found["sex"].to_pylist()) != np.array(beside["head_sex"].to_pylist())).mean() > 0.97
    assert max(placed.gaps) < 0.05


def test_records_that_are_not_alike_keep_apart_and_refused_places_stay_empty() -> None:
    made, beside = couples(600, seed=2)
    rng = np.random.default_rng(3)
    mixed = made.take(pa.array(rng.permutation(600)))
    age, head = mixed["age"].to_numpy(), beside["head_age"].to_numpy()
    alike = (np.array(mixed["sex"].to_pylist()) == "f").astype(np.int64)

    def older(record: Array, row: Array) -> Array:
        return age[record] > head[row] + 40

    placed = place(
        SCHEMA, mixed, beside, [table_of(made, beside, [HEAD_AGE, STEPS])], APART, rng, alike=alike, refuse=older,
    )  # fmt: skip
    assert (alike[placed.order] == alike).all()
    new = older(placed.order, np.arange(600)) & (placed.order != np.arange(600))
    assert not new.any()
    assert (placed.order != np.arange(600)).any()


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(0, 30))
def test_any_records_can_be_placed(seed: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    made = pa.table(
        {
            "age": pa.array(rng.integers(0, 100, rows), pa.int64(), mask=rng.random(rows) < 0.3),
            "sex": pa.array(rng.choice(["f", "m"], rows).tolist(), pa.string()),
        }
    )
    beside = pa.table(
        {
            "head_age": pa.array(rng.integers(0, 100, rows), pa.int64()),
            "head_sex": pa.array(rng.choice(["f", "m"], rows).tolist(), pa.string()),
        }
    )
    edges = [Axis("apart", edges=(-99, 0, 20), missing=True), SEX]  # not all differences have a cell
    shares = rng.dirichlet(np.ones(6))
    tables = [
        Table(tuple(edges), tuple((shares / shares.sum()).tolist())),
        Table((SEX, HEAD_SEX), (0.5, 0.0, 0.0, 0.5)),
    ]
    first = place(SCHEMA, made, beside, tables, APART, np.random.default_rng(seed))
    again = place(SCHEMA, made, beside, tables, APART, np.random.default_rng(seed))
    assert sorted(first.order.tolist()) == list(range(rows))
    assert first.order.tolist() == again.order.tolist()


def test_an_effect_is_what_a_swap_changes() -> None:
    """Of swaps with four different cells, one at a time."""
    made, beside = couples(200, seed=5)
    rng = np.random.default_rng(6)
    mixed = made.take(pa.array(rng.permutation(200)))
    spot = _Spot(SCHEMA, mixed, beside, table_of(made, beside, [HEAD_AGE, STEPS]), APART)
    order, checked = np.arange(200), 0
    for a, b in pairwise(range(120)):
        i, j = np.array([a]), np.array([b])
        new_i, new_j = spot.cells(order[j], i), spot.cells(order[i], j)
        if len({int(new_i[0]), int(new_j[0]), int(spot.cell[a]), int(spot.cell[b])}) < 4:
            continue
        gap = spot.after(i, j, new_i, new_j)
        change = float((spot.weight * gap**2).sum()) - spot.cost()
        assert spot.effect(i, j, new_i, new_j)[0] == pytest.approx(change)
        checked += 1
    assert checked > 20


def test_cells_that_are_empty_not_by_chance() -> None:
    # Independent columns would put 100 * 0.5 * 0.1 = 5 rows into the first empty cell, and 20 * 0.5 * 0.1 = 1 of fewer rows.
    axes = (SEX, Axis("apart", edges=(-100, 0, 10, 100)))
    shares = (0.0, 0.4, 0.1, 0.1, 0.3, 0.1)
    assert _never(Table(axes, shares, 100.0)).tolist() == [True, *[False] * 5]
    assert not _never(Table(axes, shares, 20.0)).any()
    assert not _never(Table(axes, shares)).any()  # nobody knows of how many rows


def test_nobody_is_placed_where_no_row_ever_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Men stand beside anybody, women beside heads of their age alone; other tables ask for what contradicts that."""
    made, beside = couples(800, seed=8)
    rng = np.random.default_rng(9)
    man = np.array(made["sex"].to_pylist()) == "m"
    made = made.set_column(0, "age", pa.array(np.where(man, rng.integers(20, 80, 800), made["age"])))
    mixed = made.take(pa.array(rng.permutation(800)))
    steps = Axis("apart", edges=(-100, -15, 16, 101))
    age = Axis("age", edges=(0, 35, 50, 65, 100))
    apart = table_of(made, beside, [SEX, steps])
    assert (apart.shares[0], apart.shares[2]) == (0.0, 0.0)
    aims = [apart, *(table_of(mixed, beside, [age, axis]) for axis in (HEAD_AGE, HEAD_SEX, HEAD_AGE))]

    def women_far_off() -> float:
        found = mixed.take(
            pa.array(place(SCHEMA, mixed, beside, aims, APART, np.random.default_rng(1)).order)
        )
        far = np.abs(found["age"].to_numpy() - beside["head_age"].to_numpy()) > 15
        return float(far[np.array(found["sex"].to_pylist()) == "f"].mean())

    found = women_far_off()
    monkeypatch.setattr(placing, "_NEVER", 0.01)
    assert found < 0.03
    assert found < women_far_off() / 3


def test_all_sorts_of_records_are_paired_in_no_order() -> None:
    alike = np.repeat([0, 1, 2], 100)
    i, j = _pairs(np.arange(300), alike, np.random.default_rng(0))
    assert (alike[i] == alike[j]).all()
    assert len(i) >= 147
    assert len(set(alike[i[:40]].tolist())) == 3


def test_it_can_be_stopped() -> None:
    made, beside = couples(50, seed=7)

    def stop() -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        place(
            SCHEMA,
            made,
            beside,
            [table_of(made, beside, [SEX, HEAD_SEX])],
            {},
            np.random.default_rng(0),
            check=stop,
        )
