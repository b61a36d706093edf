"""The part of the page about single columns."""

from __future__ import annotations

import re
from collections.abc import Iterable

from localsynth.core.columns import Column, IdentifierColumn
from localsynth.core.evaluation import REAL

from .columnbins import plots_of
from .columnplot import Bins, bars, histogram
from .lookup import Figure, Lookup, Subject
from .markup import Html, join, name, tag
from .numbers import figure as worded
from .numbers import number, of_column, percent, spread_of_column
from .outline import FACTS
from .palette import key_of
from .tables import Notes, cell, exact, heading, scrolled, subject_heads

__all__ = ["columns_part", "judged_columns", "lowest_shapes", "why_no_histogram"]

_TALL = frozenset({"integer", "float", "date", "datetime", "text"})
_RANGE = re.compile(r"\[.*\)|[<≥] .*|[-−]?[\d][\d.,: -]*|.* to .*|any value|missing.*")
_WORST = 5
_MOST_PLOTS = 3  # of one column: runs under a privacy budget have targets of their own
_PER_COLUMN = (
    "column_shapes",
    "missing_rate",
    "missing_rate_difference",
    "jensen_shannon",
    "wasserstein",
    "category_coverage",
    "range_coverage",
    "mean",
    "std",
)


def judged_columns(lookup: Lookup) -> tuple[Column, ...]:
    """The columns that can be judged: all but identifiers, which are numbered by code."""
    return tuple(c for c in lookup.evaluation.dataset.schema.columns if not isinstance(c, IdentifierColumn))


def columns_part(lookup: Lookup) -> Html:
    """A card for each column, then all numbers by column."""
    columns = judged_columns(lookup)
    if not any(lookup.columns(metric) for metric in ("histogram", "target_shares", *_PER_COLUMN)):
        notes = (lookup.figure("column_shapes", subject).note for subject in lookup.runs)
        reason = next((note for note in notes if note), "not measured")
        return tag("p", f"Nothing to show: {reason}.", class_="empty")
    real = lookup.reference(REAL)
    grey = (
        "Grey is the real train split, colour the synthetic rows."
        if real is not None
        else f"{_unlooked(lookup)}: pale bars are the target, colour the synthetic rows, over the target's own cells, "
        "which may differ in width."
        if lookup.columns("target_shares")
        else f"{_unlooked(lookup)}: only the synthetic ones are drawn."
    )
    left_out = [c.name for c in lookup.evaluation.dataset.schema.columns if isinstance(c, IdentifierColumn)]
    beside = (
        " The figures beside REAL are those of the holdout, real rows that no method saw, fewer than the train rows."
        if lookup.evaluation.dataset.holdout_rows
        else " No rows were held out: the means and shares of missing cells beside REAL are those of the train split."
        if real is not None
        else ""
    )
    alike = " Shape is 1 where both are distributed alike." if real is not None else ""
    parts = [tag("p", grey, alike, beside)]
    if left_out:
        parts.append(
            tag(
                "p",
                "Not judged, because identifiers are numbered by code: ",
                tag("bdi", ", ".join(left_out)),
                ".",
            )
        )
    for subject in lookup.runs:
        if worst := lowest_shapes(lookup, subject):
            measure = lookup.measure("column_shapes")
            words = [tag("span", name(column), " ", worded(figure, measure)) for column, figure in worst]
            parts.append(tag("p", "Least alike in ", name(subject.label), ": ", join(words, ", "), "."))
    parts.append(tag("div", [_card(lookup, column) for column in columns], class_="cards"))
    parts.append(_all_numbers(lookup, columns))
    return join(parts)


def lowest_shapes(lookup: Lookup, subject: Subject, count: int = _WORST) -> list[tuple[str, Figure]]:
    """The columns of a recipe's runs that are least like the real ones."""
    found = [
        (column.name, lookup.figure("column_shapes", subject, column.name))
        for column in judged_columns(lookup)
    ]
    valued = [(column, figure) for column, figure in found if figure.value is not None]
    return sorted(valued, key=lambda pair: pair[1].value or 0.0)[:count]


def _unlooked(lookup: Lookup) -> str:
    if lookup.evaluation.covered:
        return "Real rows are not shown, because no privacy budget covers them"
    return "There are no real rows"


def _card(lookup: Lookup, column: Column) -> Html:
    kind = ", ".join(part for part in (_kind(column), _histogram_note(lookup, column.name)) if part)
    head = tag("figcaption", tag("strong", name(column.name)), " ", tag("span", kind, class_="kind"))
    plots = plots_of(lookup, column.name)
    drawn: list[Html | None] = []
    for bins in plots[:_MOST_PLOTS]:
        if len(plots) > 1:
            drawn.append(tag("p", "The target of ", name(bins.of), class_="why"))
        drawn += _drawn(column, bins)
    if len(plots) > _MOST_PLOTS:
        drawn.append(
            tag("p", f"{len(plots) - _MOST_PLOTS} more runs have targets of their own.", class_="why")
        )
    if not plots:
        drawn.append(tag("p", f"No histogram: {why_no_histogram(lookup, column.name)}.", class_="empty"))
    return tag("figure", head, drawn, _facts(lookup, column), class_="card column")


def _drawn(column: Column, bins: Bins) -> list[Html | None]:
    if column.kind in _TALL and _ranges(bins.labels):
        return [histogram(bins)]
    plot, rest = bars(bins)
    return [plot, _rest(bins, rest)]


def _ranges(labels: tuple[str, ...]) -> bool:
    """Whether bins are ranges in order, not values of their own as the few distinct texts of a text column are."""
    return all(_RANGE.fullmatch(label) for label in labels)


def _kind(column: Column) -> str:
    unit = getattr(column, "unit", "")
    return f"{column.kind}, {unit}" if unit else str(column.kind)


def _histogram_note(lookup: Lookup, column: str) -> str:
    """What was said beside the bars, such as that they are of the lengths of texts."""
    items = lookup.items("histogram", column)
    whose = next(iter(lookup.runs), None)
    figures = [lookup.figure("histogram", whose, column, item=item) for item in items[:1]]
    return next((figure.note for figure in figures if figure.values), "")


def why_no_histogram(lookup: Lookup, column: str) -> str:
    """Why a column has no bars."""
    for subject in (*lookup.runs, lookup.reference(REAL)):
        for place in (column, None):
            for item in (None, *lookup.items("histogram", place)):
                figure = lookup.figure("histogram", subject, place, item=item)
                if figure.value is None and figure.note.startswith("not applicable"):
                    return figure.note
    kinds = {c.name: c.kind for c in lookup.evaluation.dataset.schema.columns}
    return "free text has no shares to draw" if kinds.get(column) == "text" else "not measured"


def _rest(bins: Bins, rest: tuple[str, ...]) -> Html | None:
    """The categories there was no room to draw."""
    if not rest:
        return None
    head = [heading("Value"), *(heading(tag("bdi", series.who), class_="num") for series in bins.everybody)]
    rows = [
        tag(
            "tr",
            tag("th", name(label), scope="row"),
            [tag("td", percent(s.mean[bins.labels.index(label)]), class_="num") for s in bins.everybody],
        )
        for label in rest
    ]
    caption = f"{len(rest):,} rarer value{'' if len(rest) == 1 else 's'}"
    return tag(
        "details", tag("summary", caption), scrolled(caption, head, tag("tbody", rows), "small", hidden=True)
    )


def _facts(lookup: Lookup, column: Column) -> Html | None:
    """Shape, missing cells, mean and deviation: real, then each recipe."""
    people = [s for s in lookup.subjects if s.kind != "reference"]
    metrics = ["column_shapes" if lookup.reference(REAL) is not None else "target_margins", *FACTS]
    shown = [m for m in metrics if any(lookup.figure(m, s, column.name).values for s in people)]
    if not shown and lookup.reference(REAL) is None:
        return None
    if not shown:
        return tag("p", "No shape score, missing share, mean or deviation was measured.", class_="empty")
    titles = {
        "column_shapes": "shape",
        "target_margins": "off target",
        "missing_rate": "missing",
        "mean": "mean",
        "std": "sd",
    }
    head = [tag("td"), *(heading(titles[metric], class_="num") for metric in shown)]
    rows = [
        tag(
            "tr",
            tag("th", key_of(lookup, subject), " ", tag("bdi", subject.label), scope="row"),
            [_fact(lookup, metric, subject, column) for metric in shown],
        )
        for subject in people
    ]
    body = [tag("thead", tag("tr", head)), tag("tbody", rows)]
    return tag("table", tag("caption", f"{column.name} in numbers", class_="hidden"), body, class_="facts")


def _fact(lookup: Lookup, metric: str, subject: Subject, column: Column) -> Html:
    figure = lookup.figure(metric, subject, column.name)
    if figure.value is None:
        return tag("td", tag("span", "–", title=figure.note), class_="num")
    if metric in {"mean", "std"}:
        words = of_column if metric == "mean" else spread_of_column
        text = words(figure.value, column.kind)
        one = tag("data", text, value=repr(figure.values[0])) if len(figure.values) == 1 else text
        return tag("td", one, class_="num")
    measure = lookup.measure(metric)
    if len(figure.values) == 1:
        return tag("td", exact(figure.values[0], measure), class_="num")
    return tag("td", number(figure.value, measure), class_="num")


def _all_numbers(lookup: Lookup, columns: Iterable[Column]) -> Html:
    """Every measure of columns that has a score, folded away."""
    metrics = [m for m in _PER_COLUMN if lookup.columns(m)]
    tables = []
    for metric in metrics:
        if metric in FACTS or metric == "column_shapes":
            continue
        measure, notes = lookup.measure(metric), Notes()
        known = set(lookup.columns(metric))
        rows = [
            tag(
                "tr",
                tag("th", name(column.name), scope="row"),
                [
                    cell(lookup.figure(metric, s, column.name), measure, notes, (column.name, s.label))
                    for s in lookup.subjects
                ],
            )
            for column in columns
            if column.name in known
        ]
        head = [heading("Column"), *subject_heads(lookup, lookup.subjects)]
        table = scrolled(measure.title, head, tag("tbody", rows), "small", hidden=True)
        tables.append(
            tag("details", tag("summary", f"{measure.title}, column by column"), table, notes.listed())
        )
    return join(tables)
