"""What the engine's two processes say to each other: frames of JSON over pipes, nothing that executes when read."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Sequence
from dataclasses import astuple
from functools import cache
from typing import Any, TypeAlias

from pydantic import TypeAdapter

from ..core import errors
from ..core.contracts import Adapter, Message, SampleRequest, Sampling, ScoreRequest
from ..core.grammar import Grammar

__all__ = [
    "decode_error",
    "decode_requests",
    "encode_error",
    "encode_requests",
    "read_frame",
    "write_frame",
]

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


Request: TypeAlias = SampleRequest | ScoreRequest


def encode_requests(requests: Sequence[Request]) -> dict[str, Any]:
    """Requests as plain data; prompts and grammars that many requests share are sent once."""
    texts: dict[str, int] = {}
    grammars: dict[Grammar, int] = {}
    plain = []
    for request in requests:
        messages = [[m.role, texts.setdefault(m.text, len(texts))] for m in request.messages]
        grammar = None if request.grammar is None else grammars.setdefault(request.grammar, len(grammars))
        adapter = None if request.adapter is None else list(astuple(request.adapter))
        rest: list[Any]
        if isinstance(request, SampleRequest):
            rest = [request.n, request.seed, request.max_tokens, request.likelihood]
        else:
            rest = [list(request.texts)]
        plain.append([messages, grammar, request.prefix, list(astuple(request.sampling)), adapter, rest])
    dump = _grammar().dump_python
    return {"texts": list(texts), "grammars": [dump(g, mode="json") for g in grammars], "requests": plain}


def decode_requests(data: dict[str, Any]) -> list[Any]:
    """The requests of :func:`encode_requests`."""
    texts = data["texts"]
    grammars = [_grammar().validate_python(grammar) for grammar in data["grammars"]]
    requests: list[Request] = []
    for messages, grammar, prefix, sampling, adapter, rest in data["requests"]:
        common: dict[str, Any] = {
            "messages": tuple(Message(role, texts[text]) for role, text in messages),
            "grammar": None if grammar is None else grammars[grammar],
            "prefix": prefix,
            "sampling": Sampling(*sampling),
            "adapter": None if adapter is None else Adapter(*adapter),
        }
        if len(rest) == 1:
            requests.append(ScoreRequest(**common, texts=tuple(rest[0])))
        else:
            n, seed, max_tokens, likelihood = rest
            requests.append(
                SampleRequest(**common, n=n, seed=seed, max_tokens=max_tokens, likelihood=likelihood)
            )
    return requests


def encode_error(error: errors.LocalsynthError) -> dict[str, str]:
    """An error as plain data."""
    return {"error": type(error).__name__, "message": error.message, "hint": error.hint}


def decode_error(data: dict[str, Any]) -> errors.LocalsynthError:
    """The error of :func:`encode_error`; an unknown class becomes ``EngineError``."""
    cls = getattr(errors, str(data.get("error")), errors.EngineError)
    if not (isinstance(cls, type) and issubclass(cls, errors.LocalsynthError)):
        cls = errors.EngineError
    return cls(str(data.get("message")), str(data.get("hint") or ""))
