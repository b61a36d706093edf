"""The part of the Python API that brings tables in and describes them."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from localsynth.core.dataset import Dataset
from localsynth.core.errors import RunError
from localsynth.core.limits import Limits
from localsynth.core.run import Exposure
from localsynth.core.schema import Schema
from localsynth.core.words import counted
from localsynth.runs.control import Control
from localsynth.runs.lock import holder
from localsynth.store import datasets
from localsynth.store import runs as records
from localsynth.store.removing import Removed, copies, drop
from localsynth.store.session import Store

from .background import forget_jobs
from .base import Base, PathLike
from .limits import limits_for, within
from .nested import parent_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Datasets", "refuse_removal"]

_SAMPLE = "sample:"


class Datasets(Base):
    """Datasets: imported, declared, listed, changed, removed."""

    def import_file(
        self,
        path: PathLike,
        *,
        name: str | None = None,
        target: str | None = None,
        holdout: float = 1 / 3,
        policy: str | None = None,
        schema: Schema | None = None,
        encoding: str | None = None,
        seed: int = 0,
        replace: bool = False,
        limits: Limits | None = None,
    ) -> Dataset:
        """Import CSV, TSV, Parquet or JSON lines; columns are inferred unless ``schema`` is given.

        holdout : share of the rows that no prompt and no statistic ever sees. policy : how much a model may see,
        ``schema``, ``statistics`` or ``rows``; by default ``rows``, and that of the dataset where one is replaced.
        limits : of time and memory; what reaches one raises ``OutOfTime`` or ``OverMemory``, and nothing is stored.
        """
        with self._importing(limits) as store:
            return datasets.import_file(
                store,
                Path(path),
                name=name,
                target=target,
                holdout=holdout,
                policy=None if policy is None else Exposure.parse(policy),
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
        policy: str | None = None,
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
            policy=None if policy is None else Exposure.parse(policy),
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
        policy: str | None = None,
        schema: Schema | None = None,
        seed: int = 0,
        replace: bool = False,
        limits: Limits | None = None,
    ) -> Dataset:
        """Import one of the bundled real tables, by name with or without ``sample:``."""
        with self._importing(limits) as store:
            return datasets.import_sample(
                store,
                sample.removeprefix(_SAMPLE),
                name=name,
                target=target,
                holdout=holdout,
                policy=None if policy is None else Exposure.parse(policy),
                schema=schema,
                seed=seed,
                replace=replace,
            )

    def _importing(self, limits: Limits | None) -> AbstractContextManager[Store]:
        return within(self.init().store, limits_for(limits), Control(), "the import", at_once=True)

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

    def remove_dataset(self, name: str) -> Removed:
        """Remove a dataset with all that was made of it: real rows, runs with their rows, statistics, scores, adapters.

        Raises ``NotFound``, and ``RunError`` where one of its runs is being made, or rows of another dataset belong to its
        runs' rows: they were learnt from its rows too, and are removed first.
        """
        exact = self.dataset(name).name
        refuse_removal(self, exact)
        gone = drop(self.store, exact, with_runs=True)
        forget_jobs(self.folder, gone.runs, exact)
        return gone

    def copies(self) -> list[Path]:
        """Copies of the whole workspace from before it was brought up to date: they hold datasets removed since."""
        return copies(self.store)


def refuse_removal(base: Base, exact: str) -> None:
    """Raise ``RunError`` where a run of the dataset is being made, or rows of another dataset belong to its runs' rows."""
    every = records.list_all(base.store)
    own = {run.run_id for run in every if run.dataset == exact}
    for run_id in sorted(own):
        if holder(base.folder / "runs" / run_id) is not None:
            raise RunError(f"run {run_id} of '{exact}' is being made", "stop it first")
    members = [run for run in every if run.dataset != exact and parent_of(run) in own]
    if members:
        raise RunError(
            f"rows of {counted(len(members), 'run')} of '{members[0].dataset}' belong to rows of runs of '{exact}'",
            f"localsynth datasets remove {members[0].dataset}, or `localsynth runs delete {members[0].run_id}`",
        )
