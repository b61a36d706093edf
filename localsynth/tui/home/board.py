"""The board of Home: looks at the workspace, and shows what it sees; what can be done with it is elsewhere."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Middle
from textual.widgets import Static

from localsynth.core.errors import LocalsynthError, StoreLocked
from localsynth.tui.plain import one_line, paragraph
from localsynth.tui.screens.base import PlaceScreen
from localsynth.tui.subject import Subject
from localsynth.tui.widgets.listing import Listing

from .facts import Facts, Machine, Making, Watcher, facts_of, machine_of
from .lines import (
    about_dataset,
    about_model,
    about_run,
    dataset_entries,
    model_entries,
    run_entries,
)
from .lists import DatasetList, HomeList, ModelList, RunList
from .welcome import Welcome

if TYPE_CHECKING:
    from localsynth.core.dataset import Dataset
    from localsynth.core.run import Run
    from localsynth.engine.catalog import Model
    from localsynth.workspace import Job, JobState

    from .facts import Look

__all__ = ["HomeBoard"]

_EVERY_S = 1.0
_MODELS_EVERY = 15  # looks
_MOST_RUNS = 300  # shown; SQL has the others
_SPARING = 10  # times as long as it takes to read everything, it is left alone


class HomeBoard(PlaceScreen):
    """Three lists kept up to date. Nothing of the database is read unless a file of it has changed."""

    DEFAULT_CSS = """
    HomeBoard #lists { height: 1fr; layout: vertical; }
    HomeBoard HomeList { width: 1fr; }
    HomeBoard #datasets { height: auto; min-height: 4; max-height: 40%; }
    HomeBoard #runs { height: 1fr; min-height: 4; }
    HomeBoard #models { height: auto; min-height: 4; max-height: 7; }
    HomeBoard #empty { height: 1fr; align-horizontal: center; display: none; }
    HomeBoard.-empty #empty { display: block; }
    HomeBoard.-empty #datasets, HomeBoard.-empty #runs { display: none; }
    HomeBoard #note { height: auto; max-height: 3; padding: 0 1; display: none; background: $panel; }
    HomeBoard #note.-told { display: block; }
    HomeBoard.-wide #lists { layout: grid; grid-size: 2; grid-columns: 3fr 5fr; grid-rows: 1fr auto; }
    HomeBoard.-wide #datasets { height: 100%; max-height: 100%; }
    HomeBoard.-wide #runs { height: 100%; row-span: 2; }
    HomeBoard.-wide.-empty #lists { layout: vertical; }
    """

    def __init__(self) -> None:
        super().__init__()
        # Held here, since a look may end while the screen is taken apart, and finds nothing by its name then.
        self.datasets, self.runs, self.models = DatasetList(), RunList(), ModelList()
        self._lists: tuple[HomeList, ...] = (self.datasets, self.runs, self.models)
        self._greeting, self._note = Welcome(), Static(id="note", markup=False)
        self._watcher = Watcher()
        self._facts: Facts | None = None
        self._machine: Machine | None = None
        self._making: dict[str, Making] = {}
        self._jobs: tuple[tuple[Job, JobState], ...] = ()
        self._started: set[str] = set()  # jobs of ours, whose end is to be told
        self._trouble = ""
        self._step = ""  # of work on a model; set from its thread
        self.only = False  # runs of the present dataset
        self._looking = False
        self._looks = 0
        self._painted: object = None
        self._noted = ""
        self._stale = False  # read again, whether or not a file has changed
        self._read_at = 0.0

    def body(self) -> ComposeResult:
        """Three lists, or a welcome over that of models; a line for what goes on."""
        with Container(id="lists"):
            with Middle(id="empty"):
                yield self._greeting
            yield from self._lists
        yield self._note

    def on_mount(self) -> None:
        """Look every second, for the first time when there is a picture: the imports behind it would hold that up."""
        self.call_after_refresh(self._look_soon)
        self.set_interval(_EVERY_S, self._look_soon)

    def show_subject(self, subject: Subject) -> None:
        """Mark it."""
        self.paint()

    # --- looking -----------------------------------------------------------------------------------------------------

    def _look_soon(self) -> None:
        here = self.app.current_mode == "home"
        if not self._looking and (here or self._started):
            self._looking = True
            self.run_worker(self._look(), group="home.look")

    async def _look(self) -> None:
        try:
            await self._see()
            self._trouble = ""
        except StoreLocked as error:
            self._trouble = f"waiting: {error.message}"
        except LocalsynthError as error:
            self._trouble = f"{error.message}: {error.hint}" if error.hint else error.message
        finally:
            self._looking = False
        self.paint()

    async def _see(self) -> None:
        if self._machine is None or self._looks % _MODELS_EVERY == 0:
            self._machine = await self.ask(machine_of)
        self._looks += 1
        running = [run for run in (self._facts.runs if self._facts else ()) if run.status == "running"]
        look = await self.ask(lambda space: self._watcher.look(space, running))
        self._making, self._jobs = look.making, look.jobs
        changed = self._facts is None or look.stamp != self._facts.stamp
        if self._stale or (changed and time.monotonic() >= self._read_at):
            self._stale = False
            await self._read()
        self._tell_ends(look)

    async def _read(self) -> None:
        begun, first = time.monotonic(), self._facts is None
        self._facts = await self.ask(facts_of)
        ended = time.monotonic()
        self._read_at = ended + _SPARING * (ended - begun)
        if first:
            self._forget_what_is_gone(self._facts)
        if first and self.subject.dataset is not None:
            self.paint()
            self.datasets.choose(self.subject.dataset)

    def _forget_what_is_gone(self, facts: Facts) -> None:
        """The subject is from an earlier start; it may have been removed since."""
        dataset, run = self.subject.dataset, self.subject.run
        if dataset is not None and dataset not in {one.name for one in facts.datasets}:
            self.ui.about(None)
        elif run is not None and run not in {one.run_id for one in facts.runs}:
            self.ui.about(dataset)

    def _tell_ends(self, look: Look) -> None:
        for job, state in look.jobs:
            if job.id in self._started and state.over:
                self._started.discard(job.id)
                self._tell_end(job, state)

    def _tell_end(self, job: Job, state: JobState) -> None:
        if state.error is not None:
            self.show_error(state.error.raised())
            return
        name = state.result.get("dataset")
        if not isinstance(name, str):
            self.say(f"{job.title}: {state.phase}", warning=True)
            return
        self.say(
            f"imported {name}: {state.result.get('rows', 0):,} rows; Enter shows its columns, F4 makes rows"
        )
        self.ui.about(name)
        self.read_now()

    def read_now(self) -> None:
        """Everything, whether or not a file has changed."""
        self._stale, self._looks = True, 0
        self._look_soon()

    # --- showing -----------------------------------------------------------------------------------------------------

    def paint(self) -> None:
        """All lists, of what is known, where anything of it is new."""
        known = (self._facts, self._machine, self._making, self.subject, self.only)
        if known != self._painted:
            self._painted = known
            self._paint_lists()
        words = self._words()
        if words != self._noted:
            self._noted = words
            self._note.set_class(bool(words), "-told")
            self._note.set_class(bool(self._trouble), "wrong")
            self._note.update(paragraph(one_line(words)))

    def _paint_lists(self) -> None:
        facts, subject = self._facts, self.subject
        if facts is not None:
            empty = not facts.datasets and not facts.runs
            begins = self.has_class("-empty") and not empty
            self.set_class(empty, "-empty")
            if empty:
                self._welcome(facts)
            self.datasets.show(
                dataset_entries(facts, subject.dataset), self._none("no datasets yet", "i imports one")
            )
            if begins:  # until now the models were all that could have the focus
                self.datasets.focus()
            now = datetime.now().astimezone()
            entries = run_entries(self._listed[:_MOST_RUNS], facts, self._making, subject.run, now)
            self.runs.show(entries, self._none("no runs yet", "F4 chooses a method and starts one"))
        if self._machine is not None:
            self.models.show(model_entries(self._machine), self._none("no models", "a adds one"))
        for one in self._lists:
            self._title(one)

    def _none(self, what: str, way: str) -> str:
        """That there is nothing, and what to press; who may only look can press nothing."""
        return what if self.ui.read_only else f"{what}: {way}"

    @property
    def _listed(self) -> tuple[Run, ...]:
        """The runs to show."""
        runs, present = self._facts.runs if self._facts else (), self.subject.dataset
        return tuple(run for run in runs if run.dataset == present) if self.only else runs

    def _welcome(self, facts: Facts) -> None:
        keys = self.ui.memory.settings.keys
        usual = (("home.import", "i"), ("home.sample", "s"), ("go.recipe", "F4"))
        i, s, recipe = (keys.get(name, key).split(",")[0] for name, key in usual)
        self._greeting.tell(facts.folder, (i, s, recipe), exists=facts.exists, read_only=self.ui.read_only)

    def _title(self, one: HomeList) -> None:
        about = ""
        if (dataset := self.dataset) is not None and isinstance(one, DatasetList):
            about = about_dataset(dataset)
        elif (run := self.run) is not None and isinstance(one, RunList):
            about = about_run(run, self._making.get(run.run_id))
        elif (model := self.model) is not None and isinstance(one, ModelList):
            about = about_model(model)
        shown = f"{len(one.entries):,}" if one.entries else ""
        if isinstance(one, RunList) and len(self._listed) > len(one.entries):
            shown = f"{shown} newest of {len(self._listed):,}"
        if isinstance(one, RunList) and self.only:
            shown = f"{shown or 0} of {self.subject.dataset or 'no dataset'}"
        one.name_it(f" ({shown})" if shown else "", about)

    @on(Listing.Chosen)
    def _chosen(self, event: Listing.Chosen) -> None:
        if isinstance(event.listing, HomeList):
            self._title(event.listing)

    def _words(self) -> str:
        """What goes on, in a line; empty where nothing does."""
        from .jobs import job_words

        going = [(job, state) for job, state in self._jobs if not state.over]
        going.sort(key=lambda one: one[1].phase == "queued")  # what works before what waits for it
        alive = [job_words(job, state) for job, state in going]
        more = f" (and {len(alive) - 1} more)" if len(alive) > 1 else ""
        return self._trouble or self._step or (f"{alive[0]}{more}; l lists the jobs" if alive else "")

    # --- what is chosen ----------------------------------------------------------------------------------------------

    @property
    def dataset(self) -> Dataset | None:
        """The chosen one."""
        key = self.datasets.chosen
        return next((one for one in (self._facts.datasets if self._facts else ()) if one.name == key), None)

    @property
    def run(self) -> Run | None:
        """The chosen one."""
        key = self.runs.chosen
        return next((one for one in (self._facts.runs if self._facts else ()) if one.run_id == key), None)

    @property
    def model(self) -> Model | None:
        """The chosen one."""
        key = self.models.chosen
        return next((one for one in (self._machine.models if self._machine else ()) if one.name == key), None)

    def standing(self, run: Run) -> str:
        """Its status in a word, as last heard."""
        heard = self._making.get(run.run_id)
        known = self._facts.standing if self._facts else {}
        return heard.standing if heard is not None else known.get(run.run_id, run.status.value)

    # --- for what is done elsewhere ----------------------------------------------------------------------------------

    def expect(self, job: Job) -> None:
        """Tell when it ends, wherever the person is by then."""
        self._started.add(job.id)
        self._look_soon()

    def doing(self, words: str) -> None:
        """What is being done that is not a job; empty when it is over. From any thread."""
        self._step = words

    def told(self, step: str, share: float) -> None:
        """How far work on a model is; from any thread."""
        self._step = f"{step}: {share:.0%}" if step else ""
