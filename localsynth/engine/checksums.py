"""What a checksum file lying beside a model says about it: ``NAME.sha256``, or a ``SHA256SUMS`` of the whole folder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import AddFailed

__all__ = ["Stated", "agree", "stated"]

_HEX = r"([0-9a-fA-F]{64})"
_GNU = re.compile(rf"{_HEX} [ *](.+)")
_BSD = re.compile(rf"SHA256 ?\((.+)\) ?= ?{_HEX}")
_LARGEST = 1 << 20  # bytes; a list of ten thousand files is smaller


@dataclass(frozen=True)
class Stated:
    """A sha256, as 64 lower-case hex digits, and who states it."""

    sha256: str
    by: str


def stated(path: Path, given: str | None = None) -> list[Stated]:
    """Every sha256 that is stated of the file: ``given`` by a person, or in a checksum file beside it.

    Raises :class:`AddFailed` for one that cannot be understood. That there is none is no error.
    """
    found = []
    if given is not None:
        if not re.fullmatch(_HEX, given.strip()):
            raise AddFailed(
                f"{given!r} is no sha256", "It has 64 hex digits, as `sha256sum FILE` prints them."
            )
        found.append(Stated(given.strip().lower(), "--sha256"))
    own = path.with_name(path.name + ".sha256")
    if own.is_file():
        lines = _lines(own)
        said = _named(lines, path.name)
        if said is None and len(lines) == 1 and re.fullmatch(_HEX, lines[0]):
            said = lines[0].lower()
        if said is None:
            raise AddFailed(f"{own.name} states no sha256 of {path.name}", "Mend it, or move it away.")
        found.append(Stated(said, own.name))
    sums = path.with_name("SHA256SUMS")
    if sums.is_file() and (said := _named(_lines(sums), path.name)) is not None:
        found.append(Stated(said, sums.name))
    return found


def agree(path: Path, digest: str, wanted: list[Stated]) -> None:
    """Raises :class:`AddFailed` unless ``digest``, the file's own sha256, is every one that is stated."""
    for one in wanted:
        if one.sha256 != digest:
            raise AddFailed(
                f"{path.name} is not the file that {one.by} names: its sha256 is {digest[:12]}..., not"
                f" {one.sha256[:12]}...",
                "It was damaged or changed on the way; copy it again.",
            )


def _lines(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST).decode("utf-8", errors="replace")
    except OSError as error:
        raise AddFailed(
            f"{path} cannot be read: {error.strerror or error}", "Mend it, or move it away."
        ) from error
    return [line.strip() for line in text.splitlines() if line.strip()]


def _named(lines: list[str], name: str) -> str | None:
    """The sha256 of the file of that name, as GNU's and BSD's tools write it, ``./`` before the name or not."""
    for line in lines:
        if found := _GNU.fullmatch(line):
            digest, named = found[1], found[2]
        elif found := _BSD.fullmatch(line):
            named, digest = found[1], found[2]
        else:
            continue
        if named.removeprefix("./") == name:
            return digest.lower()
    return None
