"""That nobody talks to anybody: what is sealed, what happens to who tries, and which sockets are open."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from localsynth.core.errors import LocalsynthError
from localsynth.engine.child import finding_us
from localsynth.sealed import attempts, command, kernel, sealed

from .finding import Finding

if TYPE_CHECKING:
    from localsynth.core.contracts import Engine

__all__ = ["examine_offline", "open_sockets", "silence", "sockets"]

_PATIENCE_S = 60.0


def examine_offline() -> Iterator[Finding]:
    """Try every way to the network in a sealed process, and look at this one and at an engine."""
    yield from _tries()
    from localsynth.engine import open_engine

    try:
        with closing(open_engine(None)) as engine:
            yield from silence(engine)
    except LocalsynthError as error:
        yield Finding("engine", error.message, "bad", error.hint)
    yield _interfaces()


def silence(engine: Engine | None) -> Iterator[Finding]:
    """Whether this process and the engine's are sealed, what was refused to them, and which sockets they hold."""
    yield _sealed(engine)
    refused = attempts()
    if refused:
        said = "; ".join(dict.fromkeys(map(str, refused)))
        yield Finding(
            "network", said, "bad", "a package or a plug-in tries to reach somebody; nothing was sent"
        )
    yield open_sockets(engine)


def _sealed(engine: Engine | None) -> Finding:
    processes: dict[str, int | str] = {"this process": "self"}
    child = getattr(engine, "pid", None)
    if isinstance(child, int):
        processes["the engine's process"] = child
    if not kernel.supported():
        found = "by Python alone: this system has no filter that covers code in C"
        return Finding("sealed", found, "note", "prevent connections with the system's firewall, too")
    bare = [name for name, pid in processes.items() if not kernel.active(pid)]
    if not bare:
        who = " and ".join(processes)
        return Finding("sealed", f"{who}: the kernel refuses network sockets, children's too")
    if bare == ["this process"] and not sealed():
        return Finding("sealed", "what localsynth starts is; this process is yours, and is not", "note")
    return Finding(
        "sealed", f"{' and '.join(bare)}: without the kernel's filter", "bad", "the system forbids one"
    )


def _tries() -> Iterator[Finding]:
    """What came of each way to the network, in a sealed process."""
    try:
        done = subprocess.run(
            command("localsynth.sealed.probe"),
            capture_output=True,
            text=True,
            check=True,
            timeout=_PATIENCE_S,
            env=finding_us(os.environ),
        )
        found = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        yield Finding("offline", f"could not be tried: {error}", "bad")
        return
    for what, came_to, refused in found:
        covered = kernel.supported() or what.endswith("by Python")
        if refused:
            yield Finding(f"try: {what}", "refused")
        else:
            yield Finding(f"try: {what}", came_to, "bad" if covered else "note")


def _interfaces() -> Finding:
    """Which network interfaces the machine has: ours to tell, not to judge."""
    try:
        states = {
            path.name: (path / "operstate").read_text("ascii").strip()
            for path in sorted(Path("/sys/class/net").iterdir())
            if path.name != "lo" and (path / "operstate").exists()
        }
    except OSError:
        return Finding("network interfaces", "unknown on this system", "note")
    up = [name for name, state in states.items() if state in {"up", "unknown"}]
    if not up:
        return Finding("network interfaces", "none is up: nothing on this machine reaches another")
    return Finding("network interfaces", f"up: {', '.join(up)}; localsynth uses none of them")


def open_sockets(engine: Engine | None) -> Finding:
    """Every open file of this process and the engine's, looked at."""
    pids = {os.getpid(): "this process"}
    child = getattr(engine, "pid", None)
    if isinstance(child, int):
        pids[child] = "the engine's process"
    try:
        open_ones = {pid: sockets(pid) for pid in pids}
    except OSError as error:
        why = "this system has no /proc" if sys.platform != "linux" else str(error)
        return Finding("sockets", f"cannot be looked at: {why}", "note", f"try: lsof -a -i -p {os.getpid()}")
    own = {pid: [fd for fd in fds if fd > 2] for pid, fds in open_ones.items()}
    who = " and ".join(f"{name} ({pid})" for pid, name in pids.items())
    if any(own.values()):
        found = "; ".join(
            f"{pids[pid]} holds {len(fds)} (fd {', '.join(map(str, fds))})" for pid, fds in own.items() if fds
        )
        return Finding("sockets", found, "bad", "localsynth opens none; a library or plug-in does")
    if any(open_ones.values()):
        return Finding(
            "sockets", f"none opened by {who}; standard input or output, given from outside, is one", "note"
        )
    return Finding("sockets", f"none: looked at every open file of {who}")


def sockets(pid: int) -> list[int]:
    """The file descriptors of a process that are sockets of any kind. Raises ``OSError`` without ``/proc``."""
    found = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(entry.readlink())
        except FileNotFoundError:  # closed meanwhile; one of them is the folder being listed
            continue
        if target.startswith("socket:"):
            found.append(int(entry.name))
    return sorted(found)
