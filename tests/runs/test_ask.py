"""Every question to the engine is recorded, whatever is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from localsynth.core.contracts import Message, SampleRequest, ScoreRequest
from localsynth.core.errors import Cancelled
from localsynth.core.grammar import Number
from localsynth.engine.uniform import UniformEngine
from localsynth.runs.ask import RecordedAsk
from localsynth.runs.bus import Bus
from localsynth.runs.control import Control
from localsynth.runs.meter import Meter

PROMPT = (Message("user", "a number"),)


def test_samples_and_scores_are_recorded_as_calls(tmp_path: Path) -> None:
    bus, control = Bus("r", tmp_path / "events.jsonl"), Control()
    meter = Meter("r", 10, 0, bus.emit)
    ask = RecordedAsk(UniformEngine(), bus, meter, control)
    (sample,) = ask.sample("numbers", [SampleRequest(PROMPT, Number(0, 9), n=3, seed=4)])
    (score,) = ask.score("judge", [ScoreRequest(PROMPT, Number(0, 9), sample.texts, prefix="n = ")])
    assert len(score.values) == 3
    assert (ask.sample("nothing", []), ask.score("nothing", [])) == ([], [])
    calls, usage = ask.take()
    assert [(call.purpose, call.requests, call.seed) for call in calls] == [
        ("numbers", 1, 4),
        ("judge", 1, 0),
    ]
    assert calls[1].prompt == "a number\n\nn = "
    assert (usage.calls, usage.samples) == (2, 6)
    assert ask.take()[0] == []
    control.kill()
    with pytest.raises(Cancelled):
        ask.score("judge", [ScoreRequest(PROMPT, Number(0, 9), ("1",))])
