"""What the trainer is to do, as files in a folder: settings as JSON, tokens as arrays. Nothing in them executes when read."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from localsynth.core.contracts import Trace

__all__ = ["CORPUS", "Corpus", "Settings", "corpus_of", "move_job", "read_job", "whole", "write_job"]

Array: TypeAlias = np.ndarray[Any, Any]
#: The rows, in tokens.
CORPUS = "corpus.npz"
_SETTINGS = "job.json"


@dataclass(frozen=True)
class Settings:
    """How to train.

    model : the GGUF file. rank, alpha, dropout : of LoRA (Hu et al. 2022), on every linear layer of the decoder.
    learning_rate : of AdamW, warmed up over ``warmup`` of all steps, then falling linearly to 0. batch_rows : rows per step.
    epochs : at most. patience : epochs without a better loss on the held-out rows before it stops; 0 trains them
    all. Where rows are held out, the best epoch is kept, else the last.
    gap : nats per row that the loss of train rows may lie below that of held-out rows before training stops.
    open_loss : the loss is normalised over the tokens the grammar allows, and only where it allows more than one; otherwise
    over the whole vocabulary and on every token. pack : tokens of a packed sequence. threads : of torch.
    """

    model: str
    seed: int = 0
    rank: int = 16
    alpha: float = 32.0
    dropout: float = 0.05
    learning_rate: float = 1e-3
    warmup: float = 0.05
    weight_decay: float = 0.0
    batch_rows: int = 16
    epochs: int = 10
    patience: int = 2
    gap: float = float("inf")
    open_loss: bool = True
    pack: int = 512
    threads: int = 1


@dataclass(frozen=True)
class Corpus:
    """Texts to learn from, in tokens.

    prompt : what stands before each. tokens, places : of all texts one after the other, ``ends`` where each ends; places
    index ``allowed``, sets of open tokens laid one after the other with their own ``allowed_ends``; -1 for any token.
    row : of each text the row it writes (in one order of columns or another). held : of each row, whether it is held out.
    """

    prompt: Array
    tokens: Array
    places: Array
    ends: Array
    allowed: Array
    allowed_ends: Array
    row: Array
    held: Array


def corpus_of(traces: Sequence[Trace], rows: Sequence[Sequence[int]], held: Array) -> Corpus:
    """Traces of one or more orders of columns; all have the same prompt. rows : of each trace, the row each text writes."""
    texts = [text for trace in traces for text in trace.texts]
    allowed = traces[0].allowed
    return Corpus(
        prompt=np.array(traces[0].prompt, np.int64),
        tokens=_flat([text.tokens for text in texts]),
        places=_flat([text.places for text in texts]),
        ends=np.cumsum([len(text.tokens) for text in texts]),
        allowed=_flat(allowed),
        allowed_ends=np.cumsum([len(one) for one in allowed], dtype=np.int64),
        row=_flat(rows),
        held=np.asarray(held, np.bool_),
    )


def _flat(parts: Sequence[Sequence[int]]) -> Array:
    return np.fromiter((item for part in parts for item in part), np.int64)


def write_job(folder: Path, settings: Settings, corpus: Corpus) -> None:
    """Write both files, readable by their owner alone; each is whole or not there."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with whole(folder / CORPUS) as path, path.open("wb") as file:
        np.savez(file, **asdict(corpus))
    _write_settings(folder, settings)


def move_job(folder: Path, model: Path) -> None:
    """The same job with the same model, which may be in another place than when it was written."""
    settings = _read_settings(folder)
    if settings.model != os.fspath(model):
        _write_settings(folder, replace(settings, model=os.fspath(model)))


def _write_settings(folder: Path, settings: Settings) -> None:
    with whole(folder / _SETTINGS) as path, path.open("w", encoding="utf-8") as file:
        json.dump(asdict(settings), file)


def _read_settings(folder: Path) -> Settings:
    return Settings(**json.loads((folder / _SETTINGS).read_text(encoding="utf-8")))


class whole:  # noqa: N801 - reads as a statement
    """Write beside, readable by the owner alone, then take the name."""

    def __init__(self, path: Path) -> None:
        self._path, self._beside = path, path.with_name(path.name + ".new")

    def __enter__(self) -> Path:
        os.close(os.open(self._beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        return self._beside

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._beside.replace(self._path)


def read_job(folder: Path) -> tuple[Settings, Corpus]:
    """What :func:`write_job` wrote."""
    settings = _read_settings(folder)
    with np.load(folder / CORPUS, allow_pickle=False) as arrays:
        return settings, Corpus(**{name: arrays[name] for name in arrays.files})
