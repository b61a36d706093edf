"""A method that learns in three steps, each of which changes what comes after, and tells what it tried."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from localsynth.core.contracts import (
    Ask,
    Draft,
    EngineInfo,
    Message,
    MethodParams,
    Round,
    SampleRequest,
    Task,
)
from localsynth.core.grammar import Number
from localsynth.core.run import Exposure
from localsynth.core.schema import Schema
from localsynth.tables import table_of

SCHEMA = Schema.model_validate(
    {
        "columns": [
            {"name": "id", "kind": "identifier", "prefix": "P", "digits": 4},
            {"name": "x", "kind": "integer", "range": [0, 999_999]},
            {"name": "run no", "kind": "integer", "range": [0, 999_999]},
        ]
    }
)
#: What a model may write of a move: markup, control characters, quotes, another script.
HOSTILE = '[red]remove[/red] "a, b" -> it\'s\n\x1b[31mgone\u202e 😀'


class Stepwise:
    """``breaks`` is called within every step, when half of it is done; rows are of :data:`SCHEMA`."""

    name: ClassVar[str] = "stepwise"
    version: ClassVar[int] = 1
    exposure: ClassVar[Exposure] = Exposure.SCHEMA
    needs_model: ClassVar[bool] = False
    summary: ClassVar[str] = "For tests."
    Params: ClassVar[type[MethodParams]] = MethodParams
    breaks: Callable[[int], None] = staticmethod(lambda step: None)

    def __init__(self, params: Any = None, *, steps: int = 3, gives: float = 1.0) -> None:
        self.steps, self.gives = steps, gives
        self.value, self.seeds, self.called = 0, list[int](), 0
        self._tried: tuple[Round, ...] = ()

    def prepare(self, task: Task, info: EngineInfo | None) -> None: ...

    def batch_rows(self) -> int:
        return 10

    def learn(self, ask: Ask | None, seed: int) -> None:
        self.called += 1
        step, told = len(self.seeds), 0
        if ask is not None:
            request = SampleRequest((Message("user", "a step"),), Number(0, 999_999), n=1, seed=seed)
            told = int(ask.sample("trying", [request])[0].texts[0])
        self.breaks(step)
        self.value = (31 * self.value + seed + told) % 1_000_003
        self.seeds.append(seed)
        theta = {"words": f'step {step}: "{self.value}"', "parents": {"x": ["run no"] if step else []}}
        first = Round(step + 1, 1, "start" if step == 0 else "model", HOSTILE, True, 0.5 / (step + 1), 0.1, 0.75,
                      0.0, theta, ({"column": "x", "real": 0.25, "made": 0.5},))  # fmt: skip
        other = Round(step + 1, 2, "search", "add run no -> x", False, None, theta=theta)
        self._tried = (first, other) if step else (first,)

    def learnt(self) -> bool:
        return len(self.seeds) >= self.steps

    def rounds(self) -> tuple[Round, ...]:
        return self._tried

    def batch(self, n: int, seed: int, ask: Ask | None) -> Draft:
        rng = random.Random(f"{seed} {self.value}")
        rows = [(None, rng.randrange(1_000_000), self.value % 1_000_000) for _ in range(n)]
        return Draft(table_of(SCHEMA, rows if rng.random() < self.gives else []))

    def state(self) -> Mapping[str, Any]:
        return {"value": self.value, "seeds": list(self.seeds)}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.value, self.seeds = state["value"], list(state["seeds"])
