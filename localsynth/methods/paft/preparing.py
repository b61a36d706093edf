"""What can be said of a recipe before a row is looked at: parameters that contradict each other, the table or the machine."""

from __future__ import annotations

from collections import Counter

from localsynth.core.columns import CategoricalColumn
from localsynth.core.contracts import Task
from localsynth.core.errors import DatasetError, RecipeError
from localsynth.core.nearest import nearest

from .learning import learnt_order
from .params import PAFTParams
from .structure import written
from .training.start import EXTRA

__all__ = ["check"]

_ALIGNED = 'mode = "aligned"'


def check(task: Task, params: PAFTParams, *, real: bool, trainable: bool) -> None:
    """real : the engine reads a model. trainable : what training needs is installed.

    Raises ``DatasetError`` where there are no rows, ``RecipeError`` where the order names what is not there or twice, where a
    mode cannot do what is asked, or training is asked for and cannot be done; and what ``learnt_order`` raises.
    """
    if task.train is None:
        raise DatasetError(
            f"paft fits a model to rows, and '{task.dataset}' has none",
            "import a table (localsynth import FILE)",
        )
    if task.condition is not None and params.mode == "faithful":
        raise RecipeError(
            "the faithful mode of paft writes freely, and makes no rows under a condition",
            f"choose {_ALIGNED}, or leave out where",
        )
    _check_order(task, params)
    _check_outlines(task, params)
    if params.adapter:
        _check_adapter(task, params)
    elif params.mode == "faithful":
        _check_faithful(params, real, trainable)
    elif params.learn == "finetune":
        _check_training(real, trainable)


def _check_order(task: Task, params: PAFTParams) -> None:
    names = [column.name for column in written(task.schema)]
    for name in params.order:
        if name not in names:
            raise RecipeError(
                f"order: '{task.dataset}' has no column '{name}' that is written{nearest(name, names)}",
                f"columns: {', '.join(names)}",
            )
    twice = [name for name, count in Counter(params.order).items() if count > 1]
    if twice:
        raise RecipeError(f"order: the column '{twice[0]}' is named twice", "name each column once")


def _check_outlines(task: Task, params: PAFTParams) -> None:
    if params.outlines and (params.mode == "faithful" or not params.lock):
        raise RecipeError(
            "outlines hold what locked decoding writes, and nothing is locked here",
            f"choose {_ALIGNED} with lock = true, or leave out the outlines",
        )
    columns = {column.name: column for column in written(task.schema)}
    for one in params.outlines:
        if (fault := one.fault(columns)) is not None:
            raise RecipeError(*fault)
        of = columns[one.of]
        values = of.categories if isinstance(of, CategoricalColumn) else None
        for value in one.rings:
            if values is not None and value not in values:
                raise RecipeError(
                    f"the outlines are of '{value}', which is no value of '{one.of}'{nearest(value, values)}",
                    "write the values as the schema does",
                )


def _check_adapter(task: Task, params: PAFTParams) -> None:
    if params.learn == "in-context":
        raise RecipeError(
            'learn = "in-context" shows rows to the model as it is, and an adapter changes it',
            "leave out one of the two: learn, or adapter",
        )
    learnt_order(task, params)


def _check_faithful(params: PAFTParams, real: bool, trainable: bool) -> None:
    """Without a grammar, a model that knows nothing of the rows writes none."""
    if params.learn == "in-context":
        raise RecipeError(
            "the faithful mode of paft is a fitted model, and shows no rows in a prompt",
            f'choose {_ALIGNED}, or leave out learn = "in-context"',
        )
    if not real:
        raise RecipeError(
            "the faithful mode of paft is a fitted model, and the uniform engine has nothing to train",
            f"choose a model, or {_ALIGNED}",
        )
    if not trainable:
        raise RecipeError(
            "the faithful mode of paft is a fitted model, and PyTorch, transformers, peft and gguf, which training needs, are"
            " not installed",
            f"{EXTRA}, or {_ALIGNED}",
        )


def _check_training(real: bool, trainable: bool) -> None:
    if not real:
        raise RecipeError(
            "the uniform engine has nothing to train", 'choose a model, or learn = "in-context"'
        )
    if not trainable:
        raise RecipeError(
            "training needs PyTorch, transformers, peft and gguf, which are not installed",
            f'{EXTRA}, or learn = "in-context"',
        )
