"""Writes LoRA adapters as GGUF: random ones that fit the embedded model, and one that adds nothing."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from tests.engine.gguf_files import string, value

WIDTH, KEYS = 576, 192  # of the embedded model: embedding, and its three key heads of 64
SHAPES = {"attn_q": (WIDTH, WIDTH), "attn_v": (WIDTH, KEYS), "attn_output": (WIDTH, WIDTH)}


def write_adapter(
    path: Path, *, seed: int = 0, rank: int = 4, strength: float = 0.05, layers: int = 30, width: int = WIDTH
) -> Path:
    """A rank-``rank`` adapter for the attention of ``layers`` layers, entries of B of size ``strength``."""
    rng = np.random.default_rng(seed)
    tensors: list[tuple[str, np.ndarray]] = []
    for layer in range(layers):
        for part, (inside, outside) in SHAPES.items():
            name = f"blk.{layer}.{part}.weight"
            a = rng.normal(0, 1 / np.sqrt(inside), (rank, width if inside == WIDTH else inside))
            b = rng.normal(0, strength, (outside, rank))
            tensors += [(f"{name}.lora_a", a.astype("<f4")), (f"{name}.lora_b", b.astype("<f4"))]
    meta = {"general.architecture": "llama", "general.type": "adapter", "adapter.type": "lora"}
    pairs = b"".join(string(key) + value(text) for key, text in meta.items())
    pairs += string("adapter.lora.alpha") + value(float(rank))
    infos, offset = b"", 0
    for name, data in tensors:
        infos += string(name) + struct.pack("<IQQIQ", 2, *reversed(data.shape), 0, offset)
        offset += -(-data.nbytes // 32) * 32
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(meta) + 1) + pairs + infos
    head += bytes(-len(head) % 32)
    body = b"".join(data.tobytes() + bytes(-data.nbytes % 32) for _, data in tensors)
    path.write_bytes(head + body)
    return path
