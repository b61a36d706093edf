"""Reads the header of a GGUF file and believes none of it.

The file comes from a stick or a download, so every count and length it claims is held against the file's real
size before anything is read, large arrays are stepped over, and only the few values people ask for are kept.
Memory stays under a few MB whatever the file says.
"""

from __future__ import annotations

import os
import struct
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..core.errors import ModelError
from .ggml import FILE_TYPES, TENSOR_TYPES

__all__ = ["GgufHeader", "read_header"]

MAX_HEADER = 64 << 20  # bytes; the largest vocabularies in use need about 20 MiB
MAX_PAIRS = 1 << 12  # real files have under 100
MAX_TENSORS = 1 << 16  # real files have under 5,000
MAX_KEY = 1 << 16  # bytes, from the specification; tensor names obey it too
MAX_TEXT = 1 << 20  # bytes of a value that is kept; chat templates reach about 20 KiB
MAX_DIMENSIONS = 4

_STRING, _ARRAY = 8, 9
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_WIDTHS = {code: struct.calcsize(fmt) for code, fmt in _SCALARS.items()}

# What people mistake for a model, by its first bytes.
_IMPOSTORS = (
    (b"version https://git-lfs", "a Git LFS pointer, not the model", "Fetch the model with `git lfs pull`."),
    (b"<!doctype", "a web page", "The download was answered with a page; download the file again."),
    (b"<html", "a web page", "The download was answered with a page; download the file again."),
    (b"pk\x03\x04", "a zip file or PyTorch checkpoint", "Unpack it, or convert it to GGUF first."),
    (b"tjgg", "in llama.cpp's old GGJT format", "Get the model as GGUF; the old format is no longer read."),
    (b"fmgg", "in llama.cpp's old GGMF format", "Get the model as GGUF; the old format is no longer read."),
    (b"lmgg", "in llama.cpp's old GGML format", "Get the model as GGUF; the old format is no longer read."),
)  # fmt: skip

_TEXTS = frozenset(
    {
        "general.architecture",
        "general.license",
        "general.name",
        "general.size_label",
        "general.type",
        "tokenizer.chat_template",
        "tokenizer.ggml.model",
    }
)
# Most of these follow the architecture's name, as in "llama.context_length".
_NUMBERS = frozenset(
    {
        "alignment",
        "attention.head_count",
        "attention.head_count_kv",
        "attention.key_length",
        "block_count",
        "context_length",
        "count",
        "embedding_length",
        "file_type",
    }
)

Scalar = str | int | float | bool


@dataclass(frozen=True)
class GgufHeader:
    """What a GGUF file says about itself. Sizes and offsets are in bytes, lengths in tokens or elements."""

    version: int
    kind: str  # "model", "adapter", "mmproj", ...
    architecture: str
    name: str | None
    size_label: str | None
    parameters: int  # counted from the tensors, not claimed
    quantization: str  # e.g. "Q4_K_M"
    context_length: int | None
    embedding_length: int | None
    block_count: int | None
    kv_bytes_per_token: int | None  # of a 16-bit cache, over all layers
    license: str | None
    chat_template: str | None
    tokenizer: str | None
    split_count: int  # files the model is cut into; 1 if whole
    data_offset: int
    expected_size: int


def read_header(path: Path) -> GgufHeader:
    """The header of ``path``.

    Raises :class:`ModelError` when it cannot be read, is no GGUF file, is damaged, shorter than its tensors
    need, or holds no tensors at all.
    """
    try:
        # A pipe or a device would never end.
        if not path.is_file():
            raise ModelError(f"{path} is not a file", "Give the path of one .gguf file.")
        with path.open("rb", buffering=1 << 17) as file:
            return _Reader(file, path.name).header()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}") from error


class _Reader:
    def __init__(self, file: BinaryIO, name: str) -> None:
        self.file = file
        self.name = name
        self.size = os.fstat(file.fileno()).st_size
        self.end = min(self.size, MAX_HEADER)
        self.at = 0

    # --- the header, from top to bottom ----------------------------------------------------------------------

    def header(self) -> GgufHeader:
        version = self._version()
        tensors = self._count("tensors", MAX_TENSORS)
        pairs = self._count("values", MAX_PAIRS)
        found = self._pairs(pairs)
        architecture = _text(found.get("general.architecture"))
        if not architecture:
            raise self._damaged("it does not name its architecture")
        if tensors == 0:
            raise ModelError(
                f"{self.name} holds a vocabulary only, no weights",
                "Get the whole model; files named 'vocab' are made for tests.",
            )
        alignment = _whole(found.get("general.alignment")) or 32
        if alignment & (alignment - 1) or alignment > 1 << 20:
            raise self._damaged(f"its alignment is {alignment}")
        parameters, by_type, data_length = self._tensors(tensors)
        data_offset = -(-self.at // alignment) * alignment
        expected = data_offset + data_length
        if expected > self.size:
            raise self._truncated(expected - self.size)

        def number(key: str) -> int | None:
            return _whole(found.get(f"{architecture}.{key}"))

        return GgufHeader(
            version=version,
            kind=_text(found.get("general.type")) or "model",
            architecture=architecture,
            name=_text(found.get("general.name")),
            size_label=_text(found.get("general.size_label")),
            parameters=parameters,
            quantization=_quantization(_whole(found.get("general.file_type")), by_type),
            context_length=number("context_length"),
            embedding_length=number("embedding_length"),
            block_count=number("block_count"),
            kv_bytes_per_token=_kv_bytes(
                number("block_count"),
                number("embedding_length"),
                number("attention.head_count"),
                number("attention.head_count_kv"),
                number("attention.key_length"),
            ),
            license=_text(found.get("general.license")),
            chat_template=_raw(found.get("tokenizer.chat_template")),
            tokenizer=_text(found.get("tokenizer.ggml.model")),
            split_count=max(1, _whole(found.get("split.count")) or 1),
            data_offset=data_offset,
            expected_size=expected,
        )

    def _version(self) -> int:
        if self.size == 0:
            raise ModelError(f"{self.name} is empty", "Copy or download the file again.")
        start = self.file.read(32)
        self.file.seek(0)
        if start[:4] != b"GGUF":
            lowered = start.lstrip().lower()
            for magic, what, hint in _IMPOSTORS:
                if lowered.startswith(magic):
                    raise ModelError(f"{self.name} is not a GGUF file: it is {what}", hint)
            raise ModelError(
                f"{self.name} is not a GGUF file: it starts with {_shown(start[:4])}",
                "localsynth runs models in llama.cpp's GGUF format; their files begin with the letters GGUF.",
            )
        raw = self._take(8)[4:]
        (version,) = struct.unpack("<I", raw)
        (swapped,) = struct.unpack(">I", raw)
        if version > 0xFFFF and 0 < swapped <= 0xFFFF:
            raise ModelError(
                f"{self.name} is big-endian, made for another kind of processor",
                "Get the little-endian file.",
            )
        if version == 1:
            raise ModelError(
                f"{self.name} is GGUF version 1, which is not supported",
                "Convert the model again with a present llama.cpp.",
            )
        if version not in (2, 3):
            raise ModelError(
                f"{self.name} is GGUF version {version}, and this localsynth reads 2 and 3",
                "Update localsynth.",
            )
        return int(version)

    def _pairs(self, count: int) -> dict[str, Scalar]:
        """The scalars and texts worth keeping; everything else is stepped over."""
        found: dict[str, Scalar] = {}
        for _ in range(count):
            key = self._string(MAX_KEY).decode("utf-8", "replace")
            kind = self._number("I")
            if kind == _ARRAY:
                self._skip_array()
            elif kind == _STRING and key not in _TEXTS:
                self._skip(self._number("Q"))
            elif kind == _STRING:
                found[key] = self._string(MAX_TEXT).decode("utf-8", "replace")
            elif kind not in _SCALARS:
                raise self._damaged(f"value type {kind} does not exist")
            elif len(key) < 256 and key.partition(".")[2] in _NUMBERS:
                (found[key],) = struct.unpack("<" + _SCALARS[kind], self._take(_WIDTHS[kind]))
            else:
                self._skip(_WIDTHS[kind])
        return found

    def _skip_array(self) -> None:
        kind = self._number("I")
        count = self._number("Q")
        if kind == _STRING:
            self._fits(count * 8)
            for _ in range(count):
                self._skip(self._number("Q"))
        elif kind in _WIDTHS:
            self._skip(count * _WIDTHS[kind])
        else:
            raise self._damaged(f"array type {kind} does not exist")

    def _tensors(self, count: int) -> tuple[int, Counter[int], int]:
        """(parameters, parameters by tensor type, bytes the tensors need after the header)."""
        self._fits(count * 24)  # a name's length, a type and an offset at the very least
        total, length = 0, 0
        by_type: Counter[int] = Counter()
        for _ in range(count):
            self._skip(self._length(MAX_KEY))
            dimensions = self._number("I")
            if dimensions > MAX_DIMENSIONS:
                raise self._damaged(f"a tensor has {dimensions} dimensions")
            shape = struct.unpack(f"<{dimensions}Q", self._take(8 * dimensions))
            kind = self._number("I")
            offset = self._number("Q")
            elements = 1
            for extent in shape:
                elements *= extent
            if not 0 < elements < 1 << 63:
                raise self._damaged("a tensor's size is impossible")
            if kind > 0xFF:
                raise self._damaged(f"tensor type {kind} does not exist")
            # A type newer than this table may still load; one byte at least keeps its offset checked.
            _, block, width = TENSOR_TYPES.get(kind, ("", 1, 0))
            row = shape[0] if shape else 1
            if row % block:
                raise self._damaged("a tensor's rows are not whole blocks")
            total += elements
            by_type[kind] += elements
            length = max(length, offset + max(1, elements // block * width))
        return total, by_type, length

    # --- bounded reading -------------------------------------------------------------------------------------

    def _fits(self, length: int) -> None:
        if length > self.end - self.at:
            if self.at + length > self.size:
                raise self._truncated(self.at + length - self.size)
            raise self._damaged(f"its header is larger than {MAX_HEADER >> 20} MiB")

    def _take(self, length: int) -> bytes:
        self._fits(length)
        data = self.file.read(length)
        if len(data) < length:  # someone shortens it while we read
            raise self._truncated(length - len(data))
        self.at += length
        return data

    def _skip(self, length: int) -> None:
        self._fits(length)
        # Short steps stay inside the buffer; a seek would throw it away for each of 50,000 tokens.
        if length <= 1 << 12:
            self.file.read(length)
        else:
            self.file.seek(length, os.SEEK_CUR)
        self.at += length

    def _number(self, fmt: str) -> int:
        (value,) = struct.unpack("<" + fmt, self._take(struct.calcsize(fmt)))
        return int(value)

    def _count(self, what: str, most: int) -> int:
        count = self._number("Q")
        if count > most:
            raise self._damaged(f"it claims {count:,} {what}")
        return count

    def _length(self, most: int) -> int:
        length = self._number("Q")
        self._fits(length)
        if length > most:
            raise self._damaged(f"a text in its header is {length:,} bytes long")
        return length

    def _string(self, most: int) -> bytes:
        return self._take(self._length(most))

    def _damaged(self, why: str) -> ModelError:
        return ModelError(
            f"{self.name} is damaged: {why}", "Copy or download the file again and compare its sha256."
        )

    def _truncated(self, missing: int) -> ModelError:
        # A length made of noise says nothing about how much is missing.
        early = f"{missing:,} bytes early" if missing < 1 << 42 else "in the middle of its header"
        return ModelError(
            f"{self.name} is truncated: the file ends {early}", "The copy or download broke off; do it again."
        )


def _text(value: Scalar | None) -> str | None:
    """A short label; control characters would reach the terminal."""
    if not isinstance(value, str):
        return None
    return "".join(char for char in value if char.isprintable()).strip()[:200] or None


def _raw(value: Scalar | None) -> str | None:
    return value if isinstance(value, str) else None


def _whole(value: Scalar | None) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _quantization(file_type: int | None, by_type: Counter[int]) -> str:
    # 0 is "all F32", which _whole reads as absent: the tensors say so too.
    if file_type is not None and (name := FILE_TYPES.get(file_type & 0x3FF)):
        return name
    kind, _ = by_type.most_common(1)[0]
    return TENSOR_TYPES[kind][0] if kind in TENSOR_TYPES else f"type {kind}"


def _kv_bytes(
    blocks: int | None, width: int | None, heads: int | None, kv_heads: int | None, key_length: int | None
) -> int | None:
    if not (blocks and width and heads):
        return None
    per_head = key_length or width // heads
    return blocks * (kv_heads or heads) * per_head * 2 * 2  # keys and values, two bytes each


def _shown(data: bytes) -> str:
    """The first bytes of a file as a person can read them."""
    return f"'{data.decode('ascii')}'" if data.isascii() and data.decode().isprintable() else data.hex(" ")
