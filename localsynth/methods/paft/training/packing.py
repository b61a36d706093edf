"""Rows packed into sequences: several after each other, each blind to the others, so that no padding is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from .job import Array, Corpus

__all__ = ["Open", "Packed", "pack"]


@dataclass(frozen=True)
class Packed:
    """Some sequences. inputs, positions : batch x length. mask : batch x 1 x length x length, added to attention scores.

    at : places (in the flat batch) whose next token is learnt; answer : that token; place : index of its set of open tokens,
    -1 for any.
    """

    inputs: torch.Tensor
    positions: torch.Tensor
    mask: torch.Tensor
    at: torch.Tensor
    answer: torch.Tensor
    place: torch.Tensor


class Open:
    """The tokens that can occur where the grammar is narrow.

    vocabulary : their ids, rising. index : id -> position in it, -1 for others. allowed : sets x vocabulary, boolean.
    """

    def __init__(self, corpus: Corpus, vocabulary: int, device: torch.device) -> None:
        ids = np.unique(corpus.allowed)
        self.vocabulary = torch.as_tensor(ids, device=device)
        index = np.full(vocabulary, -1, np.int64)
        index[ids] = np.arange(len(ids))
        self.index = torch.as_tensor(index, device=device)
        sets = np.split(corpus.allowed, corpus.allowed_ends[:-1]) if len(corpus.allowed_ends) else []
        allowed = np.zeros((len(sets), len(ids)), np.bool_)
        for at, one in enumerate(sets):
            allowed[at, index[one]] = True
        self.allowed = torch.as_tensor(allowed, device=device)
        self.single = np.array([len(one) == 1 for one in sets], np.bool_)


def pack(
    corpus: Corpus, texts: Sequence[int], single: Array, length: int, device: torch.device, *, every: bool
) -> Packed:
    """The texts (by number) in sequences of up to ``length`` tokens, longer where a text is.

    single : which sets of open tokens hold one alone: nothing is learnt there, unless ``every`` token counts.
    """
    starts = np.concatenate([[0], corpus.ends[:-1]])
    prompt = len(corpus.prompt)
    # First fit of the longest first leaves little empty.
    order = sorted(range(len(texts)), key=lambda at: -int(corpus.ends[texts[at]] - starts[texts[at]]))
    bins: list[list[int]] = []
    room: list[int] = []
    for at in order:
        size = prompt + int(corpus.ends[texts[at]] - starts[texts[at]])
        found = next((number for number, left in enumerate(room) if left >= size), None)
        if found is None:
            bins.append([])
            room.append(max(length, size))
            found = len(bins) - 1
        bins[found].append(at)
        room[found] -= size
    used = [sum(prompt + int(corpus.ends[texts[at]] - starts[texts[at]]) for at in one) for one in bins]
    longest = max(used)
    inputs = np.zeros((len(bins), longest), np.int64)
    positions = np.zeros((len(bins), longest), np.int64)
    owner = np.full((len(bins), longest), -1, np.int64)
    at_, answer, place = [], [], []
    for number, one in enumerate(bins):
        begin = 0
        for which in one:
            low, high = int(starts[texts[which]]), int(corpus.ends[texts[which]])
            tokens, places = corpus.tokens[low:high], corpus.places[low:high]
            end = begin + prompt + len(tokens)
            inputs[number, begin:end] = np.concatenate([corpus.prompt, tokens])
            positions[number, begin:end] = np.arange(end - begin)
            owner[number, begin:end] = which
            learnt = np.arange(len(tokens))
            if not every:
                learnt = learnt[(places < 0) | ~single[np.maximum(places, 0)]] if len(single) else learnt
            at_.append(number * longest + begin + prompt - 1 + learnt)
            answer.append(tokens[learnt])
            place.append(places[learnt] if not every else np.full(len(learnt), -1))
            begin = end
    seen = np.tril(np.ones((longest, longest), np.bool_)) & (owner[:, :, None] == owner[:, None, :])
    # Padding sees itself: a row of nothing but -inf would be no number.
    seen |= np.eye(longest, dtype=np.bool_)
    mask = torch.zeros((len(bins), 1, longest, longest), dtype=torch.bfloat16)
    mask.masked_fill_(torch.as_tensor(~seen)[:, None], float("-inf"))

    def tensor(parts: list[Array]) -> torch.Tensor:
        return torch.as_tensor(np.concatenate(parts), device=device)

    return Packed(
        torch.as_tensor(inputs, device=device),
        torch.as_tensor(positions, device=device),
        mask.to(device),
        tensor(at_),
        tensor(answer),
        tensor(place),
    )
