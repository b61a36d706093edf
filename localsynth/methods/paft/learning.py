"""What a run learns once: an adapter of its own, one of the workspace, or which rows its prompt shows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from localsynth.core.adapter import LearntAdapter, kinds_of, other_columns
from localsynth.core.contracts import Ask, Task
from localsynth.core.errors import RecipeError, RunError

from .fitting import fit
from .icl import chosen_examples
from .params import PAFTParams
from .structure import Structure
from .training.start import EXTRA

__all__ = ["Learnt", "learn", "learnt_order"]


@dataclass(frozen=True)
class Learnt:
    """adapter : its id in the workspace, empty where rows are shown in the prompt instead; these are ``examples`` (numbers of
    train rows). curve : loss per epoch. settings : how the adapter was trained.
    """

    adapter: str = ""
    examples: tuple[int, ...] = ()
    curve: tuple[Mapping[str, float], ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    def file(self, task: Task) -> Path:
        """The adapter's file. Raises ``NotFound``, ``ModelError`` where it is gone or not what it was."""
        if task.adapters is None:
            raise RunError("this run has no place for adapters", "run it in a workspace")
        return task.adapters.path(task.adapters.find(self.adapter))

    def dump(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "adapter": self.adapter,
            "examples": list(self.examples),
            "curve": [dict(one) for one in self.curve],
            "settings": dict(self.settings),
        }

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Learnt:
        """What ``dump`` gave."""
        return cls(
            data["adapter"], tuple(data["examples"]), tuple(data["curve"]), dict(data.get("settings", {}))
        )


def learnt_order(task: Task, params: PAFTParams) -> PAFTParams:
    """The parameters with the order that a chosen adapter learnt to write in: it knows no other.

    Raises ``RecipeError`` where it learnt another mode or other columns, and what ``AdapterStore.find`` raises.
    """
    if not params.adapter or task.adapters is None:
        return params
    found = task.adapters.find(params.adapter)
    _check_mode(found, params)
    if why := other_columns(found, found.settings.get("kinds") or {}, task.dataset, task.schema):
        raise RecipeError(
            f"the adapter {found.label} {why}", "choose another, or leave out `adapter` to train one"
        )
    return params.model_copy(update={"order": list(found.order), "orders": 1})


def _check_mode(found: LearntAdapter, params: PAFTParams) -> None:
    """Rows of the one mode are lines, of the other sentences."""
    if found.method != "paft":
        raise RecipeError(
            f"the adapter {found.label} was learnt by the method {found.method}, whose rows paft does not know",
            "choose another, or leave out `adapter` to train one",
        )
    mode = json.loads(found.recipe_json).get("method", {}).get("mode", PAFTParams().mode)
    if mode != params.mode:
        raise RecipeError(
            f"the adapter {found.label} was learnt in the {mode} mode of paft, and this is the {params.mode} one",
            f'choose mode = "{mode}", or another adapter',
        )


def learn(
    task: Task,
    params: PAFTParams,
    structure: Structure,
    train: pa.Table,
    ask: Ask,
    seed: int,
    *,
    trains: bool,
) -> Learnt:
    """Raises ``Cancelled``, ``RunError``, ``NotFound``, ``ContextTooSmall``."""
    if params.adapter:
        if task.adapters is None:
            raise RunError("this run has no place for adapters", "run it in a workspace")
        found = task.adapters.find(params.adapter)
        ask.notice(f"rows are written with the adapter {found.label}")
        if found.stale:
            ask.notice(
                f"the rows of '{found.dataset}' are no longer those that {found.label} was learnt from",
                "warning",
            )
        return Learnt(found.adapter_id, curve=found.curve, settings=found.settings)
    if not trains:
        examples = chosen_examples(task, params, structure, train, ask, seed)
        ask.notice(_told(len(examples), train.num_rows, ask), "warning")
        return Learnt(examples=examples)
    if task.folder is None or task.adapters is None:
        raise RunError("this run has no place for adapters", "run it in a workspace")
    curve = fit(task, params, structure, train, ask, seed, task.folder)
    ask.notice(curve.told())
    kept = task.adapters.keep(
        curve.outcome.adapter,
        settings={
            "rank": params.rank,
            "alpha": params.alpha,
            "rows": curve.rows,
            "held_out": curve.held,
            "epochs": len(curve.outcome.curve),
            "best_epoch": curve.outcome.best,
            "ended": curve.outcome.why,
            "seconds": curve.outcome.seconds,
            "kinds": kinds_of(task.schema),
            **({} if curve.independent is None else {"independent": curve.independent}),
        },
        curve=curve.outcome.curve,
        order=structure.order,
    )
    return Learnt(kept.adapter_id, curve=curve.outcome.curve, settings=kept.settings)


def _told(examples: int, rows: int, ask: Ask) -> str:
    why = (
        f"the model is not fitted to the rows; {EXTRA} trains it, which finds far more of what goes together"
        if ask.info.model is not None
        else "the uniform engine reads nothing; its rows are chance, aligned"
    )
    return f"PAFT-ICL: {examples} of {rows:,} train rows stand in the prompt ({why})"
