"""Do the synthetic rows tell how to single out a real person? Guesses held against train and held-out rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from localsynth.core.judging import Case, Family, Measure, Score, StandIn, not_applicable
from localsynth.core.seeds import derive

from .encode import Array, Part, View, views
from .grouping import distinct_rows
from .intervals import Rate, residual_risk, wilson
from .predicates import Predicate, at_random, counts, multivariate, univariate
from .writing import lacking, nothing, too_few

__all__ = ["SinglingOut"]

_FEWEST, _MOST_ROWS = 10, 10_000  # rows
_GUESSES = 500
_DRAWN = 5  # times as many rows are looked through for different ones
_SOURCE = (
    "singling-out attack of Giomi et al. 2023, A unified framework for quantifying privacy risk in synthetic data, as their"
    " package anonymeter defines it"
)
_MODES = {"univariate": "one column", "multivariate": "several columns"}
_NONE = {
    "univariate": "no single value singles out one of the rows",
    "multivariate": "no combination of columns singles out one of the rows",
}


def _measures() -> Iterator[Measure]:
    for mode, words in _MODES.items():
        one = mode == "univariate"
        looked = (
            "a value of one column that occurs" if one else "values of several columns that occur together"
        )
        yield Measure(
            f"singling_out_risk_{mode}",
            f"Singling-out risk, {words}",
            f"An attacker looks in the synthetic rows for {looked} only once, and guesses that exactly one real person has"
            f" {'it' if one else 'them'} too. The risk: of the guesses that fail for people who were never seen, the share that"
            " is right for the train rows all the same. 0 is nothing gained, 1 always right; 0 does not show that another"
            " attacker fails.",
            "lower", 0.0, 1.0, f"{_SOURCE}, with their interval",
        )  # fmt: skip
        yield Measure(
            f"singling_out_rate_{mode}",
            f"Guesses that single out a train row, {words}",
            "Share of these guesses that fit exactly one train row. Means something only beside the same for held-out rows.",
            "none", 0.0, 1.0, _SOURCE,
        )  # fmt: skip
        yield Measure(
            f"singling_out_control_{mode}",
            f"Guesses that single out a held-out row, {words}",
            "Share of the very same guesses that fit exactly one held-out row, brought to as many rows as there are train"
            " rows: what one learns about strangers by knowing the population.",
            "none", 0.0, 1.0, _SOURCE,
        )  # fmt: skip
        yield Measure(
            f"singling_out_baseline_{mode}",
            f"Blind guesses that single out a train row, {words}",
            "Share of guesses made at random that fit exactly one train row. An attack that does no better was too weak to show"
            " anything.",
            "none", 0.0, 1.0, _SOURCE,
        )  # fmt: skip


class SinglingOut:
    """Predicates that single out a synthetic row, tried on train rows (attack) and on held-out rows (control).

    As in the paper, but that the attacker leaves out repeated rows and looks at no more synthetic rows than there are train
    rows (else what is alone among ten times as many is mostly nobody), and that predicates of several columns have from two
    to all columns.

    Unequal sizes: whether a predicate fits exactly one row depends on how many rows there are. With more held-out than train
    rows the control is the mean over all ways to draw as many as there are train rows (hypergeometric). With fewer, the
    control rate is multiplied by how much oftener the same predicates fit one of all train rows than one of as many train
    rows as are held out, which is what more rows of the same people would do; where copies are among the guesses this makes
    the control rate too high and the risk rather too low.
    """

    name: ClassVar[str] = "singling-out"
    family: ClassVar[Family] = "privacy"
    real: ClassVar[StandIn] = "half"
    needs_train: ClassVar[bool] = True
    needs_holdout: ClassVar[bool] = False
    measures: ClassVar[tuple[Measure, ...]] = tuple(_measures())

    def scores(self, case: Case) -> Iterator[Score]:
        """Per kind of predicate the risk and the three rates."""
        reason = lacking(case, train=True) or too_few({"rows": case.rows.num_rows}, _FEWEST)
        if reason is not None:
            yield from nothing(self.measures, reason)
            return
        columns = views(case)
        seen = _seen(case, columns)
        for mode in _MODES:
            case.check()
            rng = np.random.default_rng(derive(case.seed, "singling-out", mode))
            if mode == "univariate":
                guesses = univariate(columns, seen, _GUESSES, rng)
            else:
                guesses = multivariate(columns, seen, _GUESSES, rng, case.check)
            if not guesses:
                because = (
                    "the table has only one column"
                    if mode != "univariate" and len(columns) == 1
                    else _NONE[mode]
                )
                yield from nothing((m for m in self.measures if m.name.endswith(f"_{mode}")), because)
                continue
            blind = at_random(columns, seen, [len(guess) for guess in guesses], rng)
            yield from _told(case, mode, columns, guesses, blind)


def _seen(case: Case, columns: Sequence[View]) -> list[Array]:
    """The synthetic rows the attacker looks at, column by column."""
    most = min(_MOST_ROWS, case.train.num_rows)
    rng = np.random.default_rng(derive(case.seed, "singling-out", "rows"))
    drawn = rng.permutation(case.rows.num_rows)[: _DRAWN * most]
    rows = distinct_rows(columns, "rows", drawn)[:most]
    return [view.parts["rows"][rows] for view in columns]


def _told(
    case: Case, mode: str, columns: Sequence[View], guesses: list[Predicate], blind: list[Predicate]
) -> Iterator[Score]:
    def count(predicates: list[Predicate], part: Part) -> Array:
        return counts(predicates, [view.parts[part] for view in columns], case.check)

    in_train = count(guesses, "train")
    attack = Rate(float((in_train == 1).sum()), len(guesses))
    baseline = Rate(float((count(blind, "train") == 1).sum()), len(blind))
    weak = "" if attack.share > baseline.share else "; no better than blind guesses, so it shows nothing"
    if case.holdout.num_rows:
        control = _control(in_train, count(guesses, "holdout"), case.train.num_rows, case.holdout.num_rows)
        risk, low, high = residual_risk(attack, control.rate, control.raised)
        strangers = min(1.0, control.rate.share * control.raised)
        said = f"{attack.share:.1%} of {len(guesses)} guesses fit one train row, {strangers:.1%} one held-out row{weak}"
        yield Score(f"singling_out_risk_{mode}", risk, low=min(low, risk), high=max(high, risk), note=said)
        low, high = (min(1.0, end * control.raised) for end in wilson(control.rate.successes, len(guesses)))
        yield Score(f"singling_out_control_{mode}", strangers, low=low, high=high, note=control.note)
    else:
        because = "no real rows were held out, and the risk is what train rows suffer beyond those"
        yield not_applicable(f"singling_out_risk_{mode}", because)
        yield not_applicable(f"singling_out_control_{mode}", because)
    for name, rate, note in (
        ("rate", attack, f"{int(attack.successes)} of {len(guesses)} guesses"),
        ("baseline", baseline, f"{int(baseline.successes)} of {len(blind)} blind guesses"),
    ):
        low, high = wilson(rate.successes, rate.trials)
        yield Score(f"singling_out_{name}_{mode}", rate.share, low=low, high=high, note=note)


@dataclass(frozen=True)
class _Control:
    """The rate on held-out rows, and what it is to be multiplied by."""

    rate: Rate
    raised: float
    note: str


def _control(in_train: Array, in_holdout: Array, train: int, holdout: int) -> _Control:
    trials = len(in_holdout)
    if holdout > train:
        expected = float(_exactly_one(in_holdout, holdout, train).sum())
        return _Control(Rate(expected, trials), 1.0, f"{holdout:,} held-out rows, brought to {train:,}")
    hits = float((in_holdout == 1).sum())
    note = f"{int(hits)} of {trials} guesses, {holdout:,} held-out rows"
    expected = float(_exactly_one(in_train, train, holdout).sum())
    raised = float((in_train == 1).sum()) / expected if expected else 1.0
    return _Control(
        Rate(hits, trials),
        raised,
        f"{note}, brought to {train:,}: times {raised:.2f}" if holdout < train else note,
    )


def _exactly_one(matching: Array, total: int, drawn: int) -> Array:
    """The chance that of ``matching`` rows among ``total`` exactly one is in a draw of so many."""
    # matching * drawn / total is the expected number; given one is in, none of the others may be.
    chance = matching * drawn / total
    others = np.maximum(matching - 1, 0)
    rest = total - drawn
    steps = np.arange(int(others.max(initial=0)))
    none = np.concatenate([[1.0], np.cumprod(np.maximum(0, rest - steps) / np.maximum(1, total - 1 - steps))])
    return np.asarray(chance * none[others])
