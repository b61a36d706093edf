"""Bounds: how many tokens a cell may take at most, so that a row that was planned never outgrows the context."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from localsynth.core.columns import Column, TextColumn
from localsynth.core.contracts import Ask, Task
from localsynth.core.grammar import Grammar, max_length

__all__ = ["RESERVE", "Bounds", "shortened"]

RESERVE = 8  # tokens: what a prompt may grow by where its end joins the first cell
_MARKS = 3  # tokens: a text's quotes, and the comma after it
_SURE = 16  # tokens a text may take beyond what its language usually needs
_DEAREST = 4  # tokens a character may take at most: one for each of its bytes
_SEEN = 8  # characters of a text that say something of its language


class Bounds:
    """Tokens that the cells of columns take at most, what separates them from the next included.

    Sampled text may be split into other tokens than the tokenizer would choose, at worst into one per byte: that is the
    bound of numbers, categories, days and moments. For texts it would be four per character, which no language needs; theirs
    is reckoned from the tokens that the person's own texts take (examples, descriptions), and at one per character or more.

    cell : the grammar of a column's cell.
    """

    def __init__(
        self, task: Task, columns: Iterable[Column], cell: Callable[[Column], Grammar], ask: Ask
    ) -> None:
        self._columns = {column.name: column for column in columns}
        self._longest = {name: max_length(cell(column)) + 1 for name, column in self._columns.items()}
        texts = [name for name, column in self._columns.items() if isinstance(column, TextColumn)]
        self._rates = _rates(task, [self._columns[name] for name in texts], ask)

    def cell(self, name: str, cap: int | None = None) -> int:
        """Tokens of the column's longest cell. ``cap`` : characters a text is kept to."""
        column = self._columns[name]
        if not isinstance(column, TextColumn):
            return self._longest[name]
        characters = column.max_length if cap is None else cap
        usual = math.ceil(self._rates[name] * characters) + _SURE
        return _MARKS + max(min(_DEAREST * characters, usual), _DEAREST * column.min_length)

    def row(self, names: Iterable[str], caps: Mapping[str, int]) -> int:
        """Tokens of the longest cells together."""
        return sum(self.cell(name, caps.get(name)) for name in names)

    def longest_text(self, name: str, room: int) -> int | None:
        """The most characters of a text that surely fit ``room`` tokens; ``None`` where its shortest does not."""
        column = self._columns[name]
        assert isinstance(column, TextColumn)
        low, high = column.min_length, column.max_length
        if self.cell(name, low) > room:
            return None
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self.cell(name, middle) <= room else (low, middle - 1)
        return low


def _rates(task: Task, columns: Sequence[Column], ask: Ask) -> dict[str, float]:
    """Tokens per character of each text column: a quarter above the dearest text known of it, at least one."""
    schema = task.schema
    told = {
        column.name: [
            *(str(example[column.name]) for example in schema.examples if column.name in example),
            column.description,
            schema.description,
            schema.population,
        ]
        for column in columns
    }
    texts = sorted({text for some in told.values() for text in some if len(text) >= _SEEN})
    rates = {text: count / len(text) for text, count in zip(texts, ask.count_tokens(texts), strict=True)}
    return {
        name: max(1.0, 1.25 * max((rates.get(text, 0.0) for text in some), default=0.0))
        for name, some in told.items()
    }


def shortened(columns: Sequence[Column], caps: Mapping[str, int]) -> tuple[Column, ...]:
    """The columns, texts kept to ``caps`` characters."""
    return tuple(
        column.model_copy(update={"max_length": caps[column.name]}) if column.name in caps else column
        for column in columns
    )
