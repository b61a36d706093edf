"""A store with one dataset, and a method that needs no model but behaves like one that does."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest

from localsynth.core.contracts import Ask, Draft, EngineInfo, Message, MethodParams, SampleRequest, Task
from localsynth.core.grammar import Number
from localsynth.core.run import Exposure, Reject, Run, Status
from localsynth.engine import open_engine
from localsynth.runs.bus import Bus
from localsynth.runs.control import Control
from localsynth.runs.runner import Making
from localsynth.store import datasets
from localsynth.store import runs as records
from localsynth.store.session import Store
from localsynth.tables import table_of
from tests.runs.steps_kit import SCHEMA


class Counting:
    """Writes what the engine says and counts, so that its state matters. ``breaks`` is called before every batch."""

    name: ClassVar[str] = "counting"
    version: ClassVar[int] = 1
    exposure: ClassVar[Exposure] = Exposure.SCHEMA
    needs_model: ClassVar[bool] = True
    summary: ClassVar[str] = "For tests."
    Params: ClassVar[type[MethodParams]] = MethodParams

    def __init__(self, params: Any = None, *, gives: float = 1.0, size: int = 10) -> None:
        self.count, self.gives, self.size = -1, gives, size
        self.breaks: Callable[[int], None] = lambda count: None
        self.learned = 0

    def prepare(self, task: Task, info: EngineInfo | None) -> None: ...

    def batch_rows(self) -> int:
        return self.size

    def learn(self, ask: Ask | None, seed: int) -> None:
        self.learned += 1
        self.count = seed % 1000

    def batch(self, n: int, seed: int, ask: Ask | None) -> Draft:
        self.breaks(self.count)
        assert ask is not None
        request = SampleRequest((Message("user", "a number"),), Number(0, 999_999), n=n, seed=seed)
        texts = ask.sample("numbers", [request])[0].texts
        keep = random.Random(seed).random() < self.gives
        rows = [(None, int(text), self.count + i) for i, text in enumerate(texts)] if keep else []
        self.count += len(rows)
        return Draft(table_of(SCHEMA, rows), () if keep else (Reject("rule", "too dull", "x"),) * n)

    def state(self) -> Mapping[str, Any]:
        return {"count": self.count}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.count = state["count"]


@pytest.fixture
def counting() -> type[Counting]:
    return Counting


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store.create(tmp_path / "ws")
    datasets.declare(store, "tiny", SCHEMA)
    return store


@pytest.fixture
def making(store: Store) -> Callable[..., Making]:
    """Build a :class:`Making`; a run of that name is created unless it is there."""

    def build(
        run_id: str = "r1", *, rows: int = 45, seed: int = 7, method: Any = None, **more: Any
    ) -> Making:
        run = Run(
            run_id=run_id,
            dataset="tiny",
            method="counting",
            method_version=1,
            exposure=Exposure.SCHEMA,
            model="uniform",
            model_sha256=None,
            rows_wanted=rows,
            rows_done=0,
            seed=seed,
            status=Status.RUNNING,
            recipe_json="{}",
            recipe_path=None,
            fingerprint="f",
            schema_json=SCHEMA.to_json(),
            started_at=datetime.now(UTC),
        )
        if run_id not in {known.run_id for known in records.list_all(store)}:
            records.create(store, run)
        run = records.get(store, run_id)
        listener = more.pop("listener", None)
        bus = Bus(run_id, store.run_folder(run_id) / "events.jsonl", [listener] if listener else [])
        making = Making(
            store=store,
            run=run,
            schema=SCHEMA,
            method=method or Counting(),
            engine=open_engine(None),
            bus=bus,
            control=more.pop("control", Control()),
            **more,
        )
        making.control.attach(making.engine)
        return making

    return build
