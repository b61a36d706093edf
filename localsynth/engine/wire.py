"""What the engine's two processes say to each other: frames of JSON over pipes, nothing that executes when read."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Sequence
from dataclasses import astuple
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from ..core import errors
from ..core.contracts import Message, SampleRequest, Sampling
from ..core.grammar import Grammar

__all__ = ["decode_error", "decode_requests", "encode_error", "encode_requests", "read_frame", "write_frame"]

_HEADER = struct.Struct("<I")
_LIMIT = 1 << 30


def write_frame(fd: int, message: dict[str, Any]) -> None:
    """Send one message. Raises ``BrokenPipeError`` where the other side is gone."""
    data = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    view = memoryview(_HEADER.pack(len(data)) + data)
    while view:
        view = view[os.write(fd, view) :]


def read_frame(fd: int) -> dict[str, Any] | None:
    """Wait for one message; ``None`` where the other side is gone."""
    header = _read(fd, _HEADER.size)
    if header is None:
        return None
    (size,) = _HEADER.unpack(header)
    data = _read(fd, size) if size <= _LIMIT else None
    if data is None:
        return None
    message: dict[str, Any] = json.loads(data.decode("utf-8", "surrogatepass"))
    return message


def _read(fd: int, size: int) -> bytes | None:
    parts = []
    while size:
        part = os.read(fd, min(size, 1 << 20))
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


@cache
def _grammar() -> TypeAdapter[Grammar]:
    return TypeAdapter(Grammar)


def encode_requests(requests: Sequence[SampleRequest]) -> dict[str, Any]:
    """Requests as plain data; texts and grammars that many requests share are sent once."""
    texts: dict[str, int] = {}
    grammars: dict[Grammar, int] = {}
    plain = [
        [
            [[message.role, texts.setdefault(message.text, len(texts))] for message in request.messages],
            None if request.grammar is None else grammars.setdefault(request.grammar, len(grammars)),
            request.n,
            request.prefix,
            list(astuple(request.sampling)),
            request.seed,
            request.max_tokens,
        ]
        for request in requests
    ]
    dump = _grammar().dump_python
    return {"texts": list(texts), "grammars": [dump(g, mode="json") for g in grammars], "requests": plain}


def decode_requests(data: dict[str, Any]) -> list[SampleRequest]:
    """The requests of :func:`encode_requests`."""
    texts = data["texts"]
    grammars = [_grammar().validate_python(grammar) for grammar in data["grammars"]]
    return [
        SampleRequest(
            tuple(Message(role, texts[text]) for role, text in messages),
            None if grammar is None else grammars[grammar],
            n,
            prefix,
            Sampling(*sampling),
            seed,
            max_tokens,
        )
        for messages, grammar, n, prefix, sampling, seed, max_tokens in data["requests"]
    ]


def encode_error(error: errors.LocalsynthError) -> dict[str, str]:
    """An error as plain data."""
    return {"error": type(error).__name__, "message": error.message, "hint": error.hint}


def decode_error(data: dict[str, Any]) -> errors.LocalsynthError:
    """The error of :func:`encode_error`; an unknown class becomes ``EngineError``."""
    cls = getattr(errors, str(data.get("error")), errors.EngineError)
    if not (isinstance(cls, type) and issubclass(cls, errors.LocalsynthError)):
        cls = errors.EngineError
    return cls(str(data.get("message")), str(data.get("hint") or ""))
