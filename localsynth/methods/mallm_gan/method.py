"""The method: one door for both modes."""

from __future__ import annotations

from typing import ClassVar

from localsynth.core.contracts import EngineInfo, MethodParams, Round, Task
from localsynth.core.run import Exposure
from localsynth.core.schema import Schema
from localsynth.core.spending import Spending
from localsynth.methods.door import Door
from localsynth.methods.reals import train_rows

from .aligned import Aligned, first_edges
from .explaining import explained
from .faithful import Faithful
from .params import MALLMGANParams
from .spending import spending

__all__ = ["MALLMGAN"]


class MALLMGAN(Door[MALLMGANParams, Aligned | Faithful]):
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

    def learnt(self) -> bool:
        """See :class:`~localsynth.core.contracts.Learning`."""
        return self._ready().learnt()

    def rounds(self) -> tuple[Round, ...]:
        """See :class:`~localsynth.core.contracts.Learning`."""
        return self._ready().rounds()
