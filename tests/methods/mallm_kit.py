"""Small tables, tasks and engines for the game's tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from localsynth.core.columns import BooleanColumn, CategoricalColumn, IntegerColumn
from localsynth.core.contracts import SampleRequest, Task
from localsynth.core.schema import Schema
from localsynth.methods.mallm_gan.aligned import Aligned
from localsynth.methods.mallm_gan.params import MALLMGANParams
from localsynth.tables import arrow_schema
from tests.methods.support import FakeAsk, task_of
from tests.methods.targets_kit import targets_of

SCHEMA = Schema(
    columns=(
        CategoricalColumn(name="town", categories={"x": "", "y": "", "z": ""}),
        CategoricalColumn(name="ill", categories={"no": "", "yes": ""}),
        IntegerColumn(name="age", range=(18, 90)),
        BooleanColumn(name="smokes"),
    ),
    target="ill",
)


def people(rows: int, seed: int = 0) -> pa.Table:
    """town -> ill -> age; smokes is by itself."""
    rng = np.random.default_rng(seed)
    town = rng.choice(["x", "y", "z"], rows, p=[0.6, 0.3, 0.1])
    ill = np.where((town != "x") & (rng.random(rows) < 0.85), "yes", "no")
    age = np.where(ill == "yes", rng.integers(50, 90, rows), rng.integers(18, 60, rows))
    table = pa.table({"town": town, "ill": ill, "age": age, "smokes": rng.random(rows) < 0.3})
    return table.cast(arrow_schema(SCHEMA))


def task_for(train: pa.Table, schema: Schema = SCHEMA, rows: int = 100) -> Task:
    return replace(task_of(schema, rows, 1, train), targets=targets_of(schema, train))


def played(
    params: MALLMGANParams, train: pa.Table, ask: FakeAsk, seed: int = 7, task: Task | None = None
) -> tuple[Aligned, list[Any]]:
    """The game to its end; the rounds of all steps."""
    mode = Aligned(params, task or task_for(train), train)
    rounds: list[Any] = []
    while not mode.learnt():
        mode.learn(ask, seed)
        rounds += mode.rounds()
    return mode, rounds


def copier(purpose: str, request: SampleRequest, texts: tuple[str, ...]) -> tuple[str, ...]:
    """Writes the rows that its prompt shows, again and again."""
    if purpose not in {"game", "rows"}:
        return texts
    shown = request.messages[0].text.split("Real rows:\n")[1].split("\n")[1:-1]
    start = request.seed % len(shown)
    return tuple(shown[(start + at) % len(shown)] + "\n" for at in range(request.n))


def proposing(answer: Callable[[], dict[str, Any]]) -> Callable[..., tuple[str, ...]]:
    """An optimiser that always answers so."""

    def write(purpose: str, request: SampleRequest, texts: tuple[str, ...]) -> tuple[str, ...]:
        return (json.dumps(answer()),) if purpose == "optimiser" else texts

    return write
