"""The place where recipes are written, as a person uses it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, Select, Static, TextArea

from localsynth.core.errors import StoreVersionError
from localsynth.core.recipe import Recipe
from localsynth.tui.app import LocalsynthApp
from localsynth.tui.dialogs import ErrorDialog, error_text
from localsynth.tui.recipe.cards import Cards
from localsynth.tui.recipe.form import Form
from localsynth.tui.recipe.rows import FieldRow, Tick
from localsynth.tui.screens.recipe import RecipeScreen
from localsynth.workspace import Workspace
from tests.tui.kit import opened, screen_text, settled, until


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    space = Workspace(tmp_path_factory.mktemp("recipe") / "ws")
    space.import_sample("wine")
    space.import_sample("diabetes", policy="statistics")
    space.run(
        Recipe.from_toml('rows = 20\nseed = 7\n[dataset]\nname = "wine"\n[method]\nname = "independent"\n')
    )
    return space.folder


def place(app: LocalsynthApp) -> RecipeScreen:
    screen = app.screen_stack[0]
    assert isinstance(screen, RecipeScreen)
    return screen


def form(app: LocalsynthApp) -> Form:
    return place(app).query_one(Form)


def data(app: LocalsynthApp) -> dict[str, Any]:
    return tomllib.loads(place(app).draft.text())


async def checked(app: LocalsynthApp, pilot: Pilot[None]) -> None:
    """Until what is written now is checked, and shown."""

    def known() -> bool:
        told = place(app).told
        return told is not None and told.text == place(app).draft.text() and not form(app).busy

    await until(pilot, known, "a check")
    await settled(pilot)


async def choose(app: LocalsynthApp, pilot: Pilot[None], method: str) -> None:
    options = place(app).query_one(Cards).query_one(OptionList)
    options.focus()
    options.highlighted = options.get_option_index(method)
    await pilot.press("enter")
    await until(pilot, lambda: data(app)["method"]["name"] == method)
    await checked(app, pilot)


async def typed(app: LocalsynthApp, pilot: Pilot[None], key: tuple[str, ...], text: str) -> FieldRow:
    row = form(app).row(key)
    assert row is not None
    assert form(app).focus_on(key)
    await pilot.pause()
    row.query_one(Input).value = text
    await until(pilot, lambda: place(app).draft.get(key) == row.field.parsed(text))
    await checked(app, pilot)
    return row


async def refusal(app: LocalsynthApp, pilot: Pilot[None]) -> str:
    await until(pilot, lambda: isinstance(app.screen, ErrorDialog), "a dialog")
    assert isinstance(app.screen, ErrorDialog)
    return error_text(app.screen.error)


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_it_shows_methods_settings_and_the_file(folder: Path, size: tuple[int, int]) -> None:
    async with opened(folder, place="recipe", dataset="wine", size=size) as (app, pilot):
        await checked(app, pilot)
        await pilot.press("alt+1")
        assert "text-to-tabular" in screen_text(app)
        await pilot.press("alt+2")
        assert "wine  178 rows" in screen_text(app)
        await pilot.press("alt+3")
        assert 'name = "wine"' in screen_text(app)
        assert "Good: 500 rows of wine by llmsynthor" in screen_text(app)
        assert "Time: not known yet" in screen_text(app)
        if size == (80, 24):
            await pilot.click("Parts", offset=(3, 0))
            await until(pilot, lambda: "text-to-tabular" in screen_text(app))
            assert "178 rows" not in screen_text(app)
            await pilot.resize_terminal(20, 5)
            await pilot.resize_terminal(80, 24)
            await until(pilot, lambda: "text-to-tabular" in screen_text(app))


async def test_what_is_wrong_is_said_as_one_types_and_what_a_field_is_for(folder: Path) -> None:
    async with opened(folder, place="recipe", dataset="wine") as (app, pilot):
        await checked(app, pilot)
        row = await typed(app, pilot, ("rows",), "many")
        assert 'rows must be a whole number, not "many"' in screen_text(app)
        assert row.has_class("-wrong")
        assert "1 thing to mend" in screen_text(app)
        await pilot.press("alt+1")
        await pilot.press("m")
        assert app.focused is row.query_one(Input)
        await typed(app, pilot, ("rows",), "1,000")
        assert data(app)["rows"] == 1000
        assert not row.has_class("-wrong")
        assert "Good: 1,000 rows" in screen_text(app)
        await pilot.press("alt+m")
        assert app.focused is row.query_one(Input)
        about = form(app).query_one("#about", Static)
        await pilot.press("down")
        await until(pilot, lambda: "equal recipes with equal seeds" in str(about.render()))
        await pilot.press("up")
        await until(pilot, lambda: "How many rows to make. 1 to 100,000,000." in str(about.render()))


async def test_limits_are_set_like_anything_else(folder: Path) -> None:
    async with opened(folder, place="recipe", dataset="wine") as (app, pilot):
        await checked(app, pilot)
        row = await typed(app, pilot, ("limits", "max_memory"), "4")
        assert row.has_class("-wrong")
        assert "did you mean 4GB?" in screen_text(app)
        await typed(app, pilot, ("limits", "max_memory"), "4GB")
        await typed(app, pilot, ("limits", "max_minutes"), "30")
        assert not row.has_class("-wrong")
        assert data(app)["limits"] == {"max_minutes": 30, "max_memory": "4GB"}
        await typed(app, pilot, ("limits", "max_minutes"), "0")
        assert "max_minutes must be more than 0, not 0" in screen_text(app)


async def test_the_form_follows_method_and_mode_and_writes_only_what_differs(folder: Path) -> None:
    async with opened(folder, place="recipe", dataset="wine") as (app, pilot):
        await checked(app, pilot)
        await choose(app, pilot, "paft")
        assert form(app).row(("method", "outlines")) is not None
        await typed(app, pilot, ("method", "rank"), "8")
        await typed(app, pilot, ("method", "order"), "alcohol, hue")
        lock = form(app).row(("method", "lock"))
        assert lock is not None
        lock.query_one(Tick).focus()
        await pilot.press("space")
        await checked(app, pilot)
        await until(pilot, lambda: "lock" in data(app)["method"])
        assert "[ ] no" in screen_text(app)
        written = {"name": "paft", "rank": 8, "order": ["alcohol", "hue"], "lock": False}
        assert data(app)["method"] == written
        await pilot.press("d")
        await until(pilot, lambda: "lock" not in data(app)["method"])
        await checked(app, pilot)
        assert "temperature" in {row.field.key for row in form(app).rows()}
        mode = form(app).row(("method", "mode"))
        assert mode is not None
        mode.query_one(Select).value = "faithful"
        await until(pilot, lambda: "temperature" not in {row.field.key for row in form(app).rows()})
        assert data(app)["method"]["mode"] == "faithful"
        await choose(app, pilot, "independent")
        assert data(app)["method"] == {"name": "independent"}
        assert form(app).row(("model", "name")) is None


async def test_a_method_the_owner_does_not_allow_says_why(folder: Path) -> None:
    async with opened(folder, place="recipe", dataset="diabetes") as (app, pilot):
        await checked(app, pilot)
        assert "! not allowed here" in screen_text(app)
        await choose(app, pilot, "mallm-gan")
        assert "line 8: the method mallm-gan shows the model real rows" in screen_text(app)
        await pilot.press("r")
        assert "allows no more than: statistics" in await refusal(app, pilot)
        await pilot.press("escape")
        assert not Workspace(folder).jobs()


async def test_it_begins_from_a_packaged_recipe_a_run_a_file_and_nothing(
    folder: Path, tmp_path: Path
) -> None:
    run = Workspace(folder).runs("wine")[0].run_id
    async with opened(folder, place="recipe", dataset="wine", run=run, size=(200, 60)) as (app, pilot):
        await checked(app, pilot)
        await pilot.press("n")
        await until(pilot, lambda: "Begin a recipe from" in screen_text(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: data(app)["rows"] == 20)
        await checked(app, pilot)
        assert data(app) == {
            "rows": 20,
            "seed": 7,
            "dataset": {"name": "wine"},
            "method": {"name": "independent"},
        }
        assert "as run" in screen_text(app)  # the time is told by that run
        await pilot.press("alt+n")
        await until(pilot, lambda: "clinic" in screen_text(app))
        options = app.screen.query_one(OptionList)
        options.highlighted = next(
            index
            for index in range(options.option_count)
            if str(options.get_option_at_index(index).prompt).strip().startswith("clinic ")
        )
        await pilot.press("enter")
        await until(pilot, lambda: data(app)["dataset"].get("schema") == "clinic.schema.toml")
        await checked(app, pilot)
        assert "not in the workspace yet" in screen_text(app)
        mine = tmp_path / "mine.toml"
        mine.write_text('rows = 3\n[dataset]\nname = "wine"\n[method]\nname = "bootstrap"\n# a remark\n')
        await pilot.press("alt+n")
        await until(pilot, lambda: "Begin a recipe from" in screen_text(app))
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: app.screen.query(Input) and app.screen is not place(app))
        app.screen.query_one(Input).value = str(mine)
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is place(app) and data(app)["rows"] == 3)
        await checked(app, pilot)
        assert not place(app).draft.changed
        await pilot.press("alt+n")
        await until(pilot, lambda: "Begin a recipe from" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: data(app)["rows"] == 500)


async def test_it_is_saved_and_asks_before_it_replaces(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "saved.toml"
    async with opened(folder, place="recipe", dataset="wine") as (app, pilot):
        await checked(app, pilot)
        await typed(app, pilot, ("rows",), "12")
        for answer in ("", "y"):
            await pilot.press("alt+s")
            await until(pilot, lambda: app.screen is not place(app))
            app.screen.query_one(Input).value = str(target)
            await pilot.press("enter")
            if answer:
                await until(pilot, lambda: "Replace" in screen_text(app))
                await pilot.press(answer)
            await until(pilot, lambda: app.screen is place(app) and place(app).draft.path == target)
            place(app).draft.path = None
        assert Recipe.load(target).rows == 12
        assert str(target) in place(app).draft.origin


async def test_it_or_a_part_of_it_is_written_as_text(folder: Path) -> None:
    async with opened(folder, place="recipe", dataset="wine") as (app, pilot):
        await checked(app, pilot)
        await pilot.press("alt+1", "e")
        await until(pilot, lambda: app.screen.query(TextArea))
        area = app.screen.query_one(TextArea)
        area.text = "rows ="
        await until(pilot, lambda: "there is no value after '='" in screen_text(app))
        await pilot.press("f10")
        assert app.screen is not place(app)
        await pilot.press("escape")
        await until(pilot, lambda: "Leave without what you wrote?" in screen_text(app))
        await pilot.press("n")
        area.text = 'rows = 9\n[dataset]\nname = "wine"\n[method]\nname = "bootstrap"\n'
        await pilot.pause()
        await pilot.press("f10")
        await until(pilot, lambda: data(app)["rows"] == 9)
        await checked(app, pilot)
        assert "Good: 9 rows of wine by bootstrap" in screen_text(app)
        await choose(app, pilot, "text-to-tabular")
        assert form(app).focus_on(("method", "temperatures"))
        await pilot.press("enter")
        await until(pilot, lambda: app.screen.query(TextArea))
        area = app.screen.query_one(TextArea)
        area.text = "other = 1\n"
        await until(pilot, lambda: "only 'temperatures' is written here" in screen_text(app))
        area.text = "temperatures = { hue = 0.5 }\n"
        await pilot.pause()
        await pilot.press("f10")
        await until(pilot, lambda: data(app)["method"].get("temperatures") == {"hue": 0.5})
        await checked(app, pilot)
        assert "1 set" in screen_text(app)


async def test_nasty_text_is_shown_as_it_is(folder: Path, tmp_path: Path) -> None:
    mine = tmp_path / "nasty.toml"
    text = "[bold]x[/] \\u001b[31m \\u202etxt 表 \\t tab"
    mine.write_text(
        f'title = "{text}"\nwhere = "[red]a[/red]"\n[dataset]\nname = "wine"\n[method]\nname = "paft"\n'
    )
    async with opened(folder, place="recipe", dataset="wine", size=(80, 24)) as (app, pilot):
        await checked(app, pilot)
        from localsynth.tui.recipe.beginnings import Beginning

        place(app).go(place(app)._begin_from(Beginning("file", str(mine))), group="beginning")
        await until(pilot, lambda: "title" in data(app))
        await checked(app, pilot)
        shown = screen_text(app)
        assert "[red]a[/red]" in shown
        assert "[bold]x[/]" in shown
        assert not set(shown) & {"\x1b", "\u202e"}
        await pilot.press("3")
        await checked(app, pilot)
        shown = screen_text(app)
        assert "\\u001b[31m" in shown
        assert not set(shown) & {"\x1b", "\u202e"}
        assert data(app)["title"] == "[bold]x[/] \x1b[31m \u202etxt 表 \t tab"


async def test_without_a_workspace_it_says_what_to_do(tmp_path: Path) -> None:
    async with opened(tmp_path / "none", place="recipe") as (app, pilot):
        await checked(app, pilot)
        assert "none chosen" in screen_text(app)
        assert "No table is chosen yet" in screen_text(app)
        assert not (tmp_path / "none").exists()


async def test_drafts_are_kept_for_each_dataset(folder: Path) -> None:
    async with opened(folder, place="recipe", dataset="wine") as (app, pilot):
        await checked(app, pilot)
        await typed(app, pilot, ("rows",), "33")
        app.about("diabetes")
        await until(pilot, lambda: data(app)["dataset"]["name"] == "diabetes")
        app.about("wine")
        await until(pilot, lambda: data(app)["rows"] == 33)


async def test_a_run_is_started_and_gone_to(folder: Path) -> None:
    async with opened(folder, place="recipe", dataset="wine") as (app, pilot):
        await checked(app, pilot)
        await choose(app, pilot, "independent")
        await typed(app, pilot, ("rows",), "25")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: app.current_mode == "run", "the run's place")
        assert app.subject.run is not None
        made = Workspace(folder)
        await until(pilot, lambda: made.jobs()[0].state().over, "the job's end")
        run = made.get_run(app.subject.run)
        assert (run.rows_done, run.method) == (25, "independent")


async def test_a_job_that_is_refused_says_everything(folder: Path) -> None:
    async with opened(folder, place="recipe", dataset="wine") as (app, pilot):
        await checked(app, pilot)
        await choose(app, pilot, "bootstrap")
        # What the screen knows is old: the owner has changed the policy meanwhile.
        space = Workspace(folder)
        space.set_policy("wine", "statistics")
        try:
            await pilot.press("r")
            assert "allows no more than: statistics" in await refusal(app, pilot)
        finally:
            space.set_policy("wine", "rows")
        await pilot.press("escape")
        await checked(app, pilot)
        assert app.current_mode == "recipe"


async def test_who_may_only_look_starts_nothing(folder: Path, tmp_path: Path) -> None:
    before = len(Workspace(folder).jobs())
    async with opened(folder, place="recipe", dataset="wine", read_only=True) as (app, pilot):
        await checked(app, pilot)
        assert "looking only: nothing can be started" in screen_text(app)
        await pilot.press("r", "ctrl+r")
        await checked(app, pilot)
        place(app)._save_to(folder / "inside.toml")
        assert "open for looking only" in await refusal(app, pilot)
        await pilot.press("escape")
        place(app)._save_to(tmp_path / "outside.toml")
        await until(pilot, (tmp_path / "outside.toml").exists)
    assert not (folder / "inside.toml").exists()
    assert len(Workspace(folder).jobs()) == before


async def test_a_workspace_that_cannot_be_read_says_why_until_it_can(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(_: Workspace) -> Any:
        raise StoreVersionError("the workspace was made by a newer version", "update localsynth")

    with monkeypatch.context() as patch:
        patch.setattr(Workspace, "datasets", unreadable)
        async with opened(folder, place="recipe", dataset="wine", size=(120, 40)) as (app, pilot):
            await checked(app, pilot)
            shown = screen_text(app)
            assert "the workspace was made by a newer version" in shown
            assert "there is no dataset" not in shown
            assert "not in the workspace yet" not in shown
            patch.undo()
            await typed(app, pilot, ("rows",), "7")
            await until(pilot, lambda: "Good: 7 rows of wine" in screen_text(app), "the dataset")
            assert place(app).facts.dataset("wine") is not None
