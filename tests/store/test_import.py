"""Files come in as they are, or are refused with line, row or column and leave nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localsynth.core.errors import DatasetError, NotFound
from localsynth.core.run import Exposure
from localsynth.store import datasets, reading
from localsynth.store.session import Store

Csv = Callable[..., Path]


def kinds(dataset: datasets.Dataset) -> dict[str, str]:
    return {column.name: column.kind for column in dataset.schema.columns}


@pytest.mark.parametrize(
    ("content", "sentence", "hint"),
    [
        ("a,b\n1,2\n3\n4,5\n", "line 3: 1 cell, but the header has 2", "quote"),
        ('a,b\n"x\ny",2\n3,4,5\n', "line 4: 3 cells, but the header has 2", "quote"),
        ("a,b\n" + "1,2\n" * 30_000 + "1\n", "line 30002: 1 cell", "quote"),
        (b"a,b\n1,x\n2,\xe9\n", "line 3: not UTF-8", "--encoding latin-1"),
        ("a,b\n1,é\n".encode() + "2,é\n".encode("latin-1"), "line 3: not UTF-8", "--encoding latin-1"),
        ("a,b\n1,é\n".encode("utf-16"), "line 1: not UTF-8", "--encoding utf-16"),
        ("", "is empty", "header"),
        ("\n\n \n", "is empty", "header"),
        ("a,b\n", "no rows", "row"),
        ("a,A\n1,2\n", "called 'a' and 'A'", "rename"),
        ("a,a\n1,2\n", "two columns are called 'a'", "rename"),
        ("a,ROW_ID\n1,2\n", "'ROW_ID' is taken", "rename"),
        ("a,,b\n1,2,3\n", "column 2 has no name", "name"),
        ("a, b\n1,2\n", "' b' begins or ends with a space", "rename"),
        ('a,b\n"1,2\n3,4\n', "line 2: a quoted cell is not closed", "twice"),
        ('a,b\n"1"x,2\n3,4\n', "line 2: a quoted cell is not closed, or text follows", "twice"),
        ("a,b\n1,2\r\n3,4\n", "lines end in different ways", "dos2unix"),
        ("a,b\n1,2\nNaN,3\n", "row 2 of the column 'a' holds nan", "empty"),
        ("a,b\n1.5,2\n1,3\n-inf,3\n", "row 3 of the column 'a' holds -inf", "empty"),
        ("a,b\n1e300,2\n1,3\n", "column 'a'", "rescale"),
    ],
)
def test_bad_csv(store: Store, csv: Csv, content: str | bytes, sentence: str, hint: str) -> None:
    path = csv(content)
    with pytest.raises(DatasetError) as caught:
        datasets.import_file(store, path, holdout=0)
    assert sentence in caught.value.message
    assert hint in caught.value.hint
    assert "\n" not in caught.value.message
    assert datasets.list_all(store) == []
    assert {entry.name for entry in store.folder.iterdir()} == {
        "workspace.duckdb",
        "runs",
        "logs",
        "adapters",
    }


def test_no_such_file(store: Store, tmp_path: Path, csv: Csv) -> None:
    csv("a\n1\n", "clinic.csv")
    for path, sentence, hint in (
        (tmp_path / "clinik.csv", "there is no file", "clinic.csv"),
        (tmp_path, "is a folder", "one file"),
        (csv("x", "a.xlsx"), "'.xlsx'", ".parquet"),
        (csv("x", "a"), "no ending", ".csv"),
    ):
        with pytest.raises(DatasetError, match=sentence) as caught:
            datasets.import_file(store, path)
        assert hint in caught.value.hint


def test_encodings(store: Store, csv: Csv) -> None:
    for encoding in ("latin-1", "cp1252", "utf-16", "utf-8"):
        path = csv("a,b\n1,größe\n2,größe\n".encode(encoding), f"{encoding}.csv")
        dataset = datasets.import_file(store, path, encoding=encoding, holdout=0)
        assert datasets.train_table(store, dataset.name)["b"].to_pylist() == ["größe"] * 2
    with pytest.raises(DatasetError, match="latin-77"):
        datasets.import_file(store, csv("a\n1\n"), encoding="latin-77")
    with pytest.raises(DatasetError, match="line 3"):
        datasets.import_file(store, csv(b"a,b\n1,x\n2,\x81\n"), encoding="cp1252")


def test_long_and_many_lined_cells(store: Store, csv: Csv) -> None:
    long, lines = "x" * 1_000_000, "äöü\n" * 1_000_000
    path = csv(f'a,b\n{long},1\n"{lines}",2\n')
    dataset = datasets.import_file(store, path, holdout=0)
    assert datasets.train_table(store, dataset.name)["a"].to_pylist() == [long, lines]


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|", ":"])
def test_delimiters(store: Store, csv: Csv, delimiter: str) -> None:
    text = "a,b\n1,x\n2,y\n".replace(",", delimiter)
    assert list(kinds(datasets.import_file(store, csv(text), holdout=0))) == ["a", "b"]


def test_one_column(store: Store, csv: Csv) -> None:
    dataset = datasets.import_file(store, csv("a\n5\n\n6\n\n\n"), holdout=0)
    assert datasets.train_table(store, dataset.name).to_pydict() == {"a": [5, None, 6]}
    unique = "id\n" + "".join(f"{n}\n" for n in range(1, 101))
    assert kinds(datasets.import_file(store, csv(unique, "unique.csv"))) == {"id": "integer"}


def test_types_and_kinds(store: Store, csv: Csv) -> None:
    rows = [
        "i,zip,f,b,d,t,de,us,unclear,c,none,big,note,pid",
        "1,007,1.50,true,2020-01-01,2020-01-01 10:00,31.12.2020,12/31/2020,01/02/2020,x,,12345678901234567890,a b c,7",
        "-2,010,-3e2,FALSE,2020-02-29,2020-01-01T10:00:30,01.02.2020,01/02/2020,03/04/2020,y,,23456789012345678,d e,9",
        ",007,,true,,,,,03/04/2020,y,,2345678901234567890,d e f,11",
    ]
    dataset = datasets.import_file(store, csv("\n".join(rows)), holdout=0)
    assert kinds(dataset) == {
        "i": "integer", "zip": "categorical", "f": "float", "b": "boolean", "d": "date", "t": "datetime", "de": "date",
        "us": "date", "unclear": "categorical", "c": "categorical", "none": "text", "big": "categorical",
        "note": "categorical", "pid": "integer",
    }  # fmt: skip
    column = dataset.schema.column
    assert column("f").decimals == 1  # type: ignore[union-attr]
    assert column("none").null_rate == 1
    assert column("i").null_rate == pytest.approx(1 / 3, abs=1e-6)
    assert column("t").range == (datetime(2020, 1, 1, 10), datetime(2020, 1, 1, 10, 1))  # type: ignore[union-attr]
    table = datasets.train_table(store, dataset.name)
    assert table["de"].to_pylist() == [date(2020, 12, 31), date(2020, 2, 1), None]
    assert table["us"].to_pylist() == [date(2020, 12, 31), date(2020, 1, 2), None]
    assert table["zip"].to_pylist() == ["007", "010", "007"]
    assert table["t"].to_pylist()[1] == datetime(2020, 1, 1, 10, 0, 30)


def test_identifiers(store: Store, csv: Csv) -> None:
    lines = "".join(f"{n * 7},{n},P{n:04d},{n * n},note {n} is long,{n % 9}\n" for n in range(1, 101))
    dataset = datasets.import_file(store, csv("patient_id,n,code,square,note,group\n" + lines))
    assert kinds(dataset) == {
        "patient_id": "identifier", "n": "identifier", "code": "identifier", "square": "integer", "note": "text",
        "group": "integer",
    }  # fmt: skip
    code = dataset.schema.column("code")
    assert (code.prefix, code.digits) == ("P", 4)  # type: ignore[union-attr]
    again = datasets.import_file(
        store, csv("patient_id,code\n1,A1\n2,A2\n"), name="again", target="code", holdout=0
    )
    assert kinds(again)["code"] == "categorical"


ODD = ["select", "a b", 'x"y', "at", "😀", "a.b", "'", "$1", "{c}", "--"]


def test_odd_names_everywhere(store: Store, csv: Csv, tmp_path: Path) -> None:
    header = ",".join('"' + name.replace('"', '""') + '"' for name in ODD)
    text = (
        header + "\n" + "\n".join(",".join(str(r * c) for c in range(len(ODD))) for r in range(1, 7)) + "\n"
    )
    for number, name in enumerate(["q\"u'o", "sp ace", "😀.x", "select"]):
        dataset = datasets.import_file(store, csv(text, f"{number}.csv"), name=name)
        assert dataset.schema.names == tuple(ODD)
        assert (dataset.rows, dataset.train_rows, dataset.holdout_rows) == (6, 4, 2)
        assert datasets.get(store, name.upper()).name == name
        assert reading.count(store, f"{name}_real") == 6
        assert reading.count(store, f"{name}_synth") == 0
        page = reading.page(store, f"{name}_real", 1, 2, [('x"y', True)], where='"a b" > 2')
        assert page['x"y'].to_pylist() == [10, 8]
        assert not dataset.declared
        assert datasets.set_schema(store, name, dataset.schema, declared=False) == dataset
    with pytest.raises(DatasetError, match="already") as caught:
        datasets.import_file(store, csv(text), name="SELECT")
    assert "--replace" in caught.value.hint
    assert datasets.import_file(store, csv(text), name="SELECT", replace=True).name == "SELECT"
    assert len(datasets.list_all(store)) == 4


def test_the_holdout_is_never_looked_at(store: Store, csv: Csv) -> None:
    lines = [f"{n},only{n},{'' if n == 3 else 1}" for n in range(30)]
    dataset = datasets.import_file(store, csv("n,word,x\n" + "\n".join(lines) + "\n"), seed=3, target="word")
    train, held = datasets.train_table(store, "data"), datasets.holdout_table(store, "data")
    assert (train.num_rows, held.num_rows) == (20, 10)
    assert not set(train["word"].to_pylist()) & set(held["word"].to_pylist())
    text = dataset.schema.to_json()
    assert not any(f'"{word}"' in text for word in held["word"].to_pylist())
    same = datasets.import_file(store, csv("n,word,x\n" + "\n".join(lines) + "\n"), seed=3, name="same")
    assert datasets.train_table(store, same.name)["word"].equals(train["word"])
    other = datasets.import_file(store, csv("n,word,x\n" + "\n".join(lines) + "\n"), seed=4, name="other")
    assert not datasets.train_table(store, other.name)["word"].equals(train["word"])


def test_ranges_come_from_train_rows(store: Store) -> None:
    values = np.arange(300)
    dataset = datasets.import_table(store, pa.table({"v": values * 3, "w": values / 7}), "t", seed=1)
    train = datasets.train_table(store, "t")
    column = dataset.schema.column("v")
    assert column.range == (min(train["v"].to_pylist()), max(train["v"].to_pylist()))  # type: ignore[union-attr]


@pytest.mark.parametrize("holdout", [1.0, -0.1, 2])
def test_bad_holdout_and_target(store: Store, csv: Csv, holdout: float) -> None:
    path = csv("age,b\n1,2\n")
    with pytest.raises(DatasetError, match="holdout"):
        datasets.import_file(store, path, holdout=holdout)
    with pytest.raises(NotFound, match="did you mean 'age'"):
        datasets.import_file(store, path, target="agee")
    assert datasets.import_file(store, path, holdout=0.9, policy=Exposure.SCHEMA).train_rows == 1


def test_parquet_types(store: Store, tmp_path: Path) -> None:
    table = pa.table(
        {
            "i": pa.array([1, 2], pa.int8()),
            "f": pa.array([0.1, 0.25], pa.float32()),
            "d": pa.array([Decimal("1.25"), None]),
            "c": pa.array(["a", "b"]).dictionary_encode(),
            "z": pa.array([datetime(2020, 1, 1, 12, tzinfo=UTC)] * 2),
            "u": pa.array([2**64 - 1, 1], pa.uint64()),
            "n": pa.nulls(2),
            "t": pa.array([time(1, 2), None]),
        }
    )
    pq.write_table(table, tmp_path / "x.parquet")
    dataset = datasets.import_file(store, tmp_path / "x.parquet", holdout=0)
    assert list(kinds(dataset).values()) == [
        "integer", "float", "float", "categorical", "datetime", "categorical", "text", "categorical",
    ]  # fmt: skip
    back = datasets.train_table(store, "x").to_pydict()
    assert back["f"] == [0.1, 0.25]
    assert back["z"] == [datetime(2020, 1, 1, 12)] * 2
    assert back["u"] == [str(2**64 - 1), "1"]


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"l": [[1], [2]]}, "'l' holds nested"),
        ({"a": [1], "s": [{"a": 1}]}, "'s' holds nested"),
        ({"b": [b"x"]}, "'b' is of type BLOB"),
        ({"x": [1.0, float("nan")]}, "row 2 of the column 'x' holds nan"),
        ({"x": pa.array([], pa.int64())}, "no rows"),
        ({"a": [1], "A": [2]}, "'a' and 'A'"),
    ],
)
def test_bad_parquet(store: Store, tmp_path: Path, columns: dict[str, object], sentence: str) -> None:
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    with pytest.raises(DatasetError, match=sentence):
        datasets.import_file(store, tmp_path / "x.parquet")


def test_not_parquet(store: Store, csv: Csv, tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": range(1000)}), tmp_path / "whole.parquet")
    for content in (b"PAR1", b"x" * 1000, (tmp_path / "whole.parquet").read_bytes()[:-20]):
        with pytest.raises(DatasetError, match="cannot be read as Parquet"):
            datasets.import_file(store, csv(content, "x.parquet"))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('{"a":1,"A":2}\n', "'a' and 'A'"),
        ('{"a":{"b":1}}\n', "'a' holds nested"),
        ('{"a":[1]}\n', "'a' holds nested"),
        ('{"a":1}\n{"a":{"b":1}}\n', "'a' holds nested"),
        ('{"a":1}\n{"a":\n', "cannot be read as JSON"),
        ('{"a":1}\n3\n', "row 2 is no object, but a number"),
        (b'{"a":"\xe9"}\n', "cannot be read as JSON"),
        ("{}\n", "no rows"),
        ("", "is empty"),
    ],
)
def test_bad_json(store: Store, csv: Csv, content: str | bytes, sentence: str) -> None:
    with pytest.raises(DatasetError, match=sentence):
        datasets.import_file(store, csv(content, "x.jsonl"))


def test_json(store: Store, csv: Csv) -> None:
    rows = [{"b": "x", "a": 1, "z": "007"}, {"a": 2}, {"a": None, "b": "ü\n,", "m": True}]
    for name, text in (("l.jsonl", "\n".join(map(json.dumps, rows))), ("a.json", json.dumps(rows))):
        dataset = datasets.import_file(store, csv(text, name), holdout=0)
        assert dataset.schema.names == ("b", "a", "z", "m")
        table = datasets.train_table(store, dataset.name).to_pydict()
        assert table["b"] == ["x", None, "ü\n,"]
        assert table["z"] == ["007", None, None]


cells = st.one_of(
    st.none(),
    st.text(
        st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]),
        min_size=1,
        max_size=12,
    ),
    st.integers(-(10**20), 10**20).map(str),
    st.floats(allow_nan=False, allow_infinity=False, width=32).map(str),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=12))
def test_quoted_csv_comes_back(
    store: Store, tmp_path: Path, rows: list[tuple[str | None, str | None]]
) -> None:
    def cell(value: str | None) -> str:
        return "" if value is None else '"' + value.replace('"', '""') + '"'

    text = '"a","b c"\n' + "".join(f"{cell(a)},{cell(b)}\n" for a, b in rows)
    (tmp_path / "h.csv").write_bytes(text.encode())
    try:
        datasets.import_file(store, tmp_path / "h.csv", holdout=0, replace=True)
    except DatasetError as error:
        # the two things that may be refused here: whole numbers too large, and numbers that are none
        assert re.search(r"64 bits|holds (nan|-?inf)", error.message)  # noqa: PT017
        return
    table = datasets.train_table(store, "h")
    for column, wanted in zip(table.columns, zip(*rows, strict=True), strict=True):
        if pa.types.is_string(column.type):
            assert column.to_pylist() == list(wanted)
        elif pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
            assert column.to_pylist() == [
                None if w is None else pytest.approx(float(w), rel=1e-15) for w in wanted
            ]


def test_the_lengths_of_long_texts_hold_every_value(store: Store, csv: Csv) -> None:
    lengths = [1500 + 37 * number for number in range(60)]
    text = "note\n" + "".join(f"{'ab ' * (length // 3)}{'x' * (length % 3)}y\n" for length in lengths)
    dataset = datasets.import_file(store, csv(text), holdout=0)
    (column,) = dataset.schema.columns
    assert column.kind == "text"
    assert (column.min_length, column.max_length) == (lengths[0] + 1, lengths[-1] + 1)
