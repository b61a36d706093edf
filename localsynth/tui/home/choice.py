"""Choosing one of a few things that need a sentence each: a sample, a policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from localsynth.tui.plain import line, paragraph

__all__ = ["POLICIES", "Choice", "ChoiceDialog"]


@dataclass(frozen=True)
class Choice:
    """key : what is given back. title : in a word or two. about : in a sentence."""

    key: str
    title: str
    about: str


POLICIES = (
    Choice("schema", "schema", "A model may see the description only: names, kinds, ranges, categories."),
    Choice(
        "statistics", "statistics", "A model may also see counts and shares of the train rows, but no row."
    ),
    Choice("rows", "rows", "A model may also see single train rows. Rows held out are never shown."),
)


class ChoiceDialog(ModalScreen[str | None]):
    """Gives the key of what was chosen, ``None`` where a person leaves."""

    HELP = "Up and Down choose, Enter takes, Escape leaves everything as it is."
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Leave", id="choice.leave")]
    DEFAULT_CSS = """
    ChoiceDialog OptionList { height: auto; max-height: 100%; background: $surface; padding: 0; }
    ChoiceDialog OptionList, ChoiceDialog OptionList:focus { border: none; }
    """

    def __init__(self, title: str, choices: Sequence[Choice], present: str = "") -> None:
        super().__init__()
        self._title, self._choices, self._present = title, tuple(choices), present

    def compose(self) -> ComposeResult:
        """One option a choice, in two lines."""
        with Vertical(classes="dialog") as box:
            box.border_title = Content(self._title)
            box.border_subtitle = "enter takes, escape leaves"
            yield OptionList(*(Option(self._prompt(one)) for one in self._choices), markup=False)

    def _prompt(self, one: Choice) -> Text:
        now = "  (as it is now)" if one.key == self._present else ""
        return Text.assemble(line(one.title, "bold"), now, "\n", paragraph(one.about, "dim"))

    def on_mount(self) -> None:
        """What is so now is chosen at first."""
        options = self.query_one(OptionList)
        keys = [one.key for one in self._choices]
        options.highlighted = keys.index(self._present) if self._present in keys else 0
        options.focus()

    @on(OptionList.OptionSelected)
    def _take(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._choices[event.option_index].key)
