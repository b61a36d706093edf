"""How tests of the UI look at it: a workspace made once, an app on it, and conditions to wait for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from localsynth.tui.app import LocalsynthApp
from localsynth.tui.memory import Memory, Settings

PATIENCE_S = 20.0


@asynccontextmanager
async def opened(
    folder: Path,
    *,
    place: str = "home",
    dataset: str | None = None,
    run: str | None = None,
    size: tuple[int, int] = (120, 40),
    read_only: bool = False,
    settings: Settings | None = None,
    kept: Mapping[str, Any] | None = None,
) -> AsyncIterator[tuple[LocalsynthApp, Pilot[None]]]:
    """The UI on a workspace, at a place, about something. kept : what else it remembers."""
    memory = Memory(
        None if read_only else folder / "ui",
        settings or Settings(),
        {**(kept or {}), "place": place, "dataset": dataset, "run": run},
    )
    app = LocalsynthApp(str(folder), read_only=read_only, memory=memory)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield app, pilot


async def until(
    pilot: Pilot[Any], condition: Callable[[], object], what: str = "", patience: float = PATIENCE_S
) -> None:
    """Wait for a condition; fail with what the screen shows where it does not come."""
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain{f' for {what}' if what else ''}:\n{screen_text(pilot.app)}")
        await pilot.pause()
        await asyncio.sleep(0.01)


async def settled(pilot: Pilot[Any]) -> None:
    """Until no worker of the app is busy and all messages are handled."""
    await until(pilot, lambda: all(worker.is_finished for worker in pilot.app.workers), "workers to end")
    await pilot.pause()


def screen_text(app: Any) -> str:
    """What the screen shows, as lines of text."""
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips)


def shot(app: Any, path: Path) -> Path:
    """A picture of the screen as SVG, to look at."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(app.export_screenshot())
    return path
