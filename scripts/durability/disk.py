"""What a disk holds after a power cut, from the log of all changes that were made.

What a file system promises is taken as ext4, XFS and Btrfs keep it: data that was synced is there, and so is every change of
names before any sync of a file. What came later may be there in part: of names a beginning of the changes in their order, of
data any of the pages, the last of them torn at a sector, or a longer file full of zeros.
"""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

__all__ = ["Change", "Content", "after_power_cut", "changes_in"]

_HEAD = struct.Struct("6q")
_PAGE, _SECTOR = 4096, 512


class Kind(IntEnum):
    """As faults.c numbers them."""

    OPEN = 1
    CLOSE = 2
    WRITE = 3
    TRUNCATE = 4
    SYNC = 5
    UNLINK = 6
    RENAME = 7
    MKDIR = 8
    RMDIR = 9
    LINK = 10


@dataclass(frozen=True)
class Change:
    """One call. number : flags of an open, offset of a write, length of a truncation."""

    kind: Kind
    fd: int
    number: int
    path: str
    other: str
    data: bytes


@dataclass(frozen=True)
class Content:
    """Folders and files of a folder, by their path in it."""

    folders: set[str]
    files: dict[str, bytes]

    @classmethod
    def of(cls, folder: Path) -> Content:
        """What is there now."""
        found = {str(path.relative_to(folder)): path for path in [folder, *folder.rglob("*")]}
        return cls(
            {name for name, path in found.items() if path.is_dir()},
            {name: path.read_bytes() for name, path in found.items() if path.is_file()},
        )

    def write(self, into: Path) -> None:
        """Make it, for the owner alone."""
        for name in sorted(self.folders):
            (into / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, data in self.files.items():
            (into / name).write_bytes(data)
            (into / name).chmod(0o600)


@dataclass
class _File:
    """synced : its content at the last sync. later : writes and truncations (length, no data) since, oldest first."""

    synced: bytes = b""
    later: list[tuple[int, bytes | None]] = field(default_factory=list)

    def now(self) -> bytes:
        return _changed(self.synced, self.later)

    def sync(self) -> None:
        self.synced, self.later = self.now(), []


@dataclass
class _Names:
    """Folders, and files by path."""

    folders: set[str] = field(default_factory=set)
    files: dict[str, _File] = field(default_factory=dict)

    def copy(self) -> _Names:
        return _Names(set(self.folders), dict(self.files))


def changes_in(log: Path) -> list[Change]:
    """All changes of a log, in order."""
    return list(_read(log.read_bytes()))


def _read(data: bytes) -> Iterator[Change]:
    at = 0
    while at < len(data):
        kind, fd, number, path, other, length = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        parts = []
        for size in (path, other, length):
            parts.append(data[at : at + size])
            at += size
        yield Change(Kind(kind), fd, number, os.fsdecode(parts[0]), os.fsdecode(parts[1]), parts[2])


def after_power_cut(
    changes: Sequence[Change], folder: Path, before: Path, chance: random.Random | None
) -> Content:
    """What is in ``folder`` when the power goes after the last of the changes that were made there.

    before : a copy of it as it was on the disk when they began. chance : decides about all that was not synced; ``None`` keeps
    all of it, as if the power had not gone.
    """
    history = _replay(changes, folder, before)
    names = history[-1] if chance is None else history[chance.randrange(len(history))]
    kept = {id(one): _kept(one, chance) for one in names.files.values()}
    return Content(
        {_inside(path, folder) for path in names.folders},
        {_inside(path, folder): kept[id(one)] for path, one in names.files.items()},
    )


def _inside(path: str, folder: Path) -> str:
    return str(Path(path).relative_to(folder))


def _replay(changes: Sequence[Change], folder: Path, before: Path) -> list[_Names]:
    """The states of the names that may be found: as of the last sync of anything, and after each change of them since."""
    names = _found(folder, before)
    history = [names.copy()]
    by_fd: dict[int, _File] = {}
    for change in changes:
        match change.kind:
            case Kind.OPEN:
                new = change.path not in names.files and change.path not in names.folders
                if new:
                    names.files[change.path] = _File()
                    history.append(names.copy())
                _open(by_fd, names, change)
            case Kind.CLOSE:
                by_fd.pop(change.fd, None)
            case Kind.WRITE:
                by_fd[change.fd].later.append((change.number, change.data))
            case Kind.TRUNCATE:
                by_fd[change.fd].later.append((change.number, None))
            case Kind.SYNC:
                if change.fd in by_fd:  # not a folder
                    by_fd[change.fd].sync()
                history = [names.copy()]
            case _:
                _rename(names, change)
                history.append(names.copy())
    return history


def _found(folder: Path, before: Path) -> _Names:
    names = _Names()
    for path in [before, *before.rglob("*")] if before.exists() else []:
        place = str(folder / path.relative_to(before))
        if path.is_dir():
            names.folders.add(place)
        else:
            names.files[place] = _File(path.read_bytes())
    return names


def _open(by_fd: dict[int, _File], names: _Names, change: Change) -> None:
    if change.path in names.files:
        by_fd[change.fd] = names.files[change.path]
        if change.number & os.O_TRUNC:
            by_fd[change.fd].later.append((0, None))


def _rename(names: _Names, change: Change) -> None:
    match change.kind:
        case Kind.UNLINK:
            del names.files[change.path]
        case Kind.RENAME:
            names.files[change.other] = names.files.pop(change.path)
        case Kind.MKDIR:
            names.folders.add(change.path)
        case Kind.RMDIR:
            names.folders.discard(change.path)
        case Kind.LINK:
            names.files[change.other] = names.files[change.path]


def _kept(one: _File, chance: random.Random | None) -> bytes:
    if chance is None:
        return one.now()
    if not one.later:
        return one.synced
    fate = chance.choice(("none", "all", "beginning", "pages", "zeros"))
    if fate == "none":
        return one.synced
    if fate == "all":
        return one.now()
    if fate == "beginning":  # the order is kept, the last one is torn
        some = one.later[: chance.randint(1, len(one.later))]
        offset, data = some[-1]
        if data is not None:
            some = [*some[:-1], (offset, data[: chance.randrange(0, len(data) + 1, _SECTOR)])]
        return _changed(one.synced, some)
    now = one.now()
    if fate == "zeros":  # the length is known on the disk, what stands there is not
        return one.synced[: len(now)].ljust(len(now), b"\0")
    pages = bytearray(one.synced[: len(now)].ljust(len(now), b"\0"))
    for start in range(0, len(now), _PAGE):
        if chance.random() < 0.5:
            pages[start : start + _PAGE] = now[start : start + _PAGE]
    return bytes(pages)


def _changed(content: bytes, changes: Sequence[tuple[int, bytes | None]]) -> bytes:
    made = bytearray(content)
    for offset, data in changes:
        if data is None:
            made = made[:offset] if offset <= len(made) else made + bytes(offset - len(made))
        else:
            made.extend(bytes(max(0, offset - len(made))))
            made[offset : offset + len(data)] = data
    return bytes(made)
