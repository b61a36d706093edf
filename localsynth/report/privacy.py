"""What was and what was not shown of privacy, by attacks held against chance and against copies of real rows."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Literal

from localsynth.core.evaluation import REAL
from localsynth.core.judging import Measure
from localsynth.core.run import Exposure

from .lookup import Figure, Lookup, Subject
from .numbers import end_number, number, plain_number, with_interval
from .numbers import figure as worded
from .outline import ATTACKS
from .standing import Leak, Leaking, leaking

__all__ = ["Attack", "Privacy", "attacks", "chance_words", "epsilon_of", "privacy"]


@dataclass(frozen=True)
class Attack:
    """One attack on the runs of a recipe: its figure, what chance and ``bootstrap`` give, and what that says.

    seeds : words for how many runs it is said of, where not of all.
    """

    metric: str
    run: Figure
    chance: Figure
    bootstrap: Figure
    leaking: Leaking
    seeds: str = ""


@dataclass(frozen=True)
class Privacy:
    """``sentence`` : the verdict. shown, not_shown : one sentence for each thing."""

    state: Literal["found", "signs", "none", "unknown"]
    headline: str
    sentence: str
    shown: tuple[str, ...]
    not_shown: tuple[str, ...]


#: Without one of these no attack was made that can tell train rows from rows of the same population.
_TELLING = frozenset({"membership_auc", "dcr_share"})
#: What only copies do; the other attacks also find single values that stand out.
_COPYING = _TELLING | {"exact_copies", "near_copies"}
_PHRASES = {
    "membership_auc": "a membership attack tells train rows from held-out ones with AUC {run} ({chance} is guessing{copies})",
    "dcr_share": "{run} of the rows lie nearer to a train row than to a held-out one ({chance} by chance{copies})",
    "exact_copies": "{run} of the rows are exact copies of train rows (held-out rows {chance}{copies})",
    "near_copies": "{run} are nearly copies ({chance} by chance{copies})",
}
_WORST_FIRST = (Leak.FOUND, Leak.SIGNS, Leak.NONE, Leak.WEAK, Leak.UNKNOWN)
_OUTCOMES = {
    Leak.FOUND: "found out: nearer to copies than to chance",
    Leak.SIGNS: "signs of memory: above chance",
    Leak.NONE: "nothing found",
    Leak.WEAK: "too weak an attack to show anything",
    Leak.UNKNOWN: "not measured",
}


def attacks(lookup: Lookup, subject: Subject) -> tuple[Attack, ...]:
    """Every attack on the runs of a recipe, those without a value too. Of several seeds the worst one counts."""
    copied = lookup.reference("bootstrap")
    made = []
    for metric in ATTACKS:
        bootstrap = lookup.figure(metric, copied)
        chance = _chance(lookup, metric, subject)
        each = [
            _of_seed(lookup, metric, replace(subject, names=(name,)), bootstrap) for name in subject.names
        ]
        worst = min(each, key=lambda found: _WORST_FIRST.index(found.leak))
        seeds = sum(found.leak is worst.leak for found in each)
        run = lookup.figure(metric, subject)
        whose = "" if seeds == len(each) else f" in {seeds} of {len(each)} seeds"
        made.append(Attack(metric, run, chance, bootstrap, worst, whose))
    return tuple(made)


def _of_seed(lookup: Lookup, metric: str, seed: Subject, bootstrap: Figure) -> Leaking:
    found = leaking(lookup.figure(metric, seed), _chance(lookup, metric, seed), bootstrap)
    if found.leak is Leak.NONE and _blind(lookup, metric, seed):
        return replace(found, leak=Leak.WEAK)
    return found


def _blind(lookup: Lookup, metric: str, subject: Subject) -> bool:
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
        return lookup.figure(metric, real)
    measure = lookup.measure(metric)
    if measure.ideal is not None:
        return Figure((measure.ideal,))
    return Figure((0.5,)) if metric in _TELLING else Figure((0.0,))


def privacy(lookup: Lookup, subject: Subject) -> Privacy:
    """The verdict on the runs of a recipe."""
    found = attacks(lookup, subject)
    shown, not_shown = _shown(lookup, subject, found), _not_shown(lookup, subject, found)
    dataset = lookup.evaluation.dataset
    if dataset.train_rows == 0:
        sentence = "No real row is known here, so none was there to be copied, and no attack could be made; nothing was shown."
        return Privacy("unknown", "No real rows, nothing to attack", sentence, shown, not_shown)
    by_leak = {leak: [a for a in found if a.leaking.leak is leak] for leak in Leak}
    missing = f"; not shown: {_missing(subject)}"
    if by_leak[Leak.FOUND]:
        said = "; ".join(_said(lookup, attack) + attack.seeds for attack in by_leak[Leak.FOUND][:2])
        sentence = (
            f"Real rows show through, and these rows must be handled like the real table: {said}{missing}."
        )
        copied = any(attack.metric in _COPYING for attack in by_leak[Leak.FOUND])
        headline = "Found out: copies of real rows" if copied else "Found out: real rows show through"
        return Privacy("found", headline, sentence, shown, not_shown)
    telling = [a for a in found if a.metric in _TELLING and a.leaking.leak is not Leak.UNKNOWN]
    if not telling:
        why = "no real rows were held out" if not dataset.holdout_rows else found[0].run.note
        rest = "; ".join(_said(lookup, a) for a in found if a.leaking.leak is not Leak.UNKNOWN)
        sentence = f"Whether train rows show through cannot be judged ({why})" + (f"; {rest}" if rest else "")
        return Privacy("unknown", "Cannot be judged", f"{sentence}{missing}.", shown, not_shown)
    if by_leak[Leak.SIGNS]:
        signs = by_leak[Leak.SIGNS]
        said = "; ".join(_said(lookup, attack) + attack.seeds for attack in signs[:2])
        # Seven intervals of 95% each: one of them errs in every sixth report or so.
        alone = " (one sign alone can be chance)" if len(signs) == 1 and by_leak[Leak.NONE] else ""
        sentence = f"There are signs that train rows show through{alone}: {said}{missing}."
        return Privacy("signs", "Signs of memory", sentence, shown, not_shown)
    said = "; ".join(_said(lookup, attack) for attack in by_leak[Leak.NONE][:3])
    sentence = f"No attack tried does clearly better than chance: {said}{missing}."
    return Privacy("none", "No leak found by the attacks tried", sentence, shown, not_shown)


def _said(lookup: Lookup, attack: Attack) -> str:
    measure = lookup.measure(attack.metric)
    copied = attack.bootstrap
    copies = f", bootstrap {worded(copied, measure)}" if copied.value is not None else ""
    chance, run = chance_words(attack, measure), with_interval(attack.run, measure)
    if attack.metric in _PHRASES:
        return _PHRASES[attack.metric].format(run=run, chance=chance, copies=copies)
    title = measure.title[:1].lower() + measure.title[1:]
    return f"{title} {run} ({chance} if nothing leaks{copies})"


def chance_words(attack: Attack, measure: Measure) -> str:
    """What the measure gives where nothing was copied."""
    value = attack.chance.value
    if value is None:
        return "unknown"
    measured = attack.metric in {"exact_copies", "near_copies"}
    return worded(attack.chance, measure) if measured else end_number(value, measure)


def _missing(subject: Subject) -> str:
    spent = epsilon_of(subject)
    guarantee = "" if spent else ", and a mathematical guarantee (no epsilon was spent)"
    return f"safety from weaker leaks, and from attackers who know more than this table{guarantee}"


# --- one sentence for each thing ----------------------------------------------------------------------------------


def _shown(lookup: Lookup, subject: Subject, found: tuple[Attack, ...]) -> tuple[str, ...]:
    sentences = [
        f"{_capital(_said(lookup, attack))}: {_OUTCOMES[attack.leaking.leak]}{attack.seeds}."
        for attack in found
        if attack.leaking.leak not in {Leak.UNKNOWN, Leak.WEAK}
    ]
    exposures = {run.exposure for run in subject.runs}
    if exposures == {Exposure.SCHEMA}:
        sentences.insert(0, "The method was given a description only: no real row and no statistic of one.")
    if spent := epsilon_of(subject):
        sentences.insert(
            0,
            f"The recipe declares {spent}: a mathematical bound on what any attack can gain, as far as the method kept it.",
        )
    return tuple(sentences)


def _not_shown(lookup: Lookup, subject: Subject, found: tuple[Attack, ...]) -> tuple[str, ...]:
    sentences = []
    unknown: dict[str, list[str]] = {}
    for attack in found:
        if attack.leaking.leak is Leak.UNKNOWN:
            note = attack.run.note if attack.run.value is None else "there is nothing to hold it against"
            unknown.setdefault(note, []).append(lookup.measure(attack.metric).title)
        elif attack.leaking.leak is Leak.WEAK:
            title = lookup.measure(attack.metric).title
            sentences.append(
                f"{title}: the attack did no better than blind guesses, so its failure shows nothing."
            )
        elif attack.leaking.leak is Leak.NONE and attack.metric == "membership_auc":
            sentences.extend(_not_excluded(lookup, attack))
    sentences.extend(f"{_capital(', '.join(titles))}: {note}." for note, titles in unknown.items())
    sentences.append(
        "That no other attack succeeds: only those named here were tried, by an attacker who holds the synthetic rows "
        "and knows real rows of the same kind, but nothing from elsewhere."
    )
    sentences.append(
        "Anything from distances alone: how near rows lie to train rows (DCR share, NNDR) is a smoke test, which a table "
        "can pass while it leaks."
    )
    if not epsilon_of(subject):
        sentences.append(
            "A mathematical guarantee: no epsilon was spent, so there is no differential privacy."
        )
    return tuple(sentences)


def _not_excluded(lookup: Lookup, attack: Attack) -> list[str]:
    """How strong an attack the interval leaves possible."""
    span, chance = attack.run.span, attack.chance.value
    if span is None or chance is None or span[1] <= chance:
        return []
    high = number(span[1], lookup.measure(attack.metric))
    return [
        f"That the membership attack fails: its interval reaches AUC {high}, and so much is not excluded."
    ]


def epsilon_of(subject: Subject) -> str:
    """The privacy budget the recipes declare, as in ``epsilon 3 (delta 1e-6)``; empty where there is none."""
    said = []
    for run in subject.runs:
        try:
            spent = json.loads(run.recipe_json).get("privacy", {})
            epsilon, delta = spent.get("epsilon"), spent.get("delta")
        except (ValueError, AttributeError, RecursionError):
            continue
        if isinstance(epsilon, int | float):
            also = f" (delta {plain_number(delta)})" if isinstance(delta, int | float) else ""
            said.append(f"epsilon {plain_number(epsilon)}{also}")
    return ", ".join(dict.fromkeys(said))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
