"""User text on the screen: shown as it is, never read as markup, and unable to steer the terminal."""

from __future__ import annotations

from rich.text import Text

from localsynth.report.plaintext import clipped, one_line, shown, wide

__all__ = ["cell", "clipped", "line", "one_line", "paragraph", "wide"]


def line(text: object, style: str = "", cells: int | None = None) -> Text:
    """One line: breaks, tabs, controls and marks that turn the direction are written as escapes. cells : at most so wide."""
    words = one_line(text)
    return Text(words if cells is None else clipped(words, cells), style, no_wrap=True, end="")


def paragraph(text: object, style: str = "") -> Text:
    """Several lines; line breaks stay."""
    return Text(shown(text), style, end="")


def cell(value: object, missing: str = "∅") -> Text:
    """A value of a table; a missing one is a dim sign that no text can be taken for."""
    if value is None:
        return Text(missing, "dim", no_wrap=True, end="")
    return line(value)
