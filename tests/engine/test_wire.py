"""Frames between the two processes of the engine."""

from __future__ import annotations

import os
from datetime import date, datetime

from hypothesis import given
from hypothesis import strategies as st

from localsynth.core import errors
from localsynth.core.contracts import Adapter, Message, SampleRequest, Sampling, ScoreRequest
from localsynth.core.grammar import Day, Fixed, FreeText, Grammar, Moment, Number, OneOf, Sequence, Warmed
from localsynth.engine.wire import (
    decode_error,
    decode_requests,
    encode_error,
    encode_requests,
    read_frame,
    write_frame,
)

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
leaf = st.one_of(
    st.builds(Fixed, text),
    st.builds(Number, st.integers(-9, 0), st.integers(0, 9), st.integers(0, 3)),
    st.builds(Day, st.dates(max_value=date(2000, 1, 1)), st.dates(min_value=date(2000, 1, 1))),
    st.builds(Moment, st.just(datetime(2000, 1, 1)), st.datetimes(min_value=datetime(2000, 1, 2))),
    st.builds(FreeText, st.integers(1, 3), st.integers(3, 9)),
)
grammars: st.SearchStrategy[Grammar] = st.recursive(
    leaf,
    lambda inner: st.one_of(
        st.builds(OneOf, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(Sequence, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Warmed, inner, st.floats(0, 5)),
    ),
    max_leaves=8,
)
common = {
    "messages": st.lists(st.builds(Message, st.sampled_from(["system", "user"]), text), max_size=3).map(
        tuple
    ),
    "grammar": st.none() | grammars,
    "prefix": text,
    "sampling": st.builds(Sampling, st.floats(0, 2), st.integers(0, 50), st.floats(0, 1), st.floats(0, 1)),
    "adapter": st.none() | st.builds(Adapter, text, st.floats(-2, 2)),
}
requests = st.builds(
    SampleRequest,
    n=st.integers(0, 1000),
    seed=st.integers(0, 2**63 - 1),
    max_tokens=st.integers(1, 4000),
    likelihood=st.booleans(),
    **common,
)
scores = st.builds(ScoreRequest, texts=st.lists(text, max_size=3).map(tuple), **common)


@given(st.lists(requests | scores, max_size=4))
def test_requests_survive_the_pipe(given_requests: list[SampleRequest | ScoreRequest]) -> None:
    reading, writing = os.pipe()
    try:
        write_frame(writing, encode_requests(given_requests))
        frame = read_frame(reading)
    finally:
        os.close(reading)
        os.close(writing)
    assert frame is not None
    assert decode_requests(frame) == given_requests


def test_what_many_requests_share_is_sent_once() -> None:
    grammar, message = Sequence((Fixed("x" * 1000),)), Message("user", "y" * 1000)
    many = [SampleRequest((message,), grammar, prefix=str(i)) for i in range(100)]
    encoded = encode_requests(many)
    assert len(encoded["texts"]) == len(encoded["grammars"]) == 1


def test_errors_keep_their_class_sentence_and_hint() -> None:
    error = decode_error(encode_error(errors.ContextTooSmall("too small", "use less")))
    assert type(error) is errors.ContextTooSmall
    assert (error.message, error.hint) == ("too small", "use less")


def test_an_unknown_error_is_never_looked_up_outside_the_tree() -> None:
    assert type(decode_error({"error": "Sequence", "message": "m"})) is errors.EngineError
    assert type(decode_error({"error": "ExitCode", "message": "m"})) is errors.EngineError


def test_the_end_of_the_other_side_is_no_exception() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"\x10\x00\x00\x00{")
    os.close(writing)
    assert read_frame(reading) is None
    os.close(reading)
