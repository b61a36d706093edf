"""The engine in its child process: answers, cancels, dies and is told dead."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from math import inf
from pathlib import Path

import pytest

from localsynth.core.contracts import Message, SampleRequest, ScoreRequest
from localsynth.core.errors import (
    Cancelled,
    ContextTooSmall,
    EngineDied,
    EngineError,
    ExitCode,
    ModelError,
    OverMemory,
)
from localsynth.core.grammar import Fixed, Number, OneOf, seq
from localsynth.engine.process import ProcessEngine
from localsynth.engine.setup import Setup
from localsynth.sealed import limit

pytestmark = pytest.mark.model

GRAMMAR = seq(Number(18, 95), ",", OneOf((Fixed("female"), Fixed("male"))), "\n")
REQUEST = SampleRequest((Message("user", "Write one row: age,sex."),), GRAMMAR, n=10, seed=3)
SETUP = Setup(threads=2, contexts=2, side_cells=2048)
LONG = SampleRequest((Message("user", "Tell a long story."),), None, n=64, max_tokens=2000, seed=1)


@pytest.fixture
def engine(embedded_model: Path, tmp_path: Path) -> Iterator[ProcessEngine]:
    with ProcessEngine(embedded_model, "smollm2-135m", SETUP, log=tmp_path / "logs" / "engine.log") as engine:
        yield engine


def wait_for(condition: object, seconds: float = 20) -> bool:
    assert callable(condition)
    event, end = threading.Event(), time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        event.wait(0.02)
    return False


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_answers_and_keeps_its_log_private(engine: ProcessEngine, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    (sample,), usage = engine.sample([REQUEST], lambda done, wanted: seen.append((done, wanted)))
    assert len(sample.texts) == 10
    assert all(text.endswith("\n") for text in sample.texts)
    assert seen[-1] == (10, 10)
    assert usage.decoded_tokens > 0
    assert usage.seconds > 0
    assert engine.prompt_tokens(REQUEST) > engine.count_tokens(["Write one row: age,sex."])[0] > 5
    assert "Write one row" in engine.render(REQUEST)
    assert stat.S_IMODE((tmp_path / "logs" / "engine.log").stat().st_mode) == 0o600


def test_a_fresh_process_writes_the_same_rows(engine: ProcessEngine, embedded_model: Path) -> None:
    engine.sample([LONG.__class__((Message("user", "Something else first."),), GRAMMAR, n=5, seed=9)])
    (warm,), _ = engine.sample([REQUEST])
    with ProcessEngine(embedded_model, "smollm2-135m", SETUP) as other:
        (fresh,), _ = other.sample([REQUEST])
    assert warm == fresh


def test_no_socket_in_the_child(engine: ProcessEngine) -> None:
    targets = []
    for link in Path(f"/proc/{engine.pid}/fd").iterdir():
        try:
            targets.append(str(link.readlink()))
        except FileNotFoundError:  # closed while we looked
            continue
    assert targets
    assert not [target for target in targets if target.startswith("socket:")]


def test_cancel_is_felt_and_the_engine_goes_on(engine: ProcessEngine) -> None:
    begun = threading.Event()
    told: list[float] = []

    def stop() -> None:
        begun.wait(60)
        told.append(time.monotonic())
        engine.cancel()

    thread = threading.Thread(target=stop)
    thread.start()
    with pytest.raises(Cancelled):
        engine.sample([LONG], lambda *_: begun.set())
    thread.join()
    assert time.monotonic() - told[0] < 10  # seconds; on an idle machine some milliseconds
    (sample,), _ = engine.sample([REQUEST])
    assert len(sample.texts) == 10


def test_a_cancel_that_comes_first_is_not_lost(engine: ProcessEngine) -> None:
    """The next call's cancel may reach the child before the child begins with the call."""
    engine._cancel(engine._number + 1)
    with pytest.raises(Cancelled):
        engine.sample([LONG])
    assert engine.sample([REQUEST])[0][0].texts


def test_a_long_prompt_is_left_in_the_middle(engine: ProcessEngine) -> None:
    prompt = SampleRequest((Message("user", "word " * 7_000),), GRAMMAR)
    threading.Timer(0.3, engine.cancel).start()
    with pytest.raises(Cancelled):
        engine.sample([prompt])
    first, _ = engine.sample([REQUEST])
    assert first == engine.sample([REQUEST])[0]


def test_scores_cross_the_pipe(engine: ProcessEngine) -> None:
    drawn = replace(REQUEST, likelihood=True)
    (sample,), _ = engine.sample([drawn])
    assert sample.logprobs is not None
    asked = ScoreRequest(REQUEST.messages, GRAMMAR, (*sample.texts, "never"))
    (score,), usage = engine.score([asked])
    assert len(score.values) == len(score.tokens) == 11
    assert score.logprobs[-1] == -inf
    assert usage.decoded_tokens > 0
    assert engine.prefill_rate(0.1) > 0


def test_a_killed_child_is_reported_with_its_log(engine: ProcessEngine) -> None:
    begun = threading.Event()

    def kill() -> None:
        begun.wait(60)
        os.kill(engine.pid, signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    with pytest.raises(EngineDied, match="SIGKILL") as caught:
        engine.sample([LONG], lambda *_: begun.set())
    thread.join()
    assert "engine.log" in caught.value.hint
    with pytest.raises(EngineDied):
        engine.sample([REQUEST])


def test_too_long_a_prompt_is_an_answer_not_a_death(engine: ProcessEngine) -> None:
    with pytest.raises(ContextTooSmall, match=r"\d"):
        engine.sample([SampleRequest((Message("user", "word " * 20_000),), GRAMMAR)])
    assert engine.sample([REQUEST])[0][0].texts


def test_closed_is_said(embedded_model: Path) -> None:
    engine = ProcessEngine(embedded_model, "smollm2-135m", Setup(threads=1))
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        engine.sample([REQUEST])


def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "x.gguf"
    path.write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(ModelError, match="cannot load"):
        ProcessEngine(path, "x", Setup(threads=1))


def test_the_child_ends_when_its_parent_is_killed(embedded_model: Path) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from localsynth.core.contracts import Message, SampleRequest\n"
        "from localsynth.engine.process import ProcessEngine\n"
        "from localsynth.engine.setup import Setup\n"
        "engine = ProcessEngine(Path(sys.argv[1]), 'm', Setup(threads=1))\n"
        "request = SampleRequest((Message('user', 'Tell.'),), None, n=64, max_tokens=2000)\n"
        "engine.sample([request], lambda *_: print(engine.pid, flush=True))\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(embedded_model)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert alive(child)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert wait_for(lambda: not alive(child))


def test_a_refused_instruction_leads_to_plain_buffers(
    embedded_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sitecustomize in the child ends the first process the way a refused instruction does."""
    marker = tmp_path / "died"
    (tmp_path / "sitecustomize.py").write_text(
        "import os, pathlib, signal, sys\n"
        f"marker = pathlib.Path({str(marker)!r})\n"
        "if 'localsynth.engine.worker' in ' '.join(sys.orig_argv) and not marker.exists():\n"
        "    marker.touch()\n"
        "    os.kill(os.getpid(), signal.SIGILL)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with ProcessEngine(embedded_model, "smollm2-135m", Setup(threads=1)) as engine:
        assert marker.exists()
        assert "slower" in engine.info().notes[0]
        assert engine.sample([REQUEST])[0][0].texts


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not keep this limit")
@pytest.mark.parametrize("memory", [100, 350, 500])  # at the start, while the model is loaded, for the caches
def test_an_engine_in_too_little_memory_says_so(embedded_model: Path, tmp_path: Path, memory: int) -> None:
    log = tmp_path / "engine.log"
    setup = replace(SETUP, cells=16384, side_cells=16384)
    with limit.for_children(memory * 10**6), pytest.raises(OverMemory) as caught:
        ProcessEngine(embedded_model, "smollm2-135m", setup, log=log)
    assert caught.value.message == f"the engine needed more than --max-memory {memory}MB allows"
    assert caught.value.code is ExitCode.ENGINE
