"""Distances to train rows beside those to held-out rows: a smoke test for copying."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from localsynth.core.judging import Case, Family, Measure, Score, StandIn, not_applicable
from localsynth.core.seeds import derive

from .encode import Array, Part
from .intervals import resampled_mean
from .neighbours import SAME, nearest, nearness
from .space import NO_POINTS, Space, joined, space, to_train
from .writing import lacking, nothing, too_few

__all__ = ["Distances"]

_FEWEST = 10  # rows judged, below which their share means nothing
_DISTANCE = "on standardised numbers and one-hot categories / sqrt(2)"


class Distances:
    """Distance to the closest record (DCR) and its ratio to the second closest (NNDR).

    Distances are Euclidean, on numbers standardised by the train rows and one-hot categories / sqrt(2); free texts have none.

    ``dcr_share`` compares with equally many train and held-out rows, n and m being what there is. With n <= m every subset of
    n held-out rows counts alike, which is what infinitely many draws would give. With n > m nothing is drawn: the share of
    rows nearest to a train row of all is multiplied by (n + m) / 2n. For rows of new people, for copies, and for any mixture of
    the two that is what drawing m train rows gives on average, without the noise of leaving out most of them; either way
    copies of train rows then give (n + m) / 2n, not 1, since a copied row may not be among those drawn. A tie counts half, or
    with n > m the share of train rows among all those as near.

    Its interval draws groups of rows again, a group being the rows with the same nearest real row: many synthetic rows around
    few real ones are no more certain than those few. Of groups that are all alike, such as copies, and of fewer than 10 it is
    as wide as Wilson's with as many trials as groups. Fewer than 10 rows have no share.
    """

    name: ClassVar[str] = "distances"
    family: ClassVar[Family] = "privacy"
    real: ClassVar[StandIn] = "half"
    needs_train: ClassVar[bool] = True
    needs_holdout: ClassVar[bool] = True
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure(
            "dcr_share",
            "Nearer to train than to held-out rows",
            "Share of rows whose nearest real row is one of the train rows rather than one of as many held-out rows; a tie"
            " counts for both. One half is what rows of new people would give; copies give 1, or less where fewer rows"
            " are held out than trained on (the note tells). A smoke test only: it shows crude copying, and a table can pass it"
            " and still give single people away.",
            "ideal", 0.0, 1.0,
            "DCR share (Platzer & Reutterer 2021, Holdout-based empirical assessment of mixed-type synthetic data),"
            f" {_DISTANCE}",
            0.5,
        ),
        Measure(
            "dcr_median",
            "Distance to the nearest train row",
            "How far from the nearest real train row a typical (median) row is; 1 is one category, or one standard deviation,"
            " apart. Compare with the same for held-out rows: much smaller is a sign of copying, as large proves nothing.",
            "none", 0.0, None, f"distance to closest record, {_DISTANCE}",
        ),
        Measure(
            "dcr_median_holdout",
            "Distance of held-out rows to the nearest train row",
            "How far from the nearest train row a typical (median) real person is who is not among them.",
            "none", 0.0, None, f"distance to closest record, {_DISTANCE}",
        ),
        Measure(
            "nndr",
            "Nearest to second nearest distance",
            "Median of the distance to the nearest train row divided by that to the second nearest. Near 1 no train row stands"
            " out; near 0 one single train row is far nearer than any other, as copies are. Compare with held-out rows.",
            "none", 0.0, 1.0, f"nearest neighbour distance ratio (Zhao et al. 2021, CTAB-GAN), {_DISTANCE}",
        ),
        Measure(
            "nndr_holdout",
            "Nearest to second nearest distance of held-out rows",
            "The same ratio for real people who are not among the train rows.",
            "none", 0.0, 1.0, f"nearest neighbour distance ratio (Zhao et al. 2021, CTAB-GAN), {_DISTANCE}",
        ),
    )  # fmt: skip

    def scores(self, case: Case) -> Iterator[Score]:
        """The share first, then medians."""
        points = space(case) if case.rows.num_rows else None
        reason = lacking(case, train=True, holdout=True) or (NO_POINTS if points is None else None)
        if reason is not None or points is None:
            yield from nothing(self.measures, reason or NO_POINTS)
            return
        few = too_few({"rows": case.rows.num_rows}, _FEWEST)
        yield not_applicable("dcr_share", few) if few else _share(case, points)
        sides: tuple[tuple[Part, str], ...] = (("rows", ""), ("holdout", "_holdout"))
        for part, suffix in sides:
            yield from _medians(case, part, suffix)


def _share(case: Case, points: Space) -> Score:
    told = to_train(case, "rows")
    rows, train, holdout = points.matrix["rows"][told.asked], points.matrix["train"], points.matrix["holdout"]
    beside = nearest(rows, holdout, 1, case.check, case.threads)
    away, beside_away = told.near.distances[:, 0], beside.distances[:, 0]
    if len(train) <= len(holdout):
        counts = nearness(rows, holdout, away, case.check, case.threads)
        wins = 1 - _beaten(len(train), len(holdout), *counts)
        how, most = f"averaged over all ways to draw those out of {len(holdout):,}", 1.0
    else:
        most = (len(train) + len(holdout)) / (2 * len(train))
        wins = most * _owned(case, rows, (train, away), (holdout, beside_away))
        how = f"as if so many had been drawn out of {len(train):,} train rows"
    # Groups by the nearest real row of all.
    owner = np.where(away <= beside_away, told.near.indices[:, 0], len(train) + beside.indices[:, 0])
    _, group = np.unique(owner, return_inverse=True)
    rng = np.random.default_rng(derive(case.seed, "distances", "dcr_share"))
    share = float(wins.mean())
    low, high = resampled_mean(np.bincount(group, wins), np.bincount(group).astype(np.float64), rng, most)
    few = min(len(train), len(holdout))
    note = (
        f"against {few:,} train and as many held-out rows, {how}; copies of train rows would give {most:.1%}"
    )
    value, low, high = (min(1.0, max(0.0, end)) for end in (share, min(low, share), max(high, share)))
    return Score("dcr_share", value, low=low, high=high, note=joined(note, told.sampled))


def _owned(case: Case, rows: Array, train: tuple[Array, Array], holdout: tuple[Array, Array]) -> Array:
    """Whose the nearest real row is: 1 a train row, 0 a held-out row; the share of train rows where several are as near.

    train, holdout : the points, and per row the distance to the nearest of them.
    """
    (known, away), (held, beside_away) = train, holdout
    owned = (away < beside_away).astype(np.float64)
    tied = np.flatnonzero(np.isclose(away, beside_away, rtol=SAME, atol=SAME))
    if tied.size:
        asked, radii = rows[tied], np.minimum(away, beside_away)[tied]
        mine, theirs = (
            np.sum(nearness(asked, real, radii, case.check, case.threads), axis=0) for real in (known, held)
        )
        owned[tied] = mine / (mine + theirs)
    return owned


def _beaten(few: int, many: int, nearer: Array, level: Array) -> Array:
    """The chance that the nearest of ``few`` drawn from ``many`` points is nearer than a given distance; half for a tie.

    nearer, level : how many of the many are nearer, and just as far.
    """
    # The chance that none of c points is drawn: C(many - c, few) / C(many, few), for every c.
    taken = np.arange(many)
    none = np.concatenate([[1.0], np.cumprod(np.maximum(0, many - few - taken) / (many - taken))])
    return np.asarray(1 - (none[nearer] + none[nearer + level]) / 2)


def _medians(case: Case, part: Part, suffix: str) -> Iterator[Score]:
    told = to_train(case, part)
    near = told.near.distances
    yield Score(f"dcr_median{suffix}", float(np.median(near[:, 0])), note=told.sampled)
    if near.shape[1] < 2:
        yield not_applicable(f"nndr{suffix}", "there is only one train row, and no second nearest")
        return
    # Equal to two train rows: no single one stands out.
    ratio = np.divide(near[:, 0], near[:, 1], out=np.ones(len(near)), where=near[:, 1] > 0)
    yield Score(f"nndr{suffix}", float(np.median(ratio)), note=told.sampled)
