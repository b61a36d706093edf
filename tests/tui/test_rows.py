"""The Rows place: every key, wrong input, hostile cells, small screens, and what it says where there is nothing to show."""

from __future__ import annotations

import csv
import json
import shutil
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot
from textual.widgets import Input

from localsynth import Workspace
from localsynth.core.recipe import Recipe
from localsynth.core.run import Run
from localsynth.core.schema import Schema
from localsynth.runs.lock import RunLock
from localsynth.tui.app import LocalsynthApp
from localsynth.tui.dialogs import ErrorDialog
from localsynth.tui.memory import Memory, Settings
from localsynth.tui.paths import PathDialog
from localsynth.tui.rows.filterbar import FilterBar, FilterInput
from localsynth.tui.rows.going import GoDialog
from localsynth.tui.rows.grid import Grid
from localsynth.tui.rows.layout import laid_out, left_for
from localsynth.tui.rows.nearest import NearestDialog
from localsynth.tui.rows.words import nothing_of
from localsynth.tui.screens.rows import RowsScreen
from localsynth.tui.sql.picker import PickDialog
from localsynth.tui.widgets.cellview import CellDialog
from localsynth.workspace.browse import Browsing

from .kit import opened, screen_text, settled, until

SMALL = (80, 24)
WIDE = (140, 40)
ROWS = 120
SCHEMA = Schema.from_toml(
    """
columns = [
  { name = "age", kind = "integer", range = [0, 120], unit = "years", description = "Age at the first visit" },
  { name = "fee", kind = "float", range = [0.0, 2000.0], decimals = 2 },
  { name = "ward", kind = "categorical", categories = { A = "surgery", B = "heart", C = "children" } },
  { name = "smokes", kind = "boolean", nullable = true },
  { name = "seen on", kind = "date", range = ["2020-01-01", "2026-01-01"] },
  { name = "[i]no[/]te", kind = "text", nullable = true },
]
"""
)
NASTY = ["[bold]x[/]", "\x1b[31mred", "\u202egnp", "表 表", "a\tb", "c\nd", None]
SHOWN = ["[bold]x[/]", "\\x1b[31mred", "\\u202egnp", "表 表", "a\\tb", "c\\nd", "∅"]


def _rows() -> list[dict[str, Any]]:
    return [
        {
            "age": 20 + at % 60,
            "fee": at * 12.5,
            "ward": "ABC"[at % 3],
            "smokes": (True, False, None)[at % 3],
            "seen on": f"2021-01-{at % 28 + 1:02}",
            "[i]no[/]te": NASTY[at % len(NASTY)],
        }
        for at in range(ROWS)
    ]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real rows, a run of them, a description without rows, and a dataset whose rows only aggregates may tell of."""
    base = tmp_path_factory.mktemp("rows")
    (base / "few.jsonl").write_text("".join(json.dumps(row) + "\n" for row in _rows()))
    ws = Workspace(base / "ws")
    ws.import_file(base / "few.jsonl", schema=SCHEMA, policy="rows")
    ws.declare("described", SCHEMA)
    for name, rows, method in (("few", 70, "bootstrap"), ("few", 40, "independent")):
        recipe = base / f"{method}.toml"
        recipe.write_text(f'rows = {rows}\n[dataset]\nname = "{name}"\n[method]\nname = "{method}"\n')
        ws.run(recipe)
    return base / "ws"


@pytest.fixture(scope="module")
def run(made: Path) -> Run:
    """Of 70 rows."""
    return next(one for one in Workspace(made).runs() if one.method == "bootstrap")


@pytest.fixture
def space(made: Path, tmp_path: Path) -> Path:
    """A copy, for a test that writes."""
    return Path(shutil.copytree(made, tmp_path / "ws"))


@asynccontextmanager
async def rows_of(
    folder: Path, run: Run | None = None, *, size: tuple[int, int] = SMALL, dataset: str | None = "few"
) -> AsyncIterator[tuple[LocalsynthApp, Pilot[None], RowsScreen]]:
    """The place, its first rows there."""
    name = run.run_id if run is not None else None
    # It begins there: Home would look at all there is.
    memory = Memory(folder / "ui", Settings(), {"dataset": dataset, "run": name, "place": "rows"})
    app = LocalsynthApp(str(folder), memory=memory)
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        yield app, pilot, cast("RowsScreen", app.screen)


async def press(pilot: Pilot[None], *keys: str) -> str:
    """What the screen shows after the keys."""
    await pilot.press(*keys)
    await settled(pilot)
    return screen_text(pilot.app)


async def write(pilot: Pilot[None], where: str) -> str:
    """Filter by a condition."""
    await pilot.press("slash")
    field = pilot.app.screen.query_one(FilterInput)
    await until(pilot, lambda: field.has_focus)
    field.value = where
    return await press(pilot, "enter")


# --- what is shown ---------------------------------------------------------------------------------------------------


async def test_rows_of_a_run_are_shown_with_signs_and_numbers(made: Path, run: Run) -> None:
    async with rows_of(made, run) as (app, _, screen):
        text = screen_text(app)
        assert "synthetic rows 1-18 of 70" in text
        assert "age #" in text
        assert "fee #.#" in text
        assert "smokes t/f" in text
        assert "seen on day" in text
        assert screen.grid.kind == "synth"
        assert screen.grid.has_focus
        ages = Workspace(made).rows_arrow(run).column("age").to_pylist()
        lines = text.splitlines()[4:22]
        assert [int(one.replace("│", " ").replace("▸", " ").split()[1]) for one in lines] == ages[:18]


async def test_cells_are_shown_as_they_are(made: Path) -> None:
    async with rows_of(made, size=WIDE) as (app, _, _screen):
        text = screen_text(app)
        assert "[i]no[/]te s" in text
        for shown in SHOWN:
            assert shown in text
        assert "\x1b" not in text
        assert "\u202e" not in text


async def test_real_rows_are_those_of_the_train_part(made: Path) -> None:
    train = Workspace(made).dataset("few").train_rows
    assert 0 < train < ROWS
    async with rows_of(made) as (app, _, _screen):
        assert f"real train rows 1-18 of {train}" in screen_text(app)


async def test_without_anything_to_show_it_says_what_to_press(made: Path, tmp_path: Path) -> None:
    async with rows_of(made, dataset="described") as (app, _, _screen):
        assert "is a description without real rows" in screen_text(app)
    async with rows_of(made, dataset=None) as (app, _, _screen):
        assert "No dataset is chosen. Press F2" in screen_text(app)
    async with rows_of(tmp_path / "nothing", dataset=None) as (app, pilot, screen):
        assert "There is no workspace here yet" in screen_text(app)
        await press(pilot, *"sgjfdvtnyYxr", "slash", "enter", "pagedown", "escape")
        assert app.screen is screen


async def test_a_run_that_is_gone_is_named(made: Path) -> None:
    async with rows_of(made) as (app, pilot, _):
        app.about("few", "20200101-000000-few-aaaa")
        await settled(pilot)
        text = screen_text(app)
        assert "'20200101-000000-few-aaaa'" in text
        assert "real train rows" in text


async def test_another_subject_shows_its_rows(made: Path, run: Run) -> None:
    other = next(one for one in Workspace(made).runs() if one.run_id != run.run_id)
    async with rows_of(made, run) as (app, pilot, _):
        app.about("few", other.run_id)
        await settled(pilot)
        assert "of 40" in screen_text(app)


@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=12),
    st.data(),
    st.integers(20, 120),
    st.integers(0, 3),
    st.integers(0, 12),
)
def test_the_cursor_is_in_sight_and_no_room_is_wasted(
    widths: list[int], data: st.DataObject, room: int, frozen: int, left: int
) -> None:
    column = data.draw(st.integers(0, len(widths) - 1))
    left = left_for(column, widths, 4, room, frozen, min(left, len(widths) - 1))
    layout = laid_out(widths, 4, room, frozen, left)
    assert column in [one.number for one in layout.columns]
    if left > layout.frozen:
        more = laid_out(widths, 4, room, frozen, left - 1).columns[-1]
        assert more.number < len(widths) - 1 or more.x + more.width > room


# --- moving ----------------------------------------------------------------------------------------------------------


async def test_keys_move_the_cursor(made: Path, run: Run) -> None:
    async with rows_of(made, run) as (_, pilot, screen):
        grid = screen.grid
        steps = [
            ("down", (1, 0)),
            ("right", (1, 1)),
            ("left", (1, 0)),
            ("up", (0, 0)),
            ("up", (0, 0)),
            ("pagedown", (18, 0)),
            ("end", (18, 5)),
            ("home", (18, 0)),
            ("pageup", (0, 0)),
            ("ctrl+end", (69, 0)),
            ("pagedown", (69, 0)),
            ("ctrl+home", (0, 0)),
        ]
        for key, place in steps:
            await press(pilot, key)
            assert (grid.row, grid.column) == place, key
            assert grid.row in grid.seen
        assert "synthetic rows 1-18 of 70" in str(grid.border_title)
        text = await press(pilot, "ctrl+end")
        assert "synthetic rows 53-70 of 70" in text
        assert "···" not in text


async def test_columns_out_of_sight_come_when_the_cursor_gets_there(made: Path, run: Run) -> None:
    async with rows_of(made, run, size=(50, 20)) as (app, pilot, screen):
        assert "[i]no[/]te" not in screen_text(app)
        text = await press(pilot, "end")
        assert "[i]no[/]te: column 6 of 6" in text
        assert "age #" not in text
        text = await press(pilot, "home", "f", "end")
        assert "age # │" in text
        assert screen.grid.frozen == 1
        assert "age # │" not in await press(pilot, "home", "f")


async def test_a_row_and_a_column_are_gone_to(made: Path, run: Run) -> None:
    async with rows_of(made, run) as (app, pilot, screen):
        await press(pilot, "g")
        assert isinstance(app.screen, GoDialog)
        app.screen.query_one(Input).value = "71"
        assert "rows have numbers from 1 to 70" in await press(pilot, "enter")
        app.screen.query_one(Input).value = "0,066"
        await press(pilot, "enter")
        assert screen.grid.row == 65
        await press(pilot, "j")
        assert isinstance(app.screen, PickDialog)
        await press(pilot, *"smok", "enter")
        assert screen.grid.column == 3


async def test_the_mouse_chooses_opens_and_sorts(made: Path, run: Run) -> None:
    async with rows_of(made, run) as (app, pilot, screen):
        await pilot.click(screen.grid, offset=(9, 4))
        await settled(pilot)
        assert (screen.grid.row, screen.grid.column) == (2, 0)
        await pilot.click(screen.grid, offset=(9, 4))
        await settled(pilot)
        assert isinstance(app.screen, CellDialog)
        await press(pilot, "escape")
        await pilot.click(screen.grid, offset=(8, 1))
        await settled(pilot)
        assert screen.wish.order == (("age", False),)


# --- filter and order ------------------------------------------------------------------------------------------------


async def test_a_filter_shows_fewer_rows_and_says_so(made: Path, run: Run) -> None:
    ages = Workspace(made).rows_arrow(run).column("age").to_pylist()
    old = sum(age > 50 for age in ages)
    async with rows_of(made, run) as (_, pilot, screen):
        text = await write(pilot, "age > 50")
        assert f"of {old} (of 70 before the filter)" in text
        assert "where age > 50" in text
        assert screen.grid.has_focus
        assert "no rows (of 70 before the filter)" in await write(pilot, "age > 500")
        await press(pilot, "enter", "y", "d", "pagedown", "n", "escape")
        text = await write(pilot, "")
        assert "of 70" in text
        assert "before the filter" not in text
        assert "where" not in text


async def test_a_wrong_filter_is_kept_until_it_is_corrected(made: Path, run: Run) -> None:
    async with rows_of(made, run) as (_, pilot, screen):
        text = await write(pilot, "agee > 50")
        assert "agee" in text
        assert "Candidate bindings" in text
        assert "of 70" in text
        field = screen.query_one(FilterInput)
        assert field.value == "agee > 50"
        assert field.has_focus
        field.value = "age > 50; DROP TABLE x"
        assert "one expression" in await press(pilot, "enter")
        field.value = "age > 50"
        assert "Candidate" not in await press(pilot, "enter")
        assert screen.wish.where == "age > 50"
        await pilot.press("slash", "x", "escape")
        await settled(pilot)
        assert field.value == "age > 50"
        assert screen.grid.has_focus


async def test_names_are_completed_in_the_filter(made: Path, run: Run) -> None:
    async with rows_of(made, run) as (_, pilot, screen):
        await pilot.press("slash", "s", "e")
        field = screen.query_one(FilterInput)
        await until(pilot, lambda: field._suggestion == "seen on" or field.value)
        assert screen.query_one(FilterBar).has_class("-open")
        names = field.suggester
        assert names is not None
        assert await names.get_suggestion("ag") == "age"
        assert await names.get_suggestion('age > 1 AND "se') == 'age > 1 AND "seen on"'
        assert await names.get_suggestion("ward = 'ag") is None
        assert await names.get_suggestion("age b") == "age bETWEEN"
        field.value = ""
        await pilot.press(*"war")
        await until(pilot, lambda: field._suggestion == "ward")
        await pilot.press("tab")
        assert field.value == "ward"
        assert field.has_focus


async def test_rows_are_sorted_up_down_and_not_at_all(made: Path, run: Run) -> None:
    fees = Workspace(made).rows_arrow(run).column("fee").to_pylist()
    async with rows_of(made, run) as (app, pilot, screen):
        for mark, first in (("▲", min(fees)), ("▼", max(fees)), ("", fees[0])):
            text = await press(pilot, *(["right"] if mark == "▲" else []), "s")
            assert f"fee #.#{mark} " in text
            assert f"{first:.2f}" in text.splitlines()[4]
        assert "sorted by" not in screen_text(app)
        assert screen.wish.order == ()


# --- one cell, one row -----------------------------------------------------------------------------------------------


async def test_a_cell_is_shown_whole_and_copied(
    made: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    got: list[str] = []
    first = Workspace(made).rows_arrow(run).slice(0, 1).to_pylist()[0]
    async with rows_of(made, run) as (app, pilot, _):
        monkeypatch.setattr(app, "copy_to_clipboard", got.append)
        text = await press(pilot, "enter")
        assert isinstance(app.screen, CellDialog)
        assert "integer in years, from 0 to 120" in text
        assert "Age at the first visit" in text
        await press(pilot, "escape", "y")
        await press(pilot, "Y")
        text = await press(pilot, "right", "right", "space")
        assert {"A": "A: surgery", "B": "B: heart", "C": "C: children"}[first["ward"]] in text
    assert got[0] == str(first["age"])
    assert got[1].startswith(f"{first['age']}\t{first['fee']}\t{first['ward']}\t")


@pytest.mark.parametrize(("key", "what"), [("", "rows exported"), ("t", "real rows exported")])
async def test_a_cell_that_is_saved_is_in_the_audit_log(
    space: Path, run: Run, tmp_path: Path, key: str, what: str
) -> None:
    async with rows_of(space, run) as (app, pilot, screen):
        await press(pilot, *key, "enter")
        assert isinstance(app.screen, CellDialog)
        await pilot.press("s")
        await until(
            pilot, lambda: isinstance(app.screen, PathDialog) and app.screen.is_mounted, "the question"
        )
        await pilot.pause()
        app.screen.query_one(Input).value = str(tmp_path / "cell.txt")
        await pilot.press("enter")
        await until(pilot, lambda: Workspace(space).audit()[-1].what == what, "the entry")
        column = screen.grid.chosen.name  # type: ignore[union-attr]
    entry = Workspace(space).audit()[-1]
    said = {name: entry.about.get(name) for name in ("path", "rows", "column", "dataset")}
    assert said == {"path": str(tmp_path / "cell.txt"), "rows": 1, "column": column, "dataset": run.dataset}
    assert entry.about.get("run") == (run.run_id if what == "rows exported" else None)


def test_who_may_only_look_is_told_who_can_make_rows(made: Path) -> None:
    dataset = replace(Workspace(made).datasets()[0], rows=0)
    for told in (
        nothing_of(None, exists=False, run=False, read_only=True),
        nothing_of(dataset, exists=True, run=False, read_only=True),
    ):
        assert "somebody who may write" in told
        assert "F4" not in told
        assert "import a table, or" not in told
    assert "F4" in nothing_of(dataset, exists=True, run=False, read_only=False)


async def test_the_nearest_real_rows_are_shown(made: Path, run: Run) -> None:
    async with rows_of(made, run, size=WIDE) as (app, pilot, screen):
        text = await press(pilot, "n")
        assert isinstance(app.screen, NearestDialog)
        assert "Real rows nearest to synthetic row 1" in text
        assert "0.000" in text
        assert "≠" in text
        await press(pilot, "escape")
        await press(pilot, "t")
        assert screen.check_action("nearest", ()) is None


async def test_the_nearest_rows_are_refused_in_a_sentence(space: Path, run: Run) -> None:
    Workspace(space).set_policy("few", "statistics")
    async with rows_of(space, run) as (app, pilot, _):
        text = await press(pilot, "n")
        assert isinstance(app.screen, ErrorDialog)
        assert "the policy of dataset 'few' is statistics" in text


async def test_no_real_row_is_shown_beside_one_of_a_run_with_a_privacy_budget(space: Path) -> None:
    bounded = Workspace(space).run(
        Recipe.from_toml(
            'rows = 5\n[dataset]\nname = "few"\n[model]\nname = "uniform"\n[method]\nname = "text-to-tabular"\n'
            "[privacy]\nepsilon = 1.0\n"
        )
    )
    async with rows_of(space, bounded) as (app, pilot, _):
        text = await press(pilot, "n")
        assert isinstance(app.screen, ErrorDialog)
        assert "has a privacy budget" in text


# --- distribution, both kinds ----------------------------------------------------------------------------------------


async def test_the_distribution_of_the_column_is_shown(made: Path, run: Run) -> None:
    async with rows_of(made, run, size=WIDE) as (_, pilot, screen):
        text = await press(pilot, "right", "right", "d")
        assert "real      0 missing (0.0 %), 3 different" in text
        assert "synthetic 0 missing (0.0 %), 3 different" in text
        assert "distance" in text
        text = await press(pilot, "right")
        assert "true" in text
        assert "missing" in text
        assert screen.panel.spread is not None
        assert screen.panel.spread.column == "smokes"
        await press(pilot, "home")
        shown = screen.panel.spread
        assert shown.real is not None
        assert shown.made is not None
        assert shown.real.edges == shown.made.edges
        assert shown.made.rows == 70
        assert "distance" not in await press(pilot, "d")


async def test_the_distribution_is_of_the_rows_that_are_shown(made: Path, run: Run) -> None:
    async with rows_of(made, run) as (_, pilot, screen):
        await press(pilot, "d")
        await write(pilot, "ward = 'A'")
        assert screen.panel.spread is not None
        assert screen.panel.spread.made is not None
        assert screen.panel.spread.made.rows == screen.grid.total
        await press(pilot, "escape")
        assert not screen.panel.has_class("-open")


async def test_real_and_synthetic_rows_side_by_side(made: Path, run: Run) -> None:
    async with rows_of(made, run, size=WIDE) as (app, pilot, screen):
        text = await press(pilot, "v")
        assert "real train rows 1-" in text
        assert "synthetic rows 1-" in text
        await press(pilot, "right", "right")
        real, synth = (screen.query_one(f"#{name}", Grid) for name in ("real", "synth"))
        assert (real.column, synth.column) == (2, 2)
        assert real.widths == synth.widths
        await press(pilot, "t")
        assert real.has_focus
        await pilot.resize_terminal(*SMALL)
        await settled(pilot)
        assert "synthetic rows" not in screen_text(app)
        await pilot.resize_terminal(*WIDE)
        await settled(pilot)
        assert "synthetic rows" in screen_text(app)
        await press(pilot, "v")
        assert "synthetic rows" not in screen_text(app)


async def test_one_kind_after_the_other(made: Path, run: Run) -> None:
    async with rows_of(made, run) as (_, pilot, screen):
        await press(pilot, "right")
        text = await press(pilot, "t")
        assert "real train rows" in text
        assert "synthetic rows" not in text
        assert screen.grid.column == 1
        text = await press(pilot, "v")  # no room for both
        assert "synthetic rows" in text
        assert "real train rows" not in text


# --- files, runs that go on, starts ----------------------------------------------------------------------------------


async def test_the_view_is_written_to_a_file(
    made: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localsynth.tui.rows.asking._PIECE", 7)
    paths = [tmp_path / f"out.{suffix}" for suffix in ("csv", "parquet", "jsonl")]
    async with rows_of(made, run) as (app, pilot, screen):
        await press(pilot, "s")
        await write(pilot, "age > 30")
        count = screen.grid.total
        for path in paths:
            await pilot.press("x")
            await until(pilot, lambda: isinstance(app.screen, PathDialog))
            app.screen.query_one(Input).value = str(path)
            await pilot.press("enter")
            await until(pilot, path.exists)
            await settled(pilot)
    with paths[0].open(newline="") as file:
        separated: list[dict[str, Any]] = list(csv.DictReader(file))
    lines = [json.loads(line) for line in paths[2].read_text().splitlines()]
    for rows in (separated, pq.read_table(paths[1]).to_pylist(), lines):
        ages = [int(row["age"]) for row in rows]
        assert len(rows) == count
        assert ages == sorted(ages)
        assert min(ages) > 30
        assert list(rows[0]) == list(SCHEMA.names)
    assert {path.stat().st_mode & 0o777 for path in paths} == {0o600}


async def test_a_run_that_goes_on_shows_its_new_rows_when_asked(space: Path, run: Run) -> None:
    ws = Workspace(space)
    with ws.store.write() as con:
        con.execute("UPDATE meta.runs SET rows_done = 50 WHERE run_id = ?", [run.run_id])
    async with rows_of(space, run) as (app, pilot, _):
        assert "of 50" in screen_text(app)
        with RunLock(ws.events_file(run).parent, run.run_id):
            await until(pilot, lambda: "this run goes on; r shows its new rows" in screen_text(app))
        with ws.store.write() as con:
            con.execute("UPDATE meta.runs SET rows_done = 70 WHERE run_id = ?", [run.run_id])
        await until(pilot, lambda: "this run has ended; r shows all its rows" in screen_text(app))
        assert "of 70" in await press(pilot, "r")


async def test_rows_that_were_replaced_are_opened_again(space: Path, run: Run, tmp_path: Path) -> None:
    async with rows_of(space, run) as (app, pilot, screen):
        await press(pilot, "t")
        (tmp_path / "few.jsonl").write_text("".join(json.dumps(row) + "\n" for row in _rows()[:90]))
        ws = Workspace(space)
        ws.import_file(tmp_path / "few.jsonl", schema=SCHEMA, policy="rows", replace=True)
        assert screen.grid.pages is not None
        screen.grid.pages._held.clear()
        text = await press(pilot, "down")
        assert "replaced meanwhile; r reads the rows again" in text
        train = ws.dataset("few").train_rows
        assert f"of {train}" in await press(pilot, "r")
        assert "replaced" not in screen_text(app)


async def test_reading_can_be_stopped(made: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Browsing.browse
    began = threading.Event()

    def slow(self: Browsing, *given: Any, **more: Any) -> Any:
        if more.get("where"):
            began.set()
            more["where"] = f"{more['where']} AND (SELECT max(hash(range)) FROM range(10000000000)) > 1"
        return real(self, *given, **more)

    async with rows_of(made, run) as (app, pilot, screen):
        monkeypatch.setattr(Browsing, "browse", slow)
        await pilot.press("slash")
        field = screen.query_one(FilterInput)
        field.value = "age > 1"
        await pilot.press("enter")
        await until(pilot, began.is_set)
        screen.grid.focus()
        await pilot.press("escape")
        await settled(pilot)
        assert screen.wish.where == ""
        assert "of 70" in screen_text(app)


async def test_where_one_was_is_kept(made: Path, run: Run) -> None:
    async with rows_of(made, run) as (app, pilot, _):
        await press(pilot, "right", "f", "s")
        await write(pilot, "age > 50")
        memory = app.memory
    app = LocalsynthApp(str(made), memory=memory)
    async with app.run_test(size=SMALL) as pilot:
        await settled(pilot)
        await app.action_go("rows")
        await settled(pilot)
        text = screen_text(app)
        assert "where age > 50" in text
        assert "▲" in text
        assert " │" in text.splitlines()[4]


async def test_it_fits_any_terminal(made: Path, run: Run) -> None:
    async with rows_of(made, run, size=(20, 5)) as (app, pilot, screen):
        for size in ((20, 5), (200, 60), (40, 12), SMALL):
            await pilot.resize_terminal(*size)
            await press(pilot, "d", "v", "end", "ctrl+end", "pageup", "home", "d", "ctrl+home")
            assert app.screen is screen
        assert "rows 1-18 of" in screen_text(app)


async def test_nothing_is_written_where_people_may_only_look(made: Path, run: Run) -> None:
    async with opened(made, place="rows", dataset="few", run=run.run_id, read_only=True) as (app, pilot):
        await settled(pilot)
        assert "synthetic rows" in screen_text(app)
        assert "Real rows nearest" in await press(pilot, "n")
