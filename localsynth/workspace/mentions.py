"""Whether a text that a person wrote names a dataset, or a run of it."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["Mentions", "mentioned"]


class Mentions:
    """Finds a dataset's name, its views' names, and names of runs: whole words, upper and lower case alike."""

    def __init__(self, dataset: str, runs: Iterable[str] = ()) -> None:
        names = sorted({f"{re.escape(dataset)}(?:_real|_synth)?", *map(re.escape, runs)})
        self._pattern = re.compile(rf"(?<!\w)(?:{'|'.join(names)})(?!\w)", re.IGNORECASE)

    def within(self, text: str) -> bool:
        """Whether one of them stands in there."""
        return self._pattern.search(text) is not None


def mentioned(text: str, datasets: Iterable[str]) -> list[str]:
    """Those of the datasets whose name stands in a text."""
    return [name for name in datasets if Mentions(name).within(text)]
