"""What was and what was not shown of privacy: one sentence for each thing."""

from __future__ import annotations

from localsynth.core.evaluation import REAL, WITHHELD
from localsynth.core.judging import Measure
from localsynth.core.run import Exposure

from .attacks import Attack, blind
from .attackwords import NAMES, OUTCOMES, PHRASES
from .budget import budget_of, epsilon_of, total_of
from .budget import worded as worded_budget
from .glossary import INFERRED
from .lookup import Figure, Lookup, Subject
from .numbers import end_number, number, with_interval
from .numbers import figure as worded
from .standing import Leak

__all__ = ["as_much", "capital", "chance_words", "things_not_shown", "things_shown", "together", "told_of"]


def things_shown(lookup: Lookup, subject: Subject, found: tuple[Attack, ...]) -> tuple[str, ...]:
    sentences = [
        f"{capital(told_of(lookup, attack))}{as_much(lookup, attack)}: {OUTCOMES[attack.leaking.leak]}."
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
            f"The statistics the rows were made from are differentially private, {together(lookup, subject)}: a"
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


def things_not_shown(lookup: Lookup, subject: Subject, found: tuple[Attack, ...]) -> tuple[str, ...]:
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
        sentences += [f"{capital(', '.join(names))}: {note}." for note, names in unknown.items()]
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
    if blind(lookup, attack.metric, subject):
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
            f"too weak here to show anything{as_much(lookup, attack)}, and copies are not clearly above that (bootstrap"
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


def told_of(lookup: Lookup, attack: Attack) -> str:
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


def as_much(lookup: Lookup, attack: Attack) -> str:
    """That a figure above chance is no sign, because ``independent`` has as high a one."""
    if not attack.leaking.alike:
        return ""
    independent = lookup.figure(attack.metric, lookup.reference("independent"))
    return f", no more than independent columns show ({with_interval(independent, lookup.measure(attack.metric))})"


def chance_words(attack: Attack, measure: Measure) -> str:
    """What the measure gives where nothing was copied."""
    value = attack.chance.value
    if value is None:
        return "unknown"
    measured = attack.metric in {"exact_copies", "near_copies"}
    return worded(attack.chance, measure) if measured else end_number(value, measure)


def together(lookup: Lookup, subject: Subject) -> str:
    """The budget that counts for somebody who holds the rows of all seeds."""
    several = len(subject.runs)
    return worded_budget(total_of(lookup, subject)) + (
        f" for the rows of all {several} seeds" if several > 1 else ""
    )


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]
