"""How many layers go to a GPU."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from localsynth.engine.offload import ALL, layers_that_fit

GB = 10**9


def test_all_that_fits() -> None:
    assert layers_that_fit(5 * GB, 32, 24 * GB) == ALL
    assert layers_that_fit(5 * GB, 32, GB // 2) == 0
    assert 0 < layers_that_fit(20 * GB, 40, 12 * GB) < 40


@given(st.integers(1, 200 * GB), st.integers(1, 200), st.integers(0, 200 * GB))
def test_what_is_chosen_fits(size: int, layers: int, free: int) -> None:
    chosen = layers_that_fit(size, layers, free)
    assert chosen == ALL or 0 <= chosen <= layers
    assert min(chosen, layers + 1) * size / (layers + 1) <= max(free, 0)
