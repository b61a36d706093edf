"""The condition that all rows of a run meet: read, found possible, and given to the method."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from localsynth.core.contracts import Condition
from localsynth.core.errors import LocalsynthError, RecipeError, RuleError
from localsynth.core.evaluation import NOTE, Judged, caution
from localsynth.core.recipe import Recipe
from localsynth.core.run import Run
from localsynth.core.schema import Schema
from localsynth.core.words import counted
from localsynth.store.rules import RuleChecker, check_satisfiable
from localsynth.store.where import read_where

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

__all__ = ["LEAST_ROWS", "compared_under", "condition_of", "counted_under"]

#: Train rows that meet a condition, from which on their statistics tell more than chance.
LEAST_ROWS = 50
_LEAST_HELD = 20  # rows held out that meet it, to compare with


@contextmanager
def condition_of(
    text: str, schema: Schema, train: pa.Table | None = None, *, proven: bool = True
) -> Iterator[Condition]:
    """A condition as a method gets it, while the block lasts. train : rows to count those of that meet it.

    proven : rows that meet it were made before, or are about to be looked for in vain; otherwise a row that meets it and keeps
    the rules is searched. Raises ``RecipeError``.
    """
    where = read_where(text, schema)
    alone = schema.model_copy(update={"rules": (where.rule,), "dependencies": ()})
    with closing(RuleChecker(alone)) as checker:
        if not proven and (where.rest or schema.rules):
            _search(text, where.applied(schema))

        def met(table: pa.Table) -> np.ndarray[Any, np.dtype[np.bool_]]:
            return ~checker.violations(table)[:, 0]

        made = Condition(where, met)
        yield made if train is None else replace(made, train_rows=int(met(train).sum()))


def counted_under(condition: Condition, say: Callable[[str, Any], None]) -> bool:
    """Whether there are train rows enough to count under a condition; told."""
    rows, text = condition.train_rows, condition.where.text
    if rows < LEAST_ROWS:
        say(
            f"only {counted(rows, 'train row')} meet{'s' * (rows == 1)} '{text}', too few to align rows to ({LEAST_ROWS} are"
            " needed): rows are kept as the model draws them",
            "warning",
        )
        return False
    say(f"statistics are those of the {rows:,} train rows that meet '{text}'", "info")
    return True


def _search(text: str, schema: Schema) -> None:
    try:
        check_satisfiable(schema)
    except RuleError as error:
        raise RecipeError(
            f"the condition '{text}' cannot be met: {error.message}",
            "compare it with the rules of the schema",
        ) from None


def compared_under(
    runs: Sequence[Run], schema: Schema, train: pa.Table, holdout: pa.Table
) -> tuple[pa.Table, pa.Table, list[Judged]]:
    """The real rows to compare runs with: of runs under one condition those that meet it, and cautions that say so.

    All rows stay where the runs have different conditions, the condition does not fit the schema, or too few rows meet it.
    """
    texts = {run.run_id: Recipe.model_validate_json(run.recipe_json).where for run in runs}
    if not any(texts.values()) or not train.num_rows:
        return train, holdout, []
    why = "the runs were not all made under the same condition"
    text = next(iter(texts.values()))
    if text is not None and len(set(texts.values())) == 1:
        try:
            with condition_of(text, schema) as condition:
                kept = tuple(table.filter(condition.met(table)) for table in (train, holdout))
        except LocalsynthError as error:
            why = f"that cannot be told of the real rows: {error.message}"
        else:
            if kept[0].num_rows >= LEAST_ROWS and (kept[1].num_rows >= _LEAST_HELD or not holdout.num_rows):
                return *kept, [_told(text, *kept)]
            why = f"only {counted(kept[0].num_rows, 'train row')} and {counted(kept[1].num_rows, 'row')} held out meet it"
    return (
        train,
        holdout,
        [
            caution(
                f"the rows of this run were made under the condition '{text}', and are compared with all real rows, whether"
                f" they meet it or not ({why}): differences are to be expected",
                run_id,
            )
            for run_id, text in texts.items()
            if text is not None
        ],
    )


def _told(text: str, train: pa.Table, holdout: pa.Table) -> Judged:
    return caution(
        f"all rows were made under the condition '{text}', and every figure compares them with the real rows that meet it:"
        f" {train.num_rows:,} train rows and {holdout.num_rows:,} held out; what a model learnt from the other train rows, and"
        " may tell of them, is not measured",
        item=NOTE,
    )
