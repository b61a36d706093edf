"""Numbers that locked decoding holds to a box stay in it when rows are aligned."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from localsynth.core.columns import CategoricalColumn, FloatColumn
from localsynth.core.errors import RecipeError
from localsynth.core.schema import Schema
from localsynth.core.seeds import derive
from localsynth.methods.paft import PAFT
from localsynth.methods.paft.holding import held
from localsynth.methods.paft.params import PAFTParams
from localsynth.store.location import STATES, draw
from tests.methods.support import FakeAsk, task_of
from tests.methods.targets_kit import targets_of

TABLE = draw(800, 3).select(["state", "bird", "lat", "lon"])
SCHEMA = Schema(
    columns=(
        CategoricalColumn(name="state", categories=dict.fromkeys(STATES, "")),
        CategoricalColumn(name="bird", categories=dict.fromkeys(sorted(set(TABLE["bird"].to_pylist())), "")),
        FloatColumn(name="lat", range=(24, 50), decimals=1, nullable=True),
        FloatColumn(name="lon", range=(-125, -65), decimals=1),
    )
)


def nothing(table: pa.Table) -> np.ndarray[Any, Any]:
    return np.zeros((table.num_rows, 0), np.bool_)


def outside(rows: pa.Table) -> int:
    found = 0
    for row in rows.to_pylist():
        bird, (south, north, west, east) = STATES[row["state"]]
        inside = row["lat"] is None or south <= row["lat"] <= north
        found += not (inside and west <= row["lon"] <= east and row["bird"] == bird)
    return found


def made(params: PAFTParams) -> tuple[PAFT, pa.Table]:
    task = replace(task_of(SCHEMA, 300, 1, TABLE), targets=targets_of(SCHEMA, TABLE))
    method, ask = PAFT(params), FakeAsk()
    method.prepare(task, ask.info)
    method.learn(ask, derive(1, "learn"))
    return method, method.batch(300, 5, ask).rows


def test_aligned_rows_stay_in_their_state() -> None:
    _, rows = made(PAFTParams())
    assert rows.num_rows >= 290
    assert outside(rows) == 0
    _, bare = made(PAFTParams(lock=False, discover=False))
    assert outside(bare) > 30, "nothing else would hold them"


def test_a_row_that_leaves_its_box_breaks_a_rule_and_a_missing_value_none() -> None:
    method, rows = made(PAFTParams())
    locks = method._locks
    schema, violations = held(SCHEMA, nothing, locks, boxes=True)
    assert len(schema.rules) == len({rule.name for rule in schema.rules}) >= 1
    some = rows.slice(0, 20)
    assert not violations(some).any()
    away = some.set_column(2, "lat", pa.array([24.0] * 20, pa.float64()))
    assert violations(away).any(axis=1).sum() >= 15
    gone = some.set_column(2, "lat", pa.nulls(20, pa.float64()))
    assert not violations(gone).any()
    assert held(SCHEMA, violations, None, boxes=True) == (SCHEMA, violations)
    assert held(SCHEMA, violations, locks, boxes=False) == (SCHEMA, violations)


def half(state: str) -> list[list[float]]:
    """The south-western half of its box."""
    _, (south, north, west, east) = STATES[state]
    return [[west, south], [east, south], [west, north]]


OUTLINES = {"of": "state", "x": "lon", "y": "lat", "rings": {state: [half(state)] for state in STATES}}


@pytest.mark.parametrize("align", [True, False])
def test_rows_lie_in_outlines_that_a_person_gave(align: bool) -> None:
    params = PAFTParams.model_validate({"outlines": [OUTLINES], "align": align})
    method, rows = made(params)
    assert rows.num_rows >= (290 if align else 100), (
        "half of what is drawn lies outside; aligned, there is a surplus"
    )
    whole = rows.filter(pc.is_valid(rows["lat"]))
    (given,) = params.outlines
    assert given.holds(whole).all()
    assert len(set(whole["state"].to_pylist())) > len(STATES) // 2
    _, without = made(PAFTParams(align=align))
    assert not given.holds(without).all()
    assert method._locks is not None
    schema, violations = held(SCHEMA, nothing, method._locks, boxes=False)
    assert [rule.name for rule in schema.rules] == ["outlines of state"]
    assert violations(without)[:, -1].tolist() == (~given.holds(without)).tolist()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"mode": "faithful"}, "nothing is locked"),
        ({"lock": False}, "nothing is locked"),
        ({"outlines": [{**OUTLINES, "x": "lat", "y": "long"}]}, "'long', which is no column"),
        ({"outlines": [{**OUTLINES, "x": "bird"}]}, "no column of numbers"),
        (
            {"outlines": [{**OUTLINES, "rings": {"Atlantis": [half(next(iter(STATES)))]}}]},
            "'Atlantis', which is no value",
        ),
    ],
)
def test_outlines_that_cannot_be_kept_are_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        made(PAFTParams.model_validate({"outlines": [OUTLINES], **change}))
