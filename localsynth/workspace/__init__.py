"""The workspace: the one service layer under the command line and the terminal UI, and the Python API.

    from localsynth import Workspace

    ws = Workspace("workspace")
    run = ws.run("recipes/clinic.toml", rows=300)
    frame = ws.rows(run)

pandas is imported only by the methods that give or take a frame.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from localsynth.core.contracts import Method
from localsynth.core.errors import LocalsynthError, RunError
from localsynth.core.events import Event
from localsynth.core.limits import Limits
from localsynth.core.recipe import Recipe
from localsynth.core.run import Run, Status
from localsynth.core.schema import Schema
from localsynth.core.targets import Statistics
from localsynth.methods import registry
from localsynth.runs.bus import Listener, follow
from localsynth.runs.control import Control
from localsynth.runs.lock import holder
from localsynth.store import given, reading
from localsynth.store import runs as records
from localsynth.store.rounds import read_rounds

from .adapters import Adapters
from .auditing import Audits, left, left_query, refusals
from .background import Background, Job, forget_jobs
from .base import PathLike, workspace_folder
from .browse import Browsing
from .choosing import Overrides
from .datasets import Datasets
from .doctor import examine
from .drafts import Checked, Drafts, MethodCard, ModelChoice
from .estimate import Estimate, Pace
from .evaluations import Evaluations
from .files import check_place, format_of, save
from .filling import Fills
from .finding import Finding
from .forgetting import Forgets
from .glance import Glances
from .jobfiles import Failure, JobFailed, JobState, JobStep, Phase
from .launch import Place, resume, start, working
from .limits import limits_for, limits_of_run
from .nested import members_due, members_of, members_recipe, parent_of
from .offline import examine_offline
from .packaged import copy_recipe, find_recipe, packaged_recipes
from .preview import Previews
from .suggesting import Suggesting
from .verify import Verification, verify_table
from .watching import Heard, Newest, Watching

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from localsynth.engine.catalog import Catalog

__all__ = [
    "Checked",
    "Control",
    "Estimate",
    "Failure",
    "Heard",
    "Job",
    "JobFailed",
    "JobState",
    "JobStep",
    "Limits",
    "MethodCard",
    "ModelChoice",
    "Newest",
    "Pace",
    "Phase",
    "Workspace",
    "copy_recipe",
    "find_recipe",
    "packaged_recipes",
    "workspace_folder",
]


class Workspace(
    Datasets,
    Suggesting,
    Evaluations,
    Adapters,
    Fills,
    Background,
    Browsing,
    Previews,
    Glances,
    Watching,
    Drafts,
    Audits,
    Forgets,
):
    """A folder with one DuckDB file in it: datasets, runs, rows; and adapters beside it.

    folder : default as :func:`workspace_folder`. It is made when something is first put into it.

    Every method raises a :class:`~localsynth.core.errors.LocalsynthError` with a sentence and a hint; none holds the
    file open longer than one transaction, so other processes can read it at any time; a view on rows (:meth:`browse`) lets
    writers in half a second after its last page.
    """

    # --- runs --------------------------------------------------------------------------------------------------------

    @refusals
    def run(
        self,
        recipe: Recipe | PathLike,
        *,
        rows: int | None = None,
        seed: int | None = None,
        model: str | None = None,
        threads: int | None = None,
        where: str | None = None,
        limits: Limits | None = None,
        run_id: str | None = None,
        on_event: Listener | None = None,
        control: Control | None = None,
    ) -> Run:
        """Make rows. ``recipe`` is a :class:`Recipe`, a file, or the name of a packaged recipe.

        where : a condition in SQL that every row meets, instead of the recipe's; for methods that can. limits : of time and
        memory, instead of the recipe's. run_id : a name for the run; one that no run has.
        on_event : called with every event, in the thread that makes the rows. control : stops the run from elsewhere.
        Gives the run as it ended: finished, short (see ``message``) or cancelled. Raises where it failed; what was
        committed is kept and :meth:`resume` goes on from there. Where the recipe has members, their run follows when this
        one is finished, or fell short of rows: see :meth:`members_of`.
        """
        path = None if isinstance(recipe, Recipe) else find_recipe(recipe)
        loaded = recipe if isinstance(recipe, Recipe) else Recipe.load(find_recipe(recipe))
        asked = Overrides(rows, seed, model, threads, where)
        with working(self.init().store, limits_for(limits, loaded), on_event, control) as place:
            made = start(place, loaded, path, asked, run_id=run_id)
            if members_due(self.store, made):
                self._make_members(place, made, loaded)
        return made

    @refusals
    def resume(
        self,
        run: Run | str = "last",
        *,
        as_recorded: bool = False,
        limits: Limits | None = None,
        on_event: Listener | None = None,
        control: Control | None = None,
    ) -> Run:
        """Go on with a run that was cancelled, failed or killed; its rows will be those of an undisturbed run.

        as_recorded : use the recipe and schema as they were, even if their files have changed. limits : as for :meth:`run`.
        """
        store = self.init().store
        made = self.get_run(run)
        limits = limits_of_run(limits, made.recipe_json, made.recipe_path)
        with working(store, limits, on_event, control) as place:
            if not members_due(self.store, made):  # rows that fell short have members, too
                made = resume(place, made.run_id, as_recorded=as_recorded)
            if members_due(self.store, made):
                members = members_of(self.store, made)
                if members is None:
                    self._make_members(place, made, None)
                else:
                    resume(place, members.run_id, as_recorded=as_recorded)
        return made

    def members_of(self, run: Run | str = "last") -> Run | None:
        """The run that made the members of a run's rows; ``None`` where there is none."""
        return members_of(self.store, self.get_run(run))

    def parent_of(self, run: Run | str = "last") -> Run | None:
        """The run whose rows a run's rows are members of; ``None`` where they are nobody's, or that run is gone."""
        parent = parent_of(self.get_run(run))
        return next((one for one in self.runs() if one.run_id == parent), None)

    def _make_members(self, place: Place, made: Run, written: Recipe | None) -> Run:
        path = Path(made.recipe_path) if made.recipe_path else None
        kept = self._run_folder(made) / "recipe.toml"
        if written is None and kept.is_file():
            written = Recipe.load(kept)
        recipe = members_recipe(Recipe.model_validate_json(made.recipe_json), made.run_id)
        return start(place, recipe, path, Overrides(), written=written)

    def runs(self, dataset: str | None = None) -> list[Run]:
        """All runs, newest first."""
        return records.list_all(self.store, dataset)

    def standing(self, run: Run) -> str:
        """The run's status in a word; ``interrupted`` where it should be running but its process is gone."""
        if run.status is Status.RUNNING and self.maker(run) is None:
            return "interrupted"
        return run.status.value

    def maker(self, run: Run) -> int | None:
        """The pid of the process that makes the run, 0 where it is unknown, ``None`` where nobody does."""
        return holder(self._run_folder(run))

    @staticmethod
    def engine_of(run: Run) -> str:
        """How the engine was laid out for a run, in words; empty for runs without a model, and for old ones."""
        from localsynth.engine.layout import layout_from

        return str(layout_from(run.setup_json).setup) if run.setup_json else ""

    def watch(self, run: Run | str = "last") -> Iterator[Event]:
        """The run's events from its beginning, and new ones as they come, until it ends."""
        found = self.get_run(run)
        path = self._run_folder(found) / "events.jsonl"
        return follow(path, lambda: self.maker(found) is not None)

    def delete_run(self, run: Run | str) -> Run:
        """Delete a run with its rows and its folder; adapters it learnt stay. Raises ``RunError`` where it is being made."""
        found = self.get_run(run)
        if self.maker(found) is not None:
            raise RunError(f"run {found.run_id} is being made", "stop it first")
        if (members := members_of(self.store, found)) is not None:
            raise RunError(
                f"the rows of run {members.run_id} belong to those of run {found.run_id}",
                "delete that run first",
            )
        records.delete(self.store, found.run_id)
        forget_jobs(self.folder, [found.run_id])
        return found

    # --- rows --------------------------------------------------------------------------------------------------------

    def rows(self, run: Run | str = "last") -> pd.DataFrame:
        """The rows of a run. Categories become ``category``, days ``datetime64``; integers with gaps stay integers."""
        from .frames import for_pandas

        return for_pandas(self.rows_arrow(run))

    def rows_arrow(self, run: Run | str = "last") -> pa.Table:
        """The rows of a run; categorical columns are dictionaries that hold every category."""
        from .frames import typed

        found = self.get_run(run)
        table = records.run_rows(self.store, found.run_id)
        return typed(Schema.model_validate_json(found.schema_json), table)

    def rounds(self, run: Run | str = "last") -> pd.DataFrame:
        """What a run's method tried while it learnt, in order: one row per candidate, as in ``meta.rounds``.

        ``theta`` (what was tried) and ``gaps`` (what told its rows from real ones) are JSON. No rows for a method that does
        not learn in steps.
        """
        from .frames import for_pandas

        return for_pandas(self.rounds_arrow(run))

    def rounds_arrow(self, run: Run | str = "last") -> pa.Table:
        """As :meth:`rounds`."""
        return read_rounds(self.store, self.get_run(run).run_id)

    def verify(self, run: Run | str = "last") -> Verification:
        """Check every cell, rule and declared number of a run again, from the stored rows."""
        found = self.get_run(run)
        schema = Schema.model_validate_json(found.schema_json)
        tie = Recipe.model_validate_json(found.recipe_json).parent
        shared = [] if tie is None else [tie.key]
        return verify_table(schema, records.run_rows(self.store, found.run_id), shared)

    def statistics(self, run: Run | str = "last") -> Statistics | None:
        """What a run aimed at: its target statistics, as the method was given them; ``None`` where it had none.

        ``ws.sql("FROM meta.margins WHERE run_id = '...'")`` and ``meta.tables`` give their cells as rows.
        """
        return given.latest(self.store, self.get_run(run).run_id)

    def export(
        self,
        run: Run | str,
        path: PathLike,
        *,
        format: str | None = None,  # noqa: A002
        overwrite: bool = False,
        heard: Callable[[int], None] = lambda _: None,
    ) -> Path:
        """Write a run's rows to a file: csv, tsv, parquet or jsonl, by ``format`` or else by the file's suffix.

        heard : told now and then how many rows are written.
        """
        target = Path(path)
        kind = format_of(target, format)
        found = self.get_run(run)
        path = save(self.rows_arrow(found), target, kind, overwrite=overwrite, heard=heard)
        left(
            self,
            "rows exported",
            path,
            dataset=found.dataset,
            run=found.run_id,
            rows=found.rows_done,
            format=kind,
        )
        return path

    def sql(self, query: str) -> pd.DataFrame:
        """The result of one read-only statement as a frame."""
        from .frames import for_pandas

        return for_pandas(self.sql_arrow(query))

    def sql_arrow(
        self, query: str, *, limit: int | None = None, offset: int = 0, stop: threading.Event | None = None
    ) -> pa.Table:
        """The result of one read-only statement. Raises ``SqlError`` with DuckDB's own message.

        stop : set it, from any thread, to interrupt the query; ``Cancelled`` is raised then.
        """
        return reading.sql(self.store, query, limit=limit, offset=offset, stop=stop)

    def export_sql(
        self,
        query: str,
        path: PathLike,
        *,
        format: str | None = None,  # noqa: A002
        overwrite: bool = False,
        stop: threading.Event | None = None,
    ) -> Path:
        """Write the whole result of one read-only statement to a file, as :meth:`export` writes rows."""
        target = Path(path)
        kind = format_of(target, format)
        check_place(target, overwrite=overwrite)
        table = self.sql_arrow(query, stop=stop)
        written = save(table, target, kind, overwrite=overwrite)
        left_query(self, "query exported", query, written, rows=table.num_rows, format=kind)
        return written

    def page(
        self,
        relation: str | tuple[str, str],
        offset: int,
        limit: int,
        order: Sequence[tuple[str, bool]] | None = None,
        *,
        where: str | None = None,
    ) -> pa.Table:
        """``limit`` rows of a table or view from ``offset`` on.

        relation : a name, or a pair (schema, name). order : pairs of column and whether descending. where : a person's
        own condition.
        """
        return reading.page(self.store, relation, offset, limit, order, where=where)

    def count(self, relation: str | tuple[str, str]) -> int:
        """How many rows a table or view has."""
        return reading.count(self.store, relation)

    # --- the machine -------------------------------------------------------------------------------------------------

    def doctor(self, *, offline: bool = False) -> Iterator[Finding]:
        """What there is on this machine and whether it is well, finding by finding.

        offline : instead, try every way to the network, and see that each is refused.
        """
        return examine_offline() if offline else examine(self.folder)

    @staticmethod
    def models() -> Catalog:
        """The models on this machine."""
        from localsynth.engine.catalog import Catalog

        return Catalog()

    @staticmethod
    def methods() -> dict[str, type[Method]]:
        """Every method that can be used, by name; :meth:`broken_methods` tells of the others."""
        return registry.usable()[0]

    @staticmethod
    def broken_methods() -> dict[str, LocalsynthError]:
        """Why a plug-in cannot be used, by name."""
        return registry.usable()[1]

    @staticmethod
    def method(name: str) -> type[Method]:
        """The method of that name. Raises ``NotFound`` with the nearest."""
        return registry.get(name)

    def _run_folder(self, run: Run) -> Path:
        return self.folder / "runs" / run.run_id  # Store.run_folder would make it
