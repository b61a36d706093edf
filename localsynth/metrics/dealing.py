"""Guesses held against train and held-out rows, and what the same guesses gain when the real rows are dealt anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from .encode import Array
from .intervals import Rate, cut

__all__ = ["Fits", "Hits", "crowd", "exactly_one", "gained", "hits"]

_DRAWS, _FEWEST_DRAWS, _WORK = 2_000, 200, 500_000_000  # draws; fits x draws
_AT_ONCE = 20_000_000  # cells
_NEVER = 1e-6  # the chance of a guess being right below which it is left out of the draws


@dataclass(frozen=True)
class Fits:
    """Which rows of a table fit each guess. total : rows of the table. counts : per guess how many fit.
    rows : per guess their numbers, empty where they are too many to matter.
    """

    total: int
    counts: Array
    rows: Sequence[Array]


@dataclass(frozen=True)
class Hits:
    """How often guesses fit exactly one row of the whole train table.

    attack : the share that does. control : the share that would, had nobody seen the train rows, as the holdout tells it.
    worth : for how many hits one held-out hit counts in ``control``, on average; above 0.
    """

    attack: float
    control: float
    worth: float


def exactly_one(matching: Array, total: int, drawn: int) -> Array:
    """The chance that of ``matching`` rows among ``total`` exactly one is in a draw of so many (hypergeometric)."""
    # matching * drawn / total is the expected number; given one is in, none of the others may be.
    chance = matching * drawn / total
    others = np.maximum(matching - 1, 0)
    rest = total - drawn
    steps = np.arange(int(others.max(initial=0)))
    none = np.concatenate([[1.0], np.cumprod(np.maximum(0, rest - steps) / np.maximum(1, total - 1 - steps))])
    return np.asarray(chance * none[others])


def weights(matching: Array, train: int, holdout: int) -> Array:
    """For how many hits one counts of a guess that fits exactly one held-out row, where these are fewer than train rows.

    Were the ``matching`` real rows that fit it dealt to both tables by chance, exactly one train row would fit so many times
    as often as exactly one held-out row: n / m times where one row fits, equally often where two do, seldom where many do.
    """
    # The quotient of two hypergeometric chances; what is left of it are the rows that must lie on the other side.
    steps = np.arange(int(np.max(matching, initial=1)) - 1)
    others = np.cumprod(np.maximum(0, holdout - steps) / np.maximum(1, train - steps))
    return np.asarray(train / holdout * np.concatenate([[1.0], others])[np.maximum(matching - 1, 0)])


def crowd(total: int, drawn: int) -> int:
    """From how many fitting rows on a guess is hardly ever right about ``drawn`` of ``total`` rows."""
    share = drawn / total
    most = 1
    while most < total and most * share * (1 - share) ** (most - 1) > _NEVER:
        most *= 2
    return min(most, total)


def hits(train: Fits, holdout: Fits) -> Hits:
    """Guesses that fit exactly one train row, and as many held out as there would be without anybody having seen these.

    Of more held-out than train rows it is the mean over all ways to draw as many (hypergeometric); of fewer, a held-out hit
    counts for :func:`weights`. Where train and held-out rows are exchangeable, the control's expectation is the attack's,
    whatever the sizes.
    """
    attack = float((train.counts == 1).mean())
    if holdout.total >= train.total:
        return Hits(attack, float(exactly_one(holdout.counts, holdout.total, train.total).mean()), 1.0)
    alone = holdout.counts == 1
    each = weights(train.counts + holdout.counts, train.total, holdout.total)[alone]
    worth = float(each.mean()) if each.any() else train.total / holdout.total
    return Hits(attack, float(each.sum()) / len(alone), worth)


def gained(
    train: Fits, holdout: Fits, trials: float, rng: np.random.Generator, check: Callable[[], None]
) -> tuple[float, float, float]:
    """What knowing the train rows gained: (risk, low, high). The risk is (attack - control) / (1 - control), at least 0.

    It comes from guesses alone that fit exactly one of all train rows. What is expected of it does not depend on how many
    rows are held out, but its interval does.

    Where nothing leaked, train and held-out rows are exchangeable: dealing all real rows anew to both, with the same guesses,
    gives the exact distribution of attack less control (a permutation test), whatever rows the guesses share. ``low`` is
    above 0 only where the difference exceeds 97.5% of these. Of the half widths the share ``1 - risk`` of the variance is
    that distribution's; the rest, and at the upper end on top of it, is Wilson's for ``trials`` independent guesses.
    """
    found = hits(train, holdout)
    gap, room = found.attack - found.control, 1 - found.control
    risk = cut(gap / room) if room > 0 else 0.0
    room = max(room, 1e-6)
    least, most = _by_chance(train, holdout, rng, check)
    guessed = Rate(trials * found.attack, trials).half / room
    low = risk - np.hypot(np.sqrt(1 - risk) * most / room, np.sqrt(risk) * guessed) if gap > most else 0.0
    high = risk + np.hypot(np.sqrt(1 - risk) * least / room, guessed)
    return risk, min(cut(float(low)), risk), max(cut(float(high)), risk)


def _by_chance(
    train: Fits, holdout: Fits, rng: np.random.Generator, check: Callable[[], None]
) -> tuple[float, float]:
    """The middle 95% of attack less control where the real rows are dealt to train and holdout anew."""
    both = [
        np.concatenate([own, other + train.total])
        for own, other in zip(train.rows, holdout.rows, strict=True)
    ]
    counts = train.counts + holdout.counts
    told = counts <= crowd(train.total + holdout.total, train.total)
    fitting = [rows for rows, few in zip(both, told, strict=True) if few and len(rows)]
    if not fitting:
        return 0.0, 0.0
    rows, places = np.unique(np.concatenate(fitting), return_inverse=True)
    ends = np.cumsum([0, *map(len, fitting)])
    matrix = csr_array((np.ones(len(places), np.float32), places, ends), shape=(len(fitting), len(rows)))
    counts = np.diff(ends)
    # What j fitting held-out rows count for, times a factor of the guess: the table of both would be far larger.
    held = np.arange(counts.max() + 1)
    if holdout.total >= train.total:
        hit, factor = exactly_one(held, holdout.total, train.total), np.ones(len(counts))
    else:
        hit, factor = np.equal(held, 1).astype(np.float64), weights(counts, train.total, holdout.total)
    draws = int(np.clip(_WORK // len(places), _FEWEST_DRAWS, _DRAWS))
    at_once = max(1, _AT_ONCE // max(len(rows), len(fitting)))
    gaps = []
    for start in range(0, draws, at_once):
        check()
        count = min(at_once, draws - start)
        # Of these rows as many are dealt to train as of so many drawn without replacement, whichever.
        trained = rng.hypergeometric(train.total, holdout.total, len(rows), count)
        dealt = (np.arange(len(rows)) < trained[:, None]).astype(np.float32)
        mine = np.rint(matrix @ rng.permuted(dealt, axis=1).T).astype(np.int64)
        gaps.append((mine == 1).sum(axis=0) - factor @ hit[counts[:, None] - mine])
    all_gaps = np.concatenate(gaps) / len(train.counts)
    return (
        float(np.quantile(all_gaps, 0.025, method="lower")),
        float(np.quantile(all_gaps, 0.975, method="higher")),
    )
