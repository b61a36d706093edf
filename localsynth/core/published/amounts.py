"""Counts and shares as reports print them: rounded, in rows or in percent, with or without a total."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from localsynth.core.words import plain, shown

__all__ = ["Amounts", "Unit", "amount", "as_parts", "parts_of_groups"]

Unit: TypeAlias = Literal["counts", "shares"]

_MOST = 0.05  # of the whole: no sum of rounded shares is further off than this
_TOLD = 0.005  # of the whole: a sum that is further off is told, whatever rounding explains
_LARGEST = 10**15


@dataclass(frozen=True)
class Amounts:
    """shares : of the cells with values; they sum to 1 together with ``missing``. slack : what rounding may have moved in
    one cell, as a share. total : rows, 0 where nobody says. told : in words, what the amounts sum to where that is not what
    they should; empty where it is, as near as one cell's last digit.
    """

    shares: tuple[float, ...]
    missing: float
    total: float
    slack: float
    told: str = ""


def amount(value: Any) -> float:
    """A count or share. Raises ``ValueError``."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{shown(value) or 'this'} is not a number")
    if not -_LARGEST <= value <= _LARGEST:  # nor is what is not a number at all
        if isinstance(value, int) and value.bit_length() > 200:
            digits = round(value.bit_length() * math.log10(2))
            raise ValueError(f"a number of about {digits} digits is not a count")
        raise ValueError(f"{value} is not a count")
    if value < 0:
        raise ValueError(f"{plain(value)} is below 0: counts and shares are not")
    return float(value)


def as_parts(
    values: Sequence[float], missing: float | None, unit: Unit, total: float | None, what: str
) -> Amounts:
    """Amounts as shares of all rows.

    Counts may differ from their total by what rounding explains (to tens, to thousands). Shares sum to 1 or to 100, off by
    at most half of their last digit for each cell, and 5 in 100; with ``missing`` among them, or, where they sum to that
    without it, of the rows that have a value.
    Raises ``ValueError`` in a sentence about ``what``.
    """
    empty = missing or 0.0
    whole = math.fsum(values) + empty
    if whole <= 0:
        raise ValueError(f"{what}: an empty group, all of its {unit} are 0")
    every = [*values, empty] if missing is not None else list(values)
    if unit == "counts":
        step = _round_to(every)
        if total is not None and abs(total - whole) > _allowed(step, len(every), total):
            rest = f": missing = {plain(total - whole)}?" if missing is None and total > whole else ""
            raise ValueError(
                f"{what}: the counts sum to {plain(whole)}, not to the total {plain(total)}{rest}"
            )
        slack = step / 2 / whole if step > 1 else 0.0
        told = "" if total is None else _told(what, unit, whole, total, step)
        shares = tuple(value / whole for value in values)
        return Amounts(shares, empty / whole, whole if total is None else total, slack, told)
    step = _last_digit(every)
    for one in (1.0, 100.0):
        inside, beside = abs(whole - one), abs(whole - empty - one)
        most = _allowed(step, len(every), one)
        if min(inside, beside) > most or empty > one:
            continue
        if inside <= beside:
            shares, gone, summed = tuple(value / whole for value in values), empty / whole, whole
        else:
            gone, summed = empty / one, whole - empty
            shares = tuple(value * (1 - gone) / summed for value in values)
        return Amounts(shares, gone, total or 0.0, step / 2 / one, _told(what, unit, summed, one, step))
    raise ValueError(f"{what}: the shares sum to {plain(round(whole, 9))}, neither to 1 nor to 100")


def parts_of_groups(groups: Sequence[Sequence[float]], what: Sequence[str]) -> list[Amounts]:
    """Each group's own shares: they sum to 1 or 100 inside it. Counts are refused, since they need no such reading."""
    return [as_parts(group, None, "shares", None, name) for group, name in zip(groups, what, strict=True)]


def _told(what: str, unit: Unit, summed: float, whole: float, step: float) -> str:
    """A note where amounts are scaled by more than the last digit of one cell, or by more than 0.5 %."""
    if abs(summed - whole) <= min(step, _TOLD * whole) + 1e-9 * whole:
        return ""
    named = f"the total {plain(whole)}" if unit == "counts" else plain(whole)
    return f"{what}: the {unit} sum to {plain(round(summed, 9))}, not to {named}; each is taken as its part of that sum"


def _allowed(step: float, cells: int, whole: float) -> float:
    return min(step / 2 * cells, _MOST * whole) + 1e-9 * whole


def _round_to(values: Sequence[float]) -> float:
    """The power of ten that all counts are multiples of, as far as they tell; at least 1."""
    step = 1
    if any(value != int(value) for value in values) or not any(values):
        return 1.0
    while all(value % (step * 10) == 0 for value in values):
        step *= 10
    return float(step)


def _last_digit(values: Sequence[float]) -> float:
    """The unit of the finest digit written, at most 1."""
    finest = min(int(Decimal(repr(value)).normalize().as_tuple().exponent) for value in values)
    return float(10.0 ** min(finest, 0))
