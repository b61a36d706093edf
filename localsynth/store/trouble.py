"""DuckDB's and the system's complaints about the file, each turned into one sentence and a hint."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from localsynth.core.errors import LocalsynthError, StoreError, StoreVersionError

if TYPE_CHECKING:
    import duckdb

__all__ = [
    "first_line",
    "from_os",
    "is_lock",
    "lock_holder",
    "message",
    "quoted",
    "read_only",
    "roll_back",
    "translated",
    "with_cells",
]

_E = TypeVar("_E", bound=LocalsynthError)
_FULL = "free some space (or raise the quota) and try again; nothing of this step was stored"


def is_lock(error: Exception) -> bool:
    """Is the file held by another process?"""
    return "Could not set lock on file" in str(error)


def lock_holder(error: Exception) -> str:
    """Who holds it, in words, from DuckDB's message."""
    found = re.search(r"held in (?P<program>.*?) \(PID (?P<pid>\d+)\)", str(error))
    if not found:
        return "another process"
    name = Path(found["program"]).name or "another process"
    return f"another process ({name}, pid {found['pid']})"


def message(error: duckdb.Error | UnicodeDecodeError) -> str:
    """DuckDB's message; 1.5 may cut one in the middle of a character, and then Python cannot decode it."""
    if isinstance(error, UnicodeDecodeError):
        return error.object.decode("utf-8", "replace")
    return str(error)


def first_line(error: Exception | str) -> str:
    """DuckDB's message without its class and without what follows the first line."""
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return re.sub(r"^[A-Z][A-Za-z ]*(Error|Exception): ", "", line).strip()


def quoted(text: str) -> tuple[str, ...]:
    """What stands in quotes in one of DuckDB's messages: names and, of a conversion that failed, cells."""
    return tuple(dict.fromkeys(found[0] for found in re.finditer(r"'(?:[^']|'')*'|\"[^\"]*\"", text)))


def with_cells(error: _E, text: str) -> _E:
    """The error, where what stands in quotes in that part of its message may be cells."""
    error.cells = quoted(text)
    return error


def read_only(path: Path) -> StoreError:
    """The error for a workspace that cannot be written."""
    return StoreError(
        f"the workspace {path.parent} is read-only",
        f"make {path.name} and its folder writable, or copy the folder elsewhere",
    )


def from_os(error: OSError, path: Path, deed: str) -> StoreError:
    """An operating system's error while doing ``deed`` (a verb) to ``path``."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return StoreError(f"the disk is full: {path}", _FULL)
    if error.errno == errno.EROFS:
        return StoreError(f"cannot {deed} {path}: the file system is read-only", "choose another folder")
    if error.errno in {errno.EACCES, errno.EPERM}:
        return StoreError(f"cannot {deed} {path}: no permission", "choose another folder, or ask its owner")
    if error.errno in {errno.EEXIST, errno.ENOTDIR}:
        return StoreError(f"cannot {deed} {path}: a file is in the way", "choose another folder")
    return StoreError(f"cannot {deed} {path}: {error.strerror or error}")


@contextmanager
def translated(path: Path, deed: str) -> Iterator[None]:
    """Run a block on the workspace file; DuckDB's errors come out as ``StoreError``."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        raise _store_error(error, path, deed) from error
    except OSError as error:
        if isinstance(error, StoreError) or error.errno is None:
            raise
        raise from_os(error, path, deed) from error


def _store_error(error: duckdb.Error, path: Path, deed: str) -> StoreError:
    text = str(error)
    low = text.lower()
    folder = path.parent
    if re.search(r"no space left|disk quota|file too large|out of disk|failed to offload", low):
        return StoreError(f"the disk is full: the workspace {folder} could not be written", _FULL)
    if "read-only file system" in low or "permission denied" in low:
        return (
            read_only(path)
            if deed != "read"
            else StoreError(
                f"the workspace {folder} cannot be read: no permission",
                "ask its owner, or copy the folder elsewhere",
            )
        )
    if re.search(
        r"trying to read a database file with version|newer version of duckdb|serialization.*version", low
    ):
        return StoreVersionError(
            f"the workspace {folder} was written by a newer DuckDB than this one",
            "upgrade localsynth and duckdb",
        )
    if "not a valid duckdb database" in low or "is a directory" in low:
        return StoreError(
            f"{path} is not a workspace's database", "choose another folder; the file was left alone"
        )
    if re.search(r"corrupt|checksum|failure while replaying wal", low):
        return StoreError(
            f"the workspace {folder} is damaged: {first_line(error)}",
            "keep a copy of the folder as it is, then restore it from a backup",
        )
    if "out of memory" in low:
        return StoreError(f"not enough memory: {first_line(error)}", "close other programs and try again")
    words = first_line(error)
    return with_cells(StoreError(f"cannot {deed} the workspace {folder}: {words}"), words)


def roll_back(con: duckdb.DuckDBPyConnection) -> None:
    """Roll back what a failed block began; a transaction that died by itself has nothing left to roll back."""
    import duckdb

    try:
        con.execute("ROLLBACK")
    except duckdb.Error:
        # The first error is the one worth telling; a database that cannot even roll back replays only committed work.
        return
