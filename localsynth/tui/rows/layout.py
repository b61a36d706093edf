"""Where the columns of a table of rows are on the screen: frozen ones at the left, the others from one of them on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["GAP", "Layout", "Placed", "laid_out", "left_for"]

GAP = 2  # cells between columns
_LEAST_FREE = 12  # cells that frozen columns leave for the others


class Placed(NamedTuple):
    """A column by its number, and where it is."""

    number: int
    x: int
    width: int


class Layout(NamedTuple):
    """columns : those to be seen, from left to right, the last one perhaps cut. frozen : how many of them are frozen."""

    columns: tuple[Placed, ...]
    frozen: int

    def at(self, x: int) -> int | None:
        """The number of the column there."""
        for one in self.columns:
            if one.x <= x < one.x + one.width + GAP:
                return one.number
        return None


def laid_out(widths: Sequence[int], gutter: int, room: int, frozen: int, left: int) -> Layout:
    """gutter : cells before the first column. room : cells in all. left : the first column after the frozen ones."""
    placed: list[Placed] = []
    x = gutter
    held = 0
    for number in range(min(frozen, len(widths))):
        if x + widths[number] + GAP > room - _LEAST_FREE:
            break  # there must be room to see the others
        placed.append(Placed(number, x, widths[number]))
        x += widths[number] + GAP
        held += 1
    for number in range(max(left, held), len(widths)):
        if x >= room:
            break
        placed.append(Placed(number, x, widths[number]))
        x += widths[number] + GAP
    return Layout(tuple(placed), held)


def left_for(column: int, widths: Sequence[int], gutter: int, room: int, frozen: int, left: int) -> int:
    """The first column after the frozen ones so that ``column`` is seen whole, or as much of it as there is room for.

    No room is left at the right as long as there are columns out of sight at the left.
    """
    held = laid_out(widths, gutter, room, frozen, left).frozen
    left = max(left, held)
    free = room - gutter - sum(widths[number] + GAP for number in range(held))
    if held <= column < left:
        left = column
    while left < column and sum(widths[left : column + 1]) + GAP * (column - left) > free:
        left += 1
    while left > held and sum(widths[left - 1 :]) + GAP * (len(widths) - left) <= free:
        left -= 1
    return left
