"""Rows as text: written, allowed by their grammar, and read back."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsynth.core.cells import (
    cell_grammar,
    read_cell,
    read_row,
    row_grammar,
    split_row,
    write_cell,
    write_row,
)
from localsynth.core.columns import (
    BooleanColumn,
    CategoricalColumn,
    Column,
    DateColumn,
    DatetimeColumn,
    FloatColumn,
    IdentifierColumn,
    IntegerColumn,
    TextColumn,
)
from localsynth.core.grammar import (
    Day,
    Fixed,
    FreeText,
    Grammar,
    Moment,
    Number,
    OneOf,
    Sequence,
    max_length,
    seq,
)
from localsynth.core.schema import Schema
from localsynth.engine.regex import to_regex

from .strategies import NASTY, cells, day_ranges, schemas

WRITTEN = ("integer", "float", "boolean", "categorical", "date", "datetime", "text")


@given(st.data(), schemas(kinds=WRITTEN))
@settings(max_examples=150, deadline=None)
def test_a_row_is_read_back_and_its_grammar_allows_it(data: st.DataObject, schema: Schema) -> None:
    values = [data.draw(cells(column)) for column in schema.columns]
    line = write_row(schema.columns, values)
    assert "\n" not in line
    assert read_row(schema.columns, line) == values
    grammar = row_grammar(schema.columns)
    assert re.fullmatch(to_regex(grammar), line + "\n")
    assert len(line.encode()) + 1 <= max_length(grammar)


@given(st.lists(NASTY, min_size=1, max_size=6))
def test_any_strings_split_where_they_were_joined(words: list[str]) -> None:
    columns = [CategoricalColumn(name="c", categories={word: ""}) for word in words]
    assert split_row(write_row(columns, words)) == [
        (word, write_cell(columns[i], word)[:1] == '"') for i, word in enumerate(words)
    ]


@given(st.text(max_size=40))
def test_no_line_does_more_than_raise_value_error(line: str) -> None:
    columns: list[Column] = [
        IntegerColumn(name="i", range=(0, 9)),
        FloatColumn(name="f", range=(0, 1), decimals=2),
        DateColumn(name="d", range=(date(2000, 1, 1), date(2001, 1, 1))),
        DatetimeColumn(name="m", range=(datetime(2000, 1, 1), datetime(2001, 1, 1))),
    ]
    for column in columns:
        with suppress(ValueError):
            read_cell(column, line)
    with suppress(ValueError):
        read_row(columns, line)


INTEGER = IntegerColumn(name="n", range=(-5, 2_000_000))
FLOAT = FloatColumn(name="x", range=(0.5, 99.5), decimals=1)
DAY = DateColumn(name="d", range=(date(2024, 1, 1), date(2024, 12, 31)))
MOMENT = DatetimeColumn(name="m", range=(datetime(999, 1, 1), datetime(2024, 12, 31)))


@pytest.mark.parametrize(
    ("column", "text", "value"),
    [
        (INTEGER, "-5", -5),
        (INTEGER, "+7", 7),
        (INTEGER, "7.0", 7),
        (INTEGER, "1e3", 1000),
        (FLOAT, "0.5", 0.5),
        (FLOAT, "7", 7.0),
        (FLOAT, "0.7000000000000001", 0.7),
        (BooleanColumn(name="b"), "True", True),
        (MOMENT, "0999-01-01 08:00", datetime(999, 1, 1, 8)),
        (DAY, "2024-02-29", date(2024, 2, 29)),
    ],
)
def test_cells_are_read_generously(column: Column, text: str, value: Any) -> None:
    found = read_cell(column, text)
    assert found == value
    assert type(found) is type(value)
    assert read_cell(column, write_cell(column, found)) == value


@pytest.mark.parametrize(
    ("column", "text", "sentence"),
    [
        (INTEGER, "", "n: empty"),
        (INTEGER, "2000001", "n: 2000001 lies outside -5 to 2000000"),
        (INTEGER, "1234567.5", "n: 1234567.5 has more than 0 decimals"),
        (INTEGER, "1_000", "n: '1_000' is not a number"),
        (INTEGER, "nan", "n: 'nan' is not a number"),
        (FLOAT, "inf", "x: 'inf' is not a number"),
        (FLOAT, "1e999", "x: 1e999 lies outside 0.5 to 99.5"),
        (FLOAT, "9" * 5000, f"x: '{'9' * 60}' is not a number"),
        (FLOAT, "0.55", "x: 0.55 has more than 1 decimals"),
        (FLOAT, "0.4", "x: 0.4 lies outside 0.5 to 99.5"),
        (BooleanColumn(name="b"), "yes", "b: 'yes' is neither true nor false"),
        (CategoricalColumn(name="c", categories={"a": ""}), "A", "c: 'A' is no category"),
        (DAY, "31.12.2024", "d: '31.12.2024' is not a date such as 2024-12-31"),
        (DAY, "2024-02-30", "d: '2024-02-30' is not a date such as 2024-12-31"),
        (DAY, "2025-01-01", "d: 2025-01-01 lies outside 2024-01-01 to 2024-12-31"),
        (MOMENT, "noon", "m: 'noon' is not a date and time such as 2024-12-31 18:30"),
        (MOMENT, "2024-01-01 08:00:30", "m: '2024-01-01 08:00:30' is not in whole minutes"),
        (MOMENT, "2024-01-01 08:00+02:00", "m: '2024-01-01 08:00+02:00' has a time zone"),
        (TextColumn(name="t", min_length=3, max_length=5), "ab", "t: 2 characters, not 3 to 5"),
    ],
)
def test_bad_cells_are_told(column: Column, text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        read_cell(column, text)


def test_small_things_of_rows() -> None:
    assert write_cell(FLOAT, -0.04) == "0.0"
    assert write_cell(INTEGER, None) == ""
    assert write_cell(BooleanColumn(name="b"), value=False) == "false"
    with pytest.raises(ValueError, match="a comma is missing after character 3"):
        split_row('"a"b')
    with pytest.raises(ValueError, match="2 cells, not 1"):
        read_row([INTEGER], "1,2")
    assert read_row([CategoricalColumn(name="c", categories={"": ""}, nullable=True)], '""') == [""]
    assert read_row([CategoricalColumn(name="c", categories={"": ""}, nullable=True)], "") == [None]


def test_grammars_of_cells() -> None:
    nullable = IntegerColumn(name="n", range=(0, 9), nullable=True)
    assert cell_grammar(nullable) == OneOf((Number(0, 9), Fixed("")))
    assert cell_grammar(nullable, null=False) == Number(0, 9)
    assert cell_grammar(FLOAT) == Number(5, 995, 1)
    with pytest.raises(TypeError, match="made by code"):
        cell_grammar(IdentifierColumn(name="i"))
    grammar = row_grammar([nullable, nullable], nulls=[False, True])
    assert grammar == Sequence((Number(0, 9), Fixed(","), OneOf((Number(0, 9), Fixed(""))), Fixed("\n")))
    assert IdentifierColumn(name="i", prefix="P-", digits=4).render(7) == "P-0007"


GRAMMARS: st.SearchStrategy[Grammar] = st.recursive(
    st.one_of(
        st.builds(Fixed, st.text(max_size=5)),
        st.tuples(st.integers(-2000, 2000), st.integers(0, 2000), st.integers(0, 3)).map(
            lambda t: Number(t[0], t[0] + t[1], t[2])
        ),
        day_ranges().map(lambda pair: Day(*pair)),
        st.just(Moment(datetime(2024, 2, 28), datetime(2024, 3, 1, 7, 30))),
        st.tuples(st.integers(1, 4), st.integers(0, 4)).map(lambda t: FreeText(t[0], t[0] + t[1])),
    ),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(lambda options: OneOf(tuple(options)))
        | st.lists(inner, max_size=3).map(lambda parts: seq(*parts))
    ),
    max_leaves=5,
)


def longest_texts(grammar: Grammar) -> list[str]:
    """Texts at the ends of what is allowed, among them the longest."""
    match grammar:
        case Fixed(text):
            return [text]
        case OneOf(options):
            return [text for option in options for text in longest_texts(option)]
        case Number(low, high, decimals):
            ends = {low, high, *(i for i in (-1, 0) if low <= i <= high)}
            return [f"{i / 10**decimals:.{decimals}f}" for i in ends]
        case Day(low, high):
            return [low.isoformat(), high.isoformat()]
        case Moment(low, high):
            return [low.isoformat(" ", "minutes"), high.isoformat(" ", "minutes")]
        case FreeText(shortest, longest):
            return ["x" * shortest, "😀" * longest]
        case Sequence(parts):
            texts = [""]
            for part in parts:
                texts = [head + tail for head in texts for tail in longest_texts(part)][:200]
            return texts


@given(GRAMMARS)
@settings(deadline=None)
def test_max_length_is_an_upper_bound(grammar: Grammar) -> None:
    expression = re.compile(to_regex(grammar))
    for text in longest_texts(grammar):
        assert expression.fullmatch(text)
        assert len(text.encode()) <= max_length(grammar)


def test_sequences_lie_flat() -> None:
    assert seq("a", seq("b", Fixed("c"))) == Sequence((Fixed("a"), Fixed("b"), Fixed("c")))
    assert max_length(OneOf(())) == 0
