"""The verdict: one line on release, then a sentence each for validity, likeness and use, and privacy.

Validity is judged by invalid rows and broken rules, beside the rate at which REAL breaks them. Likeness and use are judged
by the first measure of :data:`~.outline.SEPARATION` and of :data:`~.outline.UTILITY` that can tell, between
``independent`` (in use: no less than guessing) and REAL, by the rules of :mod:`.standing`; the worse of the two gives the
level. Privacy is judged by the worst of all attacks, by the rules of :mod:`.privacy`.

The line on release says "Do not release" where privacy is bad; "No reason found here against use, no proof of safety"
where privacy and validity are good, the rest is no worse than mixed, and there is no caution about a run; "Release only
after a person has weighed" what is not good, in every other case.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from localsynth.core.evaluation import REAL, WITHHELD
from localsynth.core.judging import Measure

from .cautions import cautions_of
from .lookup import NOT_MEASURED, Figure, Lookup, Subject
from .numbers import end_number, with_interval
from .numbers import figure as worded
from .outline import CHANCE, SEPARATION, UTILITY
from .privacy import Privacy, privacy
from .standing import Closeness, Likeness, closeness, wilson

__all__ = ["Level", "Sentence", "Verdict", "verdicts"]


class Level(StrEnum):
    """How good the news is."""

    GOOD = "good"
    MIXED = "mixed"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Sentence:
    """``topic`` and ``headline`` : a few words each; ``text`` : the sentence."""

    topic: str
    level: Level
    headline: str
    text: str


@dataclass(frozen=True)
class Verdict:
    """What is said of the runs of one recipe. overall : on release, from the three sentences. shown, not_shown : what of
    their privacy was and was not shown, one sentence each.
    """

    subject: Subject
    overall: Sentence
    validity: Sentence
    likeness: Sentence
    privacy: Sentence
    shown: tuple[str, ...]
    not_shown: tuple[str, ...]

    @property
    def sentences(self) -> tuple[Sentence, Sentence, Sentence]:
        """All three, in reading order."""
        return self.validity, self.likeness, self.privacy


def verdicts(lookup: Lookup) -> tuple[Verdict, ...]:
    """One verdict for the runs of each recipe."""
    return tuple(_verdict(lookup, subject) for subject in lookup.runs)


def _verdict(lookup: Lookup, subject: Subject) -> Verdict:
    found = privacy(lookup, subject)
    validity = _validity(lookup, subject)
    likeness = _likeness(lookup, subject, copied=found.copied)
    private = _private(found)
    overall = _overall(validity, likeness, private, warned=bool(cautions_of(lookup, subject)))
    return Verdict(subject, overall, validity, likeness, private, found.shown, found.not_shown)


# --- on release -----------------------------------------------------------------------------------------------------


def _overall(validity: Sentence, likeness: Sentence, private: Sentence, *, warned: bool) -> Sentence:
    topic = "Release"
    if private.level is Level.BAD:
        return Sentence(
            topic, Level.BAD, "Do not release", f"{_small(private.headline)}.".removeprefix("found out: ")
        )
    harmless = likeness.level in {Level.GOOD, Level.MIXED} and not warned
    if private.level is validity.level is Level.GOOD and harmless:
        return Sentence(topic, Level.GOOD, "No reason found here against use, no proof of safety", "")
    weighed = ["the caution above"] if warned else []
    weighed += [
        f"{s.topic.lower()} ({_small(s.headline)})"
        for s in (private, validity, likeness)
        if s.level is not Level.GOOD
    ]
    text = f"{_listed(weighed)}."
    return Sentence(
        topic, Level.MIXED, "Release only after a person has weighed", text[:1].lower() + text[1:]
    )


def _small(headline: str) -> str:
    return headline[:1].lower() + headline[1:]


# --- validity -------------------------------------------------------------------------------------------------------


_CHECKS = (
    ("rule_violations", "break a rule", "no row breaks a rule", "rules"),
    ("dependency_violations", "contradict a dependency", "no row contradicts a dependency", "dependencies"),
)


def _validity(lookup: Lookup, subject: Subject) -> Sentence:
    topic = "Validity"
    invalid = lookup.figure("invalid_rows", subject)
    if invalid.value is None:
        text = f"Whether every cell is valid was not measured ({invalid.note})."
        return Sentence(topic, Level.UNKNOWN, "Not measured", text)
    shown = with_interval(invalid, lookup.measure("invalid_rows"))
    first = (
        f"{shown} of the rows hold a cell that its column does not allow"
        if any(invalid.values)
        else "Every cell of every row is one its column allows"
    )
    parts, worse = [first], []
    for metric, what, none, kind in _CHECKS:
        figure = lookup.figure(metric, subject)
        if figure.value is None:
            continue
        real = lookup.figure(metric, lookup.reference(REAL))
        parts.append(_broken(lookup, metric, what, none, figure, real))
        if _more_than_real(lookup, subject, figure, real):
            worse.append(kind)
    if any(invalid.values):
        level, headline = Level.BAD, "Some rows are invalid"
    elif worse:
        level, headline = Level.MIXED, f"Valid cells, but {' and '.join(worse)} are broken"
    else:
        level, headline = Level.GOOD, "Valid"
    return Sentence(topic, level, headline, f"{_listed(parts)}.")


def _broken(lookup: Lookup, metric: str, what: str, none: str, figure: Figure, real: Figure) -> str:
    measure = lookup.measure(metric)
    beside = [
        f"{label} {worded(other, measure)}"
        for label in (REAL, "independent")
        if (other := lookup.figure(metric, lookup.reference(label))).value is not None
    ]
    if not any(figure.values) and not any(real.values):
        return none
    text = none if not any(figure.values) else f"{with_interval(figure, measure)} of the rows {what}"
    return f"{text} ({', '.join(beside)})" if beside else text


def _more_than_real(lookup: Lookup, subject: Subject, figure: Figure, real: Figure) -> bool:
    """Whether rules are broken more often than chance would have it in rows that break them as REAL does."""
    if not any(figure.values):
        return False
    rows = sum(run.rows_done for run in subject.runs)
    known = lookup.evaluation.dataset.holdout_rows
    if real.value is None or figure.value is None:
        return True
    if not rows or not known:
        return figure.value > real.value
    ends = real.span or _share_interval(real.value, known)
    own = figure.span or _share_interval(figure.value, rows)
    return own[0] > ends[1]


def _share_interval(value: float, rows: int) -> tuple[float, float]:
    return wilson(value, rows) if 0 <= value <= 1 else (value, value)


# --- likeness and use -----------------------------------------------------------------------------------------------


_GOODNESS = (
    Likeness.REAL,
    Likeness.BETWEEN,
    Likeness.SILENT,
    Likeness.ALONE,
    Likeness.UNHELD,
    Likeness.UNKNOWN,
    Likeness.UNSURE,
    Likeness.NONE,
    Likeness.GUESSING,
    Likeness.WORSE,
)
_LEVELS = {
    Likeness.REAL: (Level.GOOD, "Close to real rows"),
    Likeness.BETWEEN: (Level.MIXED, "Part of the structure is kept"),
    Likeness.SILENT: (Level.UNKNOWN, "Cannot be judged here"),
    Likeness.ALONE: (Level.UNKNOWN, "Nothing to hold it against"),
    Likeness.UNHELD: (Level.UNKNOWN, "Nothing to hold it against"),
    Likeness.UNKNOWN: (Level.UNKNOWN, "Not measured"),
    Likeness.UNSURE: (Level.UNKNOWN, "Too uncertain to tell"),
    Likeness.NONE: (Level.BAD, "No better than independent columns"),
    Likeness.GUESSING: (Level.BAD, "No better than guessing"),
    Likeness.WORSE: (Level.BAD, "Worse than independent columns"),
}
#: Measured figures that say nothing: another measure of the kind may.
_OPEN = frozenset({Likeness.SILENT, Likeness.UNHELD, Likeness.ALONE, Likeness.UNKNOWN})


def _likeness(lookup: Lookup, subject: Subject, *, copied: bool) -> Sentence:
    topic = "Fidelity and utility"
    if lookup.evaluation.covered:
        text = f"How like real rows these are, and of what use, is not told, because {WITHHELD}." + _fit(
            lookup, subject
        )
        return Sentence(topic, Level.UNKNOWN, "Judged by the targets alone", text)
    if lookup.evaluation.dataset.train_rows == 0:
        text = "How like real rows these are, and of what use, cannot be judged, because the dataset has no real rows."
        text += _fit(lookup, subject)
        return Sentence(topic, Level.UNKNOWN, "Cannot be judged", text)
    like, like_said = _judged(lookup, subject, SEPARATION)
    use, use_said = _judged(lookup, subject, UTILITY)
    use_said = use_said or _reason(lookup, subject)
    both = {like.likeness, use.likeness}
    worst = max(both, key=_GOODNESS.index)
    level, headline = _LEVELS[worst]
    if level is Level.BAD and Likeness.REAL in both:
        level, headline = Level.MIXED, "Good in one way only"
    elif worst is like.likeness is Likeness.WORSE and like_said.startswith(_TOLD):
        headline = "Told apart more easily than shuffled columns"
    if like.likeness is use.likeness and like.likeness is not Likeness.WORSE:
        details = "; ".join(said for said in (like_said, use_said) if said)
        text = _with(f"In likeness and in use the rows {_verb(like)} {like.likeness.value}", details)
    else:
        told = _worded(like, told_apart=like_said.startswith(_TOLD))
        text = f"{_with(f'In likeness the rows {_verb(like)} {told}', like_said)} "
        text += _with(f"In use they {_verb(use)} {_worded(use)}", use_said)
    if copied and level is Level.GOOD:
        text += " Copies of real rows do as well, and these rows were found out."
    return Sentence(topic, level, headline, text)


def _fit(lookup: Lookup, subject: Subject) -> str:
    """How near the rows come to the statistics they were made to meet; empty where there are none."""
    parts = []
    for metric, what in (("target_margins", "a margin"), ("target_tables", "a cross table")):
        figure = lookup.figure(metric, subject)
        if figure.value is not None:
            parts.append(f"{with_interval(figure, lookup.measure(metric))} for {what}")
    if not parts:
        return ""
    return (
        " From the statistics they were made to meet the rows are apart by at most"
        f" {' and '.join(parts)} (total variation distance)."
    )


def _verb(found: Closeness) -> str:
    return "were" if found.likeness in _OPEN - {Likeness.SILENT} else "are"


def _reason(lookup: Lookup, subject: Subject) -> str:
    """Why nothing was measured of use, in the first words there are."""
    if lookup.evaluation.dataset.holdout_rows == 0:
        return "no real rows were held out"
    notes = (lookup.figure(metric, subject).note for metric in UTILITY)
    return next((note for note in notes if note != NOT_MEASURED), "")


def _worded(found: Closeness, *, told_apart: bool = False) -> str:
    if found.likeness is Likeness.WORSE and told_apart:
        return "told apart even more easily than shuffled columns"
    return found.likeness.value


def _with(words: str, details: str) -> str:
    """A sentence; what it rests on after a colon."""
    return f"{words}: {details}." if details else f"{words}."


def _judged(lookup: Lookup, subject: Subject, metrics: tuple[str, ...]) -> tuple[Closeness, str]:
    """The first measure that can tell REAL from ``independent``, else the first that has a value, and the words for it."""
    first: tuple[Closeness, str] | None = None
    for metric in metrics:
        measure = lookup.measure(metric)
        run = lookup.figure(metric, subject)
        if run.value is None:
            continue
        real, independent = (
            lookup.figure(metric, lookup.reference(label)) for label in (REAL, "independent")
        )
        chance = CHANCE.get(metric)
        found = closeness(measure, run, real, independent, chance)
        said = f"{_phrase(lookup, metric)} {with_interval(run, measure)}"
        beside = [
            f"{label} {worded(other, measure)}"
            for label, other in ((REAL, real), ("independent", independent))
            if other.value is not None
        ]
        said += f" ({', '.join(beside)})" if beside else ""
        if found.likeness is Likeness.BETWEEN and found.share is not None:
            start = _start(measure, independent, chance)
            said += f", {100 * found.share:.0f}% of the way from {start} to REAL"
        if found.likeness not in _OPEN:
            return found, said
        first = first or (found, said)
    return first or (Closeness(Likeness.UNKNOWN), "")


def _start(measure: Measure, independent: Figure, chance: float | None) -> str:
    if chance is None or (independent.value is not None and independent.value >= chance):
        return "independent"
    return f"guessing ({end_number(chance, measure)})"


_TOLD = "a classifier tells them from real rows"


def _phrase(lookup: Lookup, metric: str) -> str:
    target = lookup.evaluation.dataset.schema.target
    if metric.startswith("c2st_"):
        return f"{_TOLD} with AUC"
    if metric.startswith("tstr_") and metric != "tstr_columns" and target:
        kind = {"auc": "AUC", "accuracy": "accuracy", "r2": "R²"}.get(metric.rsplit("_", 1)[-1], "score")
        return f"a model trained on them predicts '{target}' in real rows with {kind}"
    title = lookup.measure(metric).title
    return title[:1].lower() + title[1:]


# --- privacy --------------------------------------------------------------------------------------------------------


def _private(found: Privacy) -> Sentence:
    levels = {
        "found": Level.BAD,
        "signs": Level.MIXED,
        "rare": Level.MIXED,
        "bounded": Level.MIXED,
        "none": Level.GOOD,
    }
    level = levels.get(found.state, Level.UNKNOWN)
    return Sentence("Privacy", level, found.headline, found.sentence)


def _listed(parts: list[str]) -> str:
    """``a, b and c``, begun with a capital."""
    text = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return text[:1].upper() + text[1:]
