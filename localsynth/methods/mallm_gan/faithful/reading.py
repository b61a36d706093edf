"""Reading a theta: which edges a free text names. It decides nothing but the order of columns; it is there to be looked at."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ..graph import Graph

__all__ = ["ReadTheta", "read_theta", "told"]

Edge = tuple[str, str]

_WORD = r"""\s*"(?:[^"\\\n]|\\.)*"\s*|\s*'(?:[^'\\\n]|\\.)*'\s*|[^,()\[\]{}"'\n]+"""
_TUPLE = re.compile(rf"\(({_WORD}),({_WORD}),?\s*\)")
_PAIR = re.compile(rf"\[({_WORD}),({_WORD})\]")  # only where pairs stand in a list: [["a", "b"], ...]
_ARROW = re.compile("-{1,2}>|=>|→|⇒")
_LONGEST_NAME = 40  # characters of what is called an unknown name rather than a sentence
_MOST_MAPS = 20
_TOLD = 3  # unknown names


@dataclass(frozen=True)
class ReadTheta:
    """What a theta says of the graph.

    edges : (cause, effect), both of them columns, each once, as they stand there. unknown : what is named like a column and is
    none. flaw : why the edges are no causal graph (a cycle, a column as its own cause), in words; empty where they are one.
    order : all columns, causes before effects; the table's order where the edges are no graph.
    """

    edges: tuple[Edge, ...]
    unknown: tuple[str, ...]
    flaw: str
    order: tuple[str, ...]


def read_theta(text: str, names: Sequence[str]) -> ReadTheta:
    """The edges of tuples, of pairs in a list, of a JSON object of parents, and of arrows.

    names : the columns. A text is never refused, whatever it holds.
    """
    known = _Names(names)
    found: list[Edge] = []
    text, maps = _without_maps(text)
    for parents in maps:
        found += [(cause, effect) for effect, causes in parents.items() for cause in causes]
    for pattern in (_TUPLE, _PAIR) if re.search(r"\[\s*\[", text) else (_TUPLE,):
        found += [edge for match in pattern.finditer(text) if (edge := known.pair(*match.groups()))]
        text = pattern.sub(" ", text)
    found += [edge for line in text.splitlines() for edge in known.arrows(line)]
    edges, unknown = [], []
    for edge in dict.fromkeys(found):
        cause, effect = (known.get(name) for name in edge)
        if cause is not None and effect is not None:
            edges.append((cause, effect))
        unknown += [name for name in edge if known.get(name) is None]
    edges = list(dict.fromkeys(edges))
    flaw, order = "", tuple(names)
    try:
        order = Graph.of(names, edges).order()
    except ValueError as error:
        flaw = str(error)
    return ReadTheta(tuple(edges), tuple(dict.fromkeys(unknown)), flaw, order)


def told(read: ReadTheta, before: ReadTheta | None) -> str:
    """What a theta changed of the graph before it, and what is wrong with it, in words. before : ``None`` of the first."""
    many = len(read.edges)
    text = f"{many} edge{'' if many == 1 else 's'}"
    if before is None:
        text = f"start: {text}"
    else:
        added, gone = set(read.edges) - set(before.edges), set(before.edges) - set(read.edges)
        text += f", {len(added)} added and {len(gone)} taken away"
    if read.flaw:
        text += f"; not a causal graph, columns stay in the table's order: {read.flaw}"
    if read.unknown:
        names = [f"'{_shown(name)}'" for name in read.unknown[:_TOLD]]
        more = len(read.unknown) - len(names)
        text += f"; named and no columns: {', '.join(names)}" + (f" and {more} more" if more else "")
    return text


def _shown(name: str) -> str:
    name = " ".join("".join(char if char.isprintable() else " " for char in name).split())
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 3]}..."


class _Names:
    """The columns, and how a text may call them."""

    def __init__(self, names: Sequence[str]) -> None:
        self._exact = set(names)
        self._folded = {name.casefold(): name for name in names}
        self._longest_first = sorted(names, key=len, reverse=True)

    def get(self, name: str) -> str | None:
        return name if name in self._exact else self._folded.get(name.casefold())

    def pair(self, one: str, other: str) -> Edge | None:
        """The names of a pair. Without quotes it may be any remark in brackets: then both must be columns."""
        edge = (_unquoted(one), _unquoted(other))
        quoted = all(word.strip()[:1] in ('"', "'") for word in (one, other))
        return edge if quoted or all(self.get(name) is not None for name in edge) else None

    def arrows(self, line: str) -> Iterator[Edge]:
        parts = _ARROW.split(line)
        for before, after in pairwise(parts):
            cause, effect = self._at_end(before), self._at_start(after)
            if cause and effect:
                yield cause, effect

    def _at_end(self, text: str) -> str:
        text = text.strip(" \t\"'`*_:")
        for name in self._longest_first:
            if text.casefold().endswith(name.casefold()) and not text[: -len(name)][-1:].isalnum():
                return name
        return _short(text)

    def _at_start(self, text: str) -> str:
        text = text.strip(" \t\"'`*_:")
        for name in self._longest_first:
            if text.casefold().startswith(name.casefold()) and not text[len(name) : len(name) + 1].isalnum():
                return name
        return _short(text)


def _short(text: str) -> str:
    """What stands for a name, if it is not a sentence."""
    text = text.strip(" \t\"'`*_:.,;-()[]{}0123456789")
    return text if len(text) <= _LONGEST_NAME and text.isprintable() else ""


def _unquoted(word: str) -> str:
    word = word.strip()
    if word[:1] == '"':
        try:
            return str(json.loads(word))
        except ValueError:
            return word[1:-1]
    return word[1:-1].replace("\\'", "'") if word[:1] == "'" else word


def _without_maps(text: str) -> tuple[str, list[Mapping[str, list[str]]]]:
    """The text without its JSON objects of parents, and these."""
    decoder, rest, at = json.JSONDecoder(), "", 0
    maps: list[Mapping[str, list[str]]] = []
    for _ in range(_MOST_MAPS):
        start = text.find("{", at)
        if start < 0:
            break
        rest += text[at:start]
        at = start + 1
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        if (parents := _parents(value)) is not None:
            maps.append(parents)
            at = end
    return rest + text[at:], maps


def _parents(value: Any) -> dict[str, list[str]] | None:
    """``{variable: {"parents": [...]}}`` or ``{variable: [...]}``."""
    if not isinstance(value, dict) or not value:
        return None
    found = {}
    for name, entry in value.items():
        listed = entry.get("parents") if isinstance(entry, dict) else entry
        if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
            return None
        found[name] = listed
    return found
