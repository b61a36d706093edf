"""Events on their way: to listeners, to ``events.jsonl`` (which anyone can follow), and into the next commit."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from localsynth.core.errors import StoreError
from localsynth.core.events import Event, Notice, Progress, decode, encode
from localsynth.sealed import untold

__all__ = ["Bus", "Listener", "follow", "read_events"]

Listener = Callable[[Event], None]

_PROGRESS_EVERY_S = 0.5  # in the file; a run of a day must not fill a disk with its progress


class Bus:
    """Carries the events of one run. ``path`` is created with mode 0600 and only ever appended to."""

    def __init__(self, run_id: str, path: Path, listeners: Sequence[Listener] = ()) -> None:
        self.run_id = run_id
        self._path = path
        self._listeners = tuple(listeners)
        self._pending: list[Event] = []
        self._fd: int | None = None
        self._progress_at = 0.0

    def emit(self, event: Event) -> None:
        """Write the event and tell the listeners. Raises ``StoreError`` where the file cannot be written."""
        if not isinstance(event, Progress):  # ten a second are for watching, not for keeping
            self._pending.append(event)
        self.publish(event)

    def publish(self, event: Event) -> None:
        """As :meth:`emit`, for an event that is in the store already."""
        if isinstance(event, Progress):
            self._write_progress(event)
        else:
            self._write(event)
        for listener in self._listeners:
            listener(event)

    def _write_progress(self, event: Progress) -> None:
        if event.at - self._progress_at >= _PROGRESS_EVERY_S:
            self._progress_at = event.at
            self._write(event)

    def _write(self, event: Event) -> None:
        try:
            if self._fd is None:
                self._fd = _open(self._path)
            line = encode(event).encode() + b"\n"
            if os.write(self._fd, line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            self.close()  # the next event, if there is space for it, must not be glued to half of this one
            raise StoreError(
                f"the events of run {self.run_id} cannot be written: {error.strerror}",
                "check free space and rights of the workspace; nothing committed is lost",
            ) from error

    def notice(self, text: str, level: Literal["info", "warning"] = "info") -> None:
        """Tell people something."""
        self.emit(Notice(self.run_id, time.time(), text, level))

    def take(self) -> tuple[Event, ...]:
        """The events since the last call, to be stored with a batch; ``Progress`` is not among them."""
        for refused in untold():
            self.notice(refused, "warning")
        taken, self._pending = tuple(self._pending), []
        return taken

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def _open(path: Path) -> int:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    size = os.fstat(fd).st_size
    if size and os.pread(fd, 1, size - 1) != b"\n":
        os.write(fd, b"\n")  # a killed writer left half a line: end it, or ours would be glued to it
    return fd


def read_events(path: Path, offset: int = 0, most: int = -1) -> tuple[list[Event], int]:
    """The events from a byte offset on, and the offset to go on from.

    A last line without its end is left for the next call; lines that are no event are passed over. No file: no events.
    most : about how many bytes to read in one call; all by default.
    """
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read(most)
            if len(data) == most:
                data += file.readline()  # a line longer than that must not be in the way for ever
    except FileNotFoundError:
        return [], offset
    end = data.rfind(b"\n") + 1
    decoded = (decode(line.decode("utf-8", "replace")) for line in data[:end].split(b"\n") if line)
    return [event for event in decoded if event is not None], offset + end


def follow(path: Path, alive: Callable[[], bool], poll_s: float = 0.1) -> Iterator[Event]:
    """All events so far, then new ones as they come, until ``alive`` says that nobody writes any more."""
    offset = 0
    while True:
        going_on = alive()  # asked before reading: what was written until then is read below
        events, offset = read_events(path, offset)
        yield from events
        if not going_on:
            return
        time.sleep(poll_s)
