"""Keys: columns in which no two rows are alike, where that is more than an accident."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, islice
from math import comb, prod

from localsynth.core.columns import FloatColumn
from localsynth.core.finding import FoundKey, Limits
from localsynth.core.words import counted

from .coding import Coded

__all__ = ["find_keys"]

_LARGEST = 3
_LOOKED_AT = 400


def find_keys(coded: Coded, limits: Limits) -> tuple[list[FoundKey], list[str]]:
    """Minimal keys of one to three columns, without missing values, and what was left out, in words.

    Decimal numbers are no keys: that measurements differ says nothing. Several columns are one only where rows drawn
    with these shares, column by column, would meet often.
    """
    if coded.rows < limits.broken:
        return [], []
    full = [
        at
        for at, column in enumerate(coded.columns)
        if not coded.missing[at] and not isinstance(column, FloatColumn)
    ]
    single = [at for at in full if coded.distinct[at] == coded.rows]
    found: list[tuple[int, ...]] = [(at,) for at in single]
    rest = [at for at in full if at not in single and coded.distinct[at] > 1]
    notes: list[str] = []
    for size in range(2, _LARGEST + 1):
        able = (
            left
            for left in combinations(rest, size)
            if _possible(coded, left, limits) and not any(set(key) <= set(left) for key in found)
        )
        looked = list(islice(able, _LOOKED_AT))
        if len(looked) == _LOOKED_AT:
            notes.append(
                f"keys of {size} columns were sought in {counted(_LOOKED_AT, 'combination')} of {comb(len(rest), size):,}"
            )
        found += [left for left in looked if _is_key(coded, left)]
    return [FoundKey(coded.names(left), coded.rows, coded.rows) for left in found], notes


def _possible(coded: Coded, left: Sequence[int], limits: Limits) -> bool:
    """There are enough combinations for all rows, and so few that rows would meet by chance."""
    if prod(coded.distinct[at] for at in left) < coded.rows:
        return False
    pairs = coded.rows * (coded.rows - 1) / 2
    return pairs * prod(coded.alike[at] for at in left) >= limits.broken


def _is_key(coded: Coded, left: Sequence[int]) -> bool:
    query = (
        f"SELECT count(*) FROM (SELECT 1 FROM coded GROUP BY {coded.key(left)} HAVING count(*) > 1 LIMIT 1)"
    )
    (twice,) = coded.con.execute(query).fetchall()[0]
    return not twice
