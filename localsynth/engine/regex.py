"""Grammars as regular expressions, in the subset that llguidance and Python's ``re`` both read.

One expression for a whole row keeps the parser down to a single automaton, which is what makes token masks cheap.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from itertools import groupby

from ..core.grammar import Day, Fixed, FreeText, Grammar, Moment, Number, OneOf, Sequence, Warmed

__all__ = ["to_regex"]

# What text must not hold: quotes and backslashes (they would need escapes), control characters, line separators, private use.
_FORBIDDEN = r'"\\\x00-\x1f\x7f-\x9f\u2028\u2029\ue000-\uf8ff\ufff0-\uffff'
_INSIDE = f"[^{_FORBIDDEN}]"
_EDGE = rf"[^{_FORBIDDEN} \u00a0\u1680\u2000-\u200f\u202f\u205f\u2060\u3000\ufeff]"

_MANY = 32  # alternatives from which on common beginnings are written once
_SHORT = 200  # characters of a tail that is repeated behind each of its beginnings
_DEEP = 8  # groups within groups for one cell: parsers of expressions stop at 250, and cells are nested too


def to_regex(grammar: Grammar) -> str:
    """An expression that matches exactly the texts the grammar allows."""
    match grammar:
        case Fixed(text):
            return _escape(text)
        case OneOf(options):
            if len(options) < _MANY:
                return _either(to_regex(option) for option in options)
            return _merged(list(dict.fromkeys(pair for option in options for pair in _beginnings(option))), 0)
        case Number(low, high, decimals):
            return _number(low, high, decimals)
        case Day(low, high):
            return _days(low, high)
        case Moment(low, high):
            return _moments(low, high)
        case FreeText(shortest, longest):
            return _text(shortest, longest)
        case Sequence(parts):
            return "".join(to_regex(part) for part in parts)
        case Warmed(part):
            return to_regex(part)


def _escape(text: str) -> str:
    special = set("\\.+*?()|[]{}^$#&-~/\"'")
    return "".join(
        f"\\x{ord(c):02x}" if ord(c) < 32 or c in special else c  # hex escapes mean the same everywhere
        for c in text
    )


def _either(options: Iterable[str]) -> str:
    distinct = list(dict.fromkeys(options))
    return distinct[0] if len(distinct) == 1 else f"(?:{'|'.join(distinct)})"


# --- many alternatives ------------------------------------------------------------------------------------------------


def _beginnings(option: Grammar) -> Iterable[tuple[str, str]]:
    """The texts that an alternative may begin with, each with the expression of what follows it."""
    match option:
        case Fixed(text):
            return [(text, "")]
        case Sequence((OneOf(choices), *rest)) if all(isinstance(choice, Fixed) for choice in choices):
            tail = to_regex(Sequence(tuple(rest)))
            if len(tail) <= _SHORT:
                return [(choice.text, tail) for choice in choices if isinstance(choice, Fixed)]
        case Sequence((Fixed(text), *rest)):
            return [(text + begin, tail) for begin, tail in _beginnings(Sequence(tuple(rest)))]
        case OneOf(choices):
            return [pair for choice in choices for pair in _beginnings(choice)]
        case _:
            pass
    return [("", to_regex(option))]


def _merged(pairs: list[tuple[str, str]], depth: int) -> str:
    """Alternatives as a tree over their first characters: thousands side by side would all be tried at each byte."""
    if len(pairs) == 1 or depth == _DEEP:
        return _either(_escape(text) + tail for text, tail in pairs)
    options = list(dict.fromkeys(tail for text, tail in pairs if not text))
    groups: dict[str, list[tuple[str, str]]] = {}
    for text, tail in pairs:
        if text:
            groups.setdefault(text[0], []).append((text, tail))
    for own in groups.values():
        common = _common(min(own)[0], max(own)[0])
        rest = [(text[common:], tail) for text, tail in own]
        options.append(_escape(own[0][0][:common]) + _merged(rest, depth + 1))
    return _either(options)


def _common(one: str, other: str) -> int:
    """Characters that two texts begin with alike; of many texts the first and the last in order tell for all."""
    return next(
        (at for at, (x, y) in enumerate(zip(one, other, strict=False)) if x != y), min(len(one), len(other))
    )


def _text(shortest: int, longest: int) -> str:
    if longest == 1:
        return _EDGE
    body = f"{_EDGE}{_INSIDE}{{{max(shortest - 2, 0)},{longest - 2}}}{_EDGE}"
    return f"(?:{_EDGE}|{body})" if shortest == 1 else body


# --- numbers --------------------------------------------------------------------------------------------------------


def _number(low: int, high: int, decimals: int) -> str:
    options = []
    if low < 0:
        options.append(r"\x2d" + _magnitudes(max(1, -high), -low, decimals))
    if high >= 0:
        options.append(_magnitudes(max(0, low), high, decimals))
    return _either(options)


def _magnitudes(low: int, high: int, decimals: int) -> str:
    """Numbers of no sign, ``low <= i <= high`` scaled; one branch for each count of digits."""
    options, width = [], decimals + 1
    while True:
        floor = 0 if width == decimals + 1 else 10 ** (width - 1)
        first, last = max(low, floor), min(high, 10**width - 1)
        if first <= last:
            options.append(_between(f"{first:0{width}d}", f"{last:0{width}d}", decimals))
        if 10**width > high:
            return _either(options)
        width += 1


def _between(low: str, high: str, decimals: int) -> str:
    """Digit strings of one length from ``low`` to ``high``, with the point put in before the last ``decimals`` digits."""
    if not low:
        return ""
    point = r"\x2e" if decimals and len(low) == decimals else ""
    if low == "0" * len(low) and high == "9" * len(high):
        return point + _any_digits(len(low), decimals, point == "")
    if low[0] == high[0]:
        return point + low[0] + _between(low[1:], high[1:], decimals)
    rest = len(low) - 1
    first, last = int(low[0]), int(high[0])
    options = []
    if low[1:] != "0" * rest:
        options.append(low[0] + _between(low[1:], "9" * rest, decimals))
        first += 1
    tail = ""
    if high[1:] != "9" * rest:
        tail = high[0] + _between("0" * rest, high[1:], decimals)
        last -= 1
    if first <= last:
        digit = str(first) if first == last else f"[{first}-{last}]"
        options.append(digit + _between("0" * rest, "9" * rest, decimals))
    if tail:
        options.append(tail)
    return point + _either(options)


def _any_digits(count: int, decimals: int, may_cross: bool) -> str:
    if may_cross and decimals and count > decimals:
        return rf"[0-9]{{{count - decimals}}}\x2e[0-9]{{{decimals}}}"
    return f"[0-9]{{{count}}}"


# --- dates ----------------------------------------------------------------------------------------------------------


def _days(low: date, high: date) -> str:
    """Months with the same run of days are written together, years with the same months too."""
    years = range(low.year, high.year + 1)
    patterns = ((_year_pattern(max(low, date(y, 1, 1)), min(high, date(y, 12, 31))), y) for y in years)
    grouped: dict[str, list[str]] = {}
    for pattern, year in patterns:
        grouped.setdefault(pattern, []).append(f"{year:04d}")
    return _either(f"{_either(years)}\\x2d{pattern}" for pattern, years in grouped.items())


def _year_pattern(low: date, high: date) -> str:
    grouped: dict[str, list[str]] = {}
    for month in range(low.month, high.month + 1):
        last = monthrange(low.year, month)[1]
        first_day = low.day if month == low.month else 1
        last_day = high.day if month == high.month else last
        grouped.setdefault(_between(f"{first_day:02d}", f"{last_day:02d}", 0), []).append(f"{month:02d}")
    return _either(f"{_either(months)}\\x2d{days}" for days, months in grouped.items())


def _moments(low: datetime, high: datetime) -> str:
    if low.date() == high.date():
        return _days(low.date(), low.date()) + " " + _times(low.time(), high.time())
    first, last = time(0, 0), time(23, 59)
    one = timedelta(days=1)
    options = [_days(low.date(), low.date()) + " " + _times(low.time(), last)]
    if low.date() + one < high.date():
        options.append(_days(low.date() + one, high.date() - one) + " " + _times(first, last))
    options.append(_days(high.date(), high.date()) + " " + _times(first, high.time()))
    return _either(options)


def _times(low: time, high: time) -> str:
    def minutes(hour: int) -> str:
        start = low.minute if hour == low.hour else 0
        stop = high.minute if hour == high.hour else 59
        return _between(f"{start:02d}", f"{stop:02d}", 0)

    groups = groupby(range(low.hour, high.hour + 1), key=minutes)
    parts = ((pattern, list(hours)) for pattern, hours in groups)
    return _either(f"{_between(f'{hs[0]:02d}', f'{hs[-1]:02d}', 0)}\\x3a{pattern}" for pattern, hs in parts)


def fullmatch(grammar: Grammar, text: str) -> bool:
    """Whether the grammar allows the text."""
    return re.fullmatch(to_regex(grammar), text) is not None
