"""The method: one door for all modes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pyarrow as pa

from localsynth.align.continuous import continuous
from localsynth.align.finishing import Finisher, with_dependencies
from localsynth.align.following import followers
from localsynth.core.contracts import Adapter, Ask, Draft, EngineInfo, Filled, MethodParams, Sampling, Task
from localsynth.core.errors import RecipeError, RunError
from localsynth.core.finding import Explored
from localsynth.core.run import Exposure
from localsynth.methods.asked import model_of
from localsynth.methods.conditions import task_under
from localsynth.methods.door import unfit
from localsynth.methods.page import Page

from .aligned import Aligned
from .condition import check_possible, conditioned
from .explaining import explained
from .faithful import Faithful
from .filling import Filler
from .holding import held
from .icl import shown
from .learning import Learnt, learn, learnt_order
from .locks import Locked
from .params import PAFTParams
from .preparing import check
from .structure import Structure, structure_of, told_of
from .targets import grid_of, guard_of, locks_of
from .training.start import can_train, forget
from .writer import Writer

__all__ = ["PAFT"]


@dataclass
class _Known:
    """What ``learn`` found out."""

    structure: Structure
    learnt: Learnt


class PAFT:
    """Rows from a model fitted to the train rows, in the order their dependencies ask for (Xu et al. 2024)."""

    name: ClassVar[str] = "paft"
    version: ClassVar[int] = 2
    exposure: ClassVar[Exposure] = Exposure.ROWS
    needs_model: ClassVar[bool] = True
    reads_targets: ClassVar[bool] = True
    conditional: ClassVar[bool] = True
    summary: ClassVar[str] = (
        "Rows from a model fitted to the real rows (LoRA), in the order of their dependencies, then aligned."
    )
    Params: ClassVar[type[MethodParams]] = PAFTParams
    explain = staticmethod(explained)

    def __init__(self, params: PAFTParams) -> None:
        self.params = params
        self._task: Task | None = None
        self._known: _Known | None = None
        self._maker: Aligned | Faithful | None = None
        self._locks: Locked | None = None
        self._real = True

    def prepare(self, task: Task, info: EngineInfo | None) -> None:
        """Check what can be checked before a row is looked at.

        Raises ``DatasetError`` and ``RecipeError``; of an adapter that is named, ``NotFound``, ``ModelError``, ``PolicyError``.
        """
        self._real = info is not None and info.model is not None
        check(task, self.params, real=self._real, trainable=can_train())
        self._task = task

    def batch_rows(self) -> int:
        return self.params.batch_rows or (1_000 if self._trains() or not self._real else 200)

    def learn(self, ask: Ask | None, seed: int) -> None:
        """Dependencies, order, then the adapter. Raises ``Cancelled``, ``RunError``, ``ContextTooSmall``."""
        ask, task = model_of(ask, self.name), self._ready()
        train = self._train()
        explored = task.explore() if task.explore is not None else Explored()
        structure = structure_of(task.schema, explored, learnt_order(task, self.params), seed)
        ask.notice(told_of(structure))
        if self.params.lock and self.params.mode == "aligned":
            locks = self._locked(structure, train)
            for note in locks.notes:
                ask.notice(f"not locked: {note}", "warning")
            if task.condition is not None:  # before anything is trained
                check_possible(task.condition, locks)
        self._known = _Known(
            structure, learn(task, self.params, structure, train, ask, seed, trains=self._trains())
        )

    def batch(self, n: int, seed: int, ask: Ask | None) -> Draft:
        ask, maker, folder = model_of(ask, self.name), self._made(), self._ready().folder
        # What was learnt is committed, or there would be no batch: no training goes on from there.
        if folder is not None and (left := forget(folder)):
            ask.notice(left, "warning")
        return maker.batch(n, seed, ask)

    def state(self) -> Mapping[str, Any]:
        known = self._known
        if known is None:
            return {}
        maker = self._maker.dump() if self._maker is not None else None
        return {"structure": known.structure.dump(), "learnt": known.learnt.dump(), "maker": maker}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Raises ``RunError`` where the state is not one of this mode."""
        try:
            self._known = _Known(Structure.load(state["structure"]), Learnt.load(state["learnt"]))
            self._maker = None
            if state["maker"] is not None:
                self._made().load(state["maker"])
        except (KeyError, TypeError, ValueError) as error:
            raise unfit(self.name, self.params, error) from error

    def _trains(self) -> bool:
        return self._real and self.params.learn != "in-context" and (bool(self.params.adapter) or can_train())

    def _ready(self) -> Task:
        if self._task is None:
            raise RunError("paft was used before it was prepared")
        return self._task

    def _train(self) -> pa.Table:
        task = self._ready()
        assert task.train is not None  # as prepared
        return task.train()

    def _made(self) -> Aligned | Faithful:
        if self._maker is not None:
            return self._maker
        if self._known is None:
            raise RunError("paft was used before it learnt anything")
        task, params, train = self._ready(), self.params, self._train()
        structure, learnt = self._known.structure, self._known.learnt
        adapter = Adapter(str(learnt.file(task))) if learnt.adapter else None
        if params.mode == "faithful":
            self._maker = Faithful(params, task, structure, train, adapter)
            return self._maker
        locks = self._locked(structure, train) if params.lock else None
        page = self._page(locks, structure, learnt, train)
        under = task_under(task)
        also = () if task.condition is None else (task.condition.where.rule,)
        kept = structure.dependencies
        following = followers(task.schema, structure.order, kept, train, also) if params.align else ()
        # A text says more than that it is there: it stays with the row that it was written in.
        texts = (column.name for column in task.schema.columns if column.kind == "text")
        left = frozenset([*texts, *(one.dependent for one in following)])
        grid = grid_of(under, params, train, left) if params.align else None
        # What is locked to the first column is written with it; drawn from its margin alone it might have no image.
        lead = grid if locks is None or locks.values[0] == structure.order[:1] else None
        writer = Writer(page, Sampling(temperature=params.temperature), adapter, lead)
        schema, violations = held(under.schema, under.violations, locks, boxes=params.align)
        finisher = Finisher(
            with_dependencies(schema, kept),
            violations,
            grid,
            guard_of(task, params, train),
            () if grid is None else continuous(task.schema, train, grid.names, kept),
            () if grid is None else following,
        )
        drawing = writer if task.condition is None else conditioned(writer, task, structure, train, locks)
        self._maker = Aligned(under.schema, drawing, finisher, params.surplus)
        return self._maker

    def _locked(self, structure: Structure, train: pa.Table) -> Locked:
        """Built once: it takes seconds where many columns depend on each other."""
        if self._locks is None:
            self._locks = locks_of(self._ready().schema, self.params, structure, train)
        return self._locks

    def _page(self, locks: Locked | None, structure: Structure, learnt: Learnt, train: pa.Table) -> Page:
        task = self._ready()
        page = Page.of(task.schema, structure.order, locks.grammar if locks is not None else None)
        return page if learnt.adapter else shown(page, task.schema, train, learnt.examples)

    def fill(self, rows: pa.Table, seed: int, ask: Ask | None) -> Filled:
        """See :class:`~localsynth.core.contracts.Filling`. Raises ``RecipeError`` in the faithful mode, ``Cancelled``."""
        if self.params.mode == "faithful":
            raise RecipeError("the faithful mode of paft fills no cells", 'choose mode = "aligned"')
        if self._known is None:
            raise RunError("paft was used before it learnt anything")
        task, params, train = self._ready(), self.params, self._train()
        structure, learnt = self._known.structure, self._known.learnt
        if not params.lock:
            structure = replace(structure, dependencies=())
        locks = locks_of(task.schema, params, structure, train)
        filler = Filler(
            task.schema,
            self._page(locks, structure, learnt, train),
            locks,
            Sampling(temperature=params.temperature),
            Adapter(str(learnt.file(task))) if learnt.adapter else None,
            held(task.schema, task.violations, locks, boxes=False)[1],
        )
        return filler.fill(rows, seed, model_of(ask, self.name))
