"""The engine without a model."""

from __future__ import annotations

import threading

import pytest

from localsynth.core.contracts import Message, SampleRequest
from localsynth.core.errors import Cancelled
from localsynth.core.grammar import FreeText, Number, seq
from localsynth.engine.uniform import UniformEngine

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


def test_cancel_from_another_thread() -> None:
    engine = UniformEngine()
    with pytest.raises(Cancelled):
        engine.sample(
            [SampleRequest(REQUEST.messages, REQUEST.grammar, n=50_000_000)],
            lambda *_: threading.Thread(target=engine.cancel).start(),
        )
