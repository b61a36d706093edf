"""A report as lines that a widget shows without asking rich again, and where its sections begin."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text
from textual.strip import Strip

if TYPE_CHECKING:
    from rich.console import RenderResult

__all__ = ["NARROWEST", "Page", "Section", "Span", "page"]

NARROWEST = 60  # cells; the report's tables cannot be read in fewer, so a narrower view scrolls sideways


@dataclass(frozen=True)
class Section:
    """title : its heading. line : which line that is."""

    title: str
    line: int


@dataclass(frozen=True)
class Span:
    """Where a searched text is: the line, and cells from ``start`` to before ``end``."""

    line: int
    start: int
    end: int


@dataclass(frozen=True)
class Page:
    """lines : as wide as they were made for."""

    lines: tuple[Strip, ...] = ()
    sections: tuple[Section, ...] = ()

    def section_at(self, line: int) -> int:
        """The number of the section a line is in; 0 before the first."""
        return max(bisect_right([one.line for one in self.sections], line) - 1, 0)

    def found(self, words: str) -> list[Span]:
        """Where the words are, capitals and small letters alike. Nothing is found of nothing."""
        wanted = words.casefold()
        if not wanted:
            return []
        return [
            span for number, strip in enumerate(self.lines) for span in _found(strip.text, wanted, number)
        ]

    @property
    def text(self) -> str:
        """All of it, without styles."""
        return "\n".join(strip.text.rstrip() for strip in self.lines)


def _found(text: str, wanted: str, line: int) -> Iterator[Span]:
    from rich.cells import cell_len

    folded = text.casefold()
    if len(folded) != len(text):  # a letter like ß became two: its places would be wrong
        folded = text.lower() if len(text.lower()) == len(text) else text
    start = folded.find(wanted)
    while start >= 0:
        end = start + len(wanted)
        yield Span(line, cell_len(text[:start]), cell_len(text[:end]))
        start = folded.find(wanted, end)


def page(parts: Sequence[tuple[str, RenderableType]], width: int) -> Page:
    """Lines of ``width`` cells. parts : (title, what rich prints); an empty title makes no section."""
    console = Console(
        file=StringIO(), width=width, force_terminal=True, color_system="truecolor", legacy_windows=False
    )
    options = console.options.update_width(width)
    lines: list[Strip] = []
    sections: list[Section] = []
    for title, whole in parts:
        if title:
            sections.append(Section(title, len(lines)))
        before: object = None
        for part in _inside(whole, console, options):
            if _is_head(part, before):
                sections.append(Section(str(part), len(lines)))
            lines.extend(_strips(part, console, options))
            before = part
        lines.append(Strip([]))
    return Page(tuple(lines), tuple(sections))


def _inside(whole: RenderableType, console: Console, options: ConsoleOptions) -> RenderResult:
    """The parts of something that is made of several; else itself."""
    made = getattr(whole, "__rich_console__", None)
    if made is None or isinstance(whole, Text):
        yield whole
    else:
        yield from made(console, options)


def _is_head(part: object, before: object) -> bool:
    """The report's headings are bold lines below an empty one."""
    return (
        isinstance(part, Text)
        and isinstance(before, Text)
        and not before.plain
        and part.style == "bold"
        and bool(part.plain)
        and not part.spans
    )


def _strips(part: RenderableType | Segment, console: Console, options: ConsoleOptions) -> Iterator[Strip]:
    if isinstance(part, Segment):
        yield Strip([part])
        return
    for line in console.render_lines(part, options, pad=False, new_lines=False):
        yield Strip(line)
