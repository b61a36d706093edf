"""Where the values of a text lie: which tokens belong to which cell, while it is written and afterwards."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from itertools import accumulate

from ..core.grammar import Fixed, Grammar, Warmed
from ..core.grammar import Sequence as Parts
from .regex import to_regex

__all__ = ["Values"]


class Values:
    """The values of texts under one grammar: the parts of its outermost sequence that are not fixed text.

    A token belongs to the value that began last where the token begins, so the token that ends a number (a comma, say)
    counts with the number it ends. Without a grammar, or with no sequence, the whole text is one value.
    """

    def __init__(self, grammar: Grammar | None) -> None:
        parts: tuple[Grammar, ...] = grammar.parts if isinstance(grammar, Parts) else ()
        self._parts = parts
        self._values = [part for part in parts if not isinstance(part, Fixed)]
        self.warmed = any(isinstance(part, Warmed) for part in parts)
        self._temperature = lru_cache(maxsize=4096)(self._find_temperature)

    @cached_property
    def _patterns(self) -> list[re.Pattern[str]]:
        """Of each part. A part may have thousands of alternatives, so it is compiled where it is needed, and once."""
        return [re.compile(to_regex(part)) for part in self._parts]

    @cached_property
    def _whole(self) -> re.Pattern[str]:
        return re.compile(
            "".join(
                pattern.pattern if isinstance(part, Fixed) else f"({pattern.pattern})"
                for part, pattern in zip(self._parts, self._patterns, strict=True)
            )
        )

    def sums(self, pieces: Sequence[bytes], logprobs: Sequence[float]) -> tuple[float, ...]:
        """Log-probabilities of a text's tokens added up per value; one more than tokens where the end was drawn too."""
        if len(self._values) < 2:
            return (sum(logprobs),)
        text = b"".join(pieces).decode(errors="replace")
        found = self._whole.fullmatch(text)
        if found is None:  # the text breaks off: no value after the first can be told apart
            return (sum(logprobs),) + (0.0,) * (len(self._values) - 1)
        starts = [len(text[: found.start(i + 1)].encode()) for i in range(len(self._values))]
        result = [0.0] * len(starts)
        for begin, logprob in zip(_offsets(pieces), logprobs, strict=False):
            result[max(bisect_right(starts, begin) - 1, 0)] += logprob
        return tuple(result)

    def temperature(self, text: bytes) -> float | None:
        """The temperature of the value that the next token after ``text`` belongs to; ``None`` for the request's own."""
        return self._temperature(text)

    def _find_temperature(self, data: bytes) -> float | None:
        text, at, last = data.decode(errors="ignore"), 0, None
        for index, part in enumerate(self._parts):
            if isinstance(part, Fixed):
                if not text.startswith(part.text, at):
                    return last
                at += len(part.text)
                continue
            last = part.temperature if isinstance(part, Warmed) else None
            after = self._parts[index + 1] if index + 1 < len(self._parts) else None
            end = _end(self._patterns[index], text, at, after.text) if isinstance(after, Fixed) else None
            if end is None:
                return last
            at = end
        return last


def _end(pattern: re.Pattern[str], text: str, at: int, mark: str) -> int | None:
    """Where the value that begins at ``at`` ends, ``mark`` following it, perhaps not yet whole; ``None`` while it goes on."""
    for end in range(at, len(text)):
        rest = text[end : end + len(mark)]
        if mark.startswith(rest) and pattern.fullmatch(text, at, end):
            return end
    return None


def _offsets(pieces: Sequence[bytes]) -> Iterable[int]:
    """The byte at which each token begins, and the text's end."""
    return accumulate(map(len, pieces), initial=0)
