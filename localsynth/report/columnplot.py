"""One column, real or target against synthetic: a histogram for numbers and days, bars for categories."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .markup import Html, tag
from .numbers import percent
from .plaintext import clipped, shown, wide
from .svg import Scale, bar, figure_svg, label, line, nice_ticks, path

__all__ = ["Bins", "Series", "bars", "histogram", "is_missing"]

_WIDTH = 352.0
_MISSING = ("missing", "missing (no value)")
_EDGES = re.compile(r"\[(.*), (.*)\)|(.*) to (.*)")
_CELL = 6.5  # pixels of a character, about
MOST_BARS = 8


@dataclass(frozen=True)
class Series:
    """Shares of one subject's rows, one for each bin; several lines where it has several seeds. css : its class."""

    who: str
    css: str
    lines: tuple[tuple[float, ...], ...]

    @property
    def mean(self) -> tuple[float, ...]:
        """Over seeds."""
        return tuple(sum(values) / len(values) for values in zip(*self.lines, strict=True))


@dataclass(frozen=True)
class Bins:
    """A column's histogram. real : or the target in its place; ``None`` where there is neither. of : whose, if not all's."""

    column: str
    labels: tuple[str, ...]
    real: Series | None
    runs: tuple[Series, ...]
    of: str = ""

    @property
    def everybody(self) -> tuple[Series, ...]:
        """Real rows, or the target, first."""
        return (*((self.real,) if self.real is not None else ()), *self.runs)

    def filled(self, series: Series) -> str:
        """The class of a series' bars: real rows and targets have their own."""
        return "fill real" if series is self.real and series.css != "target" else f"fill {series.css}"

    def top(self) -> float:
        """The largest share of all."""
        return max((value for series in self.everybody for one in series.lines for value in one), default=0.0)

    def described(self) -> str:
        """The plot in words: what is most frequent."""
        if not self.labels:
            return ""
        words = []
        for series in self.everybody:
            mean = series.mean
            best = max(range(len(mean)), key=mean.__getitem__)
            words.append(f"{series.who}: most frequent {shown(self.labels[best])} with {percent(mean[best])}")
        return ". ".join(words)


def histogram(bins: Bins) -> Html:
    """Grey bars for real rows or the target, a line for each run; missing cells stand apart at the right."""
    height, left, top, bottom = 132.0, 34.0, 6.0, 110.0
    apart = is_missing(bins.labels[-1]) if bins.labels else False
    count = len(bins.labels) - (1 if apart else 0)
    right = _WIDTH - (42.0 if apart else 4.0)
    ticks = [t for t in nice_ticks(0, bins.top() or 1, 3) if t >= 0]
    up = Scale(0, ticks[-1], bottom, top)
    across = Scale(0, max(count, 1), left, right)
    drawn: list[Html] = []
    for tick in ticks:
        drawn.append(line(left, up(tick), right, up(tick), "axis" if tick == 0 else "grid"))
        drawn.append(label(left - 5, up(tick) + 3.5, f"{tick * 100:g}%", "tick", "end"))
    if bins.real is not None:
        shares = bins.real.mean
        gap = 0.8 if count <= 60 else 0.0
        drawn.extend(
            bar(
                across(i) + gap / 2,
                up(shares[i]),
                across(1) - across(0) - gap,
                bottom - up(shares[i]),
                bins.filled(bins.real),
            )
            for i in range(count)
        )
    for series in bins.runs:
        thin = " thin" if len(series.lines) > 1 else ""
        drawn.extend(
            path(_steps(values[:count], across, up), f"step {series.css}{thin}") for values in series.lines
        )
    drawn.extend(_below(bins.labels[:count], across, bottom))
    if apart:
        drawn.extend(_missing_bars(bins, up, right + 14, bottom))
    return figure_svg(
        _WIDTH, height, f"Distribution of {bins.column}", bins.described(), *drawn, class_="plot"
    )


def _steps(values: Sequence[float], across: Scale, up: Scale) -> list[tuple[float, float]]:
    points = [(across(0), up(0))]
    for index, value in enumerate(values):
        points += [(across(index), up(value)), (across(index + 1), up(value))]
    return [*points, (across(len(values)), up(0))]


def _below(labels: Sequence[str], across: Scale, bottom: float) -> list[Html]:
    """Where the first bin begins, where one in the middle does, and where the last one ends; every value that is a bin
    of its own, where there is room.
    """
    if not labels:
        return []
    each = across(1) - across(0)
    if all(_edges(text)[0] == text and wide(text) * _CELL < each for text in labels):
        return [label(across(i + 0.5), bottom + 15, shown(t), "tick", "middle") for i, t in enumerate(labels)]
    last = len(labels) - 1
    middle = [len(labels) // 2] if len(labels) >= 5 else []
    drawn = []
    for index in dict.fromkeys([0, *middle, last]):
        begins, ends = _edges(labels[index])
        at_end = index == last and last > 0
        anchor = "end" if at_end else "start" if index == 0 else "middle"
        x = across(index + 1) if at_end else across(index if begins != ends or index == 0 else index + 0.5)
        drawn.append(label(x, bottom + 15, clipped(shown(ends if at_end else begins), 18), "tick", anchor))
    return drawn


def _edges(text: str) -> tuple[str, str]:
    """Where a bin begins and ends; twice its label where it is a single value or open at one end."""
    found = _EDGES.fullmatch(text)
    if found is None:
        return text, text
    begins, ends = (part for part in found.groups() if part is not None)
    return begins, ends


def _missing_bars(bins: Bins, up: Scale, x: float, bottom: float) -> list[Html]:
    drawn = []
    last = len(bins.labels) - 1
    each = min(22 / max(len(bins.everybody), 1), 11)
    for index, series in enumerate(bins.everybody):
        share = series.mean[last]
        css = bins.filled(series)
        drawn.append(bar(x + index * each, up(share), each - 1, bottom - up(share), css))
    drawn.append(line(x - 2, bottom, x + 24, bottom, "axis"))
    drawn.append(label(x + 11, bottom + 15, "missing", "tick", "middle"))
    return drawn


def bars(bins: Bins) -> tuple[Html, tuple[str, ...]]:
    """A bar for real rows or the target and one for each run, category by category, and the categories there was no room for.

    Where there are many, the largest are drawn.
    """
    order = sorted(
        range(len(bins.labels)), key=lambda i: -max((s.mean[i] for s in bins.everybody), default=0)
    )
    kept = sorted(order[:MOST_BARS])
    left, right, each = 118.0, _WIDTH - 46.0, 10.0
    many = max(len(bins.everybody), 1)
    row = many * each + 6
    across = Scale(0, bins.top() or 1, left, right)
    drawn: list[Html] = []
    for place, index in enumerate(kept):
        y = 4 + place * row
        middle = y + many * each / 2 + 3.5
        text = shown(bins.labels[index])
        quiet = " quiet" if is_missing(text) else ""
        drawn.append(
            tag("g", tag("title", text), label(left - 7, middle, clipped(text, 19), f"level{quiet}", "end"))
        )
        for number, series in enumerate(bins.everybody):
            share = series.mean[index]
            css = bins.filled(series)
            top = y + number * each
            drawn.append(bar(left, top, across(share) - left, each - 1.5, css))
            if len(series.lines) > 1:
                drawn.append(_range([one[index] for one in series.lines], across, top + (each - 1.5) / 2))
            drawn.append(
                label(
                    across(max(one[index] for one in series.lines)) + 4,
                    top + each - 1.7,
                    percent(share),
                    "value low",
                )
            )
    height = 4 + len(kept) * row
    drawn.append(line(left, 1, left, height - 3, "axis"))
    title = f"Shares of {bins.column}"
    rest = tuple(bins.labels[i] for i in range(len(bins.labels)) if i not in kept)
    return figure_svg(_WIDTH, height, title, bins.described(), *drawn, class_="plot"), rest


def _range(values: Sequence[float], across: Scale, y: float) -> Html:
    return line(across(min(values)), y, across(max(values)), y, "seeds")


def is_missing(label: str) -> bool:
    """Whether a bin is that of the empty cells."""
    return label in _MISSING
