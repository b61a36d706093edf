"""What breaks under a run that goes on: the engine, the disk, the file. The UI says so, and `r` makes the rows of an
undisturbed run."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pyarrow as pa
import pytest
from textual.pilot import Pilot

from localsynth.core.recipe import Recipe
from localsynth.engine.catalog import Catalog
from localsynth.tui.app import LocalsynthApp
from localsynth.tui.dialogs import ErrorDialog, error_text
from localsynth.tui.recipe.draft import Draft
from localsynth.tui.recipe.shelf import Shelf
from localsynth.tui.screens.recipe import RecipeScreen
from localsynth.workspace import Workspace
from tests.engine.gguf_files import gguf

from .faults_kit import RUN, begin, children, end_jobs, said
from .kit import opened, settled, until

LONG = RUN.format(100_000, "independent")
LOOPED = """\
rows = 16
seed = 3
[dataset]
name = "few"
[method]
name = "text-to-tabular"
batch_rows = 4
elicit = false
"""
ONE_PANEL = (80, 24)  # sentences are not cut in two by what stands beside them
CSV = "age,ill\n" + "".join(f"{20 + i % 40},{'ny'[i % 2]}\n" for i in range(60))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("midrun")
    space = Workspace(base / "ws")
    space.import_sample("wine")
    (base / "few.csv").write_text(CSV)
    space.import_file(base / "few.csv")
    return space.folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Iterator[Path]:
    """A workspace to be broken."""
    yield Path(shutil.copytree(made, tmp_path / "ws"))
    end_jobs(tmp_path / "ws")


@pytest.fixture(scope="module")
def undisturbed(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], pa.Table]:
    """The rows that a recipe makes where nothing happens."""
    space = Workspace(shutil.copytree(made, tmp_path_factory.mktemp("undisturbed") / "ws"))
    return cache(lambda recipe: space.rows_arrow(space.run(Recipe.from_toml(recipe))))


async def go_on(app: LocalsynthApp, pilot: Pilot[None], folder: Path, rows: int) -> pa.Table:
    """Press ``r``, wait for the end, and give the rows."""
    await pilot.press("r")
    await until(pilot, lambda: f"Finished: {rows:,} rows" in said(app), "the rows", patience=120)
    return Workspace(folder).rows_arrow("last")


@pytest.mark.model
async def test_the_engine_is_killed(
    folder: Path, undisturbed: Callable[[str], pa.Table], embedded_model: Path
) -> None:
    async with opened(folder, place="run", dataset="few", size=ONE_PANEL) as (app, pilot):
        job = await begin(app, LOOPED)
        assert job.pid
        await until(pilot, lambda: "1 kept" in said(app), "the first batch", patience=120)
        (engine,) = children(job.pid)
        os.kill(engine, signal.SIGKILL)
        await until(pilot, lambda: "Failed: the engine process was ended by SIGKILL" in said(app), "the end")
        assert "r goes on from there" in said(app)
        assert not isinstance(app.screen, ErrorDialog)
        assert 0 < Workspace(folder).get_run("last").rows_done < 16
        rows = await go_on(app, pilot, folder, 16)
    assert rows.equals(undisturbed(LOOPED))


@pytest.mark.skipif(
    not hasattr(resource, "prlimit"), reason="files of another process are limited on Linux only"
)
async def test_files_may_not_grow(folder: Path, undisturbed: Callable[[str], pa.Table]) -> None:
    """As with a quota, or a full disk, the run cannot write any more; other processes can."""
    async with opened(folder, place="run", dataset="wine", size=ONE_PANEL) as (app, pilot):
        job = await begin(app, LONG)
        assert job.pid
        size = (folder / "workspace.duckdb").stat().st_size
        resource.prlimit(job.pid, resource.RLIMIT_FSIZE, (size, size))
        await until(pilot, lambda: "Failed: the disk is full" in said(app), "the end")
        assert "r goes on from there" in said(app)
        rows = await go_on(app, pilot, folder, 100_000)
    assert rows.equals(undisturbed(LONG))


@pytest.fixture
def mounted() -> Iterator[ExitStack]:
    """What is mounted, to be unmounted; skips where nothing may be."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting needs root")
    with ExitStack() as stack:
        yield stack


def mount(stack: ExitStack, target: Path, *options: str) -> None:
    done = subprocess.run(["mount", *options, str(target)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot mount here: {done.stderr.strip()}")
    # A process that ends just now may hold a file there a moment longer: `-l` waits for that by itself.
    stack.callback(subprocess.run, ["umount", "-l", str(target)], check=True)


async def test_the_disk_is_full(
    made: Path, tmp_path: Path, mounted: ExitStack, undisturbed: Callable[[str], pa.Table]
) -> None:
    (tmp_path / "disk").mkdir()
    mount(mounted, tmp_path / "disk", "-t", "tmpfs", "-o", "size=48m", "tmpfs")
    folder = Path(shutil.copytree(made, tmp_path / "disk" / "ws"))
    mounted.callback(end_jobs, folder)
    async with opened(folder, place="run", dataset="wine", size=ONE_PANEL) as (app, pilot):
        await begin(app, LONG)
        fill(tmp_path / "disk" / "other")
        await until(pilot, lambda: "Failed: the disk is full" in said(app), "the end")
        for key in ("f2", "f3", "f4", "f6", "f7", "f8", "f5"):
            await pilot.press(key)
            await settled(pilot)
            assert not isinstance(app.screen, ErrorDialog), f"{key}: {said(app)}"
        fill(tmp_path / "disk" / "other")  # what the run gave back when it ended, too
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, ErrorDialog), "that nothing can be begun")
        assert "the disk is full" in said(app)
        await pilot.press("escape")
        (tmp_path / "disk" / "other").unlink()
        rows = await go_on(app, pilot, folder, 100_000)
    assert rows.equals(undisturbed(LONG))


def fill(path: Path) -> None:
    """Make the file longer until nothing more can be written beside it."""
    with path.open("ab", buffering=0) as file:
        try:
            while True:
                file.write(bytes(2**16))
        except OSError:
            return


async def test_the_file_may_not_be_written_any_more(
    folder: Path, mounted: ExitStack, undisturbed: Callable[[str], pa.Table]
) -> None:
    path = folder / "workspace.duckdb"
    async with opened(folder, place="run", dataset="wine", size=ONE_PANEL) as (app, pilot):
        with ExitStack() as stack:
            await begin(app, LONG)
            mount(stack, path, "--bind", str(path))
            mount(ExitStack(), path, "-o", "remount,bind,ro")
            await until(pilot, lambda: "read-only" in said(app), "the end")
            assert "Failed: " in said(app)
            assert "r goes on from there" in said(app)
            await pilot.press("f6")
            await until(pilot, lambda: "synthetic rows" in said(app), "what is kept")
            await pilot.press("f5")
        rows = await go_on(app, pilot, folder, 100_000)
    assert rows.equals(undisturbed(LONG))


async def test_the_model_is_deleted_before_the_run(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCALSYNTH_MODELS", str(tmp_path / "models"))
    (tmp_path / "tiny.gguf").write_bytes(gguf())
    model = Catalog().add(tmp_path / "tiny.gguf", "tiny")
    async with opened(folder, place="home", dataset="few") as (app, pilot):
        data = {"rows": 5, "dataset": {"name": "few"}, "model": {"name": "tiny"}}
        Shelf(app.memory).keep("few", Draft({**data, "method": {"name": "text-to-tabular"}}, "nothing"))
        await pilot.press("f4")
        await until(pilot, lambda: "Good: 5 rows of few" in said(app), "a recipe that can be run")
        model.path.unlink()
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, ErrorDialog), "why it cannot begin")
        assert isinstance(app.screen, ErrorDialog)
        told = error_text(app.screen.error)
        assert str(model.path) in told
        assert "What to do: " in told
        assert "Traceback" not in told
        await pilot.press("escape")
        assert isinstance(app.screen, RecipeScreen)
    assert Workspace(folder).runs() == []
