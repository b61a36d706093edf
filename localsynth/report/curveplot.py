"""A curve of a few lines over a common x, with one x marked."""

from __future__ import annotations

from localsynth.core.explaining import Curve

from .markup import Html
from .plaintext import clipped, one_line
from .svg import Scale, circle, figure_svg, label, line, nice_ticks, path

__all__ = ["curve_svg"]

_WIDTH, _HEIGHT = 440.0, 190.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 330.0, 22.0, 154.0
_MOST_COLOURS = 4
_APART = 13.0  # pixels between two names


def curve_svg(curve: Curve) -> Html:
    """Lines with their names at the right end; what is marked has an upright line."""
    every = [point for one in curve.series for point in one.points]
    xs, ys = [x for x, _ in every], [y for _, y in every]
    ticks = nice_ticks(min(ys), max(ys), 4)
    up = Scale(ticks[0], ticks[-1], _BOTTOM, _TOP)
    low, high = min(xs), max(xs)
    across = (
        Scale(low, high, _LEFT + 6, _RIGHT - 6) if low < high else Scale(low - 1, high + 1, _LEFT, _RIGHT)
    )
    drawn = [label(0, 10, curve.y, "tick"), label(_RIGHT, _BOTTOM + 31, curve.x, "tick", "end")]
    for tick in ticks:
        drawn.append(line(_LEFT, up(tick), _RIGHT, up(tick), "axis" if tick == ticks[0] else "grid"))
        drawn.append(label(_LEFT - 5, up(tick) + 3.5, f"{tick:g}", "tick", "end"))
    drawn += [label(across(x), _BOTTOM + 15, f"{x:g}", "tick", "middle") for x in _x_ticks(low, high)]
    if curve.marked is not None:
        x = across(curve.marked)
        drawn += [line(x, _TOP - 6, x, _BOTTOM, "ideal"), label(x, _TOP - 10, curve.mark, "value", "middle")]
    names = _heights([up(one.points[-1][1]) for one in curve.series])
    for number, (one, name_at) in enumerate(zip(curve.series, names, strict=True)):
        css = f"run r{number % _MOST_COLOURS}"
        points = [(across(x), up(y)) for x, y in one.points]
        drawn.append(path(points, f"step {css}"))
        drawn += [circle(x, y, 2.6, f"mark {css}") for x, y in points if len(points) <= 40]
        drawn.append(label(_RIGHT + 6, name_at + 3.5, clipped(one_line(one.name), 17), "level"))
    ends = [(one.name, one.points[0], one.points[-1]) for one in curve.series]
    words = "; ".join(
        f"{who}: {first[1]:.4g} at {curve.x} {first[0]:g}, {last[1]:.4g} at {last[0]:g}"
        for who, first, last in ends
    )
    return figure_svg(_WIDTH, _HEIGHT, f"{curve.title}: {curve.y} by {curve.x}", words, *drawn, class_="plot")


def _x_ticks(low: float, high: float) -> list[float]:
    """Whole numbers from one end to the other, ten at most; the ends where they are none."""
    if low == high:
        return [low]
    if low != int(low) or high != int(high):
        return [low, high]
    step = max(1, -(-int(high - low) // 9))
    return [float(x) for x in range(int(low), int(high) + 1, step)]


def _heights(wanted: list[float]) -> list[float]:
    """Where names stand: beside the ends of their lines, and none upon another."""
    made = dict.fromkeys(range(len(wanted)), 0.0)
    above = float("-inf")
    for number in sorted(made, key=lambda one: wanted[one]):
        above = made[number] = max(wanted[number], above + _APART)
    return list(made.values())
