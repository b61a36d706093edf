"""How a model is laid out on a machine: contexts, threads, lanes, cells."""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = ["Setup", "default_setup"]

_LARGE = 3_000_000_000  # bytes of weights; beyond, reading them once for each core costs more than it gains
_SIDE_CACHES = 250_000_000  # bytes for the KV caches of all contexts but the first
_FEWEST_CELLS, _MOST_CELLS = 2048, 8192


@dataclass(frozen=True)
class Setup:
    """How the engine works; none of it changes what is drawn but for rounding.

    threads : of llama.cpp, all contexts together. contexts : KV caches that work side by side, each on its share of the
    threads; one thread each needs no waiting for each other and is fastest where the weights are small.
    lanes : sequences a context decodes side by side. cells : tokens the first context's KV cache holds, which bounds the
    longest prompt; side_cells : those of each other context. flash_attention : llama.cpp's own, instead of plain products.
    gpu_layers : layers kept on a GPU; -1 takes all that fit. batch : tokens decoded at once by the first context.
    """

    threads: int
    contexts: int = 1
    lanes: int = 16
    cells: int = 8192
    side_cells: int = 3072
    flash_attention: bool = False
    gpu_layers: int = -1
    batch: int = 512

    def for_gpu(self) -> Setup:
        """The setup where the layers lie on a GPU: one context, full batches, flash attention."""
        return replace(self, contexts=1, lanes=64, flash_attention=True)

    def __str__(self) -> str:
        per = self.threads // self.contexts
        contexts = f"{self.contexts} context{'s' if self.contexts > 1 else ''}"
        flash = ", flash attention" if self.flash_attention else ""
        each = " each" if self.contexts > 1 else ""
        return f"{contexts} of {per} thread{'s' if per > 1 else ''}, {self.lanes} lanes{each}{flash}"


def default_setup(size: int, threads: int, kv_bytes_per_token: int = 25_000) -> Setup:
    """What suits most machines. size : bytes of the weights. threads : how many may be used."""
    contexts = min(threads, 8)
    if size > _LARGE:
        contexts = 2 if threads > 2 else 1
    cells = _SIDE_CACHES // max(contexts - 1, 1) // max(kv_bytes_per_token, 1) // 256 * 256
    return Setup(threads, contexts, side_cells=min(max(cells, _FEWEST_CELLS), _MOST_CELLS))
