"""What a power cut may leave, as the proof of durability makes it: never less than was synced."""

from __future__ import annotations

import importlib.util
import random
import sys
from pathlib import Path
from types import ModuleType

import pytest

PATH = Path(__file__).resolve().parents[2] / "scripts" / "durability" / "disk.py"


@pytest.fixture(scope="module")
def disk() -> ModuleType:
    spec = importlib.util.spec_from_file_location("durability_disk", PATH)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made
    spec.loader.exec_module(made)
    return made


def left(disk: ModuleType, changes: list[object], before: Path | None = None) -> list[dict[str, bytes]]:
    """The files after the power went, as often as it takes to see all that may be."""
    folder = Path("/w")
    nothing = Path("/nowhere")
    return [
        disk.after_power_cut(changes, folder, before or nothing, random.Random(seed)).files
        for seed in range(60)
    ]


def test_what_was_synced_stays(disk: ModuleType) -> None:
    kind, page = disk.Kind, bytes([7]) * 4096
    changes = [
        disk.Change(kind.MKDIR, -1, 0, "/w", "", b""),
        disk.Change(kind.OPEN, 3, 0, "/w/a", "", b""),
        disk.Change(kind.WRITE, 3, 0, "/w/a", "", page),
        disk.Change(kind.SYNC, 3, 0, "/w/a", "", b""),
        disk.Change(kind.WRITE, 3, 4096, "/w/a", "", page + page),
    ]
    found = left(disk, changes)
    assert all(files["a"].startswith(page) for files in found)
    ends = {files["a"][4096:] for files in found}
    assert {b"", page + page, bytes(8192)} <= ends
    assert any(len(end) % 4096 for end in ends)  # torn


def test_a_new_name_for_a_file_that_was_not_synced(disk: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(b"old")
    kind = disk.Kind
    changes = [
        disk.Change(kind.OPEN, 3, 0, "/w/new", "", b""),
        disk.Change(kind.WRITE, 3, 0, "/w/new", "", b"new"),
        disk.Change(kind.RENAME, -1, 0, "/w/new", "/w/kept", b""),
    ]
    found = left(disk, changes, tmp_path)
    assert {files["kept"] for files in found} == {b"old", b"new", b"", bytes(3)}
    synced = disk.Change(kind.SYNC, 3, 0, "/w/new", "", b"")
    found = left(disk, [*changes[:2], synced, changes[2]], tmp_path)
    assert {files["kept"] for files in found} == {b"old", b"new"}


def test_without_a_power_cut_all_of_it(disk: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abcdef")
    kind = disk.Kind
    changes = [
        disk.Change(kind.OPEN, 3, 0, "/w/a", "", b""),
        disk.Change(kind.TRUNCATE, 3, 2, "/w/a", "", b""),
        disk.Change(kind.WRITE, 3, 4, "/w/a", "", b"z"),
        disk.Change(kind.MKDIR, -1, 0, "/w/sub", "", b""),
        disk.Change(kind.UNLINK, -1, 0, "/w/a", "", b""),
    ]
    assert disk.after_power_cut(changes[:3], Path("/w"), tmp_path, None).files == {"a": b"ab\0\0z"}
    after = disk.after_power_cut(changes, Path("/w"), tmp_path, None)
    assert (after.folders, after.files) == ({".", "sub"}, {})
