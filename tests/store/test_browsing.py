"""Pages of rows: the right ones in the right order, of tables that change, and nobody kept out for long."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsynth.core.errors import Cancelled, NotFound, SqlError
from localsynth.core.run import Status
from localsynth.core.schema import Schema
from localsynth.store import browsing, datasets, guard, runs
from localsynth.store.browsing import MADE_KEY, REAL_KEY, Browse, RowsChanged, Subject, open_view
from localsynth.store.lingering import Lingering
from localsynth.store.session import Store
from localsynth.store.waiting import Waiting
from tests.store.store_kit import SCHEMA, commit, make_rows, make_run

AWKWARD = Schema.from_toml(
    """
[[columns]]
name = "rowid"
kind = "integer"
range = [0, 100]

[[columns]]
name = "at"
kind = "datetime"
range = ["2020-01-01T00:00", "2030-01-01T00:00"]

[[columns]]
name = 'a "b"; --'
kind = "float"
range = [-10.0, 10.0]
decimals = 1
null_rate = 0.2

[[columns]]
name = "two words"
kind = "text"
null_rate = 0.1

[[columns]]
name = "🙂"
kind = "boolean"

[[columns]]
name = "day"
kind = "date"
range = ["2000-01-01", "2020-12-31"]
"""
)
ROWS = 2_600
LONG = "(SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE hash(a.range, b.range) = 3) = 0"


def awkward(rows: int = ROWS) -> pa.Table:
    return pa.table(
        {
            "rowid": [n * 37 % 101 for n in range(rows)],
            "at": [datetime(2020, 1, 1 + n % 28, n % 24, n % 60) for n in range(rows)],
            'a "b"; --': [None if n % 5 == 0 else (n * 13 % 200) / 10 - 10 for n in range(rows)],
            "two words": [None if n % 11 == 0 else f"it's [bold] {n * 7 % 400}" for n in range(rows)],
            "🙂": [n % 3 == 0 for n in range(rows)],
            "day": [date(2000 + n % 21, 1 + n % 12, 1) for n in range(rows)],
        }
    )


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lingering]:
    """A workspace with awkward column names; only read."""
    store = Store.create(tmp_path_factory.mktemp("browsing") / "ws", timeout=5)
    datasets.import_table(store, awkward(), "odd", schema=AWKWARD)
    lingering = Lingering(store)
    yield lingering
    lingering.release()


@pytest.fixture
def lingering(store: Store) -> Iterator[Lingering]:
    made = Lingering(store)
    yield made
    made.release()


def keys(view: Browse, step: int = 1_000) -> list[Any]:
    found: list[Any] = []
    for at in range(0, view.total + step, step):
        found += view.rows(at, step).column(view.key[-1]).to_pylist()
    return found


def wait(for_what: Callable[[], bool], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not for_what():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


# --- which rows, in which order ---------------------------------------------------------------------------------------


def test_a_whole_table(table: Lingering) -> None:
    view = open_view(table, Subject("real", "odd"))
    assert (view.total, view.everything, view.columns) == (ROWS, ROWS, tuple(AWKWARD.names))
    page = view.rows(1_000, 100)
    assert page.column_names == [*REAL_KEY, *AWKWARD.names]
    assert page.drop_columns(["row_id"]).to_pylist() == awkward().slice(1_000, 100).to_pylist()
    assert page.column("row_id").to_pylist() == list(range(1_001, 1_101))
    assert page.drop_columns(["row_id"]).schema == view.types
    assert keys(view) == list(range(1, ROWS + 1))


@pytest.mark.parametrize(
    ("offset", "limit", "rows"), [(ROWS, 5, 0), (ROWS - 3, 9, 3), (-4, 2, 2), (0, 0, 0), (5, -1, 0)]
)
def test_pages_at_the_ends(table: Lingering, offset: int, limit: int, rows: int) -> None:
    for view in (
        open_view(table, Subject("real", "odd")),
        open_view(table, Subject("real", "odd"), order=[("rowid", True)]),
    ):
        page = view.rows(offset, limit)
        assert page.num_rows == rows
        assert page.schema.names == [*REAL_KEY, *AWKWARD.names]


def test_only_some_columns(table: Lingering) -> None:
    view = open_view(table, Subject("real", "odd"), order=[("day", True)])
    page = view.rows(10, 5, columns=["🙂", "at"])
    assert page.column_names == ["row_id", "🙂", "at"]
    assert page.to_pylist() == view.rows(10, 5).select(page.column_names).to_pylist()
    with pytest.raises(NotFound, match="no column 'rowd'"):
        view.rows(0, 5, columns=["rowd"])


def _python_order(rows: list[dict[str, Any]], order: list[tuple[str, bool]]) -> list[int]:
    for name, down in reversed(order):
        there = [row for row in rows if row[name] is not None]
        there.sort(
            key=lambda row: row[name], reverse=down
        )  # equal ones keep their order, turned round or not
        rows = there + [row for row in rows if row[name] is None]
    return [row["row_id"] for row in rows]


NUMBERED = [{"row_id": n, **row} for n, row in enumerate(awkward().to_pylist(), 1)]


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.sampled_from(AWKWARD.names), st.booleans()), max_size=3, unique_by=lambda o: o[0]),
    st.sampled_from(
        [
            (None, lambda r: True),
            ("rowid > 60", lambda r: r["rowid"] > 60),
            ('"a ""b""; --" IS NULL OR "🙂"', lambda r: r['a "b"; --'] is None or r["🙂"]),
            ("\"two words\" LIKE '%[bold] 3%' -- so", lambda r: "[bold] 3" in (r["two words"] or "")),
            ("false", lambda r: False),
        ]
    ),
    st.integers(0, ROWS),
    st.integers(0, 300),
)
def test_as_python_would_order_and_filter(
    table: Lingering,
    order: list[tuple[str, bool]],
    filtered: tuple[str | None, Callable[[dict[str, Any]], bool]],
    offset: int,
    limit: int,
) -> None:
    where, keeps = filtered
    expected = _python_order([row for row in NUMBERED if keeps(row)], order)
    view = open_view(table, Subject("real", "odd"), where=where, order=order)
    page = view.rows(offset, limit)
    assert (view.total, view.everything) == (len(expected), ROWS)
    assert page.column("row_id").to_pylist() == expected[offset : offset + limit]
    assert page.to_pylist() == [NUMBERED[number - 1] for number in expected[offset : offset + limit]]


def test_parts(table: Lingering) -> None:
    train = keys(open_view(table, Subject("real", "odd", "train")))
    held = keys(open_view(table, Subject("real", "odd", "holdout"), order=[("rowid", False)]))
    assert (len(train), len(held)) == (ROWS - ROWS // 3, ROWS // 3)
    assert sorted(train + held) == list(range(1, ROWS + 1))
    assert train == sorted(train)


@pytest.mark.parametrize(
    "where",
    ["rowid > 1; DROP TABLE real.odd", "true) OR (true", "rowid >", "nothing = 1", "1, 2", "rowid = ?", "'x'",
     "true GROUP BY 1", "(SELECT count(*) FROM read_csv('/etc/passwd')) > 0"],
)  # fmt: skip
def test_conditions_that_are_refused(table: Lingering, where: str) -> None:
    with pytest.raises(SqlError) as caught:
        open_view(table, Subject("real", "odd"), where=where)
    assert caught.value.message
    assert not table.is_open or keys(open_view(table, Subject("real", "odd"))) == list(range(1, ROWS + 1))


def test_names_that_are_unknown(table: Lingering) -> None:
    with pytest.raises(NotFound, match="did you mean 'rowid'"):
        open_view(table, Subject("real", "odd"), order=[("rowidd", False)])
    with pytest.raises(NotFound):
        open_view(table, Subject("real", "even"))
    with pytest.raises(NotFound):
        open_view(table, Subject("synth", "nobody"))


def test_stopped(table: Lingering) -> None:
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    with pytest.raises(Cancelled):
        open_view(table, Subject("real", "odd"), where=LONG, stop=stop)
    assert not table.is_open
    view = open_view(table, Subject("real", "odd"))
    with pytest.raises(Cancelled):
        view.rows(0, 10, stop=stop)
    assert view.rows(0, 10).num_rows == 10


def test_from_several_threads(table: Lingering) -> None:
    views = [open_view(table, Subject("real", "odd"), order=[("rowid", down)]) for down in (False, True)]
    expected = [keys(view) for view in views]
    wrong: list[object] = []

    def read(number: int) -> None:
        for at in range(number, ROWS, 500):
            view = number % 2
            if views[view].rows(at, 40).column("row_id").to_pylist() != expected[view][at : at + 40]:
                wrong.append((number, at))

    threads = [threading.Thread(target=read, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# --- rows that change -------------------------------------------------------------------------------------------------


def _runs(store: Store) -> None:
    datasets.import_table(store, make_rows(30), "clinic", schema=SCHEMA)
    for run in ("r1", "r2"):
        runs.create(store, make_run(run))
    commit(store, "r1", 1, 4)
    commit(store, "r2", 1, 7, first=50)
    commit(store, "r1", 2, 5, first=5)


def test_a_run_among_others(store: Store, lingering: Lingering) -> None:
    _runs(store)
    view = open_view(lingering, Subject("synth", "r1"))
    page = view.rows(0, 100)
    assert page.column_names == [*MADE_KEY, *SCHEMA.names]
    assert page.select(["batch_no", "row_no"]).to_pylist() == [
        {"batch_no": 1 if n <= 4 else 2, "row_no": n} for n in range(1, 10)
    ]
    assert page.select(SCHEMA.names).to_pylist() == runs.run_rows(store, "r1").to_pylist()
    upward = open_view(lingering, Subject("synth", "r1"), where="age > 3", order=[("age", True)])
    assert upward.rows(0, 100).column("age").to_pylist() == [9, 8, 7, 6, 5, 4]
    assert (upward.total, upward.everything) == (6, 9)
    assert upward.distribution("age").rows == 6


def test_a_run_that_grows(store: Store, lingering: Lingering) -> None:
    _runs(store)
    whole = open_view(lingering, Subject("synth", "r1"))
    sorted_view = open_view(lingering, Subject("synth", "r1"), order=[("age", True)])
    assert whole.refreshed() is whole
    lingering.release()
    commit(store, "r1", 3, 2, first=10)
    runs.end(store, "r1", Status.FINISHED, "")
    # What it shows stays until it is asked for more, and is all it counts.
    assert keys(whole) == list(range(1, 10))
    assert sorted_view.rows(0, 1).column("age").to_pylist() == [9]
    assert whole.distribution("age").rows == 9
    assert keys(whole.refreshed()) == list(range(1, 12))
    assert sorted_view.refreshed().rows(0, 1).column("age").to_pylist() == [11]
    assert sorted_view.refreshed().order == (("age", True),)


def test_a_run_whose_table_steps_aside(store: Store, lingering: Lingering) -> None:
    _runs(store)
    view = open_view(lingering, Subject("synth", "r1"), order=[("age", True)])
    before = view.rows(0, 5)
    lingering.release()
    other = Schema.from_toml('[[columns]]\nname = "age"\nkind = "integer"\nrange = [0, 110]\n')
    runs.create(store, make_run("r3", schema=other))
    assert view.rows(0, 5) == before


def test_rows_that_are_gone(store: Store, lingering: Lingering) -> None:
    _runs(store)
    made = open_view(lingering, Subject("synth", "r1"))
    real = open_view(lingering, Subject("real", "clinic"), order=[("age", False)])
    lingering.release()
    runs.delete(store, "r1")
    datasets.import_table(store, make_rows(40), "clinic", schema=SCHEMA, replace=True)
    for view in (made, real):
        with pytest.raises(RowsChanged):
            view.rows(0, 5)
        with pytest.raises(RowsChanged):
            view.distribution("age")
        assert not lingering.is_open
    assert real.refreshed().total == 40
    with pytest.raises(NotFound):
        made.refreshed()


def test_a_description_changes_no_rows(store: Store, lingering: Lingering) -> None:
    _runs(store)
    view = open_view(lingering, Subject("real", "clinic"))
    lingering.release()
    described = SCHEMA.model_copy(
        update={"columns": tuple(c.model_copy(update={"description": "x"}) for c in SCHEMA.columns)}
    )
    datasets.set_schema(store, "clinic", described)
    assert view.rows(0, 5).num_rows == 5


def test_a_dataset_without_rows(store: Store, lingering: Lingering) -> None:
    datasets.declare(store, "plan", SCHEMA)
    view = open_view(lingering, Subject("real", "plan"), where="age > 3")
    assert (view.total, view.rows(0, 10).num_rows, view.distribution("age").counts) == (0, 0, ())


# --- nobody is kept out -----------------------------------------------------------------------------------------------


def test_it_closes_by_itself(store: Store) -> None:
    _runs(store)
    lingering = Lingering(store, idle=0.05)
    view = open_view(lingering, Subject("real", "clinic"))
    for _ in range(5):
        view.rows(0, 5)
    wait(lambda: not lingering.is_open)
    with store.write(timeout=1):
        pass
    assert view.rows(0, 5).num_rows == 5


def test_a_writer_gets_in_between_pages(store: Store) -> None:
    _runs(store)
    lingering = Lingering(store, idle=60, longest=0.05)
    view = open_view(lingering, Subject("real", "clinic"))
    end, pages = threading.Event(), 0

    def scroll() -> None:
        nonlocal pages
        while not end.is_set():
            pages += view.rows(0, 5).num_rows

    thread = threading.Thread(target=scroll)
    thread.start()
    try:
        wait(lambda: pages > 10)
        with store.write(timeout=4):
            pass
    finally:
        end.set()
        thread.join()
        lingering.release()
    with store.write(timeout=1):
        pass


def test_who_says_that_they_wait_are_let_in_after_the_page(store: Store) -> None:
    _runs(store)
    lingering = Lingering(store, idle=60, longest=60)
    view = open_view(lingering, Subject("real", "clinic"))
    view.rows(0, 5)
    assert lingering.is_open
    other = Waiting(store.folder)
    other.announce()
    view.rows(0, 5)
    assert not lingering.is_open
    other.over()
    view.rows(0, 5)
    assert lingering.is_open

    def write() -> None:
        with store.write(timeout=10):
            pass

    written = threading.Thread(target=write)
    written.start()
    wait(lambda: guard.wanted(store.path))
    view.rows(0, 5)
    written.join()
    assert not lingering.is_open


def test_it_stays_closed_long_enough_for_who_asks_now_and_then(store: Store) -> None:
    _runs(store)
    lingering = Lingering(store, longest=0)
    view = open_view(lingering, Subject("real", "clinic"))
    assert not lingering.is_open
    closed = time.monotonic()
    view.rows(0, 5)
    assert time.monotonic() - closed > 0.2  # the longest pause of guard.Backoff


def test_memory_is_given_back_to_other_readers(table: Lingering) -> None:
    def setting(con: Any, _: int = 0) -> tuple[str, bool]:
        query = "SELECT current_setting('memory_limit'), current_setting('lock_configuration')"
        memory, locked = con.execute(query).fetchall()[0]
        return str(memory), bool(locked)

    table.release()
    small, locked = table.work(setting)
    assert small.endswith("MiB")
    assert not locked
    with table._store.read() as con:
        large, locked = setting(con)
        assert locked
        assert not large.endswith("MiB")
        assert table.work(setting) == (large, True)
    table.release()


def test_rows_too_large_for_its_memory(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("localsynth.store.lingering._MEMORY", "1MB")
    monkeypatch.setattr(browsing, "_AT_ONCE", 10)
    wide = pa.table({f"c{n}": [f"{n} {row}" for row in range(3_000)] for n in range(60)})
    datasets.import_table(store, wide, "wide")
    lingering = Lingering(store)
    view = open_view(lingering, Subject("real", "wide"), order=[("c1", True)])
    view.rows(0, 500)
    assert not lingering.is_open  # it did not fit
    assert keys(view, 500) == sorted(range(1, 3_001), key=lambda n: f"1 {n - 1}", reverse=True)
    lingering.release()


def test_nothing_is_said_at_the_end(table: Lingering) -> None:
    script = (
        "import sys; from pathlib import Path; from localsynth.store.browsing import Subject, open_view;"
        "from localsynth.store.session import Store;"
        "from localsynth.store.lingering import Lingering; lingering = Lingering(Store(Path(sys.argv[1])), idle=60);"
        "open_view(lingering, Subject('real', 'odd')).rows(0, 5); assert lingering.is_open"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(table._store.folder)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
