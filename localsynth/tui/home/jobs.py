"""Jobs: imports, runs and evaluations that work in processes of their own; which there are, how they ended, what they said."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from localsynth.core.errors import LocalsynthError
from localsynth.core.words import counted
from localsynth.tui.clipboard import copy
from localsynth.tui.dialogs import ErrorDialog, error_text
from localsynth.tui.leaving import unless_left
from localsynth.tui.plain import line, one_line, paragraph
from localsynth.tui.widgets.listing import Column, Entry, Listing

from .facts import Watcher
from .jobsubject import Subjects

if TYPE_CHECKING:
    from localsynth.tui.app import LocalsynthApp
    from localsynth.workspace import Job, JobState, Workspace

    from .facts import Look

__all__ = ["JobsDialog", "LogDialog", "how_far", "job_words"]

_LOG = 200_000  # bytes, of its end
_COLUMNS = (
    Column("job", least=16),
    Column("of", least=16),
    Column("state"),
    Column("started", leaves=1),
    Column("how far", least=10),
)


def job_words(job: Job, state: JobState) -> str:
    """Where a job stands and how far it is, in a line."""
    far = how_far(state)
    return one_line(f"{job.title}: {state.phase}{(': ' if state.over else ', ') + far if far else ''}")


def how_far(state: JobState) -> str:
    """What there is to say beside the phase; may be nothing."""
    if state.over:
        return state.error.message if state.error is not None else _made(state.result)
    said = ["stopping"] if state.stopping else []
    if (step := state.step) is not None:
        said.append(f"{step.done:,} of {step.total:,} {step.text}" if step.total else step.text)
    return ", ".join(said)


def _made(result: Mapping[str, Any]) -> str:
    """What a job that ended well has made, or why it made less."""
    if message := result.get("message"):
        return str(message)
    rows = result.get("rows")
    return counted(rows, "row") if isinstance(rows, int) else ""


class LogDialog(ModalScreen[None]):
    """A text, until a key is pressed."""

    HELP = "What the job's process printed, and how it ended. Arrows scroll, `c` copies, Escape closes."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss(None)", "Close", id="log.close"),
        Binding("c", "copy", "Copy", id="log.copy"),
    ]

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._title, self._text = title, text

    def compose(self) -> ComposeResult:
        """The text, to scroll."""
        with VerticalScroll(classes="dialog -large") as box:
            box.border_title = Content(one_line(self._title))
            box.border_subtitle = "escape closes, c copies"
            yield Static(paragraph(self._text), markup=False)

    def on_mount(self) -> None:
        """Arrow keys scroll it; the end is what matters."""
        box = self.query_one(VerticalScroll)
        box.focus()
        box.scroll_end(animate=False)

    def action_copy(self) -> None:
        """The text into the terminal's clipboard."""
        copy(self.app, self._text)


class JobsDialog(ModalScreen[None]):
    """All jobs of the workspace, newest first."""

    HELP = """\
What works, or has worked, in processes of its own: imports, runs, evaluations. They go on when this window closes.

Enter shows what a job said. `s` asks it to stop: a run finishes its batch and can be resumed, of an import or an evaluation
nothing is kept. `x` stops it at once. `d` takes a job that is over off the list.
"""
    WRITES: ClassVar[frozenset[str]] = frozenset({"stop", "kill", "forget"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,l", "dismiss(None)", "Close", id="jobs.close"),
        Binding("s", "stop", "Stop", id="jobs.stop"),
        Binding("x", "kill", "Stop at once", id="jobs.kill"),
        Binding("d", "forget", "Off the list", id="jobs.forget"),
    ]
    DEFAULT_CSS = """
    JobsDialog Listing { max-height: 16; background: $surface; }
    JobsDialog #said { height: auto; max-height: 6; margin-top: 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        # Held here, since a look may end while the dialog is taken away, and finds nothing by its name then.
        self._list, self._said = Listing(_COLUMNS), Static(id="said", classes="hint", markup=False)
        self._watcher, self._subjects = Watcher(), Subjects()
        self._looking = False
        self._jobs: dict[str, tuple[Job, JobState]] = {}

    def compose(self) -> ComposeResult:
        """A list, and what there is to say of the chosen one."""
        with Vertical(classes="dialog -wide") as box:
            box.border_title = "Jobs"
            box.border_subtitle = "enter shows what it said, s stops, escape closes"
            yield self._list
            yield self._said

    def on_mount(self) -> None:
        """Look now, and every second."""
        self._list.focus()
        self._again()
        self.set_interval(1.0, self._again)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Who may only look does not stop anything."""
        return not (cast("LocalsynthApp", self.app).read_only and action in self.WRITES)

    def _again(self) -> None:
        if not self._looking:
            self._looking = True
            self.run_worker(self._read(), group="look")

    async def _read(self) -> None:
        app = cast("LocalsynthApp", self.app)
        try:
            look, about = await app.ask(self._look)
        finally:
            self._looking = False
        self._jobs = {job.id: (job, state) for job, state in look.jobs}
        with unless_left(self):
            self._list.show(_entries(list(self._jobs.values()), about), "there are no jobs")
            self._tell()

    def _look(self, space: Workspace) -> tuple[Look, dict[str, str]]:
        """In a thread: all jobs, and what each is of."""
        look = self._watcher.look(space, ())
        return look, {job.id: self._subjects.of(space, job, state) for job, state in look.jobs}

    @on(Listing.Chosen)
    def _tell(self) -> None:
        job, state = self._chosen() or (None, None)
        words = ""
        if job is not None and state is not None:
            far = how_far(state)
            first = f"{job.title}: {far}" if far else job.title
            words = "\n".join((first, *state.notes, *((state.error.hint,) if state.error else ())))
        self._said.update(paragraph(words))

    def _chosen(self) -> tuple[Job, JobState] | None:
        return self._jobs.get(self._list.chosen or "")

    @on(Listing.Opened)
    def _open(self) -> None:
        if (found := self._chosen()) is not None:
            self.run_worker(self._show_log(*found), group="log", exclusive=True)

    async def _show_log(self, job: Job, state: JobState) -> None:
        app = cast("LocalsynthApp", self.app)
        log = await app.desk.do(_end_of, job)
        ended = f"\n\n{error_text(state.error.raised())}" if state.error is not None else ""
        text = f"{job_words(job, state)}{ended}\n\n{log or 'its process printed nothing'}"
        self.app.push_screen(LogDialog(job.title, text))

    def action_stop(self) -> None:
        """Softly."""
        self._do(lambda job: job.stop())

    def action_kill(self) -> None:
        """At once."""
        self._do(lambda job: job.kill())

    def action_forget(self) -> None:
        """Of a job that is over."""
        self._do(lambda job: job.forget())

    def _do(self, what: Callable[[Job], None]) -> None:
        if (found := self._chosen()) is not None:
            self.run_worker(self._done(what, found[0]), group="do", exclusive=True)

    async def _done(self, what: Callable[[Job], None], job: Job) -> None:
        try:
            await cast("LocalsynthApp", self.app).desk.do(what, job)
        except LocalsynthError as error:
            self.app.push_screen(ErrorDialog(error))
        self._again()


def _entries(jobs: Sequence[tuple[Job, JobState]], about: Mapping[str, str]) -> list[Entry]:
    """about : what each is of, by id."""
    return [
        Entry(
            job.id,
            (
                line(job.title, "bold"),
                line(about.get(job.id, "")),
                Text(str(state.phase)),
                Text(f"{job.started_at.astimezone():%d %b %H:%M}"),
                line(how_far(state), "dim"),
            ),
        )
        for job, state in jobs
    ]


def _end_of(job: Job) -> str:
    try:
        with job.log.open("rb") as file:
            file.seek(max(0, job.log.stat().st_size - _LOG))
            return file.read(_LOG).decode("utf-8", "replace").strip()
    except OSError as error:
        return f"its log {job.log} cannot be read: {error.strerror}"
