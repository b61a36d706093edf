"""The SQL place: every key, wrong queries, hostile texts, small screens."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from localsynth import Workspace
from localsynth.tui.paths import PathDialog
from localsynth.tui.screens.sql import SqlScreen
from localsynth.tui.sql import asking
from localsynth.tui.sql.catalogue import read_catalogue
from localsynth.tui.sql.examples import examples
from localsynth.tui.sql.picker import PickDialog
from localsynth.tui.widgets.cellview import CellDialog

from .kit import opened, screen_text, settled, until

SMALL = (80, 24)
FOREVER = (
    "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 1e12) SELECT max(n) FROM t"
)
RECIPE = """\
title = "Persons"
rows = 40
seed = 1
[dataset]
name = "persons"
source = "persons.csv"
policy = "rows"
[method]
name = "independent"
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with real and synthetic rows."""
    base = tmp_path_factory.mktemp("sql")
    towns = ("Ulm", "Köln", "[bold]x[/]")
    rows = "".join(f"{at % 50 + 20},{towns[at % 3]}\n" for at in range(60))
    (base / "persons.csv").write_text("age,town\n" + rows)
    (base / "persons.toml").write_text(RECIPE)
    Workspace(base / "ws").run(base / "persons.toml")
    return base / "ws"


@pytest.fixture
def space(made: Path, tmp_path: Path) -> Path:
    """A copy of it, for one test."""
    return Path(shutil.copytree(made, tmp_path / "ws"))


def _screen(app: Any) -> SqlScreen:
    assert isinstance(app.screen, SqlScreen), app.screen
    return app.screen


async def _ready(app: Any, pilot: Pilot[Any]) -> SqlScreen:
    """The names are known."""
    await settled(pilot)
    screen = _screen(app)
    await until(pilot, lambda: screen.editor.catalogue.relations, "names")
    return screen


def _write(screen: SqlScreen, text: str) -> None:
    screen.editor.load_text(text)


def _said(app: Any) -> str:
    """What the corner of the screen said; tests do not show it."""
    return "\n".join(one.message for one in app._notifications)


async def _run(pilot: Pilot[Any], screen: SqlScreen, text: str) -> None:
    """Write a query, run it and wait for what comes of it."""
    _write(screen, text)
    await pilot.press("ctrl+r")
    await settled(pilot)


async def _type(pilot: Pilot[Any], text: str) -> None:
    names = {" ": "space", ".": "full_stop", "_": "underscore", "*": "asterisk"}
    await pilot.press(*(names.get(char, char) for char in text))


async def _dialog(pilot: Pilot[Any], kind: type) -> Any:
    await until(pilot, lambda: isinstance(pilot.app.screen, kind) and pilot.app.screen.query("Input, Static"))
    await settled_dialog(pilot)
    return pilot.app.screen


async def settled_dialog(pilot: Pilot[Any]) -> None:
    """A dialog's own workers end, though the one that waits for the dialog does not."""
    await until(
        pilot,
        lambda: all(one.is_finished for one in pilot.app.workers if one.node is pilot.app.screen),
        "the dialog",
    )
    await pilot.pause()


def test_every_example_runs(made: Path) -> None:
    space = Workspace(made)
    picks = examples(read_catalogue(space), None)
    assert len(picks) == 7
    for one in picks:
        assert space.sql_arrow(one.text).num_rows > 0, one


# --- writing -------------------------------------------------------------------------------------------------------------


async def test_before_the_first_query_there_are_examples_and_enter_runs_one(space: Path) -> None:
    async with opened(space, place="sql", dataset="persons", size=SMALL) as (app, pilot):
        screen = await _ready(app, pilot)
        await until(pilot, lambda: "Synthetic rows" in screen_text(app))
        await pilot.press("tab", "enter")
        await until(pilot, lambda: screen.pane.table, "a table")
        await until(pilot, lambda: "40 rows" in screen_text(app), "the count")
        assert screen.editor.text == "FROM persons_synth LIMIT 100"
        assert "age #" in screen_text(app)
        assert "town s" in screen_text(app)
        assert screen.editor.has_focus


async def test_completion_comes_while_typing_and_is_taken(space: Path) -> None:
    async with opened(space, place="sql", dataset="persons", size=SMALL) as (app, pilot):
        screen = await _ready(app, pilot)
        for key in ("tab", "enter"):
            _write(screen, "")
            await _type(pilot, "from pers")
            assert screen.editor.popup.is_open
            assert "persons_real" in screen_text(app)
            await pilot.press("down", key)
            assert screen.editor.text == "from persons_synth"
            assert not screen.editor.popup.is_open
        await pilot.press("enter")  # now a key like any other
        assert screen.editor.text == "from persons_synth\n"


async def test_completion_closes_and_steals_no_key(space: Path) -> None:
    async with opened(space, place="sql", dataset="persons") as (app, pilot):
        screen = await _ready(app, pilot)
        popup = screen.editor.popup
        await _type(pilot, "from pers")
        await pilot.press("escape")
        assert not popup.is_open
        await pilot.press("enter")
        assert screen.editor.text == "from pers\n"
        await _type(pilot, "select")  # the whole word is there: nothing to take
        assert not popup.is_open
        await _type(pilot, " to")
        assert popup.is_open
        await pilot.press("left")
        assert not popup.is_open
        _write(screen, "select p. from persons_real p")
        screen.editor.move_cursor((0, 9))
        await pilot.press("ctrl+space")
        assert [one.name for one in popup.completion.choices] == ["age", "town"]  # type: ignore[union-attr]
        await pilot.press("up")
        assert popup.choice is not None
        assert popup.choice.name == "town"
        await pilot.click(popup, offset=(3, 1))
        await pilot.pause()
        assert screen.editor.text == "select p.age from persons_real p"
        _write(screen, "select 'x")
        await pilot.press("ctrl+space")
        assert not popup.is_open


async def test_the_statement_at_the_cursor_or_what_is_selected_is_run(space: Path) -> None:
    async with opened(space, place="sql") as (app, pilot):
        screen = await _ready(app, pilot)
        _write(screen, "SELECT 11 AS a;\nSELECT 22 AS b;\nSELECT 33 AS c")
        screen.editor.move_cursor((1, 3))
        await pilot.press("alt+enter")
        await until(pilot, lambda: "22" in screen_text(app) and "b #" in screen_text(app))
        screen.editor.select_line(0)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "a #" in screen_text(app))
        await settled(pilot)
        assert screen.answer is not None
        assert screen.answer.sql.strip() == "SELECT 11 AS a;"
        _write(screen, " -- nothing")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "write a query first" in _said(app))


async def test_several_texts_are_kept_between_starts(space: Path) -> None:
    async with opened(space, place="sql") as (app, pilot):
        screen = await _ready(app, pilot)
        await _type(pilot, "one")
        await pilot.press("escape", "alt+n")
        assert screen.editor.text == ""
        await _type(pilot, "two")
        await pilot.press("alt+b")
        assert screen.editor.text == "one"
        assert "Query 1 of 2" in screen_text(app)
        await pilot.press("ctrl+up", "ctrl+up")
        kept = {name: app.memory.get(name) for name in ("sql", "sql.share")}
        height = screen.query_one("#query").size.height
        assert height < 10
        await pilot.press("ctrl+down", "ctrl+down", "ctrl+down", "ctrl+down")
        await pilot.pause()
        assert screen.query_one("#query").size.height > 2 * height
    assert kept == {"sql": {"texts": ["one", "two"], "at": 0}, "sql.share": 0}
    async with opened(space) as (app, pilot):
        for name, value in kept.items():
            app.memory.put(name, value)
        await app.action_go("sql")
        screen = await _ready(app, pilot)
        assert screen.editor.text == "one"
        assert screen.query_one("#query").size.height == height


async def test_colours_of_sql_are_there_and_change_with_the_theme(space: Path) -> None:
    async with opened(space, place="sql") as (app, pilot):
        screen = await _ready(app, pilot)
        await until(pilot, lambda: screen.editor.language == "sql", "the grammar")
        _write(screen, "SELECT 'text', 12 FROM t -- said")
        await pilot.pause()

        def colours() -> set[str]:
            return {
                str(part.style.color)
                for part in screen.editor.render_line(0)
                if part.text.strip() and part.style
            }

        dark = colours()
        assert len(dark) >= 4
        app.theme = "textual-light"
        await pilot.pause()
        assert colours() != dark


# --- what is wrong -------------------------------------------------------------------------------------------------------


async def test_what_is_wrong_is_said_with_a_caret_under_its_place(space: Path) -> None:
    async with opened(space, place="sql", size=SMALL) as (app, pilot):
        screen = await _ready(app, pilot)
        await _run(pilot, screen, "SELECT 1;\n\nSELECT '[bold]\x1b[31m\u202e\t表' frm frm, 1")
        assert screen.problem.is_open
        lines = screen_text(app).split("\n")
        at = next(at for at, line in enumerate(lines) if "LINE 3" in line)
        assert "'[bold]\\x1b[31m\\u202e\\t表' frm frm" in lines[at]
        assert (
            lines[at + 1].index("^") == lines[at].index("frm frm") + 4 + 1
        )  # 表 is two cells and one character
        assert lines[at + 1].count("^") == 3
        await pilot.press("escape")
        assert not screen.problem.is_open
        for query, said, hint in (
            ("DELETE FROM persons_real", "DELETE is not allowed here", "queries only read"),
            ("FROM nosuch", "nosuch does not exist", "SHOW ALL TABLES"),
            ("FROM read_csv('/etc/passwd')", "disabled", "nothing outside the workspace"),
        ):
            await _run(pilot, screen, query)
            assert said in screen_text(app)
            assert hint in " ".join(screen_text(app).split())
        await _run(pilot, screen, "SELECT 1")
        assert not screen.problem.is_open


async def test_a_query_is_stopped(space: Path) -> None:
    async with opened(space, place="sql") as (app, pilot):
        screen = await _ready(app, pilot)
        _write(screen, FOREVER)
        for key in ("escape", "ctrl+c"):
            app.clear_notifications()
            await pilot.press("ctrl+r")
            await until(pilot, lambda: screen.asking.busy and "running, escape stops it" in screen_text(app))
            await pilot.press("ctrl+r")
            await until(pilot, lambda: "a query is running" in _said(app))
            await pilot.press(key)
            await until(pilot, lambda: not screen.asking.busy, "the end")
            await until(pilot, lambda: "stopped after" in _said(app))
        with Workspace(space).store.write(timeout=5.0):
            pass  # nothing holds the file


async def test_who_has_the_file_is_said_and_ctrl_r_tries_again(space: Path) -> None:
    async with opened(space, place="sql") as (app, pilot):
        screen = await _ready(app, pilot)
        await app.ask(lambda ws: setattr(ws.store, "timeout", 0.05))
        with Workspace(space).store.write():
            await _run(pilot, screen, "SELECT 42 AS a")
            assert "is in use by" in screen_text(app)
            assert "Ctrl+R tries again" in screen_text(app)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: screen.pane.table, "the result")


async def test_without_a_workspace_something_useful_is_said(tmp_path: Path) -> None:
    async with opened(tmp_path / "none", place="sql", size=SMALL) as (app, pilot):
        await settled(pilot)
        await until(pilot, lambda: "press F2" in screen_text(app))
        screen = _screen(app)
        await _run(pilot, screen, "SELECT 1")
        assert "there is no workspace" in screen_text(app)
        await pilot.press("alt+h")
        await _dialog(pilot, PickDialog)
    assert not (tmp_path / "none").exists()


# --- results -------------------------------------------------------------------------------------------------------------


async def test_hostile_text_is_shown_as_it_is(space: Path) -> None:
    hostile = "SELECT '[bold]x[/]' AS \"[red]n[/]\", chr(27) || '[31m' AS e, '\u202eabc' AS r, '表' || chr(9) || chr(10) AS w"
    async with opened(space, place="sql") as (app, pilot):
        screen = await _ready(app, pilot)
        await _run(pilot, screen, hostile)
        text = screen_text(app)
        for shown in ("[red]n[/] s", "[bold]x[/]", "\\x1b[31m", "\\u202eabc", "表\\t\\n"):
            assert shown in text
        screen.pane.focus_shown()
        await pilot.press("enter")
        await _dialog(pilot, CellDialog)
        assert "[red]n[/]" in screen_text(app)
        assert "[bold]x[/]" in screen_text(app)


SHAPES = {
    "SELECT 1 AS a, 2 AS a": "a #  a #",
    "SELECT 1 AS nobody WHERE false": "no rows",
    "SELECT " + ", ".join(f"{at} AS c{at}" for at in range(500)): "c0 #",
    "SELECT repeat('表', 1000000) AS huge, 'x'::BLOB AS b, [1, NULL] AS l, {'k': 1} AS s": "huge s",
    "SHOW ALL TABLES": "persons_synth",
    "SELECT DATE 'infinity' AS d, INTERVAL 3 DAYS AS i": "infinity",
}


async def test_results_of_every_shape(space: Path) -> None:
    async with opened(space, place="sql", size=SMALL) as (app, pilot):
        screen = await _ready(app, pilot)
        for query, shown in SHAPES.items():
            await _run(pilot, screen, query)
            await until(pilot, lambda shown=shown: screen.pane.table and shown in screen_text(app), shown)  # type: ignore[misc]
            screen.pane.focus_shown()
            await pilot.press("ctrl+end", "enter")
            if screen.answer is not None and screen.answer.cells.row_count:
                await _dialog(pilot, CellDialog)
                await pilot.press("escape")


async def test_the_count_says_when_there_is_more_and_export_writes_all(
    space: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "MOST_ROWS", 5)
    async with opened(space, place="sql", size=(120, 30)) as (app, pilot):
        screen = await _ready(app, pilot)
        await _run(pilot, screen, "SELECT range AS n FROM range(12)")
        await until(pilot, lambda: "5 rows shown, there are more" in screen_text(app))
        for name in ("all.csv", "all.jsonl", "all.parquet"):
            await pilot.press("alt+e")
            dialog = await _dialog(pilot, PathDialog)
            dialog.query_one(Input).value = str(tmp_path / name)
            await settled_dialog(pilot)
            await pilot.press("enter")
            await until(pilot, (tmp_path / name).exists, "the file")
            await settled(pilot)
        await _run(pilot, screen, "SELECT DATE 'infinity' AS d")
        await pilot.press("alt+e")
        dialog = await _dialog(pilot, PathDialog)
        dialog.query_one(Input).value = str(tmp_path / "x.csv")
        await settled_dialog(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: "cannot hold a value" in screen_text(app))
        assert not (tmp_path / "x.csv").exists()
    with (tmp_path / "all.csv").open() as file:
        assert [row[0] for row in csv.reader(file)] == ["n", *map(str, range(12))]
    assert (tmp_path / "all.csv").stat().st_mode & 0o777 == 0o600
    assert len((tmp_path / "all.jsonl").read_text().splitlines()) == 12


async def test_cells_rows_and_all_are_copied_looked_at_and_saved(space: Path, tmp_path: Path) -> None:
    async with opened(space, place="sql") as (app, pilot):
        screen = await _ready(app, pilot)
        await _run(pilot, screen, "SELECT * FROM (VALUES (1, 'a,b'), (2, NULL)) t(x, y)")
        await until(pilot, lambda: screen.pane.table)
        screen.pane.focus_shown()
        await pilot.press("right")
        for key, expected in (
            ("c", "a,b"),
            ("ctrl+c", "a,b"),
            ("r", "1\ta,b"),
            ("a", "x\ty\n1\ta,b\n2\t\n"),
            ("A", 'x,y\n1,"a,b"\n2,\n'),
        ):
            app.copy_to_clipboard("")
            await pilot.press(key)
            await until(pilot, lambda: app.clipboard, key)
            assert app.clipboard == expected
        await pilot.press("tab")
        assert not screen.pane.table.has_focus  # type: ignore[union-attr]
        await _run(pilot, screen, """SELECT '{"a": [1]}' AS j""")
        screen.pane.focus_shown()
        await pilot.press("enter")
        await _dialog(pilot, CellDialog)
        await until(pilot, lambda: '  "a": [' in screen_text(app))
        await pilot.press("c")
        assert app.clipboard == '{"a": [1]}'
        await pilot.press("s")
        dialog = await _dialog(pilot, PathDialog)
        dialog.query_one(Input).value = str(tmp_path / "cell.txt")
        await settled_dialog(pilot)
        await pilot.press("enter")
        await until(pilot, (tmp_path / "cell.txt").exists)
        assert (tmp_path / "cell.txt").read_text() == '{"a": [1]}'
        await until(pilot, lambda: Workspace(space).audit()[-1].what == "query exported", "the entry")
        said = Workspace(space).audit()[-1].about
        assert (said["path"], said["rows"], said["columns"]) == (str(tmp_path / "cell.txt"), 1, 1)
        assert "[1]" not in str(said)
        await until(pilot, lambda: isinstance(app.screen, CellDialog))
        await pilot.press("escape")
        assert isinstance(app.screen, SqlScreen)
        await pilot.click(screen.pane.table, offset=(3, 1), times=2)
        await _dialog(pilot, CellDialog)


async def test_a_result_is_drawn_and_a_plan_is_shown(space: Path) -> None:
    from localsynth.tui.sql.plot import PlotDialog

    async with opened(space, place="sql", size=SMALL) as (app, pilot):
        screen = await _ready(app, pilot)
        await _run(pilot, screen, "SELECT town, count(*) AS n FROM persons_real GROUP BY ALL ORDER BY ALL")
        await pilot.press("alt+p")
        await _dialog(pilot, PlotDialog)
        await until(pilot, lambda: "[bold]x[/] ███" in screen_text(app))
        assert "n by town" in screen_text(app)
        await pilot.press("l")
        await until(pilot, lambda: "█" not in screen_text(app))
        await pilot.press("d", "b")
        await until(pilot, lambda: "███" in screen_text(app))
        await pilot.press("escape")
        await _run(
            pilot, screen, "SELECT DATE '2020-01-01' + range::INT AS day, range * range AS n FROM range(30)"
        )
        await pilot.press("alt+p")
        await _dialog(pilot, PlotDialog)
        await until(pilot, lambda: "2020-01-01" in screen_text(app) and "2020-01-30" in screen_text(app))
        await pilot.press("escape")
        await _run(pilot, screen, "SELECT 'x' AS a")
        await pilot.press("alt+p")
        await until(pilot, lambda: "needs a column of numbers" in _said(app))
        _write(screen, "SELECT count(*) FROM persons_real WHERE age > 30")
        await pilot.press("alt+x")
        await until(
            pilot, lambda: "Table: workspace.real.persons" in screen_text(app) or "Plan" in screen_text(app)
        )
        assert screen.pane.table is None
        _write(screen, "SELECT frm")
        await pilot.press("alt+x")
        await until(pilot, lambda: screen.problem.is_open)
        await pilot.press("alt+i")
        await until(pilot, lambda: screen.pane.is_offering)


# --- kept ----------------------------------------------------------------------------------------------------------------


async def test_history_is_kept_found_and_taken(space: Path) -> None:
    async with opened(space, place="sql", size=SMALL) as (app, pilot):
        screen = await _ready(app, pilot)
        await _run(pilot, screen, "SELECT 'first' AS a")
        await _run(pilot, screen, "SELECT [bold]")
    assert (space / "ui" / "history.jsonl").stat().st_mode & 0o777 == 0o600
    async with opened(space, place="sql", size=(120, 30)) as (app, pilot):
        screen = await _ready(app, pilot)
        await pilot.press("alt+h")
        await _dialog(pilot, PickDialog)
        assert "SELECT [bold]" in screen_text(app)
        assert "not done" in screen_text(app)
        assert "1 row" in screen_text(app)
        await _type(pilot, "first")
        await until(pilot, lambda: "[bold]" not in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SqlScreen))
        await settled(pilot)
        assert screen.editor.text == "SELECT 'first' AS a"
        await pilot.press("alt+h")
        await _dialog(pilot, PickDialog)
        await pilot.press("down", "up", "pagedown", "pageup", "escape")
        assert isinstance(app.screen, SqlScreen)


async def test_queries_are_saved_and_opened(space: Path) -> None:
    async with opened(space, place="sql", size=(120, 30)) as (app, pilot):
        screen = await _ready(app, pilot)
        _write(screen, "SELECT 7")
        await pilot.press("alt+s")
        await _dialog(pilot, PathDialog)
        await pilot.press("enter")
        await until(pilot, (space / "queries" / "query.sql").exists)
        await settled(pilot)
        _write(screen, "SELECT 8")
        await pilot.press("alt+o")
        await _dialog(pilot, PickDialog)
        assert "of this workspace" in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: screen.editor.text == "SELECT 7\n")
        await settled(pilot)
        (space / "other.sql").write_text("SELECT 9")
        await pilot.press("alt+o")
        await _dialog(pilot, PickDialog)
        await _type(pilot, "another")
        await pilot.press("enter")
        dialog = await _dialog(pilot, PathDialog)
        dialog.query_one(Input).value = str(space / "other.sql")
        await settled_dialog(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: screen.editor.text == "SELECT 9")
        assert len(screen._buffers.texts) == 3


async def test_who_may_only_look_saves_nothing(space: Path) -> None:
    async with opened(space, place="sql", read_only=True) as (app, pilot):
        screen = await _ready(app, pilot)
        await _run(pilot, screen, "SELECT 1 AS a")
        await pilot.press("alt+s")
        await pilot.pause()
        assert app.screen is screen
        await pilot.press("alt+h")
        await _dialog(pilot, PickDialog)
        assert "SELECT 1 AS a" in screen_text(app)
    assert not (space / "ui").exists()
    assert not (space / "queries").exists()


async def test_the_screen_survives_any_size(space: Path) -> None:
    async with opened(space, place="sql", size=(20, 5)) as (app, pilot):
        screen = await _ready(app, pilot)
        await _type(pilot, "from pers")
        await pilot.press("escape")
        await _run(pilot, screen, "SELECT nosuch")
        await pilot.resize_terminal(200, 60)
        await _run(pilot, screen, "FROM persons_real")
        await until(pilot, lambda: screen.pane.table and "60 rows" in screen_text(app))
        await pilot.resize_terminal(20, 5)
        await pilot.resize_terminal(*SMALL)
        await until(pilot, lambda: "60 rows" in screen_text(app))


def test_every_action_of_the_place_has_a_name_and_words() -> None:
    bindings = [one for one in SqlScreen.BINDINGS if not isinstance(one, tuple)]
    ids = [one.id for one in bindings]
    assert None not in ids
    assert len(set(ids)) == len(ids)
    assert all(one.description for one in bindings)
    actions: dict[str, Callable[..., Any] | None] = {
        one.action.split("(")[0]: getattr(SqlScreen, "action_" + one.action.split("(")[0], None)
        for one in bindings
    }
    assert None not in actions.values()
