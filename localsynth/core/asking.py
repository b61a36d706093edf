"""What is asked of an engine, and what it answers: plain data that crosses the process boundary."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .grammar import Grammar

__all__ = [
    "Adapter",
    "Likelihood",
    "Message",
    "Sample",
    "SampleRequest",
    "Sampling",
    "ScoreRequest",
    "Trace",
    "Traced",
]


@dataclass(frozen=True)
class Message:
    """One turn of a conversation. The text is data: chat-template tokens inside it are never read as such."""

    role: Literal["system", "user"]
    text: str


@dataclass(frozen=True)
class Sampling:
    """How to draw from the distribution the grammar leaves open. 0 and 1 switch a filter off."""

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0


@dataclass(frozen=True)
class Adapter:
    """A LoRA adapter: a GGUF file made for the engine's model, and how much of it is added to the weights."""

    path: str
    scale: float = 1.0


@dataclass(frozen=True)
class SampleRequest:
    """``n`` independent texts after the same prompt.

    messages : the conversation; put what never changes first, requests with a common beginning share its cost. Where there
        are none the bare prefix is gone on with, without a chat template.
    prefix : how the model's answer begins; given, not sampled, and not part of the returned texts.
    grammar : what the answer after the prefix must look like; ``None`` leaves the model free until it stops by itself.
    seed : the texts are a function of the request alone, whatever else is asked in the same call, up to rounding: what is
        decoded together may be summed in another order. The same calls in the same order give the same texts exactly.
    max_tokens : bound for a free answer (``grammar=None``); ignored with a grammar, which has its own bound.
    adapter : the LoRA adapter to write with. likelihood : keep the probability of what is drawn.
    """

    messages: tuple[Message, ...]
    grammar: Grammar | None
    n: int = 1
    prefix: str = ""
    sampling: Sampling = field(default_factory=Sampling)
    seed: int = 0
    max_tokens: int = 512
    adapter: Adapter | None = None
    likelihood: bool = False


@dataclass(frozen=True)
class Sample:
    """The texts of one request, ``n`` of them, in exchangeable order.

    logprobs : per text the natural logarithm of the probability with which each of its values was drawn, filters and
        temperature included; ``None`` where it was not asked for. A value is a part of the grammar's outermost sequence
        that is not fixed text (a cell of a row); any other grammar, and none, makes one value of the whole text.
    """

    texts: tuple[str, ...]
    logprobs: tuple[tuple[float, ...], ...] | None = None


@dataclass(frozen=True)
class ScoreRequest:
    """Texts whose likelihood after a prompt is wanted; the other fields are those of :class:`SampleRequest`.

    With a grammar the probability of each token is the one among those the grammar allows at its place; a text that it
    does not allow has probability 0. Without one, how likely the text is to end where it ends is left out. Texts are split
    into tokens as the model's own tokenizer splits them.
    """

    messages: tuple[Message, ...]
    grammar: Grammar | None
    texts: tuple[str, ...]
    prefix: str = ""
    sampling: Sampling = field(default_factory=Sampling)
    adapter: Adapter | None = None


@dataclass(frozen=True)
class Likelihood:
    """The likelihood of texts. values : per text one log-probability for each value, as in :class:`Sample`.
    tokens : per text how many tokens it has.
    """

    values: tuple[tuple[float, ...], ...]
    tokens: tuple[int, ...]

    @property
    def logprobs(self) -> tuple[float, ...]:
        """The log-probability of each text as a whole."""
        return tuple(map(sum, self.values))


@dataclass(frozen=True)
class Traced:
    """A text as the engine's model would write it. tokens : ids. places : for each token, which of :attr:`Trace.allowed` it
    was chosen from; -1 where (nearly) every token may stand. Both empty where the grammar does not allow the text.
    """

    tokens: tuple[int, ...]
    places: tuple[int, ...]


@dataclass(frozen=True)
class Trace:
    """The texts of one request, in order. prompt : token ids. allowed : sets of open tokens, each rising; the traces of one
    call share them.
    """

    prompt: tuple[int, ...]
    allowed: tuple[tuple[int, ...], ...] = ()
    texts: tuple[Traced, ...] = ()
