"""LoRA matrices as a GGUF adapter that llama.cpp loads beside its model."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from gguf import MODEL_ARCH_NAMES, GGUFWriter, get_tensor_name_map

from .job import whole

__all__ = ["architecture_of", "write_adapter"]

Array: TypeAlias = np.ndarray[Any, Any]
#: Architectures whose query and key weights llama.cpp keeps with the two halves of each head interleaved.
_PERMUTED = frozenset({"llama"})


def write_adapter(
    path: Path,
    architecture: str,
    config: Any,
    matrices: Mapping[str, tuple[Array, Array]],
    alpha: float,
) -> None:
    """Write it whole or not at all, readable by its owner alone.

    architecture : ``general.architecture`` of the model's GGUF file. config : the model's, for its layers and heads.
    matrices : name of the layer's weight in the model -> (A: rank x in, B: out x rank).
    """
    kind = next(key for key, name in MODEL_ARCH_NAMES.items() if name == architecture)
    names = get_tensor_name_map(kind, config.num_hidden_layers)
    with whole(path) as beside:
        writer = GGUFWriter(beside, architecture)
        writer.add_type("adapter")
        writer.add_string("adapter.type", "lora")
        writer.add_float32("adapter.lora.alpha", alpha)
        for name, (a, b) in sorted(matrices.items()):
            tensor = names.get_name(name, try_suffixes=(".weight",))
            if tensor is None:
                raise ValueError(f"no GGUF tensor is known for {name} of {architecture}")
            if architecture in _PERMUTED and tensor.endswith(
                (".attn_q.weight", ".attn_k.weight", ".attn_q", ".attn_k")
            ):
                heads = config.num_attention_heads
                if "attn_k" in tensor:
                    heads = getattr(config, "num_key_value_heads", None) or heads
                b = _interleaved(b, heads)
            tensor = tensor.removesuffix(".weight") + ".weight"
            writer.add_tensor(f"{tensor}.lora_a", np.ascontiguousarray(a, np.float32))
            writer.add_tensor(f"{tensor}.lora_b", np.ascontiguousarray(b, np.float32))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        with beside.open("rb") as file:
            os.fsync(file.fileno())


def architecture_of(model: Path) -> str:
    """``general.architecture`` of a GGUF file."""
    from localsynth.engine.gguf import read_header

    return read_header(model).architecture


def _interleaved(b: Array, heads: int) -> Array:
    """Rows in llama.cpp's order: of each head the first of both halves, then the second of both, and so on."""
    out, rank = b.shape
    return b.reshape(heads, 2, out // heads // 2, rank).swapaxes(1, 2).reshape(out, rank)
