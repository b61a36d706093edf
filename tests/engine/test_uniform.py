"""The engine without a model."""

from __future__ import annotations

import math
import threading
from collections import Counter
from datetime import date, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from localsynth.core.contracts import Message, SampleRequest, ScoreRequest
from localsynth.core.errors import Cancelled
from localsynth.core.grammar import (
    Day,
    Fixed,
    FreeText,
    Grammar,
    Moment,
    Number,
    OneOf,
    Sequence,
    Warmed,
    seq,
)
from localsynth.engine.regex import fullmatch
from localsynth.engine.uniform import UniformEngine
from localsynth.engine.uniform_text import draw_text, text_logprobs

REQUEST = SampleRequest(
    (Message("user", "x"),), seq(Number(0, 9), ',"', FreeText(2, 5), '"\n'), n=200, seed=4
)


def test_the_same_request_gives_the_same_texts_in_any_company() -> None:
    engine = UniformEngine()
    (alone,), usage = engine.sample([REQUEST])
    other = SampleRequest((Message("user", "y"),), REQUEST.grammar, n=3, seed=5)
    (_, beside), _ = engine.sample([other, REQUEST])
    assert alone == beside
    assert len(alone.texts) == usage.samples == 200
    assert {text[0] for text in alone.texts} == set("0123456789")


def test_progress_ends_with_everything() -> None:
    seen: list[tuple[int, int]] = []
    UniformEngine().sample([REQUEST], lambda done, wanted: seen.append((done, wanted)))
    assert seen[-1] == (200, 200)
    assert seen == sorted(seen)
    texts = tuple("1" for _ in range(130))
    UniformEngine().score(
        [ScoreRequest(REQUEST.messages, Number(0, 9), texts)],
        lambda done, wanted: seen.append((done, wanted)),
    )
    assert seen[-1] == (130, 130)


def test_cancel_from_another_thread() -> None:
    engine = UniformEngine()
    with pytest.raises(Cancelled):
        engine.sample(
            [SampleRequest(REQUEST.messages, REQUEST.grammar, n=50_000_000)],
            lambda *_: threading.Thread(target=engine.cancel).start(),
        )


# --- probabilities ----------------------------------------------------------------------------------------------------

_FIXED = st.builds(Fixed, st.sampled_from(["", "a", "ab", "1", "-", ",", '"', "a b", "0"]))
_NUMBERS = st.tuples(st.integers(-30, 30), st.integers(0, 40), st.integers(0, 2)).map(
    lambda t: Number(t[0], t[0] + t[1], t[2])
)
_DAYS = st.tuples(st.dates(), st.dates()).map(lambda t: Day(min(t), max(t)))
_MOMENTS = st.tuples(
    st.datetimes(max_value=datetime(9998, 1, 1)), st.datetimes(max_value=datetime(9998, 1, 1))
).map(lambda t: Moment(*(m.replace(second=0, microsecond=0) for m in (min(t), max(t)))))
_TEXTS = st.tuples(st.integers(1, 5), st.integers(0, 5)).map(lambda t: FreeText(t[0], t[0] + t[1]))
GRAMMARS: st.SearchStrategy[Grammar] = st.recursive(
    st.one_of(_FIXED, _NUMBERS, _DAYS, _MOMENTS, _TEXTS),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda o: OneOf(tuple(o))),
        st.lists(inner, max_size=3).map(lambda p: Sequence(tuple(p))),
        st.builds(Warmed, inner, st.just(0.5)),
    ),
    max_leaves=6,
)


@given(GRAMMARS, st.integers(0, 10**9))
def test_what_is_drawn_has_a_probability_and_its_values_add_up(grammar: Grammar, seed: int) -> None:
    text = draw_text(grammar, Random(seed))
    values = text_logprobs(grammar, text)
    assert all(math.isfinite(value) for value in values)
    assert sum(values) <= 1e-9
    assert sum(text_logprobs(seq(grammar, "."), text + ".")) == pytest.approx(sum(values), abs=1e-9)
    assert sum(text_logprobs(OneOf((grammar,)), text)) == pytest.approx(sum(values), abs=1e-9)
    parts = grammar.parts if isinstance(grammar, Sequence) else (grammar,)
    assert len(values) == max(1, sum(not isinstance(part, Fixed) for part in parts))


@given(GRAMMARS, st.text('a b1-,."0x5:é', max_size=8))
def test_only_what_the_grammar_allows_has_one(grammar: Grammar, text: str) -> None:
    if sum(text_logprobs(grammar, text)) > -math.inf:
        assert fullmatch(grammar, text)


@pytest.mark.parametrize(
    "grammar",
    [
        seq(OneOf((Fixed("a"), Fixed("ab"))), OneOf((Fixed(""), Fixed("b"), Fixed("c")))),  # "ab" comes two ways
        seq(Number(0, 11), Number(0, 11)),  # so does "111"
        seq(OneOf((Fixed(""), Number(-1, 1, 1))), ",", OneOf((Fixed("x"), Fixed("x"), Fixed("y")))),
        FreeText(1, 1),
        Warmed(Day(date(2024, 2, 27), date(2024, 3, 2)), 0.1),
    ],
)  # fmt: skip
def test_probabilities_sum_to_one_and_are_those_of_the_draws(grammar: Grammar) -> None:
    (sample,), _ = UniformEngine().sample([SampleRequest(REQUEST.messages, grammar, n=20_000, seed=3)])
    counts = Counter(sample.texts)
    texts = sorted(counts)
    (score,), _ = UniformEngine().score([ScoreRequest(REQUEST.messages, grammar, tuple(texts))])
    p = [math.exp(logprob) for logprob in score.logprobs]
    assert sum(p) == pytest.approx(1)
    assert chisquare([counts[text] for text in texts], [20_000 * x for x in p]).pvalue > 1e-4


def test_the_probability_of_a_text_is_that_of_its_process() -> None:
    """Every text of up to three characters, summed: nothing is left over."""
    letters = "aeiounrstlmdcp"
    texts = list(letters) + [a + b for a in letters for b in letters]
    texts += [a + b + c for a in letters for b in (*letters, " ") for c in letters]
    assert sum(math.exp(sum(text_logprobs(FreeText(1, 3), text))) for text in texts) == pytest.approx(1)
    for refused in ("", " a", "a ", "abcd", "a  b", "b" * 300):
        assert sum(text_logprobs(FreeText(1, 3), refused)) == -math.inf


def test_a_long_row_is_scored_at_once() -> None:
    cell = OneOf((seq('"', FreeText(1, 300), '"'), Fixed("")))
    grammar = seq(*(part for _ in range(100) for part in (cell, ",")))
    text = draw_text(grammar, Random(1))
    assert len(text) > 3000
    assert len(text_logprobs(grammar, text)) == 100


def test_no_grammar_and_odd_texts() -> None:
    engine = UniformEngine()
    free = SampleRequest(REQUEST.messages, None, n=5, likelihood=True)
    (sample,), _ = engine.sample([free])
    (score,), _ = engine.score([ScoreRequest(REQUEST.messages, None, sample.texts)])
    assert score.values == sample.logprobs
    texts = ("9" * 5000, "-0", "007", "1.", "")
    (score,), _ = engine.score([ScoreRequest(REQUEST.messages, Number(-5, 10**6), texts)])
    assert score.logprobs == (-math.inf,) * 5
