"""Values with their intervals beside the ideal and the references: a line for each subject, or one line for all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from localsynth.core.judging import Measure

from .lookup import Figure, Lookup, Subject
from .markup import Html
from .numbers import direction, end_number, number, with_interval
from .palette import css_class
from .plaintext import clipped, shown
from .svg import Scale, figure_svg, label, line, marker, nice_ticks

__all__ = ["strip", "whisker", "whiskers"]


def strip(lookup: Lookup, measure: Measure, figures: Sequence[tuple[Subject, Figure]]) -> Html:
    """All subjects on one small axis, the ideal as a thin line, runs in front."""
    width, height = 148.0, 18.0
    values = [value for _, figure in figures for value in figure.values]
    if not values:
        return Html("")
    ends = [*values, *([measure.ideal] if measure.ideal is not None else [])]
    pad = (max(ends) - min(ends)) * 0.04 or 0.5
    across = Scale(min(ends) - pad, max(ends) + pad, 6, width - 6)
    drawn = [line(6, height / 2, width - 6, height / 2, "grid")]
    if measure.ideal is not None:
        drawn.append(line(across(measure.ideal), 1, across(measure.ideal), height - 1, "ideal"))
    for subject, figure in figures:
        css = f"mark {css_class(lookup, subject)}"
        drawn.extend(marker(across(value), height / 2, 3.6, subject.label, css) for value in figure.values)
    said = "; ".join(
        f"{subject.label} {with_interval(figure, measure)}" for subject, figure in figures if figure.values
    )
    return figure_svg(width, height, f"{measure.title} of all", said, *drawn, class_="strip")


def whiskers(
    lookup: Lookup, measure: Measure, rows: Sequence[tuple[str, Subject, Figure]], width: float = 352.0
) -> Html:
    """A line for each row: a mark at the value, a whisker over its 95% interval, the value at the right.

    rows : what stands at the left, whose it is, the figure. Seeds are drawn as marks on one line; the whisker is then their
    mean ± standard deviation, as it is printed.
    """
    left, right, each = width * 0.34, width - 60.0, 19.0
    top = 24.0 if measure.ideal is not None else 6.0
    ticks = _ticks(measure, [figure for _, _, figure in rows])
    across = Scale(ticks[0], ticks[-1], left, right)
    bottom = top + each * len(rows)
    drawn = []
    for tick in ticks:
        drawn.append(line(across(tick), top - 2, across(tick), bottom, "grid"))
        drawn.append(label(across(tick), bottom + 14, end_number(tick, measure), "tick", "middle"))
    if measure.ideal is not None:
        drawn.append(line(across(measure.ideal), top - 6, across(measure.ideal), bottom, "ideal"))
        drawn.append(label(across(measure.ideal), top - 10, direction(measure), "tick", "middle"))
    for index, (text, subject, figure) in enumerate(rows):
        y = top + each * (index + 0.5)
        drawn.append(label(0, y + 3.7, clipped(shown(text), int(left / 7.4)), _level(lookup, subject)))
        drawn.extend(_marks(lookup, subject, figure, across, y))
        drawn.append(label(width, y + 3.7, _said(figure, measure), "value", "end"))
    said = "; ".join(f"{shown(text)} {with_interval(figure, measure)}" for text, _, figure in rows)
    return figure_svg(width, bottom + 20, measure.title, said, *drawn, class_="plot")


def _ticks(measure: Measure, figures: Iterable[Figure]) -> list[float]:
    """Round numbers around all values, intervals and the ideal, none of them outside the measure's range."""
    ends = [end for f in figures for end in (*f.values, *(whisker(f) or ()))]
    ends += [measure.ideal] if measure.ideal is not None else []
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    if low == high:
        low, high = low - abs(low) / 2, high + abs(high) / 2
    ticks = nice_ticks(low, high, 3)
    inside = [
        tick
        for tick in ticks
        if (measure.low is None or tick >= measure.low or tick > low)
        and (measure.high is None or tick <= measure.high or tick < high)
    ]
    return inside if len(inside) > 1 else ticks


def whisker(figure: Figure) -> tuple[float, float] | None:
    """Mean ± standard deviation of several seeds, else the 95% interval: what is printed beside the value."""
    if figure.value is not None and figure.spread is not None:
        return figure.value - figure.spread, figure.value + figure.spread
    if figure.low is None or figure.high is None:
        return None
    return figure.low, figure.high


def _level(lookup: Lookup, subject: Subject) -> str:
    return f"level {css_class(lookup, subject)}" if subject.kind == "run" else "level"


def _marks(lookup: Lookup, subject: Subject, figure: Figure, across: Scale, y: float) -> list[Html]:
    css = css_class(lookup, subject)
    drawn = []
    if (ends := whisker(figure)) is not None:
        low, high = map(across, ends)
        drawn.append(line(low, y, high, y, f"whisker {css}"))
        drawn.extend(line(end, y - 3, end, y + 3, f"whisker {css}") for end in (low, high))
    drawn.extend(marker(across(value), y, 3.8, subject.label, f"mark {css}") for value in figure.values)
    return drawn


def _said(figure: Figure, measure: Measure) -> str:
    if figure.value is None:
        return "n/a" if figure.note.startswith("not applicable") else "–"
    return number(figure.value, measure)
