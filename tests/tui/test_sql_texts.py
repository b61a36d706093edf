"""Parts of the SQL place that need no screen: statements, choices, carets, history, values, drawings."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localsynth.core.celltext import line_writer, text_of
from localsynth.core.errors import DatasetError
from localsynth.tui.plain import wide
from localsynth.tui.sql.buffers import Buffers
from localsynth.tui.sql.catalogue import Catalogue, Relation
from localsynth.tui.sql.completion import complete, quoted
from localsynth.tui.sql.copying import copied
from localsynth.tui.sql.drawing import Axis, Drawing, bars, drawing
from localsynth.tui.sql.examples import examples
from localsynth.tui.sql.history import Entry, History, outcome
from localsynth.tui.sql.problem import aligned
from localsynth.tui.sql.saved import read_query, save_query, saved_queries
from localsynth.tui.sql.statements import Kind, name_of, statement_at, statements, tokens
from localsynth.tui.sql.table import Cells
from localsynth.tui.sql.values import short, sign, whole

CATALOGUE = Catalogue(
    (
        Relation("main", "clinic_real", (("age", "BIGINT"), ("home town", "VARCHAR"), ("Order", "VARCHAR"))),
        Relation("main", "clinic_synth", (("age", "BIGINT"), ("home town", "VARCHAR"))),
        Relation("meta", "runs", (("run_id", "VARCHAR"), ("rows_done", "BIGINT"))),
        Relation("real", "clinic", (("row_id", "BIGINT"), ("age", "BIGINT"))),
    ),
    ("avg", "count", "coalesce"),
    {"clinic": ("home town",)},
)
SQL = st.text(alphabet="ab '\";-/*$\n\tE\\1.,(表", max_size=60)


# --- statements ----------------------------------------------------------------------------------------------------------


@given(SQL)
def test_tokens_are_all_of_the_text(text: str) -> None:
    found = list(tokens(text))
    assert "".join(text[one.start : one.end] for one in found) == text
    assert all(one.start < one.end for one in found)


@given(SQL, st.integers(0, 60))
def test_a_statement_has_no_blanks_round_it_and_no_semicolon_behind(text: str, offset: int) -> None:
    found = statements(text)
    for one in found:
        part = text[one.start : one.end]
        assert part == part.lstrip() != ""
        assert not part.startswith(";")
    assert all(one.end < other.start for one, other in pairwise(found))
    under = statement_at(text, min(offset, len(text)))
    assert (under in found) if found else (under is None)


@given(
    st.lists(
        st.sampled_from(
            ["SELECT ';'", 'FROM "a;b"', "SELECT 1 -- ;\n+ 1", "/* ; /* ; */ */ SELECT 2", "$x$;$x$"]
        )
    )
)
def test_semicolons_in_texts_names_and_comments_end_nothing(parts: list[str]) -> None:
    assert len(statements(";\n".join(parts))) == len(parts)


@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        (0, "SELECT 1"),
        (8, "SELECT 1"),
        (9, "SELECT 1"),
        (10, "FROM t"),
        (17, "FROM t"),
        (19, "FROM t"),
        (22, "FROM t"),
    ],
)
def test_the_statement_at_the_cursor_is_the_one_it_is_in_or_behind(offset: int, expected: str) -> None:
    text = "SELECT 1;\n\nFROM t;\n;  "
    found = statement_at(text, offset)
    assert found is not None
    assert text[found.start : found.end] == expected


@given(st.text(min_size=1))
def test_a_quoted_name_is_read_as_the_same_name(name: str) -> None:
    text = quoted(name)
    (token,) = tokens(text)
    assert token.kind in {Kind.WORD, Kind.QUOTED}
    assert name_of(text, token) == name


# --- completion ----------------------------------------------------------------------------------------------------------


def _names(text: str) -> list[str]:
    """The choices at the sign ``|``."""
    found = complete(text.replace("|", ""), text.index("|"), CATALOGUE)
    return [] if found is None else [one.name for one in found.choices]


def test_after_from_come_tables_and_views() -> None:
    assert _names("SELECT * FROM |")[:2] == ["clinic_real", "clinic_synth"]
    assert _names("SELECT * FROM clinic_s|") == ["clinic_synth"]
    assert _names("FROM syn|") == ["clinic_synth"]
    assert "meta.runs" in _names("SELECT 1 FROM a JOIN |")


def test_columns_are_those_of_the_tables_the_query_names() -> None:
    assert _names("SELECT ro| FROM meta.runs")[0] == "rows_done"
    assert _names("SELECT ho| FROM clinic_real")[0] == "home town"
    assert _names("FROM meta.runs SELECT a|")[0] != "age"


def test_after_a_dot_come_the_columns_of_the_alias_or_the_tables_of_the_schema() -> None:
    assert _names("SELECT c.| FROM clinic_real c JOIN meta.runs r") == ["age", "home town", "Order"]
    assert _names("SELECT c.a| FROM clinic_real AS c") == ["age"]
    assert _names("FROM meta.|") == ["runs"]
    assert _names("FROM real.clinic WHERE real.clinic.|") == ["row_id", "age"]
    assert _names("SELECT nobody.|") == []


@pytest.mark.parametrize(
    "text", ["SELECT 'ag|'", "SELECT 'ag|", "-- ag|", "/* ag| */", "SELECT 12|", "SELECT $$ag|$$"]
)
def test_nothing_is_offered_inside_texts_comments_and_numbers(text: str) -> None:
    assert _names(text) == []


def test_names_that_need_quotes_get_them_and_quotes_that_are_there_go() -> None:
    found = complete('SELECT "ho', 10, CATALOGUE)
    assert found is not None
    assert (found.start, found.end) == (7, 10)
    assert found.choices[0].text == '"home town"'
    found = complete("SELECT ord FROM clinic_real", 10, CATALOGUE)
    assert found is not None
    assert found.choices[0].text == '"Order"'


def test_keywords_are_written_as_the_person_writes() -> None:
    assert "ORDER BY" in _names("SELECT 1 FROM x ORD|")
    assert "order by" in _names("select 1 from x ord|")


def test_names_given_by_with_are_offered_as_tables() -> None:
    assert _names("WITH mine AS (SELECT 1) SELECT * FROM mi|") == ["mine"]


@given(SQL, st.integers(0, 60))
def test_any_text_can_be_completed(text: str, offset: int) -> None:
    offset = min(offset, len(text))
    found = complete(text, offset, CATALOGUE)
    if found is not None:
        assert 0 <= found.start <= offset <= max(found.end, offset) <= len(text)
        assert found.choices


# --- carets --------------------------------------------------------------------------------------------------------------

HEAD = "Parser Error: syntax error\n\n"


def _cells(char: str) -> int:
    """Cells in DuckDB's count, where controls, marks and tabs take none."""
    return 0 if char in "\t\x1b\x07\u202e\u0301" else wide(char)


@given(st.text(alphabet="ab \t\x1b\x07\u202e表", max_size=20), st.text(alphabet="xy", min_size=1, max_size=5))
def test_the_caret_stands_under_what_duckdb_means(before: str, meant: str) -> None:
    line = f"LINE 1: {before}|{meant} after"  # the sign is an anchor: what takes no cell goes with what is before it
    caret = " " * sum(map(_cells, line[: line.index("|") + 1])) + "^" * len(meant)
    shown = aligned(f"{HEAD}{line}\n{caret}").split("\n")
    text, moved = shown[-2], shown[-1]
    start = len(moved) - len(moved.lstrip())
    assert wide(text[: text.index("|") + 1]) == start
    assert moved.strip() == "^" * len(meant)
    assert not set("\t\x1b\x07\u202e") & set("".join(shown))


def test_other_lines_stay_and_markup_is_nothing_special() -> None:
    assert aligned('Error: [bold]"x"[/]\n  ^^ is no caret') == 'Error: [bold]"x"[/]\n  ^^ is no caret'


# --- history and buffers -----------------------------------------------------------------------------------------------------


@given(st.lists(st.text(min_size=1), max_size=8, unique=True))
def test_history_gives_back_what_was_run_the_latest_first(
    tmp_path_factory: pytest.TempPathFactory, queries: list[str]
) -> None:
    history = History(tmp_path_factory.mktemp("w") / "ui" / "history.jsonl")
    for query in queries:
        history.add(Entry("2026-01-01 10:00:00+00:00", query, 0.5, 3))
    assert [one.sql for one in history.entries()] == queries[::-1]


def test_history_is_private_and_keeps_the_last_thousand(tmp_path: Path) -> None:
    path = tmp_path / "ui" / "history.jsonl"
    history = History(path)
    history.add(Entry("now", "SELECT 0"))
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    old = "".join(json.dumps({"at": "x", "sql": f"SELECT {at}"}) + "\n" for at in range(1300))
    path.write_text(old + '{"sql": 5}\n{"cut\n[]\n{"sql": "SELECT odd", "rows": "many", "seconds": null}\n')
    history.add(Entry("now", "SELECT last"))
    assert len(path.read_text().splitlines()) == 1001
    assert path.stat().st_mode & 0o777 == 0o600
    found = history.entries()
    assert [one.sql for one in found[:3]] == ["SELECT last", "SELECT odd", "SELECT 1299"]
    assert (found[1].rows, found[1].seconds) == (0, 0.0)
    assert len(found) == 1000


def test_history_lasts_in_memory_where_it_cannot_be_written(tmp_path: Path) -> None:
    for history in (History(None), History(tmp_path / "none" / "ui" / "history.jsonl")):
        history.add(Entry("now", "SELECT 1"))
        assert [one.sql for one in history.entries()] == ["SELECT 1"]
    assert not (tmp_path / "none").exists()


def test_how_a_query_ended_is_told_in_words() -> None:
    assert outcome(Entry("", "", 1.5, 1)) == "1 row, 1.50 s"
    assert outcome(Entry("", "", 1.5, 100_000, more=True)) == "100,000 rows+, 1.50 s"
    assert outcome(Entry("", "", problem="Parser Error")) == "not done"


@given(st.lists(st.sampled_from(["new", "turn", "type", "empty"]), max_size=80))
def test_buffers_always_have_one_and_come_back(doings: list[str]) -> None:
    buffers = Buffers()
    for at, doing in enumerate(doings):
        match doing:
            case "new":
                buffers.new()
            case "turn":
                buffers.turn()
            case "type":
                buffers.text = f"SELECT {at}"
            case "empty":
                buffers.text = ""
        assert 0 <= buffers.at < len(buffers.texts) <= 50
    again = Buffers(json.loads(json.dumps(buffers.kept)))
    assert (again.texts, again.at) == (buffers.texts, buffers.at)


@pytest.mark.parametrize(
    "kept", [None, 5, {}, {"texts": []}, {"texts": [1, None], "at": 7}, {"texts": ["a"], "at": "b"}]
)
def test_buffers_of_another_kind_are_an_empty_one(kept: object) -> None:
    assert len(Buffers(kept).texts) == 1


# --- saved queries -----------------------------------------------------------------------------------------------------------


def test_a_query_is_saved_privately_and_found_again(tmp_path: Path) -> None:
    path = save_query("SELECT 1\n\n", tmp_path / "queries" / "first")
    assert path == tmp_path / "queries" / "first.sql"
    assert path.read_text() == "SELECT 1\n"
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    (tmp_path / "queries" / "bad.sql").write_bytes(b"\xff\xfe\x00")
    found = {one.name: one.text for one in saved_queries(tmp_path / "queries")}
    assert found["first"] == "SELECT 1\n"
    assert found["bad"].startswith("-- ")
    with pytest.raises(DatasetError, match="UTF-8"):
        read_query(tmp_path / "queries" / "bad.sql")
    with pytest.raises(DatasetError, match="cannot be read"):
        read_query(tmp_path / "none.sql")


# --- values ------------------------------------------------------------------------------------------------------------------


@given(st.lists(st.lists(st.none() | st.text(), min_size=2, max_size=2), max_size=5), st.sampled_from(",\t"))
def test_lines_of_cells_can_be_read_again(rows: list[list[str | None]], delimiter: str) -> None:
    lines = "".join(map(line_writer(delimiter, 2), rows))
    read = list(csv.reader(io.StringIO(lines, newline=""), delimiter=delimiter))
    assert read == [["" if value is None else value for value in row] for row in rows]


def test_values_are_text() -> None:
    assert text_of(datetime(2020, 1, 2, 3, 4)) == "2020-01-02 03:04:00"
    assert text_of(True) == "true"
    assert text_of(b"\x00\xff") == "00ff"
    nested = {"a": [Decimal("1.5"), date(2020, 1, 1), b"x", timedelta(1)]}
    assert text_of(nested) == '{"a": [1.5, "2020-01-01", "78", "1 day, 0:00:00"]}'
    assert whole('{"a": 1}') == '{\n  "a": 1\n}'
    assert whole("{no json") == "{no json"
    assert whole("[" * 100_000) == "[" * 100_000
    assert whole(b"AB\x00") == "00000000  41 42 00" + " " * 39 + "  AB."
    assert short(None).plain == "∅"
    assert short("a\tb\n\x1b[31m\u202e[bold]x[/]").plain == "a\\tb\\n\\x1b[31m\\u202e[bold]x[/]"
    assert short(b"x" * 100).plain.endswith("…")


def test_a_result_of_any_kind_has_text_and_a_sign() -> None:
    table = pa.table(
        {
            "n": pa.array([None]),
            "i": pa.array([7], pa.int8()),
            "f": pa.array([0.1]),
            "d": pa.array([2**31 - 1], pa.date32()),
            "t": pa.array([-(2**63 - 1)], pa.timestamp("us")),
            "far": pa.array([7_000_000], pa.date32()),
            "ns": pa.array([1], pa.timestamp("ns")),
            "b": pa.array([b"ab"]),
            "l": pa.array([[1, None]]),
            "m": pa.array([[("k", 2)]], pa.map_(pa.string(), pa.int32())),
            "o": pa.array([[2**31 - 1]], pa.list_(pa.date32())),
            "c": pa.array(["x"]).dictionary_encode(),
        }
    )
    cells = Cells(table)
    texts = dict(zip(cells.names, (one.plain for one in cells.get_row_at(0)), strict=True))
    assert texts == {
        "n": "∅",
        "i": "7",
        "f": "0.1",
        "d": "infinity",
        "t": "-infinity",
        "far": "21135-05-09",
        "ns": "1970-01-01 00:00:00",
        "b": "0x6162",
        "l": "[1, null]",
        "m": '[["k", 2]]',
        "o": "(outside the calendar)",
        "c": "x",
    }
    signs = [sign(kind) for kind in cells.kinds]
    assert signs == ["·", "#", "#.#", "day", "ts", "day", "ts", "0x", "[]", "{}", "[]", "s"]


def test_two_columns_of_one_name_are_two_columns() -> None:
    cells = Cells(pa.table([pa.array([1]), pa.array(["x"])], names=["a", "a"]))
    assert cells.values(0) == [1, "x"]
    assert copied(cells, "all", 0, 0) == "a\ta\n1\tx\n"
    assert copied(cells, "csv", 0, 0) == "a,a\n1,x\n"
    assert copied(cells, "row", 0, 0) == "1\tx"
    assert copied(cells, "cell", 0, 1) == "x"


def test_more_than_a_terminal_takes_is_not_copied() -> None:
    cells = Cells(pa.table({"a": ["x" * 1000] * 1100}))
    with pytest.raises(DatasetError, match="1,100 rows"):
        copied(cells, "all", 0, 0)


# --- drawings ----------------------------------------------------------------------------------------------------------------


def _drawn(columns: dict[str, object], column: int = 0) -> Drawing | str:
    return drawing(Cells(pa.table(columns)), column)


def test_columns_are_chosen_for_a_drawing() -> None:
    found = _drawn({"town": ["Ulm", None, "Köln"], "n": [3, 2, None]})
    assert isinstance(found, Drawing)
    assert (found.x, found.y, found.axis) == ("town", "n", Axis.WORDS)
    assert (found.labels, found.values, found.left_out) == (("Ulm", "∅"), (3.0, 2.0), 1)
    found = _drawn({"day": [date(2020, 1, 1), date(2020, 1, 3)], "n": [1, 2], "m": [5.0, 6.0]}, column=2)
    assert isinstance(found, Drawing)
    assert (found.y, found.axis, found.values, found.ordered) == ("m", Axis.DAYS, (5.0, 6.0), True)
    assert found.places[1] - found.places[0] == 2 * 86_400
    found = _drawn({"x": [2.0, 1.0, float("nan")], "y": [1, 2, 3]})
    assert isinstance(found, Drawing)
    assert (found.axis, found.places, found.ordered, found.left_out) == (Axis.NUMBERS, (2.0, 1.0), False, 1)
    found = _drawn({"y": [4, 5]})
    assert isinstance(found, Drawing)
    assert (found.x, found.places) == ("row", (0.0, 1.0))


def test_what_cannot_be_drawn_is_told() -> None:
    assert _drawn({"a": ["x"]}) == "a picture needs a column of numbers"
    assert _drawn({"a": pa.array([], pa.int64())}) == "there are no rows to draw"
    assert "missing" in str(_drawn({"a": ["x"], "b": pa.array([None], pa.int64())}))


@given(
    st.lists(st.tuples(st.text(max_size=12), st.floats(-1e9, 1e9)), min_size=1, max_size=12),
    st.integers(20, 120),
)
def test_bars_fit(rows: list[tuple[str, float]], width: int) -> None:
    labels, values = zip(*rows, strict=True)
    made = Drawing("x", "y", Axis.WORDS, tuple(map(float, range(len(rows)))), labels, values)
    lines = bars(made, width).plain.rstrip("\n").split("\n")
    assert len(lines) == len(rows)
    assert max(map(wide, lines)) <= max(width, 40)


# --- examples ------------------------------------------------------------------------------------------------------------


def test_examples_are_of_what_there_is() -> None:
    sqls = [one.text for one in examples(CATALOGUE, "clinic")]
    assert sqls[0] == "FROM clinic_synth LIMIT 100"
    assert any("UNION ALL" in one and "avg(age)" in one for one in sqls)
    assert any('SELECT "home town", count(*)' in one for one in sqls)
    assert [one.name for one in examples(Catalogue(), None)] == ["Runs", "What can be queried"]
