"""The memory: every (theta, score) pair of the game, its rows held out with it, so that old scores are told anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import sqrt
from typing import Any, TypeAlias

import numpy as np

from .discriminator import Discriminator, Encoder

__all__ = ["SHOWN", "Entry", "Memory", "wilson"]

Array: TypeAlias = np.ndarray[Any, Any]
#: Pairs that the optimiser is shown.
SHOWN = 3
_Z95 = 1.959964


@dataclass(frozen=True)
class Entry:
    """One batch. step : of the game, from 0. codes, real : its rows held out, as :class:`Encoder` codes them, and which of them
    are real. score : the discriminator's accuracy on them, the lower the better.
    """

    epoch: int
    step: int
    theta: str
    codes: Array
    real: Array
    score: float = 1.0


@dataclass
class Memory:
    """Entries in the order of their steps."""

    entries: list[Entry] = field(default_factory=list)

    def refresh(self, discriminator: Discriminator, encoder: Encoder) -> None:
        """Score every entry by the discriminator as it is now."""
        for at, entry in enumerate(self.entries):
            score = discriminator.accuracy(encoder.onehot(entry.codes), entry.real)
            assert score is not None  # an entry has rows, and comes after learning
            self.entries[at] = replace(entry, score=score)

    def best(self, since: int = 0, most: int = SHOWN) -> list[Entry]:
        """The entries of lowest score, the lowest first, of equals the earlier; since : the first epoch that counts."""
        return sorted((e for e in self.entries if e.epoch >= since), key=lambda entry: entry.score)[:most]

    def at(self, step: int) -> Entry | None:
        """The entry of one step."""
        return next((entry for entry in reversed(self.entries) if entry.step == step), None)

    def dump(self) -> list[dict[str, Any]]:
        """JSON-able."""
        return [
            {
                "epoch": entry.epoch,
                "step": entry.step,
                "theta": entry.theta,
                "codes": [[None if np.isnan(x) else x for x in row] for row in entry.codes.tolist()],
                "real": entry.real.astype(int).tolist(),
                "score": entry.score,
            }
            for entry in self.entries
        ]

    @classmethod
    def load(cls, data: list[Mapping[str, Any]]) -> Memory:
        """What ``dump`` gave."""
        return cls(
            [
                Entry(
                    int(one["epoch"]),
                    int(one["step"]),
                    str(one["theta"]),
                    np.array([[np.nan if x is None else x for x in row] for row in one["codes"]], np.float64),
                    np.array(one["real"], np.bool_),
                    float(one["score"]),
                )
                for one in data
            ]
        )


def wilson(share: float, n: int) -> tuple[float, float]:
    """The interval of 95 % around a share of ``n`` trials (Wilson 1927)."""
    middle = (share + _Z95**2 / (2 * n)) / (1 + _Z95**2 / n)
    half = _Z95 * sqrt(share * (1 - share) / n + _Z95**2 / (4 * n**2)) / (1 + _Z95**2 / n)
    return max(0.0, middle - half), min(1.0, middle + half)
