"""Dialogs to choose from a list: one of several, or some of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from .plain import paragraph

__all__ = ["CheckDialog", "ChoiceDialog"]

_T = TypeVar("_T")


class ChoiceDialog(ModalScreen[_T | None], Generic[_T]):
    """Gives one of the values, or ``None``. choices : (what is shown, value). chosen : the number of the present one."""

    HELP = "The arrows choose, Enter or a click takes, Escape leaves everything as it is."
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Leave", id="choice.leave")]
    DEFAULT_CSS = """
    ChoiceDialog OptionList, ChoiceDialog OptionList:focus { border: none; background: $surface; padding: 0; max-height: 100%; }
    ChoiceDialog .hint { margin-bottom: 1; }
    """

    def __init__(
        self, title: str, choices: Sequence[tuple[Text, _T]], *, chosen: int = 0, about: str = ""
    ) -> None:
        super().__init__()
        self._title, self._about = title, about
        self._choices, self._first = list(choices), chosen

    def compose(self) -> ComposeResult:
        """A list, with a word about it above."""
        with Vertical(classes="dialog") as box:
            box.border_title = Content(self._title)
            box.border_subtitle = "enter takes, escape leaves"
            if self._about:
                yield Static(paragraph(self._about), classes="hint", markup=False)
            yield OptionList(*(Option(shown) for shown, _ in self._choices), markup=False)

    def on_mount(self) -> None:
        """The present one is marked."""
        options = self.query_one(OptionList)
        options.focus()
        if self._choices:
            options.highlighted = min(self._first, len(self._choices) - 1)

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._choices[event.option_index][1])


class CheckDialog(ModalScreen[tuple[_T, ...] | None], Generic[_T]):
    """Gives the checked values in the list's order, or ``None``. checked : the numbers of those that are at first."""

    HELP = "Space or a click checks one or takes the mark away, Enter is done, Escape leaves everything as it is."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "check", "Check", id="check.check"),
        Binding("enter", "take", "Done", id="check.done", priority=True),
        Binding("escape", "dismiss(None)", "Leave", id="check.leave"),
    ]
    DEFAULT_CSS = """
    CheckDialog OptionList, CheckDialog OptionList:focus { border: none; background: $surface; padding: 0; max-height: 100%; }
    CheckDialog .hint { margin-bottom: 1; }
    """

    def __init__(
        self, title: str, choices: Sequence[tuple[Text, _T]], checked: Sequence[int] = (), *, about: str = ""
    ) -> None:
        super().__init__()
        self._title, self._about = title, about
        self._choices, self._checked = list(choices), set(checked)

    def compose(self) -> ComposeResult:
        """A list, with a word about it above."""
        with Vertical(classes="dialog") as box:
            box.border_title = Content(self._title)
            box.border_subtitle = "space checks, enter is done, escape leaves"
            if self._about:
                yield Static(paragraph(self._about), classes="hint", markup=False)
            yield OptionList(
                *(Option(self._row(number)) for number in range(len(self._choices))), markup=False
            )

    def on_mount(self) -> None:
        """The first that is checked is marked."""
        options = self.query_one(OptionList)
        options.focus()
        if self._choices:
            options.highlighted = min(self._checked, default=0)

    def _row(self, number: int) -> Text:
        return Text.assemble("[x] " if number in self._checked else "[ ] ", self._choices[number][0])

    def action_check(self) -> None:
        """Check the marked one, or not any more."""
        if (place := self.query_one(OptionList).highlighted) is not None:
            self._turn(place)

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        self._turn(event.option_index)

    def _turn(self, number: int) -> None:
        self._checked ^= {number}
        self.query_one(OptionList).replace_option_prompt_at_index(number, self._row(number))

    def action_take(self) -> None:
        """What is checked."""
        self.dismiss(tuple(value for place, (_, value) in enumerate(self._choices) if place in self._checked))
