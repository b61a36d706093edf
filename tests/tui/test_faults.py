"""Things that go wrong under a UI that is open: it says what happened, and goes on."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from localsynth.core.errors import StoreError
from localsynth.core.recipe import Recipe
from localsynth.store import runs as records
from localsynth.tui.dialogs import ErrorDialog
from localsynth.tui.places import PLACES
from localsynth.tui.screens.recipe import RecipeScreen
from localsynth.workspace import Workspace
from tests.tui.faults_kit import RUN, begin, said
from tests.tui.kit import opened, screen_text, settled, until

# A page of rows keeps the file open for half a second: longer than that nobody waits.
_OPEN = """
import duckdb, sys, time
end = time.monotonic() + 3
while True:
    try:
        con = duckdb.connect(sys.argv[1])
        break
    except duckdb.IOException:
        if time.monotonic() > end:
            raise
        time.sleep(0.05)
"""
_WRITE = _OPEN + "con.execute(f'CREATE TABLE {sys.argv[2]} (x INTEGER)')"
_HOLD = _OPEN + "print('held', flush=True); sys.stdin.read()"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    space = Workspace(tmp_path_factory.mktemp("faults") / "ws")
    space.import_sample("wine")
    space.run(Recipe.from_toml(RUN.format(20, "independent")))
    return space.folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A workspace to be broken."""
    return Path(shutil.copytree(made, tmp_path / "ws"))


async def test_the_process_of_a_run_is_killed(folder: Path) -> None:
    async with opened(folder, place="run", dataset="wine") as (app, pilot):
        job = await begin(app, RUN.format(5_000_000, "independent"))
        assert job.pid
        await until(pilot, lambda: "kept" in said(app) and "running" in said(app), "the run")
        os.kill(job.pid, signal.SIGKILL)
        await until(pilot, lambda: "the process that made it is gone" in said(app), "the end")
        assert "r goes on from there" in said(app)
        assert not isinstance(app.screen, ErrorDialog)
        await pilot.press("f6")
        await until(pilot, lambda: "synthetic rows" in said(app), "what is kept")


async def test_the_store_cannot_be_written_in_mid_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise StoreError("the workspace is read-only", "make it writable")

    space = Workspace(folder)
    monkeypatch.setattr(records, "commit_batch", refused)
    monkeypatch.setattr(records, "end", refused)
    with pytest.raises(StoreError):
        space.run(Recipe.from_toml(RUN.format(30, "independent")))
    monkeypatch.undo()
    async with opened(folder, place="run", dataset="wine", run=space.get_run("last").run_id) as (app, pilot):
        await until(pilot, lambda: "Failed: the workspace is read-only." in said(app), "the reason")
        assert "r goes on from there" in said(app)


async def test_the_workspace_is_removed_under_it(folder: Path) -> None:
    async with opened(folder, dataset="wine", run=Workspace(folder).get_run("last").run_id) as (app, pilot):
        await settled(pilot)
        shutil.rmtree(folder)
        for one in (*PLACES, PLACES[0]):
            await pilot.press(one.key)
            await settled(pilot)
            assert app.current_mode == one.name
            await pilot.press("escape")  # whatever dialog there is, once
            await settled(pilot)
            assert not isinstance(app.screen, ErrorDialog), f"{one.name}: {said(app)}"
        await until(pilot, lambda: "Welcome" in said(app) or "no workspace" in said(app), "what to do")


async def test_another_process_writes_while_it_is_idle(folder: Path) -> None:
    async with opened(folder, place="rows", dataset="wine") as (_, pilot):
        for one in PLACES:
            await pilot.press(one.key)
            await settled(pilot)
            write = [sys.executable, "-c", _WRITE, str(folder / "workspace.duckdb"), f"of_{one.name}"]
            done = await asyncio.to_thread(subprocess.run, write, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr


def holding(path: Path) -> subprocess.Popen[bytes]:
    """A process that has the file open, to write, until its input ends."""
    given = [sys.executable, "-c", _HOLD, str(path)]
    return subprocess.Popen(given, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


async def test_another_process_holds_the_file(folder: Path) -> None:
    async with opened(folder, dataset="wine") as (app, pilot):
        await settled(pilot)
        app.desk.workspace().timeout = 0.2
        with holding(folder / "workspace.duckdb") as other:
            assert other.stdout is not None
            assert other.stdin is not None
            assert await asyncio.to_thread(other.stdout.readline) == b"held\n"
            await pilot.press("f3")
            await until(pilot, lambda: str(other.pid) in said(app), "who holds it")
            other.stdin.close()
            await asyncio.to_thread(other.wait)
        await pilot.press("escape", "f2", "f3")
        await until(pilot, lambda: "Columns (14)" in said(app), "the columns")


async def test_a_draft_stays_with_its_dataset(folder: Path) -> None:
    """What is typed while another dataset's draft is being read is not taken for that one's."""
    async with opened(folder, place="recipe") as (app, pilot):
        await settled(pilot)
        place = app.screen
        assert isinstance(place, RecipeScreen)
        assert place.draft.dataset is None
        app.about("wine")
        place.draft.choose_method("bootstrap")
        place._changed()
        await until(pilot, lambda: place.draft.dataset == "wine", "the draft")


@pytest.mark.parametrize("place", [one.name for one in PLACES])
async def test_20_by_5_and_back(folder: Path, place: str) -> None:
    run = Workspace(folder).get_run("last").run_id
    async with opened(folder, place=place, dataset="wine", run=run) as (app, pilot):
        await settled(pilot)
        before = screen_text(app)
        await pilot.resize_terminal(20, 5)
        await settled(pilot)
        await pilot.press("f1")
        await pilot.pause()
        await pilot.press("escape")
        await pilot.resize_terminal(120, 40)
        await settled(pilot)
        assert shape(screen_text(app)) == shape(before)


def shape(text: str) -> str:
    """Without clocks."""
    return re.sub(r"as of [\d:]+", "", text)
