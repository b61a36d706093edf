"""Choosing what to try and who wins, with speeds that are made up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localsynth.core.errors import Cancelled, EngineDied, EngineError, ModelError
from localsynth.engine.search import BOUND, Candidate, Search, Trial, layouts, winner
from localsynth.engine.setup import Setup, default_setup
from localsynth.engine.workload import Measured

OWN = Candidate("Q4_1", Path("own.gguf"), 100, 5.0)
MADE = {q: Candidate(q, Path(q), 100, 8.0, f"{q}.gguf") for q in ("Q4_0", "Q8_0", "BF16")}
START = default_setup(100, 4)


class Made:
    """Speeds out of a table; records what was asked."""

    def __init__(self, speeds: dict[str, float], **divergence: float) -> None:
        self.speeds, self.divergence = speeds, divergence
        self.asked: list[tuple[str, Setup, float]] = []

    def factor(self, setup: Setup) -> float:
        return 1.0

    def __call__(self, candidate: Candidate, setup: Setup, *, beat: float, compare: bool) -> Measured:
        self.asked.append((candidate.quantization, setup, beat))
        speed = self.speeds[candidate.quantization] * self.factor(setup)
        apart = self.divergence.get(candidate.quantization, 0.0) if compare else None
        return Measured(10 * speed, speed, 500, apart)


def test_two_files_close_to_each_other_go_on_and_the_third_does_not() -> None:
    search = Search(4, Made({"Q4_1": 50, "Q8_0": 95, "BF16": 100, "Q4_0": 99}, Q4_0=0.05))
    finalists = search.files([OWN, *MADE.values()])
    assert [one.quantization for one in finalists] == ["BF16", "Q8_0"]
    assert [trial.note for trial in search.trials] == ["", "too far from the original", "", ""]
    assert search.trials[1].speed == 0


def test_a_file_at_the_bound_may_win_and_one_beyond_it_may_not() -> None:
    for apart, who in (
        (BOUND, "Q4_0"),
        (BOUND * 1.01, "Q4_1"),
        (float("inf"), "Q4_1"),
        (float("nan"), "Q4_1"),
    ):
        search = Search(4, Made({"Q4_1": 50, "Q4_0": 100}, Q4_0=apart))
        search.files([OWN, MADE["Q4_0"]])
        assert winner(search.trials).quantization == who


def test_the_fastest_layout_lanes_and_attention_are_found() -> None:
    class Shaped(Made):
        def factor(self, setup: Setup) -> float:
            layout = {(4, 4): 1.0, (4, 2): 1.3}.get((setup.threads, setup.contexts), 0.6)
            lanes = {8: 0.8, 16: 1.0, 32: 1.2, 64: 1.1}[setup.lanes]
            return layout * lanes * (1.1 if setup.flash_attention else 1.0)

    search = Search(4, Shaped({"Q4_1": 50, "BF16": 100}))
    search.setups(search.files([OWN, MADE["BF16"]]))
    best = winner(search.trials)
    assert best.quantization == "BF16"
    assert best.setup == replace(START, threads=4, contexts=2, lanes=32, flash_attention=True)
    assert best.measured is not None
    assert best.measured.divergence == 0.0  # found once, known for every setup of the file
    assert len(search.trials) == len({(t.candidate, t.setup) for t in search.trials}) <= 13


def test_fewer_lanes_are_tried_only_where_more_do_not_help() -> None:
    class Narrow(Made):
        def factor(self, setup: Setup) -> float:
            return 16 / setup.lanes

    search = Search(1, Narrow({"Q4_1": 50}))
    search.setups(search.files([OWN]))
    assert [t.setup.lanes for t in search.trials if t.setup] == [16, 32, 8, 8]
    best = winner(search.trials)
    assert best.setup is not None
    assert (best.setup.lanes, best.setup.flash_attention) == (8, False)


def test_what_is_faster_only_by_noise_does_not_win() -> None:
    search = Search(4, Made({"Q4_1": 98, "BF16": 100}))
    search.setups(search.files([OWN, MADE["BF16"]]))
    best = winner(search.trials)
    assert best is search.trials[0]
    assert (best.candidate, best.setup) == (OWN, START)


def test_when_time_is_up_files_are_still_tried_and_setups_are_not() -> None:
    told: list[Trial] = []
    made = Made({"Q4_1": 50, "Q8_0": 60, "BF16": 10, "Q4_0": 10})
    search = Search(4, made, enough=lambda: True, told=told.append)
    search.setups(search.files([OWN, *MADE.values()]))
    assert [one for one, _, _ in made.asked] == ["Q4_1", "Q4_0", "Q8_0", "BF16"]
    assert [beat for _, _, beat in made.asked] == [0, 50, 50, 60]
    assert winner(search.trials).quantization == "Q8_0"
    assert told == search.trials
    assert search.untried == 6 + 2 + 1  # layouts, lanes, flash attention


def test_setups_beyond_the_memory_are_not_tried() -> None:
    made = Made({"Q4_1": 50})
    search = Search(4, made, fits=lambda _, setup: setup.contexts <= 2)
    search.setups(search.files([OWN]))
    assert {setup.contexts for _, setup, _ in made.asked[1:]} == {1, 2}


def test_a_file_or_setup_that_fails_is_a_line_of_the_table() -> None:
    class Broken(Made):
        def __call__(self, candidate: Candidate, setup: Setup, *, beat: float, compare: bool) -> Measured:
            if candidate.quantization == "BF16" or setup.flash_attention:
                raise EngineDied("the engine process was ended by SIGKILL")
            return super().__call__(candidate, setup, beat=beat, compare=compare)

    search = Search(4, Broken({"Q4_1": 50}))
    search.skip("Q8_0", "needs 9 GB of memory")
    search.trials.clear()
    search.setups(search.files([OWN, MADE["BF16"]]))
    failed = [trial for trial in search.trials if trial.note]
    assert [trial.quantization for trial in failed] == ["BF16", "Q4_1"]
    assert "SIGKILL" in failed[0].note
    assert winner(search.trials).quantization == "Q4_1"


def test_the_model_s_own_file_must_run_and_a_cancel_is_no_failure() -> None:
    def refuse(*_: object, **__: object) -> Measured:
        raise EngineError("no")

    def stop(candidate: Candidate, *_: object, **__: object) -> Measured:
        if candidate is OWN:
            return Measured(1, 1, None, 0.0)
        raise Cancelled("stop")

    with pytest.raises(EngineError):
        Search(4, refuse).files([OWN])
    with pytest.raises(Cancelled):
        Search(4, stop).files([OWN, MADE["BF16"]])
    with pytest.raises(ModelError, match="nothing that was tried"):
        winner([Trial("Q8_0", note="too large")])


def test_layouts_of_four_cores() -> None:
    shares = [(setup.threads, setup.contexts) for setup in layouts(START, 4)]
    assert shares == [(4, 2), (4, 1), (3, 3), (3, 1), (2, 2), (2, 1)]
    assert layouts(default_setup(100, 1), 1) == []


@given(st.integers(1, 512))
def test_layouts_share_the_threads_evenly(cores: int) -> None:
    found = layouts(default_setup(100, cores), cores)
    assert len(found) == len(set(found)) <= 12
    for setup in found:
        assert 1 <= setup.contexts <= 16
        assert 1 <= setup.threads <= cores
        assert setup.threads % setup.contexts == 0
