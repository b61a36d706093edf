"""The method: one door for both modes."""

from __future__ import annotations

from typing import ClassVar

import pyarrow as pa

from localsynth.core.contracts import Ask, EngineInfo, MethodParams, Task
from localsynth.core.errors import DatasetError, RecipeError
from localsynth.core.run import Exposure
from localsynth.core.targets import Statistics
from localsynth.methods.asked import model_of
from localsynth.methods.door import Door

from .aligned import Aligned
from .faithful import Faithful
from .params import LLMSynthorParams

__all__ = ["LLMSynthor"]


class LLMSynthor(Door[LLMSynthorParams, Aligned | Faithful]):
    """Rows that add up to target statistics. The model sees statistics, gaps and descriptions, never a row."""

    name: ClassVar[str] = "llmsynthor"
    version: ClassVar[int] = 2
    exposure: ClassVar[Exposure] = Exposure.STATISTICS
    needs_model: ClassVar[bool] = True
    reads_targets: ClassVar[bool] = True
    summary: ClassVar[str] = (
        "Rows that meet statistics, of real rows or published ones: the model plans, code aligns; it sees no row."
    )
    Params: ClassVar[type[MethodParams]] = LLMSynthorParams

    def prepare(self, task: Task, info: EngineInfo | None) -> None:
        """Sets the run up. Raises ``DatasetError`` where there are no target statistics."""
        if task.targets is None:
            raise DatasetError(
                f"llmsynthor needs statistics, and '{task.dataset}' has neither rows nor a file of them",
                "import rows, or name a file of published statistics in the recipe: [dataset] statistics = ...",
            )
        if task.given is not None:
            self.check_complete()
        mode = Aligned if self.params.mode == "aligned" else Faithful
        self._mode = mode(self.params, task, task.targets)

    def batch_rows(self) -> int:
        return self._ready().batch_rows()

    def check_complete(self) -> None:
        """Raises ``RecipeError`` in the faithful mode."""
        if self.params.mode != "aligned":
            raise RecipeError(
                "the faithful mode makes rows of its own, and cannot complete rows that belong to others",
                'make the members with mode = "aligned" ([members.method])',
            )

    def complete(self, given: pa.Table, seed: int, ask: Ask | None) -> pa.Table:
        mode = self._ready()
        assert isinstance(mode, Aligned)  # `prepare` saw to it
        return mode.complete(given, seed, model_of(ask, self.name))

    def aims(self) -> Statistics:
        mode = self._ready()
        assert isinstance(mode, Aligned)
        return mode.aims()
