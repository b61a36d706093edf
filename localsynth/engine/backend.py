"""The llama.cpp engine as it lives inside the child process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..core.contracts import EngineInfo, Sample, SampleRequest
from ..core.run import Usage
from .bound import token_bound
from .masks import Masks
from .native import Context, check_room
from .prompt import ChatTemplate
from .sampler import Job, Sampler

__all__ = ["LlamaBackend", "Options"]


@dataclass(frozen=True)
class Options:
    """How to open a model.

    threads : of llama.cpp. context : longest sequence in tokens, prompt and answer together; 0 takes what the model was
    trained on, at most 8,192. lanes : sequences decoded side by side. cells : tokens the KV cache holds; 0 chooses.
    plain_buffers : leave out CPU-specific weight layouts.
    """

    model: str
    name: str
    threads: int
    context: int = 0
    lanes: int = 64
    cells: int = 0
    plain_buffers: bool = False


class LlamaBackend:
    """One open model. Not thread safe."""

    def __init__(self, options: Options) -> None:
        self._options = options
        cells = options.cells or 8192
        self._native = Context(
            options.model,
            threads=options.threads,
            sequences=options.lanes + 1,
            cells=cells,
            batch=512,
            plain_buffers=options.plain_buffers,
        )
        trained = self._native.trained_context or 2048
        self._context = min(options.context or 8192, trained, cells)
        self._masks = Masks(self._native.vocab, self._native.vocab_size)
        bos, eos = self._native.bos, self._masks.eos
        self._bos = bos
        self._template = ChatTemplate(
            self._native.metadata("tokenizer.chat_template"),
            self._native.token_name(bos if bos is not None else -1),
            self._native.token_name(eos),
        )
        self._sampler = Sampler(self._native, self._masks, context=self._context, lanes=options.lanes)

    def info(self) -> EngineInfo:
        return EngineInfo("llama.cpp", self._options.name, self._context, self._options.threads)

    def sample(
        self, requests: Sequence[SampleRequest], poll: Callable[[int, Usage], None] | None = None
    ) -> tuple[list[Sample], Usage]:
        jobs = [self._job(request) for request in requests]
        return self._sampler.run(jobs, poll)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(self._native.tokenize(text)) for text in texts]

    def render(self, request: SampleRequest) -> str:
        return "".join(piece.text for piece in self._template.render(request.messages)) + request.prefix

    def prompt(self, request: SampleRequest) -> list[int]:
        """The prompt's tokens: only the template's own text may hold special tokens."""
        tokens: list[int] = []
        for piece in self._template.render(request.messages):
            tokens += self._native.tokenize(piece.text, special=piece.special)
        tokens += self._native.tokenize(request.prefix)
        if self._bos is not None and tokens[:1] != [self._bos]:
            tokens.insert(0, self._bos)
        return tokens or self._native.tokenize("\n")

    def _job(self, request: SampleRequest) -> Job:
        prompt = self.prompt(request)
        room = self._context - len(prompt)
        if request.grammar is not None:
            # The shortest text must fit; how long texts really get is seen when they are written.
            check_room(len(prompt) + token_bound(request.grammar), self._context, "a prompt with one row")
        else:
            check_room(len(prompt) + 1, self._context, "a prompt")
        return Job(
            prompt,
            request.grammar,
            request.n,
            request.sampling,
            request.seed,
            min(request.max_tokens, room),
        )
