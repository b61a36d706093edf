"""Texts and what becomes of rows around them: they stay with their row, and rows that are lost are replaced or told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from localsynth.core.columns import CategoricalColumn, IntegerColumn, TextColumn
from localsynth.core.contracts import Task
from localsynth.core.schema import Rule, Schema
from localsynth.methods.paft import PAFT
from localsynth.methods.paft.params import PAFTParams
from localsynth.tables import arrow_schema
from tests.methods.support import FakeAsk, make, task_of
from tests.methods.targets_kit import aimed

SCHEMA = Schema(
    columns=(
        IntegerColumn(name="age", range=(0, 99)),
        TextColumn(name="note", nullable=True, max_length=6),
        CategoricalColumn(name="kind", categories={"a": "", "b": ""}),
    )
)


def rows(n: int) -> pa.Table:
    rng = np.random.default_rng(0)
    notes = [None if at % 3 else f"n{at}" for at in range(n)]
    cells = [rng.integers(0, 100, n).tolist(), notes, rng.choice(["a", "b"], n).tolist()]
    return pa.table(cells, names=list(SCHEMA.names)).cast(arrow_schema(SCHEMA))


def task(schema: Schema = SCHEMA, n: int = 200, train: pa.Table | None = None) -> Task:
    train = rows(200) if train is None else train
    given = task_of(schema, n, 3, train)
    return replace(aimed(given, train), train=given.train, explore=given.explore)


def test_a_text_is_in_no_table_that_rows_are_aligned_to() -> None:
    method = PAFT(PAFTParams(learn="in-context", batch_rows=200))
    made, _ = make(method, task(), 200, FakeAsk())
    maker = method.state()["maker"]
    assert made.num_rows == 200
    assert [sum(counts) for counts in maker["done"]] == [200, 200]  # age and kind


def test_rows_that_break_a_rule_about_texts_are_replaced_within_the_batch() -> None:
    schema = SCHEMA.model_copy(update={"rules": (Rule(check="note is null or length(note) > 1"),)})
    method = PAFT(PAFTParams(learn="in-context", batch_rows=100))
    made, _ = make(method, task(schema, 100), 100, FakeAsk())
    assert made.num_rows == 100
    assert all(note is None or len(note) > 1 for note in made["note"].to_pylist())
    assert [sum(counts) for counts in method.state()["maker"]["done"]] == [100, 100]


def test_a_table_of_texts_alone_is_not_aligned() -> None:
    schema = Schema(columns=(TextColumn(name="note", max_length=4), TextColumn(name="more", max_length=4)))
    train = pa.table([[f"a{at}" for at in range(50)], ["b"] * 50], names=["note", "more"]).cast(
        arrow_schema(schema)
    )
    made, _ = make(
        PAFT(PAFTParams(learn="in-context", batch_rows=50)), task(schema, 50, train), 50, FakeAsk()
    )
    assert made.num_rows == 50


def test_rows_lost_to_the_guard_are_told_where_rows_are_missing() -> None:
    schema = Schema(columns=(CategoricalColumn(name="kind", categories={"a": "", "b": ""}),))
    # Every row that can be is one that occurs once.
    train = pa.table([["a", "b"]], names=["kind"]).cast(arrow_schema(schema))
    method = PAFT(PAFTParams(learn="in-context"))
    given, ask = task(schema, 20, train), FakeAsk()
    method.prepare(given, ask.info)
    method.learn(ask, 1)
    draft = method.batch(20, 1, ask)
    assert draft.rows.num_rows == 0
    assert [(one.reason, one.text) for one in draft.rejects] == [("near", "")] * 20
