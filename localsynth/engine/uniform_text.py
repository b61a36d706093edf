"""Texts drawn uniformly from a grammar, and the exact probability with which each of them is drawn."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import TypeAlias

from ..core.grammar import Day, Fixed, FreeText, Grammar, Moment, Number, OneOf, Warmed, max_length
from ..core.grammar import Sequence as Parts

__all__ = ["draw_text", "text_logprobs"]

_LETTERS = "aeiounrstlmdcp"
_BLANK = 0.18  # the share of spaces among characters that may be one
_LONGER = 200  # characters beyond the shortest length allowed; longer texts are never drawn

#: Where a part that begins at some place may end, and the logarithm of the probability that it is drawn just so.
Ends: TypeAlias = Mapping[int, float]


def draw_text(grammar: Grammar, random: Random) -> str:
    """One text the grammar allows, every part drawn uniformly."""
    match grammar:
        case Fixed(text):
            return text
        case OneOf(options):
            return draw_text(random.choice(options), random)
        case Number():
            return _number_text(grammar, random.randint(grammar.low, grammar.high))
        case Day(first, last):
            return (first + timedelta(days=random.randint(0, (last - first).days))).isoformat()
        case Moment(low, high):
            return (low + timedelta(minutes=random.randint(0, _minutes(low, high)))).isoformat(" ", "minutes")
        case FreeText():
            return _words(grammar, random)
        case Warmed(part):
            return draw_text(part, random)
        case Parts(parts):
            return "".join(draw_text(part, random) for part in parts)


def text_logprobs(grammar: Grammar, text: str) -> tuple[float, ...]:
    """Natural logarithm of the probability of each value of ``text``; minus infinity where it is never drawn.

    The values are the parts of an outermost sequence that are not fixed text; any other grammar makes one of the whole.
    Their sum is that of the whole text, over all ways to read it as values: the likeliest of them tells where each value
    lies, and what the others add is counted with the first.
    """
    parts = grammar.parts if isinstance(grammar, Parts) else (grammar,)
    reached = {0: _Way(0.0, 0.0, ())}
    for part in parts:
        after: dict[int, _Way] = {}
        for start, way in reached.items():
            for end, p in _ends(part, text, start).items():
                longer = way.on(p, isinstance(part, Fixed))
                after[end] = after[end].beside(longer) if end in after else longer
        reached = after
    if len(text) not in reached:
        return (-math.inf,) * max(1, sum(not isinstance(part, Fixed) for part in parts))
    way = reached[len(text)]
    first, *others = way.values or (0.0,)
    return (first + way.total - way.likeliest, *others)


@dataclass(frozen=True, slots=True)
class _Way:
    """How some place is reached: ``total`` over all ways, and of the ``likeliest`` alone, with its values."""

    total: float
    likeliest: float
    values: tuple[float, ...]

    def on(self, p: float, fixed: bool) -> _Way:
        """One part further."""
        values = self.values if fixed else (*self.values, p)
        return _Way(self.total + p, self.likeliest + p, values)

    def beside(self, other: _Way) -> _Way:
        """Both ways to the same place."""
        best = self if self.likeliest >= other.likeliest else other
        return _Way(_added(self.total, other.total), best.likeliest, best.values)


# --- numbers, days ----------------------------------------------------------------------------------------------------


def _number_text(number: Number, scaled: int) -> str:
    digits = f"{abs(scaled):0{number.decimals + 1}d}"
    whole = digits[: len(digits) - number.decimals]
    return f"{'-' if scaled < 0 else ''}{whole}{'.' + digits[-number.decimals :] if number.decimals else ''}"


def _minutes(low: datetime, high: datetime) -> int:
    return (high - low) // timedelta(minutes=1)


_DIGITS = re.compile(r"-?[0-9]+")


def _number_ends(number: Number, text: str, at: int) -> Ends:
    found = _DIGITS.match(text, at)
    if found is None:
        return {}
    logprob = -math.log(number.high - number.low + 1)
    last = min(found.end(), at + max_length(number))
    ends = [found.end() + 1 + number.decimals] if number.decimals else range(at + 1, last + 1)
    return {end: logprob for end in ends if _is_number(number, text[at:end])}


def _is_number(number: Number, text: str) -> bool:
    if len(text) > max_length(number):
        return False
    digits = text.replace(".", "", 1) if number.decimals else text
    if not re.fullmatch(r"-?[0-9]+", digits, re.ASCII):
        return False
    scaled = int(digits)
    return number.low <= scaled <= number.high and _number_text(number, scaled) == text


def _day_ends(day: Day, text: str, at: int) -> Ends:
    end = at + len("YYYY-MM-DD")
    try:
        found = date.fromisoformat(text[at:end])
    except ValueError:
        return {}
    if found.isoformat() != text[at:end] or not day.low <= found <= day.high:
        return {}
    return {end: -math.log((day.high - day.low).days + 1)}


def _moment_ends(moment: Moment, text: str, at: int) -> Ends:
    end = at + len("YYYY-MM-DD HH:MM")
    try:
        found = datetime.fromisoformat(text[at:end])
    except ValueError:
        return {}
    if found.tzinfo or found.isoformat(" ", "minutes") != text[at:end]:
        return {}
    if not moment.low <= found <= moment.high:
        return {}
    return {end: -math.log(_minutes(moment.low, moment.high) + 1)}


# --- free text --------------------------------------------------------------------------------------------------------


def _longest(text: FreeText) -> int:
    return min(text.max_length, text.min_length + _LONGER)


def _words(grammar: FreeText, random: Random) -> str:
    """Letters in words: any length, no space at either end and no two of them together."""
    size = random.randint(grammar.min_length, _longest(grammar))
    text = ""
    for place in range(size):
        inside = 0 < place < size - 1 and text[-1] != " "
        text += " " if inside and random.random() < _BLANK else random.choice(_LETTERS)
    return text


def _word_ends(grammar: FreeText, text: str, at: int) -> Ends:
    """As ``_words`` draws them: a letter for certain at both ends and after a space, else perhaps a space."""
    sizes = math.log(_longest(grammar) - grammar.min_length + 1)
    letter = -math.log(len(_LETTERS))
    ends: dict[int, float] = {}
    body = 0.0  # of all characters but the last
    for size in range(1, min(_longest(grammar), len(text) - at) + 1):
        here, before = text[at + size - 1], text[at + size - 2] if size > 1 else " "
        if here not in _LETTERS and here != " ":
            break
        if here != " " and size >= grammar.min_length:
            ends[at + size] = body + letter - sizes
        if here == " " and before == " ":
            break
        certain = 0.0 if before == " " else math.log(1 - _BLANK)
        body += math.log(_BLANK) if here == " " else letter + certain
    return ends


# --- all parts together -----------------------------------------------------------------------------------------------


def _ends(grammar: Grammar, text: str, at: int) -> Ends:
    match grammar:
        case Fixed(fixed):
            return {at + len(fixed): 0.0} if text.startswith(fixed, at) else {}
        case OneOf(options):
            share = -math.log(len(options)) if options else 0.0
            return _gathered(
                (end, share + p) for option in options for end, p in _ends(option, text, at).items()
            )
        case Number():
            return _number_ends(grammar, text, at)
        case Day():
            return _day_ends(grammar, text, at)
        case Moment():
            return _moment_ends(grammar, text, at)
        case FreeText():
            return _word_ends(grammar, text, at)
        case Warmed(part):
            return _ends(part, text, at)
        case Parts(parts):
            return _sequence_ends(parts, text, at)


def _sequence_ends(parts: Iterable[Grammar], text: str, at: int) -> Ends:
    """Over all ways to split the text between the parts."""
    reached: Ends = {at: 0.0}
    for part in parts:
        reached = _gathered(
            (end, so_far + p)
            for start, so_far in reached.items()
            for end, p in _ends(part, text, start).items()
        )
    return reached


def _gathered(found: Iterable[tuple[int, float]]) -> dict[int, float]:
    """Probabilities of the same end added up."""
    result: dict[int, float] = {}
    for end, p in found:
        result[end] = _added(result[end], p) if end in result else p
    return result


def _added(one: float, other: float) -> float:
    """The logarithm of the sum of two probabilities given by theirs."""
    high, low = max(one, other), min(one, other)
    return high + math.log1p(math.exp(low - high))
