"""The llama.cpp engine as it lives inside the child process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from ..core.contracts import (
    Adapter,
    EngineInfo,
    Likelihood,
    Message,
    Sample,
    SampleRequest,
    ScoreRequest,
    Trace,
)
from ..core.run import Usage
from .bound import token_bound
from .branching import Branching
from .context import Context, Slot
from .jobs import Job, sample_of
from .lanes import CHUNK, Lanes
from .masks import Grammars, Masks
from .native import Weights, check_room
from .prompt import ChatTemplate
from .sampler import Poll, Sampler, Timing
from .scoring import OUTPUTS, Given, Scorer, score_of
from .setup import Setup
from .tracing import Tracer

__all__ = ["LlamaBackend", "Options"]


@dataclass(frozen=True)
class Options:
    """How to open a model.

    context : longest sequence in tokens, prompt and answer together; 0 takes what the model was trained on, at most what
    the first context's cache holds. plain_buffers : leave out CPU-specific weight layouts.
    """

    model: str
    name: str
    setup: Setup
    context: int = 0
    plain_buffers: bool = False


class LlamaBackend:
    """One open model. Not thread safe but for ``stop``."""

    def __init__(self, options: Options) -> None:
        setup = options.setup
        self._weights = weights = Weights(
            options.model, gpu_layers=setup.gpu_layers, plain_buffers=options.plain_buffers
        )
        if setup.gpu_layers < 0 and weights.gpu_layers:
            setup = setup.for_gpu()
        self._options = options = replace(options, setup=setup)
        trained = weights.trained_context or 2048
        self._context = min(options.context or setup.cells, trained, setup.cells)
        self._grammars = Grammars(weights.vocab)
        self._pieces = weights.pieces()
        ends, control = weights.special()
        free = np.array([t for t in range(weights.vocab_size) if t not in control or t in ends])
        branching = Branching(self._pieces, ends, free)
        self._first = self._make_context(setup.cells, setup.batch, setup.threads)
        beside = (
            self._make_context(setup.side_cells, CHUNK + setup.lanes, 1) for _ in range(setup.contexts - 1)
        )
        self._sampler = Sampler(
            weights,
            [
                Lanes(
                    context,
                    Masks(self._grammars, weights.vocab_size),
                    branching,
                    longest=self._context,
                    count=setup.lanes,
                )
                for context in (self._first, *beside)
            ],
            self._grammars,
            branching,
            longest=self._context,
            threads=setup.threads,
        )
        self._scorer = Scorer(self._sampler, self._grammars, self._pieces, free, ends)
        bos, eos = weights.bos, self._grammars.eos
        self._bos = bos
        self._template = ChatTemplate(
            weights.metadata("tokenizer.chat_template"),
            weights.token_name(bos if bos is not None else -1),
            weights.token_name(eos),
        )

    def _make_context(self, cells: int, batch: int, threads: int) -> Context:
        setup = self._options.setup
        return Context(
            self._weights,
            threads=threads,
            sequences=setup.lanes + 1,
            cells=cells,
            batch=batch,
            outputs=max(setup.lanes + 1, OUTPUTS),  # llama.cpp wants one for each sequence at least
            flash_attention=setup.flash_attention,
        )

    def info(self) -> EngineInfo:
        setup = self._options.setup
        gpu = f", {self._weights.gpu_layers} layers on the GPU" if self._weights.gpu_layers else ""
        return EngineInfo(
            "llama.cpp", self._options.name, self._context, setup.threads, setup=f"{setup}{gpu}"
        )

    def sample(
        self, requests: Sequence[SampleRequest], poll: Poll | None = None
    ) -> tuple[list[Sample], Usage]:
        jobs = [self._job(request) for request in requests]
        usage = self._sampler.run(jobs, poll)
        return [sample_of(job, self._pieces) for job in jobs], usage

    def score(
        self, requests: Sequence[ScoreRequest], poll: Poll | None = None
    ) -> tuple[list[Likelihood], Usage]:
        texts = [self._scoring(request) for request in requests]
        usage = self._scorer.run(texts, poll)
        return [score_of(given, self._pieces) for given in texts], usage

    def trace(self, requests: Sequence[ScoreRequest]) -> list[Trace]:
        if self._grammars.full:
            self._sampler.tidy()
        tracer = Tracer(self._grammars, Masks(self._grammars, self._weights.vocab_size))
        return tracer.finish(
            [tracer.trace(given.prompt, given.grammar, given.paths) for given in map(self._scoring, requests)]
        )

    @property
    def timing(self) -> Timing:
        """Where the last call's time went."""
        return self._sampler.timing

    def notices(self) -> list[str]:
        """What a person should be told since the last time."""
        waiting = self._sampler.watch.notices
        return [waiting.popleft() for _ in range(len(waiting))]

    def stop(self, *, stopped: bool = True) -> None:
        """Make a running call raise ``Cancelled`` at once; callable from any thread."""
        self._sampler.stop(stopped=stopped)

    def prefill_rate(self, seconds: float) -> float:
        """llama.cpp's own prefill in tokens/s: one sequence, all threads, batches as large as the setup's."""
        context, size = self._first, min(self._options.setup.batch, self._context)
        tokens = np.random.default_rng(0).integers(0, self._weights.vocab_size, size).tolist()
        self._sampler.forget()
        context.use_threads(self._options.setup.threads)
        rates: list[float] = []
        begun = perf_counter()
        while len(rates) < 3 or perf_counter() - begun < seconds:
            started = perf_counter()
            try:
                context.decode([Slot(0, 0, tokens, True)])
            finally:
                context.clear()
            rates.append(size / (perf_counter() - started))
        return float(np.median(rates[1:]))

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(self._weights.tokenize(text)) for text in texts]

    def render(self, request: SampleRequest) -> str:
        return "".join(piece.text for piece in self._template.render(request.messages)) + request.prefix

    def prompt(self, messages: Sequence[Message], prefix: str) -> list[int]:
        """The prompt's tokens: only the template's own text may hold special tokens."""
        tokens: list[int] = []
        for piece in self._template.render(messages):
            tokens += self._weights.tokenize(piece.text, special=piece.special)
        tokens += self._weights.tokenize(prefix)
        if self._bos is not None and tokens[:1] != [self._bos]:
            tokens.insert(0, self._bos)
        return tokens or self._weights.tokenize("\n")

    def _job(self, request: SampleRequest) -> Job:
        prompt = self.prompt(request.messages, request.prefix)
        # With a grammar the shortest text must fit; how long texts really get is seen when they are written.
        least = 1 if request.grammar is None else token_bound(request.grammar)
        check_room(len(prompt) + least, self._context, "a prompt with one row")
        return Job(
            prompt,
            request.grammar,
            request.n,
            request.sampling,
            request.seed,
            min(request.max_tokens, self._context - len(prompt)),
            request.likelihood,
            self._checked(request.adapter),
        )

    def _scoring(self, request: ScoreRequest) -> Given:
        prompt = self.prompt(request.messages, request.prefix)
        paths = [tuple(self._weights.tokenize(text)) for text in request.texts]
        longest = max(map(len, paths), default=0)
        check_room(len(prompt) + longest, self._context, "a prompt with the longest text")
        return Given(prompt, request.grammar, paths, request.sampling, self._checked(request.adapter))

    def _checked(self, adapter: Adapter | None) -> Adapter | None:
        if adapter is not None:
            self._weights.adapter(adapter.path)  # or ModelError, before anything is computed
        return adapter
