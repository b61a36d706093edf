"""What is wrong with a query: DuckDB's own text, its caret under the place it means."""

from __future__ import annotations

import re
import unicodedata
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import HorizontalScroll, VerticalScroll
from textual.widgets import Static

from localsynth.core.errors import LocalsynthError, StoreLocked
from localsynth.tui.plain import one_line, paragraph, wide

__all__ = ["ProblemPanel", "aligned"]

_CARET = re.compile(r" *\^+ *\Z")


def aligned(message: str) -> str:
    """The message with controls written as escapes, and its carets moved to where the text under them went."""
    lines = message.split("\n")
    shown = []
    for at, one in enumerate(lines):
        if at and _CARET.match(one) and lines[at - 1].startswith("LINE "):
            shown.append(_moved(lines[at - 1], one))
        else:
            shown.append(one_line(one))
    return "\n".join(shown)


def _moved(text: str, carets: str) -> str:
    """DuckDB puts its carets by the cells of what it prints, in which controls and tabs take none."""
    before = len(carets) - len(carets.lstrip(" "))
    first = _index(text, before)
    last = _index(text, before + carets.count("^"))
    return " " * wide(one_line(text[:first])) + "^" * max(wide(one_line(text[first:last])), 1)


def _index(text: str, cells: int) -> int:
    """How many characters take so many cells; those that take none go with what is before them."""
    used = 0
    for index, char in enumerate(text):
        taken = 0 if unicodedata.category(char) in {"Cc", "Cf", "Mn", "Me"} else wide(char)
        if used >= cells and taken:
            return index
        used += taken
    return len(text)


def _hint(error: LocalsynthError) -> str:
    if isinstance(error, StoreLocked):
        return f"{error.hint}. Ctrl+R tries again." if error.hint else "Ctrl+R tries again."
    return error.hint


class ProblemPanel(VerticalScroll):
    """Hidden while nothing is wrong."""

    HELP: ClassVar[str | None] = "What DuckDB says of the query. The arrows scroll, Escape closes."
    DEFAULT_CSS = """
    ProblemPanel {
        display: none; height: auto; max-height: 40%; border: round $error; padding: 0 1;
    }
    ProblemPanel.-open { display: block; }
    ProblemPanel Static { width: 100%; height: auto; }
    ProblemPanel #place { height: auto; overflow-x: auto; overflow-y: hidden; scrollbar-size-horizontal: 0; }
    ProblemPanel #line { width: auto; }
    """

    def compose(self) -> ComposeResult:
        """The message; the line it means, which is never broken, over the caret; what to do."""
        yield Static(id="message", markup=False)
        with HorizontalScroll(id="place", can_focus=False):
            yield Static(id="line", markup=False)
        yield Static(id="advice", markup=False)

    def on_mount(self) -> None:
        """What it is."""
        self.border_title = "Not done"
        self.border_subtitle = "escape closes"

    @property
    def is_open(self) -> bool:
        """Whether something is wrong."""
        return self.has_class("-open")

    def show(self, error: LocalsynthError) -> None:
        """Say what is wrong."""
        message, found, line = aligned(error.message).partition("\n\nLINE ")
        hint = _hint(error)
        self.query_one("#message", Static).update(paragraph(message))
        place = self.query_one("#place", HorizontalScroll)
        place.display = bool(found)
        self.query_one("#line", Static).update(Text(f"LINE {line}", no_wrap=True, end=""))
        advice = self.query_one("#advice", Static)
        advice.display = bool(hint)
        advice.update(Text.assemble(("What to do: ", "bold"), paragraph(hint)))
        self.add_class("-open")
        self.scroll_home(animate=False)
        self.call_after_refresh(self._caret_in_view, line.rfind("^") - line.rfind("\n"))

    def _caret_in_view(self, cell: int) -> None:
        place = self.query_one("#place", HorizontalScroll)
        place.scroll_to(x=max(cell - place.size.width + 8, 0), animate=False)

    def close(self) -> None:
        """Nothing is wrong any more."""
        self.remove_class("-open")
