"""How the cells of a column are written in prompts and answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from localsynth.align.axes import cell_label
from localsynth.core.cells import split_row, write_cell
from localsynth.core.columns import CategoricalColumn, Column
from localsynth.core.targets import Axis

__all__ = ["key", "labels"]


def labels(column: Column, axis: Axis) -> tuple[str, ...]:
    """The cells of an axis as they are written in an answer: on one line, different from each other, quoted where they
    hold a comma.
    """
    found = [cell_label(column, axis, cell) for cell in range(axis.size)]
    if isinstance(column, CategoricalColumn):
        found = [write_cell(column, text) for text in found]
    return _distinct(found)


def _distinct(found: Sequence[str]) -> tuple[str, ...]:
    """A category may be called 'missing', or two lists of rare ones begin alike."""
    twice = {text for text, count in Counter(found).items() if count > 1}
    result: list[str] = []
    for at, text in enumerate(found):
        if text in twice:
            plain, end = (text[:-1], '"') if text.endswith('"') else (text, "")
            text = f"{plain} (cell {at + 1}){end}"
            while text in found:
                text = f"{text[: len(text) - len(end)]}'{end}"
        result.append(text)
    return tuple(result)


def key(label: str) -> tuple[str, bool]:
    """What :func:`~localsynth.core.cells.split_row` makes of a label within a line."""
    (cell,) = split_row(label)
    return cell
