"""Writes GGUF files of a few hundred bytes, right ones and wrong ones."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

Value = str | int | float | bool | list[str] | list[int]
Tensor = tuple[str, tuple[int, ...], int]  # name, shape, type

META: dict[str, Value] = {
    "general.architecture": "llama",
    "general.type": "model",
    "general.name": "Tiny",
    "general.size_label": "1K",
    "general.license": "mit",
    "general.file_type": 7,
    "llama.context_length": 512,
    "llama.embedding_length": 32,
    "llama.block_count": 2,
    "llama.attention.head_count": 4,
    "llama.attention.head_count_kv": 2,
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.tokens": ["<s>", "a", "b"],
    "tokenizer.ggml.token_type": [3, 1, 1],
    "tokenizer.chat_template": "{{ messages }}",
}
TENSORS: tuple[Tensor, ...] = (("token_embd.weight", (32, 4), 8), ("output_norm.weight", (32,), 0))
_WIDTH = {0: (1, 4), 1: (1, 2), 8: (32, 34)}


def string(text: str | bytes) -> bytes:
    raw = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(raw)) + raw


def value(item: Value) -> bytes:
    """The type's number and the value."""
    if isinstance(item, bool):
        return struct.pack("<I?", 7, item)
    if isinstance(item, str):
        return struct.pack("<I", 8) + string(item)
    if isinstance(item, int):
        return struct.pack("<II", 4, item)
    if isinstance(item, float):
        return struct.pack("<If", 6, item)
    kind = 8 if item and isinstance(item[0], str) else 4
    body = b"".join(string(x) if isinstance(x, str) else struct.pack("<I", x) for x in item)
    return struct.pack("<IIQ", 9, kind, len(item)) + body


def gguf(
    meta: Mapping[str, Value] = META,
    tensors: Sequence[Tensor] = TENSORS,
    version: int = 3,
    alignment: int = 32,
    fill: bytes = b"\1",
) -> bytes:
    """A whole file: header, tensor infos, padding, tensor data made of ``fill``."""
    infos, offset = b"", 0
    for name, shape, kind in tensors:
        block, width = _WIDTH.get(kind, (1, 1))
        elements = 1
        for extent in shape:
            elements *= extent
        infos += string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)
        end = offset + elements // block * width
        offset = -(-end // alignment) * alignment
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(meta))
    head += b"".join(string(key) + value(item) for key, item in meta.items()) + infos
    head += b"\0" * (-len(head) % alignment)
    return head + fill * (end if tensors else 0)
