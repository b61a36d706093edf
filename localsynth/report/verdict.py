"""The verdict: one sentence each for validity, likeness and use, and privacy, by the rules of :mod:`.standing`.

Validity is judged by invalid rows and broken rules, beside the rate at which REAL breaks them. Likeness and use are judged
by the first measure of :data:`~.outline.SEPARATION` and of :data:`~.outline.UTILITY` that has a value, between
``independent`` and REAL; the worse of the two gives the level. Privacy is judged by the worst of all attacks.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from localsynth.core.evaluation import REAL

from .lookup import Figure, Lookup, Subject
from .numbers import figure as worded
from .numbers import with_interval
from .outline import SEPARATION, UTILITY
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
    """What is said of the runs of one recipe. shown, not_shown : what of their privacy was and was not shown, one
    sentence each.
    """

    subject: Subject
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
    return Verdict(
        subject,
        _validity(lookup, subject),
        _likeness(lookup, subject, copied=found.state == "found"),
        _private(found),
        found.shown,
        found.not_shown,
    )


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
    Likeness.UNKNOWN,
    Likeness.UNSURE,
    Likeness.NONE,
)
_LEVELS = {
    Likeness.REAL: (Level.GOOD, "Close to real rows"),
    Likeness.BETWEEN: (Level.MIXED, "Part of the structure is kept"),
    Likeness.SILENT: (Level.UNKNOWN, "Cannot be judged here"),
    Likeness.UNKNOWN: (Level.UNKNOWN, "Not measured"),
    Likeness.UNSURE: (Level.UNKNOWN, "Too uncertain to tell"),
    Likeness.NONE: (Level.BAD, "No better than independent columns"),
}


def _likeness(lookup: Lookup, subject: Subject, *, copied: bool) -> Sentence:
    topic = "Fidelity and utility"
    if lookup.evaluation.dataset.train_rows == 0:
        text = "How like real rows these are, and of what use, cannot be judged, because the dataset has no real rows."
        return Sentence(topic, Level.UNKNOWN, "Cannot be judged", text)
    like, like_said = _judged(lookup, subject, SEPARATION)
    use, use_said = _judged(lookup, subject, UTILITY)
    worst = max(like.likeness, use.likeness, key=_GOODNESS.index)
    level, headline = _LEVELS[worst]
    if like.likeness is use.likeness:
        start = f"In likeness and in use the rows are {like.likeness.value}"
    else:
        start = f"In likeness the rows are {like.likeness.value}, in use {use.likeness.value}"
        if worst is Likeness.NONE and Likeness.REAL in {like.likeness, use.likeness}:
            level, headline = Level.MIXED, "Good in one way only"
    copies = (
        "copies of real rows do as well, and these rows were found out"
        if copied and level is Level.GOOD
        else ""
    )
    details = "; ".join(said for said in (like_said, use_said, copies) if said)
    return Sentence(topic, level, headline, f"{start}{': ' if details else ''}{details}.")


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
        found = closeness(measure, run, real, independent)
        said = f"{_phrase(lookup, metric)} {with_interval(run, measure)}"
        beside = [
            f"{label} {worded(other, measure)}"
            for label, other in ((REAL, real), ("independent", independent))
            if other.value is not None
        ]
        said += f" ({', '.join(beside)})" if beside else ""
        if found.likeness is Likeness.BETWEEN and found.share is not None:
            said += f", {100 * found.share:.0f}% of the way from independent to REAL"
        if found.likeness not in {Likeness.SILENT, Likeness.UNKNOWN}:
            return found, said
        first = first or (found, said)
    return first or (Closeness(Likeness.UNKNOWN), "")


def _phrase(lookup: Lookup, metric: str) -> str:
    target = lookup.evaluation.dataset.schema.target
    if metric.startswith("c2st_"):
        return "a classifier tells them from real rows with AUC"
    if metric.startswith("tstr_") and metric != "tstr_columns" and target:
        kind = {"auc": "AUC", "accuracy": "accuracy", "r2": "R²"}.get(metric.rsplit("_", 1)[-1], "score")
        return f"a model trained on them predicts '{target}' in real rows with {kind}"
    title = lookup.measure(metric).title
    return title[:1].lower() + title[1:]


# --- privacy --------------------------------------------------------------------------------------------------------


def _private(found: Privacy) -> Sentence:
    levels = {"found": Level.BAD, "signs": Level.MIXED, "none": Level.GOOD, "unknown": Level.UNKNOWN}
    return Sentence("Privacy", levels[found.state], found.headline, found.sentence)


def _listed(parts: list[str]) -> str:
    """``a, b and c``, begun with a capital."""
    text = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return text[:1].upper() + text[1:]
