"""Makes a picture (SVG) of every place of the terminal UI, for the README: a workspace with sample data is made for them.

    .venv/bin/python scripts/screenshots.py [FOLDER] [--size 120x36] [--theme textual-dark] [--only report]

Default folder: scripts/pictures. The ids of runs, days and hours are replaced, so that the same code makes the same pictures
but for measured times.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import tempfile
from pathlib import Path

from localsynth import Workspace
from localsynth.core.recipe import Recipe
from localsynth.tui.app import LocalsynthApp
from localsynth.tui.memory import Memory, Settings
from localsynth.tui.picture import picture_of
from localsynth.tui.places import PLACES

DATASET = "diabetes"
RECIPE = 'rows = 300\nseed = {seed}\n[dataset]\nname = "diabetes"\n[method]\nname = "{method}"\n'
METHODS = ("independent", "gaussian-copula")
CALM_LOOKS, PATIENCE_S = 8, 60.0


def make(folder: Path) -> Workspace:
    """A workspace with a sample, two runs of it, and their scores."""
    space = Workspace(folder / "workspace")
    space.import_sample(f"sample:{DATASET}", target="progression")
    for seed, method in enumerate(METHODS):
        space.evaluate(space.run(Recipe.from_toml(RECIPE.format(seed=seed, method=method))))
    return space


def steady(picture: str) -> str:
    """The picture with ids, days and hours that do not change; as long as before."""
    ids = dict.fromkeys(re.findall(r"\d{8}-\d{6}-\w+-[0-9a-f]{4}", picture))
    for number, run in enumerate(sorted(ids)):
        picture = picture.replace(
            run, re.sub(r"^\d{8}-\d{6}(-\w+-)[0-9a-f]{4}$", rf"20260101-12000{number}\g<1>000{number}", run)
        )
    picture = re.sub(r"20\d\d-\d\d-\d\d", "2026-01-01", picture)
    picture = re.sub(r"\b\d\d:\d\d\b", "12:00", picture)
    return re.sub(r"terminal-\d+", "terminal-0", picture)


async def quiet(app: LocalsynthApp, patience: float = PATIENCE_S) -> None:
    """Until no worker of the screen has been busy for a while; those that watch something never end, so not for ever.

    Looks are counted, not seconds: an event loop that gets no time to itself would take that for quiet.
    """
    loop = asyncio.get_running_loop()
    end, calm = loop.time() + patience, 0
    while loop.time() < end and calm < CALM_LOOKS:
        busy = (not one.is_finished and one.node.screen is app.screen for one in app.workers)
        calm = min(calm, CALM_LOOKS // 2) if any(busy) else calm + 1
        await asyncio.sleep(0.05)


async def take(space: Workspace, folder: Path, size: tuple[int, int], theme: str, only: set[str]) -> None:
    """Go to every place, wait until it is there, and write what it shows."""
    run = space.runs()[0].run_id
    memory = Memory(None, Settings(theme=theme), {"dataset": DATASET, "run": run})
    app = LocalsynthApp(str(space.folder), memory=memory)
    async with app.run_test(size=size) as pilot:
        for place in PLACES:
            if only and place.name not in only:
                continue
            await app.action_go(place.name)
            await pilot.pause()
            await quiet(app)
            await pilot.pause()
            path = folder / f"{place.name}.svg"
            path.write_text(steady(picture_of(app, f"localsynth: {place.title}")))
            print(path)


def main() -> None:
    """Make them."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path(__file__).parent / "pictures")
    parser.add_argument("--size", default="120x36", help="columns x lines")
    parser.add_argument("--theme", default="textual-dark")
    parser.add_argument("--only", default="", help="places, separated by commas")
    asked = parser.parse_args()
    width, height = map(int, asked.size.split("x"))
    asked.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        space = make(Path(made))
        asyncio.run(
            take(space, asked.folder, (width, height), asked.theme, set(filter(None, asked.only.split(","))))
        )


if __name__ == "__main__":
    main()
