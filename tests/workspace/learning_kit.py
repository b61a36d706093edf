"""A method that learns from rows as training does, but in no time: it writes a small adapter and keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import pyarrow as pa

from localsynth.core.adapter import AdapterStore, LearntAdapter
from localsynth.core.contracts import Ask, Draft, EngineInfo, MethodParams, Task
from localsynth.core.recipe import Recipe
from localsynth.core.run import Exposure
from localsynth.core.schema import Schema
from tests.engine.lora_files import write_adapter

SCHEMA = Schema.model_validate(
    {
        "columns": [
            {"name": "ward", "kind": "categorical", "categories": ["n", "s"]},
            {"name": "age", "kind": "integer", "range": [0, 99]},
        ]
    }
)


def people(n: int = 60) -> pd.DataFrame:
    return pd.DataFrame({"ward": ["n", "s"] * (n // 2), "age": [20 + i % 50 for i in range(n)]})


def recipe(**parts: Any) -> Recipe:
    data = {
        "rows": 20,
        "dataset": {"name": "people"},
        "model": {"name": "own"},
        "method": {"name": "learner"},
    }
    return Recipe.model_validate({**data, **parts})


class LearnerParams(MethodParams):
    """adapter : one to find instead of learning one. keeps : ``adapter``, ``model``, or a text: what it learnt."""

    adapter: str | None = None
    keeps: str = "adapter"


class Learner:
    """Gives train rows back."""

    name: ClassVar[str] = "learner"
    version: ClassVar[int] = 1
    exposure: ClassVar[Exposure] = Exposure.ROWS
    needs_model: ClassVar[bool] = True
    reads_targets: ClassVar[bool] = True
    summary: ClassVar[str] = "It learns."
    Params: ClassVar[type[MethodParams]] = LearnerParams
    tasks: ClassVar[list[Task]] = []
    used: ClassVar[list[tuple[LearntAdapter, Path]]] = []
    broken: ClassVar[str] = ""  # where to break now, whatever the parameters say

    def __init__(self, params: LearnerParams) -> None:
        self.params = params

    def prepare(self, task: Task, info: EngineInfo | None) -> None:
        self.task = task
        Learner.tasks.append(task)
        if self.params.adapter is not None:
            self._use(self.params.adapter)

    def batch_rows(self) -> int:
        return 10

    @property
    def store(self) -> AdapterStore:
        assert self.task.adapters is not None
        return self.task.adapters

    def _use(self, word: str) -> None:
        found = self.store.find(word)
        self.adapter = found.adapter_id
        Learner.used.append((found, self.store.path(found)))

    def learn(self, ask: Ask | None, seed: int) -> None:
        task = self.task
        assert task.train is not None
        assert task.targets is not None
        assert task.folder is not None
        assert task.targets.margins(3).columns == ("ward", "age")
        if self.params.adapter is not None:
            return
        (task.folder / "checkpoint").write_bytes(b"half")
        path = task.folder / "learnt.gguf"
        if self.params.keeps == "adapter":
            write_adapter(path, seed=task.seed, layers=1)
        elif self.params.keeps == "model":
            assert task.model is not None
            path.write_bytes(task.model.path.read_bytes())
        else:
            path.write_text(self.params.keeps)
        kept = self.store.keep(
            path, settings={"rank": 4}, curve=[{"epoch": 1, "held": 2.5}], order=["age", "ward"]
        )
        self._use(kept.adapter_id)
        if Learner.broken == "learn":
            raise OSError("the disk burns")

    def batch(self, n: int, seed: int, ask: Ask | None) -> Draft:
        if Learner.broken == "batch":
            raise OSError("the disk burns")
        assert self.task.train is not None
        rows: pa.Table = self.task.train()
        return Draft(rows.slice(0, n))

    def state(self) -> Mapping[str, Any]:
        return {"adapter": self.adapter}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._use(str(state["adapter"]))
