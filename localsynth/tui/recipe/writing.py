"""A part of a recipe, or the whole of it, written as TOML."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static, TextArea

from localsynth.core.errors import LocalsynthError, RecipeError
from localsynth.core.tomlfile import load_toml
from localsynth.tui.dialogs import ConfirmDialog
from localsynth.tui.plain import line

from .draft import Draft
from .fields import Field

__all__ = ["WritingDialog", "field_dialog", "only"]


class WritingDialog(ModalScreen[str | None]):
    """Gives the text, once ``check`` finds nothing wrong with it; ``None`` where a person leaves.

    check : raises a ``LocalsynthError``; asked at every change.
    """

    HELP = (
        "Write TOML. What is wrong is said below as you type. F10 takes the text, Escape leaves without it."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f10", "take", "Take it", id="writing.take"),
        Binding("escape", "leave", "Leave", id="writing.leave"),
    ]
    DEFAULT_CSS = """
    WritingDialog .dialog { width: 96%; max-width: 120; height: 90%; padding: 0 1; }
    WritingDialog TextArea { height: 1fr; border: none; }
    WritingDialog #said { height: auto; max-height: 3; color: $text-error; }
    """

    def __init__(self, title: str, text: str, check: Callable[[str], object]) -> None:
        super().__init__()
        self._title, self._text, self._check = title, text, check

    def compose(self) -> ComposeResult:
        """The text, and what is wrong with it."""
        with Vertical(classes="dialog") as box:
            box.border_title = Content(self._title)
            box.border_subtitle = "f10 takes it, escape leaves"
            yield TextArea(
                self._text, show_line_numbers=True, tab_behavior="focus", soft_wrap=False, compact=True
            )
            yield Static(id="said", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("Leave", id="leave", compact=True)
                yield Button("Take it", id="take", variant="primary", compact=True)

    def on_mount(self) -> None:
        """Write at once."""
        self.query_one(TextArea).focus()

    @on(TextArea.Changed)
    def _judge(self) -> bool:
        said = ""
        try:
            self._check(self.query_one(TextArea).text)
        except LocalsynthError as error:
            said = f"! {error.message}" + (f" ({error.hint})" if error.hint else "")
        self.query_one("#said", Static).update(line(said, cells=300))
        return not said

    @on(Button.Pressed, "#take")
    def action_take(self) -> None:
        """Go on with the text, where nothing is wrong with it."""
        if self._judge():
            self.dismiss(self.query_one(TextArea).text)
        else:
            self.notify("mend what is said below, or leave with Escape", severity="warning", markup=False)

    @on(Button.Pressed, "#leave")
    def action_leave(self) -> None:
        """Without it; what was written is not lost unasked."""
        if self.query_one(TextArea).text == self._text:
            self.dismiss(None)
            return

        def heard(agreed: bool | None) -> None:
            if agreed:
                self.dismiss(None)

        self.app.push_screen(ConfirmDialog("Leave without what you wrote?", "Leave"), heard)


def field_dialog(one: Field, value: Any) -> WritingDialog:
    """To write the value of one key."""
    text = f"# {one.about}\n# {one.key} = ...\n" if value is None else Draft({one.key: value}, "").text()
    return WritingDialog(f"{'.'.join(one.place)} as TOML", text, partial(only, one))


def only(one: Field, text: str) -> Any:
    """The value of the one key that is written; ``None`` for none. Raises ``RecipeError`` for anything else."""
    data = load_toml(text, None, "recipe")
    if others := [key for key in data if key != one.key]:
        raise RecipeError(f"only '{one.key}' is written here, not '{others[0]}'", f"write {one.key} = ...")
    return data.get(one.key)
