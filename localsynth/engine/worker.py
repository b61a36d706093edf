"""The engine's child process: opens a model, answers requests from its parent, ends when the parent ends.

Its own standard output and error go to a log file: llama.cpp writes there, and a terminal program must never see it.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
from typing import Any

from ..core.contracts import Message, SampleRequest
from ..core.errors import Cancelled, EngineError, LocalsynthError
from ..core.run import Usage
from .wire import decode_requests, encode_error, read_frame, write_frame

_INTERVAL = 0.1  # seconds between two progress messages


class _Inbox:
    """Reads the parent's messages on a thread of its own, so that a cancel or the parent's end is noticed at once."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._frames: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.cancelled = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            frame = read_frame(self._fd)
            if frame is None:
                os._exit(0)  # the parent is gone: nobody wants what is being computed
            if frame["do"] == "cancel":
                self.cancelled.set()
            else:
                self._frames.put(frame)

    def next(self) -> dict[str, Any]:
        return self._frames.get()


class _Worker:
    def __init__(self, inbox: _Inbox, out: int) -> None:
        self._inbox, self._out = inbox, out

    def run(self) -> None:
        from .backend import LlamaBackend, Options

        first = self._inbox.next()
        try:
            self._backend = LlamaBackend(Options(**first["options"]))
            self._warm_up()
        except LocalsynthError as error:
            write_frame(self._out, encode_error(error))
            return
        info = self._backend.info()
        write_frame(self._out, {"name": info.name, "context": info.context})
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
        requests = decode_requests(frame["requests"]) if "requests" in frame else []
        match frame["do"]:
            case "sample":
                return self._sample(frame["id"], requests)
            case "count":
                return {"counts": self._backend.count_tokens(frame["texts"])}
            case "render":
                return {
                    "text": self._backend.render(requests[0]),
                    "tokens": len(self._backend.prompt(requests[0])),
                }
        raise EngineError(f"the engine does not know '{frame['do']}'")

    def _sample(self, number: int, requests: list[SampleRequest]) -> dict[str, Any]:
        self._inbox.cancelled.clear()
        started = told = time.monotonic()

        def poll(finished: int, usage: Usage) -> None:
            nonlocal told
            if self._inbox.cancelled.is_set():
                raise Cancelled("the engine was told to stop")
            if time.monotonic() - told >= _INTERVAL:
                told = time.monotonic()
                tokens = usage.prompt_tokens + usage.decoded_tokens
                write_frame(self._out, {"id": number, "finished": finished, "tokens": tokens})

        samples, usage = self._backend.sample(requests, poll)
        return {
            "samples": [list(sample.texts) for sample in samples],
            "usage": [usage.prompt_tokens, usage.decoded_tokens, usage.forced_tokens],
            "seconds": time.monotonic() - started,
        }


def main() -> None:
    """Entry point: two file descriptors, to read from and to write to."""
    read, write = int(sys.argv[1]), int(sys.argv[2])
    try:
        _Worker(_Inbox(read), write).run()
    except BrokenPipeError:
        os._exit(0)


if __name__ == "__main__":
    main()
