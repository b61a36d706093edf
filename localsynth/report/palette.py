"""Who is drawn how: real rows in ink and grey, runs in colour, reference methods as hollow shapes."""

from __future__ import annotations

from .lookup import Lookup, Subject
from .markup import Html, tag
from .svg import marker

__all__ = ["css_class", "key_of", "legend"]

#: Runs of more recipes than this share colours; their marks stay in the order of the table.
_COLOURS = 4


def css_class(lookup: Lookup, subject: Subject) -> str:
    """The style-sheet class of a subject."""
    if subject.kind == "real":
        return "real"
    if subject.kind == "reference":
        return "ref"
    return f"run r{lookup.runs.index(subject) % _COLOURS}"


def key_of(lookup: Lookup, subject: Subject) -> Html:
    """The subject's mark, small enough for a line of text."""
    drawn = marker(6, 6, 4, subject.label, f"mark {css_class(lookup, subject)}")
    return tag("svg", drawn, viewBox="0 0 12 12", width="12", height="12", class_="key", aria_hidden="true")


def legend(lookup: Lookup) -> Html:
    """All marks with their names."""
    items = [
        tag("li", key_of(lookup, subject), " ", tag("bdi", subject.label), class_="entry")
        for subject in lookup.subjects
    ]
    return tag("ul", items, class_="legend", aria_label="Marks used in the plots")
