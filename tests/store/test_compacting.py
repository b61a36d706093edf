"""The database written anew: everything in it stays, what was removed is gone, and nobody goes on with the old file."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from localsynth.core.errors import StoreLocked
from localsynth.store import compacting, datasets, reading, runs
from localsynth.store.compacting import compact
from localsynth.store.scratch import scratch, sweep_scratch
from localsynth.store.session import Store
from tests.store.store_kit import SCHEMA, commit, make_run

HERE = Path(__file__).parents[2]


@pytest.fixture
def filled(store: Store) -> Store:
    datasets.declare(store, "Clinic é", SCHEMA)
    runs.create(store, make_run("r1", "Clinic é"))
    for batch in (1, 2, 3):
        commit(store, "r1", batch, 3, first=3 * batch - 2)
    return store


def everything(store: Store) -> dict[str, Any]:
    """Every table and view with its rows in their order."""
    with store.read() as con:
        names = con.execute(
            "SELECT table_schema, table_name, table_type FROM information_schema.tables ORDER BY ALL"
        ).fetchall()
        return {
            f"{schema}.{name} {kind}": con.execute(f'FROM "{schema}"."{name}"').fetchall()
            for schema, name, kind in names
        }


def test_everything_stays_as_it_is(filled: Store) -> None:
    before, columns = everything(filled), reading.sql(filled, "FROM information_schema.columns ORDER BY ALL")
    assert len(before) > 20
    assert compact(filled) == filled.path.stat().st_size
    assert everything(filled) == before
    assert reading.sql(filled, "FROM information_schema.columns ORDER BY ALL").equals(columns)
    assert filled.path.stat().st_mode & 0o777 == 0o600
    version = reading.sql(filled, "SELECT tags['storage_version'] FROM duckdb_databases() WHERE NOT internal")
    assert str(version[0][0]).startswith("v1.5.0")
    commit(filled, "r1", 4, 3, first=10)
    assert [path.name for path in filled.folder.glob("workspace*")] == ["workspace.duckdb"]


def test_what_was_removed_is_gone(filled: Store) -> None:
    with filled.write() as con:
        con.execute("CREATE TABLE real.big AS SELECT 'kanarie ' || range AS text FROM range(20000)")
    with filled.write() as con:
        con.execute("DROP TABLE real.big")
    size = filled.path.stat().st_size
    assert b"kanarie " in filled.path.read_bytes()
    assert compact(filled) < size
    assert b"kanarie " not in filled.path.read_bytes()


def test_who_was_about_to_open_the_old_file_opens_the_new_one(
    filled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process put a new file in its place between the look at the path and the lock."""
    connect, opened = duckdb.connect, []

    def late(path: str, **options: Any) -> Any:
        con = connect(path, **options)
        if not opened:
            fresh = filled.path.with_name("fresh")
            shutil.copyfile(filled.path, fresh)
            fresh.replace(filled.path)
        opened.append(path)
        return con

    monkeypatch.setattr(duckdb, "connect", late)
    with filled.write() as con:
        con.execute("CREATE TABLE real.kept (n INTEGER)")
    assert len(opened) == 2
    assert reading.count(filled, ("real", "kept")) == 0


def test_not_beside_a_writer(filled: Store) -> None:
    script = "import sys, duckdb; con = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.readline()"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(filled.path)],
        cwd=HERE,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        filled.timeout = 0.2
        with pytest.raises(StoreLocked):
            compact(filled)
        process.communicate(b"\n")
    filled.timeout = 5
    assert compact(filled)


def test_what_a_crash_left_is_in_nobodys_way(filled: Store) -> None:
    compacting.half_done(filled).write_bytes(b"half of it")
    (filled.folder / "workspace.duckdb.tmp").mkdir()
    compact(filled)
    assert [path.name for path in filled.folder.glob("workspace*")] == ["workspace.duckdb"]


# --- folders to work in -----------------------------------------------------------------------------------------------


def test_folders_of_who_was_killed_are_removed_and_no_others(store: Store) -> None:
    (store.folder / "tmp-import-a_dead_1").mkdir()
    (store.folder / "tmp-import-mine").mkdir()
    with scratch(store.folder, "fill") as mine:
        assert sweep_scratch(store.folder) == [store.folder / "tmp-import-a_dead_1"]
        assert mine.is_dir()
        assert mine.stat().st_mode & 0o777 == 0o700
    assert not mine.exists()
    (store.folder / "tmp-fill-again_12").mkdir()
    Store.open(store.folder)
    assert sorted(path.name for path in store.folder.iterdir() if path.name.startswith("tmp")) == [
        "tmp-import-mine"
    ]
