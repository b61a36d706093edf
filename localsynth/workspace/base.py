"""A workspace's folder and store, for all parts of its API."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import Self, TypeAlias

from localsynth.core.errors import NotFound, StoreError
from localsynth.core.run import Run
from localsynth.store import runs as records
from localsynth.store import trouble
from localsynth.store.session import FILE, Store

__all__ = ["Base", "PathLike", "workspace_folder"]

PathLike: TypeAlias = str | os.PathLike[str]


def workspace_folder(folder: PathLike | None = None) -> Path:
    """The folder given, else ``$LOCALSYNTH_WORKSPACE``, else ``./workspace``."""
    return Path(folder or os.environ.get("LOCALSYNTH_WORKSPACE") or "workspace").expanduser().absolute()


class Base:
    """A folder, the store in it, and its runs by name.

    timeout : seconds to wait for whoever holds the file. read_only : nothing is ever written; what would be is refused.
    """

    def __init__(
        self, folder: PathLike | None = None, *, timeout: float = 10.0, read_only: bool = False
    ) -> None:
        self.folder = workspace_folder(folder)
        self.timeout = timeout
        self.read_only = read_only

    def __repr__(self) -> str:
        return f"Workspace({str(self.folder)!r})"

    @cached_property
    def store(self) -> Store:
        """The store of a workspace that exists. Raises ``StoreError`` where it does not."""
        return Store.open(self.folder, timeout=self.timeout, read_only=self.read_only)

    @property
    def exists(self) -> bool:
        """Whether there is a workspace in the folder. Raises ``StoreError`` where that cannot be looked up."""
        path = self.folder / FILE
        try:
            return path.exists()
        except OSError as error:
            raise trouble.from_os(error, path, "read") from error

    def init(self) -> Self:
        """Make the workspace if it is not there."""
        if self.read_only and not self.exists:
            raise StoreError(
                f"there is no workspace in {self.folder} to look at", "open it without --read-only"
            )
        self.store = Store.open(self.folder, create=True, timeout=self.timeout, read_only=self.read_only)
        return self

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
