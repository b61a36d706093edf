"""A strip that says which part of the place is shown, where there is room for one only."""

from __future__ import annotations

from rich.text import Text
from textual import events
from textual.widgets import Static

__all__ = ["Parts"]


class Parts(Static):
    """The three parts, where only one of them has room; a click goes there."""

    DEFAULT_CSS = "Parts { height: 1; display: none; }"
    _WORDS = (" 1 Methods ", " 2 Settings ", " 3 TOML ")

    def show(self, part: int) -> None:
        """Which is shown."""
        words = [(word, "reverse bold" if index == part else "") for index, word in enumerate(self._WORDS)]
        self.update(Text.assemble(*words))

    async def on_click(self, event: events.Click) -> None:
        """Go there."""
        ends = [sum(map(len, self._WORDS[: index + 1])) for index in range(len(self._WORDS))]
        part = next((index for index, end in enumerate(ends) if event.x < end), None)
        if part is not None:
            await self.screen.run_action(f"part({part})")
