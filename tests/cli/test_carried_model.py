"""A model from a stick: it must be what its checksum file says, and must stay what was registered."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.gguf_files import gguf

from .conftest import Cli

MODEL = gguf()
SHA256 = hashlib.sha256(MODEL).hexdigest()
OTHER = "0" * 64


@pytest.fixture
def stick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOCALSYNTH_MODELS", str(tmp_path / "models"))
    folder = tmp_path / "stick"
    folder.mkdir()
    (folder / "my model.gguf").write_bytes(MODEL)
    return folder


@pytest.mark.parametrize(
    ("beside", "text"),
    [
        ("my model.gguf.sha256", SHA256 + "\n"),
        ("my model.gguf.sha256", f"{SHA256.upper()}  my model.gguf\r\n"),
        ("my model.gguf.sha256", f"SHA256 (my model.gguf) = {SHA256}\n"),
        ("SHA256SUMS", f"{OTHER}  another.gguf\n{SHA256} *./my model.gguf\n"),
    ],
)
def test_a_checksum_beside_it(cli: Cli, stick: Path, beside: str, text: str) -> None:
    (stick / beside).write_text(text, newline="")
    said = cli("models", "add", stick / "my model.gguf")
    assert (said.code, said.out) == (0, "my-model\n")
    assert f"sha256 {SHA256}, as {beside} says" in " ".join(said.err.split())


@pytest.mark.parametrize("how", ["--copy", "--no-copy"])
@pytest.mark.parametrize("beside", ["my model.gguf.sha256", "SHA256SUMS"])
def test_another_file_than_the_checksum_says(cli: Cli, stick: Path, beside: str, how: str) -> None:
    (stick / beside).write_text(f"{OTHER}  my model.gguf\n")
    said = cli("models", "add", stick / "my model.gguf", how)
    assert said.code == 3
    assert f"my model.gguf is not the file that {beside} names" in " ".join(said.err.split())
    assert "my-model" not in cli("models", "list").out
    assert not list((stick.parent / "models").glob("*.gguf"))


def test_a_checksum_that_is_given(cli: Cli, stick: Path) -> None:
    refused = cli("models", "add", stick / "my model.gguf", "--sha256", OTHER)
    assert refused.code == 3
    assert "is not the file that --sha256 names" in " ".join(refused.err.split())
    assert "is no sha256" in cli("models", "add", stick / "my model.gguf", "--sha256", "abc").err
    assert cli("models", "add", stick / "my model.gguf", "--sha256", SHA256.upper()).code == 0


def test_a_checksum_file_without_checksum(cli: Cli, stick: Path) -> None:
    (stick / "my model.gguf.sha256").write_text(f"{SHA256}  another.gguf\n")
    said = cli("models", "add", stick / "my model.gguf")
    assert said.code == 3
    assert "states no sha256 of my model.gguf" in " ".join(said.err.split())


def test_a_list_of_other_files_confirms_nothing(cli: Cli, stick: Path) -> None:
    (stick / "SHA256SUMS").write_text(f"{OTHER}  another.gguf\n\x00 no line of a list\n")
    said = cli("models", "add", stick / "my model.gguf")
    assert said.code == 0
    assert "which no checksum file beside it confirms" in " ".join(said.err.split())


def _changed(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def _changed_looking_the_same(path: Path) -> None:
    before = path.stat()
    _changed(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)


@pytest.mark.parametrize("change", [_changed, _changed_looking_the_same])
def test_a_file_that_changed_is_not_loaded(
    cli: Cli, stick: Path, recipe: Path, change: Callable[[Path], None]
) -> None:
    assert cli("models", "add", stick / "my model.gguf", "--name", "mine").code == 0
    change(stick.parent / "models" / "mine.gguf")
    said = cli("run", recipe, "--model", "mine")
    assert said.code == 3
    assert "mine.gguf has changed since it was registered" in " ".join(said.err.split())
    assert cli("models", "verify", "mine").code == 3
