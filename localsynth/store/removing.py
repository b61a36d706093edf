"""Removing a dataset with all that was made of it and learnt from it."""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localsynth.core.errors import DatasetError
from localsynth.core.words import counted

from . import adapters, audit, catalogue, runs, trouble
from .generations import exact_name
from .scratch import sweep_scratch

if TYPE_CHECKING:
    from pathlib import Path

    from .session import Store

__all__ = ["Removed", "copies", "drop", "sweep"]


@dataclass(frozen=True)
class Removed:
    """What went with a dataset. rows : real ones. made : rows of its runs. adapters : what a person calls them."""

    dataset: str
    rows: int
    runs: tuple[str, ...] = ()
    made: int = 0
    adapters: tuple[str, ...] = ()


def drop(store: Store, name: str, *, with_runs: bool = False) -> Removed:
    """Remove a dataset: its real rows, statistics and adapters, and with ``with_runs`` its runs, their rows and folders.

    One transaction; files go after it. Raises ``NotFound``, and ``DatasetError`` where it has runs and ``with_runs`` is off.
    """
    with store.write() as con:
        exact = exact_name(con, name)
        rows = catalogue.read(con, exact).rows
        found = con.execute("SELECT run_id, rows_done FROM meta.runs WHERE dataset = ?", [exact]).fetchall()
        if found and not with_runs:
            raise DatasetError(
                f"the dataset '{exact}' has {counted(len(found), 'run')}", "delete its runs first"
            )
        for run_id, _ in found:
            runs.forget(con, run_id)
        gone = adapters.forget_in(con, exact)
        catalogue.remove(con, exact)
        names = [run_id for run_id, _ in found]
        kept = [adapter.adapter_id for adapter in gone]
        audit.note(store, con, "dataset removed", dataset=exact, rows=rows, runs=names, adapters=kept)
    with ExitStack() as files:  # one that cannot be removed must not save the others
        for run_id, _ in found:
            files.callback(runs.remove_folder, store, run_id)
        for adapter in gone:
            files.callback(adapters.remove_files, store, [adapter])
    return Removed(
        exact,
        rows,
        tuple(run_id for run_id, _ in found),
        sum(done for _, done in found),
        tuple(adapter.label for adapter in gone),
    )


def copies(store: Store) -> list[Path]:
    """Copies of the whole workspace that were made before it was brought up to date; they hold what was removed since."""
    return sorted(store.folder.glob(f"{store.path.name}.bak-*"))


def sweep(store: Store) -> list[Path]:
    """Remove what broke off and left behind: files of adapters and folders of runs that have no row any more, and folders
    that an import or a filling that was killed worked in.

    A run has its row before it has a folder within its own, where it keeps what it learns from; one that has a folder and no
    row is gone. Gives what was removed. Raises ``StoreError``.
    """
    removed = [*adapters.sweep(store), *sweep_scratch(store.folder)]
    learning = _with_folders(store)
    if learning:
        with store.read() as con:
            known = {run_id for (run_id,) in con.execute("SELECT run_id FROM meta.runs").fetchall()}
        for folder in learning:
            if folder.name not in known:
                try:
                    shutil.rmtree(folder)
                except OSError as error:
                    raise trouble.from_os(error, folder, "remove") from error
                removed.append(folder)
    return removed


def _with_folders(store: Store) -> list[Path]:
    """Folders of runs that hold folders."""
    folder = store.folder / "runs"
    try:
        return [folder / name for name in _folders(folder) if _folders(folder / name)]
    except OSError:  # none yet, or one that is being removed now
        return []


def _folders(inside: Path) -> list[str]:
    with os.scandir(inside) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
