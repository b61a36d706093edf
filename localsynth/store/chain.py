"""A file of entries that is only ever appended to, each holding the hash of the one before it.

An entry is a line of JSON with sorted keys. ``hash`` is the sha256 of the line without it, ``before`` the ``hash`` of the
entry before, ``number`` counts from 1. Writers of all processes take turns by a lock on the file, and an entry is on the disk
before the next one begins. A line that a crash or a full disk cut off is ended by the next writer, whose entry names it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["START", "Head", "Line", "append", "head_of", "lines", "seal_of"]

_TAIL = 1 << 16  # bytes; an entry has some 600


@dataclass(frozen=True)
class Head:
    """The last whole entry. number : 0 where there is none."""

    number: int
    hash: str


#: Before the first entry.
START = Head(0, "0" * 64)


@dataclass(frozen=True)
class Line:
    """A line of the file, from 1. entry : ``None`` where it is not as it was written; ``torn`` where it has no end."""

    place: int
    text: bytes
    entry: dict[str, Any] | None
    torn: bool = False


def append(path: Path, contents: Callable[[Head, int], Mapping[str, Any]]) -> Head:
    """Write one entry behind all others; on the disk when this returns. The file is made with mode 0600.

    contents : gives what the entry says, told the entry before and how many bytes of a torn line stand between. Called while
    no other process writes. Raises ``OSError``.
    """
    fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        before, torn = _end(fd)
        said = {**contents(before, torn), "before": before.hash, "number": before.number + 1}
        sealed = {**said, "hash": seal_of(said)}
        line = (b"\n" if torn else b"") + _text(sealed) + b"\n"
        if os.write(fd, line) < len(line):
            raise OSError(28, "No space left on device", str(path))
        os.fsync(fd)
        return Head(sealed["number"], sealed["hash"])
    finally:
        os.close(fd)


def head_of(path: Path) -> Head:
    """The last whole entry of a file; :data:`START` where there is none. Raises ``OSError``."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return START
    try:
        return _end(fd)[0]
    finally:
        os.close(fd)


def lines(path: Path) -> Iterator[Line]:
    """Every line, in order; none where there is no file. Raises ``OSError``."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        for place, text in enumerate(file, 1):
            if not text.endswith(b"\n"):
                yield Line(place, text, None, torn=True)
            else:
                yield Line(place, text[:-1], _entry(text[:-1]))


def seal_of(said: Mapping[str, Any]) -> str:
    """The hash of an entry, from all of it but its ``hash``."""
    return hashlib.sha256(_text({key: value for key, value in said.items() if key != "hash"})).hexdigest()


def _text(said: Mapping[str, Any]) -> bytes:
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode("ascii")


def _entry(text: bytes) -> dict[str, Any] | None:
    """What a line says, if it is byte for byte what was written."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    whole = (
        isinstance(said, dict) and isinstance(said.get("number"), int) and isinstance(said.get("before"), str)
    )
    return said if whole and said.get("hash") == seal_of(said) and _text(said) == text else None


def _end(fd: int) -> tuple[Head, int]:
    """The last line that has an end and is as it was written, and the bytes of a line without an end behind it."""
    size = os.fstat(fd).st_size
    span = _TAIL
    while True:
        start = max(0, size - span)
        data = os.pread(fd, size - start, start)
        kept, _, rest = data.rpartition(b"\n")
        whole = kept.split(b"\n")[(1 if start else 0) :]
        for text in reversed(whole):
            said = _entry(text)
            if said is not None:
                return Head(said["number"], said["hash"]), len(rest)
        if not start:
            return START, len(rest)
        span *= 8
