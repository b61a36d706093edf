"""Do the synthetic rows tell a secret about a real person whose other columns are known?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from localsynth.core.columns import DateColumn, DatetimeColumn
from localsynth.core.judging import Case, Family, Measure, Score, StandIn, not_applicable
from localsynth.core.seeds import derive

from .encode import Array, View, views
from .intervals import Rate, percentiles, residual_risk
from .space import NO_POINTS, Space, joined, space
from .workers import spread
from .writing import lacking, nothing, too_few

__all__ = ["AttributeInference"]

_NAME = "attribute_inference_risk"
_TARGETS, _FEWEST = 500, 10
_SEARCHED, _CELLS = 20_000, 600_000_000  # synthetic rows; targets x rows x columns
_AT_ONCE = 64  # targets
_CLIP = 5.0  # standard deviations
_TOLERANCE = 0.05
_DRAWS = 1_000


class AttributeInference:
    """The attacker knows all columns of a person but one and reads the missing one off the nearest synthetic row.

    As anonymeter does, with every column as the secret in turn. Nearest is by standardised numbers (cut at 5 standard
    deviations, so that an extreme value weighs no more than a few categories) and categories that differ or not; free texts
    can be the secret, but do not help to find the row. A guess is right if it is equal; of numbers if it is within 5% of the
    true value, of days and moments within 5% of the span of the middle 90% of train values; a missing cell is a value like
    others. Targets are as many train as held-out rows, at most 500 of each, drawn by chance; at most 20,000 synthetic rows
    are searched, fewer where there are more than 30 columns.

    The table's figure pools the guesses of all columns, so that a column counts by how often a guess about a stranger
    fails in it: the mean of the columns' risks with these weights. Its interval draws people again, whole rows.
    """

    name: ClassVar[str] = "attribute-inference"
    family: ClassVar[Family] = "privacy"
    real: ClassVar[StandIn] = "half"
    needs_train: ClassVar[bool] = True
    needs_holdout: ClassVar[bool] = True
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure(
            _NAME,
            "Attribute-inference risk",
            "An attacker knows everything about a person but one column and reads it off the most similar synthetic row. The"
            " risk: of the guesses that fail for people who were never seen, the share that is right for the train rows all the"
            " same. 0 is nothing gained, 1 always right; what holds for everybody (the tall are heavy) is no risk. 0 does not"
            " show that another attacker fails.",
            "lower", 0.0, 1.0,
            "inference attack of Giomi et al. 2023, A unified framework for quantifying privacy risk in synthetic data, as"
            " their package anonymeter defines it",
        ),
    )  # fmt: skip

    def scores(self, case: Case) -> Iterator[Score]:
        """The table's risk, then each column's."""
        reason = lacking(case, train=True, holdout=True) or _too_few(case)
        points = None if reason else space(case)
        if points is None:
            yield from nothing(self.measures, reason or NO_POINTS)
            return
        columns = views(case)
        if len(columns) < 2:
            yield from nothing(self.measures, "the table has one column, and nothing to infer it from")
            return
        attack = _Attack.on(case, points)
        guessed = spread(lambda view: attack.guesses(view, case), columns, case.threads, case.check)
        varied = [_varies(view) for view in columns]
        outcomes = [o for o, varies in zip(guessed, varied, strict=True) if varies]
        told = [
            outcome.score()
            if varies
            else not_applicable(_NAME, "every real row has the same value there", view.name)
            for view, outcome, varies in zip(columns, guessed, varied, strict=True)
        ]
        yield _of_table(case, outcomes, told, attack.note)
        yield from told


def _too_few(case: Case) -> str | None:
    counts = {
        "rows": case.rows.num_rows,
        "real train rows": case.train.num_rows,
        "held-out rows": case.holdout.num_rows,
    }
    return too_few(counts, _FEWEST)


def _varies(view: View) -> bool:
    real = np.concatenate([view.parts["train"], view.parts["holdout"]])
    return len(np.unique(real)) > 1


@dataclass(frozen=True)
class _Outcome:
    """One column as the secret: which guesses were right, of train and of held-out people, and how often blind ones are."""

    column: str
    train: Array
    holdout: Array
    blind: float

    def score(self) -> Score:
        attack = Rate(float(self.train.sum()), len(self.train))
        control = Rate(float(self.holdout.sum()), len(self.holdout))
        risk, low, high = residual_risk(attack, control)
        note = f"{attack.share:.1%} of {attack.trials} guesses right for train rows, {control.share:.1%} for held-out rows"
        if attack.share <= self.blind:
            note += f", {self.blind:.1%} for blind guesses: too weak an attack to show anything"
        return Score(_NAME, risk, self.column, low=min(low, risk), high=max(high, risk), note=note)


@dataclass(frozen=True)
class _Attack:
    """The people asked about (train rows first, then as many held-out ones) and the synthetic rows searched.

    targets, searched : vectors (rows x features). apart : squared distances less a constant of each target, float32.
    train, holdout, rows : which rows of the case these are.
    """

    targets: Array
    searched: Array
    apart: Array
    blocks: dict[str, slice]
    train: Array
    holdout: Array
    rows: Array
    note: str

    @classmethod
    def on(cls, case: Case, points: Space) -> _Attack:
        count = min(_TARGETS, len(points.matrix["train"]), len(points.matrix["holdout"]))
        train, holdout = (
            points.some(part, count, derive(case.seed, "attribute-inference", part))
            for part in ("train", "holdout")
        )
        most = min(_SEARCHED, max(1_000, _CELLS // (2 * count * max(1, len(points.blocks)))))
        rows = points.some("rows", most, derive(case.seed, "attribute-inference", "rows"))
        targets = np.vstack([points.matrix["train"][train], points.matrix["holdout"][holdout]])
        targets, searched = (
            _clipped(case, points, targets),
            _clipped(case, points, points.matrix["rows"][rows]),
        )
        lengths = np.einsum("ij,ij->i", searched, searched)

        def away(start: int) -> Array:
            return np.asarray(targets[start : start + _AT_ONCE] * -2 @ searched.T + lengths)

        starts = range(0, len(targets), _AT_ONCE)
        apart = np.vstack(spread(away, starts, case.threads, case.check))
        note = f"{count:,} people of each sort"
        if len(rows) < points.totals["rows"]:
            note += f", {len(rows):,} of {points.totals['rows']:,} rows searched"
        note = joined(note, points.cut)
        kept = points.rows
        return cls(
            targets, searched, apart, points.blocks,
            kept["train"][train], kept["holdout"][holdout], kept["rows"][rows], note,
        )  # fmt: skip

    def guesses(self, view: View, case: Case) -> _Outcome:
        """What comes out with this column as the secret."""
        found = self._nearest_without(self.blocks.get(view.name))
        guess = view.parts["rows"][self.rows[found]]
        truth = np.concatenate([view.parts["train"][self.train], view.parts["holdout"][self.holdout]])
        tolerance = _tolerance(view, case)
        right = _right(guess, truth, tolerance)
        rng = np.random.default_rng(derive(case.seed, "attribute-inference", "blind", view.name))
        blind = view.parts["rows"][self.rows[rng.integers(0, len(self.rows), len(truth))]]
        count = len(self.train)
        return _Outcome(
            view.name, right[:count], right[count:], float(_right(blind, truth, tolerance)[:count].mean())
        )

    def _nearest_without(self, block: slice | None) -> Array:
        """Per target the nearest row searched, by all features but the block: its share is taken off, nothing is redone."""
        if block is None:
            return np.asarray(self.apart.argmin(axis=1))
        known, own = self.targets[:, block], self.searched[:, block]
        # (2 known, -1) . (own, own^2) is what the block adds to a squared distance, but for its sign and a constant.
        minus = np.column_stack([known * 2, np.full(len(known), -1, np.float32)])
        plus = np.ascontiguousarray(np.column_stack([own, np.einsum("ij,ij->i", own, own)]).T)
        found = np.empty(len(known), np.int64)
        for start in range(0, len(known), _AT_ONCE):
            left = minus[start : start + _AT_ONCE] @ plus
            left += self.apart[start : start + _AT_ONCE]
            found[start : start + _AT_ONCE] = left.argmin(axis=1)
        return found


def _clipped(case: Case, points: Space, matrix: Array) -> Array:
    made = matrix.copy()
    for view in views(case):
        if view.kind == "number":
            place = points.blocks[view.name].start
            np.clip(made[:, place], -_CLIP, _CLIP, out=made[:, place])
    return made


def _tolerance(view: View, case: Case) -> float | None:
    """How far off a guess may be, in days or minutes; ``None`` for all that is no date."""
    if not isinstance(case.schema.column(view.name), DateColumn | DatetimeColumn):
        return None
    known = view.parts["train"][~view.missing("train")]
    if not known.size:
        return 0.0
    low, high = np.quantile(known, (_TOLERANCE, 1 - _TOLERANCE))
    return float(high - low) * _TOLERANCE


def _right(guess: Array, truth: Array, tolerance: float | None) -> Array:
    if truth.dtype.kind != "f":
        return np.equal(guess, truth)
    allowed = np.abs(truth) * _TOLERANCE if tolerance is None else np.full(len(truth), tolerance)
    near = np.abs(guess - truth) <= allowed  # never true of a missing value
    return np.asarray(near | (np.isnan(guess) & np.isnan(truth)))


def _of_table(case: Case, outcomes: list[_Outcome], told: list[Score], note: str) -> Score:
    if not outcomes:
        return not_applicable(_NAME, "every column has the same value in every real row")
    hits, strangers = (np.mean([getattr(o, side) for o in outcomes], axis=0) for side in ("train", "holdout"))
    rng = np.random.default_rng(derive(case.seed, "attribute-inference", "bootstrap"))
    drawn = [
        _gain(side.mean(), other.mean())
        for side, other in (
            (
                hits[rng.integers(0, len(hits), len(hits))],
                strangers[rng.integers(0, len(strangers), len(strangers))],
            )
            for _ in range(_DRAWS)
        )
    ]
    risk = _gain(hits.mean(), strangers.mean())
    low, high = percentiles(np.array(drawn), risk)
    if low == high:  # such as of guesses that are never right: every draw is the same, which is no certainty
        people = len(hits)
        attack, control = (Rate(float(side.sum()), people) for side in (hits, strangers))
        _, *ends = residual_risk(attack, control)
        low, high = min(low, ends[0]), max(high, ends[1])
    worst = max(
        (score for score in told if score.value is not None), key=lambda score: (score.low, score.value)
    )
    said = (
        f"{hits.mean():.1%} of guesses right for train rows, {strangers.mean():.1%} for held-out rows, {note}"
    )
    if worst.value:
        said += f"; highest for '{worst.column_a}': {worst.value:.3f} [{worst.low:.3f}, {worst.high:.3f}]"
    else:
        said += "; 0 for every column"
    return Score(_NAME, risk, low=low, high=high, note=said)


def _gain(attack: float, control: float) -> float:
    if control >= 1:
        return 0.0
    return float(min(1.0, max(0.0, (attack - control) / (1 - control))))
