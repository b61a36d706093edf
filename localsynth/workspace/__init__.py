"""The workspace: the one service layer under the command line and the terminal UI, and the Python API.

    from localsynth import Workspace

    ws = Workspace("workspace")
    run = ws.run("recipes/clinic.toml", rows=300)
    frame = ws.rows(run)

pandas is imported only by the methods that give or take a frame.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from localsynth.core.contracts import Method
from localsynth.core.dataset import Dataset
from localsynth.core.errors import NotFound, RunError
from localsynth.core.events import Event
from localsynth.core.recipe import Recipe
from localsynth.core.run import Exposure, Run, Status
from localsynth.core.schema import Schema
from localsynth.methods import registry
from localsynth.runs.bus import Listener, follow
from localsynth.runs.control import Control
from localsynth.runs.lock import holder
from localsynth.store import datasets, reading
from localsynth.store import runs as records
from localsynth.store.session import Store

from .choosing import Overrides
from .doctor import Finding, examine
from .files import format_of, save
from .launch import Place, resume, start
from .packaged import copy_recipe, find_recipe, packaged_recipes
from .verify import Verification, verify_table

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from localsynth.engine.catalog import Catalog

__all__ = ["Control", "Workspace", "copy_recipe", "find_recipe", "packaged_recipes", "workspace_folder"]

PathLike: TypeAlias = str | os.PathLike[str]
SAMPLE = "sample:"


def workspace_folder(folder: PathLike | None = None) -> Path:
    """The folder given, else ``$LOCALSYNTH_WORKSPACE``, else ``./workspace``."""
    return Path(folder or os.environ.get("LOCALSYNTH_WORKSPACE") or "workspace").expanduser().absolute()


class Workspace:
    """A folder with one DuckDB file in it: datasets, runs, rows.

    folder : default as :func:`workspace_folder`. It is made when something is first put into it.

    Every method raises a :class:`~localsynth.core.errors.LocalsynthError` with a sentence and a hint; none holds the
    file open longer than one transaction, so other processes can read it at any time.
    """

    def __init__(self, folder: PathLike | None = None) -> None:
        self.folder = workspace_folder(folder)

    def __repr__(self) -> str:
        return f"Workspace({str(self.folder)!r})"

    @cached_property
    def store(self) -> Store:
        """The store of a workspace that exists. Raises ``StoreError`` where it does not."""
        return Store.open(self.folder)

    def init(self) -> Workspace:
        """Make the workspace if it is not there."""
        self.store = Store.open(self.folder, create=True)
        return self

    # --- datasets ----------------------------------------------------------------------------------------------------

    def import_file(
        self,
        path: PathLike,
        *,
        name: str | None = None,
        target: str | None = None,
        holdout: float = 1 / 3,
        policy: str = "rows",
        schema: Schema | None = None,
        encoding: str | None = None,
        seed: int = 0,
        replace: bool = False,
    ) -> Dataset:
        """Import CSV, TSV, Parquet or JSON lines; columns are inferred unless ``schema`` is given.

        holdout : share of the rows that no prompt and no statistic ever sees. policy : how much a model may see,
        ``schema``, ``statistics`` or ``rows``.
        """
        return datasets.import_file(
            self.init().store,
            Path(path),
            name=name,
            target=target,
            holdout=holdout,
            policy=Exposure.parse(policy),
            schema=schema,
            encoding=encoding,
            seed=seed,
            replace=replace,
        )

    def import_frame(
        self,
        frame: pd.DataFrame,
        name: str,
        *,
        target: str | None = None,
        holdout: float = 1 / 3,
        policy: str = "rows",
        schema: Schema | None = None,
        seed: int = 0,
        replace: bool = False,
    ) -> Dataset:
        """Import a pandas frame, without its index; otherwise as :meth:`import_file`."""
        from .frames import from_pandas

        return datasets.import_table(
            self.init().store,
            from_pandas(frame),
            name,
            source="a pandas frame",
            target=target,
            holdout=holdout,
            policy=Exposure.parse(policy),
            schema=schema,
            seed=seed,
            replace=replace,
        )

    def import_sample(
        self,
        sample: str,
        *,
        name: str | None = None,
        target: str | None = None,
        holdout: float = 1 / 3,
        policy: str = "rows",
        schema: Schema | None = None,
        seed: int = 0,
        replace: bool = False,
    ) -> Dataset:
        """Import one of the bundled real tables, by name with or without ``sample:``."""
        return datasets.import_sample(
            self.init().store,
            sample.removeprefix(SAMPLE),
            name=name,
            target=target,
            holdout=holdout,
            policy=Exposure.parse(policy),
            schema=schema,
            seed=seed,
            replace=replace,
        )

    def declare(self, name: str, schema: Schema, *, policy: str = "schema", replace: bool = False) -> Dataset:
        """A dataset without rows: only its description is known."""
        return datasets.declare(
            self.init().store, name, schema, policy=Exposure.parse(policy), replace=replace
        )

    def datasets(self) -> list[Dataset]:
        """All datasets."""
        return datasets.list_all(self.store)

    def dataset(self, name: str) -> Dataset:
        """One dataset. Raises ``NotFound`` with the nearest name."""
        return datasets.get(self.store, name)

    def schema(self, name: str) -> Schema:
        """The schema of a dataset."""
        return self.dataset(name).schema

    def set_schema(self, name: str, schema: Schema) -> None:
        """Replace a dataset's schema; refused where its real rows do not fit."""
        datasets.set_schema(self.store, name, schema)

    def set_policy(self, name: str, policy: str) -> None:
        """Say how much of a dataset a model may see: ``schema``, ``statistics`` or ``rows``."""
        datasets.set_policy(self.store, name, Exposure.parse(policy))

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

    def get_run(self, run: Run | str) -> Run:
        """A run by id, by the beginning of its id, by the word ``last``, or the latest of a dataset by its name."""
        if isinstance(run, Run):
            return records.get(self.store, run.run_id)
        try:
            return records.get(self.store, run)
        except NotFound:
            of_dataset = records.list_all(self.store, run)
            if not of_dataset:
                raise
            return of_dataset[0]

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
