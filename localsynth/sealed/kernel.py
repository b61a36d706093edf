"""The kernel's part of the seal: a seccomp filter, after which no network socket can be made (Linux on x86-64 and arm64).

It covers what Python cannot see (code in C of any library) and is inherited by every child, whatever it runs; nobody can take
it off again. Sockets of the family AF_UNIX, which end on this machine, stay possible: an event loop needs a pair of them.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
import sys

__all__ = ["active", "install", "supported"]

# include/uapi/linux: prctl.h, seccomp.h, audit.h, filter.h, socket.h
_SET_NO_NEW_PRIVS, _SET_SECCOMP, _MODE_FILTER = 38, 22, 2
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000 | errno.EPERM
_LOAD, _EQUAL, _AT_LEAST, _RETURN = (
    0x20,
    0x15,
    0x35,
    0x06,
)  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_JMP|JGE|K, BPF_RET|K
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data, little-endian
_AF_UNIX = 1
_X32 = 0x40000000  # x86-64 with 32-bit pointers: the same calls under other numbers

# What would make a socket, per machine: the audit architecture, socket, socketpair, io_uring_setup (which could make one, too).
_MACHINES = {
    "x86_64": (0xC000003E, 41, 53, 425),
    "aarch64": (0xC00000B7, 198, 199, 425),
}


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def supported() -> bool:
    """Whether this system and processor have such a filter that we know how to write."""
    return sys.platform == "linux" and platform.machine() in _MACHINES and struct.calcsize("P") == 8


def install() -> bool:
    """Put the filter on this process, all its threads to come, and all its children; False where it cannot be."""
    if not supported():
        return False
    code = _program(*_MACHINES[platform.machine()])
    program = _Program(len(code) // 8, code)
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl.argtypes = (ctypes.c_int, *[ctypes.c_ulong] * 4)
    if prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    return bool(prctl(_SET_SECCOMP, _MODE_FILTER, ctypes.addressof(program), 0, 0) == 0)


def active(pid: int | str = "self") -> bool | None:
    """Whether the kernel filters the calls of a process; None where it does not tell."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - loads in a ms
            modes = [line.split()[1] for line in file if line.startswith("Seccomp:")]
    except OSError:
        return None
    return modes == ["2"] if modes else None


def _program(architecture: int, make: int, pair: int, ring: int) -> bytes:
    """The filter, as struct sock_filter[]: jumps count the instructions that are skipped when true, when false."""
    return b"".join(
        struct.pack("=HBBI", code, when_true, when_false, value)
        for code, when_true, when_false, value in (
            (_LOAD, 0, 0, _ARCHITECTURE),
            (_EQUAL, 0, 8, architecture),  # calls of another kind of machine: none
            (_LOAD, 0, 0, _NUMBER),
            (_AT_LEAST, 6, 0, _X32),
            (_EQUAL, 5, 0, ring),
            (_EQUAL, 1, 0, make),
            (_EQUAL, 0, 2, pair),
            (_LOAD, 0, 0, _FIRST_ARGUMENT),
            (_EQUAL, 0, 1, _AF_UNIX),
            (_RETURN, 0, 0, _ALLOW),
            (_RETURN, 0, 0, _ERRNO),
        )
    )
