"""A row of which some cells are known: what may stand in the others so that what is locked holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from localsynth.core.cells import cell_grammar
from localsynth.core.columns import TextColumn
from localsynth.core.grammar import Fixed, FreeText, Grammar, seq
from localsynth.engine.regex import to_regex

from .boxes import Pattern, Within, axis_of
from .locks import LIMIT, Locked
from .nesting import Constraint, Nesting, TooLarge, segments

__all__ = ["given_row", "writable"]


def given_row(locked: Locked, texts: Mapping[str, str | None]) -> tuple[str, Grammar]:
    """The cells before the first missing one as text, and the grammar of all that follows: known cells as they are, the others
    with values that the locks leave them. Missing cells get a value, whatever the column says.

    texts : cells as they are written, ``None`` where missing, one of them at least. Locks that the known cells break are left
    out, and so are those that make too many alternatives.
    """
    columns = locked.columns
    known = {place: text for place, column in enumerate(columns) if (text := texts[column.name]) is not None}
    first = next(place for place in range(len(columns)) if place not in known)
    cells: list[Grammar] = [
        Fixed(known[place]) if place in known else cell_grammar(column, null=False)
        for place, column in enumerate(columns)
    ]
    head = "".join(known[place] + "," for place in range(first))
    held: list[Constraint] = []
    for constraint in locked.constraints:
        left = _left(locked, constraint, known)
        if left is not None:
            held.append(left)
    made = _built(locked, cells, held, first)
    if made is None:
        kept: list[Constraint] = []
        for one in sorted(held, key=lambda one: (len(one.patterns), one.places)):
            if _built(locked, cells, [*kept, one], first) is not None:
                kept.append(one)
        made = _built(locked, cells, kept, first)
    assert made is not None  # without constraints every cell stands for itself
    return head, made


def _left(locked: Locked, constraint: Constraint, known: Mapping[int, str]) -> Constraint | None:
    """What a constraint says of the missing cells; ``None`` where that is nothing, or nothing fits."""
    missing = [at for at, place in enumerate(constraint.places) if place not in known]
    if not missing:
        return None
    near = constraint.narrowed(
        {place: frozenset([known[place]]) for place in constraint.places if place in known}
    )
    patterns = {
        tuple(pattern[at] for at in missing)
        for pattern in near.patterns
        if _fits(locked, constraint.places, pattern, known)
    }
    patterns = {pattern for pattern in patterns if "" not in pattern}
    if not patterns or any(all(cell is None for cell in pattern) for pattern in patterns):
        return None
    return Constraint(tuple(constraint.places[at] for at in missing), frozenset(patterns))


def _fits(locked: Locked, places: Iterable[int], pattern: Pattern, known: Mapping[int, str]) -> bool:
    for place, cell in zip(places, pattern, strict=True):
        if place not in known or cell is None:
            continue
        if isinstance(cell, Within):
            axis = axis_of(locked.columns[place])
            if axis is None or not known[place] or not cell.low <= axis.place(known[place]) <= cell.high:
                return False
        elif cell != known[place]:
            return False
    return True


def _built(locked: Locked, cells: list[Grammar], held: Iterable[Constraint], first: int) -> Grammar | None:
    nesting = Nesting(locked.columns, cells, LIMIT)
    parts: list[Grammar | str] = []
    try:
        for begin, end, own in segments(held, first, len(cells) - 1):
            made = nesting.segment(begin, end, own)
            if made is None:
                return None
            parts += [made[0], ","]
    except TooLarge:
        return None
    return _merged([*parts[:-1], "\n"])


def _merged(parts: Iterable[Grammar | str]) -> Grammar:
    """The parts in sequence, fixed texts that follow each other as one."""
    flat: list[Grammar] = []
    for part in seq(*parts).parts:
        before = flat[-1] if flat else None
        if isinstance(part, Fixed) and isinstance(before, Fixed):
            flat[-1] = Fixed(before.text + part.text)
        else:
            flat.append(part)
    return seq(*flat)


# --- texts ------------------------------------------------------------------------------------------------------------


def writable(column: TextColumn, text: str) -> str:
    """The text itself where a grammar can write it, else one as long and much like it."""
    if _pattern(column.min_length, column.max_length).fullmatch(text):
        return text
    inside, alone = _pattern(3, 3), _pattern(1, 1)
    found = [one if inside.fullmatch(f"x{one}x") else "'" if one == '"' else "-" for one in text]
    for at in {0, len(found) - 1}:
        found[at] = found[at] if alone.fullmatch(found[at]) else "-"
    return "".join(found)


@lru_cache(maxsize=256)
def _pattern(shortest: int, longest: int) -> re.Pattern[str]:
    return re.compile(to_regex(FreeText(shortest, longest)))
