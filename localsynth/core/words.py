"""Values as people write them: numbers without an exponent, text in quotes, nothing of Python's own spelling."""

from __future__ import annotations

import json
import math
from datetime import date, datetime
from decimal import Decimal
from typing import Any

__all__ = ["FieldError", "counted", "duration", "plain", "shown", "size_text"]


class FieldError(ValueError):
    """A mistake that belongs to one key below the place where it was noticed.

    ``field`` is the way from there to the key, so that a person is sent to the line it stands on.
    """

    def __init__(self, message: str, *field: str | int) -> None:
        super().__init__(message)
        self.field = field


def counted(count: int, one: str) -> str:
    """``1 row``, ``2,000 rows``."""
    return f"{count:,} {one}" if count == 1 else f"{count:,} {one}s"


def duration(seconds: float | None) -> str:
    """``3:07``, ``1:02:03``; ``-:--`` where it is not known."""
    if seconds is None or not math.isfinite(seconds):
        return "-:--"
    whole = round(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"


def size_text(size: int) -> str:
    """Bytes in units of a thousand, as sizes of files and models are given: ``96 MB``, ``1.2 GB``."""
    if size < 1_000_000:
        return f"{size / 1000:,.0f} kB" if size >= 1000 else f"{size} B"
    return f"{size / 1e6:,.0f} MB" if size < 1_000_000_000 else f"{size / 1e9:,.1f} GB"


def plain(number: float) -> str:
    """A number as a person writes it: ``1234567``, ``0.0000001``, ``5`` (for 5.0); an exponent only far out."""
    if isinstance(number, int):
        return str(number)
    text = repr(number)
    if "e" in text and 1e-15 < abs(number) < 1e19:
        text = f"{Decimal(text):f}"
    return text.removesuffix(".0")


def shown(value: Any) -> str:
    """A value as it stands in a TOML file, in one short line; ``""`` where it is long."""
    match value:
        case bool():
            text = str(value).lower()
        case int() | float():
            text = plain(value)
        case str():
            text = json.dumps(value, ensure_ascii=False)
        case datetime():
            text = value.isoformat(" ")
        case date():
            text = value.isoformat()
        case list() | tuple():
            inside = [shown(item) for item in value]
            text = f"[{', '.join(inside)}]" if all(inside) else ""
        case dict():
            text = "a table"
        case _:
            text = ""
    return text if len(text) <= 60 else ""
