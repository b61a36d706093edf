"""Small forms: what to call a described table, what to call a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from localsynth.tui.plain import line, paragraph
from localsynth.tui.widgets.tick import Tick

__all__ = ["NameDialog", "Named"]

Named = tuple[str, bool]


class NameDialog(ModalScreen[Named | None]):
    """Gives a name and whether the box is ticked, ``None`` where a person leaves.

    about : what will happen. tick : what the box says; without words there is none. wrong : says in a sentence what is wrong
    with an answer, or nothing.
    """

    HELP = "Type a name; Enter takes it, Escape leaves everything as it is."
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Leave", id="name.leave")]
    DEFAULT_CSS = "NameDialog Input { margin: 1 0; }"

    def __init__(
        self,
        title: str,
        about: str,
        name: str,
        *,
        yes: str,
        tick: str = "",
        ticked: bool = False,
        wrong: Callable[[str, bool], str] | None = None,
    ) -> None:
        super().__init__()
        self._title, self._about, self._given, self._yes = title, about, name, yes
        self._tick, self._ticked, self._wrong = tick, ticked, wrong

    def compose(self) -> ComposeResult:
        """What it is about, a field, a box, two buttons."""
        with Vertical(classes="dialog") as box:
            box.border_title = Content(self._title)
            box.border_subtitle = "enter takes, escape leaves"
            yield Static(paragraph(self._about))
            yield Input(self._given, compact=True)
            if self._tick:
                yield Tick(Content(self._tick), self._ticked, compact=True)
            yield Static(id="said", classes="wrong", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("Leave", id="leave", compact=True)
                yield Button(Content(self._yes), id="take", variant="primary", compact=True)

    def on_mount(self) -> None:
        """Type at once."""
        self.query_one(Input).focus()

    @on(Button.Pressed, "#leave")
    def _leave(self) -> None:
        self.dismiss(None)

    @on(Button.Pressed, "#take")
    @on(Input.Submitted)
    def _take(self) -> None:
        name = self.query_one(Input).value.strip()
        ticked = any(tick.value for tick in self.query(Tick))
        said = self._wrong(name, ticked) if self._wrong is not None else ""
        if said:
            self.query_one("#said", Static).update(line(said))
        else:
            self.dismiss((name, ticked))
