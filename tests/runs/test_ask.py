"""Every question to the engine is recorded, whatever is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from localsynth.core.contracts import Message, SampleRequest, ScoreRequest
from localsynth.core.errors import Cancelled
from localsynth.core.events import Event, Measured
from localsynth.core.grammar import Number
from localsynth.engine.uniform import UniformEngine
from localsynth.runs.ask import RecordedAsk
from localsynth.runs.bus import Bus, read_events
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


def test_numbers_of_learning_are_told_and_kept(tmp_path: Path) -> None:
    heard: list[Event] = []
    bus = Bus("r", tmp_path / "events.jsonl", [heard.append])
    ask = RecordedAsk(UniformEngine(), bus, Meter("r", 10, 0, bus.emit), Control())
    ask.measured("score", 3, 0.5, (0.25, 0.75), per="round", unit="share")
    ask.measured("loss", 1, float("nan"))
    ask.measured("loss", 1, 0.5, (0.1, float("inf")))
    (event,) = bus.take()
    assert isinstance(event, Measured)
    assert [event] == heard == read_events(tmp_path / "events.jsonl")[0]
    assert (event.name, event.step, event.value, event.low, event.high) == ("score", 3, 0.5, 0.25, 0.75)
    assert (event.per, event.unit) == ("round", "share")
