"""Fine-tuning on the real model: a killed training gives the very same adapter, and the adapter is what was learnt."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from localsynth.core.contracts import Adapter, SampleRequest, ScoreRequest
from localsynth.core.errors import OverMemory, RunError
from localsynth.core.grammar import Fixed, Number, OneOf, seq
from localsynth.core.limits import Limits
from localsynth.engine.process import ProcessEngine
from localsynth.engine.setup import Setup
from localsynth.methods.paft.training.job import Settings, corpus_of, write_job
from localsynth.methods.paft.training.start import ADAPTER, ENDED, can_train, train_in_child
from localsynth.runs.control import Control
from localsynth.runs.watch import Watch

pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(not can_train(), reason="needs the extra 'finetune' (`make finetune`)"),
]

# Which word follows which number is nothing a language model knows.
WORDS = ("red", "blue", "green", "white")
ROW = seq(Number(0, 3), ",", OneOf(tuple(map(Fixed, WORDS))), ",", Number(0, 9), "\n")
SETUP = Setup(threads=2, contexts=1, lanes=4, cells=1024, side_cells=1024)


def lines(n: int, seed: int = 0) -> tuple[str, ...]:
    rng = np.random.default_rng(seed)
    kinds = rng.integers(0, 4, n)
    return tuple(f"{kind},{WORDS[(kind + 1) % 4]},{rng.integers(0, 10)}\n" for kind in kinds)


@pytest.fixture(scope="module")
def engine(embedded_model: Path) -> Any:
    with ProcessEngine(embedded_model, "smollm2-135m", SETUP) as engine:
        yield engine


def job(folder: Path, engine: ProcessEngine, model: Path, **settings: Any) -> None:
    texts = lines(48)
    traces = engine.trace([ScoreRequest((), ROW, texts, prefix="\n")])
    held = np.arange(48) % 6 == 0
    chosen = {"rank": 4, "alpha": 8.0, "batch_rows": 8, "learning_rate": 4e-3, "epochs": 6, "threads": 2}
    write_job(folder, Settings(str(model), **{**chosen, **settings}), corpus_of(traces, [range(48)], held))


def nothing(_: dict[str, Any]) -> None:
    """Hear of it and go on."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, engine: ProcessEngine, embedded_model: Path) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    job(folder, engine, embedded_model)
    outcome = train_in_child(folder, nothing)
    assert outcome.adapter == folder / ADAPTER
    losses = [epoch["held"] for epoch in outcome.curve]
    assert (
        min(losses) < np.log(4 * 10) + 0.4 < losses[0]
    )  # a kind and a number are chance, the word between is not
    assert outcome.best == 1 + int(np.argmin(losses))
    return folder


def test_the_adapter_says_in_the_engine_what_was_learnt_in_training(
    trained: Path, engine: ProcessEngine
) -> None:
    outcome = train_in_child(trained, nothing)  # finished: nothing is trained again
    held = tuple(line for at, line in enumerate(lines(48)) if at % 6 == 0)
    adapter = Adapter(str(outcome.adapter))
    (found,), _ = engine.score([ScoreRequest((), ROW, held, prefix="\n", adapter=adapter)])
    told = outcome.curve[outcome.best - 1]["held"]
    # The engine reads 4-bit weights where training had their bfloat16 copies.
    assert -np.mean(found.logprobs) == pytest.approx(told, abs=0.35)
    (plain,), _ = engine.score([ScoreRequest((), ROW, held, prefix="\n")])
    assert -np.mean(plain.logprobs) > told + 0.5


def test_sampled_rows_show_what_goes_together(trained: Path, engine: ProcessEngine) -> None:
    request = SampleRequest((), ROW, 200, prefix="\n", adapter=Adapter(str(trained / ADAPTER)))
    (sample,), _ = engine.sample([request])
    rows = [text.strip().split(",") for text in sample.texts]
    right = np.mean([word == WORDS[(int(kind) + 1) % 4] for kind, word, _ in rows])
    assert right > 0.6  # by chance .25


def stop_after(messages: int, how: Callable[[], None]) -> Callable[[dict[str, Any]], None]:
    seen = 0

    def tell(message: dict[str, Any]) -> None:
        nonlocal seen
        seen += message.get("what") == "step"
        if seen >= messages:
            how()

    return tell


class Stopped(Exception):
    pass


def stop() -> None:
    raise Stopped


@pytest.mark.parametrize("moments", [(3, 9)])
def test_a_killed_training_goes_on_to_the_same_adapter(
    moments: tuple[int, ...],
    trained: Path,
    tmp_path: Path,
    engine: ProcessEngine,
    embedded_model: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LOCALSYNTH_KEEP_EVERY_S", "0")
    job(tmp_path, engine, embedded_model)
    for moment in moments:
        with pytest.raises(Stopped):
            train_in_child(tmp_path, stop_after(moment, stop))
        assert not (tmp_path / ADAPTER).exists()
    outcome = train_in_child(tmp_path, nothing)
    assert outcome.adapter.read_bytes() == (trained / ADAPTER).read_bytes()


def test_an_adapter_taken_away_is_written_again(trained: Path) -> None:
    """As ``keep`` takes it: what comes after that may break off, and training is asked for again."""
    before, told = (trained / ADAPTER).read_bytes(), list[dict[str, Any]]()
    (trained / ADAPTER).unlink()
    outcome = train_in_child(trained, told.append)
    assert outcome.adapter.read_bytes() == before
    assert {message.get("what") for message in told} <= {None, "loading", "done"}  # nothing is trained again
    assert (outcome.best, outcome.curve) == (
        train_in_child(trained, nothing).best,
        train_in_child(trained, nothing).curve,
    )


def test_a_training_that_diverges_is_told(
    tmp_path: Path, engine: ProcessEngine, embedded_model: Path
) -> None:
    job(tmp_path, engine, embedded_model, learning_rate=1e30)
    with pytest.raises(RunError, match="training diverged") as caught:
        train_in_child(tmp_path, nothing)
    assert caught.value.hint == "lower learning_rate"
    assert not (tmp_path / ADAPTER).exists()


def test_files_are_the_owners_alone(trained: Path) -> None:
    names = {"job.json", "corpus.npz", "kept.pt", "training.log", ADAPTER, ENDED}
    assert {path.name for path in trained.iterdir()} == names
    assert {oct(path.stat().st_mode)[-3:] for path in trained.iterdir()} == {"600"}


def test_a_training_that_breaks_is_told_with_its_log(
    tmp_path: Path, engine: ProcessEngine, embedded_model: Path
) -> None:
    job(tmp_path, engine, embedded_model)
    broken = tmp_path / "none.gguf"
    (tmp_path / "job.json").write_text(
        (tmp_path / "job.json").read_text().replace(os.fspath(embedded_model), os.fspath(broken))
    )
    with pytest.raises(RunError, match="training process ended with code 1") as caught:
        train_in_child(tmp_path, nothing)
    assert "training.log" in caught.value.hint


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not keep this limit")
def test_a_training_in_too_little_memory_says_so(
    tmp_path: Path, engine: ProcessEngine, embedded_model: Path
) -> None:
    """Or, where a library tries for ever to get some more, is stopped by the watch."""
    job(tmp_path, engine, embedded_model)
    control = Control()
    limits = Limits(memory=300_000_000)
    with Watch(limits, control, who="training", footprint=lambda: 0), pytest.raises(OverMemory) as caught:
        train_in_child(tmp_path, lambda _: control.check())
    assert caught.value.message == "training needed more than --max-memory 300MB allows"
    assert not (tmp_path / ADAPTER).exists()
