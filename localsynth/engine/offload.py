"""How many of a model's layers fit the memory of a GPU, where llama.cpp was built for one."""

from __future__ import annotations

import ctypes
from pathlib import Path

import llama_cpp as C  # noqa: N812 - the C library

from .gguf import read_header

__all__ = ["gpu_layers_that_fit", "layers_that_fit"]

ALL = 999  # llama.cpp takes a number beyond the model's layers as "everything"
_KEPT_FREE = 600_000_000  # bytes of GPU memory for working buffers and the screen


def layers_that_fit(size: int, layers: int, free: int) -> int:
    """How many layers of a model of ``size`` bytes go into ``free`` bytes, the KV cache's share left aside; ``ALL`` for all.

    A fifth more than the weights is counted for the KV cache.
    """
    usable = free - _KEPT_FREE
    if usable >= size * 1.2:
        return ALL
    return max(0, min(layers, int(usable / (size * 1.2 / (layers + 1)))))


def gpu_layers_that_fit(path: str) -> int:
    """Layers of a GGUF file that go to the GPU; 0 where llama.cpp was built without one, or none is there."""
    if not C.llama_supports_gpu_offload():
        return 0
    free = _free_memory()
    if not free:
        return 0
    header = read_header(Path(path))
    return layers_that_fit(Path(path).stat().st_size, header.block_count or 1, free)


def _free_memory() -> int:
    """Free bytes of all GPUs together, as ggml's device registry tells."""
    library = _ggml()
    if library is None:
        return 0
    library.ggml_backend_dev_count.restype = ctypes.c_size_t
    library.ggml_backend_dev_get.restype = ctypes.c_void_p
    library.ggml_backend_dev_get.argtypes = [ctypes.c_size_t]
    library.ggml_backend_dev_type.restype = ctypes.c_int
    library.ggml_backend_dev_type.argtypes = [ctypes.c_void_p]
    library.ggml_backend_dev_memory.argtypes = [
        ctypes.c_void_p,
        ctypes.POINTER(ctypes.c_size_t),
        ctypes.POINTER(ctypes.c_size_t),
    ]
    total_free = 0
    for index in range(library.ggml_backend_dev_count()):
        device = library.ggml_backend_dev_get(index)
        if library.ggml_backend_dev_type(device) in (_GPU, _INTEGRATED):
            free, total = ctypes.c_size_t(), ctypes.c_size_t()
            library.ggml_backend_dev_memory(device, ctypes.byref(free), ctypes.byref(total))
            total_free += free.value
    return total_free


_GPU, _INTEGRATED = 1, 2  # ggml_backend_dev_type: 0 is the CPU, 3 an accelerator that shares its memory


def _ggml() -> ctypes.CDLL | None:
    """The library with ggml's device registry, which llama-cpp-python ships beside its own."""
    folder = Path(C.__file__).parent / "lib"
    for name in ("libggml.so", "libggml.dylib", "ggml.dll", "libggml-base.so"):
        if (folder / name).exists():
            library = ctypes.CDLL(str(folder / name))
            if hasattr(library, "ggml_backend_dev_count"):
                return library
    return None
