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
from .leaving_out import nearest_without, on_grid
from .space import NO_POINTS, Space, joined, space
from .writing import lacking, nothing, too_few

__all__ = ["AttributeInference"]

_NAME = "attribute_inference_risk"
_TARGETS, _FEWEST = 500, 10
_LEAST = 100  # targets of each sort, however many rows are searched
_CELLS = 4_000_000_000  # targets x rows x columns: about five seconds of one core
_PER_FEATURE = 0.25  # of a column's work
_CLIP = 5.0  # standard deviations
_TOLERANCE = 0.05
_DRAWS = 1_000


class AttributeInference:
    """The attacker knows all columns of a person but one and reads the missing one off the nearest synthetic row.

    As anonymeter does, with every column as the secret in turn. Nearest is by standardised numbers (cut at 5 standard
    deviations, so that an extreme value weighs no more than a few categories) and categories that differ or not; free texts
    can be the secret, but do not help to find the row. A guess is right if it is equal; of numbers if it is within 5% of the
    true value, but no further off than 5% of the span of the middle 90% of train values (of all, where those are equal): 2003
    is within 5% of every year of a table; of days and moments within 5% of that span; a missing cell is a value like others.
    Distances are compared exactly, and of rows equally near one is taken that chance has put first: nothing of the
    secret decides which. All synthetic rows are searched (that memory holds). Targets are as many train as held-out rows,
    drawn by chance: at most 500 of each, fewer where there are many synthetic rows and columns (with 30 columns from 100,000
    rows on), but never fewer than 100.

    The table's figure pools the guesses of all columns, so that a column counts by how often a guess about a stranger
    fails in it: the mean of the columns' risks with these weights. A column where every guess is right, blind ones too, holds
    no secret and is none of them. Its interval draws people again, whole rows.
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
        case.check()
        guessed = [attack.guesses(view, case) for view in columns]
        varied = [_varies(view) for view in columns]
        outcomes = [o for o, varies in zip(guessed, varied, strict=True) if varies and not o.plain]
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
    # Held-out people are asked about too: a column is left out only where no answer at all differs.
    real = np.concatenate([view.parts["train"], view.parts["holdout"]])
    return len(np.unique(real)) > 1


@dataclass(frozen=True)
class _Outcome:
    """One column as the secret: which guesses were right, of train and of held-out people, and how often blind ones are."""

    column: str
    train: Array
    holdout: Array
    blind: float

    @property
    def plain(self) -> bool:
        """Whether any answer is right."""
        return bool(self.train.all() and self.holdout.all() and self.blind == 1)

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
    """The people asked about (train rows first, then as many held-out ones) and the synthetic row nearest to each.

    nearest : by name of the secret column, which row of the case each target finds. train, holdout : the targets; rows : all
    rows searched; each by numbers of the case.
    """

    nearest: dict[str, Array]
    train: Array
    holdout: Array
    rows: Array
    note: str

    @classmethod
    def on(cls, case: Case, points: Space) -> _Attack:
        columns = views(case)
        total = len(points.matrix["rows"])
        count = min(_affordable(points, total), len(points.matrix["train"]), len(points.matrix["holdout"]))
        train, holdout = (
            points.some(part, count, derive(case.seed, "attribute-inference", part))
            for part in ("train", "holdout")
        )
        numbers = [points.blocks[view.name].start for view in columns if view.kind == "number"]

        def placed(matrix: Array) -> Array:
            made = np.array(matrix, np.float64)
            made[:, numbers] = np.clip(made[:, numbers], -_CLIP, _CLIP)
            return on_grid(made, len(points.blocks), _CLIP)

        found = nearest_without(
            placed(np.vstack([points.matrix["train"][train], points.matrix["holdout"][holdout]])),
            lambda rows: placed(points.matrix["rows"][rows]),
            np.random.default_rng(derive(case.seed, "attribute-inference", "order")).permutation(total),
            [points.blocks.get(view.name) for view in columns],
            case.check,
            case.threads,
        )
        kept = points.rows
        return cls(
            {view.name: kept["rows"][rows] for view, rows in zip(columns, found, strict=True)},
            kept["train"][train], kept["holdout"][holdout], kept["rows"],
            joined(f"{count:,} people of each sort", points.cut),
        )  # fmt: skip

    def guesses(self, view: View, case: Case) -> _Outcome:
        """What comes out with this column as the secret."""
        guess = view.parts["rows"][self.nearest[view.name]]
        truth = np.concatenate([view.parts["train"][self.train], view.parts["holdout"][self.holdout]])
        timed = isinstance(case.schema.column(view.name), DateColumn | DatetimeColumn)
        relative, allowed = 0.0 if timed else _TOLERANCE, _tolerance(view)
        right = _right(guess, truth, allowed, relative)
        rng = np.random.default_rng(derive(case.seed, "attribute-inference", "blind", view.name))
        blind = view.parts["rows"][self.rows[rng.integers(0, len(self.rows), len(truth))]]
        count = len(self.train)
        by_chance = float(_right(blind, truth, allowed, relative).mean())
        return _Outcome(view.name, right[:count], right[count:], by_chance)


def _affordable(points: Space, rows: int) -> int:
    """Targets of each sort."""
    each = rows * (len(points.blocks) + _PER_FEATURE * points.width)
    return int(np.clip(_CELLS / (2 * each), min(_LEAST, _TARGETS), _TARGETS))


def _tolerance(view: View) -> float:
    """How far off a guess of a number may be at most, in its own unit (of dates days or minutes)."""
    known = view.parts["train"][~view.missing("train")]
    if view.kind != "number" or not known.size:
        return 0.0
    low, high = np.quantile(known, (_TOLERANCE, 1 - _TOLERANCE))
    if low == high:  # such as of an amount that most people do not have
        low, high = known.min(), known.max()
    return float(high * _TOLERANCE - low * _TOLERANCE)


def _right(guess: Array, truth: Array, allowed: float, relative: float) -> Array:
    """Which guesses are right: equal, or numbers no further off than ``allowed``, and than that share of the truth if any."""
    if truth.dtype.kind != "f":
        return np.equal(guess, truth)
    most = np.minimum(np.abs(truth) * relative, allowed) if relative else allowed
    near = np.abs(guess - truth) <= most  # never true of a missing value
    return np.asarray(near | (np.isnan(guess) & np.isnan(truth)))


def _of_table(case: Case, outcomes: list[_Outcome], told: list[Score], note: str) -> Score:
    if not outcomes:
        return not_applicable(_NAME, "there is no column where people differ and a guess can be wrong")
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
