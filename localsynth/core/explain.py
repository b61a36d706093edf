"""What pydantic found wrong, said to the person who wrote the file."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from .errors import Problem
from .nearest import nearest_name
from .tomlmap import Path, TomlMap
from .words import FieldError, plain, shown

__all__ = ["explain"]

# How pydantic's error types begin -> what the value must be, and an example where a word does not do.
_MUST_BE = {
    "bool": "true or false",
    "datetime": "a date and time such as 2024-12-31 18:30",
    "date": "a date such as 2024-12-31",
    "dict": "a table of names and values",
    "finite": "a finite number",
    "float": "a number",
    "int": "a whole number",
    "list": "a list",
    "model": "a table",
    "string": "text in quotes",
    "tuple": "a list",
}
_LIMITS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}
_ONE_OF = {
    "columns": "column",
    "rules": "rule",
    "dependencies": "dependency",
    "examples": "example",
    "margins": "margin",
    "tables": "table",
}


def explain(
    cls: type[BaseModel], error: ValidationError, data: Mapping[str, Any], text: str
) -> list[Problem]:
    """Every problem of ``data``, in the order of its lines in ``text`` (which may be empty)."""
    places = TomlMap.of(text)
    details = _without_echoes(error.errors(include_url=False))
    problems = [_problem(cls, item, data, places) for item in details]
    return sorted(problems, key=lambda problem: problem.line or sys.maxsize)


def _without_echoes(details: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """Without what only follows from another mistake, and with one entry per value that fits no choice of a union."""
    kept: list[ErrorDetails] = []
    for item in details:
        place = item["loc"]
        inner = any(
            other["loc"][: len(place)] == place and len(other["loc"]) > len(place) for other in details
        )
        if item["type"] == "too_short" and inner:
            continue  # a list whose items are all wrong is also reported as empty
        if _is_choice(place) and kept and kept[-1]["loc"][:-1] == place[:-1]:
            continue
        kept.append(item)
    return kept


def _is_choice(loc: Sequence[int | str]) -> bool:
    """Whether this is one of the types an example's value may have; pydantic reports each of them."""
    return len(loc) == 4 and loc[0] == "examples" and loc[-1] in {"str", "int", "float", "bool"}


def _problem(cls: type[BaseModel], item: ErrorDetails, data: Mapping[str, Any], places: TomlMap) -> Problem:
    place = _place(item["loc"])
    cause = item.get("ctx", {}).get("error")
    who, inside = _who(place, data)
    if item["type"] == "extra_forbidden":
        message, hint = _unknown_key(cls, item["loc"], place, inside, listed=bool(who))
    elif item["type"] == "missing" and isinstance(place[-1], str):
        message, hint = _missing(cls, place[-1], inside, listed=bool(who))
    else:
        message, hint = _sentence(item, inside)
    exact = (*place, *cause.field) if isinstance(cause, FieldError) else place
    if item["type"] == "union_tag_invalid":
        exact = (*place, "kind")
    return Problem(f"{who}: {message}" if who else message, hint, places.line(exact), _dotted(exact))


def _place(loc: Sequence[int | str]) -> Path:
    """The place in the file. A tagged union adds the chosen tag (a column's kind), which is no key of the file."""
    if _is_choice(loc):
        loc = loc[:-1]
    if len(loc) > 2 and loc[0] == "columns" and isinstance(loc[1], int):
        loc = (*loc[:2], *loc[3:])
    return tuple(part for part in loc if part != "[key]")


def _dotted(place: Iterable[str | int]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")


def _who(place: Path, data: Mapping[str, Any]) -> tuple[str, Path]:
    """Who a sentence is about (``column 'age'``), and the way from there."""
    if len(place) < 2 or not isinstance(place[1], int) or place[0] not in _ONE_OF:
        return "", place
    one = _ONE_OF[str(place[0])]
    try:
        name = data[str(place[0])][place[1]]["name"]
    except (LookupError, TypeError):
        name = ""
    return (
        f"{one} '{name}'"
        if isinstance(name, str) and name.strip() and name.isprintable()
        else f"{one} {place[1] + 1}"
    ), place[2:]


def _within(inside: Path, *, listed: bool) -> str:
    around = _dotted(inside[:-1])
    return "" if not around else f" in {around}" if listed else f" in [{around}]"


def _unknown_key(
    cls: type[BaseModel], loc: Sequence[int | str], place: Path, inside: Path, *, listed: bool
) -> tuple[str, str]:
    key, known = str(place[-1]), _keys(cls, loc[:-1])
    message = f"unknown key '{key}'{_within(inside, listed=listed)}"
    others = (
        [kind for kind, keys in _keys_by_kind(cls).items() if key in keys]
        if place[:1] == ("columns",)
        else []
    )
    if near := nearest_name(key, known):
        return message, f"did you mean '{near}'?"
    if len(place) > 1 and key in _keys(cls, ()):
        return message, f"'{key}' belongs to the top of the file, above the first [table]"
    if others and len(inside) == 1:
        return message, f"'{key}' is for columns of kind {' or '.join(others)}"
    return message, f"known keys: {', '.join(sorted(known))}"


def _missing(cls: type[BaseModel], key: str, inside: Path, *, listed: bool) -> tuple[str, str]:
    message = f"'{key}' is missing{_within(inside, listed=listed)}"
    if len(inside) > 1 or listed or not _models(_annotation(cls, key)):
        return message, ""
    return message, f"write [[{key}]]" if key in _ONE_OF else f"write [{key}]"


def _sentence(item: ErrorDetails, inside: Path) -> tuple[str, str]:
    kind, value, context = item["type"], item.get("input"), item.get("ctx", {})
    field = ".".join(part for part in inside if isinstance(part, str))
    text = shown(value)
    but = f", not {text}" if text else ""
    if _is_choice(item["loc"]):
        return f"{field} must be text, a number, a date, true or false{but}", ""
    if kind == "value_error":
        return str(context["error"]), ""  # our own sentences stand for themselves
    if kind in {"union_tag_not_found", "union_tag_invalid"}:
        return _kind(context)
    if kind in {"too_short", "string_too_short"}:
        return f"{field} must not be empty".strip(), ""
    if "range" in inside[-2:] and kind in {"missing", "too_long", "tuple_type"}:
        return (
            f"range must be a list of the lowest and the highest value{but}",
            "for example: range = [0, 120]",
        )
    if kind == "too_long":
        return (
            f"{field} has {context['actual_length']} entries; at most {context['max_length']} are possible",
            "",
        )
    if kind in _LIMITS:
        word, limit = _LIMITS[kind]
        return f"{field} must be {word} {plain(context[limit])}{but}", ""
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'", str(context["expected"]))
        near = nearest_name(str(value), choices)
        return f"{field} must be one of: {', '.join(choices)}{but}", f"did you mean '{near}'?" if near else ""
    must = next((words for start, words in _MUST_BE.items() if kind.startswith(start)), None)
    if must is None:
        message = str(item["msg"])
        return f"{field}: {message[:1].lower()}{message[1:]}{but}".lstrip(": "), ""
    return f"{field or 'this'} must be {must}{but}", _how(kind, value, field)


def _how(kind: str, value: Any, field: str) -> str:
    """How to write what was meant."""
    if kind == "tuple_type" and isinstance(value, Mapping):
        return f"write [[{field}]] with two brackets"
    if kind in {"tuple_type", "list_type"} and isinstance(value, str):
        return f"put it in brackets: {field} = [{shown(value) or '...'}]"
    if kind == "model_type" and field:
        return f"write [{field}], and its keys on the lines below"
    return ""


def _kind(context: Mapping[str, Any]) -> tuple[str, str]:
    from .columns import KINDS

    if "tag" not in context:
        return "'kind' is missing", f"kinds: {', '.join(KINDS)}"
    near = nearest_name(str(context["tag"]), KINDS)
    hint = f"did you mean '{near}'?" if near else f"kinds: {', '.join(KINDS)}"
    return f"unknown kind '{context['tag']}'", hint


def _keys(cls: type[BaseModel], loc: Sequence[int | str]) -> set[str]:
    """The keys people may write at a place that runs through lists, optionals and, by their tag, unions."""
    models = [cls]
    for part in loc:
        if isinstance(part, int):
            continue
        inside = [found for model in models for found in _models(_annotation(model, part))]
        models = inside or [model for model in models if _tag(model) == part] or models
    return {key for model in models for key in _written(model)}


def _keys_by_kind(cls: type[BaseModel]) -> dict[str, set[str]]:
    columns = cls.model_fields.get("columns")
    models = _models(columns.annotation) if columns is not None else []
    return {tag: set(_written(model)) for model in models if (tag := _tag(model))}


def _written(model: type[BaseModel]) -> Iterable[str]:
    return (field.alias or name for name, field in model.model_fields.items())


def _annotation(model: type[BaseModel], key: str) -> Any:
    for name, field in model.model_fields.items():
        if key in {name, field.alias}:
            return field.annotation
    return None


def _tag(model: type[BaseModel]) -> str | None:
    field = model.model_fields.get("kind")
    return str(field.default) if field is not None else None


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models(argument)]
