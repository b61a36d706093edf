"""Values of a result as text: short in a cell, whole where one is looked at."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich.text import Text

from localsynth.core.celltext import json_of, text_of
from localsynth.tui.plain import cell

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["is_number", "short", "sign", "whole"]

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


def whole(value: Any) -> str:
    """The value to be read: what is JSON stands in lines."""
    if isinstance(value, list | dict):
        return json_of(value, indent=2)
    if isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
        try:
            return json.dumps(json.loads(value), ensure_ascii=False, indent=2)
        except (ValueError, RecursionError):
            return value
    if isinstance(value, bytes | bytearray | memoryview):
        return _dump(bytes(value))
    return text_of(value)


def _dump(data: bytes) -> str:
    """Bytes in lines of sixteen: where, in hexadecimal digits, as characters."""
    lines = []
    for at in range(0, len(data), 16):
        part = data[at : at + 16]
        seen = "".join(chr(one) if 32 <= one < 127 else "." for one in part)
        lines.append(f"{at:08x}  {part.hex(' '):<47}  {seen}")
    return "\n".join(lines)
