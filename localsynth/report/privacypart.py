"""The part of the page about privacy."""

from __future__ import annotations

from collections.abc import Iterable

from .intervals import whiskers
from .lookup import Lookup
from .markup import Html, join, name, tag
from .outline import BEHIND, main, nothing_of
from .sections import panels
from .tables import Notes, cell, heading, scrolled, subject_heads
from .verdict import Verdict

__all__ = ["privacy_part"]

_INFERENCE = "attribute_inference_risk"


def privacy_part(lookup: Lookup, verdicts: Iterable[Verdict]) -> Html:
    """What was and was not shown, in sentences; then every measure with its interval, the ideal and the references."""
    every = tuple(verdicts)
    parts: list[Html | None] = [_sentences(verdict, alone=len(every) == 1) for verdict in every]
    metrics = [m for m in main(lookup, "privacy") if lookup.has_table(m) and m not in BEHIND]
    because = nothing_of(lookup, metrics or ["dcr_share"])
    if because:
        if lookup.evaluation.dataset.train_rows:
            parts.append(tag("p", f"Nothing to draw: {because}.", class_="empty"))
    else:
        parts.append(
            tag(
                "p",
                f"Marks are values, whiskers {_whiskers(lookup)}, the dashed line is the ideal: what rows would give that "
                "nobody copied. bootstrap copies real rows and shows what a leak looks like. One interval in twenty misses the "
                "truth, so a small sign in one of many attacks can be chance.",
            )
        )
        parts.append(panels(lookup, metrics))
    parts.append(_by_column(lookup))
    parts.append(_behind(lookup))
    return join(parts)


def _whiskers(lookup: Lookup) -> str:
    seeds = any(len(subject.names) > 1 for subject in lookup.runs)
    return (
        "95% intervals (of several seeds: mean ± standard deviation over seeds)" if seeds else "95% intervals"
    )


def _behind(lookup: Lookup) -> Html | None:
    """The rates and distances the attacks are made of, folded away."""
    metrics = [metric for metric in BEHIND if lookup.has_table(metric)]
    if not metrics or nothing_of(lookup, metrics):
        return None
    notes, rows = Notes(), []
    for metric in metrics:
        measure = lookup.measure(metric)
        figures = [(subject, lookup.figure(metric, subject)) for subject in lookup.subjects]
        cells = [cell(figure, measure, notes, (measure.title, s.label)) for s, figure in figures]
        rows.append(tag("tr", tag("th", measure.title, scope="row"), cells))
    caption = "Rates and distances behind the attacks"
    head = [heading("Measure"), *subject_heads(lookup, lookup.subjects)]
    table = scrolled(caption, head, tag("tbody", rows), "small", hidden=True)
    return tag("details", tag("summary", caption), table, notes.listed())


def _sentences(verdict: Verdict, *, alone: bool) -> Html:
    title = None if alone else tag("h3", name(verdict.subject.label))
    shown = verdict.shown or ("Nothing.",)
    return tag(
        "div",
        title,
        tag("div", tag("h4", "Shown"), tag("ul", [tag("li", text) for text in shown])),
        tag("div", tag("h4", "Not shown"), tag("ul", [tag("li", text) for text in verdict.not_shown])),
        class_="both",
    )


def _by_column(lookup: Lookup) -> Html:
    """The risk that single columns are inferred, one panel for the runs of each recipe."""
    columns = lookup.columns(_INFERENCE)
    measure = lookup.measure(_INFERENCE)
    made = []
    for subject in lookup.runs:
        rows = [(column, subject, lookup.figure(_INFERENCE, subject, column)) for column in columns]
        valued = [row for row in rows if row[2].values]
        if not valued:
            continue
        valued.sort(key=lambda row: -(row[2].value or 0.0))
        rest = f" (the 20 highest of {len(valued)})" if len(valued) > 20 else ""
        caption = tag("figcaption", f"{measure.title}, column by column{rest}: ", name(subject.label))
        made.append(
            tag("figure", caption, whiskers(lookup, measure, valued[:20], 540.0), class_="card double")
        )
    return tag("div", made, class_="cards") if made else Html("")
