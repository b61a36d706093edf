"""The half of the place Run that shows: one run followed, its events and what is in the store, on the panels in sight."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.widgets import Static

from localsynth.core.errors import LocalsynthError, NotFound, StoreLocked
from localsynth.core.schema import Schema
from localsynth.tui.bridge import Bridge, RunProgressed, Watched
from localsynth.tui.choosing import ChoiceDialog
from localsynth.tui.plain import line, one_line
from localsynth.tui.screens.base import PlaceScreen
from localsynth.tui.subject import Subject

from .choosing import being_made
from .curves import MethodTold
from .log import LogPanel
from .looking import Look
from .panels import TextPanel
from .plotting import PlotPanel, RealSide
from .progress import INTERRUPTED, Facts, ProgressTold, standing
from .view import PANELS, PanelBar, RunView

if TYPE_CHECKING:
    from localsynth.workspace import Workspace

__all__ = ["RunWatcher"]

_T = TypeVar("_T")

_STORE_EVERY_S = 2.0  # looks at the store while a run goes on: as long as someone reads, it cannot commit


class RunWatcher(PlaceScreen):
    """Follows the run that the UI is about, also while another place is shown, as long as somebody makes it."""

    DEFAULT_CSS = """
    RunWatcher #nothing { padding: 1 2; height: 1fr; display: none; }
    RunWatcher.-nothing RunView { display: none; }
    RunWatcher.-nothing #nothing { display: block; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._watched: Watched | None = None
        self._facts: Facts | None = None
        self._real: RealSide | None = None
        self._looked_at = float("-inf")  # when, by the monotonic clock, the store was looked at last
        self._due = False  # the store has something new
        self._looking = False
        self._word = ""
        self._method: MethodTold | None = None  # as of the last look
        self._heard: tuple[MethodTold | None, int] = (None, 0)  # what the panel shows

    def body(self) -> ComposeResult:
        """The panels, or why there are none."""
        yield Static(id="nothing", markup=False)
        yield RunView()

    def on_mount(self) -> None:
        """As it was left."""
        super().on_mount()
        self._bridge = Bridge(self.ui.desk, self.post_message)
        panel = self.ui.memory.get("run.panel")
        if panel in {one.name for one in PANELS}:
            self.query_one(RunView).chosen = panel

    def on_screen_resume(self) -> None:
        """What changed meanwhile; the run may have been taken up again by somebody."""
        super().on_screen_resume()
        if self._watched is not None and self._shown == self.subject:
            self._due = True
            if not self._going_on:
                self._watch(self._watched)

    # --- which run ---------------------------------------------------------------------------------------------------

    def show_subject(self, subject: Subject) -> None:
        """Another run, or none."""
        self._watched, self._real, self._facts, self._word = None, None, None, ""
        self._method, self._heard = None, (None, 0)
        self.workers.cancel_group(self, "watch")
        self.workers.cancel_group(self, "store")
        self._looking = False
        self.refresh_bindings()
        self.go(self._open(subject), "open")

    async def _open(self, subject: Subject) -> None:
        if subject.run is None:
            self._nothing(Text("Looking for a run ...", "dim"))
            found = await self._answer(lambda ws: being_made(ws, subject.dataset))
            if found:
                self.ui.about(found[0].dataset, found[0].run_id)
                return
            self._nothing(_no_run(subject, read_only=self.ui.read_only))
            return
        name = subject.run
        try:
            run = await self._answer(lambda ws: ws.get_run(name))
        except NotFound as error:
            self._nothing(Text(f"{error.message}. a chooses another."))
            return
        self.remove_class("-nothing")
        schema = Schema.model_validate_json(run.schema_json)
        self._real = RealSide(run, schema)
        columns = [column.name for column in schema.columns if column.kind != "identifier"]
        self.query_one(PlotPanel).offer(columns, str(self.ui.memory.get(f"run.column.{run.dataset}", "")))
        self._watch(Watched(run))

    async def _answer(self, question: Callable[[Workspace], _T]) -> _T:
        """What the workspace says, however long another process writes into it; who that is is told meanwhile."""
        while True:
            try:
                return await self.ask(question)
            except StoreLocked as error:
                self._nothing(Text(f"{one_line(error.message)}; waiting ...", "dim"))

    def _nothing(self, said: Text) -> None:
        self.query_one("#nothing", Static).update(said)
        self.add_class("-nothing")

    # --- watching ----------------------------------------------------------------------------------------------------

    @property
    def _going_on(self) -> bool:
        return self._watched is not None and self._watched.going_on

    def _watch(self, watched: Watched) -> None:
        """Hear all of it again, and then what comes."""
        self._watched, self._due = watched, True
        self.go(self._bridge.watch(watched), "watch")

    def on_run_progressed(self, event: RunProgressed) -> None:
        """At most five times a second."""
        watched = self._watched
        if watched is None or event.watched is not watched:
            return
        word = standing(watched)
        if word != self._word:
            self._changed(word, event.over)
        self._due = self._due or event.over or watched.story.commits != watched.seen
        self._show()
        self._look()

    def _changed(self, word: str, over: bool) -> None:
        """The run began or ended; who is elsewhere is told of its end."""
        watched, was = self._watched, self._word
        self._word = word
        self.refresh_bindings()
        if watched is not None and over and was == "running" and not self.is_current:
            self.say(f"run {watched.run.run_id}: {word}", warning=word in {"failed", "short", INTERRUPTED})

    def _show(self) -> None:
        watched = self._watched
        if watched is None or not self.is_active:
            return
        told = ProgressTold(watched, self._facts or Facts(), read_only=self.ui.read_only)
        self.query_one("#progress", TextPanel).tell(told)
        self.query_one(LogPanel).tell(watched.story)
        self._show_method(watched)

    def _show_method(self, watched: Watched) -> None:
        """What the store tells of it, and the curves of what was heard since."""
        heard = (self._method, watched.story.measures)
        if heard != self._heard:
            self._heard = heard
            told = (self._method or MethodTold(watched.run.method)).beside(watched.story.measured)
            self.query_one("#method", TextPanel).tell(told)

    def _look(self) -> None:
        """At the store, where there is something new, and not more often than the run can bear."""
        quiet = time.monotonic() - self._looked_at
        if (
            self._looking
            or not self._due
            or not self.is_active
            or (quiet < _STORE_EVERY_S and self._going_on)
        ):
            return
        if self._watched is not None and self._real is not None:
            self._looking, self._due, self._looked_at = True, False, time.monotonic()
            self.go(self._look_now(self._watched, self._real), "store")

    async def _look_now(self, watched: Watched, real: RealSide) -> None:
        view = self.query_one(RunView)
        watched.seen = watched.story.commits
        try:
            seen = await self.ask(
                Look(watched.run, self._facts, view.shown, view.query_one(PlotPanel).column, real).take
            )
        except LocalsynthError as error:
            words = f"the store could not be read: {error.message}"
            view.query_one("#progress", TextPanel).note(_clock(words))
            if not isinstance(error, NotFound):
                self._due = True
                self.set_timer(_STORE_EVERY_S, self._look)
            return
        finally:
            self._looking = False
        watched.run, self._facts, self._method = seen.run, seen.facts, seen.method or self._method
        view.query_one("#progress", TextPanel).note(_clock("as of"))
        seen.show(view)
        self._show()
        self.call_later(self._look)  # what came meanwhile

    # --- panels ------------------------------------------------------------------------------------------------------

    def action_panel(self, name: str) -> None:
        """Show that panel."""
        self.query_one(RunView).chosen = name
        self.ui.memory.put("run.panel", name)
        self.call_after_refresh(self._again)  # the panel is there at once; what is new in it follows

    @on(PanelBar.Picked)
    def _picked(self, event: PanelBar.Picked) -> None:
        self.action_panel(event.name)

    def on_resize(self) -> None:
        """Other panels may be in sight."""
        self._again()

    def action_column(self, step: int) -> None:
        """The plot of the next column, or of the one before."""
        self.query_one(PlotPanel).action_other(step)

    async def action_columns(self) -> None:
        """Choose the column of the plot."""
        plot = self.query_one(PlotPanel)
        if not plot.columns:
            return
        offered = [(line(name), name) for name in plot.columns]
        dialog = ChoiceDialog("Column to plot", offered, chosen=list(plot.columns).index(plot.column))
        self.app.push_screen(dialog, self._plot)

    def _plot(self, column: str | None) -> None:
        if column is not None:
            self.query_one(PlotPanel).column = column

    @on(PlotPanel.ColumnChosen)
    def _column_chosen(self, event: PlotPanel.ColumnChosen) -> None:
        if self._watched is not None:
            self.ui.memory.put(f"run.column.{self._watched.run.dataset}", event.column)
            self._again()

    def _again(self) -> None:
        """Look at the store now: something else is to be shown."""
        if self._watched is not None:
            self._due, self._looked_at = True, float("-inf")
            self._show()
            self._look()

    def action_follow(self) -> None:
        """Keep the end of the log in sight, or let it go."""
        self.query_one(LogPanel).action_follow()


def _clock(words: str) -> str:
    return f"{words} {time.strftime('%H:%M:%S')}"


def _no_run(subject: Subject, *, read_only: bool) -> Text:
    of = " of this dataset" if subject.dataset else ""
    text = Text(f"No run is chosen, and none{of} is being made.\n\n")
    text.append("a", "bold").append("   chooses one of the runs there are, whoever makes them\n")
    text.append("F2", "bold").append("  lists datasets and runs\n")
    return text if read_only else text.append("F4", "bold").append("  sets up a new one and starts it\n")
