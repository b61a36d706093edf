"""Candidates are tried: they write after one half of the train rows, and are judged by the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

import numpy as np

from localsynth.align.counting import Counter
from localsynth.core.contracts import Ask, SampleRequest
from localsynth.core.seeds import derive

from .entries import Entry, mixed
from .features import Features
from .folds import Fold
from .gaps import found_gaps
from .judge import judged
from .setting import Setting, Spent
from .theta import Theta
from .writer import Shown

__all__ = ["compare", "judge", "write"]

_REPEATS = 3  # times rows are dealt to folds anew: a score is steadier, and its interval narrower


def write(
    setting: Setting,
    entries: Sequence[Entry],
    fold: Fold,
    lifts: Mapping[str, Sequence[float]] | None,
    seed: int,
    ask: Ask,
    spent: Spent,
) -> None:
    """Rows of all candidates, asked for at once; those whose prompts are the same share what is drawn."""
    shown = Shown(fold.shown, fold.counter, lifts)
    wanted = ceil(setting.rows * setting.params.surplus)
    asked: dict[Any, list[SampleRequest]] = {}
    for entry in entries:
        theta = entry.proposal.theta
        if (key := _prompted(theta)) not in asked:
            asked[key] = setting.writer.requests(theta, shown, wanted, derive(seed, "rows"))
    samples = iter(spent.sampled("game", [request for some in asked.values() for request in some], ask))
    answers = {key: [next(samples) for _ in some] for key, some in asked.items()}
    counter = fold.counter if setting.params.align else None
    for at, entry in enumerate(entries):
        theta = entry.proposal.theta
        ask.working("aligning candidates", at, len(entries))
        entry.drawn, _ = setting.writer.read(theta, answers[_prompted(theta)])
        entry.broken = setting.shaping.broken(entry.drawn)
        rng = np.random.default_rng(derive(seed, "shape"))
        entry.table = setting.shaping.shaped(theta, counter, entry.drawn, setting.rows, rng)


def _prompted(theta: Theta) -> tuple[Any, ...]:
    """What of theta a prompt, and the choice of its examples, hang on."""
    return theta.graph.edges, theta.words, theta.thin


def judge(
    setting: Setting, entries: Sequence[Entry], fold: Fold, seed: int, ask: Ask, *, honest: bool = False
) -> None:
    """honest : whatever the parameters say, nothing is shuffled."""
    params = setting.params
    control = params.shuffled and not honest
    features = Features(setting.schema)
    for at, entry in enumerate(entries):
        assert entry.table is not None
        ask.working("judging candidates", at, len(entries))
        entry.verdict = judged(
            features,
            fold.judging,
            entry.table,
            near=fold.nearness.near(entry.table),
            usual=fold.nearness.usual,
            seed=derive(seed, "judge"),
            weight=0.0
            if control
            else params.novelty,  # near copies are no labels, they would teach all the same
            repeats=_REPEATS,
            shuffled=control,
            importance=entry.proposal.author in {"start", "kept"},
        )


def compare(setting: Setting, entries: Sequence[Entry], fold: Fold, seed: int) -> None:
    """Where rows differ from those shown in a fold."""
    for entry in entries:
        assert entry.table is not None
        real, made = fold.counter, Counter.of(setting.schema, setting.base, entry.table)
        if setting.params.shuffled:
            real, made = mixed(real, made, seed)
        entry.gaps = found_gaps(setting.schema, real, made)
