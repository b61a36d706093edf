"""A loaded model: llama.cpp through llama-cpp-python's low-level interface. Weights, vocabulary, adapters."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

import llama_cpp as C  # noqa: N812 - the C library

from ..core.errors import ContextTooSmall, EngineError, ModelError
from .offload import gpu_layers_that_fit

__all__ = ["Weights", "check_room"]

_DEBUG = 1  # GGML_LOG_LEVEL_DEBUG


@C.llama_log_callback  # type: ignore[untyped-decorator]
def _log(level: int, text: bytes, _: ctypes.c_void_p) -> None:
    """llama.cpp's own words, on standard error; its debug lines would fill the log with tensors."""
    if level != _DEBUG:
        sys.stderr.write(text.decode(errors="replace"))


class Weights:
    """A model's weights and vocabulary; contexts share them.

    path : the GGUF file. gpu_layers : how many go to a GPU, -1 for all that fit. plain_buffers : no CPU-specific weight
    layouts (slower; for processors that lie). Raises ``ModelError``.
    """

    def __init__(self, path: str, *, gpu_layers: int = 0, plain_buffers: bool = False) -> None:
        C.llama_log_set(_log, ctypes.c_void_p(0))
        C.llama_backend_init()
        self.path = path
        params = C.llama_model_default_params()
        self.gpu_layers = gpu_layers_that_fit(path) if gpu_layers < 0 else gpu_layers
        params.n_gpu_layers = self.gpu_layers
        params.use_extra_bufts = not plain_buffers
        # Fast layouts are copies of the weights: a file mapped beside them would be held in memory twice.
        params.load_mode = C.LLAMA_LOAD_MODE_NONE
        self.model = C.llama_model_load_from_file(os.fsencode(path), params)
        if not self.model:
            raise ModelError(
                f"llama.cpp cannot load {path}",
                "the engine's log says why; `localsynth models verify` checks the file",
            )
        self.vocab = C.llama_model_get_vocab(self.model)
        self.vocab_size: int = C.llama_vocab_n_tokens(self.vocab)
        self.trained_context: int = C.llama_model_n_ctx_train(self.model)
        self._adapters: dict[tuple[str, int, int], int] = {}

    def adapter(self, path: str) -> int:
        """A LoRA adapter's handle; read once, and again where the file was written anew. Raises ``ModelError``."""
        key = self.adapter_key(path)
        if key not in self._adapters:
            handle = C.llama_adapter_lora_init(self.model, os.fsencode(path))
            if not handle:
                raise ModelError(
                    f"the adapter {path} does not fit this model, or cannot be read",
                    "an adapter belongs to the model it was trained on; the engine's log says what is wrong",
                )
            self._adapters[key] = handle
        return self._adapters[key]

    def adapter_key(self, path: str) -> tuple[str, int, int]:
        """What tells one state of an adapter's file from another."""
        try:
            state = Path(path).stat()
        except OSError as error:
            raise ModelError(
                f"the adapter {path} cannot be read: {error.strerror}", "is the path right, and readable?"
            ) from error
        return path, state.st_size, state.st_mtime_ns

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
        size = C.llama_model_meta_val_str(self.model, key.encode(), None, 0)
        if size < 0:
            return None
        buffer = ctypes.create_string_buffer(size + 1)
        C.llama_model_meta_val_str(self.model, key.encode(), buffer, size + 1)
        return buffer.value.decode(errors="replace")


def check_room(needed: int, context: int, what: str) -> None:
    """Raise ``ContextTooSmall`` with the numbers where ``needed`` tokens do not fit ``context``."""
    if needed > context:
        raise ContextTooSmall(
            f"{what} needs {needed} tokens, the model reads at most {context}",
            "shorten descriptions and texts, use fewer columns, or a model with a longer context",
        )
