"""How much time and memory a piece of work may take, and sizes as people write them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from .errors import OutOfTime, OverMemory, RecipeError

__all__ = ["Limits", "check_minutes", "memory_text", "out_of_time", "over_memory", "parse_size"]

_UNITS = {
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KIB": 2**10,
    "MIB": 2**20,
    "GIB": 2**30,
    "TIB": 2**40,
}
_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?|\.[0-9]+)\s*([A-Za-z]*)\s*")
_LEAST, _MOST = 10**6, 2**60
_EXAMPLES = "a number with a unit, such as 800MB, 4GB or 1.5GiB"


@dataclass(frozen=True)
class Limits:
    """minutes : of wall-clock time. memory : bytes that all processes of the work may hold together. ``None`` : no limit."""

    minutes: float | None = None
    memory: int | None = None

    def __bool__(self) -> bool:
        return self.minutes is not None or self.memory is not None

    def otherwise(self, other: Limits) -> Limits:
        """These, and those of another where these say nothing."""
        return Limits(
            other.minutes if self.minutes is None else self.minutes,
            other.memory if self.memory is None else self.memory,
        )


def parse_size(text: str) -> int:
    """Bytes. ``4G`` is 4 GB, which is 4,000,000,000; ``GiB`` counts by 1024. Raises ``RecipeError``."""
    found = _SIZE.fullmatch(text)
    unit = found[2].upper() if found else ""
    unit += "B" if unit in {"K", "M", "G", "T", "KI", "MI", "GI", "TI"} else ""
    if found is None or (unit and unit not in _UNITS):
        raise RecipeError(f"'{text}' is no size of memory", f"write {_EXAMPLES}")
    if not unit:
        raise RecipeError(f"'{text}' says no unit", f"did you mean {found[1]}GB? Write {_EXAMPLES}")
    size = float(found[1]) * _UNITS[unit]
    if not _LEAST <= size <= _MOST:
        raise RecipeError(
            f"{text.strip()} is too {'little' if size < _LEAST else 'much'} memory for anything",
            f"write {_EXAMPLES}",
        )
    return int(size)


def memory_text(size: int) -> str:
    """A size as :func:`parse_size` reads it: to three digits where no unit fits it exactly."""
    for unit in ("TB", "TiB", "GB", "GiB", "MB", "MiB"):
        number = size / _UNITS[unit.upper()]
        if number >= 1 and math.isclose(number * 100, round(number * 100), rel_tol=1e-12):
            return f"{number:.2f}".rstrip("0").rstrip(".") + unit
    unit = "TB" if size >= 10**12 else "GB" if size >= 10**9 else "MB"
    return f"{float(f'{size / _UNITS[unit]:.3g}'):.12g}{unit}"


def out_of_time(minutes: float) -> OutOfTime:
    """The error that says so."""
    return OutOfTime(
        f"the {minutes:g} minutes of --max-minutes are over", "allow more, or leave --max-minutes out"
    )


def over_memory(memory: int, who: str) -> OverMemory:
    """The error that says so. memory : the limit, in bytes. who : needed more."""
    return OverMemory(
        f"{who} needed more than --max-memory {memory_text(memory)} allows",
        "allow more, or take a smaller model, fewer rows at once or fewer threads",
    )


def check_minutes(minutes: float) -> float:
    """The minutes, if that is a time. Raises ``RecipeError``."""
    if not (math.isfinite(minutes) and minutes > 0):
        raise RecipeError(
            f"{minutes:g} minutes are no time to work in", "write a number above 0, such as 30 or 0.5"
        )
    return minutes
