"""Queries that were run, kept with the data they may tell of: ``<workspace>/ui/history.jsonl``, mode 0600."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

__all__ = ["Entry", "History", "outcome"]

_T = TypeVar("_T", str, int, float, bool)
_KEPT = 1000
_SLACK = 200  # the file is cut only when so many more are in it
_LONGEST = 100_000  # characters of one query


@dataclass(frozen=True)
class Entry:
    """at : when, in the clock of the place, to the second. rows : shown. problem : the first line of what was wrong."""

    at: str
    sql: str
    seconds: float = 0.0
    rows: int = 0
    more: bool = False
    problem: str = ""


class History:
    """Reads and writes one file; where there is none to be written (``None``), entries last as long as the UI."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._unwritten: list[Entry] = []

    def add(self, entry: Entry) -> None:
        """Keep it. A disk that is full or a folder that may not be written only costs the entry at the next start."""
        if self._path is None or not self._path.parent.parent.is_dir():
            self._unwritten.append(entry)
            return
        try:
            self._append(entry)
        except OSError:
            self._unwritten.append(entry)

    def entries(self) -> list[Entry]:
        """The last thousand, the latest first, each query once."""
        found: dict[str, Entry] = {}
        for one in reversed([*self._read(), *self._unwritten]):
            found.setdefault(one.sql, one)
        return list(found.values())[:_KEPT]

    def _append(self, entry: Entry) -> None:
        assert self._path is not None
        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        kept = self._read()
        if len(kept) > _KEPT + _SLACK:
            new = self._path.with_name(self._path.name + ".new")
            _write(new, "".join(map(_line, kept[-_KEPT:])), os.O_TRUNC)
            new.replace(self._path)
        _write(self._path, _line(entry), os.O_APPEND)

    def _read(self) -> list[Entry]:
        if self._path is None:
            return []
        try:
            lines = self._path.read_text(encoding="utf-8", errors="replace").split("\n")
        except OSError:
            return []
        return [entry for entry in map(_entry, lines) if entry is not None]


def _write(path: Path, text: str, how: int) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | how, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def _line(entry: Entry) -> str:
    told = asdict(entry) | {"sql": entry.sql[:_LONGEST]}
    return json.dumps(told) + "\n"  # ASCII: half characters, too, can be written and read again


def _entry(text: str) -> Entry | None:
    """What a line tells; nothing where it is cut off or of another kind."""
    try:
        told: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or not isinstance(told.get("sql"), str):
        return None
    return Entry(
        at=_of(told, "at", ""),
        sql=told["sql"],
        seconds=float(_of(told, "seconds", 0.0)),
        rows=_of(told, "rows", 0),
        more=_of(told, "more", False),
        problem=_of(told, "problem", ""),
    )


def _of(told: dict[str, Any], name: str, default: _T) -> _T:
    value = told.get(name, default)
    return value if isinstance(value, type(default)) else default


def outcome(entry: Entry) -> str:
    """How it ended, in words."""
    if entry.problem:
        return "not done"
    rows = "1 row" if entry.rows == 1 else f"{entry.rows:,} rows"
    return f"{rows}{'+' if entry.more else ''}, {entry.seconds:,.2f} s"
