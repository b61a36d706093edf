"""The method: one door for both modes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from localsynth.core.contracts import Ask, Draft, EngineInfo, MethodParams, Round, Task
from localsynth.core.errors import RunError
from localsynth.core.run import Exposure
from localsynth.core.schema import Schema
from localsynth.core.spending import Spending
from localsynth.methods.asked import model_of
from localsynth.methods.reals import train_rows

from .aligned import Aligned, first_edges
from .explaining import explained
from .faithful import Faithful
from .params import MALLMGANParams
from .spending import spending

__all__ = ["MALLMGAN"]


class MALLMGAN:
    """Rows by a model that is shown some real ones, and instructions that a game improves (Ling et al. 2024)."""

    name: ClassVar[str] = "mallm-gan"
    version: ClassVar[int] = 1
    exposure: ClassVar[Exposure] = Exposure.ROWS
    needs_model: ClassVar[bool] = True
    reads_targets: ClassVar[bool] = True
    conditional: ClassVar[bool] = True
    summary: ClassVar[str] = (
        "Rows written after real ones in the prompt, by instructions that a game against a discriminator improves."
    )
    Params: ClassVar[type[MethodParams]] = MALLMGANParams
    explain = staticmethod(explained)

    def __init__(self, params: MALLMGANParams) -> None:
        self.params = params
        self._mode: Aligned | Faithful | None = None

    def spending(self, schema: Schema, train_rows: int) -> Spending | None:
        """See :class:`~localsynth.core.spending.Spends`."""
        return spending(self.params, schema, train_rows)

    def prepare(self, task: Task, info: EngineInfo | None) -> None:
        """Raises ``DatasetError`` where the dataset has no rows."""
        train = train_rows(task, self.name, "shows real rows to a model")
        if self.params.mode == "aligned":
            self._mode = Aligned(self.params, task, train)
        else:
            self._mode = Faithful(self.params, task, train, lambda: first_edges(task, train))

    def batch_rows(self) -> int:
        return self._ready().batch_rows()

    def learn(self, ask: Ask | None, seed: int) -> None:
        """One step of the game. Raises ``ContextTooSmall`` with the numbers, before anything is written."""
        self._ready().learn(model_of(ask, self.name), seed)

    def learnt(self) -> bool:
        """See :class:`~localsynth.core.contracts.Learning`."""
        return self._ready().learnt()

    def rounds(self) -> tuple[Round, ...]:
        """See :class:`~localsynth.core.contracts.Learning`."""
        return self._ready().rounds()

    def batch(self, n: int, seed: int, ask: Ask | None) -> Draft:
        return self._ready().batch(n, seed, model_of(ask, self.name))

    def state(self) -> Mapping[str, Any]:
        return self._ready().dump()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Raises ``RunError`` where the state is not one of this mode."""
        try:
            self._ready().load(state)
        except (KeyError, TypeError, ValueError) as error:
            raise RunError(
                f"the stored state of the run does not fit mallm-gan, mode {self.params.mode}: {error!r}",
                "start a new run",
            ) from error

    def _ready(self) -> Aligned | Faithful:
        if self._mode is None:
            raise RunError("mallm-gan was used before it was prepared")
        return self._mode
