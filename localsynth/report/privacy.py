"""The verdict on privacy, by attacks held against chance and against copies of real rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .attacks import TELLING, Attack, attacks
from .attackwords import MULTIVARIATE, NAMES, UNIVARIATE
from .budget import budget_of
from .evidence import as_much, capital, things_not_shown, things_shown, together, told_of
from .lookup import Lookup, Subject
from .standing import Leak

__all__ = ["Privacy", "privacy"]

#: What only copies do; the other attacks also find single values that stand out.
_COPYING = ("exact_copies", "membership_auc", "near_copies", "dcr_share")
#: The strongest evidence first.
_WEIGHT = (*_COPYING, MULTIVARIATE, "attribute_inference_risk", UNIVARIATE)
#: All of these must have found nothing, and have had the power to find something, before nothing is said to be found.
_NEEDED = (
    ("exact_copies",),
    ("membership_auc",),
    (UNIVARIATE, MULTIVARIATE),
    ("attribute_inference_risk",),
)


@dataclass(frozen=True)
class Privacy:
    """``sentence`` : the verdict. shown, not_shown : one sentence for each thing. copied : whether copies were found."""

    state: Literal["found", "signs", "rare", "none", "partly", "bounded", "unknown"]
    headline: str
    sentence: str
    shown: tuple[str, ...]
    not_shown: tuple[str, ...]
    copied: bool = False


def privacy(lookup: Lookup, subject: Subject) -> Privacy:
    """The verdict on the runs of a recipe, the first of these that holds.

    found: an attack is nearer to copies than to chance, or every row is an exact copy. signs: an attack lies above chance.
    rare: only single values of one column single people out. unknown: no attack but the count of copies has power. partly:
    one of exact copies, membership, singling out and attribute inference was not measured, or has no power. none: all of
    these found nothing. Where only what a privacy budget covers is told, no attack is made, and the state is bounded, or
    unknown where nothing was spent.
    """
    found = attacks(lookup, subject)
    shown, not_shown = things_shown(lookup, subject, found), things_not_shown(lookup, subject, found)
    if lookup.evaluation.covered:
        return _bounded(lookup, subject, shown, not_shown)
    if lookup.evaluation.dataset.train_rows == 0:
        sentence = "No real row is known here, so no attack could be made, and nothing was shown."
        return Privacy("unknown", "No real rows, nothing to attack", sentence, shown, not_shown)
    by_leak = {
        leak: sorted((a for a in found if a.leaking.leak is leak), key=lambda a: _WEIGHT.index(a.metric))
        for leak in Leak
    }
    state, headline, sentence, copied = _judged(lookup, found, by_leak)
    parts = [
        sentence,
        _named("Too weak here", by_leak[Leak.WEAK]),
        _named("Not measured", by_leak[Leak.UNKNOWN]),
    ]
    return Privacy(state, headline, " ".join(filter(None, parts)), shown, not_shown, copied)


def _bounded(lookup: Lookup, subject: Subject, shown: tuple[str, ...], not_shown: tuple[str, ...]) -> Privacy:
    """Of runs whose rows depend on the real ones through noisy statistics alone."""
    if budget_of(lookup, subject) is None:
        sentence = "The recipe names a privacy budget, and nothing was read from real rows to spend it on."
        return Privacy("unknown", "No statistics of real rows were read", sentence, shown, not_shown)
    sentence = (
        f"What anybody can learn from these rows about a single row of the table is bounded, {together(lookup, subject)};"
        " whether that is enough is for a person to decide. No attack was made, because figures from real rows are not"
        " covered (--outside-budget makes them, for whoever may see the real rows)."
    )
    return Privacy("bounded", "Bounded by a privacy budget", sentence, shown, not_shown)


_Judged = tuple[Literal["found", "signs", "rare", "none", "partly", "unknown"], str, str, bool]


def _judged(lookup: Lookup, every: tuple[Attack, ...], by_leak: dict[Leak, list[Attack]]) -> _Judged:
    if by_leak[Leak.FOUND]:
        said = "; ".join(told_of(lookup, attack) for attack in by_leak[Leak.FOUND][:2])
        copied = any(attack.metric in _COPYING for attack in by_leak[Leak.FOUND])
        headline = "Found out: copies of real rows" if copied else "Found out: real rows show through"
        return "found", headline, f"Handle these rows like the real table: {said}.", copied
    if signs := by_leak[Leak.SIGNS]:
        said = "; ".join(told_of(lookup, attack) for attack in signs[:2])
        alone = _alone(signs, by_leak)
        return (
            "signs",
            "Signs of memory",
            f"There are signs that train rows show through{alone}: {said}.",
            False,
        )
    if rare := by_leak[Leak.RARE]:
        alone = _alone(rare, by_leak)
        sentence = f"{capital(told_of(lookup, rare[0]))}. That does not say that rows were copied{alone}."
        return "rare", "Rare values of real people appear", sentence, False
    nothing = by_leak[Leak.NONE]
    said = "; ".join(
        told_of(lookup, attack) + as_much(lookup, attack)
        for place, attack in enumerate(nothing)
        if place < 2 or attack.leaking.alike
    )
    passed = {attack.metric for attack in nothing}
    if not passed & set(TELLING):
        return "unknown", "Cannot be judged", _unjudged(lookup, every, said), False
    if not all(passed & set(metrics) for metrics in _NEEDED):
        rest = f"The attacks that could show something found nothing: {said}."
        return "partly", "Only partly measured", rest, False
    alike = any(attack.leaking.alike for attack in nothing)
    than = "chance, or than on independent columns" if alike else "chance"
    sentence = f"No attack tried does clearly better than {than}, which is no proof of safety: {said}."
    return "none", "No leak found by the attacks tried", sentence, False


def _alone(signs: list[Attack], by_leak: dict[Leak, list[Attack]]) -> str:
    """Each of these intervals misses the truth once in twenty times: one of many attacks and seeds often does."""
    once = len(signs) == 1 and signs[0].hits == 1
    return " (one sign alone can be chance)" if once and (by_leak[Leak.NONE] or by_leak[Leak.WEAK]) else ""


def _unjudged(lookup: Lookup, every: tuple[Attack, ...], said: str) -> str:
    telling = [attack for attack in every if attack.metric in TELLING]
    if lookup.evaluation.dataset.holdout_rows == 0:
        why = "no real rows were held out"
    elif any(attack.leaking.leak is Leak.WEAK for attack in telling):
        if not any(attack.bootstrap.values for attack in telling):
            why = "these attacks were not tried on copies, so their failure shows nothing"
        else:
            why = "there are too few real rows for these attacks"
    else:
        why = "no attack that could tell was measured"
    also = f"; {said}" if said else ""
    return f"Whether train rows show through cannot be judged, because {why}{also}."


def _named(what: str, found: list[Attack]) -> str:
    names = ", ".join(NAMES[attack.metric] for attack in found)
    return f"{what}: {names}." if names else ""
