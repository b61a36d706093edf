"""``bench``: how fast this machine makes rows, beside the loop people would write themselves."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from localsynth.core.errors import ExitCode

from .options import WorkspaceOption
from .output import hint, print_text, safe, say, warn

if TYPE_CHECKING:
    from types import FrameType

    from localsynth.workspace.benchmark import Benchmark

__all__ = ["bench", "register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("bench")(bench)


def bench(
    recipe: Annotated[
        str | None,
        typer.Argument(
            metavar="RECIPE",
            help="A recipe file, or the name of a packaged recipe.  [default: a table of six columns]",
        ),
    ] = None,
    model: Annotated[str | None, typer.Option("--model", help="The model, instead of the recipe's.")] = None,
    rows: Annotated[
        int | None,
        typer.Option("--rows", help="How many rows to make.  [default: the recipe's, at most 500]"),
    ] = None,
    seconds: Annotated[
        float,
        typer.Option("--seconds", help="How long to time each loop; a recipe stops after as long, too."),
    ] = 10.0,
    threads: Annotated[int | None, typer.Option("--threads", help="Threads of the model.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of a table.")
    ] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Measure rows per second of a recipe on this machine, beside a plain loop. Nothing is kept."""
    from localsynth.workspace import workspace_folder
    from localsynth.workspace.benchmark import benchmark

    from .machine import steps

    with _stoppable(), steps() as step:
        made = benchmark(
            recipe,
            workspace=workspace_folder(workspace),
            model=model,
            rows=rows,
            seconds=seconds,
            threads=threads,
            on_step=step,
        )
    if as_json:
        print_text([json.dumps(_rounded(made), ensure_ascii=False, allow_nan=False)])
    else:
        print_text(_table(made))
    for note in made.notes:
        warn(note)
    if made.ratio_json_loop is None and made.setup is None:
        hint("no model was used, so there is nothing to compare with")


@contextmanager
def _stoppable() -> Iterator[None]:
    """Ctrl+C and SIGTERM end it the same way: processes are ended, the temporary workspace is deleted."""

    def asked(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    in_main = threading.current_thread() is threading.main_thread()  # signals arrive nowhere else
    before = signal.signal(signal.SIGTERM, asked) if in_main else None
    try:
        yield
    except KeyboardInterrupt:
        say("interrupted; nothing was kept")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    finally:
        if in_main:
            signal.signal(signal.SIGTERM, before)


def _rounded(made: Benchmark) -> dict[str, object]:
    """Four digits are more than a measurement can tell."""
    return {
        key: float(f"{value:.4g}") if isinstance(value, float) else value
        for key, value in made.to_dict().items()
    }


# --- the table ------------------------------------------------------------------------------------------------------


def _table(made: Benchmark) -> Iterator[str]:
    """First what is compared, side by side; then what is told of localsynth alone."""
    grid = [["", "localsynth"], ["rows/s", _number(made.rows_per_s)]]
    if made.json_loop_rows_per_s is not None or made.plain_loop_rows_per_s is not None:
        grid[0] += ["JSON loop", "plain loop"]
        grid[1] += [_number(made.json_loop_rows_per_s), _number(made.plain_loop_rows_per_s)]
        grid.append(
            ["localsynth against it", "", _times(made.ratio_json_loop), _times(made.ratio_plain_loop)]
        )
        grid.append(
            [
                "valid rows",
                _share(made.valid_share),
                _share(made.json_loop_valid_share),
                _share(made.plain_loop_valid_share),
            ]
        )
    yield from _aligned(grid)
    yield ""
    facts = {
        "table": made.table,
        "method": made.method,
        "rows": f"{made.rows:,} in {made.seconds:.2f} s",
        "time to first row": _seconds(made.first_row_seconds),
        "before that": _before(made),
        "tokens written": _per_s(made.written_tokens_per_s),
        "tokens decoded": _per_s(made.decode_tokens_per_s),
        "prefill (the roof)": _per_s(made.prefill_tokens_per_s),
        "share of the roof": _share(made.prefill_share),
        "Python's share": _share(made.python_share),
        "memory at its peak": _memory(made),
        "model": made.model,
        "file": made.file,
        "setup": made.setup,
        "threads": made.threads,
    }
    known = {name: safe(value) for name, value in facts.items() if value not in {None, "", "-"}}
    width = max(map(len, known))
    yield from (f"{name:<{width}}  {value}" for name, value in known.items())


def _aligned(grid: list[list[str]]) -> Iterator[str]:
    widths = [max(len(row[at]) for row in grid if at < len(row)) for at in range(len(grid[0]))]
    for row in grid:
        cells = [row[0].ljust(widths[0])] + [
            cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)
        ]
        yield "  ".join(cells).rstrip()


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}" if value >= 100 else f"{value:.2f}"


def _times(value: float | None) -> str:
    return "-" if value is None else f"{_number(value)} x"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


def _per_s(value: float | None) -> str:
    return "-" if value is None else f"{_number(value)} tokens/s"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s"


def _before(made: Benchmark) -> str:
    parts = {"loading": made.load_seconds, "learning": made.learn_seconds}
    return ", ".join(f"{what} {value:.2f} s" for what, value in parts.items() if value is not None)


def _memory(made: Benchmark) -> str:
    if made.peak_rss_mb is None:
        return "-"
    bound = f" (model, cache and 300 MB: {made.memory_bound_mb:,} MB)" if made.memory_bound_mb else ""
    return f"{made.peak_rss_mb:,} MB{bound}"
