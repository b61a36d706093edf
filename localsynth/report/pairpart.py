"""The part of the page about pairs of columns."""

from __future__ import annotations

from localsynth.core.evaluation import REAL

from .columnpart import judged_columns
from .heatmap import STEPS, heatmap
from .lookup import Figure, Lookup, Subject
from .markup import Html, join, name, tag
from .tables import Notes, cell, heading, scrolled, subject_heads

__all__ = ["pairs_part", "worst_pairs"]

METRIC = "pair_trends"
_WORST = 12
_MOST_BESIDE = 40  # columns; of wider tables reality's own triangle is left out


def pairs_part(lookup: Lookup) -> Html:
    """The worst pairs, then all of them as a triangle, one for the runs of each recipe."""
    if not lookup.pairs(METRIC):
        notes = (lookup.figure(METRIC, subject).note for subject in (*lookup.runs, lookup.reference(REAL)))
        reason = next((note for note in notes if note), "not measured")
        return tag("p", f"Nothing to show: {reason}.", class_="empty")
    parts = [
        tag(
            "p",
            "1 where two columns go together as they do in the real train split; REAL shows what real rows reach, and "
            "independent what remains when every relation is gone.",
        ),
        _worst_table(lookup),
        _key(),
    ]
    columns = [column.name for column in judged_columns(lookup)]
    real = lookup.reference(REAL)
    beside = [real] if real is not None and len(columns) <= _MOST_BESIDE else []
    figures = [_figure(lookup, subject, columns) for subject in (*beside, *lookup.runs)]
    parts.append(tag("div", figures, class_="maps"))
    return join(parts)


def _figure(lookup: Lookup, subject: Subject, columns: list[str]) -> Html:
    scores = _scores(lookup, subject)
    drawn = (
        tag("div", heatmap(columns, scores, subject.label), class_="scroll", tabindex="0")
        if scores
        else tag("p", f"No pair has a score: {lookup.figure(METRIC, subject).note}.", class_="empty")
    )
    return tag("figure", tag("figcaption", tag("strong", name(subject.label)), _of_seeds(subject)), drawn)


def _of_seeds(subject: Subject) -> str:
    return f" mean of {len(subject.names)} seeds" if len(subject.names) > 1 else ""


def worst_pairs(lookup: Lookup, subject: Subject, count: int = _WORST) -> list[tuple[str, str, Figure]]:
    """The pairs that go together least as in the real table."""
    found = ((a, b, lookup.figure(METRIC, subject, a, b)) for a, b in lookup.pairs(METRIC))
    valued = [pair for pair in found if pair[2].value is not None]
    return sorted(valued, key=lambda pair: pair[2].value or 0.0)[:count]


def _worst_table(lookup: Lookup) -> Html:
    measure, notes = lookup.measure(METRIC), Notes()
    parts = []
    for subject in lookup.runs:
        worst = worst_pairs(lookup, subject)
        if not worst:
            continue
        people = [s for s in lookup.subjects if s.kind != "run"] + [subject]
        rows = [
            tag(
                "tr",
                tag("th", name(a), " × ", name(b), scope="row"),
                [
                    cell(lookup.figure(METRIC, person, a, b), measure, notes, (f"{a} × {b}", person.label))
                    for person in people
                ],
            )
            for a, b, _ in worst
        ]
        caption = f"The {len(worst)} worst pairs of {subject.label}"
        parts.append(
            scrolled(caption, [heading("Pair"), *subject_heads(lookup, people)], tag("tbody", rows), "small")
        )
    return join([*parts, notes.listed()])


def _scores(lookup: Lookup, subject: Subject) -> dict[tuple[int, int], float]:
    place = {column.name: index for index, column in enumerate(judged_columns(lookup))}
    found = {}
    for a, b in lookup.pairs(METRIC):
        value = lookup.figure(METRIC, subject, a, b).value
        if value is not None and a in place and b in place:
            found[max(place[a], place[b]), min(place[a], place[b])] = value
    return found


def _key() -> Html:
    """Which shade stands for what."""
    ends = [0.0, *STEPS, 1.0]
    items = []
    for index in range(len(ends) - 1):
        words = f"below {1 - ends[index]:.2f}" if index == len(STEPS) else f"from {1 - ends[index + 1]:.2f}"
        items.append(tag("li", tag("span", class_=f"swatch h{index}"), words, class_="entry"))
    return tag("ul", items, class_="legend", aria_label="Shades of the heat map")
