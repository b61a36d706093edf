"""TOML files people write: read, written, and explained line by line when they are wrong."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from .errors import LocalsynthError, Problem, RecipeError, SchemaError
from .nearest import nearest_name

__all__ = ["dump_toml", "load_toml", "locate", "read_text", "validate"]

Model = TypeVar("Model", bound=BaseModel)
_LIMIT = 16 * 2**20


def dump_toml(data: Mapping[str, Any]) -> str:
    """TOML text of plain data: scalars first, then one table or table array per key, what is deeper written inline."""
    import tomlkit
    from tomlkit.items import InlineTable

    def inline(value: Any) -> Any:
        if isinstance(value, Mapping):
            table: InlineTable = tomlkit.inline_table()
            for key, item in value.items():
                if item is not None:
                    table.append(str(key), inline(item))
            return table
        if isinstance(value, list | tuple):
            array = tomlkit.array()
            for item in value:
                array.append(inline(item))
            return array
        return tomlkit.item(value)

    def section(value: Mapping[str, Any]) -> Any:
        table = tomlkit.table()
        for key, item in value.items():
            if item is not None:
                table.append(str(key), inline(item))
        return table

    document = tomlkit.document()
    tables: list[tuple[str, Any]] = []
    for key, value in data.items():
        nested = isinstance(value, list | tuple) and value and all(isinstance(item, Mapping) for item in value)
        if nested or isinstance(value, Mapping):
            tables.append((str(key), value))
        elif value is not None:
            document.append(str(key), inline(value))
    for key, value in tables:
        if isinstance(value, Mapping):
            document.append(key, section(value))
            continue
        array = tomlkit.aot()
        for item in value:
            array.append(section(item))
        document.append(key, array)
    return tomlkit.dumps(document)


def read_text(path: Path, what: str) -> str:
    """The text of a small UTF-8 file. Raises ``SchemaError`` or ``RecipeError`` (by ``what``) with a sentence."""
    try:
        with path.open("rb") as file:
            data = file.read(_LIMIT + 1)
    except FileNotFoundError:
        raise _error(what, f"there is no {what} file {path}", "check the path") from None
    except OSError as error:
        raise _error(what, f"the {what} file {path} cannot be read: {error.strerror}") from error
    if len(data) > _LIMIT:
        raise _error(what, f"{path} is larger than 16 MiB, which no {what} file is")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _error(what, f"{path}, line {line}: not UTF-8 text", "save the file as UTF-8") from None


def load_toml(text: str, path: Path | None, what: str) -> dict[str, Any]:
    """Parse TOML. Raises ``SchemaError`` or ``RecipeError`` naming the line."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        line = int(found.group(1)) if found else None
        reason = re.sub(r"\s*\(at .*\)$", "", str(error))
        problem = Problem(f"not valid TOML: {reason}", line=line)
        hint = "strings need quotes, a table array is written [[columns]]"
        raise _error(what, _where(path, problem), hint, [problem]) from None


def validate(cls: type[Model], data: Mapping[str, Any], text: str, path: Path | None, what: str) -> Model:
    """Check data against a pydantic model. Raises ``SchemaError`` or ``RecipeError`` with every problem found."""
    try:
        return cls.model_validate(data)
    except ValidationError as error:
        problems = [_problem(cls, item, text) for item in error.errors(include_url=False)]
    first = problems[0]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    raise _error(what, _where(path, first) + more, first.hint, problems)


def _error(what: str, message: str, hint: str = "", problems: Iterable[Problem] = ()) -> LocalsynthError:
    if what == "schema":
        return SchemaError(message, hint, tuple(problems))
    return RecipeError(message, hint)


def _where(path: Path | None, problem: Problem) -> str:
    place = [str(path)] if path else []
    if problem.line:
        place.append(f"line {problem.line}")
    head = ", ".join(place)
    return f"{head}: {problem.message}" if head else problem.message


def _problem(cls: type[BaseModel], item: Any, text: str) -> Problem:
    # A discriminated union puts the chosen tag (a kind) into the location; it is no key of the file.
    location = tuple(part for part in item["loc"] if not (isinstance(part, str) and _is_tag(part, item["loc"])))
    dotted = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in location).lstrip(".")
    line = locate(text, location)
    name = _named(text, location)
    subject = f"column '{name}': " if name and location[:1] == ("columns",) else (f"{dotted}: " if dotted else "")
    kind, message, hint = item["type"], str(item["msg"]), ""
    if kind == "extra_forbidden":
        key = str(location[-1])
        near = nearest_name(key, _keys(cls, item["loc"][:-1]))
        message = f"unknown key '{key}'"
        hint = f"did you mean '{near}'?" if near else f"known keys: {', '.join(sorted(_keys(cls, item['loc'][:-1])))}"
    elif kind == "missing":
        message = f"'{location[-1]}' is missing"
    elif kind == "union_tag_not_found":
        message = "'kind' is missing"
        hint = "kinds: integer, float, boolean, categorical, date, datetime, text, identifier"
    elif kind == "union_tag_invalid":
        tag = item["ctx"]["tag"]
        kinds = re.findall(r"'(\w+)'", str(item["ctx"]["expected_tags"]))
        near = nearest_name(tag, kinds)
        message = f"unknown kind '{tag}'"
        hint = f"did you mean '{near}'?" if near else f"kinds: {', '.join(kinds)}"
    elif kind == "value_error":
        message = message.removeprefix("Value error, ")
    else:
        shown = repr(item.get("input"))
        message = f"{message[0].lower()}{message[1:]}" + (f", not {shown}" if len(shown) < 60 else "")
    return Problem(subject + message, hint, line, dotted)


def _is_tag(part: str, location: tuple[Any, ...]) -> bool:
    index = location.index(part)
    return index >= 2 and location[index - 2] == "columns" and isinstance(location[index - 1], int)


def _keys(cls: Any, location: tuple[Any, ...]) -> set[str]:
    """The keys a pydantic model knows at a location that may run through lists, optionals and tagged unions."""
    models = _models(cls)
    for part in location:
        if isinstance(part, int):
            continue
        inside = [model.model_fields[part].annotation for model in models if part in model.model_fields]
        if inside:
            models = [found for annotation in inside for found in _models(annotation)]
        else:
            models = [m for m in models if getattr(m.model_fields.get("kind"), "default", None) == part] or models
    return {name for model in models for name in model.model_fields}


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models(argument)]


def _named(text: str, location: tuple[Any, ...]) -> str | None:
    if len(location) < 2 or not isinstance(location[1], int):
        return None
    try:
        entry = tomllib.loads(text)[location[0]][location[1]]
        return str(entry["name"])
    except (tomllib.TOMLDecodeError, KeyError, IndexError, TypeError):
        return None


_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?$")


def locate(text: str, location: tuple[Any, ...]) -> int | None:
    """The line (from 1) where a location begins: its key, else the header of its table, else ``None``."""
    if not location:
        return None
    head = str(location[0])
    index = location[1] if len(location) > 1 and isinstance(location[1], int) else None
    keys = [str(part) for part in location[(2 if index is not None else 1) :] if isinstance(part, str)]
    counter, inside, best = -1, index is None and not keys, None
    wanted = keys[0] if keys else (head if index is None else None)
    for number, line in enumerate(text.splitlines(), 1):
        header = _HEADER.match(line)
        if header:
            table = re.sub(r"""["'\s]""", "", header.group(2)).split(".")
            if header.group(1) == "[[" and table == [head]:
                counter += 1
            inside = table[0] == head and (index is None or counter == index)
            if inside and best is None:
                best = number
            if inside and len(table) > 1 and table[1:2] == keys[:1]:
                return number
            continue
        if wanted is not None and inside and re.match(rf"""\s*["']?{re.escape(wanted)}["']?\s*[.=]""", line):
            return number
    return best
