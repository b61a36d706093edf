"""Rate and ETA, on a clock of our own."""

from __future__ import annotations

from localsynth.core.events import Progress
from localsynth.core.run import Usage
from localsynth.runs.meter import Meter


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_there_is_progress_from_the_start_and_an_eta_if_an_earlier_run_gave_a_rate() -> None:
    sent: list[Progress] = []
    meter = Meter("r", 100, 0, sent.append, rows_per_s=5.0, clock=Clock())
    meter.committed(0)
    assert (sent[0].rows_done, sent[0].eta_s) == (0, 20.0)
    Meter("r", 100, 0, sent.append, clock=Clock()).committed(0)
    assert sent[-1].eta_s is None


def test_at_most_ten_a_second() -> None:
    sent: list[Progress] = []
    clock = Clock()
    meter = Meter("r", 1000, 0, sent.append, clock=clock)
    meter.batch(1000)
    sent.clear()
    for i in range(1000):
        clock.now += 0.001
        meter.call(i, 1000)
    assert 8 <= len(sent) <= 10


def test_rows_grow_within_a_batch_and_never_reach_its_end_before_the_commit() -> None:
    sent: list[Progress] = []
    clock = Clock()
    meter = Meter("r", 200, 0, sent.append, clock=clock)
    meter.batch(100)
    for finished in range(0, 201, 10):
        clock.now += 1
        meter.call(finished, 200)
    first = [event.rows_done for event in sent]
    assert first == sorted(first)
    assert 50 < first[-1] < 100
    meter.used(Usage(samples=200))
    meter.committed(97)
    assert sent[-1].rows_done == 97
    meter.batch(100)  # now two texts per row are usual
    clock.now += 1
    meter.call(50, 200)
    assert sent[-1].rows_done == 97 + 25
    meter.call(400, 400)
    clock.now += 1
    meter.tick()
    assert sent[-1].rows_done == 97 + 99


def test_the_rate_is_measured_and_an_eta_follows_even_when_a_batch_takes_long() -> None:
    sent: list[Progress] = []
    clock = Clock()
    meter = Meter("r", 1000, 0, sent.append, clock=clock)
    for batch in range(1, 6):
        meter.batch(100)
        clock.now += 200
        meter.used(Usage(samples=100))
        meter.committed(batch * 100)
    assert abs(sent[-1].rows_per_s - 0.5) < 1e-9
    assert sent[-1].eta_s is not None
    assert abs(sent[-1].eta_s - 1000) < 1e-6
    meter.batch(100)
    clock.now += 150
    meter.tick()
    assert sent[-1].rows_per_s > 0.3


def test_tokens_per_second_are_those_written_while_the_engine_worked() -> None:
    sent: list[Progress] = []
    meter = Meter("r", 10, 0, sent.append, clock=Clock())
    meter.used(Usage(1, 1, prompt_tokens=100, decoded_tokens=300, seconds=2.0))
    assert sent[-1].tokens_per_s == 150


def test_work_that_makes_no_rows_has_a_share_and_an_eta_of_its_own() -> None:
    sent: list[Progress] = []
    clock = Clock()
    meter = Meter("r", 100, 0, sent.append, clock=clock)
    meter.working("training", 20, 100)  # taken up where it was: the first 20 cost nothing
    assert (sent[-1].stage, sent[-1].stage_share, sent[-1].stage_eta_s) == ("training", 0.2, None)
    clock.now += 8
    meter.working("training", 60, 100)
    assert (sent[-1].stage_share, sent[-1].stage_eta_s) == (0.6, 8.0)
    meter.batch(10)
    meter.call(1, 10)
    clock.now += 1
    meter.call(2, 10)
    assert sent[-1].stage_share is None


def test_a_call_before_the_first_batch_has_a_share_of_its_own() -> None:
    sent: list[Progress] = []
    clock = Clock()
    meter = Meter("r", 100, 0, sent.append, clock=clock)
    meter.start("learning")
    meter.stage = "game"
    for finished in (0, 12, 24):
        clock.now += 1
        meter.call(finished, 48)
    assert (sent[-1].stage, sent[-1].stage_share, sent[-1].rows_done) == ("game", 0.5, 0)
    assert sent[-1].stage_eta_s == 2.0
    clock.now += 1
    meter.used(Usage(samples=48))
    clock.now += 1
    meter.call(3, 48)  # another call, of the same size
    assert (sent[-1].stage_share, sent[-1].stage_eta_s) == (3 / 48, None)
    clock.now += 1
    meter.call(0, 1)  # one text: nobody knows how far it is
    assert sent[-1].stage_share is None
    meter.batch(10)
    clock.now += 1
    meter.call(5, 10)
    assert sent[-1].stage_share is None
    assert sent[-1].rows_done > 0
