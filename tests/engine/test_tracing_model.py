"""Texts as the model would write them, on the real model."""

from __future__ import annotations

from pathlib import Path

import pytest

from localsynth.core.contracts import Message, SampleRequest, ScoreRequest
from localsynth.core.errors import EngineError
from localsynth.core.grammar import Fixed, FreeText, Number, OneOf, seq
from localsynth.engine.backend import LlamaBackend, Options
from localsynth.engine.process import ProcessEngine
from localsynth.engine.setup import Setup
from localsynth.engine.uniform import UniformEngine

pytestmark = pytest.mark.model

SETUP = Setup(threads=2, contexts=1, lanes=4, cells=1024, side_cells=1024)
ROW = seq(OneOf((Fixed("female"), Fixed("male"))), ",", Number(0, 99), "\n")


@pytest.fixture(scope="module")
def backend(embedded_model: Path) -> LlamaBackend:
    return LlamaBackend(Options(str(embedded_model), "smollm2-135m", SETUP))


def test_tokens_make_up_the_texts_and_each_is_among_those_allowed_in_its_place(backend: LlamaBackend) -> None:
    texts = ("female,34\n", "male,7\n", "male,34\n")
    (trace,) = backend.trace([ScoreRequest((), ROW, texts, prefix="\n")])
    pieces = backend._pieces
    assert b"".join(pieces[token] for token in trace.prompt) == b"\n"
    for text, traced in zip(texts, trace.texts, strict=True):
        assert b"".join(pieces[token] for token in traced.tokens).decode() == text
        assert all(
            token in trace.allowed[place] for token, place in zip(traced.tokens, traced.places, strict=True)
        )
    opened = {pieces[token] for token in trace.allowed[trace.texts[0].places[0]]}
    assert b"female" in opened
    assert not opened & {b"34", b"\n", b"x"}
    assert len(set(trace.allowed)) == len(trace.allowed)


def test_free_text_is_told_as_any_token_and_so_is_everything_without_a_grammar(backend: LlamaBackend) -> None:
    grammar = seq('"', FreeText(3, 40), '"\n')
    traces = backend.trace(
        [ScoreRequest((), grammar, ('"tired and cold"\n',)), ScoreRequest((), None, ("tired\n",))]
    )
    assert -1 in traces[0].texts[0].places
    assert set(traces[1].texts[0].places) == {-1}
    assert traces[0].allowed == traces[1].allowed


def test_a_text_that_the_grammar_does_not_allow_has_no_trace(backend: LlamaBackend) -> None:
    (trace,) = backend.trace([ScoreRequest((), ROW, ("child,3\n", "male,100\n", "male,3\n\n", "male,3\n"))])
    assert [bool(text.tokens) for text in trace.texts] == [False, False, False, True]


def test_without_messages_there_is_no_chat_template(backend: LlamaBackend) -> None:
    assert backend.render(SampleRequest((), ROW, prefix="\n")) == "\n"
    assert "<|im_start|>" in backend.render(SampleRequest((Message("user", "x"),), ROW))


def test_the_process_gives_what_the_backend_gives(backend: LlamaBackend, embedded_model: Path) -> None:
    requests = [
        ScoreRequest((), ROW, ("female,1\n", "male,2\n"), prefix="\n"),
        ScoreRequest((), None, ("x",)),
    ]
    with ProcessEngine(embedded_model, "smollm2-135m", SETUP) as engine:
        assert engine.trace(requests) == backend.trace(requests)


def test_the_uniform_engine_has_no_tokens() -> None:
    with pytest.raises(EngineError, match="no tokens"):
        UniformEngine().trace([ScoreRequest((), ROW, ("male,1\n",))])
