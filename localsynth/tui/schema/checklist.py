"""A list in which several entries can be marked: ``[x]`` and ``[ ]``, so that no colour is needed to tell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

__all__ = ["CheckList"]


class CheckList(OptionList):
    """entries : (prompt, name). marked : places that are marked at first. fixed : places that cannot be."""

    HELP = "Space or a click marks an entry and takes the mark away again. Entries with `-` cannot be marked; they say why."
    DEFAULT_CSS = """
    CheckList, CheckList:focus { border: none; padding: 0; height: 1fr; background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "select", "Mark", id="checklist.mark"),
        Binding("a", "mark_all", "Mark all", id="checklist.all", show=False),
        Binding("enter", "accept", "Accept", id="checklist.accept", show=False),
    ]

    class Changed(Message):
        """Another set of entries is marked."""

    class Accepted(Message):
        """Enter was pressed."""

    def __init__(
        self, entries: Sequence[tuple[Text, str]], marked: Iterable[int] = (), fixed: Iterable[int] = ()
    ) -> None:
        self._entries = tuple(entries)
        self._marked, self._fixed = set(marked), frozenset(fixed)
        super().__init__(*(Option(self._prompt(at)) for at in range(len(self._entries))), markup=False)

    @property
    def marked(self) -> tuple[str, ...]:
        """The names of marked entries, in their order."""
        return tuple(name for at, (_, name) in enumerate(self._entries) if at in self._marked)

    def _prompt(self, at: int) -> Text:
        sign = " -  " if at in self._fixed else "[x] " if at in self._marked else "[ ] "
        return Text.assemble(sign, self._entries[at][0])

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """The other way round."""
        event.stop()
        self._turn({event.option_index})

    def _turn(self, places: set[int]) -> None:
        self._marked ^= places - self._fixed
        for at in places - self._fixed:
            self.replace_option_prompt_at_index(at, self._prompt(at))
        self.post_message(self.Changed())

    def action_mark_all(self) -> None:
        """All, or none where all are."""
        able = set(range(len(self._entries))) - self._fixed
        self._turn(able - self._marked or able)

    def action_accept(self) -> None:
        """What is marked is wanted."""
        self.post_message(self.Accepted())
