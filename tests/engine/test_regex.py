"""Grammars as expressions: exact on every kind, checked against plain enumeration."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localsynth.core.grammar import Day, Fixed, FreeText, Grammar, Moment, Number, OneOf, seq
from localsynth.engine.regex import to_regex
from localsynth.engine.uniform import draw_text


def written(scaled: int, decimals: int) -> str:
    digits = f"{abs(scaled):0{decimals + 1}d}"
    whole, part = (digits[:-decimals], digits[-decimals:]) if decimals else (digits, "")
    return f"{'-' if scaled < 0 else ''}{whole}{'.' + part if part else ''}"


@given(
    low=st.integers(-3000, 3000),
    span=st.integers(0, 4000),
    decimals=st.integers(0, 3),
    near=st.integers(-20, 20),
)
def test_numbers_exactly_in_range(low: int, span: int, decimals: int, near: int) -> None:
    high = low + span
    expression = re.compile(to_regex(Number(low, high, decimals)))
    for scaled in {low, high, low + near, high + near, (low + high) // 2, 0, 9, 10, 99, 100, 999, 1000, near}:
        text = written(scaled, decimals)
        assert bool(expression.fullmatch(text)) == (low <= scaled <= high), text


@pytest.mark.parametrize("text", ["007", "-0", "+1", "1.", ".5", "1e3", " 1", "1 ", "0x1", "1,0", ""])
def test_numbers_have_one_spelling(text: str) -> None:
    assert not re.fullmatch(to_regex(Number(-100, 100, 0)), text)


@pytest.mark.parametrize("decimals", [0, 1, 2])
def test_numbers_all_of_a_range(decimals: int) -> None:
    expression = re.compile(to_regex(Number(-105, 1234, decimals)))
    found = [i for i in range(-2000, 3000) if expression.fullmatch(written(i, decimals))]
    assert found == list(range(-105, 1235))


@given(start=st.dates(date(1896, 1, 1), date(2104, 1, 1)), span=st.integers(0, 3000))
def test_days_exactly_in_range(start: date, span: int) -> None:
    end = start + timedelta(days=span)
    expression = re.compile(to_regex(Day(start, end)))
    for offset in [
        -400,
        -31,
        -1,
        0,
        1,
        28,
        29,
        30,
        31,
        59,
        60,
        365,
        span - 1,
        span,
        span + 1,
        span + 31,
        span + 366,
    ]:
        day = start + timedelta(days=offset)
        assert bool(expression.fullmatch(day.isoformat())) == (start <= day <= end)


@pytest.mark.parametrize(
    "text", ["2021-02-29", "2020-02-30", "2021-04-31", "2021-00-10", "2021-13-01", "2021-1-01"]
)
def test_days_that_do_not_exist(text: str) -> None:
    assert not re.fullmatch(to_regex(Day(date(2019, 1, 1), date(2023, 12, 31))), text)


@given(
    start=st.datetimes(datetime(2019, 12, 1), datetime(2020, 3, 2)).map(
        lambda m: m.replace(second=0, microsecond=0)
    ),
    span=st.integers(0, 6000),
    offset=st.integers(-5000, 11000),
)
def test_moments_exactly_in_range(start: datetime, span: int, offset: int) -> None:
    end = start + timedelta(minutes=span)
    expression = re.compile(to_regex(Moment(start, end)))
    for moment in (start, end, start + timedelta(minutes=offset), end + timedelta(minutes=1)):
        expected = start <= moment <= end
        assert bool(expression.fullmatch(moment.strftime("%Y-%m-%d %H:%M"))) == expected


@given(shortest=st.integers(1, 6), more=st.integers(0, 6), text=st.text(max_size=14))
def test_text_length_edges_and_characters(shortest: int, more: int, text: str) -> None:
    longest = shortest + more
    matched = re.fullmatch(to_regex(FreeText(shortest, longest)), text) is not None
    if matched:
        assert shortest <= len(text) <= longest
        assert text == text.strip()
        assert not set('"\\\n\r\t') & set(text)
    elif text.isascii() and text.isalnum():
        assert not shortest <= len(text) <= longest


@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=6, unique=True), st.text(max_size=12))
def test_fixed_texts_stand_for_themselves(options: list[str], other: str) -> None:
    expression = re.compile(to_regex(OneOf(tuple(Fixed(option) for option in options))))
    for option in options:
        assert expression.fullmatch(option)
    assert bool(expression.fullmatch(other)) == (other in options)


@given(
    st.lists(
        st.tuples(st.text("ab,-", max_size=6), st.sampled_from(["", "x", "y|z"])),
        min_size=32,
        max_size=60,
        unique=True,
    ),
    st.lists(st.text("ab,-xyz", max_size=8), max_size=20),
)
def test_many_alternatives_are_merged_by_their_beginnings(
    options: list[tuple[str, str]], others: list[str]
) -> None:
    parts: dict[str, Grammar] = {
        "": Fixed(""),
        "x": seq("x", Number(0, 1)),
        "y|z": OneOf((Fixed("y"), seq("z", ","))),
    }
    several = seq(OneOf((Fixed("a-"), Fixed("ab"))), ",", Number(5, 6))
    grammar = OneOf(
        (*(seq(text, parts[tail]) for text, tail in options), several, OneOf((Fixed("b"), several)))
    )
    ends = {"": [""], "x": ["x0", "x1"], "y|z": ["y", "z,"]}
    allowed = {text + end for text, tail in options for end in ends[tail]}
    allowed |= {"a-,5", "a-,6", "ab,5", "ab,6", "b"}
    expression = re.compile(to_regex(grammar))
    for text in allowed:
        assert expression.fullmatch(text), text
    for text in others:
        assert bool(expression.fullmatch(text)) == (text in allowed), text


def test_deep_alternatives_stay_readable() -> None:
    """Each a beginning of the next: groups within groups, which parsers of expressions allow only so many of."""
    texts = ["a" * size for size in range(1, 400)]
    pattern = to_regex(OneOf(tuple(map(Fixed, texts))))
    expression = re.compile(pattern)
    assert [len(text) for text in texts if expression.fullmatch(text)] == list(range(1, 400))
    assert expression.fullmatch("a" * 400) is None
    depth = deepest = 0
    for char in pattern:
        depth += (char == "(") - (char == ")")
        deepest = max(deepest, depth)
    assert deepest < 100


@given(st.integers(0, 2**32))
def test_uniform_engine_and_expression_agree(seed: int) -> None:
    grammar = seq(
        Number(-50, 999, 1),
        ",",
        OneOf((Fixed("a|b"), Fixed("(c)*"), Fixed("d.e"))),
        ",",
        Day(date(2020, 2, 27), date(2021, 3, 1)),
        ",",
        Moment(datetime(2020, 1, 1, 23, 50), datetime(2020, 1, 3, 0, 10)),
        ',"',
        FreeText(1, 9),
        '"\n',
    )
    text = draw_text(grammar, Random(seed))
    assert re.fullmatch(to_regex(grammar), text), text
