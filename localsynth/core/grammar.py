"""What a text may look like: a small algebra that every engine can sample from.

A grammar is plain data, so it crosses the process boundary as JSON. The llama.cpp engine compiles it to token masks,
the ``uniform`` engine draws from it directly, and methods parse the text back because they built the grammar
themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

__all__ = [
    "Day",
    "Fixed",
    "FreeText",
    "Grammar",
    "Moment",
    "Number",
    "OneOf",
    "Sequence",
    "Warmed",
    "max_length",
    "seq",
]


@dataclass(frozen=True)
class Fixed:
    """Exactly this text."""

    text: str
    kind: Literal["fixed"] = "fixed"


@dataclass(frozen=True)
class OneOf:
    """One of several grammars; ``uniform`` gives each the same probability."""

    options: tuple[Grammar, ...]
    kind: Literal["one_of"] = "one_of"


@dataclass(frozen=True)
class Number:
    """A decimal number written with exactly ``decimals`` digits after the point.

    ``low`` and ``high`` are scaled integers: the number is ``i / 10**decimals`` with ``low <= i <= high``.
    No leading zeros, no plus sign, no exponent, no negative zero.
    """

    low: int
    high: int
    decimals: int = 0
    kind: Literal["number"] = "number"


@dataclass(frozen=True)
class Day:
    """A date ``YYYY-MM-DD`` with ``low <= date <= high``; only dates that exist."""

    low: date
    high: date
    kind: Literal["day"] = "day"


@dataclass(frozen=True)
class Moment:
    """A date and time ``YYYY-MM-DD HH:MM`` with ``low <= moment <= high``, in whole minutes."""

    low: datetime
    high: datetime
    kind: Literal["moment"] = "moment"


@dataclass(frozen=True)
class FreeText:
    """Printable text of ``min_length`` to ``max_length`` characters on one line.

    Control characters, line breaks, backslashes and double quotes never occur; neither end is a space.
    """

    min_length: int
    max_length: int
    kind: Literal["text"] = "text"


@dataclass(frozen=True)
class Sequence:
    """The parts, one after the other."""

    parts: tuple[Grammar, ...]
    kind: Literal["sequence"] = "sequence"


@dataclass(frozen=True)
class Warmed:
    """``part``, drawn at a temperature of its own; the request's other filters stay.

    It must be a part of the outermost :class:`Sequence`, and fixed text must follow it: that text tells where it ends.
    """

    part: Grammar
    temperature: float
    kind: Literal["warmed"] = "warmed"


Grammar: TypeAlias = Annotated[
    Fixed | OneOf | Number | Day | Moment | FreeText | Sequence | Warmed, Field(discriminator="kind")
]


def seq(*parts: Grammar | str) -> Sequence:
    """A sequence in which plain strings stand for themselves; nested sequences are laid flat."""
    flat: list[Grammar] = []
    for part in parts:
        if isinstance(part, str):
            part = Fixed(part)
        if isinstance(part, Sequence):
            flat.extend(part.parts)
        else:
            flat.append(part)
    return Sequence(tuple(flat))


def max_length(grammar: Grammar) -> int:
    """The length in UTF-8 bytes of the longest text allowed: an upper bound of its tokens."""
    match grammar:
        case Fixed(text):
            return len(text.encode())
        case OneOf(options):
            return max(map(max_length, options), default=0)
        case Number(low, high, decimals):
            return max(_digits(low, decimals), _digits(high, decimals))
        case Day():
            return len("YYYY-MM-DD")
        case Moment():
            return len("YYYY-MM-DD HH:MM")
        case FreeText(_, longest):
            return 4 * longest
        case Sequence(parts):
            return sum(map(max_length, parts))
        case Warmed(part):
            return max_length(part)


def _digits(scaled: int, decimals: int) -> int:
    digits = max(len(str(abs(scaled))), decimals + 1)
    return digits + (scaled < 0) + (decimals > 0)
