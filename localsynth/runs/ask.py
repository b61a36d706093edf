"""The engine as a method sees it: every call is recorded, and progress is told while it works."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Literal

from localsynth.core.contracts import (
    Engine,
    EngineInfo,
    Likelihood,
    Sample,
    SampleRequest,
    ScoreRequest,
    Trace,
)
from localsynth.core.errors import Cancelled
from localsynth.core.events import Measured
from localsynth.core.run import Call, Usage

from .bus import Bus
from .control import Control
from .meter import Meter

__all__ = ["RecordedAsk", "shown"]

_PERMITTED_S = 5.0  # between two looks at the policy


def shown(request: ScoreRequest) -> SampleRequest:
    """What the model reads of a text that is scored, as a request that can be rendered."""
    return SampleRequest(request.messages, request.grammar, prefix=request.prefix, adapter=request.adapter)


class RecordedAsk:
    """See :class:`localsynth.core.contracts.Ask`. ``take`` gives the calls since it was last called.

    in_steps : of a method that learns in steps; who stops the run waits for the end of one, as for that of a batch.
    permitted : asked every few seconds, before anything is shown; raises where the dataset's policy was narrowed meanwhile.
    """

    def __init__(
        self,
        engine: Engine,
        bus: Bus,
        meter: Meter,
        control: Control,
        *,
        in_steps: bool = False,
        permitted: Callable[[], None] = lambda: None,
    ) -> None:
        self._engine, self._bus, self._meter, self._control = engine, bus, meter, control
        self._in_steps, self._permitted = in_steps, permitted
        self._permitted_at = time.monotonic()
        self._info = engine.info()
        self._calls: list[Call] = []

    @property
    def info(self) -> EngineInfo:
        return self._info

    def sample(self, purpose: str, requests: Sequence[SampleRequest]) -> list[Sample]:
        """One :class:`Sample` per request, in order. Raises what the engine raises."""
        if not requests:
            return []
        self._begin(purpose)
        samples, usage = self._engine.sample(requests, self._meter.call)
        self._record(purpose, len(requests), requests[0], usage)
        return samples

    def score(self, purpose: str, requests: Sequence[ScoreRequest]) -> list[Likelihood]:
        """One :class:`Likelihood` per request, in order; recorded as a call like any other. Raises what the engine raises."""
        if not requests:
            return []
        self._begin(purpose)
        scores, usage = self._engine.score(requests, self._meter.call)
        self._record(purpose, len(requests), shown(requests[0]), usage)
        return scores

    def trace(self, requests: Sequence[ScoreRequest]) -> list[Trace]:
        return self._engine.trace(requests)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return self._engine.count_tokens(texts)

    def prompt_tokens(self, request: SampleRequest) -> int:
        return self._engine.prompt_tokens(request)

    def working(self, stage: str, done: float, wanted: float) -> None:
        if self._control.killed or (self._control.stopping and not self._in_steps):
            raise Cancelled("stopped; what was done so far is kept, and the run can be resumed")
        self._check()
        self._meter.working(stage, done, wanted)

    def notice(self, text: str, level: Literal["info", "warning"] = "info") -> None:
        self._bus.notice(text, level)

    def measured(
        self, name: str, step: float, value: float, between: tuple[float, float] | None = None,
        *, per: str = "step", unit: str = "",
    ) -> None:  # fmt: skip
        low, high = between or (None, None)
        if all(math.isfinite(number) for number in (step, value, *(between or ()))):
            self._bus.emit(
                Measured(self._bus.run_id, time.time(), name, step, value, low, high, per=per, unit=unit)
            )

    def _begin(self, purpose: str) -> None:
        if self._control.killed:
            raise Cancelled("stopped")
        self._check()
        self._meter.stage = purpose

    def _check(self) -> None:
        if time.monotonic() - self._permitted_at >= _PERMITTED_S:
            self._permitted()
            self._permitted_at = time.monotonic()

    def _record(self, purpose: str, requests: int, first: SampleRequest, usage: Usage) -> None:
        self._calls.append(Call(purpose, requests, self._engine.render(first), first.seed, usage))
        self._meter.used(usage)

    def take(self) -> tuple[list[Call], Usage]:
        """The calls since the last time, and what they used together."""
        calls, self._calls = self._calls, []
        return calls, sum((call.usage for call in calls), Usage())
