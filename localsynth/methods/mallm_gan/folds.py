"""The two halves of the train rows: one is shown to the model and aligned to, the other judges what comes of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from localsynth.align.counting import Counter
from localsynth.core.schema import Schema
from localsynth.core.seeds import derive
from localsynth.core.targets import Statistics

from .nearness import Nearness

__all__ = ["FEWEST", "Fold", "folds_of"]

#: Train rows from which on there is a game: a half of fewer tells nothing.
FEWEST = 40
_MOST = 2_000  # rows of a half: more tell no more of what a few hundred synthetic ones lack


@dataclass(frozen=True)
class Fold:
    """shown : rows for prompts and targets. judging : rows that synthetic ones are held against; none of them is shown.

    counter : of the shown rows. nearness : how near synthetic rows may come to them.
    """

    shown: pa.Table
    judging: pa.Table
    counter: Counter
    nearness: Nearness


def folds_of(schema: Schema, base: Statistics, train: pa.Table, seed: int) -> tuple[Fold, Fold]:
    """Both ways round. base : whose axes rows are counted along."""
    order = np.random.default_rng(derive(seed, "folds")).permutation(train.num_rows)[: 2 * _MOST]
    half = len(order) // 2
    parts = [train.take(pa.array(np.sort(some))) for some in (order[:half], order[half:])]
    return _fold(schema, base, parts[0], parts[1]), _fold(schema, base, parts[1], parts[0])


def _fold(schema: Schema, base: Statistics, shown: pa.Table, judging: pa.Table) -> Fold:
    return Fold(shown, judging, Counter.of(schema, base, shown), Nearness(schema, shown, judging))
