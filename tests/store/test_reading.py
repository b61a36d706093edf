"""People's own SQL: everything that reads, nothing that writes, and it stops when told."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from localsynth.core.errors import Cancelled, ExitCode, SqlError
from localsynth.store import datasets, reading
from localsynth.store.session import Store

LONG = "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE hash(a.range, b.range) = 3"


@pytest.fixture
def iris(store: Store) -> Store:
    datasets.import_sample(store, "iris")
    return store


@pytest.mark.parametrize(
    "query",
    [
        "INSERT INTO real.iris SELECT * FROM real.iris",
        "UPDATE real.iris SET species = 'x'",
        "DELETE FROM real.iris",
        "CREATE TABLE t (i INTEGER)",
        "CREATE TEMP TABLE t AS SELECT 1",
        "DROP TABLE real.iris",
        "ALTER TABLE real.iris RENAME TO x",
        "TRUNCATE real.iris",
        "ATTACH 'x.duckdb' AS x",
        "ATTACH ':memory:' AS x",
        "COPY real.iris TO '/tmp/never.csv'",
        "EXPORT DATABASE '/tmp/never'",
        "IMPORT DATABASE '/tmp/never'",
        "PRAGMA threads = 1",
        "SET threads = 1",
        "RESET threads",
        "INSTALL spatial",
        "LOAD spatial",
        "CALL pragma_version()",
        "CHECKPOINT",
        "VACUUM",
        "COMMIT",
        "ROLLBACK",
        "USE memory",
        "PREPARE p AS SELECT 1",
        "EXPLAIN ANALYZE DELETE FROM real.iris",
        "FROM read_csv('/etc/passwd')",
        "FROM read_text('/etc/passwd')",
        "FROM '/etc/passwd'",
        "FROM glob('/etc/*')",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP TABLE real.iris",
        "",
        "-- nothing",
        "SELECT nextval('x')",
        "FROM store",
    ],
)
def test_refused(iris: Store, query: str) -> None:
    before = iris.path.read_bytes()
    for limit in (None, 5):
        with pytest.raises(SqlError) as caught:
            reading.sql(iris, query, limit=limit)
        assert caught.value.message
    assert iris.path.read_bytes() == before
    assert reading.count(iris, "iris_real") == 150


def test_hints_and_carets(iris: Store) -> None:
    with pytest.raises(SqlError) as caught:
        reading.sql(iris, "SELECT * FORM iris_real")
    assert "LINE 1: SELECT * FORM iris_real" in caught.value.message
    assert "^" in caught.value.message
    with pytest.raises(SqlError, match="INSERT") as caught:
        reading.sql(iris, "INSERT INTO real.iris VALUES (1)")
    assert "only read" in caught.value.hint
    with pytest.raises(SqlError) as caught:
        reading.sql(iris, "FROM read_csv('/etc/passwd')")
    assert "outside the workspace" in caught.value.hint
    with pytest.raises(SqlError) as caught:
        reading.sql(iris, "FROM irs_real")
    assert "SHOW ALL TABLES" in caught.value.hint


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM iris_real WHERE species = 'setosa' -- a comment",
        "FROM iris_real;",
        "WITH a AS (SELECT 1 AS x) SELECT * FROM a",
        "DESCRIBE iris_real",
        "SUMMARIZE iris_real",
        "SHOW ALL TABLES",
        "EXPLAIN SELECT 1",
        "PIVOT (FROM iris_real) ON species USING avg(sepal_length) GROUP BY petal_width",
        "VALUES (1), (2)",
        "SELECT 'ü; x' AS ü",
        "SELECT species, median(petal_length) FROM iris_real GROUP BY ALL",
    ],
)
def test_allowed(iris: Store, query: str) -> None:
    whole = reading.sql(iris, query)
    assert whole.num_rows > 0
    assert reading.sql(iris, query, limit=1).column_names == whole.column_names


def test_double_names_limits_and_offsets(iris: Store) -> None:
    for limit in (None, 2):
        table = reading.sql(iris, 'SELECT 1 AS a, 2 AS a, 3 AS "A" FROM range(5)', limit=limit, offset=1)
        assert table.column_names == ["a", "a", "A"]
        assert table.num_rows == (4 if limit is None else 2)
        assert table.column(1).to_pylist() == [2] * table.num_rows
    ordered = reading.sql(iris, "SELECT range AS n FROM range(100) ORDER BY n DESC", limit=3, offset=10)
    assert ordered["n"].to_pylist() == [89, 88, 87]


def test_values_that_arrow_does_not_have_come_as_text(iris: Store) -> None:
    table = reading.sql(
        iris,
        "SELECT 2 AS n, 340282366920938463463374607431768211455::UHUGEINT AS n, '101'::BIT AS \"a b\","
        " TIMETZ '10:00:00+15' AS t, 123456789012345678901234567890::BIGNUM AS v FROM range(3)",
        limit=1,
        offset=1,
    )
    assert table.column_names == ["n", "n", "a b", "t", "v"]
    assert [column.to_pylist() for column in table.columns] == [
        [2],
        ["340282366920938463463374607431768211455"],
        ["101"],
        ["10:00:00+15"],
        ["123456789012345678901234567890"],
    ]


def test_pages(iris: Store) -> None:
    assert reading.count(iris, ("meta", "splits")) == 150
    first = reading.page(iris, ("real", "iris"), 0, 10)
    assert first["row_id"].to_pylist() == list(range(1, 11))
    last = reading.page(iris, "iris_real", 145, 10, [("species", True), ("petal_width", False)])
    assert last.num_rows == 5
    assert set(last["species"].to_pylist()) == {"setosa"}
    assert reading.page(iris, "iris_real", 0, 500, where="species = 'setosa' -- why").num_rows == 50
    for where in (
        "1) OR (1 = 1",
        "1; DROP TABLE real.iris",
        "no_such = 1",
        "1 = 1) UNION SELECT * FROM meta.runs --",
    ):
        with pytest.raises(SqlError):
            reading.page(iris, "iris_real", 0, 1, where=where)
    with pytest.raises(SqlError):
        reading.count(iris, "no_such")


def test_stop(iris: Store) -> None:
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    with pytest.raises(Cancelled) as caught:
        reading.sql(iris, LONG, stop=stop)
    assert caught.value.code is ExitCode.INTERRUPTED
    assert reading.count(iris, "iris_real") == 150


def test_ctrl_c(iris: Store) -> None:
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(Cancelled):
        reading.sql(iris, LONG)
    with iris.write() as con:
        con.execute("SELECT 1")


def test_in_a_thread(iris: Store) -> None:
    results: list[int] = []
    threads = [
        threading.Thread(target=lambda: results.append(reading.count(iris, "iris_real"))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [150] * 4
