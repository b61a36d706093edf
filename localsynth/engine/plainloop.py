"""The loop people write themselves: one ``create_completion`` for each row, timed in a process of its own.

It is what the engine is measured against, so nothing of the engine is in it: llama-cpp-python's high-level interface with
its defaults, llama.cpp's own grammars, and the environment a person's shell would give.
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..core.errors import EngineDied, EngineError
from .child import finding_us, spawn
from .wire import read_frame, write_frame

__all__ = ["LoopResult", "LoopTask", "PlainLoop"]

_LEAST_ROWS = 3  # a rate out of fewer says little
_TUNING = ("OMP_", "GOMP_", "KMP_")  # variables that change how llama.cpp's threads wait


@dataclass(frozen=True)
class LoopTask:
    """What is asked for each row.

    json_schema : as text; llama.cpp makes its grammar of it. ``None`` leaves the model free until ``stop``.
    max_tokens : a row that is not done by then is cut off.
    """

    prompt: str
    json_schema: str | None = None
    stop: tuple[str, ...] = ()
    max_tokens: int = 256


@dataclass(frozen=True)
class LoopResult:
    """Rows as the model wrote them, and the seconds they took; reading the prompt the first time is not among them."""

    texts: tuple[str, ...]
    seconds: float

    @property
    def rows_per_s(self) -> float:
        """Rows per second."""
        return len(self.texts) / self.seconds


class PlainLoop:
    """A child process with the model open in it.

    Parameters
    ----------
    model : path of the GGUF file. threads : of llama.cpp, for prompts and rows alike. context : tokens of a prompt and a row.
    gpu_layers : layers kept on a GPU, -1 for all.
    Raises ``EngineError`` where the model cannot be opened, ``EngineDied`` where the child dies over it.
    """

    def __init__(self, model: Path, threads: int, *, context: int = 2048, gpu_layers: int = 0) -> None:
        with tempfile.TemporaryFile() as log:
            self._process, self._read, self._write = spawn("localsynth.engine.plainloop", log, _environment())
        try:
            self._send(
                {"model": str(model), "threads": threads, "context": context, "gpu_layers": gpu_layers}
            )
            self._receive()
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    def run(
        self,
        task: LoopTask,
        *,
        seconds: float,
        rows: int | None = None,
        seed: int = 0,
        progress: Callable[[int, float], None] | None = None,
    ) -> LoopResult:
        """Rows one by one until ``rows`` are there or ``seconds`` are over, at least three unless fewer are wanted.

        seed : of the first row; each next row has the next. progress : called with rows written and seconds gone.
        Raises ``EngineError`` where llama.cpp refuses the task, ``EngineDied`` where the child dies over it.
        """
        self._send({"task": asdict(task), "seconds": seconds, "rows": rows, "seed": seed})
        while True:
            frame = self._receive()
            if "texts" in frame:
                return LoopResult(tuple(frame["texts"]), float(frame["seconds"]))
            if progress is not None:
                progress(int(frame["done"]), float(frame["seconds"]))

    def close(self) -> None:
        """End the child."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for fd in (self._write, self._read):
            if fd >= 0:
                os.close(fd)
        self._write = self._read = -1

    def __enter__(self) -> PlainLoop:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(self, message: dict[str, Any]) -> None:
        if self._write < 0:
            raise EngineError("the plain loop is closed")
        try:
            write_frame(self._write, message)
        except OSError:
            raise self._death() from None

    def _receive(self) -> dict[str, Any]:
        frame = read_frame(self._read)
        if frame is None:
            raise self._death()
        if "error" in frame:
            raise EngineError(f"the plain loop cannot be timed: {frame['error']}")
        return frame

    def _death(self) -> EngineDied:
        try:
            code = self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        how = f"ended with code {code}"
        if code < 0:
            known = {number.value: number.name for number in signal.Signals}
            how = f"was ended by {known.get(-code, f'signal {-code}')}"
        return EngineDied(
            f"the process of the plain loop {how}", "llama.cpp itself failed there, without the engine"
        )


def _environment() -> dict[str, str]:
    """Ours, but for what tunes llama.cpp's threads: the engine is measured against their defaults."""
    return finding_us({key: value for key, value in os.environ.items() if not key.startswith(_TUNING)})


# --- the child ------------------------------------------------------------------------------------------------------


def _main() -> None:
    read, write = int(sys.argv[1]), int(sys.argv[2])
    frames: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(read, frames), daemon=True).start()
    try:
        llama = _guarded(write, lambda: _open(**frames.get()))
        if llama is None:
            return
        write_frame(write, {"open": True})
        while True:
            frame = frames.get()
            answer = _guarded(write, lambda frame=frame: _loop(llama, write, **frame))  # type: ignore[misc]
            if answer is not None:
                write_frame(write, answer)
    except BrokenPipeError:
        os._exit(0)


def _listen(fd: int, frames: queue.SimpleQueue[dict[str, Any]]) -> None:
    while True:
        frame = read_frame(fd)
        if frame is None:
            os._exit(0)  # the parent is gone: nobody wants what is being computed
        frames.put(frame)


def _guarded(write: int, work: Callable[[], Any]) -> Any:
    """What the work gives; ``None`` where llama-cpp-python refuses it, after telling the parent why."""
    try:
        return work()
    except BrokenPipeError:
        raise
    except (ValueError, RuntimeError, TypeError, AssertionError, OSError, MemoryError) as error:
        write_frame(write, {"error": f"{type(error).__name__}: {error}"})
        return None


def _open(model: str, threads: int, context: int, gpu_layers: int) -> Any:
    import llama_cpp

    return llama_cpp.Llama(
        model,
        n_ctx=context,
        n_threads=threads,
        n_threads_batch=threads,
        n_gpu_layers=gpu_layers,
        verbose=False,
    )


def _loop(
    llama: Any, write: int, task: dict[str, Any], seconds: float, rows: int | None, seed: int
) -> dict[str, Any]:
    from llama_cpp.llama_grammar import LlamaGrammar

    asked = LoopTask(**{**task, "stop": tuple(task["stop"])})
    grammar = None
    if asked.json_schema is not None:
        grammar = LlamaGrammar.from_json_schema(asked.json_schema, verbose=False)

    def row(number: int, max_tokens: int) -> str:
        answer = llama.create_completion(
            asked.prompt,
            grammar=grammar,
            stop=list(asked.stop),
            max_tokens=max_tokens,
            temperature=1.0,
            seed=seed + number,
        )
        return str(answer["choices"][0]["text"])

    row(0, 1)  # llama-cpp-python keeps the prompt from one call to the next, so it is read only here
    texts: list[str] = []
    started, gone = time.perf_counter(), 0.0
    least = _LEAST_ROWS if rows is None else min(rows, _LEAST_ROWS)
    while (rows is None or len(texts) < rows) and (len(texts) < least or gone < seconds):
        texts.append(row(len(texts), asked.max_tokens))
        gone = time.perf_counter() - started
        write_frame(write, {"done": len(texts), "seconds": gone})
    return {"texts": texts, "seconds": gone}


if __name__ == "__main__":
    _main()
