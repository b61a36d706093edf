"""The engine without a model: random text the grammar allows. A yardstick, and what unit tests run on."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from random import Random

from ..core.contracts import EngineInfo, ProgressCallback, Sample, SampleRequest
from ..core.errors import Cancelled
from ..core.grammar import Day, Fixed, FreeText, Grammar, Moment, Number, OneOf
from ..core.grammar import Sequence as Parts
from ..core.run import Usage
from ..core.seeds import derive

__all__ = ["UniformEngine"]

_LETTERS = "aeiounrstlmdcp"
_BYTES_PER_TOKEN = 4


class UniformEngine:
    """Draws every part of a grammar uniformly; prompts are counted, never read."""

    def __init__(self, context: int = 8192) -> None:
        self._context = context
        self._cancel = threading.Event()

    def info(self) -> EngineInfo:
        return EngineInfo("uniform", None, self._context, 1)

    def sample(
        self, requests: Sequence[SampleRequest], progress: ProgressCallback | None = None
    ) -> tuple[list[Sample], Usage]:
        """As the contract says; raises ``Cancelled``."""
        started = time.perf_counter()
        wanted = sum(request.n for request in requests)
        samples, finished, letters = [], 0, 0
        self._cancel.clear()
        for request in requests:
            random = Random(derive(request.seed, "uniform", request.prefix))  # noqa: S311 - samples, not secrets
            texts = []
            for _ in range(request.n):
                if self._cancel.is_set():
                    raise Cancelled("the engine was told to stop")
                texts.append(self._text(request, random))
                letters += len(texts[-1])
                finished += 1
                if progress is not None and finished % 64 == 0:
                    progress(finished, wanted)
            samples.append(Sample(tuple(texts)))
        if progress is not None:
            progress(finished, wanted)
        usage = Usage(
            calls=1,
            samples=wanted,
            prompt_tokens=sum(self.prompt_tokens(request) for request in requests),
            decoded_tokens=letters // _BYTES_PER_TOKEN,
            seconds=time.perf_counter() - started,
        )
        return samples, usage

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [-(-len(text.encode()) // _BYTES_PER_TOKEN) for text in texts]

    def render(self, request: SampleRequest) -> str:
        return "".join(f"{message.text}\n\n" for message in request.messages) + request.prefix

    def prompt_tokens(self, request: SampleRequest) -> int:
        return self.count_tokens([self.render(request)])[0]

    def cancel(self) -> None:
        self._cancel.set()

    def close(self) -> None:
        """Nothing is held."""

    def _text(self, request: SampleRequest, random: Random) -> str:
        if request.grammar is None:
            return _words(random, 1, min(400, request.max_tokens * _BYTES_PER_TOKEN))
        return draw_text(request.grammar, random)


def draw_text(grammar: Grammar, random: Random) -> str:
    """One text the grammar allows, every part drawn uniformly."""
    match grammar:
        case Fixed(text):
            return text
        case OneOf(options):
            return draw_text(random.choice(options), random)
        case Number(low, high, decimals):
            scaled = random.randint(low, high)
            digits = f"{abs(scaled):0{decimals + 1}d}"
            whole = digits[: len(digits) - decimals]
            return f"{'-' if scaled < 0 else ''}{whole}{'.' + digits[-decimals:] if decimals else ''}"
        case Day(first, last):
            return (first + timedelta(days=random.randint(0, (last - first).days))).isoformat()
        case Moment(low_moment, high_moment):
            minutes = (high_moment - low_moment) // timedelta(minutes=1)
            moment = low_moment + timedelta(minutes=random.randint(0, minutes))
            return moment.strftime("%Y-%m-%d %H:%M")
        case FreeText(shortest, longest):
            return _words(random, shortest, longest)
        case Parts(parts):
            return "".join(draw_text(part, random) for part in parts)


def _words(random: Random, shortest: int, longest: int) -> str:
    """Letters in words; neither end is a space."""
    size = random.randint(shortest, min(longest, shortest + 200))
    text = "".join(random.choice(_LETTERS) if random.random() < 0.82 else " " for _ in range(size))
    return "".join(
        random.choice(_LETTERS) if c == " " and (i in (0, size - 1) or text[i - 1] == " ") else c
        for i, c in enumerate(text)
    )
