"""What may follow at the cursor of a SQL text: names of the workspace, functions, keywords."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from localsynth.store.names import identifier

from .catalogue import Catalogue, Relation
from .statements import Kind, Token, name_of, statement_at, tokens
from .words import AFTER_THESE_A_TABLE, KEYWORDS, RESERVED

__all__ = ["Choice", "Completion", "complete", "quoted"]

_MOST = 200
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class Choice(NamedTuple):
    """name : as people know it. text : what is put in. about : a word or two on it."""

    name: str
    text: str
    about: str


class Completion(NamedTuple):
    """What is between start and end gives way to the ``text`` of a choice. typed : what is there, without quotes."""

    start: int
    end: int
    typed: str
    choices: tuple[Choice, ...]


class _Named(NamedTuple):
    """A relation a query names. at : where. alias : what the query calls it."""

    relation: Relation
    alias: str


def quoted(name: str) -> str:
    """A name as it must stand in SQL: in double quotes only where it has to."""
    if _PLAIN.match(name) and name.lower() not in RESERVED:
        return name
    return identifier(name)


def complete(text: str, offset: int, catalogue: Catalogue) -> Completion | None:
    """The choices at the cursor, best first; ``None`` inside strings, comments and numbers, and where nothing fits."""
    found = statement_at(text, offset)
    start = found.start if found is not None and found.start <= offset else 0
    end = found.end if found is not None and found.start <= offset else len(text)
    query = text[start : max(end, offset)]
    parts = list(tokens(query))
    here = offset - start
    under = next((one for one in parts if one.start < here <= one.end), None)
    if under is not None and _is_text(under, here):
        return None
    begun = under if under is not None and under.kind in {Kind.WORD, Kind.QUOTED} else None
    first = begun.start if begun is not None else here
    typed = _typed(query, begun, here)
    before = [one for one in parts if one.end <= first and one.kind not in {Kind.SPACE, Kind.COMMENT}]
    path = _path(query, before, first)
    choices = _fitting(_offered(query, parts, before, path, catalogue), typed)
    # A name that is quoted to its end is replaced with its closing quote.
    last = begun.end if begun is not None and begun.kind is Kind.QUOTED and begun.end == here else here
    return Completion(start + first, start + last, typed, choices) if choices else None


def _is_text(token: Token, here: int) -> bool:
    """Whether the cursor is where nothing is a name."""
    if token.kind in {Kind.STRING, Kind.COMMENT}:
        return here < token.end or not token.closed or token.kind is Kind.COMMENT
    return token.kind is Kind.NUMBER


def _typed(query: str, token: Token | None, here: int) -> str:
    if token is None:
        return ""
    return name_of(query, Token(token.kind, token.start, here, token.closed and here == token.end))


def _path(query: str, before: list[Token], first: int) -> list[str] | None:
    """The names before the cursor that dots tie to it: ``["meta"]`` for ``meta.``; ``None`` without a dot."""
    names: list[str] = []
    end = first
    for dot, name in zip(before[::-2], before[-2::-2], strict=False):
        if query[dot.start : dot.end] != "." or dot.end != end or name.kind not in {Kind.WORD, Kind.QUOTED}:
            break
        names.insert(0, name_of(query, name))
        end = name.start
    return names or None


def _offered(
    query: str, parts: list[Token], before: list[Token], path: list[str] | None, catalogue: Catalogue
) -> Iterable[Choice]:
    named = list(_named(query, parts, catalogue))
    if path is not None:
        return _after_dot(path, named, catalogue)
    word = query[before[-1].start : before[-1].end].lower() if before else ""
    relations = list(_relations(catalogue))
    if word in AFTER_THESE_A_TABLE:
        return [*_defined(query, parts), *relations]
    aliases = [Choice(one.alias, quoted(one.alias), one.relation.name) for one in named if one.alias]
    # Before FROM is written, any dataset's columns may be meant.
    known = [one.relation for one in named] or [one for one in catalogue.relations if one.schema == "main"]
    return [
        *_columns(known),
        *aliases,
        *_keywords(before, query),
        *(Choice(name, f"{name}(", "function") for name in catalogue.functions),
        *_defined(query, parts),
        *relations,
    ]


def _keywords(before: list[Token], query: str) -> Iterator[Choice]:
    """In small letters where the person writes small ones."""
    words = [query[one.start : one.end] for one in before if one.kind is Kind.WORD]
    small = not any(word.isupper() and word.lower() in RESERVED for word in words)
    for word in KEYWORDS:
        yield Choice(word.lower() if small else word, word.lower() if small else word, "")


def _after_dot(path: list[str], named: list[_Named], catalogue: Catalogue) -> Iterator[Choice]:
    last = path[-1].lower()
    relation = next((one.relation for one in named if one.alias.lower() == last), None)
    relation = relation or catalogue.relation(path[-1], path[-2] if len(path) > 1 else None)
    if relation is not None:
        yield from _columns([relation])
    for one in catalogue.relations:
        if one.schema.lower() == last and len(path) == 1:
            yield Choice(one.name, quoted(one.name), one.schema)


def _relations(catalogue: Catalogue) -> Iterator[Choice]:
    schemas: dict[str, None] = {}
    for one in catalogue.relations:
        if one.schema == "main":
            yield Choice(one.name, quoted(one.name), f"{len(one.columns)} columns")
        else:
            schemas[one.schema] = None
    for one in catalogue.relations:
        if one.schema == "meta":
            yield Choice(f"meta.{one.name}", f"meta.{quoted(one.name)}", f"{len(one.columns)} columns")
    for schema in schemas:
        yield Choice(schema, f"{quoted(schema)}.", "schema")


def _columns(relations: Iterable[Relation]) -> Iterator[Choice]:
    for relation in relations:
        for name, kind in relation.columns:
            yield Choice(name, quoted(name), kind.lower() if len(kind) < 24 else kind[:22].lower() + "…")


def _defined(query: str, parts: list[Token]) -> Iterator[Choice]:
    """Names that ``WITH`` gives to queries."""
    words = [one for one in parts if one.kind not in {Kind.SPACE, Kind.COMMENT}]
    for name, after, bracket in zip(words, words[1:], words[2:], strict=False):
        if (
            name.kind in {Kind.WORD, Kind.QUOTED}
            and query[after.start : after.end].lower() == "as"
            and query[bracket.start : bracket.end] == "("
        ):
            yield Choice(name_of(query, name), quoted(name_of(query, name)), "with")


def _named(query: str, parts: list[Token], catalogue: Catalogue) -> Iterator[_Named]:
    """The relations whose names stand in the query, wherever they stand, with their aliases."""
    words = [one for one in parts if one.kind not in {Kind.SPACE, Kind.COMMENT}]
    at = 0
    while at < len(words):
        names, after = _dotted(query, words, at)
        if not names:
            at += 1
            continue
        relation = catalogue.relation(names[-1], names[-2] if len(names) > 1 else None)
        if relation is not None:
            yield _Named(relation, _alias(query, words, after))
        at = after


def _dotted(query: str, words: list[Token], at: int) -> tuple[list[str], int]:
    """Names joined by dots from a token on, and the number of the token behind them."""
    names: list[str] = []
    while at < len(words) and words[at].kind in {Kind.WORD, Kind.QUOTED}:
        names.append(name_of(query, words[at]))
        at += 1
        if at >= len(words) or query[words[at].start : words[at].end] != ".":
            break
        at += 1
    return names, at


def _alias(query: str, words: list[Token], at: int) -> str:
    """The name a relation gets: ``c`` in ``clinic_real AS c`` and ``clinic_real c``."""
    for token in words[at : at + 2]:
        if token.kind is Kind.QUOTED:
            return name_of(query, token)
        word = query[token.start : token.end]
        if token.kind is not Kind.WORD or (word.lower() in RESERVED and word.lower() != "as"):
            return ""
        if word.lower() != "as":
            return word
    return ""


def _fitting(offered: Iterable[Choice], typed: str) -> tuple[Choice, ...]:
    """Those that begin with what is typed, then those that have it at the beginning of a word in them."""
    low = typed.lower()
    begin: dict[str, Choice] = {}
    inside: dict[str, Choice] = {}
    for one in offered:
        name = one.name.lower()
        if name.startswith(low):
            begin.setdefault(name, one)
        elif len(low) > 1 and (f"_{low}" in name or f".{low}" in name or f" {low}" in name):
            inside.setdefault(name, one)
    return tuple([*begin.values(), *inside.values()][:_MOST])
