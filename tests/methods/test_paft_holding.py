"""Numbers that locked decoding holds to a box stay in it when rows are aligned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from localsynth.core.columns import CategoricalColumn, FloatColumn
from localsynth.core.schema import Schema
from localsynth.core.seeds import derive
from localsynth.methods.paft import PAFT
from localsynth.methods.paft.holding import held_to_boxes
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
    schema, violations = held_to_boxes(SCHEMA, lambda table: np.zeros((table.num_rows, 0), np.bool_), locks)
    assert len(schema.rules) == len({rule.name for rule in schema.rules}) >= 1
    some = rows.slice(0, 20)
    assert not violations(some).any()
    away = some.set_column(2, "lat", pa.array([24.0] * 20, pa.float64()))
    assert violations(away).any(axis=1).sum() >= 15
    gone = some.set_column(2, "lat", pa.nulls(20, pa.float64()))
    assert not violations(gone).any()
    assert held_to_boxes(SCHEMA, violations, None) == (SCHEMA, violations)
