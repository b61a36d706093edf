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

__all__ = ["EXAMPLES", "Setting", "Spent", "game_requests", "judged_rows"]

#: Train rows in a prompt, where nobody says how many.
EXAMPLES = 20
_LEAST, _MOST = 50, 200  # rows a candidate is judged by


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
        return _prompts(self.params, self.rows)

    @property
    def each(self) -> int:
        """Requests of a round at most."""
        return _each(self.params, self.rows)


def judged_rows(params: MALLMGANParams, train_rows: int) -> int:
    """Rows that a candidate is judged by."""
    return params.game_rows or min(max(train_rows // 2, _LEAST), _MOST)


def game_requests(params: MALLMGANParams, rows: int) -> int:
    """Requests of a whole game at most: its rounds, the first that only judges, and what it was worth, twice two thetas.

    rows : that a candidate is judged by.
    """
    return 5 * _prompts(params, rows) + params.rounds * _each(params, rows)


def _prompts(params: MALLMGANParams, rows: int) -> int:
    return -(-ceil(rows * params.surplus) // EACH)


def _each(params: MALLMGANParams, rows: int) -> int:
    # Most candidates of the search share the prompts of the theta they begin with.
    return _prompts(params, rows) * (1 + params.proposals + min(params.searched, 2)) + params.proposals


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
