"""Do the synthetic rows tell how to single out a real person? Guesses held against train and held-out rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np

from localsynth.core.judging import Case, Family, Measure, Score, StandIn, not_applicable
from localsynth.core.seeds import derive

from .dealing import Fits, crowd, gained, hits
from .encode import Array, Part, View, views
from .grouping import distinct_rows
from .intervals import cut, wilson
from .predicates import Predicate, at_random, fits, multivariate, univariate
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
            f"An attacker looks in the synthetic rows for {looked} only once, and guesses that exactly one train row has"
            f" {'it' if one else 'them'} too. The risk: of the guesses that would fail about as many people nobody has seen,"
            " the share that is right all the same, (rate - control) / (1 - control) of the two shares below, at least 0. 0 is"
            " nothing gained, 1 always right; 0 does not show that another attacker fails.",
            "lower", 0.0, 1.0, f"{_SOURCE}; interval by dealing the real rows anew to train and holdout (permutation)",
        )  # fmt: skip
        yield Measure(
            f"singling_out_rate_{mode}",
            f"Guesses that single out a train row, {words}",
            "Share of these guesses that fit exactly one of all train rows. Means something only beside what the same guesses"
            " would reach about people nobody has seen.",
            "none", 0.0, 1.0, _SOURCE,
        )  # fmt: skip
        yield Measure(
            f"singling_out_control_{mode}",
            f"Guesses that would single out somebody unknown, {words}",
            "Share of the very same guesses that would fit exactly one of as many rows as there are train rows, of people"
            " nobody has seen: what one learns by knowing the population. Told from the held-out rows: of equally many it is"
            " the share that fits exactly one, of more the mean over all ways to draw as many; of fewer, a guess that fits"
            " exactly one counts for as many as there would be of its sort among more rows (n / m of n train and m held-out"
            " rows where it fits no train row, 1 where it fits one, less where it fits more), at most 1 in all.",
            "none", 0.0, 1.0, _SOURCE,
        )  # fmt: skip
        yield Measure(
            f"singling_out_baseline_{mode}",
            f"Blind guesses that single out a train row, {words}",
            "Share of guesses made at random that fit exactly one of all train rows. An attack that does no better was too weak"
            " to show anything.",
            "none", 0.0, 1.0, _SOURCE,
        )  # fmt: skip


class SinglingOut:
    """Predicates that single out a synthetic row, tried on train rows (attack) and on held-out rows (control).

    As in the paper, but that the attacker leaves out repeated rows and looks at no more synthetic rows than there are train
    rows (else what is alone among ten times as many is mostly nobody), and that predicates of several columns have from two
    to all columns.

    A guess is right that fits exactly one of all n train rows; no other guess makes a risk. Whether a predicate fits exactly
    one row depends on how many rows there are, so what the m held-out rows tell is brought to n. Where they are more, the
    control is the mean over all ways to draw n of them (hypergeometric). Where they are fewer, a guess that fits exactly one
    of them counts for n / m * prod((m - i) / (n - i) for i < c - 1) hits, c being how many real rows fit it in all: so many
    times as often would it fit exactly one train row as exactly one held-out row, were these c dealt by chance. Where nothing
    leaked, rate and control have then the same expectation for all n and m, and the risk expected of a leak is the same for
    all m. Risk and interval are told in :func:`~localsynth.metrics.dealing.gained`; those of the rates are Wilson's. Guesses
    about the same synthetic row are no independent trials: together they count for as many as rows equally often guessed
    about would (Kish 1965).
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
            yield from _told(case, mode, columns, seen, guesses, blind)


def _seen(case: Case, columns: Sequence[View]) -> list[Array]:
    """The synthetic rows the attacker looks at, column by column."""
    most = min(_MOST_ROWS, case.train.num_rows)
    rng = np.random.default_rng(derive(case.seed, "singling-out", "rows"))
    drawn = rng.permutation(case.rows.num_rows)[: _DRAWN * most]
    rows = distinct_rows(columns, "rows", drawn)[:most]
    return [view.cells("rows")[rows] for view in columns]


def _told(
    case: Case,
    mode: str,
    columns: Sequence[View],
    seen: Sequence[Array],
    guesses: list[Predicate],
    blind: list[Predicate],
) -> Iterator[Score]:
    train, holdout = case.train.num_rows, case.holdout.num_rows
    most = crowd(train + holdout, train)

    def fitting(predicates: list[Predicate], part: Part) -> Fits:
        return fits(predicates, [view.cells(part) for view in columns], most, case.check)

    in_train, trials = fitting(guesses, "train"), _trials(fits(guesses, seen, 1, case.check))
    attack, baseline = (float((found.counts == 1).mean()) for found in (in_train, fitting(blind, "train")))
    weak = "" if attack > baseline else "; no better than blind guesses, so it shows nothing"
    rates = {
        "rate": (attack, 1.0, f"{len(guesses)} guesses, {train:,} train rows"),
        "baseline": (baseline, 1.0, f"{len(blind)} blind guesses, {train:,} train rows"),
    }
    if holdout:
        in_holdout = fitting(guesses, "holdout")
        found = hits(in_train, in_holdout)
        control = cut(found.control)
        rng = np.random.default_rng(derive(case.seed, "singling-out", mode, "dealt"))
        risk, low, high = gained(in_train, in_holdout, trials, rng, case.check)
        said = (
            f"{attack:.1%} of {len(guesses)} guesses fit exactly one of {train:,} train rows, {control:.1%} would fit exactly"
            f" one of as many people nobody has seen, as {holdout:,} held-out rows tell"
        )
        yield Score(f"singling_out_risk_{mode}", risk, low=low, high=high, note=said + weak)
        told = f"{len(guesses)} guesses, {holdout:,} held-out rows"
        if holdout != train:
            told += f" brought to {train:,}"
        if holdout < train:
            told += f"; one hit counts for {found.worth:.2f} on average"
        rates["control"] = (control, found.worth, told)
    else:
        because = "no real rows were held out, and the risk is what train rows suffer beyond those"
        yield not_applicable(f"singling_out_risk_{mode}", because)
        yield not_applicable(f"singling_out_control_{mode}", because)
    for name, (rate, worth, note) in rates.items():
        # What was counted has Wilson's interval, and what each hit counts for stretches it.
        low, high = (min(1.0, worth * end) for end in wilson(min(rate / worth, 1.0) * trials, trials))
        yield Score(f"singling_out_{name}_{mode}", rate, low=min(low, rate), high=max(high, rate), note=note)


def _trials(seen: Fits) -> float:
    """As how many independent guesses these count, which fit one synthetic row each."""
    _, times = np.unique(np.concatenate(list(seen.rows)), return_counts=True)
    return float(times.sum() ** 2 / np.square(times).sum())
