"""The workspace's own tables: created, brought up to date, and refused where they are newer than this program."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING

import localsynth
from localsynth.core.errors import StoreError, StoreVersionError

from . import clock, guard, trouble
from .settling import copy_whole

if TYPE_CHECKING:
    import duckdb

    from .session import Store

__all__ = ["Migration", "bring_up", "known"]


class Migration:
    """One step: a number and the SQL that takes a workspace from the number before to this one."""

    def __init__(self, version: int, name: str, sql: str) -> None:
        self.version = version
        self.name = name
        self.sql = sql


def known() -> list[Migration]:
    """All steps this program has, in order."""
    steps = []
    for entry in files("localsynth.store").joinpath("migrations").iterdir():
        found = re.fullmatch(r"(\d{4})_(\w+)\.sql", entry.name)
        if found:
            steps.append(Migration(int(found[1]), found[2], entry.read_text(encoding="utf-8")))
    return sorted(steps, key=lambda step: step.version)


def bring_up(store: Store) -> None:
    """Create the tables, or bring older ones up to date after a copy ``workspace.duckdb.bak-<version>``.

    Raises ``StoreVersionError`` for a workspace of a newer localsynth, which is left alone.
    """
    steps = known()
    newest = steps[-1].version
    if store.path.exists():
        with store.read() as con:
            version = _version(con, store)
        if version == newest:
            return
        _refuse_newer(store, version, newest)
        if version > 0:
            _copy(store, version)
    with store.write() as con:
        version = _version(con, store) if _tables(con) else 0
        _refuse_newer(store, version, newest)
        for step in steps:
            if step.version > version:
                con.execute(step.sql)
                con.execute(
                    "INSERT INTO meta.migrations VALUES (?, ?, ?, ?)",
                    [step.version, step.name, localsynth.__version__, clock.now()],
                )


def _tables(con: duckdb.DuckDBPyConnection) -> int:
    return int(con.execute("SELECT count(*) FROM duckdb_tables() WHERE NOT internal").fetchall()[0][0])


def _version(con: duckdb.DuckDBPyConnection, store: Store) -> int:
    there = con.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'meta' AND table_name = 'migrations'"
    ).fetchall()[0][0]
    if there:
        version: int = con.execute("SELECT coalesce(max(version), 0) FROM meta.migrations").fetchall()[0][0]
        return version
    if _tables(con):
        raise StoreError(
            f"{store.path} is a DuckDB database, but no workspace of localsynth",
            "choose another folder; the file was left alone",
        )
    return 0


def _refuse_newer(store: Store, version: int, newest: int) -> None:
    if version > newest:
        raise StoreVersionError(
            f"the workspace {store.folder} was written by a newer localsynth"
            f" (its version is {version}, this program knows up to {newest})",
            "upgrade localsynth",
        )


def _copy(store: Store, version: int) -> None:
    """Keep the file as it was. Made while no connection is open here: closing a copy would drop DuckDB's file lock."""
    with store.write() as con:
        con.execute("SELECT 1").fetchall()  # opening and closing folds the write-ahead log into the file
    target = store.path.with_name(f"{store.path.name}.bak-{version}")
    try:
        with guard.writing(store.path, store.timeout), guard.private_files():
            copy_whole(store.path, target)
    except OSError as error:
        raise trouble.from_os(error, target, "write") from error
