"""What a game is played with, and what it has spent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from localsynth.core.contracts import Ask, Sample, SampleRequest
from localsynth.core.schema import Schema
from localsynth.core.targets import Statistics

from .folds import Fold
from .moves import Supports
from .params import MALLMGANParams
from .shaping import Shaping
from .writer import EACH, Writer

__all__ = ["Setting", "Spent"]


@dataclass(frozen=True)
class Setting:
    """What a game is played with; the same for all its rounds.

    base : margins whose axes rows are counted along. rows : that a candidate is judged by. strengths : of pairs of columns.
    """

    schema: Schema
    params: MALLMGANParams
    base: Statistics
    folds: tuple[Fold, Fold]
    writer: Writer
    shaping: Shaping
    supports: Supports
    strengths: Mapping[frozenset[str], float]
    rows: int
    seed: int

    @property
    def prompts(self) -> int:
        """Requests for the rows of one theta."""
        return -(-ceil(self.rows * self.params.surplus) // EACH)

    @property
    def each(self) -> int:
        """Requests of a round at most: most candidates of the search share the prompts of the theta they begin with."""
        params = self.params
        return self.prompts * (1 + params.proposals + min(params.searched, 2)) + params.proposals


@dataclass
class Spent:
    """Requests, tokens (read and written) and seconds so far; seconds are counted where they are bounded."""

    calls: int = 0
    tokens: int = 0
    seconds: float = 0.0

    def sampled(self, purpose: str, requests: Sequence[SampleRequest], ask: Ask) -> list[Sample]:
        """Ask, and count what it takes."""
        samples = ask.sample(purpose, requests)
        self.calls += len(requests)
        if requests:
            prompts = sum(ask.prompt_tokens(request) for request in requests)
            answers = sum(ask.count_tokens([text for sample in samples for text in sample.texts]))
            self.tokens += prompts + answers
        return samples

    def beyond(self, params: MALLMGANParams, calls: int) -> str:
        """Which bound so many requests more would break, if they take as long as those so far; empty for none."""
        more = calls / max(1, self.calls)
        if params.max_calls and self.calls + calls > params.max_calls:
            return f"{self.calls:,} requests, of {params.max_calls:,} allowed"
        if params.max_tokens and self.tokens * (1 + more) > params.max_tokens:
            return f"about {self.tokens:,} tokens, of {params.max_tokens:,} allowed"
        if params.max_minutes and self.seconds * (1 + more) > 60 * params.max_minutes:
            return f"{self.seconds / 60:.1f} minutes, of {params.max_minutes:g} allowed"
        return ""
