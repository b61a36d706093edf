"""The loop people would write, in its process: how it starts, what it refuses, how it ends."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from localsynth.core.errors import EngineDied, EngineError
from localsynth.engine import plainloop
from localsynth.engine.plainloop import LoopResult, LoopTask, PlainLoop

SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {"sex": {"enum": ["f", "m"]}, "smoker": {"type": "boolean"}},
        "required": ["sex", "smoker"],
        "additionalProperties": False,
    }
)


def test_what_tunes_the_engine_s_threads_does_not_reach_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("COMPANY", "kept")
    environment = plainloop._environment()
    assert not any(name.startswith(("OMP_", "GOMP_", "KMP_")) for name in environment)
    assert environment["COMPANY"] == "kept"


def test_rows_per_second() -> None:
    assert LoopResult(("a", "b", "c"), 1.5).rows_per_s == 2.0


def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "no.gguf"
    path.write_bytes(b"no")
    with pytest.raises(EngineError, match="the plain loop cannot be timed"):
        PlainLoop(path, 1)


def test_a_child_that_dies_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # A child that ends at once stands for one that llama.cpp aborts.
    monkeypatch.setattr(plainloop.sys, "executable", "/bin/false")
    with pytest.raises(EngineDied, match="ended with code 1"):
        PlainLoop(tmp_path / "any.gguf", 1)


@pytest.mark.model
class TestWithTheModel:
    def test_rows_by_number_and_by_time(self, embedded_model: Path) -> None:
        told: list[tuple[int, float]] = []
        with PlainLoop(embedded_model, 1) as loop:
            task = LoopTask('A row: {"sex": "f", "smoker": true}\nAnother row: ', SCHEMA, max_tokens=40)
            made = loop.run(task, seconds=60, rows=2, progress=lambda *step: told.append(step))
            again = loop.run(task, seconds=60, rows=2)
            timed = loop.run(task, seconds=1e-6)
            free = loop.run(LoopTask("1, 2, 3, 4, ", stop=("\n",), max_tokens=8), seconds=1e-6, rows=5)
        assert [set(json.loads(text)) for text in made.texts] == [{"sex", "smoker"}] * 2
        assert made.texts == again.texts
        assert [done for done, _ in told] == [1, 2]
        assert 0 < told[0][1] < told[1][1] <= made.seconds
        assert len(timed.texts) == len(free.texts) == 3
        assert all("\n" not in text for text in free.texts)

    def test_what_llama_cpp_refuses_is_told_and_the_next_task_works(self, embedded_model: Path) -> None:
        with PlainLoop(embedded_model, 1, context=64) as loop:
            with pytest.raises(EngineError, match="context window"):
                loop.run(LoopTask("word " * 2000), seconds=1)
            with pytest.raises(EngineError, match="cannot be timed"):
                loop.run(LoopTask("x", "not json"), seconds=1)
            assert len(loop.run(LoopTask("x", max_tokens=4), seconds=1, rows=1).texts) == 1

    def test_it_ends_when_it_is_closed_or_killed(self, embedded_model: Path) -> None:
        loop = PlainLoop(embedded_model, 1)
        pid = loop.pid
        loop.close()
        loop.close()
        assert not Path(f"/proc/{pid}").exists()
        with pytest.raises(EngineError, match="closed"):
            loop.run(LoopTask("x"), seconds=1)
        loop = PlainLoop(embedded_model, 1)
        os.kill(loop.pid, signal.SIGKILL)
        with pytest.raises(EngineDied, match="SIGKILL"):
            loop.run(LoopTask("x"), seconds=1)
        loop.close()
