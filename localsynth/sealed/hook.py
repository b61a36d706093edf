"""Python's part of the seal: an audit hook that refuses to make, bind, connect or write to sockets and to look up names.

It names who tried, which the kernel's part cannot, and works on every system. What is refused is kept, to be told.
"""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import dataclass
from types import FrameType

__all__ = ["Attempt", "Refused", "attempts", "install", "loopback_too", "sealed", "untold"]

# https://docs.python.org/3/library/audit_events.html; `socket.__new__` (self, family, ...) comes before all others.
_ADDRESSED = {"socket.bind", "socket.connect", "socket.sendto", "socket.sendmsg"}
_NAMES = {
    "socket.getaddrinfo",
    "socket.gethostbyaddr",
    "socket.gethostbyname",
    "socket.getnameinfo",
}
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_FAMILIES = {"2": "IPv4", "10": "IPv6", "16": "netlink", "17": "packet"}  # as Linux counts
_KEPT = 1_000
_AF_UNIX = 1


class Refused(PermissionError):
    """Something reached for the network. An ``OSError``, so that a library which can do without goes on."""


@dataclass(frozen=True)
class Attempt:
    """One thing refused. ``what`` : the audit event. ``where`` : host and port, or a family. ``who`` : module that asked."""

    what: str
    where: str
    who: str

    def __str__(self) -> str:
        return f"refused: {self.who} reached for the network ({self.what}: {self.where})"


class _Hook:
    """State of the hook of this process. It is put on once and can be narrowed, never taken off."""

    def __init__(self) -> None:
        self.on = self.loopback = False
        self.attempts: list[Attempt] = []
        self.told = 0
        self.busy = threading.local()

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.on or not event.startswith("socket.") or getattr(self.busy, "now", False):
            return
        where = _forbidden(event, arguments, self.loopback)
        if where is None:
            return
        self.busy.now = True  # what follows may itself be audited
        try:
            attempt = Attempt(event.removeprefix("socket."), where, _asker(sys._getframe(1)))
            if len(self.attempts) < _KEPT:
                self.attempts.append(attempt)
        finally:
            self.busy.now = False
        raise Refused(1, f"localsynth uses no network, and {attempt.who} reached for {where}")


_HOOK = _Hook()


def install() -> None:
    """Refuse from now on. Once on, it stays on."""
    if not _HOOK.on:
        _HOOK.on = True
        sys.addaudithook(_HOOK)


def loopback_too() -> None:
    """Let this process talk to this machine itself: what serving a page on 127.0.0.1 needs."""
    _HOOK.loopback = True


def sealed() -> bool:
    """Whether this process refuses the network to Python."""
    return _HOOK.on


def attempts() -> tuple[Attempt, ...]:
    """What was refused in this process since its start, at most a thousand."""
    return tuple(_HOOK.attempts)


def untold() -> tuple[str, ...]:
    """A sentence for each kind of attempt since the last call, for a person to read."""
    new = _HOOK.attempts[_HOOK.told :]
    _HOOK.told += len(new)
    return tuple(dict.fromkeys(map(str, new)))


def _forbidden(event: str, arguments: tuple[object, ...], loopback: bool) -> str | None:
    """Where it would lead, if that is forbidden."""
    if event == "socket.__new__":
        family = arguments[1] if len(arguments) > 1 else None
        inside = family == _AF_UNIX or (loopback and family in {2, 10, 23, 28, 30, -1})
        return None if inside else f"a socket of {_FAMILIES.get(str(family), f'family {family}')}"
    if event in _ADDRESSED:
        address = arguments[1] if len(arguments) > 1 else None
        if loopback and isinstance(address, tuple) and address and address[0] in _LOOPBACK:
            return None
        return _place(address)
    if event in _NAMES:
        name = arguments[0] if arguments else ""
        name = name[0] if isinstance(name, tuple) and name else name
        if loopback and (name in _LOOPBACK or name is None):
            return None
        return f"the address of {_text(name)}"
    return None


def _place(address: object) -> str:
    if isinstance(address, tuple) and len(address) >= 2:
        return f"{_text(address[0])}:{address[1]}"
    return _text(address)


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return os.fsdecode(value)
    return str(value)


def _asker(frame: FrameType | None) -> str:
    """The nearest module on the stack that is not Python's own."""
    last = "python"
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        last = name or last
        top = name.partition(".")[0]
        if top and top not in sys.stdlib_module_names and not name.startswith("localsynth.sealed"):
            return str(name)
        frame = frame.f_back
    return str(last)
