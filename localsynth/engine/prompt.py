"""Conversations as tokens: the model's own chat template, with people's text kept apart from its special tokens."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..core.contracts import Message
from ..core.errors import ModelError

__all__ = ["ChatTemplate", "Piece"]

# Marks that stand for the messages while the template runs; private-use characters do not occur in templates.
_MARK = re.compile("\ue0f0(\\d+)\ue0f1")


@dataclass(frozen=True)
class Piece:
    """A stretch of a prompt. ``special`` : special tokens are recognised in it (it comes from the template)."""

    text: str
    special: bool


class ChatTemplate:
    """A chat template (Jinja, as stored in a GGUF file); ``None`` for base models, whose prompt is the bare text."""

    def __init__(self, source: str | None, bos: str, eos: str) -> None:
        self._bos, self._eos, self._template = bos, eos, None
        if source is None:
            return
        from jinja2 import TemplateError
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        # Sandboxed: a template comes with the model file, which is not our code.
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
        )
        environment.globals["raise_exception"] = _refuse
        environment.globals["strftime_now"] = lambda _: "1 January 2026"  # the day must not change the rows
        try:
            self._template = environment.from_string(source)
        except TemplateError as error:
            raise ModelError(
                f"the model's chat template does not parse: {error}", "the GGUF file may be damaged"
            ) from error

    def render(self, messages: Sequence[Message]) -> list[Piece]:
        """The prompt up to where the model's answer begins; nothing where there are no messages.

        Raises ``ModelError`` where the template refuses.
        """
        if not messages:
            return []
        if self._template is None:
            return [Piece("".join(message.text + "\n\n" for message in messages), False)]
        try:
            text = self._run([(m.role, f"\ue0f0{i}\ue0f1") for i, m in enumerate(messages)])
        except _RefusedError:
            # Some models know no system role: its text then opens the first message of the user.
            merged = "\n\n".join(f"\ue0f0{i}\ue0f1" for i in range(len(messages)))
            try:
                text = self._run([("user", merged)])
            except _RefusedError as error:
                raise ModelError(f"the model's chat template refuses the prompt: {error}") from error
        pieces, at = [], 0
        for mark in _MARK.finditer(text):
            pieces.append(Piece(text[at : mark.start()], True))
            pieces.append(Piece(messages[int(mark.group(1))].text, False))
            at = mark.end()
        pieces.append(Piece(text[at:], True))
        return [piece for piece in pieces if piece.text]

    def _run(self, turns: Sequence[tuple[str, str]]) -> str:
        from jinja2 import TemplateError

        assert self._template is not None
        try:
            return self._template.render(
                messages=[{"role": role, "content": text} for role, text in turns],
                add_generation_prompt=True,
                bos_token=self._bos,
                eos_token=self._eos,
                enable_thinking=False,
            )
        except TemplateError as error:
            raise _RefusedError(str(error)) from error


class _RefusedError(Exception):
    pass


def _refuse(message: str) -> str:
    raise _RefusedError(message)
