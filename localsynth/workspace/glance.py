"""What can be told of a workspace at a glance, without opening the database: whether it changed, and how far runs are."""

from __future__ import annotations

import os
from pathlib import Path

from localsynth.core.events import Event, Progress, decode
from localsynth.core.run import Run
from localsynth.store.session import FILE

from .base import Base

__all__ = ["Glances", "Stamp"]

Stamp = tuple[tuple[int, int], ...]
_TAIL = 16 << 10  # bytes of events; a line of progress has some 200


class Glances(Base):
    """Looks that take microseconds and lock nothing, to be taken every second."""

    def stamp(self) -> Stamp:
        """Another value when something in the database, or a run or a job, has come, gone or changed."""
        names = (FILE, f"{FILE}.wal", "runs", "jobs")
        return tuple(_changed(self.folder / name) for name in names)

    @staticmethod
    def free_memory() -> int | None:
        """Bytes a model may take now without swapping; ``None`` where the system does not tell."""
        from localsynth.engine.machine import free_memory

        return free_memory()

    def progress(self, run: Run) -> Progress | None:
        """How far the process that makes a run said it is; ``None`` where it said nothing lately."""
        events = _tail(self.folder / "runs" / run.run_id / "events.jsonl")
        return next((event for event in reversed(events) if isinstance(event, Progress)), None)


def _changed(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def _tail(path: Path) -> list[Event]:
    try:
        with path.open("rb") as file:
            start = max(0, file.seek(0, os.SEEK_END) - _TAIL)
            file.seek(start)
            lines = file.read(_TAIL).split(b"\n")
    except OSError:
        return []
    decoded = (decode(line.decode("utf-8", "replace")) for line in lines if line)
    return [event for event in decoded if event is not None]
