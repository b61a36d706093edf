"""The parts of a measurement: one call of the engine, one stretch of a loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from localsynth.core.contracts import Engine, EngineInfo
from localsynth.core.errors import EngineError

from .benchtables import BenchTable

if TYPE_CHECKING:
    from localsynth.engine.catalog import Model
    from localsynth.engine.layout import Layout
    from localsynth.engine.plainloop import LoopResult, LoopTask, PlainLoop
    from localsynth.engine.setup import Setup

__all__ = [
    "LOOPS",
    "Sight",
    "Step",
    "Turn",
    "Weights",
    "engine_turn",
    "loop_turn",
    "memory_bound_mb",
    "open_loop",
    "peak_mb",
    "prefill_rate",
    "silent",
    "weights_of",
]

LOOPS = {"json": "a loop with a JSON grammar", "plain": "a loop without a grammar"}
Step = Callable[[str, float], None]  # what is being timed, and the share of it that is done
_SPARE = 300_000_000  # bytes beside weights and cache: Python, llama.cpp's working buffers, compiled grammars
_CONTEXT = 2048  # tokens; what people open a small model with


def silent(_what: str, _share: float) -> None:
    """A step nobody listens to."""


@dataclass(frozen=True)
class Weights:
    """A file of weights, and how the engine is laid out over it."""

    path: Path
    setup: Setup
    context: int  # tokens it was trained on


def weights_of(model: Model, layout: Layout | str | None = None) -> Weights:
    """The file and setup of a layout, or of what a run recorded of one; by default what ``open_engine`` takes.

    Raises ``ModelError`` where the file changed, or where what tuning found is damaged.
    """
    from localsynth.engine.layout import layout_for, layout_from

    if layout is None:
        layout = layout_for(model)
    elif isinstance(layout, str):
        layout = layout_from(layout)
    return Weights(layout.open(model), layout.setup, model.context_length)


# --- the engine -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Turn:
    """Work of the engine. tokens : all that llama.cpp decoded, prompts too; written : those of rows.

    waiting : seconds in which contexts that were done waited for the slowest. native : seconds llama.cpp was at work; both
    are means of the contexts. first : seconds until the first row was whole.
    """

    rows: int
    seconds: float
    tokens: int
    written: int
    native: float | None = None
    first: float | None = None
    waiting: float = 0.0

    @property
    def rows_per_s(self) -> float:
        """Rows per second."""
        return self.rows / self.seconds

    @property
    def python_share(self) -> float | None:
        """The share of the seconds in which neither llama.cpp was at work nor one context waited for another."""
        return None if self.native is None else max(0.0, 1 - (self.native + self.waiting) / self.seconds)


def engine_turn(engine: Engine, table: BenchTable, rows: int, seed: int, step: Step = silent) -> Turn:
    """Rows of the table in one call. Raises ``EngineError`` where one of them is not what the schema says."""
    step("rows", 0.0)
    started = time.perf_counter()
    (sample,), usage = engine.sample(
        [table.request(rows, seed)], lambda done, wanted: step("rows", done / max(1, wanted))
    )
    seconds = time.perf_counter() - started
    wrong = next((text for text in sample.texts if not table.holds("plain", text)), None)
    if wrong is not None:
        raise EngineError(f"the engine wrote {wrong!r}, which is no row of the table {table.name}")
    timing = getattr(engine, "timing", None)
    return Turn(
        rows,
        seconds,
        usage.prompt_tokens + usage.decoded_tokens,
        usage.decoded_tokens,
        timing.native_seconds if timing is not None else None,
        timing.first_seconds if timing is not None else None,
        timing.waiting_seconds if timing is not None else 0.0,
    )


def prefill_rate(engine: Engine | None, step: Step = silent) -> float | None:
    """llama.cpp's own prefill in tokens/s, in the engine's process; ``None`` for an engine without llama.cpp."""
    measure = getattr(engine, "prefill_rate", None)
    if measure is None:
        return None
    step("prefill", 0.0)
    return float(measure())


@dataclass(frozen=True)
class Sight:
    """What an engine tells of itself while it is open. peak_mb : see ``peak_mb``. roof : see ``prefill_rate``."""

    info: EngineInfo
    peak_mb: int | None = None
    roof: float | None = None


def peak_mb(engine: Engine) -> int | None:
    """The most memory the engine's process has held, in millions of bytes; ``None`` where the system does not tell."""
    from localsynth.engine.workload import peak_memory_mb

    return peak_memory_mb(getattr(engine, "pid", None))


def memory_bound_mb(weights: Weights) -> int | None:
    """What the engine's process should stay below, in millions of bytes: weights, KV cache and 300 MB.

    ``None`` where the file does not tell how large a cached token is.
    """
    from localsynth.engine.gguf import read_header

    per_token = read_header(weights.path).kv_bytes_per_token
    if per_token is None:
        return None
    setup = weights.setup
    cells = setup.cells + (setup.contexts - 1) * setup.side_cells
    return -(-(weights.path.stat().st_size + cells * per_token + _SPARE) // 1_000_000)


# --- the loops ------------------------------------------------------------------------------------------------------


def open_loop(weights: Weights, tasks: Iterable[LoopTask]) -> PlainLoop:
    """A process with the same file on the same threads, its context long enough for all tasks if the model's is."""
    from localsynth.engine.plainloop import PlainLoop

    # A token is a byte at least, so this is room enough whatever the tokenizer does.
    longest = max(len(task.prompt.encode()) + task.max_tokens for task in tasks)
    return PlainLoop(
        weights.path,
        weights.setup.threads,
        context=min(max(_CONTEXT, longest), max(_CONTEXT, weights.context)),
        gpu_layers=weights.setup.gpu_layers,
    )


def loop_turn(
    loop: PlainLoop, table: BenchTable, name: str, seconds: float, seed: int = 0, step: Step = silent
) -> LoopResult:
    """One stretch of the loop ``json`` or ``plain`` (``LOOPS`` says what they are). Raises as ``PlainLoop.run``."""
    what = LOOPS[name]
    step(what, 0.0)
    return loop.run(
        table.tasks()[name],
        seconds=seconds,
        seed=seed,
        progress=lambda _rows, gone: step(what, min(1.0, gone / seconds)),
    )
