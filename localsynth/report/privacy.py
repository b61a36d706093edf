"""What was and what was not shown of privacy, by attacks held against chance and against copies of real rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from localsynth.core.evaluation import REAL, WITHHELD
from localsynth.core.judging import Measure
from localsynth.core.run import Exposure

from .attackwords import MULTIVARIATE, NAMES, OUTCOMES, PHRASES, UNIVARIATE
from .budget import budget_of, epsilon_of, total_of
from .budget import worded as worded_budget
from .glossary import INFERRED
from .lookup import Figure, Lookup, Subject
from .numbers import end_number, number, with_interval
from .numbers import figure as worded
from .outline import ATTACKS
from .standing import Leak, Leaking, beyond_margins, leaking

__all__ = ["Attack", "Privacy", "attacks", "chance_words", "privacy"]


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


@dataclass(frozen=True)
class Privacy:
    """``sentence`` : the verdict. shown, not_shown : one sentence for each thing. copied : whether copies were found."""

    state: Literal["found", "signs", "rare", "none", "partly", "bounded", "unknown"]
    headline: str
    sentence: str
    shown: tuple[str, ...]
    not_shown: tuple[str, ...]
    copied: bool = False


#: Without one of these no attack was made that can tell train rows from rows of the same population.
_TELLING = ("membership_auc", "dcr_share", MULTIVARIATE, "attribute_inference_risk")
#: What only copies do; the other attacks also find single values that stand out.
_COPYING = ("exact_copies", "membership_auc", "near_copies", "dcr_share")
#: Guessing gives one half.
_HALVES = frozenset({"membership_auc", "dcr_share"})
#: The strongest evidence first.
_WEIGHT = (*_COPYING, MULTIVARIATE, "attribute_inference_risk", UNIVARIATE)
#: All of these must have found nothing, and have had the power to find something, before nothing is said to be found.
_NEEDED = (
    ("exact_copies",),
    ("membership_auc",),
    (UNIVARIATE, MULTIVARIATE),
    ("attribute_inference_risk",),
)
_WORST_FIRST = (Leak.FOUND, Leak.SIGNS, Leak.RARE, Leak.NONE, Leak.WEAK, Leak.UNKNOWN)


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
    if found.leak is Leak.SIGNS and metric in _TELLING:
        found = beyond_margins(found, run, lookup.figure(metric, lookup.reference("independent")), bootstrap)
    if metric == UNIVARIATE and found.leak in {Leak.FOUND, Leak.SIGNS}:
        return replace(found, leak=Leak.RARE)
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
        found = lookup.figure(metric, real)
        return found if found.value is not None else Figure((0.0,))
    measure = lookup.measure(metric)
    if measure.ideal is not None:
        return Figure((measure.ideal,))
    return Figure((0.5,)) if metric in _HALVES else Figure((0.0,))


def privacy(lookup: Lookup, subject: Subject) -> Privacy:
    """The verdict on the runs of a recipe, the first of these that holds.

    found: an attack is nearer to copies than to chance, or every row is an exact copy. signs: an attack lies above chance.
    rare: only single values of one column single people out. unknown: no attack but the count of copies has power. partly:
    one of exact copies, membership, singling out and attribute inference was not measured, or has no power. none: all of
    these found nothing. Where only what a privacy budget covers is told, no attack is made, and the state is bounded, or
    unknown where nothing was spent.
    """
    found = attacks(lookup, subject)
    shown, not_shown = _shown(lookup, subject, found), _not_shown(lookup, subject, found)
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


def _together(lookup: Lookup, subject: Subject) -> str:
    """The budget that counts for somebody who holds the rows of all seeds."""
    several = len(subject.runs)
    return worded_budget(total_of(lookup, subject)) + (
        f" for the rows of all {several} seeds" if several > 1 else ""
    )


def _bounded(lookup: Lookup, subject: Subject, shown: tuple[str, ...], not_shown: tuple[str, ...]) -> Privacy:
    """Of runs whose rows depend on the real ones through noisy statistics alone."""
    if budget_of(lookup, subject) is None:
        sentence = "The recipe names a privacy budget, and nothing was read from real rows to spend it on."
        return Privacy("unknown", "No statistics of real rows were read", sentence, shown, not_shown)
    sentence = (
        f"What anybody can learn from these rows about a single row of the table is bounded, {_together(lookup, subject)};"
        " whether that is enough is for a person to decide. No attack was made, because figures from real rows are not"
        " covered (--outside-budget makes them, for whoever may see the real rows)."
    )
    return Privacy("bounded", "Bounded by a privacy budget", sentence, shown, not_shown)


_Judged = tuple[Literal["found", "signs", "rare", "none", "partly", "unknown"], str, str, bool]


def _judged(lookup: Lookup, every: tuple[Attack, ...], by_leak: dict[Leak, list[Attack]]) -> _Judged:
    if by_leak[Leak.FOUND]:
        said = "; ".join(_said(lookup, attack) for attack in by_leak[Leak.FOUND][:2])
        copied = any(attack.metric in _COPYING for attack in by_leak[Leak.FOUND])
        headline = "Found out: copies of real rows" if copied else "Found out: real rows show through"
        return "found", headline, f"Handle these rows like the real table: {said}.", copied
    if signs := by_leak[Leak.SIGNS]:
        said = "; ".join(_said(lookup, attack) for attack in signs[:2])
        alone = _alone(signs, by_leak)
        return (
            "signs",
            "Signs of memory",
            f"There are signs that train rows show through{alone}: {said}.",
            False,
        )
    if rare := by_leak[Leak.RARE]:
        alone = _alone(rare, by_leak)
        sentence = f"{_capital(_said(lookup, rare[0]))}. That does not say that rows were copied{alone}."
        return "rare", "Rare values of real people appear", sentence, False
    nothing = by_leak[Leak.NONE]
    said = "; ".join(
        _said(lookup, attack) + _as_much(lookup, attack)
        for place, attack in enumerate(nothing)
        if place < 2 or attack.leaking.alike
    )
    passed = {attack.metric for attack in nothing}
    if not passed & set(_TELLING):
        return "unknown", "Cannot be judged", _unjudged(lookup, every, said), False
    if not all(passed & set(metrics) for metrics in _NEEDED):
        rest = f"The attacks that could show something found nothing: {said}."
        return "partly", "Only partly measured", rest, False
    alike = any(attack.leaking.alike for attack in nothing)
    than = "chance, or than on independent columns" if alike else "chance"
    sentence = f"No attack tried does clearly better than {than}, which is no proof of safety: {said}."
    return "none", "No leak found by the attacks tried", sentence, False


def _as_much(lookup: Lookup, attack: Attack) -> str:
    """That a figure above chance is no sign, because ``independent`` has as high a one."""
    if not attack.leaking.alike:
        return ""
    independent = lookup.figure(attack.metric, lookup.reference("independent"))
    return f", no more than independent columns show ({with_interval(independent, lookup.measure(attack.metric))})"


def _alone(signs: list[Attack], by_leak: dict[Leak, list[Attack]]) -> str:
    """Each of these intervals misses the truth once in twenty times: one of many attacks and seeds often does."""
    once = len(signs) == 1 and signs[0].hits == 1
    return " (one sign alone can be chance)" if once and (by_leak[Leak.NONE] or by_leak[Leak.WEAK]) else ""


def _unjudged(lookup: Lookup, every: tuple[Attack, ...], said: str) -> str:
    telling = [attack for attack in every if attack.metric in _TELLING]
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


def _said(lookup: Lookup, attack: Attack) -> str:
    measure = lookup.measure(attack.metric)
    copied = attack.bootstrap
    copies = f", bootstrap {worded(copied, measure)}" if copied.value is not None else ""
    chance, run = chance_words(attack, measure), with_interval(attack.told, measure)
    if attack.metric == "exact_copies":
        real = lookup.figure("exact_copies", lookup.reference(REAL)).value is not None
        chance = f"held-out rows {chance}" if real else _coinciding(lookup, measure)
    if attack.metric in PHRASES:
        return PHRASES[attack.metric].format(run=run, chance=chance, copies=copies) + attack.where
    title = measure.title[:1].lower() + measure.title[1:]
    return f"{title} {run} ({chance} if nothing leaks{copies}){attack.where}"


def _coinciding(lookup: Lookup, measure: Measure) -> str:
    """Without held-out rows, columns drawn one by one show how many rows coincide anyhow."""
    independent = lookup.figure("exact_copies", lookup.reference("independent"))
    said = f"; independent {worded(independent, measure)}" if independent.value is not None else ""
    return f"no held-out rows to compare{said}"


def chance_words(attack: Attack, measure: Measure) -> str:
    """What the measure gives where nothing was copied."""
    value = attack.chance.value
    if value is None:
        return "unknown"
    measured = attack.metric in {"exact_copies", "near_copies"}
    return worded(attack.chance, measure) if measured else end_number(value, measure)


# --- one sentence for each thing ----------------------------------------------------------------------------------


def _shown(lookup: Lookup, subject: Subject, found: tuple[Attack, ...]) -> tuple[str, ...]:
    sentences = [
        f"{_capital(_said(lookup, attack))}{_as_much(lookup, attack)}: {OUTCOMES[attack.leaking.leak]}."
        for attack in found
        if attack.leaking.leak not in {Leak.UNKNOWN, Leak.WEAK}
    ]
    exposures = {run.exposure for run in subject.runs}
    if lookup.evaluation.covered and exposures == {Exposure.STATISTICS}:
        sentences.insert(0, "The method was given noisy statistics only, and no real row.")
    elif exposures == {Exposure.SCHEMA}:
        sentences.insert(0, f"The method was given {_description(lookup)}.")
    elif not lookup.evaluation.dataset.rows and exposures == {Exposure.STATISTICS}:
        sentences.insert(0, "The method was given published statistics only, and there were no real rows.")
    if budget_of(lookup, subject) is not None:
        sentences.insert(
            0,
            f"The statistics the rows were made from are differentially private, {_together(lookup, subject)}: a"
            " mathematical bound on what any attack on the rows can gain.",
        )
    elif spent := epsilon_of(subject):
        sentences.insert(
            0,
            f"The recipe declares {spent}: a mathematical bound on what any attack can gain, as far as the method kept it.",
        )
    return tuple(sentences)


def _description(lookup: Lookup) -> str:
    """What a method saw that sees a schema only: of a table that was imported it may hold statistics all the same."""
    if lookup.evaluation.covered:
        return "a description only, which a person declared"
    return INFERRED if lookup.evaluation.dataset.rows else "a description only, and there were no real rows"


def _not_shown(lookup: Lookup, subject: Subject, found: tuple[Attack, ...]) -> tuple[str, ...]:
    if lookup.evaluation.covered:
        return (
            f"That an attack fails: none was made, because {WITHHELD}.",
            "That so much is bounded of what is declared: columns, categories, ranges and rules are as a person wrote them.",
        )
    sentences = []
    unknown: dict[str, list[str]] = {}
    for attack in found:
        measure = lookup.measure(attack.metric)
        if attack.leaking.leak is Leak.UNKNOWN:
            note = attack.run.note if attack.run.value is None else "there is nothing to hold it against"
            unknown.setdefault(note, []).append(NAMES[attack.metric])
        elif attack.leaking.leak is Leak.WEAK:
            sentences.append(f"{measure.title}: {_why_weak(lookup, subject, attack, measure)}.")
        elif attack.leaking.leak is Leak.NONE and attack.metric == "membership_auc":
            sentences.extend(_not_excluded(lookup, attack))
    if lookup.evaluation.dataset.train_rows == 0:
        sentences = ["That an attack fails: none can be made without real rows."]
    else:
        sentences += [f"{_capital(', '.join(names))}: {note}." for note, names in unknown.items()]
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


def _why_weak(lookup: Lookup, subject: Subject, attack: Attack, measure: Measure) -> str:
    """Why the failure of an attack is no evidence of safety."""
    copied = attack.bootstrap
    ceiling = attack.chance.span[1] if attack.chance.span is not None else attack.chance.value
    if _blind(lookup, attack.metric, subject):
        return "the attack did no better than blind guesses, so its failure shows nothing"
    if copied.value is None:
        return "it was not tried on copies of real rows, so its failure shows nothing"
    figure = with_interval(copied, measure)
    if ceiling is not None and (copied.span or copied.values)[0] <= ceiling:
        return f"too weak here to show anything, since even copies are not clearly caught by it (bootstrap {figure})"
    if attack.leaking.alike and _touches(
        copied, lookup.figure(attack.metric, lookup.reference("independent"))
    ):
        return (
            f"too weak here to show anything{_as_much(lookup, attack)}, and copies are not clearly above that (bootstrap"
            f" {figure})"
        )
    own = with_interval(attack.run, measure)
    return f"too weak here to show anything, since its interval ({own}) reaches what copies give (bootstrap {figure})"


def _touches(copied: Figure, independent: Figure) -> bool:
    return independent.value is not None and (copied.span or copied.values)[0] <= independent.value


def _not_excluded(lookup: Lookup, attack: Attack) -> list[str]:
    """How strong an attack the interval leaves possible."""
    span, chance = attack.run.span, attack.chance.value
    if span is None or chance is None or span[1] <= chance:
        return []
    high = number(span[1], lookup.measure(attack.metric))
    return [
        f"That the membership attack fails: its interval reaches AUC {high}, and so much is not excluded."
    ]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
