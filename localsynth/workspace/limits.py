"""Which limits a piece of work has, whether they can be kept, and what becomes of what breaks over them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from localsynth.core.errors import LocalsynthError, OverMemory, RecipeError
from localsynth.core.limits import Limits, check_minutes, memory_text, over_memory, parse_size
from localsynth.core.recipe import Recipe
from localsynth.core.words import counted, duration
from localsynth.runs.control import Control
from localsynth.runs.watch import Watch
from localsynth.sealed.limit import resident
from localsynth.store.pacing import Pace
from localsynth.store.session import Store

if TYPE_CHECKING:
    from .choosing import Chosen

__all__ = ["MEMORY", "limits_for", "limits_of_run", "refuse_too_little", "time_warning", "within"]

#: The memory of whatever says nothing of it itself.
MEMORY = "LOCALSYNTH_MAX_MEMORY"
# What each process of an engine takes beside weights and cache: Python, llama.cpp's and our own working memory.
_ENGINE = 200_000_000
_WORK = 100_000_000  # what the run's own process will take beside what it holds before it begins
_CLEARLY = 1.1


def limits_for(given: Limits | None, recipe: Recipe | None = None) -> Limits:
    """What is said of them: by who asks, else by the recipe, else by ``$LOCALSYNTH_MAX_MEMORY``. Raises ``RecipeError``."""
    limits = given or Limits()
    if limits.minutes is not None:
        check_minutes(limits.minutes)
    if recipe is not None and recipe.limits is not None:
        limits = limits.otherwise(recipe.limits.limits)
    if limits.memory is None and (text := os.environ.get(MEMORY)):
        try:
            limits = Limits(limits.minutes, parse_size(text))
        except RecipeError as error:
            raise RecipeError(f"${MEMORY}: {error.message}", error.hint) from None
    return limits


def limits_of_run(given: Limits | None, recipe_json: str, recipe_path: str | None) -> Limits:
    """Those of a run that is taken up again: its recipe's file may say others by now. Raises ``RecipeError``."""
    recorded = Recipe.model_validate_json(recipe_json)
    try:
        present = Recipe.load(Path(recipe_path)) if recipe_path and Path(recipe_path).is_file() else recorded
    except LocalsynthError:  # told where it is compared, unless the recorded one is to be used
        present = recorded
    return limits_for(given, present)


@contextmanager
def within(
    store: Store, limits: Limits, control: Control, who: str, *, at_once: bool = False
) -> Iterator[Store]:
    """Work within limits, by the store that is given: what breaks over a limit is told so.

    who : works, in words. at_once : see :class:`~localsynth.runs.watch.Watch`; then ``OutOfTime`` is raised.
    """
    if not limits:
        yield store
        return
    own = store.limited(limits.memory)
    if limits.memory is not None:
        _refuse_less_than_there_is(limits.memory, who)
    if at_once:
        control.ends_by(own.interrupt)
    try:
        with Watch(limits, control, who=who, at_once=at_once):
            yield own
    except (LocalsynthError, MemoryError) as error:
        limit = control.limit if at_once or control.killed else None
        if limit is None and limits.memory is not None and _short(error):
            limit = over_memory(limits.memory, who)
        if limit is None or error is limit or isinstance(error, OverMemory):
            raise
        raise limit from error
    finally:
        control.ends_by(None)


def _short(error: BaseException) -> bool:
    """Whether it, or what is behind it, is a lack of memory: Python's, Arrow's or DuckDB's."""
    at: BaseException | None = error
    while at is not None:
        if isinstance(at, MemoryError) or type(at).__name__ == "OutOfMemoryException":
            return True
        at = at.__cause__ or at.__context__
    return False


def _refuse_less_than_there_is(memory: int, who: str) -> None:
    held = resident() or 0
    if memory < held + _WORK // 2:
        raise OverMemory(
            f"--max-memory {memory_text(memory)} is too little: {who} holds {memory_text(held)} before it begins",
            f"allow {memory_text(_rounded(held + 3 * _WORK))}",
        )


def refuse_too_little(memory: int | None, chosen: Chosen) -> None:
    """Raises ``OverMemory`` where a model cannot be run in so many bytes, before it is opened."""
    if memory is None or chosen.model is None or chosen.layout is None:
        return
    from localsynth.engine.catalog import Catalog
    from localsynth.engine.layout import needed

    here = (resident() or 0) + _WORK
    need = here + _ENGINE + needed(chosen.model, chosen.layout)
    if need <= memory:
        return
    smaller = [
        one.name
        for one in sorted(Catalog().list(), key=lambda one: -one.size)
        if one.installed and one.name != chosen.name and here + _ENGINE + one.size * 1.2 <= memory
    ]
    raise OverMemory(
        f"{chosen.name} needs about {memory_text(_rounded(need))}, more than --max-memory {memory_text(memory)} allows",
        f"allow that, or take a smaller model{f': --model {smaller[0]}' if smaller else ''}",
    )


def _rounded(size: int) -> int:
    """Up, to a number that people write."""
    step = 50_000_000 if size < 2_000_000_000 else 100_000_000
    return -(-size // step) * step


def time_warning(minutes: float | None, pace: Pace | None, rows: int, *, learnt: bool) -> str | None:
    """That so many rows take clearly longer than there is time, at the usual rate; ``None`` where they do not.

    learnt : what is learnt before the first row is there.
    """
    if minutes is None or pace is None or pace.making_s <= 0:
        return None
    before = 0.0 if learnt else pace.learning_s
    seconds = before + rows * pace.making_s / pace.rows
    if seconds <= _CLEARLY * 60 * minutes:
        return None
    rate = pace.rows / pace.making_s
    fit = max(0, int((60 * minutes - before) * rate))
    learning = f" and {duration(before)} of learning" if before >= 1 else ""
    return (
        f"at the usual {rate:,.3g} rows/s{learning} {counted(rows, 'row')} take {duration(seconds)};"
        f" --max-minutes {minutes:g} ends it at about {counted(_few_digits(fit), 'row')}"
    )


def _few_digits(rows: int) -> int:
    return int(float(f"{rows:.2g}"))
