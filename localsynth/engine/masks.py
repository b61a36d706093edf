"""Token masks: llguidance matchers over llama.cpp's own vocabulary, kept in step with a path of tokens."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, TypeAlias

import llguidance
import numpy as np
from llguidance import LLMatcher, LLParserLimits, LLTokenizer
from llguidance.llamacpp import lltokenizer_from_vocab

from ..core.errors import EngineError
from ..core.grammar import Grammar
from .regex import to_regex

__all__ = ["Automaton", "Grammars", "Masks"]

Array: TypeAlias = np.ndarray[Any, Any]
_MOST_BYTES = 12_000_000  # of unpacked masks, for each context
_KEPT = 256  # compiled grammars; a method that shuffles columns makes a new one for each request

#: Room for rows with some ten thousand alternatives; and errors that do not quote the grammar, which may hold people's values.
_LIMITS = LLParserLimits(initial_lexer_fuel=20_000_000, step_lexer_fuel=5_000_000, verbose_errors=False)


class Automaton:
    """One grammar's state along one path of tokens; moving to another path rolls back to where the two part."""

    def __init__(self, matcher: LLMatcher, masks: Masks) -> None:
        self._matcher, self._masks = matcher, masks
        self._path: list[int] = []

    def move(self, path: Sequence[int]) -> None:
        """Stand behind ``path``. The part in common with the present path costs nothing."""
        same = 0
        for x, y in zip(self._path, path, strict=False):
            if x != y:
                break
            same += 1
        if same < len(self._path):
            self._matcher.rollback(len(self._path) - same)
            del self._path[same:]
        self.push(path[same:])

    def push(self, tokens: Sequence[int]) -> None:
        """Go on by these tokens."""
        if tokens and not self._matcher.consume_tokens(list(tokens)):
            raise EngineError(f"the grammar refused its own tokens: {self._matcher.get_error()}")
        self._path.extend(tokens)

    def pop(self, count: int) -> None:
        """Take back the last ``count`` tokens."""
        self._matcher.rollback(count)
        del self._path[len(self._path) - count :]

    def forced(self) -> list[int]:
        """The tokens that must come next whatever the model thinks, as far as they are known."""
        tokens: list[int] = self._matcher.compute_ff_tokens()
        return tokens

    @property
    def complete(self) -> bool:
        """Nothing can follow: the text is whole."""
        return bool(self._matcher.is_stopped())

    def allowed(self) -> Array:
        """Ids of the tokens that may come next, rising; the end-of-text token among them where the text may end."""
        return self._masks.ids(self._matcher)


class Grammars:
    """Compiles grammars against one vocabulary. Used by one thread."""

    def __init__(self, vocab: Any) -> None:
        with warnings.catch_warnings():
            # llguidance calls llama.cpp's vocabulary functions by names that are on their way out.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._tokenizer: LLTokenizer = lltokenizer_from_vocab(vocab)
        self._numbers: dict[Grammar, int] = {}
        self._compiled: list[LLMatcher] = []

    @property
    def eos(self) -> int:
        """The token that ends a text."""
        return int(self._tokenizer.eos_token)

    @property
    def full(self) -> bool:
        """Many grammars are kept; :meth:`forget` them between two calls."""
        return len(self._compiled) >= _KEPT

    def forget(self) -> None:
        """Drop all compiled grammars; numbers given out before stand for nothing any more."""
        self._numbers.clear()
        self._compiled.clear()

    def compile(self, grammar: Grammar) -> int:
        """A number that stands for the grammar. Raises ``EngineError`` where it is too large."""
        number = self._numbers.get(grammar)
        if number is None:
            text = LLMatcher.grammar_from_regex(to_regex(grammar))
            matcher = LLMatcher(self._tokenizer, text, log_level=0, limits=_LIMITS)
            if matcher.is_error():
                raise EngineError(
                    f"the grammar cannot be compiled: {matcher.get_error()}",
                    "fewer categories or shorter texts make it smaller",
                )
            number = self._numbers[grammar] = len(self._compiled)
            self._compiled.append(matcher)
        return number

    def matcher(self, number: int) -> LLMatcher:
        """A fresh matcher at the beginning of a text."""
        return self._compiled[number].deep_copy()


class Masks:
    """Token masks as lists of ids; each thread has one of its own over the same grammars."""

    def __init__(self, grammars: Grammars, vocab_size: int) -> None:
        self._grammars = grammars
        self._size = vocab_size
        self._buffer = np.zeros((vocab_size + 31) // 32, np.int32)
        self._seen: dict[bytes, Array] = {}
        self._held = 0  # bytes of what was seen

    def automaton(self, number: int) -> Automaton:
        """A fresh automaton at the beginning of a text."""
        return Automaton(self._grammars.matcher(number), self)

    def ids(self, matcher: LLMatcher) -> Array:
        """Allowed token ids of a matcher; few masks differ, so each is unpacked once."""
        matcher.unsafe_compute_mask_ptr(self._buffer.ctypes.data, self._buffer.nbytes)
        if matcher.is_error():
            raise EngineError(f"the grammar failed: {matcher.get_error()}")
        key = self._buffer.tobytes()
        found = self._seen.get(key)
        if found is None:
            bits = np.unpackbits(self._buffer.view(np.uint8), bitorder="little")[: self._size]
            found = np.flatnonzero(bits).astype(np.int32)
            if found.size == 0:
                raise EngineError("the grammar allows no token here")
            size = found.nbytes + len(key)
            if self._held + size > _MOST_BYTES:  # free text has masks of 200 kB, and many of them
                self._seen.clear()
                self._held = 0
            self._held += size
            self._seen[key] = found
        return found


VERSION: str = llguidance.__version__
