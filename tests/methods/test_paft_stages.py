"""The stages of PAFT's batches: rows as they were drawn and selected, told without touching what is drawn."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from localsynth.core.contracts import Draft, Task
from localsynth.core.schema import Rule
from localsynth.core.seeds import derive
from localsynth.methods.paft import PAFT
from localsynth.methods.paft.aligned import Aligned
from localsynth.methods.paft.params import PAFTParams
from localsynth.tables import arrow_schema
from tests.methods.support import FakeAsk, violations
from tests.methods.test_paft import SCHEMA, task

ROWS = 80


def learnt(given: Task | None = None, **params: Any) -> tuple[PAFT, FakeAsk]:
    method, ask = PAFT(PAFTParams(batch_rows=ROWS, **params)), FakeAsk()
    method.prepare(given or task(200), ask.info)
    method.learn(ask, 1)
    return method, ask


def pool_of(method: PAFT, seed: int, ask: FakeAsk, n: int = ROWS) -> pa.Table:
    """What the first turn of a batch draws, in its order."""
    maker = method._made()
    assert isinstance(maker, Aligned)
    rows, _ = maker.writer.draw(3 * n, derive(seed, "draw", 0), ask)
    return pa.Table.from_pylist(rows, schema=arrow_schema(SCHEMA))


def named(draft: Draft) -> dict[str, pa.Table]:
    return {stage.name: stage.rows for stage in draft.stages}


def found_in(rows: pa.Table, pool: pa.Table) -> list[int]:
    """Where each row lies in the pool, each place once; rows come in the pool's order."""
    places, at = [], 0
    pooled = pool.to_pylist()
    for row in rows.to_pylist():
        at = pooled.index(row, at)
        places.append(at)
        at += 1
    return places


def test_drawn_are_the_first_rows_of_the_pool_and_selected_the_best_of_it() -> None:
    method, ask = learnt()
    pool = pool_of(method, 5, ask)
    draft = method.batch(ROWS, 5, ask)
    stages = named(draft)
    assert list(stages) == ["drawn", "selected"]
    assert all(table.schema == arrow_schema(SCHEMA) for table in stages.values())
    assert all(table["id"].null_count == table.num_rows == ROWS for table in stages.values())
    assert stages["drawn"].equals(pool.slice(0, ROWS).combine_chunks())
    places = found_in(stages["selected"], pool)
    assert places != list(range(ROWS))
    # Selection comes behind the guard, and before any value is swapped.
    maker = method._made()
    assert isinstance(maker, Aligned)
    assert maker.finisher.guard is not None
    assert maker.finisher.guard.near(stages["drawn"]).any()
    assert not maker.finisher.guard.near(stages["selected"]).any()
    kept = {tuple(row.values()) for row in draft.rows.to_pylist()}
    assert not kept <= {tuple(row.values()) for row in pool.to_pylist()}


@pytest.mark.parametrize(
    ("params", "names"),
    [
        ({"align": False}, ["drawn"]),
        ({"drop_near": False}, ["drawn", "selected"]),
        ({"align": False, "drop_near": False}, []),
    ],
)
def test_stages_are_those_of_the_steps_that_are_on(params: dict[str, bool], names: list[str]) -> None:
    method, ask = learnt(**params)
    draft = method.batch(ROWS, 5, ask)
    assert list(named(draft)) == names
    assert all(table.num_rows == ROWS for table in named(draft).values())


def test_without_alignment_rows_kept_are_drawn_rows_that_are_not_too_near() -> None:
    method, ask = learnt(align=False)
    draft = method.batch(ROWS, 5, ask)
    maker = method._made()
    assert isinstance(maker, Aligned)
    assert maker.finisher.guard is not None
    drawn = named(draft)["drawn"]
    near = maker.finisher.guard.near(drawn)
    assert near.any()
    far = drawn.filter(pa.array(~near))
    assert draft.rows.slice(0, far.num_rows).to_pylist() == far.to_pylist()


def test_rows_that_break_a_rule_stay_in_stages() -> None:
    schema = SCHEMA.model_copy(update={"rules": (Rule(check="lat > 30"),)})
    under = replace(task(200), schema=schema, violations=violations(schema))
    method, ask = learnt(under)
    draft = method.batch(ROWS, 5, ask)
    broken = {name: int(under.violations(rows).sum()) for name, rows in named(draft).items()}
    assert broken["drawn"] > 0
    assert not under.violations(draft.rows).any()


def test_a_batch_after_a_resumed_one_has_the_same_stages() -> None:
    method, ask = learnt()
    method.batch(ROWS, 5, ask)
    state = json.loads(json.dumps(method.state()))
    second = method.batch(ROWS, 6, ask)
    again, other = PAFT(PAFTParams(batch_rows=ROWS)), FakeAsk()
    again.prepare(task(200), other.info)
    again.restore(state)
    resumed = again.batch(ROWS, 6, other)
    assert resumed.rows.equals(second.rows)
    assert [(one.name, one.rows.to_pylist()) for one in resumed.stages] == [
        (one.name, one.rows.to_pylist()) for one in second.stages
    ]


def test_a_pool_of_rows_that_are_all_too_near_still_tells_what_was_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    method, ask = learnt()
    maker = method._made()
    assert isinstance(maker, Aligned)
    monkeypatch.setattr(maker.finisher.guard, "near", lambda rows: np.ones(rows.num_rows, np.bool_))
    draft = method.batch(ROWS, 5, ask)
    assert draft.rows.num_rows == 0
    assert [(stage.name, stage.rows.num_rows) for stage in draft.stages] == [("drawn", ROWS)]
    assert maker.finisher.tally.drawn == 3 * 3 * ROWS  # the first turn of three
