"""Report: how good the rows of a run are, and whom they give away; runs side by side; the page to hand on."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from localsynth.core.errors import LocalsynthError
from localsynth.tui.choosing import CheckDialog, ChoiceDialog
from localsynth.tui.dialogs import ConfirmDialog, error_text
from localsynth.tui.judged.jobbar import JobBar
from localsynth.tui.judged.page import page
from localsynth.tui.judged.reading import Reading
from localsynth.tui.judged.sight import Asked, Sight, Write, html, rows, see, warm_up
from localsynth.tui.judged.words import BUDGET, READING, about, gone, no_run, no_runs, not_judged, of_run
from localsynth.tui.paths import PathDialog
from localsynth.tui.plain import line
from localsynth.tui.subject import Subject

from .base import PlaceScreen

if TYPE_CHECKING:
    from pathlib import Path

    from rich.text import Text
    from textual.timer import Timer

__all__ = ["ReportScreen"]

_MOST_RUNS = 300  # in the list to choose from; the newest
_LINES_AFTER_S = 0.05
_LOOK_EVERY_S = 1.0  # at the workspace's files, while there is no report to show
_AGAINST = "Hold the runs against the real rows of another dataset"
_BUDGET = "Judge within or outside the privacy budget"


class ReportScreen(PlaceScreen):
    """A place."""

    HELP = """\
**Report** judges the rows of the chosen run, beside the real rows (REAL) and beside methods without a model: `independent`
(every column for itself) and `bootstrap` (real rows drawn again). Read the verdict first, then what it rests on.

- `e` evaluates: seconds to minutes, in a process of its own. Escape leaves it going, `s` stops it.
- `c` puts other runs beside this one; two runs are compared measure by measure.
- `o` writes the whole report, with plots, as one HTML page; `x` writes the run's rows to a file.
- `j` jumps to a section, `/` searches, `n` and `N` go to the next and the previous place.
"""
    WRITES = frozenset({"evaluate", "write_html", "export", "stop"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "evaluate", "Evaluate", id="report.evaluate"),
        Binding(
            "c", "choose_runs", "Compare", id="report.compare", tooltip="Choose the runs to show side by side"
        ),
        Binding("o", "write_html", "HTML", id="report.html", tooltip="Write the report as one HTML page"),
        Binding("s", "stop", "Stop evaluating", id="report.stop"),
        Binding("x", "export", "Export rows", show=False, id="report.export"),
        Binding("a", "choose_against", "Against", show=False, id="report.against", tooltip=_AGAINST),
        Binding("b", "turn_budget", "Budget", show=False, id="report.budget", tooltip=_BUDGET),
        Binding("escape", "leave", "Leave it going", show=False, id="report.leave"),
    ]
    DEFAULT_CSS = """
    ReportScreen #about { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._asked = Asked()
        self._sight = Sight(self._asked)
        self._seen: Asked | None = None  # what was asked for last, once it was answered
        self._lines_due: Timer | None = None
        self._stamp: object = None  # of the workspace before the last look
        self._looking = False

    def body(self) -> ComposeResult:
        """A line about the runs, the report, and how far a job is."""
        yield Static(id="about", markup=False)
        yield Reading()
        yield JobBar()

    def on_mount(self) -> None:
        """Hear of scores that another process keeps."""
        super().on_mount()
        self.set_interval(_LOOK_EVERY_S, self._look_out)

    # --- what is shown -----------------------------------------------------------------------------------------------

    def show_subject(self, subject: Subject) -> None:
        """The report of the run, with those that were put beside it before."""
        asked = self._kept()
        if subject.run not in asked.runs:
            asked = Asked((subject.run,) if subject.run else ())
        self._ask_for(asked)

    def on_screen_resume(self) -> None:
        """What another process evaluated meanwhile is shown."""
        super().on_screen_resume()
        if self._without_report:
            self._ask_for(self._asked)

    @property
    def _without_report(self) -> bool:
        """Whether it was looked for a report, and there was none."""
        return self._sight.evaluation is None and self._seen == self._asked

    def _look_out(self) -> None:
        idle = not self._looking and self.query_one(JobBar).job is None
        if idle and self.is_current and self._asked.runs and self._without_report:
            self._looking = True
            self.go(self._look_again(self._asked), group="look")

    async def _look_again(self, asked: Asked) -> None:
        """Look where the workspace has changed; what is shown stays until there is something else to show."""
        try:
            with suppress(LocalsynthError):  # told when a person asks
                stamp = await self.ask(lambda ws: ws.stamp())
                if stamp != self._stamp:
                    sight = await self.ask(lambda ws: see(ws, asked))
                    self._stamp = stamp
                    if sight.evaluation is not None or sight.job is not None:
                        await self._show(sight)
        finally:
            self._looking = False

    def _kept(self) -> Asked:
        kept = self.ui.memory.get("report")
        if not isinstance(kept, dict) or not isinstance(runs := kept.get("runs"), list):
            return Asked()
        against = kept.get("against")
        return Asked(
            tuple(run for run in runs if isinstance(run, str)),
            against if isinstance(against, str) else None,
            kept.get("outside") is True,
        )

    def _ask_for(self, asked: Asked) -> None:
        self._asked, self._seen, self._looking = asked, None, False
        if asked.runs != self._sight.asked.runs:
            self._sight = Sight(asked)
        if asked.runs and self._sight.evaluation is None:
            self._show_nothing(READING)  # not what was so before
        self.ui.memory.put(
            "report", {"runs": list(asked.runs), "against": asked.against, "outside": asked.outside}
        )
        self.go(self._look(asked), group="look")

    async def _look(self, asked: Asked) -> None:
        await self._see(asked)
        self._seen = asked

    async def _see(self, asked: Asked) -> None:
        if not asked.runs:
            self._sight = Sight(asked)
            there = await self.ask(lambda ws: ws.exists)
            self._show_nothing(no_run(there=there, read_only=self.ui.read_only))
            return
        self._stamp = await self.ask(lambda ws: ws.stamp())
        try:
            sight = await self.ask(lambda ws: see(ws, asked))
        except LocalsynthError as error:
            self._sight = Sight(asked)
            self._show_nothing(gone(error_text(error)))
            return
        await self._show(sight)

    async def _show(self, sight: Sight) -> None:
        self._sight = sight
        if sight.job is not None:
            self.query_one(JobBar).follow(sight.job)
        if sight.evaluation is None:
            self._show_nothing(not_judged(sight, self.ui.read_only))
            self.run_worker(self.ui.desk.do(warm_up), group="warm up", exclusive=True)
        else:
            await self._show_report(sight, from_top=True)

    def _show_nothing(self, why: Text) -> None:
        self.query_one("#about", Static).update(about(self._sight) if self._sight.runs else line(""))
        self.query_one(Reading).show_nothing(why)
        self.refresh_bindings()

    @on(Reading.Resized)
    def _resized(self) -> None:
        if self._lines_due is not None:  # somebody is pulling at the window
            self._lines_due.stop()
        self._lines_due = self.set_timer(_LINES_AFTER_S, self._anew)

    def _anew(self) -> None:
        if self._sight.evaluation is not None:
            self.go(self._show_report(self._sight, from_top=False), group="lines")

    async def _show_report(self, sight: Sight, *, from_top: bool) -> None:
        self.query_one("#about", Static).update(about(sight))
        reading = self.query_one(Reading)
        reading.show_page(await self.ui.desk.do(page, sight.parts, reading.width), from_top=from_top)
        self.refresh_bindings()

    def action_leave(self) -> None:
        """No line that says how far a job is, which goes on."""
        self.query_one(JobBar).remove_class("-seen")
        self.say("the evaluation goes on, also when you leave localsynth; e shows it again")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What there is no report, no run or no job for is not offered."""
        if action in {"stop", "leave"} and self.query_one(JobBar).job is None:
            return False
        if action == "write_html" and self._sight.evaluation is None:
            return False
        if action in {"evaluate", "choose_against", "turn_budget", "export"} and not self._sight.runs:
            return False
        return super().check_action(action, parameters)

    # --- which runs, and how -----------------------------------------------------------------------------------------

    def action_choose_runs(self) -> None:
        """Check the runs to show."""
        self.go(self._choose_runs(), group="choose")

    async def _choose_runs(self) -> None:
        dataset = None if self._asked.against else self.subject.dataset
        there = await self.ask(lambda ws: ws.exists)
        runs = (await self.ask(lambda ws: ws.runs(dataset)))[:_MOST_RUNS] if there else []
        if not runs:
            self.say(no_runs(there=there, read_only=self.ui.read_only))
            return
        checked = [number for number, run in enumerate(runs) if run.run_id in self._asked.runs]
        of = "Runs" if dataset is None else f"Runs of {dataset}"
        self.app.push_screen(
            CheckDialog(
                of,
                [(of_run(run), run.run_id) for run in runs],
                checked,
                about="Checked runs are judged side by side. Runs with the same recipe and other seeds are taken together.",
            ),
            self._runs_chosen,
        )

    def _runs_chosen(self, runs: tuple[str, ...] | None) -> None:
        if not runs:
            return
        first = self.subject.run if self.subject.run in runs else runs[0]
        ordered = (first, *(run for run in runs if run != first))
        self._ask_for(replace(self._asked, runs=ordered))
        if first != self.subject.run:
            self.go(self._turn_to(first), group="turn")

    async def _turn_to(self, run: str) -> None:
        found = await self.ask(lambda ws: ws.get_run(run))
        self.ui.about(found.dataset, found.run_id)

    def action_choose_against(self) -> None:
        """Choose the dataset whose real rows the runs are held against."""
        self.go(self._choose_against(), group="choose")

    async def _choose_against(self) -> None:
        names = [one.name for one in await self.ask(lambda ws: ws.datasets())]
        values: list[str] = ["", *names]
        here = values.index(self._asked.against) if self._asked.against in values else 0
        self.app.push_screen(
            ChoiceDialog(
                "Hold the runs against",
                [(line(name or "their own dataset"), name) for name in values],
                chosen=here,
                about="Scores against another dataset are kept apart. It must have the columns of the runs.",
            ),
            self._hold_against,
        )

    def _hold_against(self, name: str | None) -> None:
        if name is not None:
            self._ask_for(replace(self._asked, against=name or None))

    def action_turn_budget(self) -> None:
        """Within the budget, or outside it."""
        if not self._sight.budgeted:
            self.say("these runs have no privacy budget: there is nothing to leave out")
        elif self._asked.outside:
            self._ask_for(replace(self._asked, outside=False))
        else:
            self.app.push_screen(
                ConfirmDialog("Show figures outside the privacy budget?", "Show", detail=BUDGET),
                self._outside,
            )

    def _outside(self, agreed: bool | None) -> None:
        if agreed:
            self._ask_for(replace(self._asked, outside=True))

    # --- evaluating --------------------------------------------------------------------------------------------------

    def action_evaluate(self) -> None:
        """Judge the runs in a process of its own."""
        bar = self.query_one(JobBar)
        if bar.job is not None:
            bar.add_class("-seen")
            self.say("an evaluation is going on")
        elif self._sight.evaluation is None:
            self.go(self._evaluate(), group="evaluate")
        else:
            self.app.push_screen(
                ConfirmDialog(
                    "Evaluate once more?", "Evaluate", detail="The scores that are kept are replaced."
                ),
                self._again,
            )

    def _again(self, agreed: bool | None) -> None:
        if agreed:
            self.go(self._evaluate(), group="evaluate")

    async def _evaluate(self) -> None:
        asked = self._asked
        job = await self.ask(
            lambda ws: ws.start_job(
                "evaluate", runs=asked.runs, against=asked.against, outside_budget=asked.outside
            )
        )
        self.query_one(JobBar).follow(job)
        self.refresh_bindings()

    @on(JobBar.Over)
    def _judged(self, event: JobBar.Over) -> None:
        state = event.state
        self.refresh_bindings()
        for note in dict.fromkeys(state.notes[:3]):
            self.say(note, warning=True)
        if state.error is not None:
            self.show_error(state.error.raised())
        elif state.stopping:
            self.say("stopped; nothing of the evaluation was kept")
        else:
            self.say(f"evaluated: {', '.join(event.runs)}")
        if set(event.runs) & set(self._asked.runs):
            self._ask_for(self._asked)

    def action_stop(self) -> None:
        """End the evaluation; nothing of it is kept."""
        self.go(self.query_one(JobBar).stop(), group="stop")

    # --- files -------------------------------------------------------------------------------------------------------

    def action_write_html(self) -> None:
        """Ask where, then write the page."""
        if (found := self._sight.evaluation) is not None:
            ids = [run.run_id for run in self._sight.runs]
            name = ids[0] + (f"-and-{len(ids) - 1}-more" if len(ids) > 1 else "")
            title = "Write the report as a page"
            self.go(
                self._choose_file(title, f"reports/{name}.html", (".html",), partial(html, found)), "file"
            )

    def action_export(self) -> None:
        """Ask where, then write the rows of the first run."""
        run = self._sight.runs[0].run_id
        kinds = (".csv", ".tsv", ".parquet", ".jsonl")
        self.go(
            self._choose_file(f"Write the rows of {run}", f"exports/{run}.csv", kinds, partial(rows, run)),
            "file",
        )

    async def _choose_file(self, title: str, name: str, suffixes: tuple[str, ...], write: Write) -> None:
        start = await self.ask(lambda ws: ws.folder / name)

        def chosen(path: Path | None) -> None:
            if path is not None:
                self.go(self._write(path, write), group="write")

        self.app.push_screen(PathDialog(title, start, suffixes, save=True), chosen)

    async def _write(self, path: Path, write: Write) -> None:
        said = await self.ask(lambda ws: write(ws, path))
        self.app.copy_to_clipboard(str(path))
        self.say(f"{said} {path} (the path is copied, where the terminal allows it)")
