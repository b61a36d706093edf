"""Files that are whole once they have their name, and on the disk: a kill or a power cut leaves the one before, or none."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

__all__ = ["copy_whole", "place", "settle"]


def settle(path: Path) -> None:
    """What a file holds, or the names in a folder, are on the disk when this returns. Raises ``OSError``."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def copy_whole(source: Path, target: Path) -> None:
    """A copy that replaces what has its name, for its owner only. Raises ``OSError``, and nothing of it is left then."""
    part = target.with_name(f"{target.name}.part")
    try:
        part.unlink(missing_ok=True)
        part.touch(mode=0o600, exist_ok=False)
        shutil.copyfile(source, part)
        settle(part)
        part.replace(target)
        settle(target.parent)
    finally:
        part.unlink(missing_ok=True)


def place(made: Path, target: Path) -> bool:
    """Give a whole file its name, unless one has that by now: False then. Raises ``OSError``."""
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # not a link, which some file systems do not have
        if target.exists():
            return False
        made.rename(target)
        os.fsync(folder)
        return True
    finally:
        os.close(folder)
