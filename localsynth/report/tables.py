"""Tables of figures: numbers that carry their exact value, notes below for what has none."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from localsynth.core.judging import Measure

from .lookup import NOT_MEASURED, Figure, Lookup, Subject
from .markup import Child, Html, join, name, tag
from .numbers import number
from .palette import css_class, key_of

__all__ = ["Notes", "cell", "common_note", "exact", "heading", "scrolled", "subject_heads", "written"]

_FITS_A_PAGE = 12  # rows; a longer table is printed across pages
_LONG_WORD = 14  # characters
_SHORT = 48  # characters of a note that fit below a row's title


class Notes:
    """What a table's figures need to have said: why there is none by number, what else was said folded away."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._beside: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))

    def mark(self, note: str) -> Html | None:
        """The raised number that leads to a note; nothing for an empty one."""
        if not note:
            return None
        return tag("sup", self._numbers.setdefault(note, len(self._numbers) + 1))

    def beside(self, note: str, what: str, who: str = "") -> None:
        """What was said of a figure that has a value. what : the row it stands in. who : the column."""
        self._beside[what][note].append(who)

    def listed(self) -> Html:
        """The notes, for below the table."""
        items = [tag("li", tag("sup", index), " ", note) for note, index in self._numbers.items()]
        marked = tag("ul", items, class_="notes") if items else None
        if not self._beside:
            return join([marked])
        said = [
            tag("li", tag("b", name(what)), " ", _said(notes), class_="said")
            for what, notes in self._beside.items()
        ]
        more = tag(
            "details",
            tag("summary", "What was said beside the figures"),
            tag("ul", said, class_="notes beside"),
        )
        return join([marked, more])


def _said(notes: dict[str, list[str]]) -> Html:
    """``REAL, independent: 101 rows; run: 400 rows``."""
    parts = []
    for note, who in notes.items():
        whose = ", ".join(dict.fromkeys(word for word in who if word))
        parts.append((f"{whose}: " if whose else "", note))
    return join(
        [tag("span", *part, "." if index == len(parts) - 1 else "; ") for index, part in enumerate(parts)]
    )


def exact(value: float, measure: Measure) -> Html:
    """A number of the evaluation, as people read it and as it is."""
    return tag("data", number(value, measure), value=repr(float(value)))


def written(figure: Figure, measure: Measure, *, each: bool = False) -> Html:
    """A figure: the value and its interval, or mean and spread over seeds; ``each`` adds every seed's value."""
    if figure.value is None:
        return tag("span", "–", class_="none", title=figure.note)
    if figure.spread is not None:
        return _over_seeds(figure, measure, each=each)
    value = exact(figure.values[0], measure)
    if figure.low is None or figure.high is None:
        return value
    ends = tag(
        "small", "[", exact(figure.low, measure), ", ", exact(figure.high, measure), "]", class_="interval"
    )
    return tag("span", value, ends)


def _over_seeds(figure: Figure, measure: Measure, *, each: bool) -> Html:
    if figure.spread == 0:
        same = tag("small", f"in all {len(figure.values)}")
        return tag("span", exact(figure.values[0], measure), same)
    assert figure.value is not None
    assert figure.spread is not None
    mean = tag("span", number(figure.value, measure), class_="mean")
    spread = tag("small", f"± {number(figure.spread, measure)}", class_="spread")
    seeds = [(exact(value, measure), " ") for value in figure.values]
    listed = tag("small", "each seed: ", seeds, class_="each") if each else None
    return tag("span", mean, spread, listed)


def cell(
    figure: Figure,
    measure: Measure,
    notes: Notes,
    where: tuple[str, str],
    common: str = "",
    *,
    each: bool = False,
) -> Html:
    """A table cell with a figure. What was said beside it becomes a note.

    where : the row and the column it stands in, as a note names them. common : what was said of the whole row already.
    each : every seed's value.
    """
    said = "" if figure.note == common else figure.note
    if figure.value is None:
        return tag("td", written(figure, measure), notes.mark(said), class_="num")
    if said:
        notes.beside(said, *where)
    return tag("td", written(figure, measure, each=each), class_="num", title=figure.note or None)


def common_note(figures: Iterable[Figure]) -> str:
    """What was said beside every figure of a row alike."""
    notes = {figure.note for figure in figures if figure.note != NOT_MEASURED}
    said = notes.pop() if len(notes) == 1 else ""
    return said if len(said) <= _SHORT else ""


def heading(*words: Child, class_: str | None = None) -> Html:
    """A column's heading."""
    return tag("th", *words, scope="col", class_=class_)


def subject_heads(lookup: Lookup, subjects: Iterable[Subject]) -> list[Html]:
    """A heading for each subject: its mark, its name, seeds or the end of the run's id."""
    return [
        heading(
            key_of(lookup, subject),
            tag("bdi", subject.label, class_="long" if _long(subject.label) else None),
            tag("small", tag("bdi", _short(subject))) if subject.detail else None,
            class_=f"num {css_class(lookup, subject)}",
        )
        for subject in subjects
    ]


def _long(label: str) -> bool:
    """Whether a word of it is longer than a column is wide, so that it must be broken somewhere."""
    return any(len(word) > _LONG_WORD for word in re.split(r"[\s-]", label))


def _short(subject: Subject) -> str:
    if len(subject.runs) != 1:
        return f"{subject.detail}: mean ± standard deviation" if subject.runs else subject.detail
    return f"run …{subject.detail.rsplit('-', 1)[-1]}"


def scrolled(caption: str, head: Sequence[Html], body: Html, class_: str = "", hidden: bool = False) -> Html:
    """A table that scrolls sideways by itself where the page is narrow. hidden : the caption is for those who hear it."""
    width = f"--columns:{len(head) - 1}" if len(head) > 3 else None
    short = "short" if body.count("<tr") <= _FITS_A_PAGE else ""
    table = tag(
        "table",
        tag("caption", caption, class_="hidden" if hidden else None),
        tag("thead", tag("tr", head)),
        body,
        class_=class_ or None,
        style=width,
    )
    return tag(
        "div", table, class_=f"scroll {short}".strip(), role="region", aria_label=caption, tabindex="0"
    )
