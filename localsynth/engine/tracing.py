"""Texts as the model would write them: their tokens, and at each place the tokens the grammar leaves open.

What a model is trained on must be cut into tokens, and framed by a prompt, exactly as it is when it writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from ..core.contracts import Trace, Traced
from ..core.grammar import Grammar
from .masks import Automaton, Grammars, Masks

__all__ = ["Tracer"]

Array: TypeAlias = np.ndarray[Any, Any]
_WIDE = 4096  # so many tokens are told as "any": free text allows nearly the whole vocabulary


class Tracer:
    """Collects traces; a set of open tokens that occurs twice is told once."""

    def __init__(self, grammars: Grammars, masks: Masks) -> None:
        self._grammars, self._masks = grammars, masks
        self._sets: dict[bytes, int] = {}
        self._allowed: list[tuple[int, ...]] = []

    def trace(
        self, prompt: Sequence[int], grammar: Grammar | None, texts: Sequence[tuple[int, ...]]
    ) -> Trace:
        """One request's texts."""
        number = None if grammar is None else self._grammars.compile(grammar)
        return Trace(tuple(prompt), texts=tuple(self._traced(number, text) for text in texts))

    def finish(self, traces: Sequence[Trace]) -> list[Trace]:
        """The traces with the sets they point to."""
        allowed = tuple(self._allowed)
        return [Trace(trace.prompt, allowed, trace.texts) for trace in traces]

    def _traced(self, number: int | None, text: tuple[int, ...]) -> Traced:
        if number is None:
            return Traced(text, (-1,) * len(text))
        automaton: Automaton = self._masks.automaton(number)
        places = []
        for token in text:
            if automaton.complete:
                return Traced((), ())
            ids = automaton.allowed()
            at = int(np.searchsorted(ids, token))
            if at >= ids.size or ids[at] != token:
                return Traced((), ())
            places.append(self._place(ids))
            automaton.push((token,))
        return Traced(text, tuple(places))

    def _place(self, ids: Array) -> int:
        if len(ids) > _WIDE:
            return -1
        key = ids.tobytes()
        if key not in self._sets:
            self._sets[key] = len(self._allowed)
            self._allowed.append(tuple(ids.tolist()))
        return self._sets[key]
