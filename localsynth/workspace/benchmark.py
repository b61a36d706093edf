"""How fast this machine makes rows, beside the loop people would write themselves, on the same file and threads.

    from localsynth.workspace.benchmark import benchmark

    print(benchmark("clinic", rows=200).to_dict())

Nothing is kept: a recipe runs in a temporary workspace.
"""

from __future__ import annotations

import os
import time
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localsynth.core.errors import EngineError, ModelNotInstalled, RecipeError

from .benchtables import BenchTable, six_columns
from .benchturns import (
    LOOPS,
    Sight,
    Step,
    Turn,
    Weights,
    engine_turn,
    loop_turn,
    memory_bound_mb,
    open_loop,
    peak_mb,
    prefill_rate,
    silent,
    weights_of,
)
from .choosing import UNIFORM, Overrides

if TYPE_CHECKING:
    from localsynth.engine.catalog import Model

__all__ = ["Benchmark", "benchmark", "summary"]

_ROWS = 500
_PROBE = 16  # rows that tell how many more can be waited for
_SECONDS = 10.0


@dataclass(frozen=True)
class Benchmark:
    """What was measured. ``None`` where it cannot be told: no model, no loop, or a system that does not say.

    table : the recipe's dataset, or the built-in table. file : of the weights. setup : the engine's, in words.
    rows, seconds : made, and the wall time it took; loading the model and ``learn_seconds`` are not in it. valid_share : of
    the rows that hold what the schema says.
    written_tokens_per_s : tokens of rows. decode_tokens_per_s : all that llama.cpp decoded, prompts too.
    prefill_tokens_per_s : llama.cpp's own prefill, the roof. prefill_share : of it that ``decode_tokens_per_s`` reaches.
    python_share : of the seconds, in which llama.cpp was not at work. first_row_seconds : from the open model to the first
    whole row; with a recipe, to the first batch in the workspace. peak_rss_mb : of the engine's process, memory_bound_mb :
    weights, KV cache and 300 MB (both in millions of bytes). json_loop, plain_loop : one ``create_completion`` per row
    with a JSON-schema grammar, and without any; valid_share : of their rows, too.
    ratio : how many times as fast as that loop localsynth is. notes : what a person should know beside the figures.
    """

    table: str
    rows: int
    seconds: float
    rows_per_s: float
    valid_share: float = 1.0
    first_row_seconds: float | None = None
    load_seconds: float | None = None
    learn_seconds: float | None = None
    method: str | None = None
    model: str | None = None
    file: str | None = None
    setup: str | None = None
    threads: int | None = None
    written_tokens_per_s: float | None = None
    decode_tokens_per_s: float | None = None
    prefill_tokens_per_s: float | None = None
    prefill_share: float | None = None
    python_share: float | None = None
    peak_rss_mb: int | None = None
    memory_bound_mb: int | None = None
    json_loop_rows_per_s: float | None = None
    plain_loop_rows_per_s: float | None = None
    json_loop_valid_share: float | None = None
    plain_loop_valid_share: float | None = None
    ratio_json_loop: float | None = None
    ratio_plain_loop: float | None = None
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {**asdict(self), "notes": list(self.notes)}


def benchmark(
    recipe: str | os.PathLike[str] | None = None,
    *,
    workspace: Path | None = None,
    model: str | None = None,
    rows: int | None = None,
    seconds: float | None = None,
    threads: int | None = None,
    on_step: Step | None = None,
) -> Benchmark:
    """Measure a recipe, or without one a built-in table of six columns, beside the loops for the same columns.

    Parameters
    ----------
    recipe : a file, or the name of a packaged recipe. Its method runs for real, in a workspace that is deleted afterwards;
        what it needs of its dataset is copied there.
    workspace : the folder that may hold the recipe's dataset; nothing is written to it.
    model, threads : instead of the recipe's. rows : to make, default the recipe's and at most 500. seconds : how long each
        loop is timed, default 10; after as long a recipe stops with the batch under way, and without ``rows`` the built-in
        table has about as many as fit.
    on_step : told what is going on, in the thread that calls.

    Raises what a run raises, ``RunError`` where not one row was made, ``RecipeError`` for arguments that cannot be.
    """
    seconds = _SECONDS if seconds is None else seconds
    if rows is not None and rows < 1:
        raise RecipeError(f"cannot time {rows} rows: ask for at least 1", "for example --rows 500")
    if not 0 < seconds < float("inf"):
        raise RecipeError(f"cannot time a loop for {seconds:g} seconds", "for example --seconds 10")
    if threads is not None and threads < 1:
        raise RecipeError(f"cannot work with {threads} threads: take at least 1", "for example --threads 4")
    step = on_step or silent
    if recipe is None:
        table = six_columns()
        made, weights = _builtin(table, _model(model), rows, threads, seconds, step)
    else:
        made, table, weights = _of_recipe(
            recipe, workspace, Overrides(rows, None, model, threads), seconds, step
        )
    return made if weights is None else _beside_loops(made, table, weights, seconds, step)


def _model(name: str | None) -> Model | None:
    """The model of that name, the usual one without a name; ``None`` for ``uniform``, which needs no file."""
    from localsynth.engine.catalog import Catalog

    if name == UNIFORM:
        return None
    found = Catalog().get(name) if name is not None else Catalog().default()
    if found is None:
        raise ModelNotInstalled("no model is installed", "`localsynth models list` shows what there is")
    return found


def _builtin(
    table: BenchTable, model: Model | None, rows: int | None, threads: int | None, seconds: float, step: Step
) -> tuple[Benchmark, Weights | None]:
    from localsynth.engine import open_engine
    from localsynth.engine.layout import layout_for

    step("loading the model", 0.0)
    layout = layout_for(model, threads) if model is not None else None
    weights = weights_of(model, layout) if model is not None else None
    started = time.perf_counter()
    with closing(open_engine(model, layout=layout)) as engine:
        loaded = time.perf_counter() - started
        roof = prefill_rate(engine, step)
        first = engine_turn(engine, table, _PROBE, 0)  # the prompt is read, the grammar compiled
        if rows is None:
            rows = min(_ROWS, max(_PROBE, round(_PROBE * seconds / first.seconds)))
        turn = replace(engine_turn(engine, table, rows, 1, step), first=first.first)
        sight = Sight(engine.info(), peak_mb(engine), roof)
    return replace(summary(table.name, turn, sight, weights), load_seconds=loaded), weights


def _of_recipe(
    recipe: str | os.PathLike[str], workspace: Path | None, overrides: Overrides, seconds: float, step: Step
) -> tuple[Benchmark, BenchTable, Weights | None]:
    from .benchrun import run_recipe

    made = run_recipe(recipe, workspace, overrides, _ROWS, seconds, step)
    figures = summary(made.table.name, made.turn, made.sight, made.weights)
    figures = replace(
        figures,
        method=made.method,
        valid_share=made.valid_share,
        load_seconds=made.load_seconds,
        learn_seconds=made.learn_seconds,
        notes=tuple(dict.fromkeys(figures.notes + made.notes)),
    )
    return figures, made.table, made.weights


def summary(table: str, turn: Turn, sight: Sight | None, weights: Weights | None) -> Benchmark:
    """The figures without the loops. sight : of the engine, weights : its file; ``None`` where there was none."""
    figures = Benchmark(
        table=table,
        rows=turn.rows,
        seconds=turn.seconds,
        rows_per_s=turn.rows_per_s,
        first_row_seconds=turn.first,
    )
    if sight is None:
        return figures
    figures = replace(figures, model=sight.info.model or sight.info.name, notes=sight.info.notes)
    if weights is None:
        return figures
    rate = turn.tokens / turn.seconds
    return replace(
        figures,
        file=weights.path.name,
        setup=sight.info.setup,
        threads=sight.info.threads,
        written_tokens_per_s=turn.written / turn.seconds,
        decode_tokens_per_s=rate,
        prefill_tokens_per_s=sight.roof,
        prefill_share=rate / sight.roof if sight.roof else None,
        python_share=turn.python_share,
        peak_rss_mb=sight.peak_mb,
        memory_bound_mb=memory_bound_mb(weights),
    )


def _beside_loops(
    made: Benchmark, table: BenchTable, weights: Weights, seconds: float, step: Step
) -> Benchmark:
    """The loops, one after the other; one that cannot be timed is told in the notes."""
    found: dict[str, Any] = {}
    notes = list(made.notes)
    for name, what in LOOPS.items():
        try:
            # A process for each: where llama.cpp dies over one, the other is still worth knowing.
            with open_loop(weights, [table.tasks()[name]]) as loop:
                result = loop_turn(loop, table, name, seconds, step=step)
        except EngineError as error:
            notes.append(f"{what}: {error.message}")
            continue
        valid = sum(table.holds(name, text) for text in result.texts)
        found[f"{name}_loop_rows_per_s"] = result.rows_per_s
        found[f"{name}_loop_valid_share"] = valid / len(result.texts)
        found[f"ratio_{name}_loop"] = made.rows_per_s / result.rows_per_s
    return replace(made, **found, notes=tuple(notes))
