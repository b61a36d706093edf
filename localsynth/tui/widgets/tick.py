"""A box to tick that is told from an empty one by its sign, not by its colour."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Checkbox

__all__ = ["Tick"]


class Tick(Checkbox):
    """``[X]`` or ``[ ]`` before the words."""

    HELP = "Space or Enter ticks the box, or takes the tick away."

    def render(self) -> Content:
        """A sign, and the words."""
        words = self.label.pad(1, 1).stylize_before(self.get_visual_style("toggle--label"))
        return Content.assemble("[X]" if self.value else "[ ]", words)
