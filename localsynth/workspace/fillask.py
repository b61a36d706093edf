"""What a method that fills cells is given: somebody to ask, somebody to tell, and the one adapter it fills with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from localsynth.core.adapter import LearntAdapter
from localsynth.core.contracts import (
    Engine,
    EngineInfo,
    Likelihood,
    Sample,
    SampleRequest,
    ScoreRequest,
    Trace,
)
from localsynth.core.errors import RunError
from localsynth.runs.ask import shown
from localsynth.runs.control import Control
from localsynth.store import adapters
from localsynth.store.session import Store

__all__ = ["FillAsk", "OneAdapter", "Say", "Step", "Told"]

#: Told in words, with a level; and how far it is: stage, done, wanted.
Say: TypeAlias = Callable[[str, str], None]
Step: TypeAlias = Callable[[str, float, float], None]


@dataclass(frozen=True)
class Told:
    """Who listens, what may stop it, and what the model was asked: one prompt of each call."""

    say: Say
    step: Step
    control: Control
    prompts: list[str] = field(default_factory=list)


class OneAdapter:
    """See :class:`~localsynth.core.adapter.AdapterStore`: the one adapter there is to fill with."""

    def __init__(self, store: Store, adapter: LearntAdapter | None) -> None:
        self._store, self._adapter = store, adapter

    def find(self, id_or_name: str) -> LearntAdapter:
        """The adapter."""
        if self._adapter is None or id_or_name not in {self._adapter.adapter_id, self._adapter.name}:
            raise RunError(f"there is no adapter '{id_or_name}' to fill with", "name one with --adapter")
        return self._adapter

    def path(self, adapter: LearntAdapter) -> Path:
        """Its file."""
        return adapters.file_of(self._store, adapter)

    def keep(
        self,
        path: Path,
        *,
        settings: Mapping[str, Any],
        curve: Sequence[Mapping[str, Any]],
        order: Sequence[str],
    ) -> LearntAdapter:
        """Nothing is learnt while cells are filled."""
        raise RunError("an adapter is learnt by a run", "localsynth run RECIPE, then fill")


class FillAsk:
    """See :class:`~localsynth.core.contracts.Ask`; of the prompts a hash alone is kept."""

    def __init__(self, engine: Engine, told: Told) -> None:
        self._engine, self._told = engine, told

    @property
    def info(self) -> EngineInfo:
        return self._engine.info()

    def sample(self, purpose: str, requests: Sequence[SampleRequest]) -> list[Sample]:
        self._told.prompts.extend(self._engine.render(one) for one in requests[:1])
        return self._engine.sample(requests)[0] if requests else []

    def score(self, purpose: str, requests: Sequence[ScoreRequest]) -> list[Likelihood]:
        self._told.prompts.extend(self._engine.render(shown(one)) for one in requests[:1])
        return self._engine.score(requests)[0] if requests else []

    def trace(self, requests: Sequence[ScoreRequest]) -> list[Trace]:
        return self._engine.trace(requests)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return self._engine.count_tokens(texts)

    def prompt_tokens(self, request: SampleRequest) -> int:
        return self._engine.prompt_tokens(request)

    def working(self, stage: str, done: float, wanted: float) -> None:
        self._told.control.check()
        self._told.step(stage, done, wanted)

    def notice(self, text: str, level: Literal["info", "warning"] = "info") -> None:
        self._told.say(text, level)

    def measured(
        self, name: str, step: float, value: float, between: tuple[float, float] | None = None,
        *, per: str = "step", unit: str = "",
    ) -> None:  # fmt: skip
        """Nobody watches."""
