"""SQL text cut into tokens and statements, as DuckDB's lexer does: enough to find what is under the cursor."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import NamedTuple

__all__ = ["Kind", "Statement", "Token", "name_of", "statement_at", "statements", "tokens"]


class Kind(Enum):
    """What a token is."""

    SPACE = auto()
    COMMENT = auto()
    STRING = auto()
    QUOTED = auto()  # an identifier in double quotes
    WORD = auto()
    NUMBER = auto()
    SIGN = auto()  # one character of anything else


class Token(NamedTuple):
    """A stretch of text; ``closed`` is false for a string, a quoted name or a comment that never ends."""

    kind: Kind
    start: int
    end: int
    closed: bool = True


class Statement(NamedTuple):
    """A statement without the blanks round it and its semicolon."""

    start: int
    end: int


_PARTS = re.compile(
    r"""
      (?P<SPACE>\s+)
    | (?P<COMMENT>--[^\n]*)
    | (?P<BLOCK>/\*)
    | (?P<ESCAPED>[eE]'(?:\\.|''|[^'\\])*(?P<ESCAPED_END>'?))
    | (?P<STRING>'(?:''|[^'])*(?P<STRING_END>'?))
    | (?P<DOLLAR>\$(?P<TAG>(?:[^\W\d]\w*)?)\$.*?(?P<DOLLAR_END>\$(?P=TAG)\$|\Z))
    | (?P<QUOTED>"(?:""|[^"])*(?P<QUOTED_END>"?))
    | (?P<WORD>[^\W\d]\w*)
    | (?P<NUMBER>\d[\w.]*)
    | (?P<SIGN>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_STRINGS = frozenset({"ESCAPED", "STRING", "DOLLAR"})


def tokens(text: str) -> Iterator[Token]:
    """All of the text, token by token."""
    at = 0
    while at < len(text):
        found = _PARTS.match(text, at)
        assert found is not None  # SIGN takes any character
        token = _token(text, found)
        yield token
        at = token.end


def _token(text: str, found: re.Match[str]) -> Token:
    named = found.groupdict()
    name = next(one for one in (*Kind.__members__, "BLOCK", *_STRINGS) if named.get(one) is not None)
    if name == "BLOCK":
        end, closed = _block(text, found.start())
        return Token(Kind.COMMENT, found.start(), end, closed)
    closed = named.get(f"{name}_END") != ""
    return Token(Kind.STRING if name in _STRINGS else Kind[name], found.start(), found.end(), closed)


def _block(text: str, start: int) -> tuple[int, bool]:
    """Where a comment that begins with ``/*`` ends; such comments nest."""
    depth = 0
    for mark in re.compile(r"/\*|\*/").finditer(text, start):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end(), True
    return len(text), False


def name_of(text: str, token: Token) -> str:
    """The name a word or a quoted identifier stands for."""
    word = text[token.start : token.end]
    if token.kind is not Kind.QUOTED:
        return word
    return word[1 : -1 if token.closed else None].replace('""', '"')


def statements(text: str) -> list[Statement]:
    """The statements of the text, in order; stretches of blanks and comments alone are none."""
    return [one for _, one in _cut(text) if one is not None]


def statement_at(text: str, offset: int) -> Statement | None:
    """The statement the cursor is in, or right behind; between two it is the one before. ``None`` where there is none."""
    before: Statement | None = None
    for end, one in _cut(text):
        before = one or before
        if offset <= end and before is not None:
            return before
    return before


def _cut(text: str) -> Iterator[tuple[int, Statement | None]]:
    """Stretches up to and with each semicolon: where they end, and the statement in them."""
    first: int | None = None
    last = 0
    for token in tokens(text):
        if token.kind is Kind.SIGN and text[token.start] == ";":
            yield token.end, None if first is None else Statement(first, last)
            first = None
        elif token.kind not in {Kind.SPACE, Kind.COMMENT}:
            first = token.start if first is None else first
            last = token.end
    yield len(text), None if first is None else Statement(first, last)
