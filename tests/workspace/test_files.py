"""Tables into files and back."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsynth.core.celltext import json_of, text_of
from localsynth.core.errors import DatasetError, StoreError
from localsynth.workspace import files
from localsynth.workspace.files import format_of, save, write

CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def written(table: pa.Table, kind: str) -> bytes:
    buffer = io.BytesIO()
    write(table, buffer, kind)
    return buffer.getvalue()


@settings(deadline=None)  # other work may hold the processor
@given(
    rows=st.lists(st.tuples(CELLS, CELLS, st.integers(-(2**63), 2**63 - 1)), max_size=8),
    names=st.tuples(CELLS, CELLS),
)
def test_any_text_comes_back(rows: list[tuple[str, str, int]], names: tuple[str, str]) -> None:
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    types = [pa.string(), pa.string(), pa.int64()]
    arrays = [pa.array(values, kind) for values, kind in zip(columns, types, strict=True)]
    table = pa.Table.from_arrays(arrays, names=[*names, "n"])
    for kind, delimiter in (("csv", ","), ("tsv", "\t")):
        text = written(table, kind).decode()
        back = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        assert back == [[*names, "n"], *([a, b, str(n)] for a, b, n in rows)]
    lines = written(table, "jsonl").decode().split("\n")
    assert [list(json.loads(line).values()) for line in lines[:-1]] == [list(row) for row in rows]
    assert len(json.loads(written(table, "json"))) == len(rows)


@pytest.mark.parametrize(
    ("value", "text", "plain"),
    [
        (None, "", None),
        (True, "true", True),
        (5.0, "5.0", 5.0),
        (float("nan"), "nan", None),
        (date(2024, 1, 2), "2024-01-02", "2024-01-02"),
        (datetime(2024, 1, 2, 3, 4), "2024-01-02 03:04:00", "2024-01-02 03:04:00"),
        (Decimal("2.50"), "2.50", 2.5),
        (Decimal(10**30), str(10**30), 10**30),
        (b"\x00\xff", "00ff", "00ff"),
        ([1, None], "[1, null]", [1, None]),
        ({"a": date(2024, 1, 2)}, '{"a": "2024-01-02"}', {"a": "2024-01-02"}),
        ([float("nan"), 1.5], "[NaN, 1.5]", [None, 1.5]),
        (pa.MonthDayNano([3, -1, 0]), "3 months -1 day", "3 months -1 day"),
        (pa.MonthDayNano([0, 0, -93_605_500_001_000]), "-26:00:05.500001", "-26:00:05.500001"),
        ([pa.MonthDayNano([0, 0, 0])], '["00:00:00"]', ["00:00:00"]),
    ],
)
def test_values_of_every_kind(value: Any, text: str, plain: Any) -> None:
    assert text_of(value) == text
    table = pa.table({"x": pa.array([value])})
    assert json.loads(written(table, "json")) == [{"x": plain}]


@pytest.mark.parametrize(
    ("column", "kinds"),
    [
        (pa.array([0, 2**31 - 1], pa.date32()), ("csv", "tsv", "json", "jsonl")),
        (pa.array([2**63 - 1], pa.timestamp("us")), ("csv", "json")),
        (pa.array([[2**31 - 1]], pa.list_(pa.date32())), ("csv", "json")),
        (pa.array([pa.MonthDayNano([1, 2, 3])]), ("parquet",)),
    ],
)
def test_what_a_format_cannot_hold_is_a_sentence(column: pa.Array, kinds: tuple[str, ...]) -> None:
    for kind in kinds:
        with pytest.raises(DatasetError, match=f"^{kind} cannot hold a value of") as told:
            written(pa.table({"odd": column}), kind)
        assert told.value.hint == "cast the column to VARCHAR"


def test_columns_of_one_name_are_told_apart_where_they_must_be() -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2]), pa.array([3])], names=["a", "a", "a_1"])
    assert written(table, "csv") == b"a,a,a_1\n1,2,3\n"
    assert json.loads(written(table, "json")) == [{"a": 1, "a_1": 2, "a_1_1": 3}]


def test_the_format_follows_the_suffix() -> None:
    assert format_of(Path("x.CSV")) == "csv"
    assert format_of(Path("x.csv"), "parquet") == "parquet"
    for path, given_format in ((Path("x.xlsx"), None), (Path("x"), None), (Path("x.csv"), "excel")):
        with pytest.raises(DatasetError):
            format_of(path, given_format)


def test_a_broken_write_leaves_nothing_and_keeps_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "write", full)
    with pytest.raises(StoreError, match="No space left"):
        save(pa.table({"a": [1]}), path, "csv", overwrite=True)
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]
    assert path.read_text() == "old"


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
def test_a_long_table_is_written_in_pieces_that_make_the_same_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    table = pa.table({"n": list(range(25)), "text": ['a,"\t\n', None, "", "x", "é"] * 5})
    whole = save(table, tmp_path / f"whole.{kind}", kind)
    monkeypatch.setattr(files, "_PIECE", 10)
    heard: list[int] = []
    pieces = save(table, tmp_path / f"pieces.{kind}", kind, heard=heard.append)
    assert pieces.read_bytes() == whole.read_bytes()
    assert heard == ([] if kind == "parquet" else [0, 10, 20])


def test_a_decimal_keeps_every_digit_in_json() -> None:
    exact = Decimal("12345678901234567890.0123456789")
    table = pa.table(
        {"x": [exact], "all": [[exact, None]], "float": [float("nan")], "deep": [{"a [": exact}]}
    )
    for kind in ("json", "jsonl"):
        text = written(table, kind).decode()
        (found,) = (
            json.loads(text, parse_float=Decimal)
            if kind == "json"
            else [json.loads(text, parse_float=Decimal)]
        )
        assert found == {"x": exact, "all": [exact, None], "float": None, "deep": {"a [": exact}}
    assert text_of([exact, float("nan")]) == f"[{exact}, NaN]"
    assert text_of(Decimal("1E-10")) == "0.0000000001"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | CELLS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(CELLS, inner, max_size=3),
        max_leaves=8,
    )
)
def test_json_with_decimals_is_written_as_all_other_json(value: Any) -> None:
    for indent in (None, 2):
        usual = json.dumps([Decimal, value], default=lambda _: 0, ensure_ascii=False, indent=indent)
        assert json_of([Decimal(0), value], indent) == usual


def test_the_end_of_the_day_is_not_its_beginning() -> None:
    end = pa.array([86_400_000_000, 0, None], pa.time64("us"))
    lists = pa.ListArray.from_arrays(pa.array([0, 1, 2, 2]), end)
    records = pa.StructArray.from_arrays([end, lists], ["t", "many"])
    table = pa.table({"t": end, "many": lists, "both": records})
    assert written(table.select(["t"]), "csv").decode().splitlines() == ["t", "24:00:00", "00:00:00", '""']
    first, second, third = json.loads(written(table, "json"))
    late = {"t": "24:00:00", "many": ["24:00:00"]}
    assert first == {**late, "both": late}
    assert second["both"] == {"t": "00:00:00", "many": ["00:00:00"]}
    assert third == {"t": None, "many": [], "both": {"t": None, "many": []}}
