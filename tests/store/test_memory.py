"""A store with little memory: what DuckDB may hold, rows in their order whatever it holds, work broken off."""

from __future__ import annotations

import threading
from pathlib import Path

import duckdb
import numpy as np
import pytest

from localsynth.core.errors import StoreError
from localsynth.core.seeds import derive
from localsynth.store import datasets
from localsynth.store.files import staging
from localsynth.store.session import Store

MB = 10**6


def setting(con: duckdb.DuckDBPyConnection, name: str) -> str:
    return str(con.execute("SELECT current_setting(?)", [name]).fetchall()[0][0])


@pytest.fixture
def plain(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "ws")


def test_each_connection_gets_a_share(plain: Store) -> None:
    store = plain.limited(1250 * MB)
    with store.write() as con:
        assert setting(con, "memory_limit") == "238.4 MiB"  # 250 MB
    with store.read() as con:
        assert setting(con, "memory_limit") == "238.4 MiB"
        assert setting(con, "lock_configuration") in {"True", "true"}
    with staging(store) as con:
        assert setting(con, "memory_limit") == "429.1 MiB"
    with plain.limited(1 * MB).write() as con:  # whoever asks for too little is refused elsewhere
        assert setting(con, "memory_limit") == "30.5 MiB"
        assert setting(con, "threads") == "1"
    with plain.read() as con:
        assert setting(con, "memory_limit") not in {"238.4 MiB", "30.5 MiB"}


@pytest.mark.parametrize("memory", [None, 300 * MB])
def test_rows_stay_in_the_order_of_the_file(plain: Store, tmp_path: Path, memory: int | None) -> None:
    rows, path = 400_000, tmp_path / "long.csv"  # more than three of DuckDB's row groups
    path.write_text("amount,word\n" + "".join(f"{2 * i},w{i * 7919 % 1000}\n" for i in range(rows)))
    store = plain.limited(memory)
    assert datasets.import_file(store, path, seed=3).rows == rows
    with store.read() as con:
        in_place = con.execute(
            "SELECT bool_and(2 * row_id = amount + 2), bool_and(row_id = rowid + 1) FROM real.long"
        ).fetchall()
        held = con.execute("SELECT row_id FROM meta.splits WHERE part = 'holdout' ORDER BY 1").fetchnumpy()
        in_order = con.execute("SELECT bool_and(row_id = rowid + 1) FROM meta.splits").fetchall()
    assert in_place == [(True, True)]
    assert in_order == [(True,)]
    drawn = np.random.default_rng(derive(3, "split")).permutation(rows)[: rows // 3] + 1
    assert np.array_equal(held["row_id"], np.sort(drawn))


def test_work_that_is_interrupted_ends_and_nothing_of_it_is_kept(plain: Store) -> None:
    store = plain.limited(None)
    endless = "CREATE TABLE real.x AS SELECT sum(a.range * b.range) FROM range(1000000) a, range(1000000) b"
    timer = threading.Timer(0.2, store.interrupt)
    timer.start()
    with pytest.raises(StoreError), store.write() as con:
        con.execute(endless)
    timer.join()
    with pytest.raises(StoreError, match="interrupted"), store.write() as con:
        con.execute("CREATE TABLE real.y (i INTEGER)")
    with plain.read() as con:  # others go on
        assert con.execute(
            "SELECT count(*) FROM duckdb_tables() WHERE table_name IN ('x', 'y')"
        ).fetchall() == [(0,)]
