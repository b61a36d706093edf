"""Drawing: inline SVG without a style of its own; colours are classes of the page's style sheet."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from .markup import Child, Html, tag

__all__ = ["Scale", "bar", "circle", "figure_svg", "label", "line", "marker", "nice_ticks", "path", "short"]


def short(value: float) -> str:
    """A coordinate: a tenth of a pixel is enough."""
    return f"{value:.1f}".removesuffix(".0")


class Scale:
    """Values to pixels, linear."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low, self.high = low, high
        self._start, self._per = start, (end - start) / ((high - low) or 1.0)

    def __call__(self, value: float) -> float:
        return self._start + (min(max(value, self.low), self.high) - self.low) * self._per


def nice_ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Round numbers from below ``low`` to above ``high``, ``about`` steps apart."""
    low, high = min(low, high), max(low, high)
    size = max(abs(low), abs(high))
    if size < 1e-200 or high - low <= 1e-9 * size:
        pad = size / 2 if size >= 1e-200 else 0.5
        low, high = low - pad, high + pad
    raw = (high - low) / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = min((m * power for m in (1, 2, 2.5, 5, 10)), key=lambda s: abs(s - raw))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    digits = max(2 - math.floor(math.log10(step)), 0)
    return [round(index * step, digits) for index in range(first, last + 1)]


def figure_svg(
    width: float, height: float, title: str, desc: str, *children: Child, class_: str = ""
) -> Html:
    """A drawing with its words for those who do not see it."""
    return tag(
        "svg",
        tag("title", title),
        tag("desc", desc),
        *children,
        viewBox=f"0 0 {short(width)} {short(height)}",
        width=short(width),
        height=short(height),
        role="img",
        class_=class_ or None,
    )


def bar(x: float, y: float, width: float, height: float, class_: str) -> Html:
    """A filled rectangle."""
    return tag(
        "rect",
        x=short(x),
        y=short(y),
        width=short(max(width, 0)),
        height=short(max(height, 0)),
        class_=class_,
    )


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Html:
    """A straight line."""
    return tag("line", x1=short(x1), y1=short(y1), x2=short(x2), y2=short(y2), class_=class_)


def circle(x: float, y: float, radius: float, class_: str) -> Html:
    """A disc."""
    return tag("circle", cx=short(x), cy=short(y), r=short(radius), class_=class_)


def path(points: Iterable[tuple[float, float]], class_: str) -> Html:
    """A line through points."""
    return tag("path", d="M" + "L".join(f"{short(x)} {short(y)}" for x, y in points), class_=class_)


def label(x: float, y: float, text: Child, class_: str = "", anchor: str = "start") -> Html:
    """Words. ``anchor`` : which part of them stands at x: start, middle, end."""
    return tag(
        "text",
        text,
        x=short(x),
        y=short(y),
        class_=class_ or None,
        text_anchor=None if anchor == "start" else anchor,
    )


# Each subject has a shape of its own, so that nothing depends on colour.
_SHAPES: dict[str, Sequence[tuple[float, float]]] = {
    "gaussian-copula": ((0, -1.35), (1.35, 0), (0, 1.35), (-1.35, 0)),
    "bootstrap": ((-1, -1), (1, -1), (1, 1), (-1, 1)),
}


def marker(x: float, y: float, radius: float, who: str, class_: str) -> Html:
    """The mark of a subject: a disc for REAL and runs, a ring for ``independent``, a diamond, a square."""
    shape = _SHAPES.get(who)
    if shape is None:
        return circle(x, y, radius, class_)
    points = " ".join(f"{short(x + dx * radius * 0.9)},{short(y + dy * radius * 0.9)}" for dx, dy in shape)
    return tag("polygon", points=points, class_=class_)
