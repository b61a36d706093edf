"""Report: what is kept is shown as it is, what is not can be evaluated, compared, searched, and written to files."""

from __future__ import annotations

import asyncio
import shutil
import stat
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input, OptionList

from localsynth import Workspace
from localsynth.core.errors import PolicyError, RunError
from localsynth.core.recipe import Recipe
from localsynth.core.schema import Schema
from localsynth.core.targets import Budget
from localsynth.store.budgets import book
from localsynth.tui.app import LocalsynthApp
from localsynth.tui.choosing import CheckDialog, ChoiceDialog
from localsynth.tui.dialogs import ConfirmDialog
from localsynth.tui.judged.jobbar import JobBar
from localsynth.tui.judged.page import page
from localsynth.tui.judged.sight import Asked, see
from localsynth.tui.judged.view import ReportView
from localsynth.tui.judged.words import progress
from localsynth.tui.paths import PathDialog
from localsynth.tui.screens import report
from localsynth.workspace import JobState, JobStep, Phase
from tests.tui.kit import PATIENCE_S, opened, screen_text, settled, until

BOUNDED = 'rows = 20\n[dataset]\nname = "few"\n[model]\nname = "uniform"\n'
QUICK = ("validity", "columns")
RECIPE = 'rows = 30\nseed = {seed}\n[dataset]\nname = "few"\n[method]\nname = "{method}"\n'
NASTY = ["[bold]x[/]", "\x1b[31mred", "\u202egnp", "表 表"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str, str]:
    """A workspace with a nasty column; a run that is evaluated, one beside it, and one that is not."""
    folder = tmp_path_factory.mktemp("report")
    lines = [f"{20 + i % 40},{NASTY[i % 4]},{'yes' if i % 3 else 'no'}" for i in range(60)]
    (folder / "few.csv").write_text("\n".join(["age,[b]note[/b],ill", *lines]) + "\n", encoding="utf-8")
    space = Workspace(folder / "ws")
    space.import_file(folder / "few.csv")
    runs = []
    for seed, method in enumerate(("independent", "bootstrap", "independent")):
        (folder / "r.toml").write_text(RECIPE.format(seed=seed, method=method))
        runs.append(space.run(folder / "r.toml").run_id)
    space.evaluate(runs[0], runs[1], metrics=QUICK)
    space.evaluate(runs[0], metrics=QUICK)
    return space.folder, runs[0], runs[1], runs[2]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Evaluations that are started take two of the metrics only."""
    usual = Workspace.start_job

    def started(self: Workspace, kind: Any, **request: Any) -> Any:
        return usual(self, kind, **request, metrics=QUICK)

    monkeypatch.setattr(Workspace, "start_job", started)


def shown(app: LocalsynthApp) -> str:
    return app.screen.query_one(ReportView).page.text


def reads(app: LocalsynthApp, words: str) -> Callable[[], bool]:
    return lambda: words in screen_text(app)


def told(app: LocalsynthApp, words: str) -> Callable[[], bool]:
    return lambda: any(words in one.message for one in app._notifications)


def lists_sections(app: LocalsynthApp, wanted: bool) -> bool:
    return ("Sections" in screen_text(app)) == wanted


async def test_the_report_is_shown_at_any_size(made: tuple[Path, str, str, str]) -> None:
    folder, run, _, _ = made
    async with opened(folder, place="report", dataset="few", run=run, size=(80, 24)) as (app, pilot):
        await until(pilot, reads(app, "judged"), "the report")
        assert "[b]note[/b]" in shown(app)
        assert "\x1b" not in shown(app)
        for width, height in ((80, 24), (200, 60), (120, 40)):
            await pilot.resize_terminal(width, height)
            await until(pilot, partial(lists_sections, app, width >= 110), "the sections")
            await settled(pilot)
            text = screen_text(app)
            assert "independent, 30 rows, finished" in text
            assert "Valid" in text
            assert all(len(one) <= width for one in text.splitlines())
        view, sections = app.screen.query_one(ReportView), app.screen.query_one("#sections", OptionList)
        await until(pilot, lambda: sections.option_count > 1, "the sections")
        await pilot.click(sections, offset=(4, 3))
        await until(pilot, lambda: view.scroll_y > 0, "another section")


async def test_sections_and_search(made: tuple[Path, str, str, str]) -> None:
    folder, run, _, _ = made
    async with opened(folder, place="report", dataset="few", run=run, size=(80, 24)) as (app, pilot):
        await until(pilot, reads(app, "judged"), "the report")
        view = app.screen.query_one(ReportView)
        assert view.page.sections[0].title == "Verdict"
        await pilot.press("j")
        await until(pilot, lambda: isinstance(app.screen, ChoiceDialog), "the sections")
        await pilot.press("down", "enter")
        await until(pilot, lambda: round(view.scroll_y) == view.page.sections[1].line, "the second section")
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: view.scroll_y == 0, "the first")
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: view.scroll_y > 0, "the second")
        await pilot.press("slash")
        await until(pilot, lambda: isinstance(app.focused, Input), "the field")
        await pilot.press(*"[b]NOTE", "enter")
        await until(pilot, lambda: "found: 1 of" in screen_text(app), "the count")
        count = len(view.page.found("[b]note"))
        assert count > 1
        await pilot.press("n")
        await until(pilot, reads(app, f"found: 2 of {count}"), "the next")
        await pilot.press("N", "N")
        await until(pilot, reads(app, f"found: {count} of {count}"), "the last, from the first")
        app.screen.query_one("#search", Input).value = ""
        await pilot.press("slash", *"no such words", "enter")
        await until(pilot, told(app, "is not in this report"), "the word on that")
        await pilot.press("slash", "escape")
        await until(pilot, lambda: app.focused is view, "the report again")


async def test_a_place_stays_over_resizing(made: tuple[Path, str, str, str]) -> None:
    folder, run, _, _ = made
    async with opened(folder, place="report", dataset="few", run=run, size=(120, 40)) as (app, pilot):
        await until(pilot, reads(app, "judged"), "the report")
        view = app.screen.query_one(ReportView)
        view.jump(2)
        await until(pilot, lambda: view.scroll_y > 0, "the third section")
        before = view.page
        for size in ((20, 5), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
        await until(pilot, lambda: view.page is not before and app.size.width == 80, "other lines")
        await settled(pilot)
        assert view.page.section_at(round(view.scroll_y)) == 2


async def test_runs_side_by_side(made: tuple[Path, str, str, str]) -> None:
    folder, run, other, bare = made
    async with opened(folder, place="report", dataset="few", run=run) as (app, pilot):
        await until(pilot, reads(app, "judged"), "the report")
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, CheckDialog), "the list")
        assert f"[x] {run}" in screen_text(app)
        assert f"[ ] {other}" in screen_text(app)
        await pilot.press("up", "space")  # the newest are above
        await until(pilot, reads(app, f"[x] {other}"), "the mark")
        await pilot.press("enter")
        await until(pilot, lambda: "first   " in shown(app), "the comparison")
        assert "2 runs side by side" in screen_text(app)
        assert app.memory.get("report")["runs"] == [run, other]
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, CheckDialog), "the list")
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, CheckDialog), "the report")
        app.about("few", bare)
        await until(pilot, reads(app, "This run has not been evaluated"), "the other run")


@pytest.mark.usefixtures("quick")
async def test_a_run_is_evaluated_and_stopped(made: tuple[Path, str, str, str], tmp_path: Path) -> None:
    folder, bare = Path(shutil.copytree(made[0], tmp_path / "ws")), made[3]
    async with opened(folder, place="report", dataset="few", run=bare, size=(80, 24)) as (app, pilot):
        await until(pilot, reads(app, "This run has not been evaluated"), "the word on that")
        assert "e    evaluate now" in screen_text(app)
        bar = app.screen.query_one(JobBar)
        await pilot.press("e")
        await until(pilot, lambda: bar.job is not None and "Evaluating" in screen_text(app), "the job")
        await pilot.press("escape")
        await until(pilot, lambda: not bar.has_class("-seen"), "the line to go")
        await pilot.press("e")
        await until(pilot, lambda: bar.has_class("-seen") or bar.job is None, "the line again")
        await pilot.press("s")
        await until(pilot, lambda: bar.job is None, "the end")
        await until(pilot, told(app, "stopped; nothing of the evaluation was kept"), "the word on that")
        await pilot.press("e")
        await until(pilot, reads(app, "judged"), "the report")
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog), "the question")
        await pilot.press("n")


async def test_against_and_budget(made: tuple[Path, str, str, str]) -> None:
    folder, run, _, _ = made
    async with opened(folder, place="report", dataset="few", run=run, size=(80, 24)) as (app, pilot):
        await until(pilot, reads(app, "judged"), "the report")
        await pilot.press("b")
        await until(pilot, told(app, "no privacy budget"), "the word on that")
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, ChoiceDialog), "the datasets")
        assert "their own dataset" in screen_text(app)
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.memory.get("report")["against"] == "few", "the choice")
        await settled(pilot)
        assert "against few" in screen_text(app)


async def test_a_run_with_a_budget_is_judged_outside_it_only_when_a_person_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []

    def started(_: Workspace, kind: str, **request: Any) -> Any:
        asked.append({"kind": kind, **request})
        raise RunError("not now")

    monkeypatch.setattr(Workspace, "start_job", started)
    space = Workspace(tmp_path / "ws")
    (tmp_path / "few.csv").write_text("\n".join(["age,ill", *(f"{20 + i},{'ny'[i % 2]}" for i in range(40))]))
    declared = Schema.model_validate(
        {
            "columns": [
                {"name": "age", "kind": "integer", "range": [0, 120]},
                {"name": "ill", "kind": "categorical", "categories": ["y", "n"]},
            ]
        }
    )
    space.import_file(tmp_path / "few.csv", schema=declared)
    made = BOUNDED + '[method]\nname = "text-to-tabular"\n[privacy]\nepsilon = 1.0\n'
    run = space.run(Recipe.from_toml(made)).run_id
    space.evaluate(run, metrics=QUICK)
    async with opened(space.folder, place="report", dataset="few", run=run) as (app, pilot):
        await until(pilot, reads(app, "within the budget"), "the report")
        within = shown(app)
        await pilot.press("b")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog), "the question")
        await pilot.press("n")
        await until(pilot, lambda: not isinstance(app.screen, ConfirmDialog), "the report")
        assert app.memory.get("report")["outside"] is False
        await pilot.press("b")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog), "the question again")
        await pilot.press("y")
        await until(pilot, reads(app, "outside the budget"), "the other figures")
        await until(pilot, reads(app, "This run has not been evaluated"), "that there are none")
        await pilot.press("e")
        await until(pilot, reads(app, "not now"), "the job to be started")
        assert asked == [{"kind": "evaluate", "runs": (run,), "against": None, "outside_budget": True}]
        await pilot.press("escape")
        await asyncio.to_thread(partial(space.evaluate, run, metrics=QUICK, outside_budget=True))
        await pilot.press("b")
        await until(
            pilot, lambda: app.memory.get("report")["outside"] is False, "no question on the way back"
        )
        await until(pilot, lambda: shown(app) == within, "the first report")
        await pilot.press("b")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog), "the question once more")
        await pilot.press("y")
        await until(pilot, lambda: "do not release them" in " ".join(shown(app).split()), "their caution")
        assert shown(app) != within
    assert space.evaluation(run).covered
    assert not space.evaluation(run, outside_budget=True).covered


async def test_files_are_written(made: tuple[Path, str, str, str]) -> None:
    folder, run, _, _ = made
    async with opened(folder, place="report", dataset="few", run=run, size=(80, 24)) as (app, pilot):
        await until(pilot, reads(app, "judged"), "the report")
        html = folder / "reports" / f"{run}.html"
        await pilot.press("o")
        await until(pilot, lambda: isinstance(app.screen, PathDialog), "the question")
        await pilot.press("enter")
        await until(pilot, html.exists, "the page")
        assert stat.S_IMODE(html.stat().st_mode) == 0o600
        assert stat.S_IMODE(html.parent.stat().st_mode) == 0o700
        await until(pilot, lambda: app.clipboard == str(html), "the copy")
        before = html.stat().st_mtime_ns
        await pilot.press("o")
        await until(pilot, lambda: isinstance(app.screen, PathDialog), "the question")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog), "whether to replace it")
        await pilot.press("y")
        await until(pilot, lambda: html.stat().st_mtime_ns != before, "the new page")
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, PathDialog), "the question")
        app.screen.query_one(Input).value = str(folder / "exports" / "rows.jsonl")
        await pilot.press("enter")
        await until(pilot, (folder / "exports" / "rows.jsonl").exists, "the rows")
        assert len((folder / "exports" / "rows.jsonl").read_text().splitlines()) == 30


async def test_nothing_to_show(made: tuple[Path, str, str, str], tmp_path: Path) -> None:
    folder, _, _, _ = made
    async with opened(tmp_path / "none", place="report", size=(80, 24)) as (app, pilot):
        await until(pilot, reads(app, "There is no workspace here yet"), "the word on that")
        await pilot.press("c")
        await until(pilot, told(app, "there is no workspace yet"), "what to do")
    async with opened(folder, place="report", dataset="few", size=(80, 24)) as (app, pilot):
        await until(pilot, reads(app, "No run is chosen"), "the word on that")
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, CheckDialog), "the list")
        await pilot.press("end", "space", "enter")
        await until(pilot, lambda: app.subject.run is not None, "the run")
    async with opened(folder, place="report", dataset="few", run="20200101-nothing", size=(80, 24)) as (
        app,
        pilot,
    ):
        # Home forgets a run that is gone; until it does, this place says so itself.
        gone, forgotten = reads(app, "20200101-nothing'"), reads(app, "No run is chosen")
        await until(pilot, lambda: gone() or forgotten(), "that it is gone")
        assert "choose" in screen_text(app)


async def test_who_only_looks_is_told_of_no_key_that_writes(
    made: tuple[Path, str, str, str], tmp_path: Path
) -> None:
    folder, _, _, _ = made
    async with opened(folder, place="report", dataset="few", size=(80, 24), read_only=True) as (app, pilot):
        await until(pilot, reads(app, "No run is chosen"), "the word on that")
        assert "choose one or more runs" in screen_text(app)
        assert "make a run" not in screen_text(app)
    none = tmp_path / "none"
    async with opened(none, place="report", size=(80, 24), read_only=True) as (app, pilot):
        await until(pilot, reads(app, "There is no workspace here yet"), "the word on that")
        assert "imported" not in screen_text(app)
        await pilot.press("c")
        await until(pilot, told(app, "there is no workspace yet"), "a word")
        assert not told(app, "F2 goes")()


async def test_who_only_looks_writes_nothing(made: tuple[Path, str, str, str]) -> None:
    folder, run, _, _ = made
    async with opened(folder, place="report", dataset="few", run=run, read_only=True) as (app, pilot):
        await until(pilot, reads(app, "judged"), "the report")
        for action in ("evaluate", "write_html", "export"):
            await app.screen.run_action(action)
        await pilot.press("e", "o", "x")
        await settled(pilot)
        assert app.screen.query_one(JobBar).job is None
        assert not isinstance(app.screen, PathDialog)
        assert "Evaluate" not in screen_text(app).splitlines()[-1]


def test_progress_is_told_in_words() -> None:
    step = JobState(step=JobStep(12, 80, "bootstrap [b]fidelity[/b]\x1b[0m"))
    said = progress(("r1",), step, 200).plain
    assert " 15% [" in said
    assert "bootstrap [b]fidelity[/b]\\x1b[0m" in said
    assert len(progress(("r1",), step, 40).plain) <= 40
    assert "starting" in progress(("r1",), JobState(), 80).plain


def test_a_page_of_nothing() -> None:
    empty = page([], 80)
    assert empty.found("x") == []
    assert empty.section_at(5) == 0


async def test_scores_that_another_process_keeps_come_by_themselves(
    made: tuple[Path, str, str, str], tmp_path: Path
) -> None:
    space = Workspace(shutil.copytree(made[0], tmp_path / "ws"))
    run = made[3]
    async with opened(space.folder, place="report", dataset="few", run=run, size=(80, 24)) as (app, pilot):
        await until(pilot, reads(app, "This run has not been evaluated"), "that there are none")
        await asyncio.to_thread(partial(space.evaluate, run, metrics=QUICK))
        await until(pilot, reads(app, "judged"), "the report")


async def test_what_was_so_before_is_not_said_while_scores_are_read(
    made: tuple[Path, str, str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, run, _, bare = made
    go_on, usual, warmed = threading.Event(), report.see, threading.Event()

    def slowly(ws: Workspace, asked: Any) -> Any:
        assert go_on.wait(PATIENCE_S)
        return usual(ws, asked)

    go_on.set()
    monkeypatch.setattr(report, "see", slowly)
    monkeypatch.setattr(report, "warm_up", warmed.set)
    async with opened(folder, place="report", dataset="few", run=bare, size=(80, 24)) as (app, pilot):
        await until(pilot, reads(app, "This run has not been evaluated"), "that there are none")
        await until(pilot, warmed.is_set, "what a report needs to be imported")
        go_on.clear()
        app.screen.query_one(JobBar).post_message(JobBar.Over((bare,), JobState(phase=Phase.DONE)))
        await until(pilot, reads(app, "Reading the scores"), "a word")
        assert "has not been evaluated" not in screen_text(app)
        app.about("few", run)
        go_on.set()
        await until(pilot, reads(app, "judged"), "the other report")
        go_on.clear()
        app.about("few", bare)
        await until(pilot, reads(app, "Reading the scores"), "no report of another run")
        assert "judged" not in screen_text(app)
        go_on.set()
        await until(pilot, reads(app, "This run has not been evaluated"), "that there are none")


def test_a_budget_is_seen_that_only_the_ledger_knows(
    made: tuple[Path, str, str, str], tmp_path: Path
) -> None:
    space = Workspace(shutil.copytree(made[0], tmp_path / "ws"))
    run = made[3]
    assert not see(space, Asked((run,))).budgeted
    book(space.store, run, Budget(1.0, 1e-6))
    assert see(space, Asked((run,))).budgeted
    with pytest.raises(PolicyError, match="privacy budget"):
        space.nearest(run, 1)
