"""The file as it will be saved and run, with its lines numbered and its mistakes marked."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from localsynth.report.plaintext import shown

__all__ = ["Preview", "coloured"]


class Preview(VerticalScroll):
    """The recipe as TOML."""

    HELP: ClassVar[str] = """\
The recipe as TOML: exactly what is saved and run. A `!` marks a line with a mistake. `e` opens it to be edited as text, for
what the form has no field for; `s` saves it.
"""
    DEFAULT_CSS = (
        "Preview Static { width: auto; min-width: 100%; height: auto; } Preview { overflow-x: auto; }"
    )

    def __init__(self) -> None:
        super().__init__(id="toml", classes="panel part")
        self.border_title = "TOML"

    def compose(self) -> ComposeResult:
        """Its text."""
        yield Static(markup=False)

    def show(self, text: str, wrong: Collection[int] = ()) -> None:
        """The text of the file. wrong : lines with mistakes, counted from 1."""
        self.query_one(Static).update(coloured(text, wrong))


def coloured(text: str, wrong: Collection[int] = ()) -> Text:
    """TOML with numbered lines; tables and keys stand out."""
    made = Text(no_wrap=True, end="")
    lines = text.rstrip("\n").split("\n")
    for number, content in enumerate(lines, 1):
        bad = number in wrong
        made.append(f"{number:>3} {'!' if bad else ' '} ", "bold" if bad else "dim")
        made.append_text(_line(shown(content).replace("\t", "    ")))
        made.append("\n" if number < len(lines) else "")
    return made


def _line(content: str) -> Text:
    if content.startswith("["):
        return Text(content, "bold")
    key, equals, value = content.partition(" = ")
    if not equals or not key.replace("_", "").replace("-", "").isalnum():
        return Text(content)
    return Text.assemble((key, "italic"), (" = ", "dim"), value)
