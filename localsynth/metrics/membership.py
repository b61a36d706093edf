"""Can one tell from the synthetic rows whose rows they were made from? A membership attack by density ratio."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from localsynth.core.judging import Case, Family, Measure, Score, StandIn, not_applicable
from localsynth.core.seeds import derive

from .encode import Array
from .intervals import percentiles, wilson
from .neighbours import nearest
from .pairwise import Scores, area
from .space import NO_POINTS, Space, joined, space
from .writing import lacking, nothing, too_few

__all__ = ["Membership"]

_SOURCE = (
    "DOMIAS (van Breugel et al. 2023, Membership inference attacks against synthetic data through overfitting detection),"
    " densities by the nearest neighbour"
)
_FEWEST = 10  # rows of each sort
_FEWEST_TOLD = 20  # non-members, below which no low false-positive rate can be shown
_MOST, _MOST_REFERENCE = 2_000, 20_000  # queries of one sort, points of the reference
_FALSE = 0.01
_TINY = 1e-9  # of a distance
_DRAWS = 1_000


class Membership:
    """DOMIAS: a row is taken for a train row where the synthetic rows lie denser around it than real ones do.

    Members are train rows, non-members held-out rows. The density around a row is that of its nearest neighbour: the score is
    log(distance to the nearest reference row / distance to the nearest synthetic row), in the space of
    :mod:`~localsynth.metrics.space`. Each member is held against each non-member, with all other held-out rows as reference:
    both are held against the very same two sets, so that their sizes shift both scores alike and bias nothing, neither is
    part of the reference, and nothing depends on how the holdout is cut. Needs no shadow models. The interval is told in
    :mod:`~localsynth.metrics.pairwise`.
    """

    name: ClassVar[str] = "membership"
    family: ClassVar[Family] = "privacy"
    real: ClassVar[StandIn] = "half"
    needs_train: ClassVar[bool] = True
    needs_holdout: ClassVar[bool] = True
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure(
            "membership_auc",
            "Membership attack",
            "How well an attacker who holds the synthetic rows and some real rows of the same kind tells people whose rows were"
            " trained on from people whose rows were not: the chance that one of the former looks more suspicious than one of"
            " the latter. 0.5 is guessing, 1 is certainty. An attack that fails proves nothing about stronger ones.",
            "ideal", 0.0, 1.0, _SOURCE, 0.5,
        ),
        Measure(
            "membership_tpr",
            "Members found at few false alarms",
            "Share of the train rows the same attack names while it wrongly names at most 1% of the others (the note tells the"
            " rate where they are too few for that). As many as false alarms is guessing; more means that at least some people"
            " can be named with confidence, even where the attack does poorly on most.",
            "lower", 0.0, 1.0, f"{_SOURCE}; true positives at a low false-positive rate after Carlini et al. 2022",
        ),
    )  # fmt: skip

    def scores(self, case: Case) -> Iterator[Score]:
        """AUC, and true positives at a low rate of false ones."""
        reason = lacking(case, train=True, holdout=True) or _too_few(case)
        points = None if reason else space(case)
        if points is None:
            yield from nothing(self.measures, reason or NO_POINTS)
            return
        found, note = _attacked(case, points)
        case.check()
        auc, low, high = area(found)
        yield Score("membership_auc", auc, low=low, high=high, note=note)
        if found.others < _FEWEST_TOLD:
            because = f"there are only {found.others} non-members to tell the rate of false alarms by"
            yield not_applicable("membership_tpr", because)
            return
        yield _named(case, found, note)


def _too_few(case: Case) -> str | None:
    counts = {
        "rows": case.rows.num_rows,
        "real train rows": case.train.num_rows,
        "held-out rows": case.holdout.num_rows,
    }
    return too_few(counts, _FEWEST)


def _attacked(case: Case, points: Space) -> tuple[Scores, str]:
    """How suspicious members and non-members look; and in words how many they are."""
    synthetic, train, holdout = (points.matrix[part] for part in ("rows", "train", "holdout"))
    most = points.affordable(len(synthetic), 2 * _MOST) // 2
    members = train[points.some("train", most, derive(case.seed, "membership", "members"))]
    order = np.random.default_rng(derive(case.seed, "membership", "others")).permutation(len(holdout))
    reference = holdout[order[:_MOST_REFERENCE]]
    others = reference[:most]

    def scores(asked: Array, to_real: Array) -> Array:
        to_synthetic = nearest(asked, synthetic, 1, case.check, case.threads).distances
        # Rounded, so that the last digit of two equal ratios breaks no tie.
        return np.round(np.log((to_real + _TINY) / (to_synthetic + _TINY)), 9)

    near = nearest(members, reference, 2, case.check, case.threads)
    beside = nearest(others, reference, 3, case.check, case.threads)
    # A non-member is no neighbour of its own. Among many doubles it may not be found at all: then any of them goes.
    own = beside.indices == np.arange(len(others))[:, None]
    own[~own.any(axis=1), -1] = True
    found = Scores(
        scores(members, near.distances),
        near.indices[:, 0],
        scores(others, beside.distances[~own].reshape(-1, 2)),
        beside.indices[~own].reshape(-1, 2)[:, 0],
    )
    note = f"{len(members):,} members against {len(others):,} others"
    if len(reference) > len(others):
        note += f", {len(reference):,} held-out rows as reference"
    return found, joined(note, points.cut)


def _named(case: Case, found: Scores, note: str) -> Score:
    """Members named at few false alarms, and the bootstrap of both sorts."""
    members, others = found.member[:, 0], found.other[:, 0]
    allowed = _allowed(len(others))
    share = _share(members, others, allowed)
    rng = np.random.default_rng(derive(case.seed, "membership", "bootstrap"))
    drawn = np.empty(_DRAWS)
    for index in range(_DRAWS):
        if index % 100 == 0:
            case.check()
        asked, strangers = (side[rng.integers(0, len(side), len(side))] for side in (members, others))
        drawn[index] = _share(asked, strangers, allowed)
    # Of nobody named, or of everybody, every draw is the same, and the bootstrap sees no doubt.
    ends = percentiles(drawn, share), wilson(share * len(members), len(members))
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    rate = (allowed + 1) / (len(others) + 1)
    lowest = "" if rate <= _FALSE else ", the lowest that so few can show"
    said = f"at {rate:.1%} false alarms{lowest}; {note}"
    return Score("membership_tpr", share, low=low, high=high, note=said)


def _allowed(others: int) -> int:
    """False alarms allowed among so many. Where a threshold lets k of n pass, (k + 1) / (n + 1) of further people do."""
    return max(0, math.floor(_FALSE * (others + 1)) - 1)


def _share(members: Array, others: Array, allowed: int) -> float:
    """The share of members above the threshold that so many of the others exceed."""
    limit = np.partition(others, len(others) - 1 - allowed)[len(others) - 1 - allowed]
    return float((members > limit).mean())
