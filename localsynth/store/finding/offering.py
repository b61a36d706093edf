"""Rules found, checked as the program checks any rule, so that each can be accepted as it stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from localsynth.core.errors import RuleError
from localsynth.core.finding import FoundRule, Limits
from localsynth.core.schema import Schema
from localsynth.core.smallcells import FEWEST
from localsynth.store.rules import RuleChecker

from .coding import Coded
from .inequalities import find_pairs, without_implied
from .missing import find_missing
from .numbers import numbers_of
from .sums import find_products, find_sums

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["find_rules"]


def find_rules(
    rows: pa.Table, coded: Coded, schema: Schema, limits: Limits
) -> tuple[list[FoundRule], list[str]]:
    """Rules that all rows keep, those of the schema left out, and what was not looked at, in words."""
    numbers = numbers_of(rows, schema)
    pairs, of_pairs = find_pairs(numbers, limits)
    twins = {pair.high for pair in pairs if pair.equal}
    single = [one for one in numbers if one.name not in twins]
    sums, of_sums = find_sums(single, limits)
    products, of_products = find_products(single, limits)
    parts = {(name, one.whole.name) for one in sums if one.grows for name in one.names}
    found = [
        *(pair.rule() for pair in without_implied(pairs, parts)),
        *(one.rule() for one in (*sums, *products)),
        *find_missing(coded, _values(rows, coded), limits),
    ]
    return _offered(found, rows, schema), of_pairs + of_sums + of_products


def _values(rows: pa.Table, coded: Coded) -> list[Sequence[object]]:
    """The values by code of the columns with few of them."""
    out: list[Sequence[object]] = []
    for at, codes in enumerate(coded.codes):
        if coded.distinct[at] > 1000:
            out.append(())
            continue
        different, first = np.unique(codes, return_index=True)
        out.append(rows.column(at).take(first[different >= 0]).to_pylist())
    return out


def _offered(found: Sequence[FoundRule], rows: pa.Table, schema: Schema) -> list[FoundRule]:
    """Those that the rule checker takes and no row breaks, under names that are free."""
    known = {rule.check for rule in schema.rules} | {rule.label for rule in schema.rules}
    fresh = []
    for one in found:
        if one.check not in known and one.name not in known and one.rows >= FEWEST:
            known |= {one.check, one.name}
            fresh.append(one)
    try:
        return _unbroken(fresh, rows, schema)
    except RuleError:  # one of them cannot be judged, such as an addition that overflows: the others can
        return [one for one in fresh if _holds(one, rows, schema)]


def _unbroken(found: Sequence[FoundRule], rows: pa.Table, schema: Schema) -> list[FoundRule]:
    with RuleChecker(schema.model_copy(update={"rules": tuple(one.declared() for one in found)})) as checker:
        broken = checker.violations(rows)
    return [one for at, one in enumerate(found) if not broken[:, at].any()]


def _holds(one: FoundRule, rows: pa.Table, schema: Schema) -> bool:
    try:
        return bool(_unbroken([one], rows, schema))
    except RuleError:
        return False
