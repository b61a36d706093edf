"""Tries, in a sealed process, every way to the network there is, and prints as JSON what came of each.

No packet is sent even where nothing is refused: a socket is made and closed, and what would be connected to is 192.0.2.1, an
address that RFC 5737 keeps for documentation. A name is looked up in a zone that cannot exist (RFC 2606).
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from functools import partial

__all__ = ["main"]

_FAMILIES = {"IPv4": 2, "IPv6": 10, "netlink": 16, "packet": 17}
_CHILD = "import socket; socket.socket().close()"


def main() -> None:
    """Entry point. Prints a list of [what was tried, what it came to, whether it was refused]."""
    found = [_tried(what, work) for what, work in _ways().items()]
    sys.stdout.write(json.dumps(found) + "\n")


def _ways() -> dict[str, Callable[[], object]]:
    ways: dict[str, Callable[[], object]] = {
        "a socket, by Python": lambda: socket.socket().close(),
        "a connection, by Python": lambda: socket.create_connection(("192.0.2.1", 443), timeout=1).close(),
        "a name looked up, by Python": lambda: socket.getaddrinfo("localsynth.invalid", 443),
        "a service of this machine, by Python": lambda: socket.socket(socket.AF_UNIX).connect("\0localsynth"),
    }
    if sys.platform == "linux":
        for name, family in _FAMILIES.items():
            ways[f"a socket of {name}, by code in C"] = partial(_native, family)
    ways["a socket, by a child process"] = _by_child
    return ways


def _tried(what: str, work: Callable[[], object]) -> tuple[str, str, bool]:
    try:
        work()
    except PermissionError as error:
        return what, error.strerror or str(error), True
    except OSError as error:
        return what, f"not refused: {error.strerror or error}", False
    return what, "not refused: it worked", False


def _native(family: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.socket(family, 1 if family < _FAMILIES["netlink"] else 3, 0)  # SOCK_STREAM, SOCK_RAW
    if descriptor < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    os.close(descriptor)


def _by_child() -> None:
    done = subprocess.run([sys.executable, "-I", "-c", _CHILD], capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or "it did not run").splitlines()[-1]
        raise PermissionError(1, said) if said.startswith("PermissionError") else OSError(0, said)


if __name__ == "__main__":
    main()
