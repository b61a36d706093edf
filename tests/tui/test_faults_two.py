"""Two UIs on one workspace, in two processes: both may write, one after the other; nothing is lost and none is stuck."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from localsynth.core.recipe import Recipe
from localsynth.core.run import Status
from localsynth.runs.control import Control
from localsynth.tui.recipe.draft import Draft
from localsynth.tui.schema.draft import Draft as SchemaDraft
from localsynth.workspace import Workspace

from .faults_kit import RUN, end_jobs, said
from .kit import opened, until

HERE = Path(__file__).parents[2]
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    space = Workspace(tmp_path_factory.mktemp("two") / "ws")
    space.import_sample("wine")
    return space.folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Iterator[Path]:
    """A workspace that both open."""
    yield Path(shutil.copytree(made, tmp_path / "ws"))
    end_jobs(tmp_path / "ws")


class Other:
    """The other UI, from here."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.shows = ""

    @property
    def pid(self) -> int:
        return self._process.pid

    async def press(self, *keys: str) -> str:
        """What it shows after the keys, in one line."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(keys).encode() + b"\n")
        line = await asyncio.wait_for(self._process.stdout.readline(), PATIENCE_S)
        self.shows = " ".join(json.loads(line).replace("│", " ").split())
        return self.shows

    async def until(self, *words: str) -> None:
        """Wait until it shows one of these."""
        end = time.monotonic() + PATIENCE_S
        while not any(one in self.shows for one in words):
            assert time.monotonic() < end, f"the other UI does not show {words}: {self.shows}"
            await self.press()


@asynccontextmanager
async def other_ui(folder: Path, place: str = "home", **remembered: Any) -> AsyncIterator[Other]:
    """Another person's UI; it shows its first screen."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.tui.other_ui", str(folder), place, json.dumps(remembered)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=HERE,
    )
    other = Other(process)
    try:
        await other.press()
        yield other
        assert process.stdin is not None
        process.stdin.close()
        assert await asyncio.wait_for(process.wait(), PATIENCE_S) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def remembered(rows: int) -> dict[str, Any]:
    """A recipe that was written before."""
    data = {"rows": rows, "seed": 1, "dataset": {"name": "wine"}, "method": {"name": "independent"}}
    return {"recipes": {"wine": Draft(data, "nothing").kept()}}


async def test_both_start_a_run(folder: Path) -> None:
    async with (
        other_ui(folder, "recipe", dataset="wine", **remembered(30_000)) as other,
        opened(folder, place="recipe", dataset="wine", kept=remembered(20_000)) as (app, pilot),
    ):
        await other.until("Good: 30,000 rows")
        await until(pilot, lambda: "Good: 20,000 rows" in said(app), "the recipe", patience=PATIENCE_S)
        answer = asyncio.create_task(other.press("r"))
        await pilot.press("r")
        await answer
        await until(pilot, lambda: "Finished: 20,000 rows" in said(app), "ours", patience=PATIENCE_S)
        await other.until("Finished: 30,000 rows")
    runs = Workspace(folder).runs()
    assert {run.rows_done for run in runs} == {20_000, 30_000}
    assert all(Workspace(folder).rows_arrow(run).num_rows == run.rows_done for run in runs)


async def test_both_import(folder: Path) -> None:
    async with other_ui(folder) as other, opened(folder) as (app, pilot):
        await until(pilot, lambda: "wine" in said(app), "the datasets", patience=PATIENCE_S)
        await other.until("Datasets (1)")
        for keys, words in ((("s",), "Take a sample"), (("enter",), "enter imports")):
            answer = asyncio.create_task(other.press(*keys))
            await pilot.press(*keys)
            await answer
            await other.until(words)
            await until(pilot, lambda words=words: words in said(app), words, patience=PATIENCE_S)
        answer = asyncio.create_task(other.press("enter"))
        await pilot.press("enter")
        await answer
        # The same sample under one name: one of them has it, the other is told.
        await until(pilot, lambda: "Datasets (2)" in said(app), "the dataset", patience=PATIENCE_S)
        await other.until("Datasets (2)")
        refused = "already"
        await until(pilot, lambda: refused in said(app) + other.shows, "a refusal", patience=PATIENCE_S)
        assert not (refused in said(app) and refused in other.shows)
        await other.press("escape")
    assert len(Workspace(folder).datasets()) == 2


async def test_one_saves_a_schema_while_the_other_makes_rows(folder: Path) -> None:
    space = Workspace(folder)
    schema = space.schema("wine").model_copy(update={"description": "as it was understood later"})
    draft = SchemaDraft("wine", space.schema("wine"))
    draft.change(schema)
    async with (
        other_ui(folder, "recipe", dataset="wine", **remembered(200_000)) as other,
        opened(folder, place="schema", dataset="wine", kept={"schema.drafts": {"wine": draft.kept()}}) as (
            app,
            pilot,
        ),
    ):
        await until(pilot, lambda: "not saved" in said(app), "the draft", patience=PATIENCE_S)
        await other.until("Good: 200,000 rows")
        await other.press("r")
        await other.until(" kept")
        await pilot.press("w")
        await until(
            pilot, lambda: "not saved" not in said(app), "the schema to be saved", patience=PATIENCE_S
        )
        assert Workspace(folder).schema("wine") == schema
        await other.press("p")
        await other.until("Cancelled, stopped after a finished batch", "Finished")
    run = Workspace(folder).get_run("last")
    assert run.rows_done
    assert Workspace(folder).rows_arrow(run).num_rows == run.rows_done


async def test_both_take_up_the_same_run(folder: Path) -> None:
    space = Workspace(folder)
    recipe = Recipe.from_toml(RUN.format(300_000, "independent"))
    run = stopped(space, recipe)
    async with (
        other_ui(folder, "run", dataset="wine", run=run) as other,
        opened(folder, place="run", dataset="wine", run=run) as (app, pilot),
    ):
        await other.until("r goes on from there")
        await until(pilot, lambda: "r goes on from there" in said(app), "the run", patience=PATIENCE_S)
        answer = asyncio.create_task(other.press("r"))
        await pilot.press("r")
        await answer
        # One makes it, the other is told who does.
        refused, end = "is being made by process", time.monotonic() + PATIENCE_S
        while refused not in said(app) + await other.press():
            assert time.monotonic() < end, f"{said(app)}\n{other.shows}"
            await pilot.pause()
        await until(pilot, lambda: space.maker(space.get_run(run)), "it to begin", patience=PATIENCE_S)
        assert f"{refused} {space.maker(space.get_run(run))}" in said(app) + other.shows
        assert not (refused in said(app) and refused in other.shows)
        await pilot.press("escape")
        await other.press("escape")
        await until(pilot, lambda: "running independent" in said(app), "the run", patience=PATIENCE_S)
        await other.until("running independent")


def stopped(space: Workspace, recipe: Recipe) -> str:
    """A run that was stopped after its first batch."""
    control = Control()
    made = space.run(recipe, control=control, on_event=lambda event: control.stop())
    assert made.status is Status.CANCELLED
    return made.run_id
