"""Dialogs that any place may need: an error, a question."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from localsynth.core.errors import LocalsynthError, Problem

from .clipboard import copy
from .plain import paragraph

__all__ = ["ConfirmDialog", "ErrorDialog", "error_text"]


def error_text(error: LocalsynthError) -> str:
    """What is wrong, every problem found, and what to do, as plain text."""
    problems: tuple[Problem, ...] = getattr(error, "problems", ())
    parts = [error.message]
    for one in problems:
        place = f"line {one.line}: " if one.line is not None else ""
        parts.append(f"  {place}{one.message}" + (f" ({one.hint})" if one.hint else ""))
    if diff := getattr(error, "diff", ""):
        parts.append(str(diff))
    if error.hint:
        parts.append(f"\nWhat to do: {error.hint}")
    return "\n".join(parts)


class ErrorDialog(ModalScreen[None]):
    """Says what is wrong, until a key is pressed."""

    HELP = "Something could not be done. Nothing that was kept before is lost. Escape closes this; `c` copies the text."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,space,q", "dismiss(None)", "Close", id="error.close"),
        Binding("c", "copy", "Copy", id="error.copy"),
    ]

    def __init__(self, error: LocalsynthError) -> None:
        super().__init__()
        self.error = error

    def compose(self) -> ComposeResult:
        """The text, and what the keys do."""
        with VerticalScroll(classes="dialog -error") as box:
            box.border_title = "Not done"
            box.border_subtitle = "escape closes, c copies"
            yield Static(paragraph(error_text(self.error)), markup=False)

    def action_copy(self) -> None:
        """The text into the terminal's clipboard."""
        copy(self.app, error_text(self.error))


class ConfirmDialog(ModalScreen[bool]):
    """A question whose answer changes something; gives ``True`` for yes."""

    HELP = "`y` does it, `n` or Escape does not."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "dismiss(True)", "Yes", id="confirm.yes"),
        Binding("n,escape", "dismiss(False)", "No", id="confirm.no"),
    ]

    def __init__(self, question: str, yes: str = "Yes", *, detail: str = "") -> None:
        super().__init__()
        self._question, self._yes, self._detail = question, yes, detail

    def compose(self) -> ComposeResult:
        """The question, and two buttons; the one that changes nothing has the focus."""
        with VerticalScroll(classes="dialog") as box:
            box.border_title = "Sure?"
            yield Static(Text.assemble(paragraph(self._question, "bold"), "\n", paragraph(self._detail)))
            with Horizontal(classes="buttons"):
                yield Button(Text("No (n)"), id="no")
                yield Button(Text(f"{self._yes} (y)"), id="yes", variant="warning")

    def on_mount(self) -> None:
        """No is the safe answer."""
        self.query_one("#no").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """An answer."""
        self.dismiss(event.button.id == "yes")
