"""The place Schema: what it shows, every key of it, and what it says to what a person types wrongly."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Input, Select, TextArea

from localsynth import Workspace
from localsynth.core.columns import IntegerColumn, TextColumn
from localsynth.core.run import Exposure
from localsynth.core.schema import Rule, Schema
from localsynth.tui.app import LocalsynthApp
from localsynth.tui.schema.checklist import CheckList
from localsynth.tui.schema.columntable import ColumnTable
from localsynth.tui.schema.form import Form
from localsynth.tui.schema.items import ItemList
from localsynth.tui.screens.schema import SchemaScreen

from .kit import opened, screen_text, settled, until

SCHEMA = Schema.from_toml(
    """
description = "Visits to a [bold]ward[/]"
target = "ill"

[[columns]]
name = "age"
kind = "integer"
range = [0, 120]
unit = "years"

[[columns]]
name = "ward"
kind = "categorical"
categories = { n = "north", s = "", never = "" }

[[columns]]
name = "bird"
kind = "categorical"
categories = ["robin", "wren"]

[[columns]]
name = "ill"
kind = "boolean"

[[rules]]
check = "age >= 20"
name = "adults"
"""
)
NASTY = Schema.model_validate(
    {
        "description": "\x1b[31mred\ttab",
        "columns": [
            {"name": "[bold]x[/]", "kind": "text", "description": "[red]not red[/]\nsecond\tline \x1b[1m"},
            {
                "name": "\u202etfel",
                "kind": "categorical",
                "categories": {"a\nb\t[/]": "表 \x1b[0m", "表": ""},
            },
            {"name": 'a "b" [@click=app.quit]', "kind": "integer", "range": [0, 3]},
        ],
        "rules": [{"check": "\"[bold]x[/]\" <> '[/nope]'", "name": "[i]rule[/i]"}],
    }
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("schema")
    ws = Workspace(folder / "ws")
    lines = [
        f"{20 + i % 50},{'ns'[i % 2]},{('robin', 'wren')[i % 2]},{str(i % 3 == 0).lower()}"
        for i in range(150)
    ]
    table = folder / "t.csv"
    table.write_text("age,ward,bird,ill\n" + "\n".join(lines) + "\n")
    ws.import_file(table, name="t", schema=SCHEMA, holdout=0.2)
    ws.declare("[red]d[/]", NASTY)
    return ws.folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "ws"))


def screen(app: LocalsynthApp) -> SchemaScreen:
    return cast(SchemaScreen, app.get_screen_stack("schema")[0])


async def ready(app: LocalsynthApp, pilot: Pilot[None]) -> None:
    """The rows are counted, and tried on the schema."""
    await until(pilot, lambda: screen(app).profile is not None and "train rows keep it" in screen_text(app))
    await settled(pilot)


async def shows(app: LocalsynthApp, pilot: Pilot[None], *words: str) -> None:
    """All of the words are on the screen or in a toast, sooner or later."""

    def there() -> bool:
        text = " ".join([*screen_text(app).split(), *(one.message for one in app._notifications)])
        return all(word in text for word in words)

    await until(pilot, there, str(words))


def table(app: LocalsynthApp) -> ColumnTable:
    return screen(app).query_one(ColumnTable)


async def typed(app: LocalsynthApp, pilot: Pilot[None], field: str, text: str) -> None:
    """Text in place of what a field of the open form has."""
    widget = app.screen.query_one(f"#{field}")
    widget.focus()
    if isinstance(widget, Input):
        widget.value = text
    elif isinstance(widget, TextArea):
        widget.text = text
    await pilot.pause()


# --- looking --------------------------------------------------------------------------------------------------------------


async def test_columns_with_their_distribution_rules_and_what_the_rows_say(folder: Path) -> None:
    async with opened(folder, place="schema", dataset="t") as (app, pilot):
        await ready(app, pilot)
        for width, height in ((200, 60), (120, 40), (80, 24)):
            await pilot.resize_terminal(width, height)
            await shows(
                app, pilot, "150 rows: 120 train, 30 held out", "policy rows", "target ill", "checked"
            )
            await shows(app, pilot, "0 to 120", "3: n, s, never", "unit years", "65 to 69")
            if width > 80:
                await shows(
                    app,
                    pilot,
                    "adults age >= 20",
                    "Dependencies (0)",
                    "checked by a person",
                    "120 train rows;",
                )
        await pilot.press("down")
        await shows(app, pilot, "north", "never 0")
        await pilot.press("end")
        await shows(app, pilot, "the target: what people", "false 79", "true 41")
        await pilot.press("home")
        assert table(app).at == 0
        await pilot.press("slash", "R")
        await until(pilot, lambda: table(app).at == 1)
        await pilot.press("enter")
        await until(pilot, lambda: table(app).at == 2)
        await pilot.press("escape")
        assert app.focused is table(app)


async def test_text_of_people_is_shown_as_it_is(folder: Path) -> None:
    async with opened(folder, place="schema", dataset="[red]d[/]") as (app, pilot):
        await shows(
            app,
            pilot,
            "[bold]x[/]",
            "\\u202etfel",
            "[i]rule[/i]",
            "[/nope]",
            "\\x1b[31mred",
            "[red]not red[/]",
        )
        await pilot.press("down")
        await shows(app, pilot, "a\\nb\\t[/]", "表 \\x1b[0m")
        await pilot.press("enter")
        await shows(app, pilot, '"a\\nb\\t[/]" = "表 \\u001b[0m"', "nothing is changed yet")
        await pilot.press("escape", "up", "enter")
        await shows(app, pilot, "Column [bold]x[/]", "[red]not red[/]")
        await pilot.press("ctrl+j")
        await settled(pilot)
        assert not screen(app).draft.changed  # type: ignore[union-attr]
        await pilot.press("d", "space")
        await shows(app, pilot, "[x] [bold]x[/]", "[ ] \\u202etfel")


async def test_without_a_dataset_it_says_what_to_do(tmp_path: Path, folder: Path) -> None:
    async with opened(tmp_path / "nothing", place="schema") as (app, pilot):
        await shows(app, pilot, "There is no dataset yet.", "F2")
        await pilot.press("w", "e", "g", "n", "d", "t", "p", "o", "x", "u", "r", "k", "slash", "delete")
        await settled(pilot)
        assert not (tmp_path / "nothing" / "workspace.duckdb").exists()
    async with opened(folder, place="schema", dataset="t") as (app, pilot):
        await ready(app, pilot)
        app.about("gone")
        await shows(app, pilot, "there is no dataset called 'gone'", "No dataset is chosen.")
        app.about("t")
        await ready(app, pilot)


async def test_it_survives_a_tiny_terminal(folder: Path) -> None:
    async with opened(folder, place="schema", dataset="t") as (app, pilot):
        await ready(app, pilot)
        await pilot.resize_terminal(20, 5)
        for key in ("enter", "n", "d", "t", "p", "o", "g"):
            await pilot.press(key)
            await settled(pilot)
            await pilot.press("escape")
            await pilot.pause()
        await pilot.resize_terminal(120, 40)
        await shows(app, pilot, "Columns (4)", "all 120 train rows keep it")


# --- editing --------------------------------------------------------------------------------------------------------------


async def test_a_column_is_edited_judged_undone_and_saved(folder: Path) -> None:
    async with opened(folder, place="schema", dataset="t") as (app, pilot):
        await ready(app, pilot)
        await pilot.press("enter")
        await shows(app, pilot, "Column age", "the 150 real rows fit")
        await typed(app, pilot, "field-range-2", "x")
        await shows(app, pilot, '! range must be a whole number, not "x"', "! range")
        await pilot.press("enter")
        assert app.screen.query(Form)  # it stays open
        await typed(app, pilot, "field-range-2", "100")
        await typed(app, pilot, "field-unit", "winters")
        await shows(app, pilot, "the 150 real rows fit")
        await pilot.press("enter")
        await shows(app, pilot, "not saved: w saves", "unit winters", "* age")
        assert Workspace(folder).schema("t") == SCHEMA
        await pilot.press("u")
        await shows(app, pilot, "unit years")
        await pilot.press("r")
        await shows(app, pilot, "unit winters")
        await pilot.press("w")
        await until(pilot, lambda: not screen(app).draft.changed)  # type: ignore[union-attr]
        await shows(app, pilot, "the schema is saved")
        await pilot.pause()
    column = Workspace(folder).schema("t").columns[0]
    assert column == IntegerColumn(name="age", range=(0, 100), unit="winters")


async def test_what_the_rows_do_not_fit_is_told_and_refused_and_nothing_is_lost(folder: Path) -> None:
    async with opened(folder, place="schema", dataset="t") as (app, pilot):
        await ready(app, pilot)
        await pilot.press("enter")
        await typed(app, pilot, "field-range-2", "60")
        await shows(app, pilot, "lies outside 0 to 60")
        await pilot.press("enter")
        await shows(app, pilot, "! age", "! the real rows do not fit the column 'age'")
        await pilot.press("w")
        await shows(app, pilot, "Not done", "What to do: change the schema")
        await pilot.press("escape", "k")
        await shows(app, pilot, "Drop all unsaved changes?")
        await pilot.press("n")
        assert screen(app).draft.changed  # type: ignore[union-attr]
        await pilot.press("k", "y")
        await until(pilot, lambda: not screen(app).draft.changed)  # type: ignore[union-attr]
        await pilot.press("u")
        await shows(app, pilot, "0 to 60")
        await pilot.press("u", "n")
        await typed(app, pilot, "field-check", "age < 0")
        await pilot.press("ctrl+j", "w")
        await shows(app, pilot, "Not done", "age < 0")
    assert Workspace(folder).schema("t") == SCHEMA


async def test_another_kind_takes_its_values_from_the_rows(folder: Path) -> None:
    async with opened(folder, place="schema", dataset="t") as (app, pilot):
        await ready(app, pilot)
        await pilot.press("down", "enter")
        kind = app.screen.query_one("#kind", Select)
        kind.value = "text"
        await until(pilot, lambda: app.screen.query("#field-max_length"))
        await settled(pilot)
        assert app.screen.query_one("#field-max_length", Input).value == "1"
        kind.value = "date"
        await shows(app, pilot, "! 'range' is missing")
        kind.value = "categorical"
        await until(pilot, lambda: app.screen.query("#field-categories"))
        await shows(app, pilot, "n = north")
        kind.value = "text"
        await shows(app, pilot, "the 150 real rows fit")
        await pilot.press("ctrl+j", "w")
        await until(pilot, lambda: not screen(app).draft.changed)  # type: ignore[union-attr]
    assert Workspace(folder).schema("t").columns[1] == TextColumn(name="ward", max_length=1)


async def test_leaving_a_form_asks_once_something_was_typed(folder: Path) -> None:
    async with opened(folder, place="schema", dataset="t") as (app, pilot):
        await ready(app, pilot)
        await pilot.press("t")
        await shows(app, pilot, "Table t", "nothing is changed yet")
        await pilot.press("end", "!", "enter", *"book")
        app.screen.query_one("#field-target", Select).value = "bird"
        app.screen.query_one("#field-checked", Select).value = "no"
        await pilot.press("escape")
        await shows(app, pilot, "Leave what you typed here?")
        await pilot.press("n", "ctrl+j")
        await shows(app, pilot, "not saved", "target bird", "inferred, not checked")
        assert screen(app).draft.schema.description == "Visits to a [bold]ward[/]!\nbook"  # type: ignore[union-attr]
        await pilot.press("t")
        await pilot.pause()
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen(app))


async def test_rules_are_written_tried_and_removed(folder: Path) -> None:
    async with opened(folder, place="schema", dataset="t") as (app, pilot):
        await ready(app, pilot)
        await pilot.press("n")
        await shows(app, pilot, "! the condition is empty")
        await typed(app, pilot, "field-check", "agee > 1")
        await shows(app, pilot, "names 'agee', which is no column", "did you mean 'age'?")
        await typed(app, pilot, "field-check", "age > 20 or ill")
        await shows(app, pilot, "of 120 train rows break it")
        await typed(app, pilot, "field-name", "elders")
        await pilot.press("enter")
        await shows(app, pilot, "Rules (2)", "elders age > 20 or ill", "of 120 train rows break it")
        rules = screen(app).query_one("#rules", ItemList)
        rules.focus()
        await pilot.press("down", "enter")
        await shows(app, pilot, "Rule", "elders")
        await typed(app, pilot, "field-check", "age > 1")
        await pilot.press("ctrl+j")
        await shows(app, pilot, "elders age > 1")
        await pilot.press("delete")
        await shows(app, pilot, "Rules (1)")
        await pilot.press("u")
        await shows(app, pilot, "Rules (2)")
        rules.focus()
        await pilot.press("home", "minus", "w")
        await until(pilot, lambda: not screen(app).draft.changed)  # type: ignore[union-attr]
    assert Workspace(folder).schema("t").rules == (Rule(check="age > 1", name="elders"),)


async def test_dependencies_are_marked_tried_and_removed(folder: Path) -> None:
    async with opened(folder, place="schema", dataset="t", size=(80, 24)) as (app, pilot):
        await shows(app, pilot, "Columns (4)")
        await settled(pilot)
        await pilot.press("d")
        await shows(app, pilot, "! no column is marked")
        await pilot.press("down", "space")
        await shows(app, pilot, "[x] ward", "of 120 train rows break it")
        app.screen.query_one("#dependent", Select).value = "bird"
        await shows(app, pilot, "all 120 train rows keep it")
        await pilot.press("ctrl+j")
        await until(pilot, lambda: screen(app).draft.schema.dependencies)  # type: ignore[union-attr]
        screen(app).query_one("#dependencies").focus()
        await shows(app, pilot, "ward -> bird")
        await pilot.press("enter")
        await shows(app, pilot, "[x] ward")
        await pilot.press("escape", "delete")
        await until(pilot, lambda: not screen(app).draft.changed)  # type: ignore[union-attr]


async def test_columns_of_a_description_are_added_renamed_moved_and_removed(folder: Path) -> None:
    async with opened(folder, place="schema", dataset="[red]d[/]") as (app, pilot):
        await shows(app, pilot, "Columns (3)")
        await settled(pilot)
        table(app).focus()
        assert {"add", "remove", "select_cursor"} <= {
            one.binding.action for one in app.screen.active_bindings.values() if one.binding.show
        }
        await pilot.press("a")
        await shows(app, pilot, "New column")
        await typed(app, pilot, "field-name", "[BOLD]x[/]")
        await shows(app, pilot, "! two columns are called")
        await typed(app, pilot, "field-name", "new one")
        await pilot.press("ctrl+j")
        await shows(app, pilot, "Columns (4)", "* new one")
        assert table(app).at == 1
        await pilot.press("shift+up", "shift+up", "shift+up")
        assert screen(app).draft.schema.names[:2] == ("new one", "[bold]x[/]")  # type: ignore[union-attr]
        assert table(app).at == 0
        await pilot.press("down", "enter")
        await shows(app, pilot, "Column [bold]x[/]")
        await typed(app, pilot, "field-name", "x")
        await pilot.press("ctrl+j")
        await shows(app, pilot, "x <> '[/nope]'")
        await pilot.press("delete")
        await shows(app, pilot, "removed, with 1 rule that named it", "Columns (3)", "Rules (0)")
        await pilot.press("u")
        await shows(app, pilot, "Columns (4)", "Rules (1)")
        await pilot.press("a")
        await shows(app, pilot, "New column")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen(app))
        await pilot.press("w")
        await until(pilot, lambda: not screen(app).draft.changed, "the draft to be saved")  # type: ignore[union-attr]
    saved = Workspace(folder).schema("[red]d[/]")
    assert saved.names[:2] == ("new one", "x")
    assert len(saved.names) == 4


async def test_columns_of_real_rows_are_moved_alone(folder: Path) -> None:
    async with opened(folder, place="schema", dataset="t") as (app, pilot):
        await ready(app, pilot)
        for key, what in (("a", "a column is added"), ("delete", "a column is removed")):
            await pilot.press(key)
            await shows(app, pilot, f"{what} only where there are no rows: 't' has 150 real rows")
            assert app.screen is screen(app)
        await pilot.press("enter")
        await shows(app, pilot, "Column age")
        assert not app.screen.query("#field-name")
        await pilot.press("escape", "shift+down", "u", "up", "shift+down", "w")
        await until(pilot, lambda: Workspace(folder).schema("t") != SCHEMA, "the draft to be saved")
        await settled(pilot)
    ws = Workspace(folder)
    assert ws.schema("t").names == ("ward", "age", "bird", "ill")
    assert list(ws.sql('SELECT * EXCLUDE row_id FROM real."t"').columns) == ["ward", "age", "bird", "ill"]
    assert ws.sql('SELECT sum(age) FROM real."t"').iloc[0, 0] == sum(20 + i % 50 for i in range(150))


# --- what the rows tell, and what a model may see -------------------------------------------------------------------------


async def test_suggestions_are_marked_and_accepted_and_edits_stay(folder: Path) -> None:
    async with opened(folder, place="schema", dataset="t") as (app, pilot):
        await ready(app, pilot)
        await pilot.press("n")
        await typed(app, pilot, "field-check", "age > 2")
        await pilot.press("ctrl+j", "g")
        await until(pilot, lambda: app.screen.query(CheckList))
        await shows(app, pilot, "[ ] ward -> bird dependency", "holds in all 120 rows")
        await pilot.press("enter")
        await shows(app, pilot, "mark something first")
        await pilot.press("a", "a", "space", "enter")
        await until(pilot, lambda: Workspace(folder).schema("t").dependencies, "the store to have it")
        await shows(app, pilot, "Dependencies (1)", "Rules (2)", "inferred, not checked", "not saved")
        kept = Workspace(folder).schema("t")
        assert kept.rules == SCHEMA.rules
        await pilot.press("w")
        await until(pilot, lambda: not screen(app).draft.changed)  # type: ignore[union-attr]
    saved = Workspace(folder).schema("t")
    assert len(saved.rules) == 2
    assert saved.dependencies == kept.dependencies


async def test_a_policy_that_forbids_it_keeps_suggestions_out_and_the_order_is_explained(
    folder: Path,
) -> None:
    async with opened(folder, place="schema", dataset="t") as (app, pilot):
        await ready(app, pilot)
        await pilot.press("p")
        await shows(app, pilot, "rows (now)")
        await pilot.press("home", "enter")
        await shows(app, pilot, "policy schema")
        assert Workspace(folder).dataset("t").policy is Exposure.SCHEMA
        await pilot.press("g")
        await until(pilot, lambda: app.screen.query(CheckList))
        await pilot.press("space", "enter")
        await shows(app, pilot, "Not done", "shows a model the schema alone")
        await pilot.press("escape", "o")
        await shows(app, pilot, "Order of the columns", "determines")
        await pilot.press("escape")
        assert app.screen is screen(app)


# --- files ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def lent(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """The terminal is lent to an editor, which is a command; gives a way to choose another."""

    @contextmanager
    def suspend(_: Any) -> Iterator[None]:
        yield

    monkeypatch.setattr(LocalsynthApp, "suspend", suspend)
    monkeypatch.delenv("VISUAL", raising=False)

    def use(command: str) -> None:
        monkeypatch.setenv("EDITOR", command)

    return use


async def test_the_file_is_edited_and_its_mistakes_are_told_by_line(
    folder: Path, tmp_path: Path, lent: Callable[[str], None]
) -> None:
    script = tmp_path / "edit me"
    script.write_text(f'#!/bin/sh\nstat -c %a "$1" > "{tmp_path}/mode"\necho "$1" > "{tmp_path}/path"\n')
    script.chmod(0o700)
    async with opened(folder, place="schema", dataset="t") as (app, pilot):
        await ready(app, pilot)
        lent("sed -i s/integer/intger/")
        await pilot.press("e")
        await shows(
            app, pilot, "The file has mistakes", "line 6:", "unknown kind 'intger'", "did you mean 'integer'?"
        )
        lent("sed -i s/intger/integer/;s/years/moons/")
        await pilot.press("e")
        await shows(app, pilot, "not saved", "unit moons")
        assert list((folder / "ui").glob("edit-*")) == []
        lent(f"'{script}'")
        await pilot.press("e")
        await shows(app, pilot, "nothing was changed")
        assert (tmp_path / "mode").read_text().strip() == "600"
        assert Path((tmp_path / "path").read_text().strip()).parent == folder / "ui"
        lent("sed -i s/integer/intger/")
        await pilot.press("e")
        await shows(app, pilot, "The file has mistakes")
        await pilot.press("d")
        await until(pilot, lambda: app.screen is screen(app))


async def test_an_editor_that_is_none_or_fails_is_told_and_the_schema_exported_instead(
    folder: Path, tmp_path: Path, lent: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with opened(folder, place="schema", dataset="t") as (app, pilot):
        await ready(app, pilot)
        for command, said in (
            ("no-such-editor -w", "there is no program 'no-such-editor', which $EDITOR names"),
            ("'", "$EDITOR cannot be read as a command"),
            ("false", "the editor false ended with code 1; nothing was taken over"),
        ):
            lent(command)
            await pilot.press("e")
            await shows(app, pilot, said)
            await pilot.press("escape")
        lent("true")
        monkeypatch.setattr(LocalsynthApp, "suspend", App.suspend)
        await pilot.press("e")
        await shows(app, pilot, "this terminal cannot be lent to an editor")
        monkeypatch.delenv("EDITOR")
        monkeypatch.setattr("shutil.which", lambda _: None)
        await pilot.press("escape", "e")
        await shows(app, pilot, "no editor is set", "export EDITOR=nano")
        await pilot.press("escape", "x")
        await until(pilot, lambda: app.screen.query(Input))
        assert app.screen.query_one(Input).value == "t.schema.toml"
        await pilot.press("enter")
        path = tmp_path / "t.schema.toml"
        await until(pilot, path.exists)
        await shows(app, pilot, "wrote")
    assert Schema.load(path) == SCHEMA
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


# --- kept, shared, looked at ----------------------------------------------------------------------------------------------


async def test_a_draft_survives_other_places_other_datasets_and_the_end_of_the_ui(folder: Path) -> None:
    async with opened(folder, place="schema", dataset="t") as (app, pilot):
        await ready(app, pilot)
        await pilot.press("n")
        await typed(app, pilot, "field-check", "age > 3")
        await pilot.press("ctrl+j")
        await shows(app, pilot, "not saved")
        await pilot.press("f2")
        await shows(app, pilot, "changes that are not saved; they stay here")
        app.about("[red]d[/]")
        await pilot.press("f3")
        await shows(app, pilot, "[i]rule[/i]")
        app.about("t")
        await shows(app, pilot, "age > 3", "not saved")
        kept = app.memory.get("schema.drafts")
    async with opened(folder, place="home", dataset="t") as (app, pilot):
        app.memory.put("schema.drafts", {**kept, "other": "nonsense"})
        await pilot.press("f3")
        await shows(app, pilot, "age > 3", "not saved")
    assert Workspace(folder).schema("t") == SCHEMA


async def test_what_somebody_else_saved_meanwhile_is_seen_or_asked_about(folder: Path) -> None:
    async with opened(folder, place="schema", dataset="t") as (app, pilot):
        await ready(app, pilot)
        await pilot.press("f2")
        Workspace(folder).set_schema("t", SCHEMA.model_copy(update={"description": "theirs"}))
        await pilot.press("f3")
        await shows(app, pilot, "theirs")
        await pilot.press("n")
        await typed(app, pilot, "field-check", "age > 3")
        await pilot.press("ctrl+j")
        await shows(app, pilot, "not saved")
        other = SCHEMA.model_copy(update={"description": "others"})
        Workspace(folder).set_schema("t", other)
        await pilot.press("w")
        await shows(app, pilot, "was changed elsewhere", "Save mine in its place")
        await pilot.press("n")
        assert Workspace(folder).schema("t") == other
        await pilot.press("w")
        await shows(app, pilot, "was changed elsewhere")
        await pilot.press("y")
        await until(pilot, lambda: not screen(app).draft.changed)  # type: ignore[union-attr]
    assert len(Workspace(folder).schema("t").rules) == 2


async def test_who_may_only_look_changes_nothing(folder: Path) -> None:
    async with opened(folder, place="schema", dataset="t", read_only=True) as (app, pilot):
        await ready(app, pilot)
        await pilot.press("enter")
        await shows(app, pilot, "this UI only looks")
        for key in ("n", "d", "t", "p", "e", "u", "r", "k", "w"):
            await pilot.press(key)
        await settled(pilot)
        assert app.screen is screen(app)
        screen(app).query_one("#rules").focus()
        await pilot.press("delete", "enter")
        await settled(pilot)
        await shows(app, pilot, "Rules (1)")
        await pilot.press("g")
        await until(pilot, lambda: app.screen.query(CheckList))
        await pilot.press("space", "enter")
        await shows(app, pilot, "this UI only looks")
    assert Workspace(folder).schema("t") == SCHEMA
