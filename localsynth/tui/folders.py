"""What the path a person types means: the entries of a folder that go on from it, and whether a file may be there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from .plain import one_line

__all__ = ["Answer", "Entry", "Listing", "Sense", "Wanted", "completed", "judged", "listing", "meant"]

_MOST = 200  # entries shown; who looks for another types one more letter


@dataclass(frozen=True)
class Entry:
    """A file or folder. size : in bytes, ``None`` where it is not known."""

    name: str
    folder: bool
    size: int | None = None


@dataclass(frozen=True)
class Listing:
    """What a typed path can go on with. more : how many entries are left out. problem : why there are none, in a sentence."""

    entries: tuple[Entry, ...] = ()
    more: int = 0
    problem: str = ""


@dataclass(frozen=True)
class Wanted:
    """The kind of path that is asked for.

    suffixes : such as ``.csv``; empty for any. save : a file to write; else one to read. must_exist : of one to read.
    makes : a folder that is made without a question when something is saved in it.
    """

    suffixes: tuple[str, ...] = ()
    save: bool = False
    must_exist: bool = True
    makes: Path | None = None


class Sense(Enum):
    """What a path that a person is done with comes to."""

    TAKEN = "taken"
    FOLDER = "folder"
    EXISTS = "exists"
    NO_FOLDER = "no folder"
    WRONG = "wrong"


@dataclass(frozen=True)
class Answer:
    """words : the question for ``EXISTS`` and ``NO_FOLDER``, what is wrong for ``WRONG``."""

    sense: Sense
    path: Path
    words: str = ""


def meant(typed: str, base: Path) -> Path:
    """The whole path: ``~`` is one's home, and what is relative is so to ``base``."""
    return base / os.path.expanduser(typed)  # noqa: PTH111 - Path.expanduser raises where there is no such person


def listing(typed: str, base: Path, suffixes: Sequence[str] = ()) -> Listing:
    """The entries whose names begin with what is typed after the last slash: folders first, then files with the suffixes.

    Capitals and small letters are alike. Hidden entries come only where a dot is typed, names that a line cannot show never.
    """
    stem = typed.rpartition("/")[2]
    if typed == "~" or stem == "..":
        typed, stem = typed + "/", ""
    folder = meant(typed[: len(typed) - len(stem)], base)
    try:
        found = sorted(
            _entries(folder, stem, suffixes), key=lambda one: (not one.folder, one.name.casefold())
        )
    except (OSError, ValueError) as error:
        return Listing(problem=_why(folder, error))
    shown = found[:_MOST]
    return Listing(tuple(_sized(folder, one) for one in shown), len(found) - len(shown))


def _entries(folder: Path, stem: str, suffixes: Sequence[str]) -> Iterator[Entry]:
    wanted, ends = stem.casefold(), tuple(suffix.casefold() for suffix in suffixes)
    with os.scandir(folder) as found:
        for one in found:
            name = one.name
            if not name.casefold().startswith(wanted) or (name.startswith(".") and not stem.startswith(".")):
                continue
            if one_line(name) != name:
                continue
            if one.is_dir():
                yield Entry(name, True)
            elif not ends or name.casefold().endswith(ends):
                yield Entry(name, False)


def _sized(folder: Path, one: Entry) -> Entry:
    if one.folder:
        return one
    try:
        return Entry(one.name, False, (folder / one.name).stat().st_size)
    except OSError:  # a link to nowhere
        return one


def completed(typed: str, found: Listing) -> str:
    """What is typed, gone on as far as all entries go together; an only folder's with the slash behind it."""
    if typed == "~" or typed.rpartition("/")[2] == "..":
        return typed + "/"
    if not found.entries or found.more:
        return typed
    stem = typed.rpartition("/")[2]
    common = os.path.commonprefix([one.name for one in found.entries])  # noqa: RUF071 - characters are meant, not parts
    if len(common) < len(stem) or not common.casefold().startswith(stem.casefold()):
        return typed
    alone = found.entries[0] if len(found.entries) == 1 else None
    return typed[: len(typed) - len(stem)] + common + ("/" if alone is not None and alone.folder else "")


def judged(typed: str, base: Path, wanted: Wanted) -> Answer:
    """What comes of a path that a person is done with."""
    path = meant(typed, base)
    if not typed.strip():
        return Answer(Sense.WRONG, path, "type the name of a file")
    try:
        if path.is_dir():
            return Answer(Sense.FOLDER, path)
        return _to_save(path, wanted) if wanted.save else _to_read(path, wanted)
    except (OSError, ValueError) as error:
        return Answer(Sense.WRONG, path, _why(path, error))


def _to_read(path: Path, wanted: Wanted) -> Answer:
    if path.exists():
        with path.open("rb"):
            return Answer(Sense.TAKEN, path)
    if wanted.must_exist:
        return Answer(Sense.WRONG, path, f"there is no file {one_line(path)}")
    return Answer(Sense.TAKEN, path)


def _to_save(path: Path, wanted: Wanted) -> Answer:
    ends = wanted.suffixes
    if ends and not path.name.casefold().endswith(tuple(end.casefold() for end in ends)):
        which = ends[0] if len(ends) == 1 else f"one of {', '.join(ends)}"
        return Answer(Sense.WRONG, path, f"the name must end in {which}, which says how the file is written")
    if path.exists():
        return Answer(Sense.EXISTS, path, f"Replace {one_line(path)}?")
    if path.parent.is_dir():
        return Answer(Sense.TAKEN, path)
    if path.parent == wanted.makes:
        path.parent.mkdir(mode=0o700, parents=True)
        return Answer(Sense.TAKEN, path)
    return Answer(Sense.NO_FOLDER, path, f"There is no folder {one_line(path.parent)}. Make it?")


def _why(path: Path, error: OSError | ValueError) -> str:
    words = error.strerror if isinstance(error, OSError) else str(error)
    return f"{one_line(path)}: {words or 'it cannot be read'}"
