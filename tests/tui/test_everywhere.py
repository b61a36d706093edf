"""What works at every place: going, help, palette, keys, themes, sizes, looking only, diagnosis."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from textual.command import CommandPalette
from textual.widgets import Input

from localsynth import Workspace
from localsynth.core.errors import LocalsynthError, Problem, StoreError
from localsynth.tui.app import LocalsynthApp
from localsynth.tui.bindings import all_bindings
from localsynth.tui.diagnosis import DiagnosisDialog
from localsynth.tui.dialogs import ConfirmDialog, ErrorDialog, error_text
from localsynth.tui.helping import HelpDialog, help_of
from localsynth.tui.memory import Memory, Settings, settings_file
from localsynth.tui.paths import PathDialog
from localsynth.tui.places import PLACES
from localsynth.tui.screens.base import PlaceScreen
from localsynth.tui.serve import Guard
from localsynth.tui.widgets.footer import KeyBar
from tests.tui.kit import opened, screen_text, settled, until


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a small dataset and a run."""
    base = tmp_path_factory.mktemp("everywhere")
    (base / "few.csv").write_text("a,b\n" + "".join(f"{i},{'xyz'[i % 3]}\n" for i in range(30)))
    space = Workspace(base / "ws")
    space.import_file(base / "few.csv")
    (base / "r.toml").write_text('rows = 5\n[dataset]\nname = "few"\n[method]\nname = "independent"\n')
    space.run(base / "r.toml")
    return space.folder


def told(app: LocalsynthApp, words: str) -> Callable[[], bool]:
    return lambda: any(words in one.message for one in app._notifications)


def is_at(app: LocalsynthApp, place: str) -> bool:
    return app.current_mode == place


async def test_every_place_is_a_key_and_a_click_away_and_survives_any_size(folder: Path) -> None:
    run = Workspace(folder).runs()[0].run_id
    async with opened(folder, dataset="few", run=run, size=(80, 24)) as (app, pilot):
        for one in (*PLACES[1:], PLACES[0]):
            await pilot.press(one.key)
            await until(pilot, partial(is_at, app, one.name), one.title)
            await settled(pilot)
            await pilot.resize_terminal(20, 5)
            await pilot.pause()
            await pilot.resize_terminal(80, 24)
            await settled(pilot)
            lines = screen_text(app).splitlines()
            assert len(lines) <= 24
            assert "dataset few" in "\n".join(lines[:3])
        start = screen_text(app).splitlines()[0].index("SQL")
        await pilot.click(offset=(start, 0))
        await until(pilot, lambda: app.current_mode == "sql", "a click")


async def test_f1_tells_of_what_has_the_focus(folder: Path) -> None:
    async with opened(folder, place="report", size=(80, 24)) as (app, pilot):
        await settled(pilot)
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpDialog), "help")
        assert "judges the rows" in screen_text(app)
        await pilot.press("escape")
        await app.push_screen(PathDialog("A file"))
        await settled(pilot)
        found = help_of(app.screen)
        assert found.texts[0].startswith("**A field.**")
        assert any("Tab goes on" in text for text in found.texts)
        assert ("tab", "Complete") in found.keys
        await pilot.press("question_mark")
        await until(pilot, lambda: app.screen.query_one(Input).value == "?", "a sign in the field")
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpDialog), "help")


def test_every_place_has_help() -> None:
    all_bindings()
    for one in PLACES:
        screen = one.load()()
        assert isinstance(screen, PlaceScreen)
        assert len((screen.HELP or "").strip().splitlines()) >= 3, one.name


async def test_the_palette_lists_actions_places_and_themes(folder: Path) -> None:
    run = Workspace(folder).runs()[0].run_id
    async with opened(folder, place="report", dataset="few", run=run, size=(100, 40)) as (app, pilot):
        await settled(pilot)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette), "the palette")
        await until(pilot, lambda: "Report: Evaluate" in screen_text(app), "an action")
        assert "Go to: SQL" in screen_text(app)
        assert "f7" in screen_text(app)
        await pilot.press(*"theme: nord")
        await until(pilot, lambda: "Theme: nord" in screen_text(app), "the theme")
        await pilot.press("enter")
        await until(pilot, lambda: app.theme == "nord", "other colours")
    assert Memory.read(str(folder)).settings.theme == "nord"


async def test_the_program_can_be_suspended_where_there_is_a_shell(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert all_bindings()["suspend"].key == "ctrl+z"
    suspended: list[bool] = []
    monkeypatch.setattr(LocalsynthApp, "action_suspend_process", lambda _: suspended.append(True))
    async with opened(folder) as (app, pilot):
        await settled(pilot)
        await pilot.press("ctrl+z")
        assert not suspended
        monkeypatch.setattr(type(app._driver), "can_suspend", True)
        await pilot.press("ctrl+z")
        await until(pilot, lambda: suspended, "to be suspended")
        assert any("shell" in about or about == "Suspend" for _, about in help_of(app.screen).keys)


async def test_a_picture_is_written(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with opened(folder, place="report", size=(100, 40)) as (app, pilot):
        await settled(pilot)
        await pilot.press("ctrl+p", *"write a picture")
        await until(pilot, lambda: "Everywhere: Picture" in screen_text(app), "the command")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, PathDialog), "where to")
        await settled(pilot)
        await pilot.press("enter")
        await until(pilot, (tmp_path / "localsynth.svg").exists, "the picture")
        assert (tmp_path / "localsynth.svg").stat().st_mode & 0o077 == 0
        links = set(re.findall(r"https?://[^\s\"'<)]+", (tmp_path / "localsynth.svg").read_text()))
        assert links <= {"http://www.w3.org/2000/svg", "https://www.textualize.io"}, "nothing to be fetched"


async def test_who_only_looks_can_do_nothing_that_writes(folder: Path) -> None:
    run = Workspace(folder).runs()[0].run_id
    async with opened(folder, dataset="few", run=run, read_only=True) as (app, pilot):
        for one in PLACES:
            await app.action_go(one.name)
            await settled(pilot)
            screen = app.screen
            assert isinstance(screen, PlaceScreen)
            offered = {active.binding.action.split("(")[0] for active in screen.active_bindings.values()}
            assert not offered & screen.WRITES, one.name
            assert not any(screen.check_action(action, ()) for action in screen.WRITES), one.name
            assert "looking only" in screen_text(app)
        with pytest.raises(StoreError, match="looking only"):
            await app.ask(lambda ws: ws.delete_run(run))
    assert [one.run_id for one in Workspace(folder).runs()] == [run]


async def test_other_keys(folder: Path) -> None:
    keys = {"go.rows": "f12", "report.evaluate": "f5", "go.nowere": "f10"}
    async with opened(folder, place="report", settings=Settings(keys=keys)) as (app, pilot):
        await until(pilot, told(app, "no action 'go.nowere'"), "the wrong name")
        assert told(app, "'f5' is the key of 'report.evaluate' and of 'go.run' too")()
        assert "F12 Rows" in screen_text(app)
        await app.push_screen(ConfirmDialog("Sure?"))
        await pilot.press("f12")
        await until(pilot, lambda: app.current_mode == "rows", "the new key, over a dialog")
        await pilot.press("f6")
        await settled(pilot)
        assert app.current_mode == "rows"


async def test_themes(folder: Path) -> None:
    settings = Settings(theme="high-contrast-dark")
    async with opened(folder, place="report", settings=settings, size=(80, 24)) as (app, pilot):
        await settled(pilot)
        assert app.theme == "high-contrast-dark"
        for theme in ("high-contrast-light", "textual-light", "ansi-dark"):
            app.theme = theme
            await pilot.pause()
            assert "No run is chosen" in screen_text(app)
            assert f'theme = "{theme}"' in settings_file().read_text()


async def test_a_theme_that_is_not_there(folder: Path) -> None:
    async with opened(folder, settings=Settings(theme="nrd")) as (app, pilot):
        await until(pilot, told(app, "there is no theme 'nrd'; did you mean 'nord'?"), "the word on that")


async def test_without_colours(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with opened(folder, place="report", size=(80, 24)) as (app, pilot):
        await settled(pilot)
        assert app.no_color
        assert "No run is chosen" in screen_text(app)


async def test_where_one_was_is_kept(folder: Path) -> None:
    async with opened(folder, dataset="few") as (app, pilot):
        await pilot.press("f7")
        await until(pilot, lambda: app.current_mode == "sql", "another place")
        await settled(pilot)
    app = LocalsynthApp(str(folder), memory=Memory.read(str(folder)))
    async with app.run_test() as pilot:
        await pilot.pause()
        assert app.current_mode == "sql"
        assert app.subject.dataset == "few"


async def test_diagnosis(folder: Path) -> None:
    async with opened(folder, place="report", size=(120, 40)) as (app, pilot):
        await pilot.press("f9")
        await until(pilot, lambda: "Python" in screen_text(app), "versions")
        assert isinstance(app.screen, DiagnosisDialog)
        assert "report.evaluate" in app.screen._text
        assert "duckdb" in app.screen._text
        await pilot.press("c")
        await until(pilot, lambda: "report.evaluate" in app.clipboard, "a copy")
        await pilot.press("escape")


async def test_an_error_is_told_whole_and_as_it_is(folder: Path) -> None:
    error = LocalsynthError("[bold]no[/] \x1b[31m表\u202e", "try\tthat")
    error.problems = (Problem("bad [i]x[/i]", "so", 3),)  # type: ignore[attr-defined]
    text = error_text(error)
    assert "line 3: bad [i]x[/i] (so)" in text
    async with opened(folder, size=(80, 24)) as (app, pilot):
        await app.push_screen(ErrorDialog(error))
        await until(pilot, lambda: "[bold]no[/] \\x1b[31m表\\u202e" in screen_text(app), "the error")
        await pilot.press("c")
        await until(pilot, lambda: app.clipboard == text, "a copy")
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, ErrorDialog), "the end")


def test_only_who_has_the_key_is_served() -> None:
    guard = Guard("127.0.0.1:8000", "secret")
    own = {"Host": "127.0.0.1:8000"}
    assert guard.admits(own, "secret")
    assert guard.admits({**own, "Origin": "http://127.0.0.1:8000"}, "secret")
    assert not guard.admits(own, "")
    assert not guard.admits(own, "sécret")
    assert not guard.admits({"Host": "evil.example:8000"}, "secret")
    assert not guard.admits({**own, "Origin": "http://evil.example"}, "secret")
    assert not guard.admits({}, "secret")
    assert "default-src 'self'" in guard.headers["Content-Security-Policy"]


async def test_nothing_is_done_unasked(folder: Path) -> None:
    answers: list[bool | None] = []
    async with opened(folder, size=(80, 24)) as (app, pilot):
        for key in ("y", "n", "escape", "enter"):
            await app.push_screen(
                ConfirmDialog("Delete [b]it[/b]?", "Delete", detail="for good"), answers.append
            )
            await until(pilot, lambda: "Delete [b]it[/b]?" in screen_text(app), "the question")
            await pilot.press(key)
            await pilot.pause()
    assert answers == [True, False, False, False]


async def test_help_has_room_where_not_all_keys_have(folder: Path) -> None:
    run = Workspace(folder).runs()[0].run_id
    async with opened(folder, place="rows", dataset="few", run=run, size=(80, 24)) as (app, pilot):
        await settled(pilot)
        bar = app.screen.query_one(KeyBar)

        def keys() -> str:
            return screen_text(app).splitlines()[-1]

        assert keys().endswith("f1 Help")
        assert "^q Quit" not in keys()

        def wheel() -> bool:
            bar.on_mouse_scroll_down()
            return keys().endswith("^q Quit  f1 Help  ^p All")

        await until(pilot, wheel, "the rest")
        bar.on_mouse_scroll_down()  # there is no more
        assert bar._first
        await pilot.resize_terminal(200, 24)
        for _ in range(bar._first):
            bar.on_mouse_scroll_up()
        await until(pilot, lambda: "⏎ Cell" in keys() and keys().endswith("^q Quit  f1 Help  ^p All"), "all")


@pytest.mark.parametrize(
    ("place", "words"), [("sql", "somebody who may write"), ("home", "nothing to look at yet")]
)
async def test_who_may_only_look_at_nothing_is_told_of_no_key_that_writes(
    tmp_path: Path, place: str, words: str
) -> None:
    async with opened(tmp_path / "none", place=place, size=(120, 40), read_only=True) as (app, pilot):
        await until(pilot, lambda: words in screen_text(app), "a word")
        shown = screen_text(app)
        assert "F2 and import" not in shown
        assert "a adds one" not in shown
