"""Another quantization is made whole, or there is an error and no file."""

from __future__ import annotations

import shutil
import stat
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from localsynth.core.errors import ModelError
from localsynth.engine import requantize as module
from localsynth.engine.gguf import GgufHeader, read_header
from localsynth.engine.requantize import QUANTIZATIONS, estimated_size, requantize
from tests.engine.gguf_files import gguf
from tests.engine.tuning_kit import tiny


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(tiny("Q4_1"))
    return path


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "made" / "made.gguf"


@pytest.fixture(autouse=True)
def folder(target: Path) -> None:
    target.parent.mkdir()


def child(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, does: str) -> None:
    """Let the child do something else than ask llama.cpp; its arguments are source, target, quantization, threads."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, pathlib, signal, sys\n"
        "if 'localsynth.engine.requantize' in ' '.join(sys.orig_argv):\n"
        "    source, target = map(pathlib.Path, sys.orig_argv[-4:-2])\n"
        f"    {does}\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def test_what_llama_cpp_refuses_is_told_in_its_words(source: Path, target: Path) -> None:
    with pytest.raises(ModelError, match=r"could not make Q8_0 of tiny\.gguf: .*failed") as caught:
        requantize(source, target, "Q8_0", threads=1)
    assert "verify" in caught.value.hint
    assert not target.exists()


@pytest.mark.parametrize("how", ["SIGKILL", "SIGABRT"])
def test_a_child_that_dies_is_an_error_and_leaves_nothing(
    how: str, source: Path, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child(monkeypatch, tmp_path, f"target.write_bytes(b'half'); os.kill(os.getpid(), signal.{how})")
    with pytest.raises(ModelError, match=f"ended by {how}") as caught:
        requantize(source, target, "Q8_0", threads=1)
    assert ("memory" in caught.value.hint) is (how == "SIGKILL")
    assert not target.exists()


@pytest.mark.parametrize(
    ("data", "says"),
    [(b"half", "not a GGUF file"), (gguf()[:-1], "truncated"), (tiny("BF16"), "made BF16 of")],
    ids=["no GGUF", "truncated", "another type"],
)
def test_what_was_made_is_looked_at(
    data: bytes, says: str, source: Path, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "made.bytes").write_bytes(data)
    child(
        monkeypatch,
        tmp_path,
        f"target.write_bytes(pathlib.Path({str(tmp_path / 'made.bytes')!r}).read_bytes()); os._exit(0)",
    )
    with pytest.raises(ModelError, match=says):
        requantize(source, target, "Q8_0", threads=1)
    assert not target.exists()


def test_a_file_that_is_right_is_private(
    source: Path, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "made.bytes").write_bytes(tiny("Q8_0"))
    child(
        monkeypatch,
        tmp_path,
        f"target.write_bytes(pathlib.Path({str(tmp_path / 'made.bytes')!r}).read_bytes()); os._exit(0)",
    )
    steps: list[tuple[str, float]] = []
    requantize(source, target, "Q8_0", threads=1, progress=lambda *step: steps.append(step))
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert read_header(target).quantization == "Q8_0"
    assert steps[-1] == ("making Q8_0", 1.0)


def test_a_cancel_ends_the_child_and_leaves_nothing(
    source: Path, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child(monkeypatch, tmp_path, "target.write_bytes(b'half'); signal.pause()")
    started: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def watched(*arguments: object, **options: object) -> subprocess.Popen[bytes]:
        started.append(real(*arguments, **options))  # type: ignore[call-overload]
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", watched)

    def cancel(_what: str, _share: float) -> None:
        if target.exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        requantize(source, target, "Q8_0", threads=1, progress=cancel)
    assert started[0].poll() is not None
    assert not target.exists()


def test_the_child_ends_with_its_parent(tmp_path: Path) -> None:
    script = (
        "import threading\n"
        "from localsynth.engine import requantize\n"
        "requantize._end_with_parent()\n"
        "threading.Event().wait()\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(60) == 1


def test_a_full_disk_is_told_before(source: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**6, 10**6, 1000))
    monkeypatch.setattr(subprocess, "Popen", None)
    with pytest.raises(ModelError, match="of disk"):
        requantize(source, target, "BF16", threads=1)


def test_a_folder_that_is_not_there(source: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be made"):
        requantize(source, tmp_path / "none" / "x.gguf", "BF16", threads=1)


def test_sizes_are_estimated_rather_too_large(source: Path) -> None:
    header = read_header(source)

    def of(parameters: int, quantization: str) -> int:
        return estimated_size(GgufHeader(**{**vars(header), "parameters": parameters}), quantization)

    assert set(QUANTIZATIONS) == {"Q4_0", "Q8_0", "BF16"}
    for parameters, known in ((134_515_008, (91_726_912, 144_811_072, 270_885_952 - 1_800_000)),):
        for quantization, size in zip(QUANTIZATIONS, known, strict=True):
            assert size * 0.98 < of(parameters, quantization) < size * 1.6
    assert of(7 * 10**9, "Q4_0") < of(7 * 10**9, "Q8_0") * 0.7
    assert module.estimated_size(header, "BF16") >= header.parameters * 2


@pytest.mark.model
def test_the_same_file_whatever_the_threads(embedded_model: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one.gguf", tmp_path / "two.gguf"
    requantize(embedded_model, one, "Q8_0", threads=1)
    requantize(embedded_model, two, "Q8_0", threads=2)
    assert one.read_bytes() == two.read_bytes()
    assert read_header(one).quantization == "Q8_0"
    assert one.stat().st_size < estimated_size(read_header(embedded_model), "Q8_0") * 1.02
