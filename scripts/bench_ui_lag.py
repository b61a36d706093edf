"""How long the terminal UI lets people wait while a run goes on at full speed in another process, with the place Run open.

    python scripts/bench_ui_lag.py                      # without a model: a batch every few hundredths of a second
    python scripts/bench_ui_lag.py --model smollm2-135m # with the embedded model really running

Lag is how much later than asked for a timer of 5 ms fires on the event loop; work is the processor time that the loop itself
took meanwhile, which other programs do not lengthen. A key is answered when the screen is laid out as it asks. Wanted: lag
below 15 ms and answers below 50 ms, both at the 95th percentile, on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from pathlib import Path

from textual import events

from localsynth import Workspace
from localsynth.tui.app import LocalsynthApp
from localsynth.tui.collecting import spare_modules
from localsynth.tui.memory import Memory, Settings
from localsynth.tui.running.view import PANELS, RunView

_TICK_S = 0.005
_KEYS = "23456154"
_PATIENCE_S = 10.0
_RECIPE = """\
rows = 1_000_000
[dataset]
name = "diabetes"
[model]
name = "{model}"
[method]
name = "text-to-tabular"
batch_rows = {batch}
"""


def main() -> None:
    """Start a run, watch it, stop it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="uniform", help="a model that is installed, or 'uniform'")
    parser.add_argument("--batch", type=int, default=50, help="rows of a batch")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long to watch")
    parser.add_argument("--size", default="120x40", help="of the terminal")
    asked = parser.parse_args()
    width, height = map(int, asked.size.split("x"))
    with tempfile.TemporaryDirectory() as folder:
        space = Workspace(Path(folder) / "ws")
        space.import_sample("diabetes")
        job = space.start_job("run", recipe=_RECIPE.format(model=asked.model, batch=asked.batch))
        try:
            while (run := job.state().run_id) is None:
                if job.state().over:
                    raise SystemExit(job.log.read_text())
                time.sleep(0.05)
            lag, work, keys = asyncio.run(watched(space, run, (width, height), asked.seconds))
            made = space.get_run(run).rows_done
        finally:
            job.kill()
            while job.alive():
                time.sleep(0.05)
    load = os.getloadavg()[0]
    print(
        f"{asked.model}, {asked.size}, {asked.seconds:g} s, {made:,} rows made, load {load:.1f} of {os.cpu_count()} cores"
    )
    print(told("event loop's lag", lag))
    print(told("event loop's work", work))
    print(told("a key's answer", keys))


async def watched(
    space: Workspace, run: str, size: tuple[int, int], seconds: float
) -> tuple[list[float], list[float], list[float]]:
    """Lags, work and answers, in seconds."""
    memory = Memory(None, Settings(), {"dataset": "diabetes", "run": run})
    app = LocalsynthApp(str(space.folder), memory=memory)
    lags: list[float] = []
    work: list[float] = []
    keys: list[float] = []
    sparing = asyncio.create_task(spare_modules())  # as where a person opens it
    async with app.run_test(size=size) as pilot:
        await app.action_go("run")
        await asyncio.sleep(3)  # imports, and the first look at the store
        ticking = asyncio.create_task(ticks(lags, work, seconds))
        number = 0
        while not ticking.done():
            keys.append(await answered(app, _KEYS[number % len(_KEYS)]))
            number += 1
            await asyncio.sleep(0.25)
        await pilot.pause()
    sparing.cancel()
    return lags, work, keys


async def ticks(lags: list[float], work: list[float], seconds: float) -> None:
    """Ask for a timer, and see how late it is."""
    end = time.perf_counter() + seconds
    while (start := time.perf_counter()) < end:
        busy = time.thread_time()
        await asyncio.sleep(_TICK_S)
        work.append(time.thread_time() - busy)
        lags.append(max(time.perf_counter() - start - _TICK_S, 0.0))


async def answered(app: LocalsynthApp, key: str) -> float:
    """Seconds until the panel of that key is laid out."""
    view, wanted = app.screen.query_one(RunView), PANELS[int(key) - 1].name
    panel = view.query_one(f"#{wanted}")
    start = time.perf_counter()
    app.post_message(events.Key(key, key))
    while not (
        view.chosen == wanted and panel.display and panel.size.width and not app.screen._layout_required
    ):
        if time.perf_counter() - start > _PATIENCE_S:
            raise SystemExit(f"the key {key} was not answered")
        await asyncio.sleep(0.001)
    return time.perf_counter() - start


def told(what: str, seconds: list[float]) -> str:
    """The middle, the 95th percentile and the longest, in milliseconds."""
    ordered = sorted(seconds)
    middle, high, most = (
        1000 * ordered[min(int(share * len(ordered)), len(ordered) - 1)] for share in (0.5, 0.95, 1)
    )
    return f"{what:<18} p50 {middle:6.1f} ms   p95 {high:6.1f} ms   max {most:6.1f} ms   ({len(ordered):,} measured)"


if __name__ == "__main__":
    main()
