"""Layouts of the engine on a machine."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from localsynth.engine.setup import Setup, default_setup


@given(st.integers(1, 10**12), st.integers(1, 256), st.integers(1, 10**7))
def test_every_default_is_possible(size: int, threads: int, kv: int) -> None:
    setup = default_setup(size, threads, kv)
    assert 1 <= setup.contexts <= min(threads, 8)
    assert 2048 <= setup.side_cells <= 8192
    assert setup.side_cells % 256 == 0


def test_small_weights_get_a_context_for_each_core() -> None:
    assert default_setup(100_000_000, 4).contexts == 4
    assert default_setup(5_000_000_000, 4).contexts == 2


def test_a_gpu_gets_one_context_with_many_lanes() -> None:
    setup = default_setup(100_000_000, 8).for_gpu()
    assert (setup.contexts, setup.threads) == (1, 8)
    assert setup.lanes > default_setup(100_000_000, 8).lanes


def test_in_words() -> None:
    assert str(Setup(4, 4)) == "4 contexts of 1 thread, 16 lanes each"
    assert str(Setup(4, 1, 32, flash_attention=True)) == "1 context of 4 threads, 32 lanes, flash attention"
