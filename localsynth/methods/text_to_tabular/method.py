"""The method: one door for both modes."""

from __future__ import annotations

from typing import ClassVar

from localsynth.core.contracts import EngineInfo, MethodParams, Task
from localsynth.core.errors import RecipeError
from localsynth.core.nearest import nearest
from localsynth.core.run import Exposure
from localsynth.methods.door import Door

from .aligned import Aligned
from .faithful import Faithful
from .layout import written
from .params import TextToTabularParams

__all__ = ["TextToTabular"]


class TextToTabular(Door[TextToTabularParams, Aligned | Faithful]):
    """Rows from a description of the table; no real row and no statistic of one is ever read."""

    name: ClassVar[str] = "text-to-tabular"
    version: ClassVar[int] = 2
    exposure: ClassVar[Exposure] = Exposure.SCHEMA
    needs_model: ClassVar[bool] = True
    summary: ClassVar[str] = (
        "Rows from a description of the table alone; declared distributions and rules are met."
    )
    Params: ClassVar[type[MethodParams]] = TextToTabularParams

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
