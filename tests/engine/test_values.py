"""Which tokens belong to which value of a row."""

from __future__ import annotations

from itertools import pairwise
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localsynth.core.grammar import Fixed, FreeText, Number, OneOf, Warmed, seq
from localsynth.engine.values import Values

SEX = OneOf((Fixed("female"), Fixed("male"), Fixed("")))
ROW = seq(SEX, ",", Number(-5, 99, 1), ',"', FreeText(1, 20), '"\n')


def test_each_value_gets_its_tokens_and_the_one_that_ends_it() -> None:
    pieces = [b"fem", b"ale", b",", b"6", b".", b"7", b',"', b"ti", b"red", b'"\n']
    logprobs = [-1.0, -2.0, -4.0, -8.0, -16.0, -32.0, -64.0, -128.0, -256.0, -512.0]
    assert Values(ROW).sums(pieces, logprobs) == (-7.0, -120.0, -896.0)


def test_an_empty_value_gets_the_token_that_says_so() -> None:
    assert Values(ROW).sums([b",", b"1.0", b',"x"\n'], [-1.0, -2.0, -4.0]) == (-1.0, -6.0, 0.0)


def test_one_value_where_nothing_can_be_told_apart() -> None:
    assert Values(None).sums([b"a", b"b"], [-1.0, -2.0]) == (-3.0,)
    assert Values(Number(0, 9)).sums([b"7"], [-1.0, -0.5]) == (-1.5,)  # the end was drawn, too
    assert Values(ROW).sums([b"fem"], [-1.0]) == (-1.0, 0.0, 0.0)


@given(
    st.sampled_from(["female", "male", ""]),
    st.integers(-5, 99),
    st.text(
        st.characters(codec="utf-8", exclude_characters='"\\', categories=["L", "N"]), min_size=1, max_size=9
    ),
    st.lists(st.integers(1, 60), max_size=12),
)
def test_nothing_is_lost_however_a_text_is_split(sex: str, tenths: int, note: str, cuts: list[int]) -> None:
    number = f"{'-' if tenths < 0 else ''}{abs(tenths) // 10}.{abs(tenths) % 10}"
    data = f'{sex},{number},"{note}"\n'.encode()
    edges = [0, *sorted({cut for cut in cuts if cut < len(data)}), len(data)]
    pieces = [data[a:b] for a, b in pairwise(edges)]
    logprobs = [log(1 / (2 + i)) for i in range(len(pieces))]
    sums = Values(ROW).sums(pieces, logprobs)
    assert len(sums) == 3
    assert sum(sums) == pytest.approx(sum(logprobs))


def test_the_temperature_of_the_value_being_written() -> None:
    grammar = seq('{"', Warmed(SEX, 0.2), '": ', Number(0, 99), ", ", Warmed(FreeText(2, 9), 1.7), ";\n")
    values = Values(grammar)
    assert values.warmed
    assert not Values(ROW).warmed
    for text, wanted in [
        ("", None),
        ('{"', 0.2),
        ('{"fem', 0.2),
        ('{"female', 0.2),
        ('{"female":', 0.2),  # the quotation mark ends the value and is drawn as its end
        ('{"female": ', None),
        ('{"": ', None),
        ('{"female": 4', None),
        ('{"female": 41, ', 1.7),
        ('{"female": 41, a,b', 1.7),
    ]:
        assert values.temperature(text.encode()) == wanted, text


def test_half_a_character_does_no_harm() -> None:
    values = Values(seq(Warmed(FreeText(1, 9), 0.5), "\n"))
    assert values.temperature("ä".encode()[:1]) == 0.5
