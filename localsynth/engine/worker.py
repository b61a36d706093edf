"""The engine's child process: opens a model, answers requests from its parent, ends when the parent ends.

Its own standard output and error go to a log file: llama.cpp writes there, and a terminal program must never see it.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from localsynth.sealed import untold

from ..core.contracts import Message, SampleRequest
from ..core.errors import Cancelled, EngineError, LocalsynthError
from ..core.run import Usage
from ..core.tracing import install
from .setup import Setup
from .wire import decode_requests, encode_error, read_frame, write_frame

_INTERVAL = 0.1  # seconds between two progress messages


class _Inbox:
    """Reads the parent's messages on a thread of its own, so that a cancel or the parent's end is noticed at once."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._frames: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._cancelled = 0  # calls up to this number are cancelled
        self._running = 0
        self._stop: Callable[[], None] = _nothing
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            frame = read_frame(self._fd)
            if frame is None:
                os._exit(0)  # the parent is gone: nobody wants what is being computed
            if frame["do"] != "cancel":
                self._frames.put(frame)
                continue
            with self._lock:
                self._cancelled = max(self._cancelled, int(frame["id"]))
                if self._running and self._running <= self._cancelled:
                    self._stop()

    def next(self) -> dict[str, Any]:
        return self._frames.get()

    def begin(self, number: int, stop: Callable[[], None]) -> None:
        """Call ``number`` begins; ``stop`` is called when it is cancelled. Raises ``Cancelled`` where it already was."""
        with self._lock:
            if number <= self._cancelled:
                raise Cancelled("the engine was told to stop")
            self._running, self._stop = number, stop

    def end(self) -> None:
        """The call is over."""
        with self._lock:
            self._running, self._stop = 0, _nothing


def _nothing() -> None:
    """Nobody to stop."""


class _Worker:
    def __init__(self, inbox: _Inbox, out: int) -> None:
        self._inbox, self._out = inbox, out

    def run(self) -> None:
        from .backend import LlamaBackend, Options

        first = self._inbox.next()
        try:
            options = first["options"]
            self._backend = LlamaBackend(Options(**{**options, "setup": Setup(**options["setup"])}))
            self._warm_up()
        except LocalsynthError as error:
            write_frame(self._out, encode_error(error))
            return
        info = self._backend.info()
        write_frame(self._out, {"context": info.context, "setup": info.setup})
        while True:
            frame = self._inbox.next()
            try:
                answer = self._answer(frame)
            except LocalsynthError as error:
                answer = encode_error(error)
            except MemoryError:
                answer = encode_error(
                    EngineError("the engine ran out of memory", "ask for fewer rows at once")
                )
            write_frame(self._out, {"id": frame["id"], **answer})

    def _warm_up(self) -> None:
        """One batch before the first request: an instruction this processor lacks shows here, not in the middle of a run."""
        self._backend.sample([SampleRequest((Message("user", "1, 2, 3, " * 24),), None, n=2, max_tokens=2)])

    def _answer(self, frame: dict[str, Any]) -> dict[str, Any]:
        requests = decode_requests(frame) if "requests" in frame else []
        match frame["do"]:
            case "sample" | "score":
                return self._long(frame["id"], frame["do"], requests)
            case "count":
                return {"counts": self._backend.count_tokens(frame["texts"])}
            case "trace":
                traces = self._backend.trace(requests)
                return {
                    "allowed": traces[0].allowed if traces else (),
                    "traces": [[t.prompt, [[one.tokens, one.places] for one in t.texts]] for t in traces],
                }
            case "render":
                request = requests[0]
                tokens = len(self._backend.prompt(request.messages, request.prefix))
                return {"text": self._backend.render(request), "tokens": tokens}
            case "prefill":
                with self._stoppable(frame["id"]):
                    return {"rate": self._backend.prefill_rate(frame["seconds"])}
        raise EngineError(f"the engine does not know '{frame['do']}'")

    def _long(self, number: int, what: str, requests: list[Any]) -> dict[str, Any]:
        """A call that takes time: progress is told, and it can be cancelled."""
        told = time.monotonic()

        def poll(finished: int, usage: Usage) -> None:
            nonlocal told
            if time.monotonic() - told >= _INTERVAL:
                told = time.monotonic()
                tokens = usage.prompt_tokens + usage.decoded_tokens
                write_frame(self._out, {"id": number, "finished": finished, "tokens": tokens})

        with self._stoppable(number):
            answer, usage = self._made(what, requests, poll)
        timing = self._backend.timing
        return {
            **answer,
            "usage": [usage.prompt_tokens, usage.decoded_tokens, usage.forced_tokens],
            "timing": {
                "seconds": timing.seconds,
                "native_seconds": timing.native,
                "python_seconds": timing.python,
                "first_seconds": timing.first,
            },
            "notices": [*self._backend.notices(), *untold()],
        }

    @contextmanager
    def _stoppable(self, number: int) -> Iterator[None]:
        """While a call goes on its cancel stops it, and only it."""
        self._backend.stop(stopped=False)
        self._inbox.begin(number, self._backend.stop)
        try:
            yield
        finally:
            self._inbox.end()

    def _made(
        self, what: str, requests: list[Any], poll: Callable[[int, Usage], None]
    ) -> tuple[dict[str, Any], Usage]:
        if what == "sample":
            samples, usage = self._backend.sample(requests, poll)
            return {"samples": [[sample.texts, sample.logprobs] for sample in samples]}, usage
        scores, usage = self._backend.score(requests, poll)
        return {"scores": [[score.values, score.tokens] for score in scores]}, usage


def main() -> None:
    """Entry point: two file descriptors, to read from and to write to."""
    install()
    read, write = int(sys.argv[1]), int(sys.argv[2])
    sys.setswitchinterval(
        0.0005
    )  # contexts wait for the interpreter between two batches: 5 ms would be half a batch
    try:
        _Worker(_Inbox(read), write).run()
    except BrokenPipeError:
        os._exit(0)


if __name__ == "__main__":
    main()
