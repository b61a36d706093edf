"""One KV cache over a model's weights: batches of many sequences, shared beginnings, a way to stop in mid-batch."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import llama_cpp as C  # noqa: N812 - the C library
import numpy as np

from ..core.errors import Cancelled, EngineError, ModelError
from .native import Weights

__all__ = ["Context", "NoRoom", "Slot"]

Array: TypeAlias = np.ndarray[Any, Any]

# llama.cpp asks this between two operations whether to stop. `strlen` of a flag we own says so (0 goes on, 1 stops) without
# the interpreter's lock, which a Python function would have to wait for some thousand times a second.
_strlen = ctypes.cast(ctypes.CDLL(None).strlen, C.ggml_abort_callback)


class NoRoom(Exception):
    """The KV cache has no cells left for a batch; nothing was changed."""


@dataclass(slots=True)
class Slot:
    """Tokens to decode at the end of one sequence. ``logits`` : whether those after the last token are wanted."""

    sequence: int
    start: int
    tokens: Sequence[int]
    logits: bool


class Context:
    """A KV cache shared by all its sequences.

    threads : of llama.cpp. sequences : at most this many at once. cells : tokens the cache holds. batch : tokens decoded at
    once. outputs : sequences at most whose logits are wanted of one batch. Raises ``ModelError``.
    """

    def __init__(
        self,
        weights: Weights,
        *,
        threads: int,
        sequences: int,
        cells: int,
        batch: int,
        outputs: int,
        flash_attention: bool = False,
    ) -> None:
        self.vocab_size, self.batch_size, self.outputs, self.cells = weights.vocab_size, batch, outputs, cells
        self.busy = 0.0  # seconds spent inside llama.cpp
        self._weights, self._threads, self._flash = weights, threads, flash_attention
        options = C.llama_context_default_params()
        options.n_ctx = cells
        options.n_batch = options.n_ubatch = batch
        options.n_seq_max = sequences
        options.n_outputs_max = max(outputs, 2)
        options.n_threads = options.n_threads_batch = threads
        options.kv_unified = True
        options.no_perf = True
        kind = "ENABLED" if flash_attention else "DISABLED"
        options.flash_attn_type = getattr(C, f"LLAMA_FLASH_ATTN_TYPE_{kind}")
        self._stop = ctypes.create_string_buffer(2)
        options.abort_callback = _strlen
        options.abort_callback_data = ctypes.addressof(self._stop)
        self._context = C.llama_init_from_model(weights.model, options)
        if not self._context:
            raise ModelError(
                f"llama.cpp cannot make a context of {cells} tokens for {weights.path}",
                "is there memory enough? `localsynth doctor` shows it",
            )
        self._set = threads
        self._memory = C.llama_get_memory(self._context)
        self._make_batch(batch)

    def _make_batch(self, size: int) -> None:
        """A batch over our own arrays, so that filling it is a numpy assignment."""
        self._tokens = np.zeros(size, np.int32)
        self._positions = np.zeros(size, np.int32)
        self._counts = np.ones(size, np.int32)
        self._sequences = np.zeros(size, np.int32)
        self._wanted = np.zeros(size, np.int8)
        self._steps = np.arange(size, dtype=np.int32)
        base = self._sequences.ctypes.data
        pointer = ctypes.POINTER(ctypes.c_int32)
        self._rows = (pointer * size)(
            *(ctypes.cast(base + 4 * i, pointer) for i in range(size))  # one sequence id per token
        )
        self._batch = C.llama_batch(
            n_tokens=0,
            token=self._tokens.ctypes.data_as(pointer),
            embd=None,
            pos=self._positions.ctypes.data_as(pointer),
            n_seq_id=self._counts.ctypes.data_as(pointer),
            seq_id=ctypes.cast(self._rows, ctypes.POINTER(pointer)),
            logits=self._wanted.ctypes.data_as(ctypes.POINTER(ctypes.c_int8)),
        )

    def decode(self, slots: Sequence[Slot]) -> Array:
        """Decode all slots in one batch; logits (slots that want them, vocabulary), valid until the next call.

        Raises ``NoRoom`` where the cache is full, ``Cancelled`` after :meth:`stop`, ``EngineError`` where llama.cpp fails.
        """
        at = outputs = 0
        for slot in slots:
            size = len(slot.tokens)
            end = at + size
            self._tokens[at:end] = slot.tokens
            self._positions[at:end] = self._steps[:size]
            self._positions[at:end] += slot.start
            self._sequences[at:end] = slot.sequence
            self._wanted[at:end] = 0
            if slot.logits:
                self._wanted[end - 1] = 1
                outputs += 1
            at = end
        self._batch.n_tokens = at
        # Flash attention of a single token is split over the threads: their number would decide how it rounds.
        threads = 1 if self._flash and at == 1 else self._threads
        if threads != self._set:
            C.llama_set_n_threads(self._context, threads, threads)
            self._set = threads
        started = time.perf_counter()
        code = C.llama_decode(self._context, self._batch)
        if code == 0 and not outputs:
            C.llama_synchronize(self._context)
        self.busy += time.perf_counter() - started
        if code == 1:
            raise NoRoom
        if code == 2 or self._stop.raw[0]:
            raise Cancelled("the engine was told to stop")
        if code != 0:
            raise EngineError(
                f"llama.cpp failed to decode a batch (code {code})", "the engine's log says why"
            )
        if not outputs:
            return np.empty((0, self.vocab_size), np.float32)
        pointer = C.llama_get_logits(self._context)
        return np.ctypeslib.as_array(pointer, (outputs, self.vocab_size))

    def stop(self, *, stopped: bool = True) -> None:
        """Make a running ``decode``, and those after it, raise ``Cancelled``; callable from any thread."""
        self._stop[0] = b"\x01" if stopped else b"\x00"

    def use_threads(self, threads: int) -> None:
        """How many threads the next ``decode`` takes; what it computes is the same to the last bit."""
        self._threads = threads

    def use_adapter(self, path: str | None, scale: float) -> None:
        """Add a LoRA adapter to the weights for the next ``decode``; sequences keep what they were decoded with."""
        if path is None:
            C.llama_set_adapters_lora(self._context, None, 0, None)
            return
        handle: Any = self._weights.adapter(path)
        handles = (C.llama_adapter_lora_p_ctypes * 1)(handle)
        C.llama_set_adapters_lora(self._context, handles, 1, (ctypes.c_float * 1)(scale))

    def copy(self, source: int, target: int, length: int) -> None:
        """Let ``target`` share the first ``length`` tokens of ``source``; nothing is recomputed."""
        if length:
            C.llama_memory_seq_cp(self._memory, source, target, 0, length)

    def truncate(self, sequence: int, length: int) -> None:
        """Forget what ``sequence`` holds from position ``length`` on."""
        C.llama_memory_seq_rm(self._memory, sequence, length, -1)

    def clear(self) -> None:
        """Forget everything."""
        C.llama_memory_clear(self._memory, True)

    def export(self, sequence: int) -> Any:
        """What the cache holds of a sequence, as bytes for :meth:`adopt` of another context over the same weights."""
        size = C.llama_state_seq_get_size(self._context, sequence)
        buffer = (ctypes.c_uint8 * size)()
        written = C.llama_state_seq_get_data(self._context, buffer, size, sequence)
        if written != size:
            raise EngineError("llama.cpp failed to copy a sequence", "the engine's log says why")
        return buffer

    def adopt(self, sequence: int, data: Any) -> None:
        """Hold what another context exported, in place of what ``sequence`` held. Raises ``NoRoom``."""
        self.truncate(sequence, 0)
        if C.llama_state_seq_set_data(self._context, data, len(data), sequence) == 0:
            raise NoRoom
