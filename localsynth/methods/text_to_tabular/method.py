"""The method: one door for both modes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from localsynth.core.contracts import Ask, Draft, EngineInfo, MethodParams, Task
from localsynth.core.errors import RecipeError, RunError
from localsynth.core.nearest import nearest
from localsynth.core.run import Exposure
from localsynth.methods.asked import model_of

from .aligned import Aligned
from .faithful import Faithful
from .layout import written
from .params import TextToTabularParams

__all__ = ["TextToTabular"]


class TextToTabular:
    """Rows from a description of the table; no real row and no statistic of one is ever read."""

    name: ClassVar[str] = "text-to-tabular"
    version: ClassVar[int] = 2
    exposure: ClassVar[Exposure] = Exposure.SCHEMA
    needs_model: ClassVar[bool] = True
    summary: ClassVar[str] = (
        "Rows from a description of the table alone; declared distributions and rules are met."
    )
    Params: ClassVar[type[MethodParams]] = TextToTabularParams

    def __init__(self, params: TextToTabularParams) -> None:
        self.params = params
        self._mode: Aligned | Faithful | None = None

    def prepare(self, task: Task, info: EngineInfo | None) -> None:
        """Sets the run up. What fits the model's context is counted in ``learn``, where tokens can be counted.

        Raises ``RecipeError`` where a temperature is given for a column that no model writes.
        """
        names = [column.name for column in written(task.schema)]
        for name in self.params.temperatures:
            if name in task.schema.names and name not in names:
                raise RecipeError(
                    f"temperatures: column '{name}' is made by code, no model writes it", "leave it out"
                )
            if name not in names:
                raise RecipeError(
                    f"temperatures: '{task.dataset}' has no column '{name}'{nearest(name, names)}",
                    f"columns: {', '.join(names)}",
                )
        self._mode = (
            Aligned(self.params, task) if self.params.mode == "aligned" else Faithful(self.params, task)
        )

    def batch_rows(self) -> int:
        return self.params.batch_rows

    def learn(self, ask: Ask | None, seed: int) -> None:
        """Raises ``ContextTooSmall`` with the numbers."""
        self._ready().learn(model_of(ask, self.name), seed)

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
                f"the stored state of the run does not fit text-to-tabular, mode {self.params.mode}: {error!r}",
                "start a new run",
            ) from error

    def _ready(self) -> Aligned | Faithful:
        if self._mode is None:
            raise RunError("text-to-tabular was used before it was prepared")
        return self._mode
