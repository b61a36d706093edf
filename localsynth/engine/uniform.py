"""The engine without a model: random text the grammar allows. A yardstick, and what unit tests run on."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from random import Random

from ..core.contracts import (
    EngineInfo,
    Likelihood,
    ProgressCallback,
    Sample,
    SampleRequest,
    ScoreRequest,
    Trace,
)
from ..core.errors import Cancelled, ContextTooSmall, EngineError
from ..core.grammar import FreeText, Grammar
from ..core.run import Usage
from ..core.seeds import derive
from .uniform_text import draw_text, text_logprobs

__all__ = ["UniformEngine"]

_BYTES_PER_TOKEN = 4
_FREE = FreeText(1, 400)  # what an answer without a grammar looks like
_STEP = 64  # texts between two looks at the clock


class UniformEngine:
    """Draws every part of a grammar uniformly; prompts are counted, never read.

    Temperatures, filters and adapters change nothing. context : longest sequence in tokens of four bytes.
    """

    def __init__(self, context: int = 8192) -> None:
        self._context = context
        self._cancel = threading.Event()

    def info(self) -> EngineInfo:
        return EngineInfo("uniform", None, self._context, 1)

    def sample(
        self, requests: Sequence[SampleRequest], progress: ProgressCallback | None = None
    ) -> tuple[list[Sample], Usage]:
        """As the contract says; raises ``Cancelled``, ``ContextTooSmall``."""
        prompts = [self.prompt_tokens(request) for request in requests]
        work = _Work(self._cancel, sum(request.n for request in requests), progress)
        samples, decoded = [], 0
        for request, prompt in zip(requests, prompts, strict=True):
            self._check_prompt(prompt)
            grammar = _grammar_of(request)
            random = Random(derive(request.seed, "uniform", request.prefix))  # noqa: S311 - samples, not secrets
            texts, logprobs = [], []
            for _ in range(request.n):
                work.step()
                texts.append(draw_text(grammar, random))
                tokens = self.count_tokens(texts[-1:])[0]
                decoded += tokens
                if prompt + tokens > self._context:
                    raise ContextTooSmall(
                        f"a row reached {prompt + tokens} tokens with its prompt, the engine reads at most "
                        f"{self._context}",
                        "shorten texts or descriptions, or use fewer columns",
                    )
                if request.likelihood:
                    logprobs.append(text_logprobs(grammar, texts[-1]))
            samples.append(Sample(tuple(texts), tuple(logprobs) if request.likelihood else None))
        return samples, work.usage(sum(prompts), decoded)

    def score(
        self, requests: Sequence[ScoreRequest], progress: ProgressCallback | None = None
    ) -> tuple[list[Likelihood], Usage]:
        """The exact log-probability with which ``sample`` draws each text; raises as it does.

        Where a text can be read as values in more than one way, all of them count, and what the others add to the
        likeliest is told with the first value. Without a grammar, the answer's usual bound is taken.
        """
        work = _Work(self._cancel, sum(len(request.texts) for request in requests), progress)
        scores, prompts, decoded = [], 0, 0
        for request in requests:
            plain = SampleRequest(request.messages, request.grammar, prefix=request.prefix)
            prompt = self.prompt_tokens(plain)
            self._check_prompt(prompt)
            prompts += prompt
            grammar, values = _grammar_of(plain), []
            for text in request.texts:
                work.step()
                values.append(text_logprobs(grammar, text))
            tokens = self.count_tokens(request.texts)
            decoded += sum(tokens)
            scores.append(Likelihood(tuple(values), tuple(tokens)))
        return scores, work.usage(prompts, decoded)

    def trace(self, requests: Sequence[ScoreRequest]) -> list[Trace]:
        """Not here: nothing splits texts into tokens. Raises ``EngineError``."""
        raise EngineError("the uniform engine has no tokens to learn", "choose a model")

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

    def _check_prompt(self, tokens: int) -> None:
        if tokens >= self._context:
            raise ContextTooSmall(
                f"a prompt of {tokens} tokens leaves no room for an answer: the engine reads at most {self._context}",
                "shorten descriptions, or use fewer examples",
            )


def _grammar_of(request: SampleRequest) -> Grammar:
    if request.grammar is not None:
        return request.grammar
    return FreeText(1, max(1, min(_FREE.max_length, request.max_tokens * _BYTES_PER_TOKEN)))


class _Work:
    """One call: counts texts, tells progress, and stops when told to."""

    def __init__(self, cancel: threading.Event, wanted: int, progress: ProgressCallback | None) -> None:
        self._cancel, self._wanted, self._progress = cancel, wanted, progress
        self._begun = 0
        self._started = time.perf_counter()
        cancel.clear()

    def step(self) -> None:
        """Before each text. Raises ``Cancelled``."""
        if self._cancel.is_set():
            raise Cancelled("the engine was told to stop")
        if self._progress is not None and self._begun and self._begun % _STEP == 0:
            self._progress(self._begun, self._wanted)
        self._begun += 1

    def usage(self, prompts: int, decoded: int) -> Usage:
        """At the end of the call."""
        if self._progress is not None:
            self._progress(self._wanted, self._wanted)
        return Usage(
            calls=1,
            samples=self._wanted,
            prompt_tokens=prompts,
            decoded_tokens=decoded,
            seconds=time.perf_counter() - self._started,
        )
