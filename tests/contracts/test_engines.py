"""What every engine keeps: the one without a model, and llama.cpp in its child process."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from localsynth.core.contracts import Engine, Message, SampleRequest, Sampling, ScoreRequest
from localsynth.core.errors import Cancelled, ContextTooSmall
from localsynth.core.grammar import Day, Fixed, FreeText, Grammar, Number, OneOf, Warmed, seq
from localsynth.engine import open_engine
from localsynth.engine.regex import fullmatch

PROMPT = (Message("system", "You write rows."), Message("user", "Write one row: age, sex, day, note."))
ROW: Grammar = seq(
    Number(18, 95),
    ",",
    Warmed(OneOf((Fixed("female"), Fixed("male"), Fixed(""))), 0.6),
    ",",
    Day(date(2024, 2, 20), date(2024, 3, 10)),
    ',"',
    FreeText(3, 12),
    '"\n',
)
#: Digits and line ends alone: no other split into tokens can be drawn than the tokenizer's own, which ``score`` takes.
DIGITS: Grammar = seq(Number(0, 99), "\n", Number(0, 9), "\n")


@pytest.fixture(scope="module", params=["uniform", pytest.param("llama.cpp", marks=pytest.mark.model)])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "uniform":
        yield open_engine(None)
        return
    from localsynth.engine.catalog import Catalog

    engine = open_engine(Catalog().get("smollm2-135m"), threads=2)
    yield engine
    engine.close()


def test_as_many_texts_as_asked_and_nothing_the_grammar_forbids(engine: Engine) -> None:
    requests = [SampleRequest(PROMPT, ROW, n=n, seed=n) for n in (5, 0, 1)]
    requests.append(SampleRequest(PROMPT, DIGITS, n=3, prefix="age", sampling=Sampling(temperature=0)))
    samples, usage = engine.sample(requests)
    assert [len(sample.texts) for sample in samples] == [5, 0, 1, 3]
    assert usage.samples == 9
    for request, sample in zip(requests, samples, strict=True):
        assert request.grammar is not None
        assert all(fullmatch(request.grammar, text) for text in sample.texts)
        assert sample.logprobs is None


def test_nothing_asked_is_nothing_done(engine: Engine) -> None:
    samples, usage = engine.sample([])
    assert (samples, usage.samples, usage.decoded_tokens) == ([], 0, 0)
    scores, usage = engine.score([])
    assert (scores, usage.decoded_tokens) == ([], 0)
    (sample,), _ = engine.sample([SampleRequest(PROMPT, ROW, n=0, likelihood=True)])
    assert (sample.texts, sample.logprobs) == ((), ())
    (score,), _ = engine.score([ScoreRequest(PROMPT, ROW, ())])
    assert (score.values, score.tokens, score.logprobs) == ((), (), ())


def rounding(engine: Engine) -> float:
    """How far a log-probability may lie off: a model's numbers depend a little on what is computed beside them.

    How little depends on the processor: 4-bit weights meet activations of 8 bits, and kernels for one row and for many round
    them differently (seen: 0.08 of 4.5 nats on an AMD EPYC, less than 0.05 elsewhere).
    """
    return 1e-9 if engine.info().model is None else 0.15


def test_the_same_call_gives_the_same_texts(engine: Engine) -> None:
    request = SampleRequest(PROMPT, ROW, n=6, seed=5)
    (first,), _ = engine.sample([request])
    engine.sample([SampleRequest((Message("user", "Another table."),), DIGITS, n=3, seed=1)])
    (later,), _ = engine.sample([request])
    assert first == later
    (different,), _ = engine.sample([SampleRequest(PROMPT, ROW, n=6, seed=7)])
    assert different != first


def test_texts_are_a_function_of_the_request_whatever_else_is_asked(engine: Engine) -> None:
    """Up to rounding, which may tip a draw that lies on the edge between two tokens."""
    request = SampleRequest(PROMPT, DIGITS, n=40, seed=5)
    others = [SampleRequest((Message("user", f"Table {i}."),), ROW, n=3, seed=i) for i in range(4)]
    (alone,), _ = engine.sample([request])
    (*_, beside, _), _ = engine.sample([*others, request, SampleRequest(PROMPT, DIGITS, n=2, seed=6)])
    same = sum((Counter(alone.texts) & Counter(beside.texts)).values())
    assert same == 40 if engine.info().model is None else same >= 32


def test_the_likelihood_of_what_was_drawn_is_its_score(engine: Engine) -> None:
    for sampling in (Sampling(), Sampling(temperature=1.6)):
        request = SampleRequest(PROMPT, DIGITS, n=20, seed=3, sampling=sampling, likelihood=True)
        (sample,), _ = engine.sample([request])
        (score,), _ = engine.score([ScoreRequest(PROMPT, DIGITS, sample.texts, sampling=sampling)])
        assert sample.logprobs is not None
        for drawn, scored in zip(sample.logprobs, score.values, strict=True):
            assert len(drawn) == len(scored) == 2  # values: what lies between is fixed
            assert all(math.isfinite(value) and value <= 1e-6 for value in (*drawn, *scored))
            assert drawn == pytest.approx(scored, abs=rounding(engine))


def test_a_row_has_one_value_per_cell(engine: Engine) -> None:
    (sample,), _ = engine.sample([SampleRequest(PROMPT, ROW, n=4, seed=8, likelihood=True)])
    (score,), _ = engine.score([ScoreRequest(PROMPT, ROW, sample.texts)])
    assert sample.logprobs is not None
    for values in (*sample.logprobs, *score.values):
        assert len(values) == 4
        assert all(math.isfinite(value) for value in values)
    assert all(logprob == sum(values) for logprob, values in zip(score.logprobs, score.values, strict=True))


def test_probabilities_of_all_texts_sum_to_one(engine: Engine) -> None:
    grammar = seq(Number(0, 9), "\n")
    texts = tuple(f"{digit}\n" for digit in range(10))
    (score,), _ = engine.score([ScoreRequest(PROMPT, grammar, texts)])
    assert sum(map(math.exp, score.logprobs)) == pytest.approx(1, abs=rounding(engine))


def test_a_text_the_grammar_refuses_has_no_probability(engine: Engine) -> None:
    allowed = "42\n7\n"
    refused = ("", "42", "42\n7", "42\n7\n\n", "042\n7\n", "abc", allowed + allowed)
    (score,), _ = engine.score([ScoreRequest(PROMPT, DIGITS, (allowed, *refused))])
    assert math.isfinite(score.logprobs[0])
    assert score.logprobs[1:] == (-math.inf,) * len(refused)


def test_scores_are_a_function_of_the_request_alone(engine: Engine) -> None:
    one = ScoreRequest(PROMPT, DIGITS, ("1\n2\n", "34\n5\n", "1\n2\n"))
    (alone,), _ = engine.score([one])
    (_, beside), _ = engine.score([ScoreRequest((Message("user", "x"),), DIGITS, ("1\n2\n",)), one])
    assert alone.values[0] == alone.values[2]
    for first, second in zip(alone.values, beside.values, strict=True):
        assert first == pytest.approx(second, abs=rounding(engine))


def test_what_cannot_fit_is_refused_with_numbers(engine: Engine) -> None:
    context = engine.info().context
    long = (Message("user", "word " * 4 * context),)
    with pytest.raises(ContextTooSmall, match=rf"\d+ tokens.*{context}"):
        engine.sample([SampleRequest(long, ROW)])
    with pytest.raises(ContextTooSmall, match=rf"\d+ tokens.*{context}"):
        engine.score([ScoreRequest(long, DIGITS, ("1\n2\n",))])
    (sample,), _ = engine.sample([SampleRequest(PROMPT, ROW, n=2)])  # and it goes on
    assert len(sample.texts) == 2


def test_cancel_from_another_thread(engine: Engine) -> None:
    begun = threading.Event()

    def stop() -> None:
        begun.wait(60)
        engine.cancel()

    thread = threading.Thread(target=stop)
    thread.start()
    endless = seq('"', FreeText(200, 300), '"')
    with pytest.raises(Cancelled):
        engine.sample([SampleRequest(PROMPT, endless, n=200_000, seed=2)], lambda *_: begun.set())
    thread.join()
    (sample,), _ = engine.sample([SampleRequest(PROMPT, ROW, n=2)])
    assert len(sample.texts) == 2


def test_tokens_are_counted_and_prompts_shown(engine: Engine, tmp_path: Path) -> None:
    assert engine.count_tokens([]) == []
    short, long, none = engine.count_tokens(["word", "word " * 50, ""])
    assert 0 < short < long
    assert none == 0
    request = SampleRequest(PROMPT, None, prefix="age,sex\n")
    assert "Write one row" in engine.render(request)
    assert engine.render(request).endswith("age,sex\n")
    assert engine.prompt_tokens(request) > engine.prompt_tokens(SampleRequest(PROMPT, None)) > 5
