"""The workspace: the one service layer under the command line and the terminal UI, and the Python API.

    from localsynth import Workspace

    ws = Workspace("workspace")
    run = ws.run("recipes/clinic.toml", rows=300)
    frame = ws.rows(run)

pandas is imported only by the methods that give or take a frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from localsynth.core.contracts import Method
from localsynth.core.errors import RunError
from localsynth.core.events import Event
from localsynth.core.recipe import Recipe
from localsynth.core.run import Run, Status
from localsynth.core.schema import Schema
from localsynth.methods import registry
from localsynth.runs.bus import Listener, follow
from localsynth.runs.control import Control
from localsynth.runs.lock import holder
from localsynth.store import reading
from localsynth.store import runs as records

from .base import PathLike, workspace_folder
from .choosing import Overrides
from .datasets import Datasets
from .doctor import Finding, examine
from .evaluations import Evaluations
from .files import format_of, save
from .launch import Place, resume, start
from .packaged import copy_recipe, find_recipe, packaged_recipes
from .verify import Verification, verify_table

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from localsynth.engine.catalog import Catalog

__all__ = ["Control", "Workspace", "copy_recipe", "find_recipe", "packaged_recipes", "workspace_folder"]


class Workspace(Datasets, Evaluations):
    """A folder with one DuckDB file in it: datasets, runs, rows.

    folder : default as :func:`workspace_folder`. It is made when something is first put into it.

    Every method raises a :class:`~localsynth.core.errors.LocalsynthError` with a sentence and a hint; none holds the
    file open longer than one transaction, so other processes can read it at any time.
    """

    # --- runs --------------------------------------------------------------------------------------------------------

    def run(
        self,
        recipe: Recipe | PathLike,
        *,
        rows: int | None = None,
        seed: int | None = None,
        model: str | None = None,
        threads: int | None = None,
        on_event: Listener | None = None,
        control: Control | None = None,
    ) -> Run:
        """Make rows. ``recipe`` is a :class:`Recipe`, a file, or the name of a packaged recipe.

        on_event : called with every event, in the thread that makes the rows. control : stops the run from elsewhere.
        Gives the run as it ended: finished, short (see ``message``) or cancelled. Raises where it failed; what was
        committed is kept and :meth:`resume` goes on from there.
        """
        path = None if isinstance(recipe, Recipe) else find_recipe(recipe)
        loaded = recipe if isinstance(recipe, Recipe) else Recipe.load(find_recipe(recipe))
        return start(self._place(on_event, control), loaded, path, Overrides(rows, seed, model, threads))

    def resume(
        self,
        run: Run | str = "last",
        *,
        as_recorded: bool = False,
        on_event: Listener | None = None,
        control: Control | None = None,
    ) -> Run:
        """Go on with a run that was cancelled, failed or killed; its rows will be those of an undisturbed run.

        as_recorded : use the recipe and schema as they were, even if their files have changed.
        """
        run_id = self.get_run(run).run_id
        return resume(self._place(on_event, control), run_id, as_recorded=as_recorded)

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
        """Delete a run with its rows and its folder. Raises ``RunError`` where it is being made."""
        found = self.get_run(run)
        if self.maker(found) is not None:
            raise RunError(f"run {found.run_id} is being made", "stop it first")
        records.delete(self.store, found.run_id)
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

    def verify(self, run: Run | str = "last") -> Verification:
        """Check every cell, rule and declared number of a run again, from the stored rows."""
        found = self.get_run(run)
        schema = Schema.model_validate_json(found.schema_json)
        return verify_table(schema, records.run_rows(self.store, found.run_id))

    def export(
        self,
        run: Run | str,
        path: PathLike,
        *,
        format: str | None = None,  # noqa: A002
        overwrite: bool = False,
    ) -> Path:
        """Write a run's rows to a file: csv, tsv, parquet or jsonl, by ``format`` or else by the file's suffix."""
        target = Path(path)
        kind = format_of(target, format)
        return save(self.rows_arrow(run), target, kind, overwrite=overwrite)

    def sql(self, query: str) -> pd.DataFrame:
        """The result of one read-only statement as a frame."""
        from .frames import for_pandas

        return for_pandas(self.sql_arrow(query))

    def sql_arrow(self, query: str, *, limit: int | None = None, offset: int = 0) -> pa.Table:
        """The result of one read-only statement. Raises ``SqlError`` with DuckDB's own message."""
        return reading.sql(self.store, query, limit=limit, offset=offset)

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

    def doctor(self) -> Iterator[Finding]:
        """What there is on this machine and whether it is well, finding by finding."""
        return examine(self.folder)

    @staticmethod
    def models() -> Catalog:
        """The models on this machine."""
        from localsynth.engine.catalog import Catalog

        return Catalog()

    @staticmethod
    def methods() -> dict[str, type[Method]]:
        """Every method by name."""
        return {name: registry.get(name) for name in registry.names()}

    @staticmethod
    def method(name: str) -> type[Method]:
        """The method of that name. Raises ``NotFound`` with the nearest."""
        return registry.get(name)

    def _place(self, on_event: Listener | None, control: Control | None) -> Place:
        return Place(self.init().store, [on_event] if on_event is not None else [], control or Control())

    def _run_folder(self, run: Run) -> Path:
        return self.folder / "runs" / run.run_id  # Store.run_folder would make it
