"""Every attack on the runs of a recipe: what it gave, and whether that is nearer to chance or to copies of real rows."""

from __future__ import annotations

from dataclasses import dataclass, replace

from localsynth.core.evaluation import REAL

from .attackwords import MULTIVARIATE, UNIVARIATE
from .lookup import Figure, Lookup, Subject
from .outline import ATTACKS
from .standing import Leak, Leaking, beyond_margins, leaking

__all__ = ["TELLING", "Attack", "attacks", "blind"]

#: Without one of these no attack was made that can tell train rows from rows of the same population.
TELLING = ("membership_auc", "dcr_share", MULTIVARIATE, "attribute_inference_risk")
#: Guessing gives one half.
_HALVES = frozenset({"membership_auc", "dcr_share"})
_WORST_FIRST = (Leak.FOUND, Leak.SIGNS, Leak.RARE, Leak.NONE, Leak.WEAK, Leak.UNKNOWN)


@dataclass(frozen=True)
class Attack:
    """One attack on the runs of a recipe: its figure, what chance and ``bootstrap`` give, and what that says.

    Of several seeds the worst one counts. where : words for the run it was, where it was not all of them. hits : in how many
    runs it found as much. told : the figure to be told, that of the worst run where the others show less.
    """

    metric: str
    run: Figure
    chance: Figure
    bootstrap: Figure
    leaking: Leaking
    where: str
    hits: int
    told: Figure


def attacks(lookup: Lookup, subject: Subject) -> tuple[Attack, ...]:
    """Every attack on the runs of a recipe, those without a value too. Of several seeds the worst one counts."""
    return tuple(_attack(lookup, metric, subject) for metric in ATTACKS)


def _attack(lookup: Lookup, metric: str, subject: Subject) -> Attack:
    bootstrap = lookup.figure(metric, lookup.reference("bootstrap"))
    seeds = [replace(subject, names=(name,)) for name in subject.names]
    each = [_of_seed(lookup, metric, seed, bootstrap) for seed in seeds]
    worst = min(range(len(each)), key=lambda i: (_WORST_FIRST.index(each[i].leak), -(each[i].share or 0.0)))
    leak = each[worst].leak
    hits = sum(found.leak is leak for found in each)
    run, where = lookup.figure(metric, subject), ""
    told = run
    if hits < len(each):
        where = f" in {hits} of {len(each)} seeds"
        if leak in {Leak.FOUND, Leak.SIGNS, Leak.RARE}:
            told = lookup.figure(metric, seeds[worst])
            where += f", {'worst in' if hits > 1 else 'in'} run {subject.names[worst]}"
    chance = _chance(lookup, metric, subject)
    return Attack(metric, run, chance, bootstrap, each[worst], where, hits, told)


def _of_seed(lookup: Lookup, metric: str, seed: Subject, bootstrap: Figure) -> Leaking:
    run, chance = lookup.figure(metric, seed), _chance(lookup, metric, seed)
    if metric == "exact_copies":
        # Copies are counted, not guessed: whoever copies has them, with or without a reference that shows it.
        found = leaking(run, chance, Figure((1.0,)))
        return replace(found, leak=Leak.FOUND) if run.values and min(run.values) >= 1 else found
    found = leaking(run, chance, bootstrap)
    if found.leak is Leak.SIGNS and metric in TELLING:
        found = beyond_margins(found, run, lookup.figure(metric, lookup.reference("independent")), bootstrap)
    if metric == UNIVARIATE and found.leak in {Leak.FOUND, Leak.SIGNS}:
        return replace(found, leak=Leak.RARE)
    if found.leak is Leak.NONE and blind(lookup, metric, seed):
        return replace(found, leak=Leak.WEAK)
    return found


def blind(lookup: Lookup, metric: str, subject: Subject) -> bool:
    """Whether an attack does no better than guesses without the synthetic rows, by its own account."""
    rate, baseline = (
        lookup.figure(metric.replace("_risk_", f"_{what}_"), subject).value for what in ("rate", "baseline")
    )
    return "_risk_" in metric and rate is not None and baseline is not None and rate <= baseline


def _chance(lookup: Lookup, metric: str, subject: Subject) -> Figure:
    """What the measure gives where nothing was copied: its ideal, or what real rows that were held out give."""
    real = lookup.reference(REAL)
    if metric == "near_copies":
        own = lookup.figure("near_copies_holdout", subject)
        return own if own.value is not None else lookup.figure(metric, real)
    if metric == "exact_copies":
        found = lookup.figure(metric, real)
        return found if found.value is not None else Figure((0.0,))
    measure = lookup.measure(metric)
    if measure.ideal is not None:
        return Figure((measure.ideal,))
    return Figure((0.5,)) if metric in _HALVES else Figure((0.0,))
