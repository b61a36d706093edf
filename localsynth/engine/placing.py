"""Hashing large files, and putting them in place whole or not at all."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ..core.errors import ModelError

__all__ = ["Progress", "copy_hashed", "create_private", "locked", "settle", "sha256_of", "staging", "sweep"]

Progress = Callable[[str, float], None]  # (what is being done, how much of it is done: 0 to 1)

_CHUNK = 1 << 20
_STALE = 3600  # seconds; a copy in progress touches its file far more often


def sha256_of(path: Path, progress: Progress | None = None) -> str:
    """The file's sha256 as 64 hex digits. Raises :class:`ModelError` when it cannot be read."""
    try:
        with path.open("rb") as file:
            return copy_hashed(file, None, path.stat().st_size, "checking", progress)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}") from error


def copy_hashed(
    source: IO[bytes], target: IO[bytes] | None, size: int, step: str, progress: Progress | None = None
) -> str:
    """Copy ``source`` to ``target`` (None: only read it) and return its sha256; ``size`` in bytes is for progress."""
    digest = hashlib.sha256()
    done = 0
    while chunk := source.read(_CHUNK):
        digest.update(chunk)
        if target is not None:
            target.write(chunk)
        done += len(chunk)
        if progress is not None:
            progress(step, min(1.0, done / size) if size else 1.0)
    return digest.hexdigest()


@contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """A private folder inside ``folder``, gone afterwards; what is moved out of it stays.

    It is inside so that moving is one atomic rename on one file system.
    """
    stage = Path(tempfile.mkdtemp(prefix=".incoming-", dir=folder))  # 0700
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def create_private(path: Path) -> IO[bytes]:
    """A new file, open for writing, which only its owner can read."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def settle(file: IO[bytes]) -> None:
    """Make sure that what was written to ``file`` is on the disk before it is renamed into place."""
    file.flush()
    os.fsync(file.fileno())


def sweep(folder: Path) -> None:
    """Remove what a killed install left in ``folder`` more than an hour ago."""
    for stage in folder.glob(".incoming-*"):
        newest = max((entry.stat().st_mtime for entry in [stage, *stage.iterdir()]), default=0.0)
        if time.time() - newest > _STALE:
            shutil.rmtree(stage, ignore_errors=True)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Nobody else changes the folder's lists meanwhile. Raises ``OSError``.

    The lock is on the folder: a list is replaced as a whole, and a lock on its file would guard the old one.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
