"""Folders in a workspace to work in for a while; they may hold real rows, and whoever is killed cannot remove theirs.

A lock on each tells one that is in use from one that was left. One on the workspace's folder makes a new one appear together
with its lock.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

__all__ = ["scratch", "sweep_scratch"]

# Nothing a person would call a folder of theirs.
_OURS = re.compile(r"tmp-(import|fill|new)-[a-z0-9_]{8}")


@contextmanager
def scratch(workspace: Path, use: Literal["import", "fill", "new"]) -> Iterator[Path]:
    """A folder of one's own, its owner's alone, removed in the end. Raises ``OSError`` where it cannot be made."""
    with _locked(workspace):
        folder = Path(tempfile.mkdtemp(prefix=f"tmp-{use}-", dir=workspace))
        lock = _lock(folder, wait=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def sweep_scratch(workspace: Path) -> list[Path]:
    """Remove those whose process is gone; gives them. What cannot be removed stays."""
    try:
        found = [Path(entry.path) for entry in os.scandir(workspace) if _OURS.fullmatch(entry.name)]
    except OSError:
        return []
    removed = []
    for folder in found:
        with suppress(OSError), _locked(workspace):
            lock = _lock(folder, wait=False)
            if lock is not None:
                shutil.rmtree(folder)
                os.close(lock)
                removed.append(folder)
    return removed


@contextmanager
def _locked(workspace: Path) -> Iterator[None]:
    handle = _lock(workspace, wait=True)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


def _lock(folder: Path, *, wait: bool) -> int | None:
    """The lock on a folder, to be closed; ``None`` where somebody has it. Raises ``OSError``."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(handle)
        return None
    except BaseException:
        os.close(handle)
        raise
    return handle
