"""Numbers that determine something together: boxes of groups, outlines given by a person."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from localsynth.core.columns import DateColumn, DatetimeColumn, FloatColumn, IntegerColumn
from localsynth.core.contracts import SampleRequest
from localsynth.core.errors import SchemaError
from localsynth.core.schema import Dependency, Schema
from localsynth.engine.uniform import UniformEngine
from localsynth.methods.paft.boxes import Within, apart, axis_of
from localsynth.methods.paft.locks import Locked, locked_row, read_locked
from localsynth.methods.paft.outline import Outlines
from localsynth.store.location import STATES, draw
from localsynth.tables import table_of


def on(left: str, right: str) -> Dependency:
    return Dependency(determinant=tuple(left.split()), dependent=right)


def drawn(locked: Locked, n: int) -> list[list[Any]]:
    sample = UniformEngine().sample([SampleRequest((), locked.grammar, n=n, seed=7)])[0][0]
    return [read_locked(locked.columns, text.removesuffix("\n")) for text in sample.texts]


def sightings() -> tuple[Schema, pa.Table]:
    """The sample table as permutation-aided fine-tuning orders it: state, bird, lat, lon, lat_zone."""
    table = draw(4000, 11)
    zones = sorted(set(table["lat_zone"].to_pylist()))
    schema = Schema.model_validate(
        {
            "columns": [
                {"name": "state", "kind": "categorical", "categories": list(STATES)},
                {
                    "name": "bird",
                    "kind": "categorical",
                    "categories": sorted({bird for bird, _ in STATES.values()}),
                },
                {"name": "lat", "kind": "float", "range": [25.0, 50.0], "decimals": 1},
                {"name": "lon", "kind": "float", "range": [-125.0, -65.0], "decimals": 1},
                {"name": "lat_zone", "kind": "categorical", "categories": zones},
            ]
        }
    )
    return schema, table


def test_no_sighting_outside_its_state() -> None:
    schema, table = sightings()
    dependencies = [on("state", "bird"), on("lat", "lat_zone"), on("lat lon", "state"), on("lat lon", "bird")]
    locked = locked_row(schema.columns, dependencies, table)
    assert set(locked.locked) == set(dependencies)
    assert locked.keeps(table).all()
    outside = wrong = 0
    for state, bird, lat, lon, zone in drawn(locked, 10_000):
        its, (south, north, west, east) = STATES[state]
        outside += not (south < lat < north and west < lon < east)
        low, high = map(int, zone.split("-"))
        wrong += bird != its or not low <= lat < high
    assert (outside, wrong) == (0, 0)


def plain(rows: list[tuple[Any, ...]], *names: str, groups: str = "abc") -> tuple[Schema, pa.Table]:
    kinds = {
        "g": {"kind": "categorical", "categories": list(groups)},
        "r": {"kind": "categorical", "categories": ["one", "two"]},
    }
    columns = [
        {"name": name, **kinds.get(name, {"kind": "float", "range": [0.0, 10.0], "decimals": 1})}
        for name in names
    ]
    schema = Schema.model_validate({"columns": columns})
    return schema, table_of(schema, rows)


def box_rows(group: str, low: int, high: int, n: int, seed: int) -> list[tuple[str, float, float]]:
    """Points with the corners among them, n of them, in tenths."""
    random = Random(seed)
    inner = [(random.randint(low, high) / 10, random.randint(low, high) / 10) for _ in range(n - 2)]
    return [(group, x, y) for x, y in [(low / 10, low / 10), (high / 10, high / 10), *inner]]


def test_boxes_that_overlap_hold_numbers_but_lock_nothing() -> None:
    rows = [*box_rows("a", 10, 50, 30, 1), *box_rows("b", 40, 80, 30, 2)]
    schema, table = plain(rows, "g", "x", "y")
    locked = locked_row(schema.columns, [on("x y", "g")], table)
    assert (locked.locked, locked.boxed) == ((), (on("x y", "g"),))
    found = {g: [(x, y) for own, x, y in drawn(locked, 4000) if own == g] for g in "ab"}
    assert [min(min(p) for p in found[g]) for g in "ab"] == [1.0, 4.0]
    assert [max(max(p) for p in found[g]) for g in "ab"] == [5.0, 8.0]


def test_numbers_first_are_held_too() -> None:
    rows = [*box_rows("a", 10, 30, 30, 1), *box_rows("b", 60, 80, 30, 2)]
    schema, table = plain(rows, "g", "x", "y")
    turned = [schema.column(name) for name in ("x", "g", "y")]
    locked = locked_row(turned, [on("x y", "g")], table)
    assert locked.locked
    for x, g, y in drawn(locked, 2000):
        assert (1 <= x <= 3 and 1 <= y <= 3) if g == "a" else (6 <= x <= 8 and 6 <= y <= 8)


def test_few_rows_tell_no_box_of_their_own() -> None:
    rows = [*box_rows("a", 10, 30, 30, 1), *box_rows("b", 60, 80, 30, 2), ("c", 9.0, 9.0), ("c", 8.5, 9.5)]
    schema, table = plain(rows, "g", "x", "y")
    locked = locked_row(schema.columns, [on("x y", "g")], table)
    assert locked.boxed
    assert "1 group with fewer than 5 rows" in locked.notes[0]
    mine = [(x, y) for g, x, y in drawn(locked, 3000) if g == "c"]
    assert min(x for x, _ in mine) < 0.2  # the column's range
    assert max(y for _, y in mine) > 9.8
    # what the group determines is the next coarser thing: b and c are of region two
    with_region = [("two" if g in "bc" else "one", g, x, y) for g, x, y in rows]
    schema, table = plain(with_region, "r", "g", "x", "y")
    locked = locked_row(schema.columns, [on("g", "r"), on("x y", "g")], table)
    mine = [(x, y) for _, g, x, y in drawn(locked, 3000) if g == "c"]
    assert (min(x for x, _ in mine), max(x for x, _ in mine)) == (6.0, 9.0)
    assert (min(y for _, y in mine), max(y for _, y in mine)) == (6.0, 9.5)


def test_without_boxes_combinations_count() -> None:
    rows = [("a", 1.0, 2.0), ("b", 1.0, 3.0), ("a", 2.0, 3.0)]
    schema, table = plain(rows, "g", "x", "y")
    locked = locked_row(schema.columns, [on("x y", "g")], table, boxes=False)
    assert {tuple(row) for row in drawn(locked, 100)} == set(rows)


def test_few_numbers_seen_often_count_as_combinations() -> None:
    """A dose and a rhythm: boxes would say nothing."""
    rows = [("ab"[(i + j) % 2], i / 2, j / 2) for i in range(3) for j in range(3) for _ in range(8)]
    schema, table = plain(rows, "g", "x", "y")
    locked = locked_row(schema.columns, [on("x y", "g")], table)
    assert locked.locked == (on("x y", "g"),)
    assert {tuple(row) for row in drawn(locked, 400)} == set(rows)


@pytest.mark.parametrize(
    ("column", "text", "place"),
    [
        (IntegerColumn(name="n", range=(-9, 9)), "-7", -7),
        (FloatColumn(name="n", range=(-9, 9), decimals=2), "-0.07", -7),
        (
            DateColumn(name="n", range=(date(2020, 1, 1), date(2021, 1, 1))),
            "2020-02-29",
            date(2020, 2, 29).toordinal(),
        ),
        (
            DatetimeColumn(name="n", range=(datetime(1, 1, 1), datetime(2021, 1, 1))),
            "0001-01-02 01:05",
            24 * 60 + 65,
        ),
    ],
)
def test_places_of_values(column: Any, text: str, place: int) -> None:
    axis = axis_of(column)
    assert axis is not None
    assert axis.place(text) == place
    sample = UniformEngine().sample([SampleRequest((), axis.grammar(Within(place, place)))])[0][0]
    assert sample.texts == (text,)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 8), st.integers(0, 3), st.integers(0, 8), st.integers(0, 3), st.sampled_from("ab")
        ),
        min_size=1,
        max_size=6,
    )
)
def test_apart_by_counting(boxes: list[tuple[int, int, int, int, str]]) -> None:
    owners: dict[tuple[int, int], set[str]] = {}
    for x, width, y, height, name in boxes:
        for point in ((i, j) for i in range(x, x + width + 1) for j in range(y, y + height + 1)):
            owners.setdefault(point, set()).add(name)
    patterns = [((Within(x, x + w), Within(y, y + h)), name) for x, w, y, h, name in boxes]
    assert apart(patterns) == all(len(own) == 1 for own in owners.values())


# --- outlines -----------------------------------------------------------------------------------------------------------

TRIANGLE = ((0.0, 0.0), (10.0, 0.0), (0.0, 10.0))
HOLE = ((1.0, 1.0), (3.0, 1.0), (3.0, 3.0), (1.0, 3.0))


def outlined(rings: Mapping[str, Any], of: str = "g", x: str = "x", y: str = "y") -> Outlines:
    return Outlines.model_validate({"of": of, "x": x, "y": y, "rings": rings})


def test_inside_by_hand() -> None:
    outlines = outlined({"a": (TRIANGLE, HOLE)})
    xs = [0.5, 2.0, 5.0, 6.0, 5.0, 0.0, 1.0, 99.0, None, -1.0]
    ys = [0.5, 2.0, 5.0, 6.0, 4.9, 0.0, 2.0, 99.0, 1.0, 0.0]
    values = ["a", "a", "a", "a", "a", "a", "a", "b", "a", "a"]
    # within, in the hole, on the slope, beyond it, before it, a corner, the hole's border, no outline, a gap, left of it
    assert outlines.inside(values, xs, ys).tolist() == [
        True,
        False,
        True,
        False,
        True,
        True,
        True,
        True,
        True,
        False,
    ]
    assert outlines.box("a") == ((0.0, 10.0), (0.0, 10.0))


@given(
    st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=3, max_size=7, unique=True),
    st.integers(-11, 11),
    st.integers(-11, 11),
)
def test_inside_by_winding(corners: list[tuple[int, int]], x: int, y: int) -> None:
    """Corners sorted around their middle make a star: a point off the border is inside where angles add up to a turn."""
    middle = np.mean(corners, axis=0)
    around = sorted(corners, key=lambda c: (np.arctan2(c[1] - middle[1], c[0] - middle[0]), c))
    point = np.array([x / 2 + 0.013, y / 2 + 0.0171])
    spokes = np.array(around) - point
    after = np.roll(spokes, -1, axis=0)
    cross = spokes[:, 0] * after[:, 1] - spokes[:, 1] * after[:, 0]
    turns = round(float(np.arctan2(cross, (spokes * after).sum(axis=1)).sum() / (2 * np.pi)))
    ring = tuple((float(a), float(b)) for a, b in around)
    outlines = outlined({"a": (ring,)})
    assert outlines.inside(["a"], [point[0]], [point[1]]).tolist() == [turns % 2 == 1]


def test_outlines_hold_to_their_box_and_reject_the_rest() -> None:
    rows = [*box_rows("a", 20, 30, 10, 1), *box_rows("b", 60, 80, 30, 2)]
    schema, table = plain(rows, "g", "x", "y")
    outlines = outlined({"a": (((0.0, 0.0), (5.0, 0.0), (0.0, 5.0)),)})
    locked = locked_row(schema.columns, [], table, outlines=[outlines])
    made = table_of(schema, drawn(locked, 2000))
    inside = locked.inside(made)
    for g, x, y, kept in zip(*(made[name].to_pylist() for name in "gxy"), inside.tolist(), strict=True):
        if g == "a":
            assert max(x, y) <= 5
            assert kept == (round(x * 10) + round(y * 10) <= 50)
        else:
            assert 6 <= min(x, y) <= max(x, y) <= 8
            assert kept
    assert 0.2 < np.mean(inside[np.array(made["g"].to_pylist()) == "a"]) < 0.8


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"of": "g", "x": "x", "y": "y", "rings": {}}, "at least 1 item"),
        ({"of": "g", "x": "x", "y": "y", "rings": {"a": []}}, "fewer than three"),
        ({"of": "g", "x": "x", "y": "y", "rings": {"a": [[[1, 1], [2, 2], [1, 1]]]}}, "fewer than three"),
        ({"of": "g", "x": "x", "y": "y", "rings": {"a": [[[1, 1], [2, 2], [1]]]}}, "Field required"),
        ({"of": "g", "x": "x", "y": "y", "rings": {"a": [[[1, 1], [2, 2], [1, "3"]]]}}, "valid number"),
        ({"of": "g", "x": "x", "y": "y", "rings": {"a": [[[1, 1], [2, 2], [1, math.inf]]]}}, "finite"),
        ({"of": "g", "x": "x", "y": "x", "rings": {"a": [TRIANGLE]}}, "twice"),
        ({"of": "g", "x": "x", "rings": {"a": [TRIANGLE]}}, "Field required"),
    ],
)
def test_what_is_no_outline(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Outlines.model_validate(given)


def test_a_closed_ring_is_the_ring() -> None:
    assert outlined({"a": ((*TRIANGLE, TRIANGLE[0]),)}) == outlined({"a": (TRIANGLE,)})


def test_outlines_of_other_columns_are_refused() -> None:
    schema, table = plain(box_rows("a", 10, 30, 10, 1), "g", "x", "y")
    with pytest.raises(SchemaError, match="which is no column"):
        locked_row(schema.columns, [], table, outlines=[outlined({"a": (TRIANGLE,)}, "g", "x", "z")])
    with pytest.raises(SchemaError, match="no column of numbers"):
        locked_row(schema.columns, [], table, outlines=[outlined({"1.0": (TRIANGLE,)}, "x", "g", "y")])
