"""The place Run: the chosen run as it is made, or as it was made. Other processes make runs; this one watches and signals."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from localsynth.core.run import Run
from localsynth.tui.choosing import ChoiceDialog
from localsynth.tui.dialogs import ConfirmDialog
from localsynth.tui.running.choosing import choices, runs_to_watch
from localsynth.tui.running.progress import INTERRUPTED
from localsynth.tui.running.view import PANELS
from localsynth.tui.running.watcher import RunWatcher

if TYPE_CHECKING:
    from localsynth.workspace import Job

__all__ = ["RunScreen"]

_JOB_POLL_S = 0.2
_RESUMABLE = frozenset({"cancelled", "failed", INTERRUPTED})


class RunScreen(RunWatcher):
    """What is shown, and what can be done with it."""

    HELP = """
**Run** shows the chosen run as it is made: how far it is, a column of the real rows against the synthetic ones, the newest
rows, what the method found out, what was said, and the last prompt.

Another process makes the run: it goes on when you leave this place or close the program. `p` lets it finish its batch and
stops it, `c` stops it at once, `r` goes on with one that stopped: its rows will be those of an undisturbed run. `a` shows
another run, such as one that was started from the command line.
"""
    WRITES: ClassVar[frozenset[str]] = frozenset({"pause", "cancel", "resume", "evaluate"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "p",
            "pause",
            "Pause",
            id="run.pause",
            tooltip="Finish the batch, then stop; the run can go on later",
        ),
        Binding("c", "cancel", "Cancel", id="run.cancel", tooltip="Stop at once; what is committed is kept"),
        Binding("r", "resume", "Resume", id="run.resume", tooltip="Go on with a run that stopped"),
        Binding("a", "attach", "Runs", id="run.attach", tooltip="Choose a run to watch"),
        Binding("e", "evaluate", "Evaluate", id="run.evaluate", tooltip="Score the rows, in the background"),
        Binding("enter", "rows", "Rows", show=False, id="run.rows", tooltip="Page through the rows"),
        Binding("left_square_bracket", "column(-1)", "Column before", show=False, id="run.column.before"),
        Binding("right_square_bracket", "column(1)", "Column after", show=False, id="run.column.after"),
        Binding(
            "l", "columns", "Columns", show=False, id="run.columns", tooltip="Choose the column of the plot"
        ),
        Binding("f", "follow", "Follow the log", show=False, id="run.follow"),
        Binding("w", "where", "Where is the log", show=False, id="run.where"),
        *(
            Binding(str(number), f"panel('{one.name}')", one.title, show=False, id=f"run.panel.{one.name}")
            for number, one in enumerate(PANELS, 1)
        ),
    ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What makes no sense just now is dim."""
        allowed = super().check_action(action, parameters)
        if not allowed or action not in {
            "pause",
            "cancel",
            "resume",
            "evaluate",
            "rows",
            "columns",
            "column",
            "where",
        }:
            return allowed
        if self._watched is None:
            return None
        if action in {"pause", "cancel"}:
            return True if self._word == "running" else None
        if action == "resume":
            return True if self._word in _RESUMABLE else None
        return (True if self._word != "running" else None) if action == "evaluate" else True

    def action_pause(self) -> None:
        """Let it finish its batch."""
        self.go(self._stop(now=False), "stop")

    def action_cancel(self) -> None:
        """Stop it at once, if that is meant."""
        self.app.push_screen(
            ConfirmDialog(
                "Stop this run at once?",
                "Stop it",
                detail="The batch in work is lost; what is committed is kept, and r goes on from there. p would let it finish"
                " the batch first.",
            ),
            self._cancel,
        )

    def _cancel(self, yes: bool | None) -> None:
        if yes:
            self.go(self._stop(now=True), "stop")

    async def _stop(self, *, now: bool) -> None:
        if self._watched is None:
            return
        run = self._watched.run
        if not await self.ask(lambda ws: ws.stop_run(run, now=now)):
            self.say("nobody makes this run just now", warning=True)
        else:
            self.say("stopping at once" if now else "it finishes its batch, then stops")

    def action_resume(self) -> None:
        """Go on with it, in a process of its own."""
        if self._watched is not None:
            self.go(self._resume(self._watched.run), "resume")

    async def _resume(self, run: Run, *, as_recorded: bool = False) -> None:
        job = await self.ask(lambda ws: ws.start_job("resume", run=run.run_id, as_recorded=as_recorded))
        self.say("going on ...")
        if not await self._begun(job):
            self._changed_recipe(job, run)
        elif self._watched is not None and self._watched.run.run_id == run.run_id:
            self._watch(self._watched)

    async def _begun(self, job: Job) -> bool:
        """Whether the job's run went on; ``False`` where its recipe was changed. Raises what went wrong."""
        while True:
            state = await self.ui.desk.do(job.state)
            if state.error is not None:
                if state.error.diff:
                    return False
                raise state.error.raised()
            if state.run_id is not None or state.over:
                return True
            await asyncio.sleep(_JOB_POLL_S)

    def _changed_recipe(self, job: Job, run: Run) -> None:
        error = job.state().error

        def answered(yes: bool | None) -> None:
            if yes:
                self.go(self._resume(run, as_recorded=True), "resume")

        self.app.push_screen(
            ConfirmDialog(
                "The recipe has been changed since. Go on with it as it was?",
                "As it was",
                detail=f"{error.message}\n{error.diff}" if error is not None else "",
            ),
            answered,
        )

    def action_attach(self) -> None:
        """Choose another run."""
        self.go(self._choose_run(), "attach")

    async def _choose_run(self) -> None:
        runs = await self.ask(runs_to_watch)
        if not runs:
            self.say("there is no run in this workspace; F4 starts one", warning=True)
            return
        place = next((at for at, (run, _) in enumerate(runs) if run.run_id == self.subject.run), 0)
        dialog = ChoiceDialog(
            "Runs", choices(runs), chosen=place, about="Those that are being made come first."
        )
        self.app.push_screen(dialog, self._run_chosen)

    def _run_chosen(self, run: Run | None) -> None:
        if run is not None:
            self.ui.about(run.dataset, run.run_id)

    def action_evaluate(self) -> None:
        """Score the rows in a process of its own; the report shows how far that is."""
        if self._watched is not None:
            self.go(self._evaluate(self._watched.run), "evaluate")

    async def _evaluate(self, run: Run) -> None:
        await self.ask(lambda ws: ws.start_job("evaluate", runs=(run.run_id,)))
        await self.ui.action_go("report")

    async def action_rows(self) -> None:
        """Page through them."""
        await self.ui.action_go("rows")

    def action_where(self) -> None:
        """Say where the run's files are."""
        if self._watched is not None:
            self.go(self._where(self._watched.run), "where")

    async def _where(self, run: Run) -> None:
        path = await self.ask(lambda ws: ws.events_file(run))
        self.app.copy_to_clipboard(str(path))
        self.say(f"{path} (copied, where the terminal allows it)")
