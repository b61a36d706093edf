"""TOML out: short things on one line, long ones as tables and lists of lines, so that a person can edit them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from typing import Any

__all__ = ["dump_toml"]

_WIDTH = 100
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def dump_toml(data: Mapping[str, Any]) -> str:
    """TOML text of plain data; reading it gives equal data, but for ``None``, which TOML cannot say and is left out.

    Raises ``TypeError`` for a value TOML has no word for.
    """
    return "\n".join(_table((), data)).lstrip("\n") + "\n"


def _table(path: tuple[str, ...], data: Mapping[str, Any]) -> Iterator[str]:
    """The lines of a table: plain keys first, since a key after ``[x]`` would belong to ``x``."""
    later: list[tuple[str, Any]] = []
    for key, value in data.items():
        if value is None:
            continue
        if not path and _is_section(value):
            later.append((key, value))
            continue
        if isinstance(value, str) and "\n" in value:
            yield f"{_key(key)} = {_lines(value)}"
            continue
        line = f"{_key(key)} = {_value(value)}"
        if isinstance(value, Mapping) and len(line) > _WIDTH:
            later.append((key, value))
        elif isinstance(value, list | tuple) and len(line) > _WIDTH:
            yield f"{_key(key)} = ["
            yield from (f"  {_value(item)}," for item in value)
            yield "]"
        else:
            yield line
    for key, value in later:
        inner = (*path, key)
        name = ".".join(map(_key, inner))
        if isinstance(value, Mapping):
            yield from ("", f"[{name}]")
            yield from _table(inner, value)
            continue
        for item in value:
            yield from ("", f"[[{name}]]")
            yield from _table(inner, item)


def _is_section(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return bool(value) and all(isinstance(item, Mapping) for item in value)
    return isinstance(value, Mapping)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _string(key)


def _string(text: str) -> str:
    # JSON's escapes are TOML's, but for DEL, which TOML wants escaped and JSON does not.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _lines(text: str) -> str:
    """A text of several lines, as it looks between three quotes."""
    # Every quote stays escaped, so that no three of them can meet.
    lines = (_string(line)[1:-1] for line in text.split("\n"))
    return '"""\n' + "\n".join(lines) + '"""'


def _value(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return _string(value)
        case int():
            return str(int(value))
        case float():
            return repr(float(value))  # `inf` and `nan` are TOML, too
        case datetime() | date() | time():
            return value.isoformat()
        case Mapping():
            inside = ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items() if v is not None)
            return f"{{ {inside} }}" if inside else "{}"
        case list() | tuple():
            return f"[{', '.join(map(_value, value))}]"
        case _:
            raise TypeError(f"TOML has no word for {type(value).__name__}")
