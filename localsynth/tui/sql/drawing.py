"""A result of two columns as a picture: which columns, which points, and bars made of characters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

from rich.text import Text

from localsynth.core.celltext import text_of
from localsynth.tui.plain import clipped, line, one_line, wide

if TYPE_CHECKING:
    from .table import Cells

__all__ = ["Axis", "Drawing", "bars", "drawing"]

_POINTS = 5_000
_BARS = 500
_EIGHTHS = " ▏▎▍▌▋▊▉"


class Axis(Enum):
    """What stands along the picture."""

    WORDS = "words"
    NUMBERS = "numbers"
    DAYS = "days"


@dataclass(frozen=True)
class Drawing:
    """x, y : names. places : numbers along x; moments in seconds, for words 0, 1, 2 ... labels : what to write there.

    left_out : rows without a number. of : rows there are, where not all are drawn.
    """

    x: str
    y: str
    axis: Axis
    places: tuple[float, ...]
    labels: tuple[str, ...]
    values: tuple[float, ...]
    left_out: int = 0
    of: int = 0

    @property
    def ordered(self) -> bool:
        """Whether a line through the points makes sense."""
        return self.axis is not Axis.WORDS and all(
            one <= other for one, other in zip(self.places, self.places[1:], strict=False)
        )


def drawing(cells: Cells, column: int) -> Drawing | str:
    """The points; or why there are none, in words. column : where the cursor is; numbers there are what is drawn."""
    numbers = [at for at, number in enumerate(cells.numbers) if number]
    if not numbers or not cells.row_count:
        return "a picture needs a column of numbers" if cells.row_count else "there are no rows to draw"
    if column not in numbers or (column == 0 and len(cells.names) > 1):
        column = next((at for at in numbers if at > 0), numbers[0])
    other = next((at for at in range(len(cells.names)) if at != column), None)
    rows = cells.row_count
    step = max(-(-rows // _POINTS), 1)
    ys = [_number(cells.value(row, column)) for row in range(0, rows, step)]
    xs: list[Any] = list(range(0, rows, step))
    if other is not None:
        xs = [cells.value(row, other) for row in xs]
    kept = [(x, y) for x, y in zip(xs, ys, strict=True) if y is not None]
    axis = _axis([x for x, _ in kept])
    if axis is not Axis.WORDS:
        kept = [(x, y) for x, y in kept if x is not None and _place(x) is not None]
    if not kept:
        return "there are no numbers to draw, only missing values"
    places = (
        range(len(kept))
        if axis is Axis.WORDS
        else [place for x, _ in kept if (place := _place(x)) is not None]
    )
    return Drawing(
        x="row" if other is None else cells.names[other],
        y=cells.names[column],
        axis=axis,
        places=tuple(map(float, places)),
        labels=tuple("∅" if x is None else text_of(x) for x, _ in kept),
        values=tuple(y for _, y in kept),
        left_out=len(ys) - len(kept),
        of=rows if step > 1 else 0,
    )


def _number(value: Any) -> float | None:
    if value is None:
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _axis(values: Sequence[Any]) -> Axis:
    known = [value for value in values if value is not None]
    if known and all(isinstance(value, date) for value in known):
        return Axis.DAYS
    if known and all(_is_number(value) for value in known):
        return Axis.NUMBERS
    return Axis.WORDS


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool | str | bytes) and hasattr(value, "__float__")


def _place(value: Any) -> float | None:
    if isinstance(value, datetime):
        return (value.replace(tzinfo=None) - datetime(1970, 1, 1)).total_seconds()  # noqa: DTZ001 - a distance
    if isinstance(value, date):
        return (value - date(1970, 1, 1)).total_seconds()
    return _number(value)


def bars(of: Drawing, width: int) -> Text:
    """One line for each row: what it is, a bar, its number. width : cells there are."""
    shown = list(zip(of.labels, of.values, strict=True))[:_BARS]
    names = min(max(wide(one_line(label)) for label, _ in shown), max(width // 3, 4))
    numbers = [f"{value:,.6g}" for _, value in shown]
    room = max(width - names - max(map(len, numbers)) - 3, 4)
    low, high = min(0.0, *(v for _, v in shown)), max(0.0, *(v for _, v in shown))
    text = Text(no_wrap=True, end="")
    for (label, value), number in zip(shown, numbers, strict=True):
        name = clipped(one_line(label), names)
        text.append_text(line(" " * (names - wide(name)) + name))
        text.append(" ")
        text.append(_bar(value, low, high, room), "bold")
        text.append(f" {number}\n", "")
    if len(of.labels) > _BARS:
        text.append(f"and {len(of.labels) - _BARS:,} more rows\n", "dim")
    return text


def _bar(value: float, low: float, high: float, room: int) -> str:
    """A bar from nought to the value; below nought it goes to the left."""
    span = (high - low) or 1.0
    zero = round(-low / span * room)
    if value < 0:
        cells = max(round(-value / span * room), 1)
        return " " * max(zero - cells, 0) + "▒" * min(cells, zero)
    eighths = round(value / span * room * 8)
    full, part = divmod(eighths, 8)
    return " " * zero + "█" * full + (_EIGHTHS[part] if part else "")
