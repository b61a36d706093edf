"""Can one tell from the synthetic rows whose rows they were made from? A membership attack by density ratio."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from localsynth.core.judging import Case, Family, Measure, Score, StandIn, not_applicable
from localsynth.core.seeds import derive

from .encode import PARTS, Array
from .intervals import percentiles
from .neighbours import nearest
from .space import NO_POINTS, Space, joined, space
from .writing import lacking, nothing

__all__ = ["Membership"]

_SOURCE = (
    "DOMIAS (van Breugel et al. 2023, Membership inference attacks against synthetic data through overfitting detection),"
    " densities by the nearest neighbour"
)
_FEWEST = 5  # rows of each sort
_FEWEST_TOLD = 20  # non-members, below which no low false-positive rate can be shown
_MOST, _MOST_REFERENCE = 1_000, 20_000  # queries of one sort, points of the reference
_FALSE = 0.01
_TINY = 1e-9  # of a distance
_DRAWS = 1_000


class Membership:
    """DOMIAS: a row is taken for a train row where the synthetic rows lie denser around it than real ones do.

    Members are train rows. The holdout is cut into two halves; each in turn is the reference population, with the other half
    as non-members, and both measures are the mean of the two rounds. The density around a row is that of its nearest
    neighbour: the score is log(distance to the nearest reference row / distance to the nearest synthetic row), in the space
    of :mod:`~localsynth.metrics.space`. Members and non-members are held against the very same two sets, so that their sizes
    shift all scores alike and bias nothing; neither kind is part of the reference. Needs no shadow models.
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
        rounds, note = _rounds(case, points)
        case.check()
        total = [r.measured(np.ones(r.members), np.ones(r.others)) for r in rounds]
        drawn = _drawn(case, rounds)
        auc = float(np.mean([one[0] for one in total]))
        low, high = percentiles(drawn[:, 0], auc)
        yield Score("membership_auc", auc, low=low, high=high, note=note)
        others = min(r.others for r in rounds)
        if others < _FEWEST_TOLD:
            because = f"there are only {others} non-members to tell the rate of false alarms by"
            yield not_applicable("membership_tpr", because)
            return
        found = float(np.mean([one[1] for one in total]))
        low, high = percentiles(drawn[:, 1], found)
        rate = max(r.false for r in rounds)
        lowest = "" if rate <= _FALSE else ", the lowest that so few can show"
        yield Score(
            "membership_tpr", found, low=low, high=high, note=f"at {rate:.1%} false alarms{lowest}; {note}"
        )


def _too_few(case: Case) -> str | None:
    counts = {
        "synthetic": (case.rows.num_rows, _FEWEST),
        "real train": (case.train.num_rows, _FEWEST),
        "held-out": (case.holdout.num_rows, 2 * _FEWEST),
    }
    for kind, (count, least) in counts.items():
        if count < least:
            return f"{count} {kind} rows are too few for the attack, which takes at least {least}"
    return None


@dataclass(frozen=True)
class _Round:
    """One half of the holdout as reference: scores as ranks from 0, the higher the more suspicious, ties alike."""

    member_ranks: Array
    other_ranks: Array

    @property
    def members(self) -> int:
        return len(self.member_ranks)

    @property
    def others(self) -> int:
        return len(self.other_ranks)

    @property
    def allowed(self) -> int:
        """False alarms allowed among the others. Where a threshold lets k of n pass, (k + 1) / (n + 1) of further people do."""
        return max(0, math.floor(_FALSE * (self.others + 1)) - 1)

    @property
    def false(self) -> float:
        """The rate of false alarms that makes among further people."""
        return (self.allowed + 1) / (self.others + 1)

    def measured(self, member_weights: Array, other_weights: Array) -> tuple[float, float]:
        """(AUC, true-positive rate), rows counted by weight."""
        ranks = 1 + int(max(self.member_ranks.max(), self.other_ranks.max()))
        hits = np.bincount(self.member_ranks, member_weights, ranks)
        misses = np.bincount(self.other_ranks, other_weights, ranks)
        below = np.cumsum(misses) - misses
        auc = float(hits @ (below + misses / 2) / (hits.sum() * misses.sum()))
        # Every rank is named above which, itself included, at most the allowed number of others lie.
        named = np.cumsum(misses[::-1])[::-1] <= self.allowed
        return auc, float(hits[named].sum() / hits.sum())


def _rounds(case: Case, points: Space) -> tuple[tuple[_Round, _Round], str]:
    def away(queries: Array, others: Array) -> Array:
        return nearest(queries, others, 1, case.check, case.threads).distances[:, 0]

    synthetic, train, holdout = (points.matrix[part] for part in PARTS)
    rng = np.random.default_rng(derive(case.seed, "membership", "halves"))
    order = rng.permutation(len(holdout))
    halves = order[: len(order) // 2], order[len(order) // 2 :]
    # As many members as others of both halves; in the order of the permutation the first of a half are drawn by chance.
    most = points.affordable(len(synthetic), 4 * _MOST) // 4
    members = train[points.some("train", 2 * most, derive(case.seed, "membership", "members"))]
    members_away = away(members, synthetic)
    made = []
    for reference, others in (halves, halves[::-1]):
        real, asked = holdout[reference[:_MOST_REFERENCE]], holdout[others[:most]]
        member_scores = _score(away(members, real), members_away)
        other_scores = _score(away(asked, real), away(asked, synthetic))
        _, ranks = np.unique(np.concatenate([member_scores, other_scores]), return_inverse=True)
        made.append(_Round(ranks[: len(members)], ranks[len(members) :]))
    counts = " and ".join(f"{r.others:,}" for r in made)
    note = joined(f"{len(members):,} members against {counts} others in two rounds", points.cut)
    return (made[0], made[1]), note


def _score(to_reference: Array, to_synthetic: Array) -> Array:
    # Rounded, so that the last digit of two equal ratios breaks no tie.
    return np.asarray(np.round(np.log((to_reference + _TINY) / (to_synthetic + _TINY)), 9))


def _drawn(case: Case, rounds: tuple[_Round, _Round]) -> Array:
    """Bootstrap: both measures for members and others drawn again, draws x 2."""
    rng = np.random.default_rng(derive(case.seed, "membership", "bootstrap"))
    drawn = np.empty((_DRAWS, 2))
    members = rounds[0].members
    for index in range(_DRAWS):
        if index % 100 == 0:
            case.check()
        weights = np.bincount(rng.integers(0, members, members), minlength=members)
        both = [
            r.measured(weights, np.bincount(rng.integers(0, r.others, r.others), minlength=r.others))
            for r in rounds
        ]
        drawn[index] = np.mean(both, axis=0)
    return drawn
