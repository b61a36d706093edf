"""Home: what it shows of a workspace, every key of it, and that it neither waits nor holds the file."""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from collections.abc import Callable, Coroutine
from functools import partial, wraps
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text
from textual.app import App, ComposeResult
from textual.widgets import Input, OptionList, Select

from localsynth.core.events import Progress, encode
from localsynth.core.recipe import Recipe
from localsynth.core.words import size_text
from localsynth.engine.catalog import Catalog, Model
from localsynth.runs.lock import RunLock
from localsynth.store.session import Store
from localsynth.tui.app import LocalsynthApp
from localsynth.tui.dialogs import ConfirmDialog, ErrorDialog
from localsynth.tui.home import board
from localsynth.tui.home.asking import NameDialog
from localsynth.tui.home.choice import ChoiceDialog
from localsynth.tui.home.facts import Making
from localsynth.tui.home.importing import ImportDialog, share_of
from localsynth.tui.home.jobs import JobsDialog, LogDialog
from localsynth.tui.home.lines import about_run
from localsynth.tui.home.lists import DatasetList, ModelList, RunList
from localsynth.tui.paths import PathDialog
from localsynth.tui.screens.home import HomeScreen
from localsynth.tui.widgets.listing import Column, Entry, Listing, fitted
from localsynth.tui.widgets.tick import Tick
from localsynth.workspace import Workspace, forgetting
from tests.engine.gguf_files import gguf
from tests.tui.kit import PATIENCE_S, opened, screen_text, settled, until

NASTY = "[bold]x[/] \u202e表"
SHOWN = "[bold]x[/] \\u202e表"
CSV = "age,sex,[red]c\n" + "".join(f"{20 + i % 50},{'fm'[i % 2]},{i % 3}.5\n" for i in range(60))
SCHEMA = '[[columns]]\nname = "age"\nkind = "integer"\nrange = [18, 90]\n'
small = partial(opened, size=(80, 24))
RECIPE = 'rows = 20\nseed = 1\n[dataset]\nname = "clinic"\n[method]\nname = "independent"\n'


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with two datasets and a run; nobody changes it."""
    base = tmp_path_factory.mktemp("home")
    (base / "clinic.csv").write_text(CSV)
    space = Workspace(base / "ws")
    space.import_file(base / "clinic.csv", target="sex")
    space.import_file(base / "clinic.csv", name=NASTY, policy="schema", holdout=0)
    space.run(Recipe.from_toml(RECIPE, None))
    return space.folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy to change."""
    return Path(shutil.copytree(made, tmp_path / "ws"))


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No models but those of the test; paths start here; Home looks more often than people need it to."""
    monkeypatch.setattr(board, "_EVERY_S", 0.1)
    monkeypatch.setenv("LOCALSYNTH_MODELS", str(tmp_path / "models"))
    monkeypatch.chdir(tmp_path)


def played(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test of the UI, in an event loop of its own."""

    @wraps(test)
    def run(**given: Any) -> None:
        asyncio.run(test(**given))

    return run


def home(app: LocalsynthApp) -> HomeScreen:
    screen = app.screen_stack[0] if isinstance(app.screen_stack[0], HomeScreen) else app.screen
    assert isinstance(screen, HomeScreen)
    return screen


def lists(app: LocalsynthApp) -> tuple[DatasetList, RunList, ModelList]:
    screen = home(app)
    return screen.query_one(DatasetList), screen.query_one(RunList), screen.query_one(ModelList)


async def known(app: LocalsynthApp, pilot: Any, text: str) -> None:
    """Until the screen shows it; to ask for the text takes some milliseconds, so not too often."""
    end = time.monotonic() + PATIENCE_S
    while text not in screen_text(app):
        assert time.monotonic() < end, f"waited in vain for {text}:\n{screen_text(app)}"
        await asyncio.sleep(0.03)
    await pilot.pause()


async def dialog(app: LocalsynthApp, pilot: Any, kind: type[Any]) -> Any:
    await until(pilot, lambda: isinstance(app.screen, kind) and app.screen.is_mounted, kind.__name__)
    await pilot.pause()
    return app.screen


async def close(app: LocalsynthApp, pilot: Any) -> None:
    """Leave a dialog, and wait until it is gone."""
    before = app.screen
    await pilot.press("escape")
    await until(pilot, lambda: app.screen is not before, "the dialog to close")
    await pilot.pause()


def keys_of(listing: Listing) -> list[str]:
    return [one.key for one in listing.entries]


async def type_path(app: LocalsynthApp, pilot: Any, path: Path) -> None:
    (await dialog(app, pilot, PathDialog)).query_one(Input).value = str(path)
    await pilot.press("enter")


# --- what it shows ----------------------------------------------------------------------------------------------------


@played
async def test_shows_datasets_runs_and_models_at_any_size(made: Path) -> None:
    async with opened(made) as (app, pilot):
        await known(app, pilot, "independent")
        run = Workspace(made).runs()[0].run_id
        for size in ((80, 24), (20, 5), (1, 1), (200, 60), (120, 40)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            if size[0] < 80:
                continue
            await known(app, pilot, "not installed")
            text = screen_text(app)
            for word in ("Datasets (2)", "Runs (1)", "clinic", SHOWN, "finished", "60", "40", "smollm2-135m"):
                assert word in text, word
            assert run in text  # whatever the width: at least below the chosen line


@played
async def test_a_score_and_a_status_are_shown(folder: Path) -> None:
    space = Workspace(folder)
    run = space.runs()[0]
    with space.store.write() as con:
        for metric, value in (("c2st_gb_auc", 0.9), ("c2st_rf_auc", 0.625), ("invalid_rows", 0.0)):
            con.execute(
                "INSERT INTO meta.metrics BY NAME SELECT ? AS run_id, 'clinic' AS dataset, ? AS subject, 'fidelity' AS family,"
                " ? AS metric, ? AS value, '' AS note, 0 AS position, 0 AS seed, 0 AS reference_rows,"
                " TIMESTAMP '2100-01-01' AS computed_at, false AS outside_budget",
                [run.run_id, run.run_id, metric, value],
            )
        con.execute("UPDATE meta.runs SET status = 'running'")
    async with small(folder) as (app, pilot):
        await known(app, pilot, "0.6")
        await known(app, pilot, "interrupted")  # its process is gone
        assert "0.62" in screen_text(app)


@played
async def test_nothing_of_the_file_is_held_or_read_while_nothing_changes(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with small(made) as (app, pilot):
        await known(app, pilot, "finished")
        await settled(pilot)
        reads: list[str] = []
        real = Store.read

        def counted(self: Store, timeout: float | None = None) -> Any:
            reads.append("read")
            return real(self, timeout)

        monkeypatch.setattr(Store, "read", counted)
        looks = home(app)._looks
        await until(pilot, lambda: home(app)._looks > looks + 1, "two more looks")
        assert not reads
        with Workspace(made).store.write(timeout=0.5):
            pass


@played
async def test_what_others_change_shows_up(folder: Path, tmp_path: Path) -> None:
    async with small(folder) as (app, pilot):
        await known(app, pilot, "finished")
        Workspace(folder).set_policy("clinic", "statistics")
        (tmp_path / "other.csv").write_text("a,b\n1,2\n3,4\n")
        Workspace(folder).import_file(tmp_path / "other.csv")
        await until(pilot, lambda: "other" in keys_of(lists(app)[0]), "the new dataset")


@played
async def test_a_run_that_is_made_shows_how_far_it_is(folder: Path) -> None:
    space = Workspace(folder)
    run = space.runs()[0]
    with space.store.write() as con:
        con.execute("UPDATE meta.runs SET status = 'running', rows_wanted = 200")
    events = folder / "runs" / run.run_id / "events.jsonl"
    with RunLock(folder / "runs" / run.run_id, run.run_id), events.open("a") as file:
        file.write(encode(Progress(run.run_id, 1.0, 50.0, 200, 12.5, 100.0, 12.0)) + "\n{torn")
        file.flush()
        async with small(folder) as (app, pilot):
            await known(app, pilot, "running 25%")
            await known(app, pilot, "50/200")
            await known(app, pilot, "12.5 rows/s, 0:12 left")


@played
async def test_a_run_that_learns_shows_how_far_that_is(folder: Path) -> None:
    space = Workspace(folder)
    run = space.runs()[0]
    with space.store.write() as con:
        con.execute("UPDATE meta.runs SET status = 'running', rows_done = 0")
    events = folder / "runs" / run.run_id / "events.jsonl"
    with RunLock(folder / "runs" / run.run_id, run.run_id), events.open("a") as file:
        told = Progress(
            run.run_id, 1.0, 0.0, 200, 0.0, 100.0, None, stage="game", stage_share=0.63, stage_eta_s=12.0
        )
        file.write(encode(told) + "\n")
        file.flush()
        async with small(folder) as (app, pilot):
            await known(app, pilot, "learning 63%")
            await known(app, pilot, "game 63%, 0:12 left")


@played
async def test_a_subject_that_is_gone_is_forgotten(made: Path) -> None:
    async with small(made, dataset="gone", run="20200101-000000-gone-0000") as (app, pilot):
        await until(pilot, lambda: app.subject.dataset is None)
    async with small(made, dataset="clinic", run="20200101-000000-gone-0000") as (app, pilot):
        await until(pilot, lambda: app.subject.run is None)
        assert app.subject.dataset == "clinic"


@played
async def test_a_file_that_another_writes_is_waited_for_in_a_line(folder: Path) -> None:
    space = Workspace(folder)
    with space.store.write():
        async with small(folder) as (app, pilot):
            app.desk.workspace().timeout = 0.1
            await known(app, pilot, "waiting: the workspace")
            assert len(app.screen_stack) == 1  # no dialog
            assert "reading the workspace" in screen_text(app)
    async with small(folder) as (app, pilot):
        await known(app, pilot, "finished")
        assert "waiting" not in screen_text(app)


@played
async def test_a_workspace_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "ws").mkdir()
    (tmp_path / "ws" / "workspace.duckdb").write_text("no database at all")
    async with small(tmp_path / "ws") as (app, pilot):
        await until(pilot, lambda: home(app)._trouble, "the trouble")
        await known(app, pilot, home(app)._trouble[:30])


@played
async def test_an_empty_workspace_teaches_the_first_keys(tmp_path: Path) -> None:
    async with small(tmp_path / "none") as (app, pilot):
        await known(app, pilot, "Welcome to localsynth")
        text = screen_text(app)
        assert "Import a table" in text
        assert "Take a sample" in text
        assert "F4" in text
        assert "made when it is first used" in text
        assert not (tmp_path / "none").exists()


@played
async def test_who_may_only_look_is_not_told_to_import(tmp_path: Path, made: Path) -> None:
    async with small(tmp_path / "none", read_only=True) as (app, pilot):
        await known(app, pilot, "nothing to look at")
    async with small(made, read_only=True) as (app, pilot):
        await known(app, pilot, "finished")
        before = screen_text(app)
        for key in ("i", "s", "t", "d", "p", "2", "d", "3", "a", "n", "v", "d"):
            await pilot.press(key)
        await settled(pilot)
        assert len(app.screen_stack) == 1
        assert "Import" in before.splitlines()[0] or "i Import" not in before


# --- going on ---------------------------------------------------------------------------------------------------------


@played
async def test_enter_goes_to_columns_and_report(made: Path) -> None:
    async with small(made) as (app, pilot):
        await known(app, pilot, "finished")
        lists(app)[0].choose("clinic")
        await pilot.press("1", "enter")
        await until(pilot, lambda: app.current_mode == "schema")
        assert app.subject.dataset == "clinic"
        await pilot.press("f2", "2", "enter")
        await until(pilot, lambda: app.current_mode == "report")
        assert app.subject.run == Workspace(made).runs()[0].run_id


@played
async def test_enter_goes_to_a_run_that_is_not_done(folder: Path) -> None:
    with Workspace(folder).store.write() as con:
        con.execute("UPDATE meta.runs SET status = 'cancelled'")
    async with small(folder) as (app, pilot):
        await known(app, pilot, "cancelled")
        await pilot.press("2", "enter")
        await until(pilot, lambda: app.current_mode == "run")


@played
async def test_space_chooses_and_f_filters(made: Path) -> None:
    async with small(made) as (app, pilot):
        await known(app, pilot, "finished")
        lists(app)[0].choose(NASTY)
        await pilot.press("1", "space")
        assert app.subject.dataset == NASTY
        assert app.current_mode == "home"
        await until(pilot, lambda: any(one.marked for one in lists(app)[0].entries))
        await pilot.press("2", "f")
        await until(pilot, lambda: not lists(app)[1].entries, "no runs of it")
        await known(app, pilot, f"of {SHOWN}")
        await pilot.press("f")
        await until(pilot, lambda: lists(app)[1].entries)
        await pilot.press("space")
        assert app.subject.run == lists(app)[1].chosen
        for key, one in zip("123", lists(app), strict=True):
            await pilot.press(key)
            assert app.focused is one
        facts = home(app)._facts
        await pilot.press("r")
        await until(pilot, lambda: home(app)._facts is not facts, "another reading")


@played
async def test_a_click_chooses_and_a_second_one_opens(made: Path) -> None:
    async with small(made) as (app, pilot):
        await known(app, pilot, "finished")
        await until(
            pilot, lambda: lists(app)[0].size.height >= 3, "room for both lines, which a click is to hit"
        )
        other = 1 - lists(app)[0].line
        await pilot.click(DatasetList, offset=(10, 2 + other))
        await pilot.pause()
        assert lists(app)[0].line == other
        assert app.current_mode == "home"
        await pilot.click(DatasetList, offset=(10, 2 + other))
        await until(pilot, lambda: app.current_mode == "schema")


# --- bringing in ------------------------------------------------------------------------------------------------------


@played
async def test_import_with_a_preview_in_a_job(tmp_path: Path) -> None:
    path = tmp_path / "my table.csv"
    path.write_text(CSV)
    async with small(tmp_path / "ws") as (app, pilot):
        await known(app, pilot, "Welcome")
        await pilot.press("i")
        await type_path(app, pilot, path)
        form = await dialog(app, pilot, ImportDialog)
        await known(app, pilot, "60 rows, 3 columns")
        assert "[red]c" in screen_text(app)
        assert "20 to 66" in screen_text(app)  # of the train rows, as the import will have it
        assert not (tmp_path / "ws").exists()  # looking changes nothing
        form.query_one("#name", Input).value = "clinic"
        form.query_one("#holdout", Input).value = "25%"
        form.query_one("#target", Select).value = "sex"
        form.query_one("#see", Select).value = "statistics"
        await pilot.press("enter")
        await until(pilot, lambda: app.subject.dataset == "clinic", "the import")
        await until(pilot, lambda: "clinic" in keys_of(lists(app)[0]))
        await until(pilot, lambda: app.focused is lists(app)[0], "the list that Enter is said to open")
        found = Workspace(tmp_path / "ws").dataset("clinic")
        assert (found.rows, found.holdout_rows, found.policy.label, found.schema.target) == (
            60,
            15,
            "statistics",
            "sex",
        )
        assert app.memory.get("home.folder") == f"{tmp_path}/"


@played
async def test_import_of_wrong_things(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "latin.csv"
    path.write_bytes("name,n\nMüller,1\nWeiß,2\n".encode("latin-1"))
    async with small(folder) as (app, pilot):
        await known(app, pilot, "finished")
        await pilot.press("i")
        await type_path(app, pilot, path)
        form = await dialog(app, pilot, ImportDialog)
        await known(app, pilot, "not UTF-8")
        form.query_one("#encoding", Input).value = "latin-1"
        await known(app, pilot, "2 rows, 2 columns")
        for field, wrong, said in (
            ("name", " ", "not blank"),
            ("name", "Clinic", "already"),
            ("holdout", "three", "share"),
            ("holdout", "100%", "below 1"),
            ("seed", "x", "seed"),
        ):
            before = form.query_one(f"#{field}", Input).value
            form.query_one(f"#{field}", Input).value = wrong
            await pilot.press("enter")
            await known(app, pilot, said)
            form.query_one(f"#{field}", Input).value = before
        form.query_one("#name", Input).value = "clinic"
        form.query_one(Tick).value = True
        await known(app, pilot, "[X]")
        await pilot.press("escape")
        await settled(pilot)
        assert not Workspace(folder).jobs()


@played
async def test_an_import_that_fails_says_so_wherever_one_is(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("a,b\n1,2\n")
    async with small(folder) as (app, pilot):
        await known(app, pilot, "finished")
        await pilot.press("i")
        await type_path(app, pilot, path)
        await dialog(app, pilot, ImportDialog)
        await known(app, pilot, "1 row, 2 columns")
        path.write_text("a,b\n1,2,3\n")
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, ImportDialog))
        await pilot.press("f7")
        error = await dialog(app, pilot, ErrorDialog)
        assert "bad.csv" in error.error.message
        await close(app, pilot)
        await pilot.press("f2", "l")
        jobs = await dialog(app, pilot, JobsDialog)
        await known(app, pilot, "failed")
        await pilot.press("s", "x", "enter")
        await dialog(app, pilot, LogDialog)
        await known(app, pilot, "What to do")
        await close(app, pilot)
        await pilot.press("d")
        await until(pilot, lambda: not jobs.query_one(Listing).entries, "an empty list")
        await known(app, pilot, "there are no jobs")


@played
async def test_a_sample(tmp_path: Path) -> None:
    async with small(tmp_path / "ws") as (app, pilot):
        await known(app, pilot, "Welcome")
        await pilot.press("s")
        choice = await dialog(app, pilot, ChoiceDialog)
        names = [one.key for one in choice._choices]
        choice.query_one(OptionList).highlighted = names.index("asia")
        await pilot.press("enter")
        await dialog(app, pilot, ImportDialog)
        await known(app, pilot, "1,000 rows, 8 columns")
        await until(pilot, lambda: app.screen.query_one("#target", Select).value == "dysp")
        await close(app, pilot)
        await pilot.press("s")
        await dialog(app, pilot, ChoiceDialog)
        await close(app, pilot)
        await settled(pilot)
        assert len(app.screen_stack) == 1


@played
async def test_a_described_table(tmp_path: Path) -> None:
    (tmp_path / "people.schema.toml").write_text(SCHEMA)
    (tmp_path / "wrong.toml").write_text("columns = 3")
    async with small(tmp_path / "ws") as (app, pilot):
        await known(app, pilot, "Welcome")
        await pilot.press("t")
        await type_path(app, pilot, tmp_path / "wrong.toml")
        await dialog(app, pilot, ErrorDialog)
        await close(app, pilot)
        await pilot.press("t")
        await type_path(app, pilot, tmp_path / "people.schema.toml")
        form = await dialog(app, pilot, NameDialog)
        assert form.query_one(Input).value == "people"
        form.query_one(Input).value = " "
        await pilot.press("enter")
        await known(app, pilot, "not blank")
        form.query_one(Input).value = "people"
        await pilot.press("enter")
        await until(pilot, lambda: app.subject.dataset == "people")
        await known(app, pilot, "no rows")
        assert Workspace(tmp_path / "ws").dataset("people").rows == 0


# --- datasets and runs ------------------------------------------------------------------------------------------------


@played
async def test_policy_then_remove_a_dataset_after_asking(folder: Path) -> None:
    async with small(folder, dataset="clinic") as (app, pilot):
        await known(app, pilot, "finished")
        await pilot.press("1", "p")
        await dialog(app, pilot, ChoiceDialog)
        await known(app, pilot, "as it is now")
        await pilot.press("up", "enter")
        await until(pilot, lambda: Workspace(folder).dataset("clinic").policy.label == "statistics")
        await settled(pilot)
        await pilot.press("d")
        await dialog(app, pilot, ConfirmDialog)
        text = screen_text(app)
        assert "60 real rows" in text
        assert "1 run with 20 rows" in text
        await pilot.press("n")
        await settled(pilot)
        assert len(Workspace(folder).datasets()) == 2
        await pilot.press("d")
        await dialog(app, pilot, ConfirmDialog)
        await pilot.press("y")
        await until(pilot, lambda: keys_of(lists(app)[0]) == [NASTY])
        assert app.subject.dataset is None
        assert not Workspace(folder).runs()


@played
async def test_delete_a_run_after_asking_unless_it_is_being_made(folder: Path) -> None:
    run = Workspace(folder).runs()[0].run_id
    async with small(folder, dataset="clinic", run=run) as (app, pilot):
        await known(app, pilot, "finished")
        await pilot.press("2", "d")
        await dialog(app, pilot, ConfirmDialog)
        assert "20 rows of clinic, made by independent" in screen_text(app)
        with RunLock(folder / "runs" / run, run):
            await pilot.press("y")
            error = await dialog(app, pilot, ErrorDialog)
        assert "being made" in error.error.message
        await close(app, pilot)
        await pilot.press("d")
        await dialog(app, pilot, ConfirmDialog)
        await pilot.press("y")
        await known(app, pilot, "no runs yet")
        assert (app.subject.dataset, app.subject.run) == ("clinic", None)


@played
async def test_export(made: Path, tmp_path: Path) -> None:
    async with small(made) as (app, pilot):
        await known(app, pilot, "finished")
        await pilot.press("2")
        for name in ("rows.csv", "rows.parquet"):
            await pilot.press("e")
            asked = await dialog(app, pilot, PathDialog)
            assert asked.query_one(Input).value.endswith(".csv")
            await type_path(app, pilot, tmp_path / name)
            await until(pilot, (tmp_path / name).exists, "the file")
            assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
            await settled(pilot)
        assert (tmp_path / "rows.csv").read_text().count("\n") == 21


# --- models -----------------------------------------------------------------------------------------------------------


@played
async def test_models_are_added_checked_and_removed(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(HomeScreen, "say", lambda self, text: said.append(text))
    file = tmp_path / "Own.gguf"
    file.write_bytes(gguf())
    async with small(made) as (app, pilot):
        await known(app, pilot, "not installed")
        await pilot.press("3", "a")
        await type_path(app, pilot, file)
        form = await dialog(app, pilot, NameDialog)
        form.query_one(Input).value = "tiny"
        await pilot.press("enter")
        models = lists(app)[2]
        await until(pilot, lambda: "tiny" in keys_of(models), "the model")
        await known(app, pilot, "default")
        models.choose("tiny")
        await pilot.press("enter")
        await known(app, pilot, "sha256")
        await close(app, pilot)
        await pilot.press("v")
        await until(pilot, lambda: said[-1:] == ["tiny is as it was registered"])
        path = Catalog().get("tiny").path
        path.write_bytes(gguf(fill=b"\7"))
        await pilot.press("v")
        error = await dialog(app, pilot, ErrorDialog)
        assert "has changed" in error.error.message
        await close(app, pilot)
        await pilot.press("d")
        await dialog(app, pilot, ConfirmDialog)
        assert "is deleted" in screen_text(app)
        await pilot.press("y")
        await until(pilot, lambda: "tiny" not in keys_of(models))
        assert not path.exists()
        assert file.exists()


@played
async def test_a_model_is_installed_from_a_file_and_never_fetched(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed: list[tuple[str, object]] = []
    file = tmp_path / "carried.whl"
    file.write_bytes(b"")

    def install(self: Catalog, name: str, source: object, told: Callable[[str, float], None]) -> Model:
        told("unpacking", 0.5)
        installed.append((name, source))
        return self.list()[0]

    monkeypatch.setattr(Catalog, "install", install)
    async with small(made) as (app, pilot):
        await known(app, pilot, "not installed")
        await pilot.press("3", "n")
        await dialog(app, pilot, ConfirmDialog)
        assert "localsynth models install smollm2-135m" in screen_text(app)
        await pilot.press("escape")
        await settled(pilot)
        assert not installed
        await pilot.press("n")
        await dialog(app, pilot, ConfirmDialog)
        await pilot.press("y")
        await type_path(app, pilot, file)
        await until(pilot, lambda: installed, "the model")
        assert installed == [("smollm2-135m", file)]


# --- jobs and forgetting ----------------------------------------------------------------------------------------------


@played
async def test_jobs_say_what_they_are_of_and_how_they_ended_once(folder: Path) -> None:
    space = Workspace(folder)
    run = space.runs()[0].run_id
    jobs = [
        space.start_job("run", recipe=RECIPE),
        space.start_job("evaluate", runs=(run,), metrics=("validity",)),
        space.start_job("run", recipe='[dataset]\nname = "[b]none[/b]"\n[method]\nname = "independent"\n'),
    ]
    async with opened(folder, size=(160, 40)) as (app, pilot):
        await until(pilot, lambda: all(job.state().over for job in jobs), "the jobs to end")
        await pilot.press("l")
        found = (await dialog(app, pilot, JobsDialog)).query_one(Listing)
        await until(pilot, lambda: len(found.entries) == 3, "the jobs")
        cells = {one.key: [cell.plain for cell in one.cells] for one in found.entries}
        made, judged, failed = (cells[job.id] for job in jobs)
        assert made[:3] == ["run a recipe", "clinic, independent", "done"]
        assert made[4] == "20 rows"
        assert judged[:3] == [f"evaluate {run}", "clinic, independent", "done"]
        assert judged[4] == ""
        assert failed[:3] == ["run a recipe", "[b]none[/b], independent", "failed"]
        shown = screen_text(app)
        assert shown.count("done") == 2
        assert f"evaluate {run}" in shown
        await close(app, pilot)


@played
async def test_a_dataset_is_forgotten_after_its_name_is_typed(folder: Path) -> None:
    async with opened(folder, dataset="clinic", size=(80, 24)) as (app, pilot):
        await known(app, pilot, "finished")
        await pilot.press("D")
        asked = await dialog(app, pilot, NameDialog)
        shown = " ".join(screen_text(app).split())
        for word in ("60 real rows", "1 run with 20 rows", "prompts", "checkpoints", "adapters"):
            assert word in shown
        await pilot.press(*"clin", "enter")
        await known(app, pilot, "that is not its name: type clinic")
        assert len(Workspace(folder).datasets()) == 2
        asked.query_one(Input).value = "clinic"
        await pilot.press("enter")
        await until(pilot, lambda: keys_of(lists(app)[0]) == [NASTY], "it to be gone")
        await until(
            pilot, lambda: any("forgot clinic" in one.message for one in app._notifications), "a word"
        )
        assert app.subject.dataset is None
        app.memory.put("of another place", "clinic")
    space = Workspace(folder)
    assert [one.name for one in space.datasets()] == [NASTY]
    assert not space.runs()
    assert space.audit("clinic")[-1].what == "dataset forgotten"
    assert "of another place" not in (folder / "ui" / "state.json").read_text()


@played
async def test_the_ui_answers_while_a_dataset_is_forgotten(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, usual = threading.Event(), forgetting.compact

    def slowly(store: Store) -> int:
        assert go_on.wait(PATIENCE_S)
        return usual(store)

    monkeypatch.setattr(forgetting, "compact", slowly)
    async with opened(folder, dataset="clinic", size=(120, 40)) as (app, pilot):
        await known(app, pilot, "finished")
        await pilot.press("D")
        (await dialog(app, pilot, NameDialog)).query_one(Input).value = "clinic"
        await pilot.press("enter")
        await known(app, pilot, "forgetting clinic: writing the database anew")
        await pilot.press("D")
        await until(
            pilot, lambda: any("is being forgotten" in one.message for one in app._notifications), "a word"
        )
        await pilot.press("f7")
        await until(pilot, lambda: app.current_mode == "sql", "another place")
        await pilot.press("f2")
        go_on.set()
        await until(
            pilot, lambda: any("forgot clinic" in one.message for one in app._notifications), "a word"
        )


@played
async def test_who_only_looks_forgets_nothing(made: Path) -> None:
    async with opened(made, dataset="clinic", size=(80, 24), read_only=True) as (app, pilot):
        await known(app, pilot, "finished")
        await pilot.press("D")
        await app.screen.run_action("forget_dataset")
        await settled(pilot)
        assert isinstance(app.screen, HomeScreen)
        assert "Forget" not in screen_text(app)


@played
async def test_a_wide_screen_shows_names_in_full(folder: Path) -> None:
    space = Workspace(folder)
    recipe = RECIPE.replace("independent", "text-to-tabular") + '[model]\nname = "uniform"\n'
    path = folder / "a_recipe_for_the_clinic.toml"
    path.write_text(recipe)
    run = space.run(path)
    for size in ((80, 24), (200, 60)):
        async with opened(folder, size=size) as (app, pilot):
            await known(app, pilot, "text-to-tabular")
            assert "clinic" in screen_text(app)
    async with opened(folder, size=(260, 60)) as (app, pilot):
        await known(app, pilot, run.run_id)
        assert "a_recipe_for_the_clinic" in screen_text(app)


# --- pieces -----------------------------------------------------------------------------------------------------------


@given(
    st.lists(
        st.tuples(st.integers(1, 40), st.integers(0, 40), st.integers(0, 3)).map(
            lambda one: (one[0], Column("c", least=one[1], leaves=one[2]))
        ),
        min_size=1,
        max_size=8,
    ),
    st.integers(1, 200),
)
def test_columns_fit_where_they_can(given_columns: list[tuple[int, Column]], room: int) -> None:
    wanted, columns = [one for one, _ in given_columns], [one for _, one in given_columns]
    widths = fitted(columns, wanted, room)
    assert list(widths) == sorted(widths)
    assert all(width <= wanted[number] for number, width in widths.items())
    staying = [number for number, one in enumerate(columns) if not one.leaves]
    assert set(staying) <= set(widths)
    used = sum(widths.values()) + 2 * (len(widths) - 1)
    if sum(wanted) + 2 * (len(wanted) - 1) <= room:
        assert list(widths.values()) == wanted
    elif used > room:  # nothing is left that could leave or shrink
        assert set(widths) == set(staying)
        assert all(width == min(columns[n].least or wanted[n], wanted[n]) for n, width in widths.items())


@given(st.floats(0, 0.99))
def test_shares_are_read_as_people_write_them(share: float) -> None:
    assert share_of(f"{share:.6f}") == pytest.approx(share, abs=1e-6)
    assert share_of(f"{100 * share:.6f}%") == pytest.approx(share, abs=1e-6)
    assert share_of(f"{share:.6f}".replace(".", ",")) == pytest.approx(share, abs=1e-6)
    assert share_of("1/3") == 1 / 3


@pytest.mark.parametrize("text", ["", "x", "1/0", "-0.1", "1", "nan", "inf", "1/3/4", "200%"])
def test_other_shares_are_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="share"):
        share_of(text)


def test_sizes_in_units_people_know() -> None:
    sizes = [size_text(size) for size in (12, 4_100, 98_362_432, 1_230_000_000)]
    assert sizes == ["12 B", "4 kB", "98 MB", "1.2 GB"]


class _Alone(App[None]):
    """A list and nothing else."""

    def compose(self) -> ComposeResult:
        yield Listing([Column("n", right=True), Column("word", least=4), Column("more", leaves=1)])


@played
async def test_a_long_list_follows_the_chosen_line() -> None:
    app = _Alone()
    async with app.run_test(size=(40, 10)) as pilot:
        found = app.query_one(Listing)
        found.styles.height = "1fr"
        found.show(
            [
                Entry(str(n), (Text(str(n)), Text(f"word {n}"), Text("x" * 9)), marked=n == 3)
                for n in range(500)
            ]
        )
        found.focus()
        await pilot.press("end")
        await until(pilot, lambda: "word 499" in screen_text(app))
        assert screen_text(app).splitlines()[0].split() == ["n", "word", "more"]  # titles stay
        await pilot.press("pageup", "up", "k", "j", "pagedown", "home", "down", "down", "down")
        await until(pilot, lambda: "▸•  3  word 3" in screen_text(app))
        await pilot.resize_terminal(16, 10)
        await until(pilot, lambda: "more" not in screen_text(app))
        found.show([])
        await until(pilot, lambda: "word" not in screen_text(app))
        assert found.chosen is None
        await pilot.press("enter", "down")


def test_names_have_their_room_before_others_come() -> None:
    columns = [
        Column("method", least=11),
        Column("run", leaves=2),
        Column("model", least=8, leaves=3),
        Column("x", leaves=4),
    ]
    assert fitted(columns, [15, 27, 12, 0], 60) == {0: 15, 1: 27, 2: 12}
    assert fitted(columns, [15, 27, 12, 0], 45) == {0: 15, 1: 27}
    assert fitted(columns, [15, 27, 12, 0], 40) == {0: 15, 2: 12}
    assert fitted(columns, [15, 27, 12, 0], 12) == {0: 12}


def test_a_run_without_a_row_has_no_rate(made: Path) -> None:
    run = Workspace(made).runs()[0]
    begun = Progress(run.run_id, 0.0, 0.0, 20, 0.0, 0.0, None, "rows")
    assert about_run(run, Making("running", begun)) == f"{run.run_id}; no rate yet"
