"""The list of choices under the cursor. It never has the focus: the editor hands it the few keys that are for it."""

from __future__ import annotations

from typing import ClassVar

from rich.table import Table
from textual import on
from textual.geometry import Offset
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from localsynth.tui.plain import clipped, line, one_line, wide

from .completion import Choice, Completion

__all__ = ["Popup"]

_NAME = 40
_ABOUT = 24


class Popup(OptionList, can_focus=False):
    """Hidden until :meth:`offer`."""

    DEFAULT_CSS = """
    Popup {
        overlay: screen; constrain: inside inflect; display: none; position: absolute;
        width: auto; height: auto; max-height: 10; min-width: 16; max-width: 76;
        border: round $accent; padding: 0; background: $surface; scrollbar-size-vertical: 1;
    }
    Popup > .option-list--option { padding: 0 1; }
    Popup.-open { display: block; }
    """
    ALLOW_SELECT: ClassVar[bool] = False

    class Taken(Message):
        """A click on a choice."""

        def __init__(self, choice: Choice) -> None:
            super().__init__()
            self.choice = choice

    def __init__(self) -> None:
        super().__init__(id="popup", markup=False)
        self.completion: Completion | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is seen."""
        return self.completion is not None

    def offer(self, completion: Completion, cursor: Offset) -> None:
        """Show choices; the cell of the screen where the cursor is stays uncovered."""
        self.completion = completion
        names = min(max(wide(one_line(one.name)) for one in completion.choices), _NAME)
        abouts = min(max(wide(one_line(one.about)) for one in completion.choices), _ABOUT)
        self.clear_options()
        self.add_options([Option(_row(one, names, abouts)) for one in completion.choices])
        self.highlighted = 0
        self.styles.width = names + abouts + 8  # with borders, paddings, the bar to scroll with
        self.absolute_offset = Offset(cursor.x - wide(completion.typed) - 2, cursor.y + 1)
        self.add_class("-open")

    def close(self) -> None:
        """Hide it."""
        if self.is_open:
            self.completion = None
            self.remove_class("-open")

    def move(self, by: int) -> None:
        """Another choice; over the ends it goes on at the other."""
        if (count := self.option_count) and self.highlighted is not None:
            there = self.highlighted + by
            self.highlighted = there % count if abs(by) == 1 else min(max(there, 0), count - 1)

    @property
    def choice(self) -> Choice | None:
        """The one that stands out."""
        if self.completion is None or self.highlighted is None:
            return None
        return self.completion.choices[self.highlighted]

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if self.completion is not None:
            self.post_message(self.Taken(self.completion.choices[event.option_index]))


def _row(choice: Choice, names: int, abouts: int) -> Table:
    row = Table.grid(padding=(0, 2, 0, 0))
    row.add_column(width=names, no_wrap=True)
    row.add_column(width=abouts, no_wrap=True, style="dim")
    row.add_row(line(choice.name, cells=names), line(clipped(one_line(choice.about), abouts)))
    return row
