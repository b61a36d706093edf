"""TOML files people write: read, checked, and explained line by line when they are wrong."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from .errors import LocalsynthError, Problem, RecipeError, SchemaError, StatisticsError
from .explain import explain
from .tomlmap import TomlMap, locate
from .tomlwrite import dump_toml

__all__ = ["dump_toml", "load_toml", "locate", "read_text", "validate"]

Model = TypeVar("Model", bound=BaseModel)
_LIMIT = 16 * 2**20

# How a sentence of tomllib begins -> the same for someone who has never heard of TOML, and what to do.
_SYNTAX = {
    "Invalid value": ("there is no value after '=', or one that is not valid", "text needs quotes"),
    "Expected newline": ("something stands after the value", 'text needs quotes: key = "some text"'),
    "Expected '=' after": ("a name without a value", "write: name = value"),
    "Invalid statement": ("this is neither a name with a value nor a [table]", "write: name = value"),
    "Illegal character '\\n'": (
        "a quotation mark is not closed",
        "text of several lines stands between three quotes",
    ),
    "Unterminated string": ("a quotation mark is not closed", "text needs quotes at both ends"),
    "Expected '\"'": ("a quotation mark is not closed", "text needs quotes at both ends"),
    'Expected "\'"': ("a quotation mark is not closed", "text needs quotes at both ends"),
    "Unescaped '\\'": ("a single backslash inside double quotes", "double it, or use single quotes"),
    "Unclosed array": ("a list is not closed, or a comma is missing in it", "write: [1, 2, 3]"),
    "Unclosed inline table": ("a { is not closed, or a comma is missing in it", "write: { a = 1, b = 2 }"),
    "Expected ']": (
        "the brackets of a table are not closed",
        "write [dataset], or [[columns]] for each column",
    ),
}


def read_text(path: Path, what: str) -> str:
    """The text of a small UTF-8 file. Raises ``SchemaError`` or ``RecipeError`` (by ``what``) with a sentence."""
    try:
        with path.open("rb") as file:
            data = file.read(_LIMIT + 1)
    except FileNotFoundError:
        raise _error(what, f"there is no {what} file {path}", "check the path") from None
    except IsADirectoryError:
        raise _error(what, f"{path} is a folder, not a {what} file", "name the .toml file in it") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or error
        raise _error(what, f"the {what} file {path} cannot be read: {reason}") from error
    if len(data) > _LIMIT:
        raise _error(what, f"{path} is larger than 16 MiB, which no {what} file is")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problem = Problem("not UTF-8 text", line=line)
        raise _error(what, _where(path, problem), "save the file as UTF-8", [problem]) from None


def load_toml(text: str, path: Path | None, what: str) -> dict[str, Any]:
    """Parse TOML. Raises ``SchemaError`` or ``RecipeError`` naming the line."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        problem = _syntax(str(error), text)
    except RecursionError:
        problem = Problem("lists or tables nested too deeply")
    raise _error(what, _where(path, problem), problem.hint, [problem])


def validate(cls: type[Model], data: Mapping[str, Any], text: str, path: Path | None, what: str) -> Model:
    """Check data against a pydantic model. Raises ``SchemaError`` or ``RecipeError`` with every problem found.

    ``text`` is the file the data came from, to name lines; it may be empty.
    """
    try:
        return cls.model_validate(data)
    except ValidationError as error:
        problems = explain(cls, error, data, text)
    first = problems[0]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    raise _error(what, _where(path, first) + more, first.hint, problems)


def _syntax(sentence: str, text: str) -> Problem:
    """What is wrong with a file that is no TOML; ``sentence`` is tomllib's, which ends in ``(at line 3, column 1)``."""
    reason = re.sub(r"\s*\(at [^()]*\)$", "", sentence)
    found = re.search(r"\(at line (\d+), column \d+\)$", sentence)
    line = int(found.group(1)) if found else text.rstrip("\n").count("\n") + 1
    if reason.startswith(("Cannot ", "Duplicate ")):
        twice = TomlMap.of(text).twice
        if twice is not None:
            place, first, second = twice
            name = ".".join(str(part) for part in place if isinstance(part, str))
            where = (
                "twice in this line" if first == second else f"a second time; the first is in line {first}"
            )
            return Problem(f"'{name}' is written {where}", "keep one of the two, or rename it", second)
    for start, (message, hint) in _SYNTAX.items():
        if reason.startswith(start):
            return Problem(message, hint, line)
    return Problem(
        f"not valid TOML: {reason}", "text needs quotes, a table array is written [[columns]]", line
    )


def _error(what: str, message: str, hint: str = "", problems: Sequence[Problem] = ()) -> LocalsynthError:
    kind = {"schema": SchemaError, "statistics": StatisticsError}.get(what, RecipeError)
    return kind(message, hint, problems)


def _where(path: Path | None, problem: Problem) -> str:
    place = [str(path)] if path else []
    if problem.line:
        place.append(f"line {problem.line}")
    head = ", ".join(place)
    return f"{head}: {problem.message}" if head else problem.message
