"""Values of a result as text: short in a cell, whole where one is looked at or copied."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.text import Text

from localsynth.tui.plain import cell

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["is_number", "separated", "short", "sign", "text_of", "whole"]

_CELL = 400  # characters of a value that are looked at for a cell
_BYTES = 32


def is_number(kind: pa.DataType) -> bool:
    """Whether values of the type stand at the right and can be drawn."""
    import pyarrow.types as pt

    return bool(pt.is_integer(kind) or pt.is_floating(kind) or pt.is_decimal(kind))


def sign(kind: pa.DataType) -> str:
    """A short sign of a column's type."""
    import pyarrow.types as pt

    signs = (
        (pt.is_boolean, "t/f"),
        (pt.is_integer, "#"),
        (lambda one: pt.is_floating(one) or pt.is_decimal(one), "#.#"),
        (pt.is_date, "day"),
        (pt.is_timestamp, "ts"),
        (pt.is_time, "time"),
        (lambda one: pt.is_binary(one) or pt.is_large_binary(one) or pt.is_binary_view(one), "0x"),
        (lambda one: pt.is_list(one) or pt.is_large_list(one) or pt.is_fixed_size_list(one), "[]"),
        (lambda one: pt.is_struct(one) or pt.is_map(one) or pt.is_union(one), "{}"),
        (lambda one: pt.is_string(one) or pt.is_large_string(one) or pt.is_string_view(one), "s"),
        (pt.is_dictionary, "s"),
    )
    return next((word for fits, word in signs if fits(kind)), "·")


def short(value: Any) -> Text:
    """A value in a cell: one line, the beginning of what is long; a missing one is a dim sign."""
    if isinstance(value, str):
        return cell(value[:_CELL])
    if isinstance(value, bytes | bytearray | memoryview):
        data = bytes(value)
        return cell("0x" + data[:_BYTES].hex() + ("…" if len(data) > _BYTES else ""))
    return cell(None if value is None else text_of(value)[:_CELL])


def text_of(value: Any) -> str:
    """The whole value in one line, as it is copied; a missing one is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, tuple) and hasattr(value, "nanoseconds"):
        return _span(value)
    if isinstance(value, list | dict | tuple):
        return json.dumps(value, ensure_ascii=False, default=_plain)
    return str(value)


def _span(value: Any) -> str:
    """Arrow's intervals: months, days and time are kept apart, for no one of them is a number of another."""
    parts = [f"{count} {word}" for count, word in ((value.months, "months"), (value.days, "days")) if count]
    if value.nanoseconds or not parts:
        parts.append(str(timedelta(microseconds=value.nanoseconds / 1000)))
    return " ".join(parts)


def whole(value: Any) -> str:
    """The value to be read: what is JSON stands in lines."""
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=_plain, indent=2)
    if isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
        try:
            return json.dumps(json.loads(value), ensure_ascii=False, indent=2)
        except (ValueError, RecursionError):
            return value
    if isinstance(value, bytes | bytearray | memoryview):
        return _dump(bytes(value))
    return text_of(value)


def separated(rows: Iterable[Sequence[Any]], delimiter: str) -> str:
    """Lines of cells; a cell stands in quotes where it must, or is an empty text, which no missing value is."""
    special = re.compile(f'[{delimiter}"\r\n]')

    def quoted(value: Any) -> str:
        text = text_of(value)
        if special.search(text) or (text == "" and value is not None):
            return '"' + text.replace('"', '""') + '"'
        return text

    return "".join(delimiter.join(map(quoted, row)) + "\n" for row in rows)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date | time | timedelta | bytes | bytearray | memoryview):
        return text_of(value)
    return str(value)


def _dump(data: bytes) -> str:
    """Bytes in lines of sixteen: where, in hexadecimal digits, as characters."""
    lines = []
    for at in range(0, len(data), 16):
        part = data[at : at + 16]
        seen = "".join(chr(one) if 32 <= one < 127 else "." for one in part)
        lines.append(f"{at:08x}  {part.hex(' '):<47}  {seen}")
    return "\n".join(lines)
