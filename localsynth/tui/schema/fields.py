"""What a form of the place Schema asks for, and what people type turned into plain data and back. Judging it is core's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import UnionType
from typing import Any, Literal, TypeAlias, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from localsynth.core.words import plain

__all__ = ["Field", "Shape", "categories_of", "categories_text", "column_fields", "scalar", "text_of"]

Shape: TypeAlias = Literal["text", "scalar", "flag", "pair", "categories", "paragraph", "choice"]

_HINTS = {
    "description": "what it says, in a few words",
    "null_rate": "share of empty cells, 0 to 1; nothing: as the model likes",
    "unit": "such as years, mmHg, EUR",
    "decimals": "digits after the point",
    "categories": 'one on each line: M, or M = male; quotes round what holds " or ="',
    "prefix": "such as P",
    "digits": "filled with zeros to so many",
    "min_length": "characters",
    "max_length": "characters",
}
_LEFT_OUT = frozenset({"name", "kind", "distribution"})
_LAST = ("unit", "description", "nullable", "null_rate")  # what all kinds share comes after what is their own


@dataclass(frozen=True)
class Field:
    """name : of the key. label : for people. choices : (shown, value) of a ``choice``."""

    name: str
    shape: Shape
    label: str = ""
    hint: str = ""
    choices: tuple[tuple[str, str], ...] = ()

    @property
    def title(self) -> str:
        """What stands before it."""
        return self.label or self.name.replace("_", " ")


def column_fields(cls: type[BaseModel]) -> tuple[Field, ...]:
    """What a form asks for a kind of column: one field for each key of its model, but name, kind and distribution."""
    hints = get_type_hints(cls)
    names = [name for name in cls.model_fields if name not in _LEFT_OUT]
    own = [name for name in names if name not in _LAST]
    return tuple(
        Field(
            name,
            "paragraph" if name == "description" else _shape(hints[name]),
            "may be missing" if name == "nullable" else "",
            _HINTS.get(name, ""),
        )
        for name in (*own, *(name for name in _LAST if name in names))
    )


def _shape(annotation: Any) -> Shape:
    if get_origin(annotation) is UnionType or type(None) in get_args(annotation):
        annotation = next(one for one in get_args(annotation) if one is not type(None))
    match get_origin(annotation) or annotation:
        case kind if kind is bool:
            return "flag"
        case kind if kind is tuple:
            return "pair"
        case kind if kind is dict:
            return "categories"
        case kind if kind is str:
            return "text"
        case _:
            return "scalar"


def text_of(value: Any) -> str:
    """A value as one types it."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case int() | float():
            return plain(value)
        case datetime():
            return value.isoformat(" ", "auto" if value.second or value.microsecond else "minutes")
        case date():
            return value.isoformat()
        case _:
            return str(value)


def scalar(text: str) -> Any:
    """What is typed, as a number where it is one; what must be something else is for core to say."""
    text = text.strip()
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def categories_text(categories: Mapping[str, str] | Iterable[str]) -> str:
    """Categories as lines, ``value`` or ``value = meaning``; reading them gives the same."""
    pairs = categories.items() if isinstance(categories, Mapping) else ((one, "") for one in categories)
    return "\n".join(
        f"{_quoted(value)} = {_quoted(meaning)}" if meaning else _quoted(value) for value, meaning in pairs
    )


def _quoted(text: str) -> str:
    return (
        text
        if text == text.strip() and text.isprintable() and text and not set(text) & {'"', "="}
        else _json(text)
    )


def _json(text: str) -> str:
    # What ends a line somewhere is an escape, so that a category stays on its own.
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in quoted)


def categories_of(text: str) -> dict[str, str] | list[str]:
    """Lines as categories; a plain list where one is there twice, for core to refuse."""
    pairs = [_pair(line) for line in text.split("\n") if line.strip()]
    if len({value for value, _ in pairs}) < len(pairs):
        return [value for value, _ in pairs]
    return dict(pairs)


def _pair(line: str) -> tuple[str, str]:
    value, rest = _word(line)
    meaning, more = _word(rest[1:]) if rest.startswith("=") else ("", rest)
    return (line.strip(), "") if more else (value, meaning)


def _word(text: str) -> tuple[str, str]:
    """A word, in quotes or up to ``=``, and what follows it."""
    text = text.strip()
    if text.startswith('"'):
        try:
            value, end = json.JSONDecoder().raw_decode(text)
        except ValueError:
            pass
        else:
            return str(value), text[end:].strip()
    value, sign, rest = text.partition("=")
    return value.strip(), (sign + rest).strip()
