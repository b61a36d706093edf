"""The machine a model is tuned for: its processor, the cores this process may use, the memory that is free."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

from .process import available_cores

__all__ = ["Machine", "free_memory", "this_machine"]

_PROC = Path("/proc")
_CGROUP = Path("/sys/fs/cgroup")
# How /proc/cpuinfo names the processor: x86 in the first of these, ARM boards in one of the others.
_NAMES = ("model name", "Model", "Hardware", "CPU part", "cpu")


@dataclass(frozen=True)
class Machine:
    """What figures of speed depend on. cpu : the processor's name. cores : how many this process may run on."""

    cpu: str
    cores: int

    def __str__(self) -> str:
        return f"{self.cpu}, {self.cores} core{'' if self.cores == 1 else 's'}"


def this_machine() -> Machine:
    """The machine as it is now; fewer cores (a container, ``taskset``) make another one of it."""
    try:
        text = (_PROC / "cpuinfo").read_text("utf-8", errors="replace")
    except OSError:  # not Linux
        text = ""
    return Machine(processor_name(text) or platform.processor() or platform.machine(), available_cores())


def processor_name(cpuinfo: str) -> str:
    """The processor's name in the text of ``/proc/cpuinfo``; empty where it has none."""
    fields: dict[str, str] = {}
    for line in cpuinfo.splitlines():
        key, colon, value = line.partition(":")
        if colon:
            fields.setdefault(key.strip(), " ".join(value.split()))
    return next((fields[name] for name in _NAMES if fields.get(name)), "")


def free_memory() -> int | None:
    """Bytes a new process may take without swapping, a container's limit counted; ``None`` where nobody tells."""
    free = _system_memory()
    limit = _container_memory(_CGROUP)
    known = [value for value in (free, limit) if value is not None]
    return min(known) if known else None


def _system_memory() -> int | None:
    try:
        for line in (_PROC / "meminfo").read_text("ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    try:  # elsewhere only the total is told; half of it is a careful guess
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (ValueError, OSError, AttributeError):
        return None


def _container_memory(folder: Path) -> int | None:
    """What the container's limit leaves; file pages the kernel would give back do not count as taken."""
    try:
        limit = int((folder / "memory.max").read_text("ascii"))  # the word "max" where there is none
        taken = int((folder / "memory.current").read_text("ascii"))
        stat = dict(
            line.split(maxsplit=1) for line in (folder / "memory.stat").read_text("ascii").splitlines()
        )
        return max(0, limit - taken + int(stat.get("inactive_file", 0)) + int(stat.get("active_file", 0)))
    except (OSError, ValueError):
        return None
