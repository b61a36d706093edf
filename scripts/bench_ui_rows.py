"""How long the place Rows takes to show a page of a table of millions, and how much memory.

    python scripts/bench_ui_rows.py --rows 10000000 --json

The UI runs without a terminal. Page down, page up, jump (to a row anywhere) and end (the last row and the first in turn) are
from the key to the picture with all cells of the new rows; memory is the most the process held above what it held when
Home was shown.
"""

from __future__ import annotations

import argparse
import asyncio
import inspect
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench_browse import held_mb, make
from rich.console import RenderableType
from textual.screen import Screen

from localsynth.tui.app import LocalsynthApp
from localsynth.tui.collecting import spare_modules
from localsynth.tui.memory import Memory, Settings
from localsynth.tui.rows.grid import Grid

_PATIENCE_S = 60.0
_PAUSE_S = 0.1  # between two keys


class Watched(LocalsynthApp):
    """Tells when it has painted all cells that are in sight of ``grid``."""

    CSS_PATH = str(Path(inspect.getfile(LocalsynthApp)).with_name("app.tcss"))
    grid: Grid | None = None
    painted = asyncio.Event()

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        super()._display(screen, renderable)
        if self.grid is not None and self.grid.complete:
            self.painted.set()


def forget_peak() -> None:
    """What was held before does not count."""
    Path("/proc/self/clear_refs").write_text("5")


async def timed(app: Watched, move: Callable[[int], object], times: int) -> dict[str, float]:
    """Milliseconds from a move to the picture."""
    took = []
    for number in range(times):
        began = time.perf_counter()
        app.painted.clear()
        move(number)
        await asyncio.wait_for(app.painted.wait(), _PATIENCE_S)
        took.append(1000 * (time.perf_counter() - began))
        await asyncio.sleep(_PAUSE_S)
    p95 = statistics.quantiles(took, n=20, method="inclusive")[-1]
    return {
        "p50": round(statistics.median(took), 1),
        "p95": round(p95, 1),
        "max": round(max(took), 1),
    }


async def measured(folder: Path, size: tuple[int, int], times: int) -> dict[str, Any]:
    """All moves; the memory over them."""
    app = Watched(str(folder), memory=Memory(None, Settings(), {"dataset": "big"}))
    found: dict[str, Any] = {}
    sparing = asyncio.create_task(spare_modules())  # as where a person opens it
    async with app.run_test(size=size) as pilot:
        await app.workers.wait_for_complete()
        await pilot.pause()
        started_mb = held_mb("VmRSS")
        forget_peak()
        began = time.perf_counter()
        await app.action_go("rows")
        grid = app.screen.query_one("#real", Grid)
        app.grid = grid
        await asyncio.wait_for(app.painted.wait(), _PATIENCE_S)
        found["first_rows_ms"] = round(1000 * (time.perf_counter() - began), 1)
        grid.focus()
        place = random.Random(0)

        def ends(number: int) -> None:
            grid.action_row_end(-1 if number % 2 else 1)

        def jump(_: int) -> None:
            grid.go_to(place.randrange(grid.total), grid.column)

        moves: dict[str, Callable[[int], Any]] = {
            "page_down": lambda _: grid.action_page(1),
            "jump": jump,
            "end": ends,
            "page_up": lambda _: grid.action_page(-1),
        }
        for name, move in moves.items():
            for key, value in (await timed(app, move, times)).items():
                found[f"{name}_{key}_ms"] = value
        found["rows"] = grid.total
        found["memory_above_start_mb"] = round(held_mb("VmHWM") - started_mb, 1)
    sparing.cancel()
    return found


def main() -> None:
    """Make the table, and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--times", type=int, default=60, help="moves of each kind")
    parser.add_argument("--terminal", default="120x40", help="columns x lines")
    parser.add_argument("--workspace", type=Path, help="one with a dataset 'big', instead of making it")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    asked = parser.parse_args()
    columns, _, lines = asked.terminal.partition("x")
    size = (int(columns), int(lines))
    with tempfile.TemporaryDirectory(prefix="localsynth-bench-") as place:
        folder = asked.workspace or Path(place) / "workspace"
        if asked.workspace is None:
            make(folder, asked.rows)
        found = asyncio.run(measured(folder, size, asked.times))
    print(
        json.dumps(found) if asked.json else "\n".join(f"{key:<24} {value}" for key, value in found.items())
    )


if __name__ == "__main__":
    main()
