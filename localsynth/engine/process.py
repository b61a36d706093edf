"""The parent's side of the engine: starts the child process, asks it, and tells clearly when it died."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any

from ..core.contracts import (
    EngineInfo,
    Likelihood,
    ProgressCallback,
    Sample,
    SampleRequest,
    ScoreRequest,
    Trace,
    Traced,
)
from ..core.errors import EngineDied, EngineError, LocalsynthError, OverMemory
from ..core.run import Usage
from .child import beyond_memory, finding_us, spawn
from .setup import Setup
from .wire import decode_error, encode_requests, read_frame, write_frame

__all__ = ["ProcessEngine", "Timing"]


_PLAIN = (
    "this processor refused an instruction it announces: the engine runs without CPU-specific weight layouts, "
    "which is slower"
)


@dataclass(frozen=True)
class Timing:
    """Where a call's time went, in seconds of wall time in the child.

    native_seconds : inside llama.cpp. python_seconds : between two batches. Both are means of the contexts that took part;
    what is left is waiting for the slowest. first_seconds : until the first text was whole. threads : that worked.
    """

    seconds: float = 0.0
    native_seconds: float = 0.0
    python_seconds: float = 0.0
    first_seconds: float = 0.0
    threads: int = 1

    @property
    def waiting_seconds(self) -> float:
        """What is neither llama.cpp nor Python: contexts that are done wait for the slowest."""
        return max(0.0, self.seconds - self.native_seconds - self.python_seconds)


class ProcessEngine:
    """A model in a child process.

    Parameters
    ----------
    model : path of the GGUF file. name : what the catalog calls it. setup : how it is laid out on this machine.
    log : file for what llama.cpp prints, created 0600; default a temporary file. context : see ``backend.Options``.
    notes : what a person should know, beside what the engine itself finds.
    Raises ``ModelError`` where the model cannot be opened, ``EngineDied`` where the child dies over it.
    """

    def __init__(
        self,
        model: Path,
        name: str,
        setup: Setup,
        *,
        log: Path | None = None,
        context: int = 0,
        notes: tuple[str, ...] = (),
    ) -> None:
        self._log, self._log_from = log, 0
        self._process: subprocess.Popen[bytes]
        self._read = self._write = -1
        self._lock = threading.Lock()
        self._number = 0
        self._notes, self._told = notes, 0
        self.timing = Timing()
        self._options: dict[str, Any] = {
            "model": str(model.resolve()),
            "name": name,
            "setup": asdict(setup),
            "context": context,
            "plain_buffers": False,
        }
        self.setup = setup
        try:
            hello = self._start()
        except EngineDied:
            if self._process.returncode != -signal.SIGILL:
                raise
            # Some processors and virtual machines announce instructions they refuse; only the fast weight layouts use them.
            self._options["plain_buffers"] = True
            self._notes += (_PLAIN,)
            hello = self._start()
        self._info = EngineInfo(
            "llama.cpp", name, int(hello["context"]), setup.threads, setup=str(hello["setup"])
        )

    def info(self) -> EngineInfo:
        return replace(self._info, notes=self._notes)

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    def sample(
        self, requests: Sequence[SampleRequest], progress: ProgressCallback | None = None
    ) -> tuple[list[Sample], Usage]:
        """As the contract says."""
        answer, usage = self._long("sample", requests, sum(request.n for request in requests), progress)
        return [Sample(tuple(texts), _rows(logprobs)) for texts, logprobs in answer["samples"]], usage

    def score(
        self, requests: Sequence[ScoreRequest], progress: ProgressCallback | None = None
    ) -> tuple[list[Likelihood], Usage]:
        """As the contract says."""
        wanted = sum(len(request.texts) for request in requests)
        answer, usage = self._long("score", requests, wanted, progress)
        return [Likelihood(_rows(values) or (), tuple(tokens)) for values, tokens in answer["scores"]], usage

    def trace(self, requests: Sequence[ScoreRequest]) -> list[Trace]:
        """As the contract says."""
        answer = self._ask({"do": "trace", **encode_requests(requests)})
        allowed = tuple(map(tuple, answer["allowed"]))
        return [
            Trace(
                tuple(prompt),
                allowed,
                tuple(Traced(tuple(tokens), tuple(places)) for tokens, places in texts),
            )
            for prompt, texts in answer["traces"]
        ]

    def prefill_rate(self, seconds: float = 1.0) -> float:
        """llama.cpp's own prefill in tokens/s, in the child: one sequence, all threads, the setup's batch (512 tokens)."""
        return float(self._ask({"do": "prefill", "seconds": seconds})["rate"])

    def _long(
        self, what: str, requests: Sequence[Any], wanted: int, progress: ProgressCallback | None
    ) -> tuple[dict[str, Any], Usage]:
        answer = self._ask({"do": what, **encode_requests(requests)}, progress, wanted)
        prompt, decoded, forced = answer["usage"]
        self.timing = Timing(**answer["timing"], threads=self.setup.threads)
        self._notes += tuple(answer["notices"])
        if progress is not None:
            progress(wanted, wanted)
        return answer, Usage(1, wanted, prompt, decoded, forced, self.timing.seconds)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        counts: list[int] = self._ask({"do": "count", "texts": list(texts)})["counts"]
        return counts

    def render(self, request: SampleRequest) -> str:
        return str(self._ask({"do": "render", **encode_requests([request])})["text"])

    def prompt_tokens(self, request: SampleRequest) -> int:
        return int(self._ask({"do": "render", **encode_requests([request])})["tokens"])

    def cancel(self) -> None:
        # On a thread of its own: a signal handler must not wait for a lock that the code it interrupted may hold.
        threading.Thread(target=self._cancel, args=(self._number,), daemon=True).start()

    def _cancel(self, number: int) -> None:
        with suppress(OSError):
            self._send({"do": "cancel", "id": number})

    def kill(self) -> None:
        """End the child at once, whatever it is doing; a waiting ``sample`` raises ``EngineDied``."""
        self._process.kill()

    def close(self) -> None:
        """End the child."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        with self._lock:  # a thread that cancels may be about to write
            for fd in (self._write, self._read):
                with suppress(OSError):
                    os.close(fd)
            self._write = self._read = -1

    def __enter__(self) -> ProcessEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- the child --------------------------------------------------------------------------------------------------

    def _start(self) -> dict[str, Any]:
        with self._open_log() as log:
            self._process, self._read, self._write = spawn("localsynth.engine.worker", log, _environment())
        try:
            self._send({"do": "open", "options": self._options})
            return self._receive()
        except LocalsynthError as error:
            self.close()
            raise self._beyond(error.message) or error from None
        except OSError:
            self.close()
            raise self._death() from None
        except BaseException:
            self.close()
            raise

    def _beyond(self, said: str = "") -> OverMemory | None:
        return beyond_memory("the engine", self._log, self._log_from, said)

    def _open_log(self) -> IO[bytes]:
        if self._log is None:
            return tempfile.TemporaryFile()
        self._log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        log = os.fdopen(os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")
        self._log_from = log.tell()
        return log

    def _send(self, message: dict[str, Any]) -> None:
        with self._lock:
            if self._write < 0:
                raise BrokenPipeError("the engine is closed")
            write_frame(self._write, message)

    def _receive(self) -> dict[str, Any]:
        frame = read_frame(self._read)
        if frame is None:
            raise self._death()
        if "error" in frame:
            raise decode_error(frame)
        return frame

    def _ask(
        self, message: dict[str, Any], progress: ProgressCallback | None = None, wanted: int = 0
    ) -> dict[str, Any]:
        if self._write < 0:
            raise EngineError("the engine is closed")
        self._number += 1
        try:
            self._send({"id": self._number, **message})
        except OSError:
            raise self._death() from None
        while True:
            frame = read_frame(self._read)
            if frame is None:
                raise self._death()
            if frame.get("id") != self._number:
                continue  # the rest of a call that was given up
            if "error" in frame:
                error = decode_error(frame)
                raise (self._beyond(error.message) or error) if isinstance(error, EngineError) else error
            if "finished" in frame:
                if progress is not None:
                    progress(int(frame["finished"]), wanted)
                continue
            return frame

    def _death(self) -> EngineDied | OverMemory:
        try:
            code = self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        if (beyond := self._beyond()) is not None:
            return beyond
        if code < 0:
            try:
                how = f"was ended by {signal.Signals(-code).name}"
            except ValueError:
                how = f"was ended by signal {-code}"
        else:
            how = f"ended with code {code}"
        where = f"its log is {self._log}" if self._log else "run again with a workspace to keep its log"
        memory = "; was there memory enough?" if code == -signal.SIGKILL else ""
        return EngineDied(f"the engine process {how}{memory}", where)


def _rows(rows: list[list[float]] | None) -> tuple[tuple[float, ...], ...] | None:
    return None if rows is None else tuple(map(tuple, rows))


def available_cores() -> int:
    """Cores this process may run on."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        return os.cpu_count() or 1


def _environment() -> dict[str, str]:
    environment = dict(os.environ)
    # Idle OpenMP threads spin for long by default; where other work wants the cores too, that stops everything. A short spin
    # bridges the gaps between two operations (measured on idle cores: 2.5 times the speed of none for a single sequence).
    environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    environment.setdefault("GOMP_SPINCOUNT", "3000")
    environment.setdefault(
        "OPENBLAS_NUM_THREADS", "1"
    )  # numpy's products here are tiny; its idle threads spin too
    # glibc keeps a heap for each thread that ever allocates; grammars and masks, made and dropped by all of them, leave holes
    # in each. One heap for all costs no speed that could be measured and 24 MB less over a run of many long prompts.
    environment.setdefault("MALLOC_ARENA_MAX", "1")
    environment["PYTHONUNBUFFERED"] = "1"
    return finding_us(environment)
