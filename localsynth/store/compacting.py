"""The database file written anew, so that it holds no byte of what was removed.

DuckDB does not give the blocks of removed rows back, nor overwrite them before they are needed again. So everything there is
goes into a fresh file, which then takes the place of the old one; a crash leaves the one or the other, whole.
"""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localsynth.core.errors import StoreError

from . import guard, trouble
from .names import literal
from .settling import settle

if TYPE_CHECKING:
    import duckdb

    from .session import Store

__all__ = ["compact", "half_done"]

_CONFIG: dict[str, Any] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
_TRIES = 20


def half_done(store: Store) -> Path:
    """Where the fresh file is while it is written; one that is there and grows no more was left by a crash."""
    return store.path.with_name(f"{store.path.name}.new")


def compact(store: Store) -> int:
    """Write the file anew; gives its bytes then. Other processes may read meanwhile, and write afterwards.

    Needs as much free space as the file will take. Raises ``StoreLocked`` and ``StoreError``; the file is as it was then.
    """
    for _ in range(_TRIES):
        with store.write() as con:  # nobody else has it open: what spilled to the disk is nobody's
            con.execute("SELECT 1").fetchall()
            _clear(store)
        with (
            guard.writing(store.path, store.timeout),
            guard.private_files(),
            trouble.translated(store.path, "write"),
        ):
            made = _written(store)
        if made is not None:
            return made
    raise StoreError(
        f"the workspace {store.folder} is written to without a pause", "try again when it is not in use"
    )


def _clear(store: Store) -> None:
    fresh = half_done(store)
    for path in (fresh, _log_of(fresh)):
        path.unlink(missing_ok=True)
    for name in (store.path.name, fresh.name):
        shutil.rmtree(store.path.with_name(f"{name}.tmp"), ignore_errors=True)


def _written(store: Store) -> int | None:
    """The bytes of the new file; ``None`` where another process has written to the log of changes beside the file."""
    import duckdb

    fresh, log = half_done(store), _log_of(store.path)
    spill = fresh.with_name(f"{fresh.name}.tmp")
    with closing(duckdb.connect(":memory:", config={**_CONFIG, "temp_directory": str(spill)})) as con:
        # A reader among others: whoever wants to write waits until the new file is in its place.
        _attach(con, store)
        if log.exists():  # it would be taken for the new file's
            return None
        try:
            con.execute(f"ATTACH {literal(str(fresh))} AS new (STORAGE_VERSION 'v1.5.0')")
            con.execute("COPY FROM DATABASE old TO new")
            con.execute("CHECKPOINT new")
            con.execute("DETACH new")
            settle(fresh)
            after = fresh.stat().st_size
            fresh.replace(store.path)
            settle(store.folder)
        finally:
            for path in (fresh, _log_of(fresh)):
                path.unlink(missing_ok=True)
            shutil.rmtree(spill, ignore_errors=True)
    return after


def _attach(con: duckdb.DuckDBPyConnection, store: Store) -> None:
    import duckdb

    wait = guard.Backoff(store.timeout)
    while True:
        try:
            con.execute(f"ATTACH {literal(str(store.path))} AS old (READ_ONLY)")
        except duckdb.IOException as error:
            if not trouble.is_lock(error) or not wait.more():
                raise
        else:
            return


def _log_of(path: Path) -> Path:
    """Where DuckDB writes changes before they are in the file."""
    return path.with_name(f"{path.name}.wal")
