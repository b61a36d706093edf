"""What may follow the first cell of a row, once that cell is known: for first cells that code draws, not the model."""

from __future__ import annotations

import re
from collections import defaultdict

from localsynth.core.grammar import Fixed, Grammar, OneOf, seq
from localsynth.core.grammar import Sequence as Parts
from localsynth.engine.regex import to_regex

__all__ = ["Behind"]

_COMMA = Fixed(",")


class Behind:
    """Looks up the rest of a row of two cells or more, by its first cell's text."""

    def __init__(self, row: Parts) -> None:
        self._texts: dict[str, list[Parts]] = defaultdict(list)
        self._patterns: list[tuple[re.Pattern[str], Parts]] = []
        first, rest = row.parts[0], Parts(row.parts[1:])
        blocks = first.options if isinstance(first, OneOf) and all(map(_is_block, first.options)) else None
        for option in blocks if blocks is not None else [row]:
            whole = seq(option, rest) if blocks is not None else row
            at = whole.parts.index(_COMMA)
            self._put(seq(*whole.parts[:at]), Parts(whole.parts[at + 1 :]))

    def _put(self, head: Parts, tail: Parts) -> None:
        texts = _texts(head.parts[0]) if len(head.parts) == 1 else None
        if texts is None:
            self._patterns.append((re.compile(to_regex(head)), tail))
        else:
            for text in texts:
                self._texts[text].append(tail)

    def after(self, cell: str) -> Grammar | None:
        """What may follow the cell and its comma; ``None`` where it is no first cell of any row."""
        tails = [*self._texts.get(cell, ()), *(tail for one, tail in self._patterns if one.fullmatch(cell))]
        if len(tails) < 2:
            return tails[0] if tails else None
        return OneOf(tuple(tails))


def _is_block(option: Grammar) -> bool:
    """Several cells: a cell's own alternatives hold no comma that stands by itself."""
    return isinstance(option, Parts) and _COMMA in option.parts


def _texts(grammar: Grammar) -> list[str] | None:
    """All texts of a grammar, where it is no more than a list of them."""
    match grammar:
        case Fixed(text):
            return [text]
        case OneOf(options):
            lists = [_texts(option) for option in options]
            return (
                None if any(one is None for one in lists) else [text for one in lists for text in one or ()]
            )
        case _:
            return None
