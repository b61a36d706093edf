"""Likelihoods, adapters and temperatures of single values, on the real model."""

from __future__ import annotations

from collections import Counter
from math import exp, inf
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chisquare

from localsynth.core.contracts import Adapter, Message, SampleRequest, Sampling, ScoreRequest
from localsynth.core.errors import EngineError, ModelError
from localsynth.core.grammar import Fixed, FreeText, Grammar, Number, OneOf, Warmed, seq
from localsynth.engine.backend import LlamaBackend, Options
from localsynth.engine.context import Slot
from localsynth.engine.setup import Setup
from tests.engine.lora_files import write_adapter

pytestmark = pytest.mark.model

PROMPT = (Message("system", "You write rows of a table."), Message("user", "Write one row: sex,age,note."))
SEX = OneOf((Fixed("female"), Fixed("male")))
ROW: Grammar = seq(SEX, ",", Number(0, 99), ',"', FreeText(3, 12), '"\n')
SMALL: Grammar = seq(SEX, ",", Number(0, 2), "\n")


@pytest.fixture(scope="module")
def backend(embedded_model: Path) -> LlamaBackend:
    setup = Setup(threads=2, contexts=2, lanes=8, cells=2048, side_cells=2048)
    return LlamaBackend(Options(str(embedded_model), "smollm2-135m", setup))


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Adapter:
    return Adapter(str(write_adapter(tmp_path_factory.mktemp("lora") / "a.gguf", seed=1, strength=0.4)), 1.0)


def alone(backend: LlamaBackend, request: ScoreRequest) -> list[float]:
    """Log-probability of each text: its tokens decoded in one go, by themselves, in an empty cache."""
    prompt = backend.prompt(request.messages, request.prefix)
    backend._sampler.use_adapter(request.adapter)
    result = []
    for text in request.texts:
        path, total = backend._weights.tokenize(text), 0.0
        for at, token in enumerate(path):
            backend._sampler.forget()
            (logits,) = backend._first.decode([Slot(0, 0, [*prompt, *path[:at]], True)])
            z = logits[backend._sampler._branching._free].astype(float)
            total += float(logits[token]) - z.max() - np.log(np.exp(z - z.max()).sum())
        result.append(total)
    backend._sampler.forget()
    return result


def test_scores_agree_with_texts_evaluated_one_by_one(backend: LlamaBackend, adapter: Adapter) -> None:
    texts = ("female,34,tired\n", "male,7,ok\n", "female,35,tired and cold\n", "zzz", "female,34,tired\n")
    for used in (None, adapter):
        request = ScoreRequest(PROMPT, None, texts, adapter=used)
        (score,), usage = backend.score([request])
        expected = alone(backend, request)
        assert score.tokens == tuple(len(backend._weights.tokenize(text)) for text in texts)
        for got, wanted, tokens in zip(score.logprobs, expected, score.tokens, strict=True):
            assert abs(got - wanted) / tokens < 1e-3
        assert score.logprobs[0] == score.logprobs[4]
        assert usage.decoded_tokens < sum(score.tokens)  # common beginnings are decoded once


def test_scores_of_many_requests_in_one_call_are_those_of_each(
    backend: LlamaBackend, adapter: Adapter
) -> None:
    requests = [
        ScoreRequest(PROMPT, grammar, ("female,1\n", "male,2\n"), prefix, adapter=used)
        for grammar in (None, SMALL)
        for prefix in ("", "row: ")
        for used in (None, adapter)
    ]
    together, _ = backend.score(requests)
    for request, score in zip(requests, together, strict=True):
        (single,), _ = backend.score([request])
        assert score.logprobs == pytest.approx(single.logprobs, abs=3e-3)


def test_likelihoods_of_drawn_texts_are_how_often_they_come(backend: LlamaBackend) -> None:
    request = SampleRequest(PROMPT, SMALL, n=20_000, seed=4, likelihood=True)
    (sample,), _ = backend.sample([request])
    assert sample.logprobs is not None
    assert {len(values) for values in sample.logprobs} == {2}  # one for the sex, one for the number
    # A text may be drawn in several splits into tokens, each with a likelihood of its own.
    counts = Counter(zip(sample.texts, sample.logprobs, strict=True))
    p = np.array([exp(sum(values)) for _, values in counts])
    found = np.array(list(counts.values()))
    assert p.sum() == pytest.approx(1, abs=0.02)
    keep = p * 20_000 >= 5
    assert chisquare(found[keep], p[keep] / p[keep].sum() * found[keep].sum()).pvalue > 1e-4
    texts = tuple(sorted(set(sample.texts)))
    (score,), _ = backend.score([ScoreRequest(PROMPT, SMALL, texts)])
    for text, values in zip(texts, score.values, strict=True):
        drawn = [found for other, found in counts if other == text]
        assert any(values == pytest.approx(found, abs=0.05) for found in drawn)


def test_a_text_the_grammar_refuses_has_probability_zero(backend: LlamaBackend) -> None:
    texts = ("female,1\n", "female,7\n", "other,1\n", "female,1", "", "female,1\nmore")
    (score,), _ = backend.score([ScoreRequest(PROMPT, SMALL, texts)])
    assert score.logprobs[0] > -inf
    assert score.logprobs[1:] == (-inf,) * 5


def test_an_adapter_changes_what_is_said_by_its_scale(backend: LlamaBackend, adapter: Adapter) -> None:
    texts = ("female,1\n", "male,2\n")

    def said(used: Adapter | None) -> tuple[float, ...]:
        return backend.score([ScoreRequest(PROMPT, SMALL, texts, adapter=used)])[0][0].logprobs

    plain, full = said(None), said(adapter)
    assert full != pytest.approx(plain, abs=0.05)
    assert said(Adapter(adapter.path, 0.0)) == pytest.approx(plain, abs=3e-3)
    assert said(None) == plain  # nothing of the adapter stays


def test_adapters_and_samplings_mixed_in_one_call_keep_the_distribution(
    backend: LlamaBackend, adapter: Adapter
) -> None:
    grammar: Grammar = seq(Number(0, 99), "\n")  # digits: one way only to split each text into tokens
    texts = tuple(f"{n}\n" for n in range(100))
    half = Adapter(adapter.path, 0.5)
    mixed = [
        (None, Sampling()),
        (adapter, Sampling(1.3, top_p=0.98)),
        (None, Sampling(0.7, top_k=4)),
        (half, Sampling(1.5, min_p=0.05)),
        (adapter, Sampling()),
    ]
    requests = [
        SampleRequest(PROMPT, grammar, n=3_000 + seed, seed=seed, adapter=used, sampling=sampling)
        for seed, (used, sampling) in enumerate(mixed)
    ]
    samples, _ = backend.sample(requests)
    for request, sample in zip(requests, samples, strict=True):
        assert len(sample.texts) == request.n
        (score,), _ = backend.score(
            [ScoreRequest(PROMPT, grammar, texts, sampling=request.sampling, adapter=request.adapter)]
        )
        p = np.exp(score.logprobs)
        assert p.sum() == pytest.approx(1, abs=0.02)
        drawn = Counter(sample.texts)
        counts = np.array([drawn[text] for text in texts])
        assert counts[p == 0].sum() == 0
        common = p * request.n >= 5
        found = np.append(counts[common], counts[~common].sum())
        wanted = np.append(p[common], p[~common].sum()) / p.sum() * request.n
        assert chisquare(found[wanted > 0], wanted[wanted > 0]).pvalue > 1e-4


def test_a_file_that_is_no_adapter_for_this_model(backend: LlamaBackend, tmp_path: Path) -> None:
    (tmp_path / "x.gguf").write_bytes(b"GGUF" + bytes(64))
    narrow = write_adapter(tmp_path / "narrow.gguf", layers=1, width=64)
    for path in (tmp_path / "none.gguf", tmp_path / "x.gguf", narrow):
        with pytest.raises(ModelError, match="adapter"):
            backend.sample([SampleRequest(PROMPT, SMALL, adapter=Adapter(str(path)))])
    assert backend.sample([SampleRequest(PROMPT, SMALL)])[0][0].texts


def test_a_value_with_its_own_temperature(backend: LlamaBackend) -> None:
    """The first value cold, the second as the request says: each as if it had been drawn under its own temperature."""
    cold: Grammar = seq(Warmed(SEX, 0.0), ",", Number(0, 2), "\n")
    (plain, warmed), _ = backend.sample(
        [
            SampleRequest(PROMPT, SMALL, n=6_000, seed=1),
            SampleRequest(PROMPT, cold, n=6_000, seed=2),
        ]
    )
    sexes = Counter(text.split(",")[0] for text in plain.texts)
    (sex,) = {text.split(",")[0] for text in warmed.texts}
    assert sex == sexes.most_common(1)[0][0]
    given = Counter(text for text in plain.texts if text.startswith(f"{sex},"))
    found = Counter(warmed.texts)
    wanted = np.array([given[text] for text in sorted(given)]) / sum(given.values()) * 6_000
    assert np.abs(np.array([found[text] for text in sorted(given)]) - wanted).max() < 6_000 * 0.05


def test_values_with_their_own_temperature_are_scored_with_it(backend: LlamaBackend) -> None:
    cold: Grammar = seq(Warmed(SEX, 0.0), ",", Number(0, 2), "\n")
    texts = ("female,1\n", "male,1\n")
    (plain,), _ = backend.score([ScoreRequest(PROMPT, SMALL, texts)])
    (warmed,), _ = backend.score([ScoreRequest(PROMPT, cold, texts)])
    assert {values[0] for values in warmed.values} <= {0.0, -inf}
    for before, after in zip(plain.values, warmed.values, strict=True):
        assert after[0] == -inf or after[1] == pytest.approx(before[1], abs=1e-6)


def test_a_score_that_cannot_be_made_leaves_the_engine_whole(
    backend: LlamaBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = tuple(f"female,{n},note {n}\n" for n in range(40))
    good = ScoreRequest(PROMPT, None, texts)
    expected, _ = backend.score([good])

    def refuse(grammar: Grammar) -> int:
        raise EngineError("the grammar cannot be compiled: too large")

    with monkeypatch.context() as patch:
        patch.setattr(backend._grammars, "compile", refuse)
        with pytest.raises(EngineError, match="grammar"):
            backend.score([good, ScoreRequest(PROMPT, Number(0, 7), ("1",))])
    assert backend.score([good])[0] == expected


def test_an_adapter_written_anew_is_read_anew(backend: LlamaBackend, tmp_path: Path) -> None:
    path = tmp_path / "a.gguf"
    request = ScoreRequest(PROMPT, SMALL, ("female,1\n",), adapter=Adapter(str(path)))
    said = []
    for seed, rank in ((1, 4), (2, 8)):
        write_adapter(path, seed=seed, rank=rank, strength=0.4)
        said.append(backend.score([request])[0][0].logprobs)
    assert said[0] != pytest.approx(said[1], abs=0.01)


def test_with_flash_attention_threads_change_no_bit_either(embedded_model: Path) -> None:
    setup = Setup(threads=3, contexts=1, cells=1024, flash_attention=True)
    backend = LlamaBackend(Options(str(embedded_model), "smollm2-135m", setup))
    tokens = list(range(1000, 1600))
    found = []
    for threads in (1, 2, 3):
        backend._sampler.forget()
        backend._first.use_threads(threads)
        backend._first.decode([Slot(0, 0, tokens[:400], False)])
        backend._first.decode([Slot(0, 400, tokens[400:], False)])
        found.append(backend._first.decode([Slot(0, 600, [77], True)]).copy())
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])


def test_threads_change_no_bit(backend: LlamaBackend) -> None:
    tokens = backend.prompt(PROMPT, "female,")
    found = []
    for threads in (1, 2, 3):
        backend._sampler.forget()
        backend._first.use_threads(threads)
        backend._first.decode([Slot(0, 0, tokens, False)])
        for sequence in range(1, 8):
            backend._first.copy(0, sequence, len(tokens))
        slots = [Slot(sequence, len(tokens), [1000 + sequence], True) for sequence in range(1, 8)]
        found.append(backend._first.decode(slots).copy())
    backend._sampler.forget()
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])


def test_a_sequence_moves_to_another_context_bit_by_bit(backend: LlamaBackend) -> None:
    first, second = (lanes.context for lanes in backend._sampler.lanes)
    tokens = backend.prompt(PROMPT, "")
    backend._sampler.forget()
    first.decode([Slot(0, 0, tokens, False)])
    second.adopt(3, first.export(0))
    here = first.decode([Slot(0, len(tokens), [1000], True)]).copy()
    there = second.decode([Slot(3, len(tokens), [1000], True)]).copy()
    backend._sampler.forget()
    assert np.array_equal(here, there)
