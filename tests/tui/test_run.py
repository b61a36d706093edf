"""The place Run: what it shows of a run that is made by someone else, every key, and what it says when things go wrong."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from textual.pilot import Pilot

from localsynth import Workspace
from localsynth.core.events import (
    BatchCommitted,
    BatchStarted,
    Event,
    Measured,
    Notice,
    Progress,
    RowsRejected,
    RunEnded,
    RunStarted,
)
from localsynth.core.explaining import Curve, Explanation, Series
from localsynth.core.run import Run, Status
from localsynth.core.schema import Schema
from localsynth.runs.bus import Bus
from localsynth.runs.lock import RunLock
from localsynth.store import runs as records
from localsynth.tui.app import LocalsynthApp
from localsynth.tui.bridge import RunProgressed, Watched
from localsynth.tui.choosing import ChoiceDialog
from localsynth.tui.dialogs import ConfirmDialog, ErrorDialog
from localsynth.tui.plain import one_line, wide
from localsynth.tui.running.curves import MethodTold
from localsynth.tui.running.log import LogPanel, wrapped
from localsynth.tui.running.looking import Look, rounds_table
from localsynth.tui.running.plotting import PlotPanel, RealSide
from localsynth.tui.running.progress import Facts, ProgressTold, about_time
from localsynth.tui.running.story import Story
from localsynth.tui.running.view import RunView
from localsynth.tui.screens.run import RunScreen
from localsynth.workspace import Job

from .kit import opened, screen_text, until

NASTY = ["[bold]x[/]", "\x1b[31mred", "\u202egnp", "表 表", "a\tb", "c\nd"]
SHOWN = ["[bold]x[/]", "\\x1b[31mred", "\\u202egnp", "表 表", "a\\tb", "c\\nd"]
RECIPE = """\
rows = {rows}
[dataset]
name = "few"
[model]
name = "uniform"
[method]
name = "text-to-tabular"
batch_rows = 40
"""
Work = Callable[[LocalsynthApp, Pilot[None], RunScreen], Coroutine[Any, Any, None]]


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """60 rows with nasty cells, and one run of them that is over."""
    folder = tmp_path_factory.mktemp("space")
    rows = [{"age": 20 + i % 40, "[i]no[/]te": NASTY[i % len(NASTY)], "ill": i % 3 == 0} for i in range(60)]
    (folder / "few.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    ws = Workspace(folder / "ws")
    ws.import_file(folder / "few.jsonl")
    (folder / "r.toml").write_text('rows = 30\n[dataset]\nname = "few"\n[method]\nname = "bootstrap"\n')
    ws.run(folder / "r.toml")
    yield ws
    for job in ws.jobs():
        if pid := job.pid:
            os.killpg(pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def done(space: Workspace) -> Run:
    return next(run for run in space.runs() if run.method == "bootstrap")


class Maker:
    """Someone who makes a run, without making rows: what a test says it does."""

    def __init__(self, space: Workspace, run: Run) -> None:
        self.space, self.run = space, run
        self._bus = Bus(run.run_id, space.events_file(run))
        self._lock = RunLock(space.events_file(run).parent, run.run_id)
        self._lock.__enter__()

    def say(self, *events: Event) -> None:
        for event in events:
            self._bus.publish(event)

    def begin(self) -> None:
        run = self.run
        self.say(
            RunStarted(
                run.run_id, time.time(), run.dataset, run.method, "rows", run.model, run.rows_wanted, 0, False
            )
        )

    def progress(self, rows: float, **more: Any) -> None:
        self.say(
            Progress(self.run.run_id, time.time(), rows, self.run.rows_wanted, 12.5, 960.0, 65.0, **more)
        )

    def go_away(self) -> None:
        self._bus.close()
        self._lock.__exit__(None, None, None)

    def end(self, status: Status, message: str = "") -> None:
        records.end(self.space.store, self.run.run_id, status, message)
        self.say(RunEnded(self.run.run_id, time.time(), status.value, 10, self.run.rows_wanted, 4.0, message))
        self.go_away()


@contextmanager
def being_made(space: Workspace, done: Run, name: str) -> Iterator[Maker]:
    run = replace(done, run_id=name, status=Status.RUNNING, rows_done=0, rows_wanted=200, finished_at=None)
    records.create(space.store, run)
    maker = Maker(space, run)
    try:
        maker.begin()
        yield maker
    finally:
        maker.go_away()
        records.delete(space.store, name)


@asynccontextmanager
async def at_run(
    space: Workspace, run: str | None, **more: Any
) -> AsyncIterator[tuple[LocalsynthApp, Pilot[None], RunScreen]]:
    async with opened(space.folder, place="run", dataset="few", run=run, **more) as (app, pilot):
        yield app, pilot, cast(RunScreen, app.screen)


def play(space: Workspace, run: str | None, work: Work, **more: Any) -> None:
    async def played() -> None:
        async with at_run(space, run, **more) as (app, pilot, screen):
            await work(app, pilot, screen)

    asyncio.run(played())


async def seen(pilot: Pilot[None], *words: str) -> None:
    await until(pilot, lambda: all(word in screen_text(pilot.app) for word in words), repr(words))


def said(app: LocalsynthApp) -> str:
    """What was said in the corner."""
    return "\n".join(one.message for one in app._notifications)


@given(st.text(max_size=80), st.integers(1, 30))
def test_lines_are_broken_and_nothing_is_lost(text: str, cells: int) -> None:
    text = one_line(text)
    lines = list(wrapped(text, cells))
    assert all(wide(line) <= max(cells, 2) for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


# --- a run that is over -----------------------------------------------------------------------------------------------


def test_a_run_that_is_over(space: Workspace, done: Run) -> None:
    async def work(app: LocalsynthApp, pilot: Pilot[None], screen: RunScreen) -> None:
        view = screen.query_one(RunView)
        await seen(
            pilot, "finished  bootstrap, exposure rows", "30 / 30 rows", "Finished: 30 rows in", "Next: F6"
        )
        assert view.shown == {"progress"}
        await pilot.resize_terminal(120, 24)
        await seen(pilot, "Finished: 30 rows in", "ends, finished with 30 rows", "only synthetic")
        assert view.shown == {"progress", "log", "plot"}
        await pilot.resize_terminal(200, 60)
        await seen(pilot, "Finished: 30 rows in", "ends, finished with 30 rows", "only synthetic", *SHOWN)
        await pilot.press("4")
        await seen(pilot, "has told nothing about this run")
        assert view.shown == {"progress", "log", "plot", "method"}
        await until(pilot, lambda: not _watching(app), "the watch to end")

    play(space, done.run_id, work, size=(80, 24))


def test_every_panel_has_a_key(space: Workspace, done: Run) -> None:
    async def work(app: LocalsynthApp, pilot: Pilot[None], screen: RunScreen) -> None:
        for key, words in (
            ("2", ("Real against synthetic", "age", "only synthetic", "column 1 of 3")),
            ("3", ("Newest rows", "[i]no[/]te", *SHOWN)),
            ("4", ("has told nothing about this run",)),
            ("5", ("begins: 30 rows of few by bootstrap",)),
            ("6", ("asks no model",)),
            ("1", ("Finished: 30 rows",)),
        ):
            await pilot.press(key)
            await seen(pilot, *words)
        assert app.memory.get("run.panel") == "progress"
        await pilot.click("PanelBar", offset=(17, 0))
        await seen(pilot, "Real against synthetic")
        await pilot.press("w")
        await until(pilot, lambda: "events.jsonl" in said(app))
        assert app.clipboard == str(space.events_file(done))
        await pilot.press("5", "f")
        assert not screen.query_one(LogPanel).following
        await seen(pilot, "Log, not followed")
        await pilot.press("f")
        assert screen.query_one(LogPanel).following
        await pilot.press("enter")
        await until(pilot, lambda: app.current_mode == "rows")

    play(space, done.run_id, work, size=(80, 24))


def test_columns_of_the_plot(space: Workspace, done: Run) -> None:
    async def work(app: LocalsynthApp, pilot: Pilot[None], screen: RunScreen) -> None:
        plot = screen.query_one(PlotPanel)
        await pilot.press("2")
        await seen(pilot, "age", "40 and 30 rows")
        await pilot.press("right_square_bracket")
        await seen(pilot, "[i]no[/]te", "[bold]x[/]", "\\x1b[31mred", "distance")
        await pilot.press("right")
        await seen(pilot, "ill", "true", "false")
        await pilot.press("left", "left_square_bracket")
        await until(pilot, lambda: plot.column == "age")
        await pilot.press("l")
        await until(pilot, lambda: isinstance(app.screen, ChoiceDialog))
        await pilot.press("down", "enter")
        await seen(pilot, "[bold]x[/]")
        assert plot.column == "[i]no[/]te"
        assert app.memory.get("run.column.few") == "[i]no[/]te"

    play(space, done.run_id, work, size=(80, 24))


def test_evaluate(space: Workspace, done: Run) -> None:
    async def work(app: LocalsynthApp, pilot: Pilot[None], screen: RunScreen) -> None:
        await seen(pilot, "e evaluates them")
        await pilot.press("e")
        await until(pilot, lambda: app.current_mode == "report")

    play(space, done.run_id, work)
    job = space.jobs()[0]
    assert (job.kind, getattr(job.request, "runs", ())) == ("evaluate", (done.run_id,))
    job.kill()


def test_people_who_may_only_look(space: Workspace, done: Run) -> None:
    async def work(app: LocalsynthApp, pilot: Pilot[None], screen: RunScreen) -> None:
        await seen(pilot, "Finished: 30 rows", "Next: F6 shows the rows, F8 is the report.")
        offered = {active.binding.action for active in screen.active_bindings.values()}
        assert not offered & {"pause", "cancel", "resume", "evaluate"}
        assert "attach" in offered

    before = len(space.jobs())
    play(space, done.run_id, work, read_only=True)
    assert len(space.jobs()) == before


def test_what_a_method_tried() -> None:
    one = {"round": 1, "candidate": 2, "score": 0.25, "low": 0.2, "high": None, "accepted": True}
    other = {**one, "round": 2, "score": None, "high": 0.3, "accepted": False}
    rows = [{**row, "author": "[b]model[/]", "move": "arrow\x1b[31m"} for row in (one, other)]
    console = Console(file=io.StringIO(), width=100, color_system=None)
    console.print(rounds_table(pa.Table.from_pylist(rows)))
    last, first = cast(io.StringIO, console.file).getvalue().splitlines()[-2:]
    assert first.split() == ["1", "2", "0.250", "yes", "[b]model[/]", "arrow\\x1b[31m"]
    assert last.split()[:6] == ["2", "2", "0.200", "and", "0.300", "no"]


def printed(what: Any, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(what)
    return cast(io.StringIO, console.file).getvalue()


def losses(name: str) -> list[Measured]:
    at = time.time()
    held = [
        Measured(name, at, "held-out rows", n, 9.0 - n, per="epoch", unit="nats per row") for n in (1, 2, 3)
    ]
    return [*held, Measured(name, at, "[b]score[/]", 1, 0.5, 0.4, 0.75, "round", "told\x1b[31m")]


def test_curves_of_what_was_heard() -> None:
    story = Story()
    story.take(losses("r"))
    told = printed(MethodTold("paft").beside(story.measured))
    for words in (
        "Nats per row, epoch by epoch",
        "● held-out rows  8 to 6",
        "3 epoch",
        "● [b]score[/]",
        "told\\x1b[31m",
    ):
        assert words in told, told
    assert "○ [b]score[/], low   0.4 " in told
    assert "0.75" in told
    assert all(
        len(line) <= 40 for line in printed(MethodTold("paft").beside(story.measured), 40).splitlines()
    )
    story.take([Measured("r", 9.0, "held-out rows", 2, 5.5, per="epoch", unit="nats per row")])
    assert [one.value for one in story.measured["held-out rows"]] == [8.0, 5.5]
    odd = [Measured("r", 9.0, "odd", 1, value) for value in (cast(float, "x"), float("nan"), 1e200)]
    assert "told nothing" in printed(MethodTold("paft").beside({"odd": odd}))


def test_a_curve_of_the_store_takes_the_place_of_the_one_that_was_heard() -> None:
    series = Series(name="held-out rows", points=((1, 8.0), (2, 7.0)))
    kept = Curve(title="Training", x="epoch", y="nats per row", series=(series,), marked=2, mark="kept")
    story = Story()
    story.take(losses("r"))
    told = printed(MethodTold("paft", Explanation(parts=(kept,))).beside(story.measured))
    assert "epoch by epoch" not in told
    for words in ("Round by round", "Training", "8 to 7", "kept", "epoch 2"):
        assert words.lower() in told.lower(), told


# --- a run that is being made -----------------------------------------------------------------------------------------


def test_it_is_followed_from_its_beginning_to_its_end(space: Workspace, done: Run) -> None:
    async def work(app: LocalsynthApp, pilot: Pilot[None], screen: RunScreen) -> None:
        await seen(pilot, "running  bootstrap", f"pid {os.getpid()}")
        maker.progress(0, stage="training", stage_share=0.25, stage_eta_s=30.0)
        await seen(pilot, "25 %  training", "ETA", "0:30")
        at = time.time()
        maker.say(
            BatchStarted(name, at, 1, 5),
            Progress(name, at + 1, 57.0, 200, 12.5, 960.0, 65.0),
            RowsRejected(name, at, 1, "rule", "[red]adult[/]", 7),
            Notice(name, at, "half\x1b[31m way\nthere", "warning"),
        )
        await seen(
            pilot, "28 %  57 / 200 rows", "12.5 rows/s", "1:05", "7  rule ([red]adult[/])", "5 rows in work"
        )
        await seen(pilot, "half\\x1b[31m way\\nthere")
        await pilot.resize_terminal(20, 5)
        maker.say(BatchCommitted(name, at, 1, 60, 60, 200, 2.0))
        for key in "2345611":
            await pilot.press(key)
        await pilot.resize_terminal(120, 40)
        await seen(pilot, "1 kept", "begins: 200 rows of few by bootstrap", "half\\x1b[31m way\\nthere")
        os.write(os.open(space.events_file(maker.run), os.O_WRONLY | os.O_APPEND), b'{"type": "not\n')
        maker.end(Status.FAILED, "the engine's process ended (code -9)")
        await seen(pilot, "failed  bootstrap", "the engine's process ended (code -9)", "10 of", "r goes on")
        await until(pilot, lambda: not screen._going_on and not _watching(app), "the watch to end")

    name = "followed"
    with being_made(space, done, name) as maker:
        play(space, name, work, size=(120, 40))


def test_the_loss_is_drawn_while_it_trains(space: Workspace, done: Run) -> None:
    async def work(app: LocalsynthApp, pilot: Pilot[None], screen: RunScreen) -> None:
        await pilot.press("4")
        await seen(pilot, "has told nothing about this run")
        first, *more = losses("trains")
        maker.say(first)
        await seen(pilot, "● held-out rows  8")
        maker.say(*more)
        await seen(pilot, "● held-out rows  8 to 6")

    with being_made(space, done, "trains") as maker:
        play(space, "trains", work, size=(120, 48))


def _watching(app: LocalsynthApp) -> bool:
    return any(worker.group == "watch" and not worker.is_finished for worker in app.workers)


@pytest.mark.parametrize(
    ("status", "message", "words"),
    [
        (
            "finished",
            "",
            ["finished  bootstrap", "Finished: 10 rows in 0:04.", "Next: F6", "e evaluates them"],
        ),
        (
            "short",
            "10 of 200 rows",
            ["Fell short: 10 of 200 rows. Loosen rules", "are in run their-members."],
        ),
        ("cancelled", "stopped after a finished batch", ["Cancelled, stopped after", "r goes on from there"]),
        (
            "failed",
            "the disk is full: /x",
            ["Failed: the disk is full: /x. 10 of 200 rows are kept. r goes on"],
        ),
    ],
)
def test_how_it_ended(done: Run, status: str, message: str, words: list[str]) -> None:
    watched = Watched(done, heard=True)
    begun = RunStarted(done.run_id, 1.0, "few", "bootstrap", "rows", None, 200, 0, False)
    watched.story.take([begun, RunEnded(done.run_id, 5.0, status, 10, 200, 4.0, message)])
    run = replace(done, rows_wanted=200, rows_done=10)
    watched.run = run
    console = Console(file=io.StringIO(), width=100, color_system=None)
    console.print(ProgressTold(watched, Facts(members="their-members", parent="their-parent")))
    told = cast(io.StringIO, console.file).getvalue()
    assert [word for word in words if word not in told] == []
    assert "those of run their-parent" in told


def test_a_flood_of_events_is_no_flood_of_messages(space: Workspace, done: Run) -> None:
    async def played() -> None:
        told: list[float] = []

        async with at_run(space, "flood", size=(80, 24)) as (app, pilot, screen):
            post = screen._bridge._post

            def passed_on(message: RunProgressed) -> None:
                told.append(time.monotonic())
                post(message)

            screen._bridge._post = passed_on
            start, number = time.monotonic(), 0
            while time.monotonic() - start < 1.0:
                maker.say(*(Notice("flood", time.time(), f"notice {number + i}") for i in range(100)))
                number += 100
                await asyncio.sleep(0.01)
            maker.end(Status.FINISHED)
            await pilot.press("5")
            await until(pilot, lambda: f"notice {number - 1}" in screen_text(app))
        assert len(told) <= 5 * (told[-1] - told[0]) + 2

    with being_made(space, done, "flood") as maker:
        asyncio.run(played())


def test_it_is_followed_while_another_place_is_shown(space: Workspace, done: Run) -> None:
    async def work(app: LocalsynthApp, pilot: Pilot[None], screen: RunScreen) -> None:
        await seen(pilot, "running  bootstrap")
        await app.action_go("sql")
        maker.end(Status.FAILED, "no luck")
        await until(pilot, lambda: "run elsewhere: failed" in said(app), "to be told of the end")
        await app.action_go("run")
        await seen(pilot, "Failed: no luck")

    with being_made(space, done, "elsewhere") as maker:
        play(space, "elsewhere", work)


# --- what goes wrong --------------------------------------------------------------------------------------------------


def test_events_that_cannot_be_read(space: Workspace, done: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(app: LocalsynthApp, pilot: Pilot[None], screen: RunScreen) -> None:
        await seen(pilot, "finished  bootstrap", "The events cannot be read", "permission")
        assert not isinstance(app.screen, ErrorDialog)

    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("localsynth.workspace.watching.read_events", refused)
    play(space, done.run_id, work, size=(120, 40))


def test_a_store_that_is_busy(space: Workspace, done: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(app: LocalsynthApp, pilot: Pilot[None], screen: RunScreen) -> None:
        await seen(pilot, "running  bootstrap")
        await settled_look(screen, pilot)
        with space.store.write():
            maker.say(BatchCommitted("busy", time.time(), 1, 60, 60, 200, 2.0))
            await seen(pilot, "1 kept", "the store could not be read")
            assert not isinstance(app.screen, ErrorDialog)
        await until(pilot, lambda: "could not be read" not in screen_text(app), "the store to be read")

    monkeypatch.setattr("localsynth.tui.desk._PATIENCE_S", 0.05)
    monkeypatch.setattr("localsynth.tui.running.watcher._STORE_EVERY_S", 0.1)
    with being_made(space, done, "busy") as maker:
        play(space, "busy", work, size=(120, 40))


async def settled_look(screen: RunScreen, pilot: Pilot[None]) -> None:
    await until(pilot, lambda: screen._facts is not None and not screen._due, "the first look")


def test_no_workspace_no_run_and_one_that_is_gone(space: Workspace, tmp_path: Path) -> None:
    async def none(app: LocalsynthApp, pilot: Pilot[None], screen: RunScreen) -> None:
        await seen(pilot, "No run is chosen", "F4", "sets up a new one")
        for key in ("p", "c", "r", "e", "w", "l", "right_square_bracket", "f", "2", "enter"):
            await pilot.press(key)
        assert not isinstance(app.screen, ErrorDialog)

    async def nobody(app: LocalsynthApp, pilot: Pilot[None], screen: RunScreen) -> None:
        await none(app, pilot, screen)
        await app.action_go("run")
        await pilot.press("a")
        await until(pilot, lambda: "there is no run in this workspace" in said(app))

    async def gone(app: LocalsynthApp, pilot: Pilot[None], screen: RunScreen) -> None:
        # Home forgets a run that is gone; whichever comes first, this place says that there is none.
        words = "there is no run called 'nosuch'", "No run is chosen"
        await until(pilot, lambda: any(one in screen_text(app) for one in words))

    play(space, None, none)
    play(Workspace(tmp_path / "new"), None, nobody)
    play(space, "nosuch", gone)


def test_a_run_that_is_being_made_is_found(space: Workspace, done: Run) -> None:
    async def work(app: LocalsynthApp, pilot: Pilot[None], screen: RunScreen) -> None:
        await until(pilot, lambda: app.subject.run == "found")
        await seen(pilot, "running  bootstrap")
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, ChoiceDialog))
        await seen(pilot, "running", "finished", done.run_id)
        await pilot.press("end", "enter")
        await until(pilot, lambda: app.subject.run == done.run_id)
        await seen(pilot, "finished  bootstrap")

    with being_made(space, done, "found"):
        play(space, None, work)


# --- runs that are really made ----------------------------------------------------------------------------------------


@pytest.fixture
def job(space: Workspace) -> Iterator[Job]:
    """A run that nobody waits for the end of."""
    made = space.start_job("run", recipe=RECIPE.format(rows=20_000))
    limit = time.monotonic() + 60
    while made.state().run_id is None:
        assert made.alive(), made.log.read_text()
        assert time.monotonic() < limit
        time.sleep(0.02)
    yield made
    for one in space.jobs():
        if pid := one.pid:
            os.killpg(pid, signal.SIGKILL)


def test_pause_resume_kill_resume_cancel(space: Workspace, job: Job) -> None:
    async def work(app: LocalsynthApp, pilot: Pilot[None], screen: RunScreen) -> None:
        await seen(pilot, "running  text-to-tabular on uniform", "kept")
        await pilot.press("p")
        await seen(pilot, "Cancelled, stopped after a finished batch")
        rows = space.get_run(run).rows_done
        assert rows
        await pilot.press("r")
        await seen(pilot, "running  text-to-tabular", f"goes on; {rows:,} rows are there")
        pid = space.maker(space.get_run(run))
        assert pid
        os.kill(pid, signal.SIGKILL)
        await seen(pilot, "interrupted  text-to-tabular", "r goes on from there")
        await pilot.press("r")
        await seen(pilot, "running  text-to-tabular")
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("n")
        await until(pilot, lambda: app.screen is screen)
        assert space.maker(space.get_run(run))
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("y")
        await seen(pilot, "Cancelled, stopped at once")

    run = job.state().run_id
    assert run is not None
    play(space, run, work, size=(120, 40))


def test_it_goes_on_when_the_ui_closes(space: Workspace, job: Job) -> None:
    async def work(app: LocalsynthApp, pilot: Pilot[None], screen: RunScreen) -> None:
        await seen(pilot, "running  text-to-tabular on uniform")

    run = job.state().run_id
    assert run is not None
    play(space, run, work, size=(80, 24))
    size = space.events_file(space.get_run(run)).stat().st_size
    limit = time.monotonic() + 20
    while space.events_file(space.get_run(run)).stat().st_size == size:
        assert job.alive()
        assert time.monotonic() < limit
        time.sleep(0.02)


def test_before_the_first_row_there_is_no_rate_but_what_is_usual(space: Workspace, done: Run) -> None:
    running = replace(done, status=Status.RUNNING, rows_done=0)
    watched = Watched(running)
    watched.story.take([Progress(done.run_id, time.time(), 0.0, 30, 0.0, 0.0, None, "rows")])
    said = printed(ProgressTold(watched, Facts(usual=754.0)))
    assert "no rate yet" in said
    assert "0.0 rows/s" not in said
    assert "– (usually about 13 min in all)" in said
    assert "usually" not in printed(ProgressTold(watched, Facts()))
    watched.story.take([Progress(done.run_id, time.time(), 3.0, 30, 1.5, 0.0, 18.0, "rows")])
    said = printed(ProgressTold(watched, Facts(usual=754.0)))
    assert "1.5 rows/s" in said
    assert "0:18" in said
    assert "usually" not in said
    assert about_time(0.4) == "under a second"
    assert about_time(42.4) == "about 42 s"


def test_what_is_usual_is_taken_from_other_runs(space: Workspace, done: Run) -> None:
    with being_made(space, done, "usual-run") as maker:
        look = Look(
            maker.run, None, frozenset(), "", RealSide(done, Schema.model_validate_json(done.schema_json))
        )
        usual = look.take(space).facts.usual
    (pace,) = (one for one in space.paces() if one.run_id == done.run_id)
    assert usual == pytest.approx(pace.seconds(200))
