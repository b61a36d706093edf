"""Shows the lines of a report, however many, and marks what is searched."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from .page import Page, Span

__all__ = ["ReportView"]

_HERE = Style(reverse=True, bold=True)
_ELSEWHERE = Style(underline=True, bold=True)


class ReportView(ScrollView, can_focus=True):
    """Scrolls over a :class:`Page`. Tells which section is at the top."""

    HELP: ClassVar[str] = (
        "The report. The arrows, Page Up and Page Down scroll; `j` jumps to a section, `/` searches."
    )
    ALLOW_SELECT = False

    class SectionReached(Message):
        """Another section is at the top."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    def __init__(self) -> None:
        super().__init__()
        self.page = Page()
        self._found: list[Span] = []
        self._at = 0
        self._section = 0

    def show(self, page: Page, *, from_top: bool = False) -> None:
        """Another page. from_top : else one stays in the section one reads, as far down in it."""
        old, line = self.page, round(self.scroll_y)
        self.page = page
        self.virtual_size = Size(max((strip.cell_length for strip in page.lines), default=0), len(page.lines))
        self._found, self._at = [], 0
        if from_top or not old.sections or not page.sections:
            line = 0
        else:
            number = old.section_at(line)
            kept = min(number, len(page.sections) - 1)
            line = page.sections[kept].line + line - old.sections[number].line
        self.scroll_to(0, line, animate=False, immediate=True)
        self.refresh()

    def jump(self, number: int) -> None:
        """A section comes to the top."""
        if number < len(self.page.sections):
            self.scroll_to(y=self.page.sections[number].line, animate=False, immediate=True)

    # --- searching ---------------------------------------------------------------------------------------------------

    def search(self, words: str) -> tuple[int, int]:
        """Mark the words, and go to the first place from the top of the view on. Gives its number from 1, and of how many."""
        self._found = self.page.found(words)
        top = round(self.scroll_y)
        self._at = next((place for place, span in enumerate(self._found) if span.line >= top), 0)
        return self._go_on(0)

    def next_found(self, step: int) -> tuple[int, int]:
        """The next place, or the one before; round the end."""
        return self._go_on(step)

    def _go_on(self, step: int) -> tuple[int, int]:
        self.refresh()
        if not self._found:
            return 0, 0
        self._at = (self._at + step) % len(self._found)
        line, top, height = self._found[self._at].line, round(self.scroll_y), self.size.height
        if not top <= line < top + height:
            self.scroll_to(y=max(line - height // 3, 0), animate=False, immediate=True)
        return self._at + 1, len(self._found)

    # --- lines -------------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """One line of what is seen."""
        left, top = self.scroll_offset
        number, style = top + y, self.rich_style
        if number >= len(self.page.lines):
            return Strip.blank(self.size.width, style)
        line = self._marked(number).crop_extend(left, left + self.size.width, None)
        return line.apply_style(style)

    def _marked(self, number: int) -> Strip:
        line = self.page.lines[number]
        for place, span in enumerate(self._found):
            if span.line == number:
                style = _HERE if place == self._at else _ELSEWHERE
                before, found = line.crop(0, span.start), line.crop(span.start, span.end)
                marked = Strip(Segment(text, (own or Style()) + style) for text, own, _ in found)
                line = Strip.join([before, marked, line.crop(span.end, line.cell_length)])
        return line

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Say which section is at the top."""
        super().watch_scroll_y(old_value, new_value)
        number = self.page.section_at(round(new_value))
        if number != self._section:
            self._section = number
            self.post_message(self.SectionReached(number))
