"""The log of a run: lines with the time of day, of which only those in sight are drawn, since thousands may come at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from localsynth.tui.plain import clipped, one_line, wide

from .story import Said, Story

__all__ = ["LogPanel", "wrapped"]

_HEAD = 11  # cells of the time and the sign
_LEAST = 8


class _Line(NamedTuple):
    """said : ``None`` for the continuation of the line above."""

    said: Said | None
    text: str
    warning: bool


class LogPanel(ScrollView, can_focus=True):
    """All that was said; the end stays in sight while it is followed."""

    HELP = "What the run said, with the time of day. `f` follows the end, or stops to; the arrows scroll."
    ALLOW_SELECT = False
    DEFAULT_CSS = "LogPanel { scrollbar-size-vertical: 1; overflow-x: hidden; background: $background; }"

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id, classes="panel")
        self.border_title = "Log"
        self.following = True
        self._story = Story()
        self._taken = 0  # of what the story said
        self._broken: list[_Line] = []
        self._base = Style.null()

    def tell(self, story: Story) -> None:
        """What is new in it, or all of it where it is another one."""
        if story is not self._story:
            self._story, self._taken, self._broken = story, 0, []
            self._take()
        elif story.said != self._taken:
            self._take()

    def action_follow(self) -> None:
        """Keep the end in sight, or let it go."""
        self.following = not self.following
        self.border_title = "Log" if self.following else "Log, not followed"
        self._to_end()

    def on_resize(self, event: events.Resize) -> None:
        """Lines are broken for the width there is."""
        self._taken, self._broken = 0, []
        self._take()

    def _take(self) -> None:
        room = self.scrollable_content_region.width
        if not room:
            return
        for one in self._story.log:
            if one.number > self._taken:
                lines = wrapped(one_line(one.text), max(room - _HEAD, _LEAST))
                self._broken += [
                    _Line(one if number == 0 else None, text, one.warning)
                    for number, text in enumerate(lines)
                ]
        self._taken = self._story.said
        self.virtual_size = Size(room, len(self._broken))
        self.refresh()
        self._to_end()

    def _to_end(self) -> None:
        if self.following:
            # Before the bar is laid out, Textual takes a panel for one that cannot be scrolled.
            self.scroll_end(animate=False, immediate=True, force=True, x_axis=False)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Those in sight; the style is looked up once for all of them."""
        self._base = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """One of those in sight."""
        width, base = self.scrollable_content_region.width, self._base
        number = y + self.scroll_offset.y
        if number >= len(self._broken):
            return Strip.blank(width, base)
        said, text, warning = self._broken[number]
        head = " " * _HEAD
        if said is not None:
            head = f"{time.strftime('%H:%M:%S', time.localtime(said.at))} {'!' if warning else ' '} "
        segments = [
            Segment(head, base + Style(dim=not warning)),
            Segment(text, base + Style(bold=warning)),
        ]
        return Strip(segments).adjust_cell_length(width, base)


def wrapped(text: str, cells: int) -> Iterator[str]:
    """The text in lines of at most so many cells, broken at spaces where that is possible."""
    while (text.isascii() and len(text) > cells) or wide(text) > cells:
        begin = clipped(text, cells)[:-1]  # without the ellipsis
        rest = text[len(begin) :]
        at = len(begin) if rest.startswith(" ") else begin.rfind(" ") + 1
        at = at or max(len(begin), 1)
        yield text[:at].rstrip(" ")
        text = text[at:].lstrip(" ")
    yield text
