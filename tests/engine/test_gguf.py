"""The header reader: right about good files, clear about bad ones, calm about hostile ones."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localsynth.core.errors import ExitCode, ModelError
from localsynth.engine.catalog import models_folder
from localsynth.engine.gguf import GgufHeader, read_header
from tests.engine.gguf_files import META, TENSORS, gguf, string

GOOD = gguf()
SMOLLM2 = models_folder() / "smollm2-135m-instruct-q4_1.gguf"


def written(folder: Path, data: bytes) -> Path:
    path = folder / "m.gguf"
    path.write_bytes(data)
    return path


def refusal(folder: Path, data: bytes) -> ModelError:
    with pytest.raises(ModelError) as caught:
        read_header(written(folder, data))
    assert caught.value.code is ExitCode.ENGINE
    return caught.value


def test_reads_what_people_ask_for(tmp_path: Path) -> None:
    header = read_header(written(tmp_path, GOOD))
    assert header == GgufHeader(
        version=3,
        kind="model",
        architecture="llama",
        name="Tiny",
        size_label="1K",
        parameters=32 * 4 + 32,
        quantization="Q8_0",
        context_length=512,
        embedding_length=32,
        block_count=2,
        kv_bytes_per_token=2 * 2 * 8 * 2 * 2,
        license="mit",
        chat_template="{{ messages }}",
        tokenizer="gpt2",
        split_count=1,
        data_offset=header.data_offset,
        expected_size=len(GOOD),
    )
    assert header.data_offset % 32 == 0


def test_version_2_and_what_is_missing(tmp_path: Path) -> None:
    header = read_header(written(tmp_path, gguf({"general.architecture": "x"}, version=2)))
    assert (header.version, header.kind, header.quantization) == (2, "model", "Q8_0")
    assert header.name is header.license is header.chat_template is header.context_length is None
    assert header.kv_bytes_per_token is None


def test_unusual_alignment(tmp_path: Path) -> None:
    data = gguf({**META, "general.alignment": 64}, alignment=64)
    assert read_header(written(tmp_path, data)).expected_size == len(data)


def test_labels_carry_no_terminal_codes(tmp_path: Path) -> None:
    header = read_header(written(tmp_path, gguf({**META, "general.name": "\x1b[2Jred\x07\n"})))
    assert header.name == "[2Jred"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b"hello world, this is text", "starts with 'hell'"),
        (b"PK\x03\x04" + b"\0" * 40, "zip file"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b"GG", "starts with 'GG'"),
        (b"GGUF", "truncated"),
        (b"GGUF" + struct.pack(">IQQ", 3, 1, 1), "big-endian"),
        (gguf(version=1), "version 1, which is not supported"),
        (gguf(version=9), "version 9"),
        (gguf(tensors=()), "vocabulary only"),
        (gguf({"general.name": "x"}), "does not name its architecture"),
        (gguf({**META, "general.alignment": 33}), "alignment is 33"),
        (gguf(tensors=[("a", (33, 2), 8)]), "not whole blocks"),
        (gguf(tensors=[("a", (1, 1, 1, 1, 1), 0)]), "5 dimensions"),
        (gguf(tensors=[("a", (4,), 300)]), "tensor type 300"),
        (GOOD[:-7], "ends 7 bytes early"),
    ],
)  # fmt: skip
def test_refuses_with_the_reason(tmp_path: Path, data: bytes, says: str) -> None:
    error = refusal(tmp_path, data)
    assert says in error.message
    assert error.hint


def test_truncation_is_counted(tmp_path: Path) -> None:
    data = gguf(tensors=[("a", (1024, 4), 0)])
    assert "the file ends 1,234 bytes early" in refusal(tmp_path, data[:-1234]).message


@pytest.mark.parametrize(
    "data",
    [
        b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 1),
        b"GGUF" + struct.pack("<IQQ", 3, 1, 1 << 60),
        b"GGUF" + struct.pack("<IQQQ", 3, 1, 1, 1 << 62),
        b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + string("k") + struct.pack("<IIQ", 9, 8, 1 << 61),
        b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + string("k") + struct.pack("<IIQ", 9, 9, 2),
        b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + string("k") + struct.pack("<I", 77),
        gguf(tensors=TENSORS[1:]).replace(struct.pack("<IQ", 1, 32), struct.pack("<IQ", 1, 1 << 62)),
    ],
)  # fmt: skip
def test_huge_claims_cost_nothing(tmp_path: Path, data: bytes) -> None:
    path = written(tmp_path, data)
    tracemalloc.start()
    try:
        with pytest.raises(ModelError):
            read_header(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 << 20


def test_large_arrays_are_stepped_over(tmp_path: Path) -> None:
    tokens = [f"token{i}" for i in range(100_000)]
    path = written(tmp_path, gguf({**META, "tokenizer.ggml.tokens": tokens}))
    tracemalloc.start()
    try:
        assert read_header(path).architecture == "llama"
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20


def test_unreadable_places(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing.gguf", Path("/dev/zero")):
        with pytest.raises(ModelError, match="is not a file"):
            read_header(path)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_no_bytes_get_past_the_reader(tmp_path: Path, data: st.DataObject) -> None:
    """Noise after the magic, or a good file with bytes changed, cut out or doubled: a header or a ModelError."""
    if data.draw(st.booleans()):
        raw = b"GGUF" + struct.pack("<I", 3) + data.draw(st.binary(max_size=400))
    else:
        mutated = bytearray(GOOD)
        for _ in range(data.draw(st.integers(1, 6))):
            at = data.draw(st.integers(4, len(mutated) - 1))
            mutated[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
            if len(mutated) < 6:
                break
        raw = bytes(mutated)
    path = written(tmp_path, raw)
    tracemalloc.start()
    try:
        header = read_header(path)
        assert header.parameters > 0
        assert header.expected_size <= len(raw)
    except ModelError:
        pass
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 4 << 20


@pytest.mark.model
@pytest.mark.skipif(not SMOLLM2.is_file(), reason="the embedded model is not installed")
def test_the_embedded_model() -> None:
    header = read_header(SMOLLM2)
    assert (header.architecture, header.quantization, header.parameters) == ("llama", "Q4_1", 134_515_008)
    assert header.expected_size == SMOLLM2.stat().st_size
    assert header.chat_template is not None
    assert "<|im_start|>" in header.chat_template
    assert header.kv_bytes_per_token == 23_040
