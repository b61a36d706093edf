"""How much memory this process and all it started hold just now."""

from __future__ import annotations

import os
import subprocess
from collections import defaultdict
from pathlib import Path

from localsynth.sealed.limit import resident

__all__ = ["footprint", "offspring"]


def footprint() -> int:
    """Bytes resident of this process and of its children's children, too; pages of files count with each that maps them."""
    held = resident()
    if held is None:
        return _told()
    return held + sum(resident(pid) or 0 for pid in offspring())


def offspring() -> list[int]:
    """The processes that this one and its children started, where the system tells."""
    found, new = list[int](), [os.getpid()]
    while new:
        new = [child for pid in new for child in _children(pid)]
        found += new
    return found


def _children(pid: int) -> list[int]:
    children: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            children += map(int, (task / "children").read_text("ascii").split())
    except OSError:  # it ended meanwhile
        pass
    return children


def _told() -> int:
    """By ``ps``, where there is no /proc; 0 where that does not tell either."""
    try:
        done = subprocess.run(
            ["/bin/ps", "-axo", "pid=,ppid=,rss="], capture_output=True, text=True, check=True, timeout=5
        )
    except (OSError, subprocess.SubprocessError):
        return 0
    sizes: dict[int, int] = {}
    children: dict[int, list[int]] = defaultdict(list)
    for line in done.stdout.splitlines():
        pid, parent, size = map(int, line.split())
        sizes[pid] = size * 1024
        children[parent].append(pid)
    held, new = 0, [os.getpid()]
    while new:
        held += sum(sizes.get(pid, 0) for pid in new)
        new = [child for pid in new for child in children[pid]]
    return held
