"""The parts of the page about target statistics and privacy budgets."""

from __future__ import annotations

from collections.abc import Sequence

from .aims import CHANCE, Aimed, Distance, aimed
from .budget import Part, Spending, spending, spent_words
from .lookup import Lookup
from .markup import Html, join, name, tag
from .numbers import number
from .tables import exact, heading, scrolled

__all__ = ["aims_part", "budget_part"]

_SHOWN = 6  # notes and parts; more are folded away


def aims_part(lookup: Lookup) -> Html | None:
    """What the rows were aimed at; ``None`` where no run aimed at anything."""
    found = [one for subject in lookup.runs if (one := aimed(lookup, subject)) is not None]
    if not found:
        return None
    return join(_aimed(lookup, one, alone=len(lookup.runs) == 1) for one in found)


def _aimed(lookup: Lookup, one: Aimed, *, alone: bool) -> Html:
    facts = [tag("div", tag("dt", what), tag("dd", name(words))) for what, words in one.facts]
    far = [
        _distances(lookup, "target_margins", "Margins that are farthest off", one.margins),
        _distances(lookup, "target_tables", "Joint tables that are farthest off", one.tables),
    ]
    return tag(
        "article",
        None if alone else tag("h3", name(one.subject.label)),
        tag("dl", facts, class_="facts-list"),
        tag("div", far, class_="side"),
        tag("p", CHANCE, class_="why") if one.margins or one.tables else None,
        _notes(one.notes),
    )


def _distances(lookup: Lookup, metric: str, caption: str, every: Sequence[Distance]) -> Html | None:
    if not every:
        return None
    measure = lookup.measure(metric)
    rows = [
        tag(
            "tr",
            tag("th", name(one.what), scope="row"),
            tag("td", _value(lookup, metric, one), class_="num"),
            tag("td", number(one.chance, measure), class_="num"),
        )
        for one in every
    ]
    head = [heading("Of"), heading("Distance", class_="num"), heading("By chance", class_="num")]
    return scrolled(caption, head, tag("tbody", rows), "few")


def _value(lookup: Lookup, metric: str, one: Distance) -> Html | str:
    measure, figure = lookup.measure(metric), one.figure
    if len(figure.values) == 1:
        return exact(figure.values[0], measure)
    return number(figure.value or 0.0, measure)


def _notes(notes: Sequence[str]) -> Html | None:
    if not notes:
        return None
    items = [tag("li", name(words)) for words in notes]
    head = tag("h4", "Contradictions, and what was cut or merged")
    return join([head, _folded(items, "note")])


def _folded(items: Sequence[Html], what: str) -> Html:
    shown = tag("ul", items[:_SHOWN], class_="said-list")
    if len(items) <= _SHOWN:
        return shown
    rest = len(items) - _SHOWN
    more = f"{rest:,} more {what}{'' if rest == 1 else 's'}"
    return join([shown, tag("details", tag("summary", more), tag("ul", items[_SHOWN:], class_="said-list"))])


def budget_part(lookup: Lookup) -> Html | None:
    """The privacy budgets; ``None`` where no run has one."""
    if lookup.evaluation.spent is None:
        return None
    found = [one for subject in lookup.runs if (one := spending(lookup, subject)) is not None]
    parts: list[Html] = [_spending(one, alone=len(lookup.runs) == 1) for one in found]
    if not found:
        parts.append(tag("p", "A budget is named, and no statistics were read to spend it on."))
    words = spent_words(lookup.evaluation.spent, lookup.evaluation.runs[0].dataset)
    parts.append(tag("h3", "Spent on this dataset"))
    parts += [tag("p", name(sentence)) for sentence in words]
    return join(parts)


def _spending(one: Spending, *, alone: bool) -> Html:
    both = tag(
        "div",
        tag("div", tag("h4", "What that means"), tag("ul", [tag("li", words) for words in one.means])),
        tag(
            "div",
            tag("h4", "What it does not mean"),
            tag("ul", [tag("li", words) for words in one.means_not]),
        ),
        class_="both",
    )
    return tag(
        "article",
        None if alone else tag("h3", name(one.subject.label)),
        [tag("p", name(words)) for words in one.said],
        _parts(one.parts),
        both,
    )


def _parts(parts: Sequence[Part]) -> Html | None:
    if not parts:
        return None
    rows = [
        tag(
            "tr",
            tag("th", name(part.what), scope="row"),
            tag("td", part.rho, class_="num"),
            tag("td", part.share, class_="num"),
        )
        for part in parts
    ]
    caption = "What each part bought"
    head = [heading("Part"), heading("rho", class_="num"), heading("Share", class_="num")]
    table = scrolled(caption, head, tag("tbody", rows), "few", hidden=True)
    return tag("details", tag("summary", f"{caption} ({len(parts):,} parts)"), table)
