"""Models of a few hundred bytes, and engines that only pretend."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from localsynth.core.contracts import EngineInfo, Likelihood, Sample, SampleRequest, ScoreRequest
from localsynth.core.run import Usage
from localsynth.engine.catalog import Catalog, Model
from localsynth.engine.machine import Machine
from localsynth.engine.setup import Setup
from localsynth.engine.tuned import Tuned, tuned_name, tuned_path
from tests.engine.gguf_files import META, TENSORS, gguf

FILE_TYPES = {"Q4_0": 2, "Q8_0": 7, "BF16": 32}


def tiny(quantization: str) -> bytes:
    """A GGUF file that says it is of that quantization."""
    fill = {"Q4_0": b"\1", "Q8_0": b"\2", "BF16": b"\3", "Q4_1": b"\4"}[quantization]
    number = {**FILE_TYPES, "Q4_1": 3}[quantization]
    return gguf({**META, "general.file_type": number}, TENSORS, fill=fill)


def install(folder: Path, name: str = "own", quantization: str = "Q4_1") -> Model:
    """A model of one's own in a models folder."""
    source = folder.parent / f"{name}.source.gguf"
    source.write_bytes(tiny(quantization))
    return Catalog(folder).add(source, name=name)


def entry_for(model: Model, machine: Machine, quantization: str = "Q8_0", **changes: object) -> Tuned:
    """A tuned entry; its file is put in place."""
    name = tuned_name(model.name, quantization, model.sha256)
    path = tuned_path(model.folder, name)
    path.parent.mkdir(exist_ok=True)
    data = tiny(quantization)
    path.write_bytes(data)
    entry = Tuned(
        original=model.sha256,
        quantization=quantization,
        file=name,
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        cpu=machine.cpu,
        cores=machine.cores,
        tokens_per_s=800.5,
        rows_per_s=40.25,
        tuned_at=datetime(2026, 1, 2, tzinfo=UTC),
        setup=Setup(threads=4, contexts=4, lanes=32),
    )
    return entry.model_copy(update=changes)


@dataclass
class Pretender:
    """An engine that needs ``cost`` seconds for each row, by a clock that only it moves."""

    clock: list[float]
    cost: float
    likelihood: float = -1.0  # of every cell
    calls: list[int] = field(default_factory=list)
    closed: bool = False
    pid: int | None = None

    def info(self) -> EngineInfo:
        return EngineInfo("pretender", "m", 1000, 1)

    def sample(
        self, requests: Sequence[SampleRequest], progress: object = None
    ) -> tuple[list[Sample], Usage]:
        (request,) = requests
        self.clock[0] += self.cost * request.n
        self.calls.append(request.n)
        return [Sample(("1,2\n",) * request.n)], Usage(decoded_tokens=10 * request.n)

    def score(
        self, requests: Sequence[ScoreRequest], progress: object = None
    ) -> tuple[list[Likelihood], Usage]:
        (request,) = requests
        count = len(request.texts)
        return [Likelihood(((self.likelihood, self.likelihood),) * count, (4,) * count)], Usage()

    def close(self) -> None:
        self.closed = True


def pretend(
    monkeypatch: object, cost: Callable[[Path, Setup], float], likelihood: Callable[[Path], float]
) -> Callable[[Path, Setup], Pretender]:
    """Opens pretenders, and lets their clock be the one everybody looks at."""
    clock = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])  # type: ignore[attr-defined]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])  # type: ignore[attr-defined]

    def open_one(path: Path, setup: Setup) -> Pretender:
        return Pretender(clock, cost(path, setup), likelihood(path))

    return open_one
