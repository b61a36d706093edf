"""The question for a row's number."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from localsynth.tui.plain import line

__all__ = ["GoDialog"]


class GoDialog(ModalScreen[int | None]):
    """Gives a row's number from 1 to ``total``, or ``None``."""

    HELP = "Type the number of a row, with or without commas; Enter goes there, Escape leaves."
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Leave", id="goto.leave")]
    DEFAULT_CSS = "GoDialog .dialog { max-width: 50; }"

    def __init__(self, total: int) -> None:
        super().__init__()
        self._total = total

    def compose(self) -> ComposeResult:
        """A field, and what is wrong with what is in it."""
        with Vertical(classes="dialog") as box:
            box.border_title = Content("Go to a row")
            box.border_subtitle = "enter goes, escape leaves"
            yield Input(placeholder=f"1 to {self._total:,}", compact=True)
            yield Static(id="said", classes="wrong", markup=False)

    def on_mount(self) -> None:
        """Type at once."""
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _take(self, event: Input.Submitted) -> None:
        digits = event.value.replace(",", "").replace("_", "").replace(" ", "")
        number = int(digits) if digits.isdecimal() and len(digits) < 20 else 0
        if 1 <= number <= self._total:
            self.dismiss(number)
        else:
            self.query_one("#said", Static).update(line(f"rows have numbers from 1 to {self._total:,}"))
