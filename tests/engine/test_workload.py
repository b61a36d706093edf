"""Measuring: rows enough, repeats where they are worth it, and how far two distributions are apart."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localsynth.core.contracts import Likelihood
from localsynth.engine.setup import Setup
from localsynth.engine.workload import Measured, Workload, divergence, peak_memory_mb
from tests.engine.tuning_kit import Pretender, pretend

OWN, OTHER = Path("own.gguf"), Path("other.gguf")
SETUP = Setup(1)


def test_the_first_file_decides_how_many_rows_every_measurement_makes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[Pretender] = []
    make = pretend(monkeypatch, lambda path, _: 0.01 if path == OWN else 0.02, lambda _: -1.0)
    workload = Workload(lambda path, setup: opened.append(make(path, setup)) or opened[-1], seconds=4.0)  # type: ignore[func-returns-value]
    own = workload.calibrate(OWN, SETUP)
    assert workload.rows == 100  # at 100 rows/s a quarter of 4 s each
    assert own == Measured(pytest.approx(1000), pytest.approx(100), None, 0.0)
    other = workload.measure(OTHER, SETUP)
    assert other.rows_per_s == pytest.approx(50)
    assert other.divergence is None
    assert [engine.calls[1:] for engine in opened] == [[48, 100, 100, 100], [100, 100, 100]]
    assert all(engine.closed for engine in opened)


def test_what_is_far_slower_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Pretender] = []
    make = pretend(monkeypatch, lambda path, _: 0.01 if path == OWN else 0.02, lambda _: -1.0)
    workload = Workload(lambda path, setup: opened.append(make(path, setup)) or opened[-1], seconds=4.0)  # type: ignore[func-returns-value]
    workload.calibrate(OWN, SETUP)
    assert workload.measure(OTHER, SETUP, beat=60).rows_per_s == pytest.approx(50)
    assert opened[-1].calls[1:] == [100, 100, 100]
    assert workload.measure(OTHER, SETUP, beat=70).rows_per_s == pytest.approx(50)
    assert opened[-1].calls[1:] == [100]


def test_a_large_model_makes_few_rows_once(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Pretender] = []
    make = pretend(monkeypatch, lambda *_: 1.0, lambda _: -1.0)
    workload = Workload(lambda path, setup: opened.append(make(path, setup)) or opened[-1], seconds=4.0)  # type: ignore[func-returns-value]
    workload.calibrate(OWN, SETUP)
    assert workload.rows == 16
    assert opened[0].calls[-1:] == [16]
    assert len(opened[0].calls) == 3


def test_likelihoods_are_compared_where_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    make = pretend(monkeypatch, lambda *_: 0.01, lambda path: -1.0 if path == OWN else -1.1)
    workload = Workload(make, seconds=4.0)
    workload.calibrate(OWN, SETUP)
    assert workload.measure(OWN, SETUP, compare=True).divergence == 0.0
    apart = workload.measure(OTHER, SETUP, compare=True).divergence
    assert apart == pytest.approx(2 * (math.exp(-0.1) - 1 + 0.1) / 4)


cells = st.floats(-40, 0)


@given(st.lists(st.tuples(cells, cells, st.integers(1, 5)), min_size=1, max_size=20))
def test_divergence_is_zero_for_the_same_and_never_negative(rows: list[tuple[float, float, int]]) -> None:
    ours = Likelihood(tuple((a,) for a, _, _ in rows), tuple(n for _, _, n in rows))
    theirs = Likelihood(tuple((b,) for _, b, _ in rows), tuple(n for _, _, n in rows))
    assert divergence(theirs, theirs) == 0
    assert divergence(ours, theirs) >= 0


@pytest.mark.parametrize("odd", [-math.inf, math.nan, math.inf])
def test_what_cannot_be_compared_is_infinitely_far(odd: float) -> None:
    assert divergence(Likelihood(((odd,),), (1,)), Likelihood(((-1.0,),), (1,))) == math.inf


def test_divergence_of_known_distributions() -> None:
    """Against the sum over the outcomes, each drawn as often as it should be."""
    ours, theirs = (0.5, 0.3, 0.2), (0.6, 0.3, 0.1)
    exact = sum(q * math.log(q / p) for p, q in zip(ours, theirs, strict=True))
    drawn = [i for i, share in enumerate(theirs) for _ in range(round(share * 10))]
    scores = [Likelihood(tuple((math.log(p[i]),) for i in drawn), (1,) * len(drawn)) for p in (ours, theirs)]
    assert divergence(*scores) == pytest.approx(exact)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_memory_of_this_process() -> None:
    assert 10 < (peak_memory_mb(os.getpid()) or 0) < 100_000
    assert peak_memory_mb(None) is None
    assert peak_memory_mb(2**30) is None
