"""llama.cpp through llama-cpp-python's low-level interface: one model, one context, batches of many sequences."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import llama_cpp as C  # noqa: N812 - the C library
import numpy as np

from ..core.errors import ContextTooSmall, EngineError, ModelError

__all__ = ["Context", "NoRoom", "Slot"]

Array: TypeAlias = np.ndarray[Any, Any]
_DEBUG = 1  # GGML_LOG_LEVEL_DEBUG


@C.llama_log_callback  # type: ignore[untyped-decorator]
def _log(level: int, text: bytes, _: ctypes.c_void_p) -> None:
    """llama.cpp's own words, on standard error; its debug lines would fill the log with tensors."""
    if level != _DEBUG:
        sys.stderr.write(text.decode(errors="replace"))


class NoRoom(Exception):
    """The KV cache has no cells left for a batch; nothing was changed."""


@dataclass
class Slot:
    """Tokens to decode at the end of one sequence. ``logits`` : whether those after the last token are wanted."""

    sequence: int
    start: int
    tokens: Sequence[int]
    logits: bool


class Context:
    """A loaded model with a KV cache shared by all sequences.

    Parameters
    ----------
    path : the GGUF file. threads : of llama.cpp. sequences : at most this many at once. cells : tokens the KV cache holds.
    batch : tokens decoded at once. plain_buffers : no CPU-specific weight layouts (slower; for processors that lie).
    Raises ``ModelError``.
    """

    def __init__(
        self, path: str, *, threads: int, sequences: int, cells: int, batch: int, plain_buffers: bool = False
    ) -> None:
        C.llama_log_set(_log, ctypes.c_void_p(0))
        C.llama_backend_init()
        params = C.llama_model_default_params()
        params.n_gpu_layers = 0
        params.use_extra_bufts = not plain_buffers
        self._model = C.llama_model_load_from_file(path.encode(), params)
        if not self._model:
            raise ModelError(
                f"llama.cpp cannot load {path}",
                "the engine's log says why; `localsynth models verify` checks the file",
            )
        self.vocab = C.llama_model_get_vocab(self._model)
        self.vocab_size: int = C.llama_vocab_n_tokens(self.vocab)
        self.trained_context: int = C.llama_model_n_ctx_train(self._model)
        self.batch_size = batch
        options = C.llama_context_default_params()
        options.n_ctx = cells
        options.n_batch = options.n_ubatch = batch
        options.n_seq_max = sequences
        options.n_threads = options.n_threads_batch = threads
        options.kv_unified = True
        options.no_perf = True
        options.flash_attn_type = C.LLAMA_FLASH_ATTN_TYPE_DISABLED
        self._context = C.llama_init_from_model(self._model, options)
        if not self._context:
            raise ModelError(
                f"llama.cpp cannot make a context of {cells} tokens for {path}",
                "is there memory enough? `localsynth doctor` shows it",
            )
        self._memory = C.llama_get_memory(self._context)
        self._make_batch(batch)

    def _make_batch(self, size: int) -> None:
        """A batch over our own arrays, so that filling it is a numpy assignment."""
        self._tokens = np.zeros(size, np.int32)
        self._positions = np.zeros(size, np.int32)
        self._counts = np.ones(size, np.int32)
        self._sequences = np.zeros(size, np.int32)
        self._wanted = np.zeros(size, np.int8)
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

        Raises ``NoRoom`` where the KV cache is full, ``EngineError`` where llama.cpp fails.
        """
        at = outputs = 0
        for slot in slots:
            end = at + len(slot.tokens)
            self._tokens[at:end] = slot.tokens
            self._positions[at:end] = np.arange(slot.start, slot.start + len(slot.tokens))
            self._sequences[at:end] = slot.sequence
            self._wanted[at:end] = 0
            if slot.logits:
                self._wanted[end - 1] = 1
                outputs += 1
            at = end
        self._batch.n_tokens = at
        code = C.llama_decode(self._context, self._batch)
        if code == 1:
            raise NoRoom
        if code != 0:
            raise EngineError(
                f"llama.cpp failed to decode a batch (code {code})", "the engine's log says why"
            )
        if not outputs:
            C.llama_synchronize(self._context)
            return np.empty((0, self.vocab_size), np.float32)
        pointer = C.llama_get_logits(self._context)
        return np.ctypeslib.as_array(pointer, (outputs, self.vocab_size))

    def copy(self, source: int, target: int, length: int) -> None:
        """Let ``target`` share the first ``length`` tokens of ``source``; nothing is recomputed."""
        C.llama_memory_seq_cp(self._memory, source, target, 0, length)

    def truncate(self, sequence: int, length: int) -> None:
        """Forget what ``sequence`` holds from position ``length`` on."""
        C.llama_memory_seq_rm(self._memory, sequence, length, -1)

    def clear(self) -> None:
        """Forget everything."""
        C.llama_memory_clear(self._memory, True)

    def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        """Token ids. ``special`` : whether names of special tokens in the text stand for those tokens."""
        data = text.encode()
        if not data:
            return []
        room = len(data) + 8
        buffer = (ctypes.c_int32 * room)()
        count = C.llama_tokenize(self.vocab, data, len(data), buffer, room, False, special)
        if count < 0:
            raise EngineError(f"llama.cpp cannot split a text of {len(text)} characters into tokens")
        return list(buffer[:count])

    def pieces(self) -> list[bytes]:
        """The bytes each token stands for; special tokens stand for nothing."""
        buffer = ctypes.create_string_buffer(1024)
        result = []
        for token in range(self.vocab_size):
            count = C.llama_token_to_piece(self.vocab, token, buffer, 1024, 0, False)
            result.append(buffer.raw[: max(count, 0)])
        return result

    def special(self) -> tuple[set[int], set[int]]:
        """(tokens that end a text, control tokens that are no text)."""
        ends = {t for t in range(self.vocab_size) if C.llama_vocab_is_eog(self.vocab, t)}
        control = {t for t in range(self.vocab_size) if C.llama_vocab_is_control(self.vocab, t)}
        return ends, control

    @property
    def bos(self) -> int | None:
        """The token every text of this model begins with, if there is one."""
        token = C.llama_vocab_bos(self.vocab)
        return int(token) if token >= 0 and C.llama_vocab_get_add_bos(self.vocab) else None

    def token_name(self, token: int) -> str:
        """How the vocabulary spells a token, ``<|im_end|>`` for example."""
        text = C.llama_vocab_get_text(self.vocab, token) if token >= 0 else None
        return text.decode(errors="replace") if text else ""

    def metadata(self, key: str) -> str | None:
        """A value of the GGUF header as text, or ``None``."""
        size = C.llama_model_meta_val_str(self._model, key.encode(), None, 0)
        if size < 0:
            return None
        buffer = ctypes.create_string_buffer(size + 1)
        C.llama_model_meta_val_str(self._model, key.encode(), buffer, size + 1)
        return buffer.value.decode(errors="replace")


def check_room(needed: int, context: int, what: str) -> None:
    """Raise ``ContextTooSmall`` with the numbers where ``needed`` tokens do not fit ``context``."""
    if needed > context:
        raise ContextTooSmall(
            f"{what} needs {needed} tokens, the model reads at most {context}",
            "shorten descriptions and texts, use fewer columns, or a model with a longer context",
        )
