"""Values of a table as text: in a cell, in JSON, in a line with separators.

In JSON whole numbers and decimals are numbers with all their digits, also with more than a float holds.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

__all__ = ["json_of", "line_writer", "text_of"]


def text_of(value: Any) -> str:
    """A value in one line: missing is empty, truth is ``true``, moments are ISO with a blank, bytes hexadecimal."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if _is_interval(value):
        return _interval(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, list | dict | tuple):
        return _json(value, None, strict=False)
    return str(value)


def json_of(value: Any, indent: int | None = None) -> str:
    """As JSON; what is no number among floats is null there. indent : for people, as ``json.dumps`` takes it."""
    return _json(value, indent, strict=True)


def _json(value: Any, indent: int | None, *, strict: bool) -> str:
    """strict : else floats that are no numbers stand there by their names."""
    plain = _jsonable(value)
    try:
        return json.dumps(plain, ensure_ascii=False, allow_nan=not strict, indent=indent)
    except (TypeError, ValueError):  # a decimal, or a float that is no number
        return "".join(_written(plain, indent, "\n", strict=strict))


def _written(value: Any, indent: int | None, line: str, *, strict: bool) -> Iterator[str]:
    """The same, piece by piece, for values that the standard writer does not take. line : how a line begins here."""
    if isinstance(value, Decimal):
        yield format(value, "f")
        return
    if strict and isinstance(value, float) and not math.isfinite(value):
        yield "null"
        return
    if not isinstance(value, dict | list) or not value:
        yield json.dumps(value, ensure_ascii=False)
        return
    inner = line if indent is None else line + " " * indent
    before, end = "{}" if isinstance(value, dict) else "[]"
    before += "" if indent is None else inner
    named = value.items() if isinstance(value, dict) else ((None, item) for item in value)
    for name, item in named:
        yield before
        if name is not None:
            yield f"{json.dumps(name, ensure_ascii=False)}: "
        yield from _written(item, indent, inner, strict=strict)
        before = ", " if indent is None else f",{inner}"
    yield end if indent is None else line + end


def _jsonable(value: Any) -> Any:
    """The value of what JSON has, which has no days and no bytes; decimals stay."""
    if value is None or isinstance(value, str | int | float | Decimal):
        return value
    if isinstance(value, dict):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple) and not _is_interval(value):
        return [_jsonable(item) for item in value]
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    return text_of(value)


def line_writer(delimiter: str, columns: int) -> Callable[[Iterable[Any]], str]:
    """What writes the cells of so many columns as a line, those in quotes that need them.

    An empty text stands in quotes too: it is not a missing one.
    """
    # Not the csv module: ending lines with a line feed alone, it leaves carriage returns in cells unquoted.
    special = re.compile(f'[{delimiter}"\r\n]')
    missing = '""' if columns == 1 else ""  # an empty line would be no row at all

    def cell(value: Any) -> str:
        if value is None:
            return missing
        text = text_of(value)
        return '"' + text.replace('"', '""') + '"' if text == "" or special.search(text) else text

    return lambda values: delimiter.join(map(cell, values)) + "\n"


def _is_interval(value: Any) -> bool:
    return isinstance(value, tuple) and hasattr(value, "nanoseconds")  # Arrow's


def _interval(value: Any) -> str:
    """Months, days and time are kept apart, for no one of them is a number of another; DuckDB reads it again."""
    parts = [
        f"{count} {word}{'' if abs(count) == 1 else 's'}"
        for count, word in ((value.months, "month"), (value.days, "day"))
        if count
    ]
    if value.nanoseconds or not parts:
        seconds, rest = divmod(abs(value.nanoseconds), 10**9)
        sign, fraction = "-" if value.nanoseconds < 0 else "", f".{rest:09d}".rstrip("0") if rest else ""
        parts.append(f"{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{fraction}")
    return " ".join(parts)
