"""What tests of methods share: an ask without a model, rules evaluated by DuckDB, random schemas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

from localsynth.core.cells import read_cell, write_cell
from localsynth.core.columns import IdentifierColumn, TextColumn
from localsynth.core.contracts import (
    EngineInfo,
    Likelihood,
    Method,
    Sample,
    SampleRequest,
    ScoreRequest,
    Task,
    Trace,
)
from localsynth.core.events import Measured
from localsynth.core.run import Reject
from localsynth.core.schema import Schema
from localsynth.core.seeds import derive
from localsynth.engine.uniform import UniformEngine
from localsynth.store.finding import explore
from localsynth.tables import arrow_schema

Answer = Callable[[str, SampleRequest, tuple[str, ...]], tuple[str, ...]]


class FakeAsk:
    """Random text the grammar allows. ``answer`` may replace the texts of a request; everything asked is kept."""

    def __init__(self, context: int = 8192, answer: Answer | None = None) -> None:
        self._engine = UniformEngine(context)
        self._answer = answer
        self.asked: list[tuple[str, tuple[SampleRequest, ...]]] = []
        self.scored: list[tuple[str, tuple[ScoreRequest, ...]]] = []
        self.notices: list[str] = []
        self.measures: list[Measured] = []
        self.worked: list[tuple[str, float, float]] = []

    @property
    def info(self) -> EngineInfo:
        return self._engine.info()

    def sample(self, purpose: str, requests: Sequence[SampleRequest]) -> list[Sample]:
        self.asked.append((purpose, tuple(requests)))
        samples, _ = self._engine.sample(requests)
        if self._answer is None:
            return samples
        return [Sample(self._answer(purpose, r, s.texts)) for r, s in zip(requests, samples, strict=True)]

    def score(self, purpose: str, requests: Sequence[ScoreRequest]) -> list[Likelihood]:
        self.scored.append((purpose, tuple(requests)))
        return self._engine.score(requests)[0]

    def trace(self, requests: Sequence[ScoreRequest]) -> list[Trace]:
        return self._engine.trace(requests)

    def working(self, stage: str, done: float, wanted: float) -> None:
        self.worked.append((stage, done, wanted))

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return self._engine.count_tokens(texts)

    def prompt_tokens(self, request: SampleRequest) -> int:
        return self._engine.prompt_tokens(request)

    def notice(self, text: str, level: str = "info") -> None:
        self.notices.append(text)

    def measured(
        self, name: str, step: float, value: float, between: tuple[float, float] | None = None,
        *, per: str = "step", unit: str = "",
    ) -> None:  # fmt: skip
        self.measures.append(Measured("", 0.0, name, step, value, *(between or (None, None)), per, unit))


def violations(schema: Schema) -> Callable[[pa.Table], Any]:
    """Rules told by DuckDB, as the store does it."""
    connection = duckdb.connect()
    checks = ", ".join(f"not coalesce(({rule.check}), true) as r{i}" for i, rule in enumerate(schema.rules))

    def told(table: pa.Table) -> Any:
        if not schema.rules:
            return np.zeros((table.num_rows, 0), dtype=np.bool_)
        connection.register("given", table)
        found = connection.sql(f"select {checks} from given").to_arrow_table()
        columns = [column.to_numpy(zero_copy_only=False).astype(np.bool_) for column in found.columns]
        return np.stack(columns, axis=1) if table.num_rows else np.zeros((0, len(checks)), dtype=np.bool_)

    return told


def task_of(schema: Schema, rows: int = 100, seed: int = 1, train: pa.Table | None = None) -> Task:
    if train is None:
        return Task("it", schema, rows, seed, violations(schema))
    return Task(
        "it", schema, rows, seed, violations(schema), lambda: train, explore=lambda: explore(train, schema)
    )


def make(
    method: Method, task: Task, rows: int, ask: FakeAsk, *, most: int = 40
) -> tuple[pa.Table, list[Reject]]:
    """The runner's loop in small."""
    method.prepare(task, ask.info)
    method.learn(ask, derive(task.seed, "learn"))
    tables, rejects, done = [arrow_schema(task.schema).empty_table()], [], 0
    for batch in range(1, most + 1):
        if done >= rows:
            break
        draft = method.batch(min(method.batch_rows(), rows - done), derive(task.seed, "batch", batch), ask)
        tables.append(draft.rows)
        rejects += draft.rejects
        done += draft.rows.num_rows
    return pa.concat_tables(tables), rejects


def assert_valid(schema: Schema, table: pa.Table) -> None:
    """Every cell is one the schema allows, of the right type; identifiers are empty."""
    assert table.schema == arrow_schema(schema)
    for column in schema.columns:
        values = table.column(column.name).to_pylist()
        if isinstance(column, IdentifierColumn):
            assert values == [None] * table.num_rows
            continue
        for value in values:
            if value is None:
                assert column.nullable, column.name
            else:
                text = value if isinstance(value, str) else write_cell(column, value)
                assert read_cell(column, text, quoted=True) == value
                assert not isinstance(column, TextColumn) or value == value.strip()


# --- random schemas -------------------------------------------------------------------------------------------------

_NAMES = st.sampled_from(
    ["select", "a b", 'x"y', "at", "😀", "Größe", "c,d", "n", "value", "t.u", "order", "x'z"]
)
_WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=8)


@st.composite
def columns(draw: st.DrawFn, name: str) -> dict[str, Any]:
    kind = draw(st.sampled_from(["integer", "float", "boolean", "categorical", "date", "datetime", "text"]))
    column: dict[str, Any] = {"name": name, "kind": kind}
    if draw(st.booleans()):
        column["nullable"] = True
        if draw(st.booleans()):
            column["null_rate"] = draw(st.sampled_from([0.0, 0.1, 0.5, 1.0]))
    if kind in ("integer", "float"):
        return column | draw(numbers(kind))
    if kind in ("categorical", "boolean"):
        return column | draw(lists(kind))
    if kind == "text":
        shortest = draw(st.integers(1, 12))
        return column | {"min_length": shortest, "max_length": shortest + draw(st.integers(0, 20))}
    first = datetime.fromisoformat("1950-01-01") + timedelta(minutes=draw(st.integers(0, 40_000_000)))
    last = first + timedelta(minutes=draw(st.integers(0, 5_000_000)))
    return column | {"range": (first, last) if kind == "datetime" else (first.date(), last.date())}


@st.composite
def numbers(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    low = draw(st.integers(-1000, 1000))
    high = low + draw(st.integers(0, 2000))
    found: dict[str, Any] = {"range": (low, high)}
    if kind == "float":
        found["decimals"] = draw(st.integers(0, 4))
    form = draw(st.sampled_from(["none", "mean", "quantiles"]))
    if form == "mean" and high - low >= 2:
        mean = low + (high - low) * draw(st.floats(0.1, 0.9))
        most = ((mean - low) * (high - mean)) ** 0.5
        found["distribution"] = {"mean": mean, "sd": most * draw(st.floats(0.05, 0.9))}
    elif form == "quantiles":
        points = sorted(draw(st.lists(st.floats(low, high), min_size=2, max_size=5)))
        levels = [i / len(points) for i in range(len(points))]
        found["distribution"] = {"quantiles": {f"{p:g}": x for p, x in zip(levels, points, strict=True)}}
    return found


@st.composite
def lists(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    words = (
        draw(st.lists(_WORDS, min_size=1, max_size=6, unique=True))
        if kind == "categorical"
        else ["true", "false"]
    )
    found: dict[str, Any] = {"categories": words} if kind == "categorical" else {}
    if draw(st.booleans()):
        weights = [draw(st.integers(0, 5)) for _ in words]
        weights[0] += 1
        found["distribution"] = {"shares": {w: x / sum(weights) for w, x in zip(words, weights, strict=True)}}
    return found


@st.composite
def schemas(draw: st.DrawFn) -> Schema:
    names = draw(st.lists(_NAMES, min_size=1, max_size=6, unique=True))
    described = [draw(columns(name)) for name in names]
    if draw(st.booleans()):
        described.insert(0, {"name": "id", "kind": "identifier"})
    data: dict[str, Any] = {"columns": described}
    if len(names) > 1 and draw(st.booleans()):
        first, second = draw(st.permutations(names))[:2]
        data["dependencies"] = [{"determinant": [first], "dependent": second}]
    return Schema.model_validate(data)
