"""The lists of rules and dependencies, each entry with what the train rows say to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from localsynth.core.schema import Dependency, Rule
from localsynth.tui.plain import line

__all__ = ["ItemList", "dependency_text", "rule_text"]


class ItemList(OptionList):
    """Rules or dependencies, by the name of their field in the schema. Enter or a click opens one."""

    HELP = """\
**Rules** are SQL conditions that every made row keeps, **dependencies** say which columns determine another. Below each stands
what the train rows say to it. Enter edits one, Delete removes it, `n` makes a new rule, `d` a new dependency, `g` looks for
both in the rows.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Edit", id="schema.edit-item"),
        Binding("delete,minus", "remove", "Remove", id="schema.remove"),
    ]
    DEFAULT_CSS = """
    ItemList { height: 1fr; background: $surface; }
    """

    class Opened(Message):
        """An entry is to be edited."""

        def __init__(self, field: str, at: int) -> None:
            super().__init__()
            self.field, self.at = field, at

    class Removed(Message):
        """An entry is to be removed."""

        def __init__(self, field: str, at: int) -> None:
            super().__init__()
            self.field, self.at = field, at

    def __init__(self, field: str, nothing: str) -> None:
        super().__init__(id=field, classes="panel", markup=False)
        self._field, self._nothing = field, nothing
        self._count = 0

    def show_items(self, prompts: Sequence[Text]) -> None:
        """Show these; the mark bar stays where it was."""
        at = self.highlighted
        self._count = len(prompts)
        self.border_title = Text(f"{self._field.title()} ({len(prompts):,})")
        self.clear_options()
        self.add_options(
            [Option(one) for one in prompts] or [Option(Text(self._nothing, "dim"), disabled=True)]
        )
        if prompts:
            self.highlighted = min(at or 0, len(prompts) - 1)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Open it."""
        event.stop()
        if self._count:
            self.post_message(self.Opened(self._field, event.option_index))

    def action_remove(self) -> None:
        """Take the entry at the mark bar out."""
        if self._count and self.highlighted is not None:
            self.post_message(self.Removed(self._field, self.highlighted))


def rule_text(rule: Rule, rows: int, found: int | str | None) -> Text:
    """A rule, and what the rows say. found : how many break it, what is wrong with it, or ``None`` while nobody knows."""
    head = Text.assemble(line(rule.name, "bold"), "  ") if rule.name else Text()
    more = f"  ({rule.description})" if rule.description else ""
    text = Text.assemble(head, line(rule.check), line(more, "dim"))
    if isinstance(found, str):
        return Text.assemble(text, "\n", line(f"! {found}", "bold"))
    return text if found is None or not rows else Text.assemble(text, "\n", _said(found, rows))


def dependency_text(one: Dependency, found: tuple[int, int] | None) -> Text:
    """A dependency, and how many rows break it."""
    text = Text.assemble(line(", ".join(one.determinant)), " -> ", line(one.dependent))
    return text if found is None else Text.assemble(text, "\n", _said(*found))


def _said(broken: int, rows: int) -> Text:
    if broken:
        return Text(f"  ! {broken:,} of {rows:,} train rows break it", "bold")
    return Text(f"  all {rows:,} train rows keep it", "dim")
