"""Learning in steps: the seed of each, and all of them in a row where nobody commits in between."""

from __future__ import annotations

from localsynth.core.contracts import Ask, Learning, Method
from localsynth.core.seeds import derive

__all__ = ["learn_all", "learning_seed"]


def learning_seed(seed: int, step: int) -> int:
    """The seed of a run's step of learning, from 0; a method that learns at once has the first step alone."""
    return derive(seed, "learn", step) if step else derive(seed, "learn")


def learn_all(method: Method, ask: Ask | None, seed: int) -> None:
    """Let a method learn all there is, for whoever keeps nothing of it between two steps. seed : of the first step."""
    method.learn(ask, seed)
    step = 0
    while isinstance(method, Learning) and not method.learnt():
        step += 1
        method.learn(ask, derive(seed, step))
