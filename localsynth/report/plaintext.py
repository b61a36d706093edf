"""Text out of data, made safe to show, and small plots made of characters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

__all__ = ["axis", "clipped", "one_line", "shown", "sparks", "wide"]

# Controls, marks that turn the direction of what follows, and half characters, which no file can hold.
_UNSHOWN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_BLOCKS = " ▁▂▃▄▅▆▇█"


def shown(text: object) -> str:
    """Text whose control and direction-turning characters are written as escapes; line breaks and tabs stay."""
    return _UNSHOWN.sub(lambda found: found[0].encode("unicode_escape").decode(), str(text))


def one_line(text: object) -> str:
    """The same, line breaks and tabs written as escapes too."""
    return shown(text).replace("\n", "\\n").replace("\t", "\\t")


def wide(text: str) -> int:
    """How many cells of a terminal the text takes, about."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )


def clipped(text: str, cells: int) -> str:
    """At most so many cells of text (wide characters take two), the cut shown by an ellipsis."""
    used = 0
    for index, char in enumerate(text):
        used += wide(char)
        if used > cells:
            return f"{text[: max(index - 1, 0)]}…"
    return text


def sparks(shares: Sequence[float], top: float, most: int) -> str:
    """A bar of one character for each share, the tallest at ``top``; neighbours are joined to have at most ``most``."""
    joined = max(-(-len(shares) // most), 1)
    heights = [max(shares[i : i + joined]) for i in range(0, len(shares), joined)]
    return "".join(_block(height, top) for height in heights)


def _block(height: float, top: float) -> str:
    if height <= 0 or top <= 0:
        return _BLOCKS[0]
    return _BLOCKS[min(max(round(height / top * 8), 1), 8)]


def axis(
    low: float, high: float, width: int, value: float, ends: tuple[float, float] | None, ideal: float | None
) -> str:
    """A line of characters from ``low`` to ``high``: ``●`` the value, ``├─┤`` its interval, ``┊`` the ideal."""

    def place(number: float) -> int:
        share = (number - low) / ((high - low) or 1.0)
        return min(max(round(share * (width - 1)), 0), width - 1)

    cells = [" "] * width
    if ideal is not None:
        cells[place(ideal)] = "┊"
    if ends is not None:
        first, last = place(ends[0]), place(ends[1])
        for index in range(first, last + 1):
            cells[index] = "─"
        cells[first], cells[last] = "├", "┤"
    cells[place(value)] = "●"
    return "".join(cells)
