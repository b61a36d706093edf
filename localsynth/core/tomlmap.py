"""Where things stand in a TOML file: the line of every key, table and list item, which no parser tells."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

__all__ = ["Path", "TomlMap", "locate"]

Path: TypeAlias = tuple[str | int, ...]

_DEEPEST = 60  # lists in lists beyond this are stepped over
_TOKEN = re.compile(
    r"""
      (?P<space>[ \t\r]+|\#[^\n]*)
    | (?P<line>\n)
    | (?P<text>\"{3}(?:[^\\"]|\\.|\"{1,2}(?!\"))*\"{3,5} | '{3}(?:[^']|'{1,2}(?!'))*'{3,5}
        | "(?:[^"\\\n]|\\.)*" | '[^'\n]*')
    | (?P<mark>[\[\]{}=,.])
    | (?P<word>[^\s\[\]{}=,."'\#]+|.)
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    line: int
    at: int


@dataclass
class TomlMap:
    """The lines (from 1) of all places in a file. Reads damaged files as far as they make sense; never raises.

    lines : place -> line; list items are numbered from 0. twice : the first key or table written a second time, as
    (place, its first line, its second line).
    """

    lines: dict[Path, int] = field(default_factory=dict)
    twice: tuple[Path, int, int] | None = None

    @classmethod
    def of(cls, text: str) -> TomlMap:
        """Read the text of a file."""
        found = cls()
        _Reader(text, found).read()
        return found

    def line(self, place: Sequence[str | int]) -> int | None:
        """The line of a place, or of the nearest place around it that is in the file."""
        for length in range(len(place), 0, -1):
            line = self.lines.get(tuple(place[:length]))
            if line is not None:
                return line
        return None


def locate(text: str, location: Sequence[str | int]) -> int | None:
    """The line (from 1) where a location begins: its key, else the header of its table, else ``None``."""
    return TomlMap.of(text).line(location)


# What may not come after what: (how a place was made, how it is made now). A header `[a.b]` goes `around` a, the key
# `a.b = 1` makes a `dotted` a, which other dotted keys may extend.
_CLASHES = {(old, new) for old in ("header", "key", "dotted") for new in ("header", "key")}
_CLASHES |= {("header", "dotted"), ("key", "dotted"), ("key", "around")}


class _Reader:
    def __init__(self, text: str, found: TomlMap) -> None:
        self._tokens = _tokens(text)
        self._at = 0
        self._found = found
        self._made: dict[Path, tuple[str, int]] = {}
        self._counts: dict[Path, int] = {}  # items of each [[table array]]

    def read(self) -> None:
        base: Path = ()
        while (token := self._peek()) is not None:
            if token.text == "[":
                base = self._header()
            elif token.kind != "line":
                self._pair(base, 0)
            self._to_line_end()

    def _header(self) -> Path:
        first = self._next()
        second = self._peek()
        double = second is not None and second.text == "[" and second.at == first.at + 1
        if double:
            self._next()
        parts = self._key()
        if not parts:
            return ()
        around: Path = ()
        for part in parts[:-1]:
            around = self._make((*around, part), "around", first.line)
            if around in self._counts:
                around = (*around, self._counts[around] - 1)
        path = (*around, parts[-1])
        if not double:
            return self._make(path, "header", first.line)
        count = self._counts.get(path, 0)
        if count == 0:
            self._make(path, "header", first.line)
        self._counts[path] = count + 1
        self._found.lines[*path, count] = first.line
        return (*path, count)

    def _pair(self, base: Path, depth: int) -> None:
        """``a.b = value``; stands still where there is no key."""
        token = self._peek()
        parts = self._key()
        if not parts or token is None:
            return
        path = base
        for part in parts[:-1]:
            path = self._make((*path, part), "dotted", token.line)
        path = self._make((*path, parts[-1]), "key", token.line)
        if self._is("="):
            self._next()
            self._value(path, depth)

    def _make(self, path: Path, how: str, line: int) -> Path:
        self._found.lines.setdefault(path, line)
        before = self._made.get(path)
        if before is None:
            if how != "around":
                self._made[path] = (how, line)
        elif (before[0], how) in _CLASHES and self._found.twice is None:
            self._found.twice = (path, before[1], line)
        return path

    def _key(self) -> list[str]:
        parts: list[str] = []
        while (token := self._peek()) is not None and token.kind in {"word", "text"}:
            parts.append(_plain(self._next()))
            if not self._is("."):
                break
            self._next()
        return parts

    def _value(self, path: Path, depth: int) -> None:
        token = self._peek()
        if token is not None and token.text in {"[", "{"} and depth < _DEEPEST:
            self._next()
            self._inside(path, depth + 1, listed=token.text == "[")
        else:
            self._scalar()

    def _inside(self, path: Path, depth: int, *, listed: bool) -> None:
        """The items of a list, or the pairs of an inline table, up to what closes it."""
        index = 0
        while (token := self._peek()) is not None:
            start = self._at
            if token.text in {"]", "}"}:
                self._next()
                return
            if token.kind == "line" or token.text == ",":
                self._next()
            elif listed:
                self._found.lines[*path, index] = token.line
                self._value((*path, index), depth)
                index += 1
            else:
                self._pair(path, depth)
            if self._at == start:
                self._next()

    def _scalar(self) -> None:
        depth = 0
        while (token := self._peek()) is not None:
            if depth == 0 and (token.kind == "line" or token.text in {",", "]", "}"}):
                return
            depth += (token.text in {"[", "{"}) - (token.text in {"]", "}"})
            self._next()

    def _to_line_end(self) -> None:
        while (token := self._peek()) is not None:
            self._next()
            if token.kind == "line":
                return

    def _peek(self) -> _Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _next(self) -> _Token:
        self._at += 1
        return self._tokens[self._at - 1]

    def _is(self, mark: str) -> bool:
        token = self._peek()
        return token is not None and token.kind == "mark" and token.text == mark


def _tokens(text: str) -> list[_Token]:
    found, line = [], 1
    for match in _TOKEN.finditer(text):
        kind, token = str(match.lastgroup), match.group()
        if kind != "space":
            found.append(_Token(kind, token, line, match.start()))
        line += token.count("\n")
    return found


def _plain(token: _Token) -> str:
    """A key without its quotes."""
    if token.kind != "text":
        return token.text
    try:
        return str(tomllib.loads(f"key = {token.text}")["key"])
    except tomllib.TOMLDecodeError:
        return token.text.strip("\"'")
