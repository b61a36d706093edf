"""The page's tables on what was done to rows since they were drawn."""

from __future__ import annotations

from itertools import groupby

from .lookup import Lookup
from .markup import Html, join, name, tag
from .numbers import direction
from .outline import FAMILIES
from .palette import css_class
from .stages import CHANGES, StageRow, StageTable, stage_tables
from .tables import Notes, cell, heading, scrolled

__all__ = ["stages_part"]


def stages_part(lookup: Lookup) -> Html | None:
    """A table for each recipe; ``None`` where no run has stages."""
    tables = stage_tables(lookup)
    return join(_article(lookup, table) for table in tables) if tables else None


def _article(lookup: Lookup, table: StageTable) -> Html:
    subject, notes = table.subject, Notes()
    head = [
        heading("Measure"),
        *(heading(name(words), class_=f"num {css_class(lookup, who)}") for words, who in table.columns),
        heading("drawn to kept"),
    ]
    bodies = [
        tag(
            "tbody",
            tag("tr", tag("th", FAMILIES[family], scope="rowgroup", colspan=len(head), class_="family")),
            [_row(table, row, notes) for row in rows],
        )
        for family, rows in groupby(table.rows, key=lambda row: row.family)
    ]
    return tag(
        "article",
        tag("h3", name(subject.label), " ", tag("small", name(subject.detail))),
        tag("h4", table.title),
        tag("p", table.caption, " ", CHANGES, class_="why"),
        scrolled(f"{table.title}: {subject.label}", head, join(bodies), hidden=True),
        notes.listed(),
    )


def _row(table: StageTable, row: StageRow, notes: Notes) -> Html:
    title = row.measure.title
    head = tag("th", title, tag("small", direction(row.measure), class_="direction"), scope="row")
    cells = [
        cell(figure, row.measure, notes, (title, words))
        for figure, (words, _) in zip(row.figures, table.columns, strict=True)
    ]
    return tag("tr", head, cells, tag("td", row.change))
