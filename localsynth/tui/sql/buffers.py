"""Several texts in one editor, kept between starts."""

from __future__ import annotations

from typing import Any

__all__ = ["Buffers"]

_MOST = 50


class Buffers:
    """Texts in order, of which one is seen; there is always one."""

    def __init__(self, kept: Any = None) -> None:
        self.texts = [""]
        self.at = 0
        if isinstance(kept, dict) and isinstance(kept.get("texts"), list):
            self.texts = [one for one in kept["texts"] if isinstance(one, str)][:_MOST] or [""]
            at = kept.get("at")
            self.at = at if isinstance(at, int) and 0 <= at < len(self.texts) else 0

    @property
    def kept(self) -> dict[str, Any]:
        """What is to be kept."""
        return {"texts": self.texts, "at": self.at}

    @property
    def text(self) -> str:
        """The one that is seen."""
        return self.texts[self.at]

    @text.setter
    def text(self, text: str) -> None:
        self.texts[self.at] = text

    def new(self, text: str = "") -> None:
        """One more, behind the present one; an empty one that is there is used again."""
        if not self.text.strip():
            self.text = text
            return
        self.texts.insert(self.at + 1, text)
        self.at += 1
        if len(self.texts) > _MOST:
            del self.texts[0]
            self.at -= 1

    def turn(self) -> None:
        """The next one is seen; empty ones that are left behind are gone."""
        if not self.text.strip() and len(self.texts) > 1:
            del self.texts[self.at]
            self.at %= len(self.texts)
        else:
            self.at = (self.at + 1) % len(self.texts)

    @property
    def title(self) -> str:
        """Which one of how many."""
        return "Query" if len(self.texts) == 1 else f"Query {self.at + 1} of {len(self.texts)}"
