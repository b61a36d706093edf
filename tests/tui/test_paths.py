"""Paths: completed from the folders there are, judged before they are taken, nothing overwritten unasked."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from textual.widgets import Input, OptionList

from localsynth.tui.folders import Sense, Wanted, completed, judged, listing, meant
from localsynth.tui.paths import PathDialog
from tests.tui.kit import opened, screen_text, settled, until

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=6).filter(
    lambda name: name not in {".", ".."} and len(name.encode()) < 200
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(NAMES, max_size=6),
    st.lists(NAMES, max_size=3),
    st.text(max_size=3).filter(lambda t: "\0" not in t),
)
def test_completion_only_goes_on_and_only_to_what_is_there(
    tmp_path_factory: pytest.TempPathFactory, files: list[str], folders: list[str], stem: str
) -> None:
    base = tmp_path_factory.mktemp("tree")
    for name in files:
        if not (base / name).exists():
            (base / name).write_text("x")
    for name in folders:
        if not (base / name).exists():
            (base / name).mkdir()
    typed = stem.replace("/", "").replace("~", "")
    found = listing(typed, base)
    last = "" if typed == ".." else typed
    for one in found.entries:
        assert one.name.casefold().startswith(last.casefold())
        assert "\n" not in one.name
        assert "\x1b" not in one.name
        if typed != "..":
            assert (base / one.name).is_dir() == one.folder
    whole = completed(typed, found)
    assert whole.casefold().startswith(typed.casefold())
    if typed != "..":
        assert all(one.name.startswith(whole.rstrip("/")) for one in found.entries) or whole == typed
        assert completed(whole, listing(whole, base)).startswith(whole)


def test_home_and_folders_that_cannot_be_read(tmp_path: Path) -> None:
    assert meant("~/x.csv", tmp_path) == Path.home() / "x.csv"
    assert meant("x.csv", tmp_path) == tmp_path / "x.csv"
    assert completed("~", listing("~", tmp_path)) == "~/"
    assert "No such file" in listing(f"{tmp_path}/none/x", tmp_path).problem
    assert listing("a\0b/", tmp_path).problem


def test_only_the_wanted_files_are_listed(tmp_path: Path) -> None:
    for name in ("a.csv", "a.txt", ".a.csv", "bad\x1b[31m.csv"):
        (tmp_path / name).write_text("x")
    (tmp_path / "folder").mkdir()
    assert [one.name for one in listing("", tmp_path, (".csv",)).entries] == ["folder", "a.csv"]
    assert [one.name for one in listing(".", tmp_path, (".csv",)).entries] == [".a.csv"]


def test_a_path_is_judged(tmp_path: Path) -> None:
    (tmp_path / "there.csv").write_text("x")
    read, save = Wanted(), Wanted((".csv", ".tsv"), save=True)
    assert judged("there.csv", tmp_path, read).sense is Sense.TAKEN
    assert judged("none.csv", tmp_path, read).words.startswith("there is no file")
    assert judged("none.csv", tmp_path, Wanted(must_exist=False)).sense is Sense.TAKEN
    assert judged(".", tmp_path, read).sense is Sense.FOLDER
    assert judged(" ", tmp_path, read).sense is Sense.WRONG
    assert judged("x" * 5000, tmp_path, read).sense is Sense.WRONG
    assert judged("there.csv", tmp_path, save).sense is Sense.EXISTS
    assert ".csv, .tsv" in judged("new", tmp_path, save).words
    assert judged("new.tsv", tmp_path, save).sense is Sense.TAKEN
    assert judged("none/new.tsv", tmp_path, save).sense is Sense.NO_FOLDER
    made = Wanted((".csv",), save=True, makes=tmp_path / "none")
    assert judged("none/new.csv", tmp_path, made).sense is Sense.TAKEN
    assert stat.S_IMODE((tmp_path / "none").stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_must_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch(mode=0o000)
    assert "Permission" in judged("a.csv", tmp_path, Wanted()).words


async def test_a_list_that_comes_when_the_dialog_is_closing_harms_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who types and takes at once: the list of the last letter wakes up when the dialog has lost its parts already."""
    seen: list[bool] = []
    async with opened(tmp_path / "ws", size=(80, 24)) as (app, pilot):
        dialog = PathDialog("A table", f"{tmp_path}/")

        async def late(typed: str) -> Any:
            while dialog.query(OptionList):  # noqa: ASYNC110 -- the very turn in which they are gone
                await asyncio.sleep(0)
            seen.append(True)
            return listing(typed, tmp_path)

        await app.push_screen(dialog)
        await settled(pilot)
        monkeypatch.setattr(dialog, "_listing", late)
        dialog.query_one(Input).value += "x"
        await until(pilot, lambda: any(w.group == "listing" for w in app.workers if w.is_running), "a list")
        dialog.dismiss(None)
        await until(pilot, lambda: seen, "the late list")
        await settled(pilot)
        assert app.is_running


async def test_a_file_is_completed_chosen_and_taken(tmp_path: Path) -> None:
    for name in ("clinic.csv", "clinic_b.csv", "[bold]x[b].csv"):
        (tmp_path / name).write_text("x")
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "表.csv").write_text("x")
    taken: list[Any] = []
    async with opened(tmp_path / "ws", size=(80, 24)) as (app, pilot):
        await app.push_screen(PathDialog("A [bold]table[/]", f"{tmp_path}/", (".csv",)), taken.append)
        await until(pilot, lambda: "clinic_b.csv" in screen_text(app), "the list")
        assert "A [bold]table[/]" in screen_text(app)
        assert "[bold]x[b].csv" in screen_text(app)
        field = app.screen.query_one(Input)
        await pilot.press("c", "l", "tab")
        await until(pilot, lambda: field.value.endswith("/clinic"), "the completion")
        field.value = f"{tmp_path}/ta"
        await until(pilot, lambda: app.screen.query_one(OptionList).option_count == 1, "one entry")
        await pilot.press("down", "enter")
        await until(pilot, lambda: "表.csv" in screen_text(app), "the folder")
        assert not taken
        await pilot.press("down", "enter")
        await until(pilot, lambda: taken, "the file")
    assert taken == [tmp_path / "tables" / "表.csv"]


async def test_nothing_is_overwritten_unasked_and_escape_leaves(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x")
    taken: list[Any] = []
    async with opened(tmp_path / "ws", size=(80, 24)) as (app, pilot):
        dialog = PathDialog("Save", tmp_path / "a.csv", (".csv",), save=True)
        await app.push_screen(dialog, taken.append)
        await settled(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: "Replace" in screen_text(app), "the question")
        await pilot.press("n")
        await until(pilot, lambda: app.screen is dialog, "the dialog again")
        assert not taken
        app.screen.query_one(Input).value = f"{tmp_path}/new/b.csv"
        await pilot.press("enter")
        await until(pilot, lambda: "There is no folder" in screen_text(app), "the question")
        await pilot.press("y")
        await until(pilot, lambda: taken, "the path")
        assert taken == [tmp_path / "new" / "b.csv"]
        assert (tmp_path / "new").is_dir()
        await app.push_screen(PathDialog("Save", "", (".csv",), save=True), taken.append)
        await settled(pilot)
        await pilot.press("x", "enter")
        await until(pilot, lambda: "must end in .csv" in screen_text(app), "what is wrong")
        await pilot.press("escape")
        await until(pilot, lambda: len(taken) == 2, "the end")
    assert taken[-1] is None
