"""The methods to choose from, each with what it sees and needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from localsynth.core.run import Exposure
from localsynth.tui.plain import line, one_line

from .sections import Facts

if TYPE_CHECKING:
    from localsynth.workspace import MethodCard

__all__ = ["Cards"]

_SEES = {
    Exposure.SCHEMA: "sees a description",
    Exposure.STATISTICS: "sees statistics",
    Exposure.ROWS: "sees real rows",
}


class Cards(Vertical):
    """The methods; one is chosen."""

    HELP: ClassVar[str] = """\
Every method there is: those with a model first, from the one that sees least to the one that sees most, then yardsticks
without a model. The arrows look at one, Enter (or a click) chooses it. What a dataset's owner does not allow is marked,
and says why.
"""
    DEFAULT_CSS = """
    Cards OptionList { height: 1fr; border: none; padding: 0; background: transparent; }
    Cards VerticalScroll { height: 13; border-top: solid $foreground 30%; }
    Cards #card { height: auto; }
    """

    class Chosen(Message):
        """A person chose a method."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self) -> None:
        super().__init__(id="methods", classes="panel part")
        self.border_title = "Methods"
        self._facts = Facts()
        self._names: list[str] = []
        self._shown: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        """A list, and the one that is looked at."""
        yield OptionList(markup=False, compact=True)
        with VerticalScroll(can_focus=False):
            yield Static(id="card", markup=False)

    def show(self, facts: Facts, chosen: str) -> None:
        """What there is. chosen : the draft's method."""
        if (shown := (facts.methods, facts.broken, chosen)) == self._shown:
            return
        options = self.query_one(OptionList)
        place = options.highlighted if self._shown[-1:] == (chosen,) else None
        self._shown, self._facts = shown, facts
        known: list[MethodCard] = []
        options_made: list[Option] = []
        for one in facts.methods:
            if known and not one.needs_model and known[-1].needs_model:
                options_made.append(Option(Text("yardsticks, without a model", "dim"), disabled=True))
            known.append(one)
            options_made.append(Option(_option(one, chosen=one.name == chosen), id=one.name))
        for name, _ in facts.broken:
            options_made.append(
                Option(Text.assemble("( ) ", line(name), "\n    cannot be loaded"), id=f"broken {name}")
            )
        options.clear_options()
        options.add_options(options_made)
        if place is None and chosen in {one.name for one in known}:
            place = options.get_option_index(chosen)
        options.highlighted = place

    @on(OptionList.OptionHighlighted)
    def _looked_at(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self.query_one("#card", Static).update(self._card(event.option_id or ""))

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option_id is not None and self._facts.method(event.option_id) is not None:
            self.post_message(self.Chosen(event.option_id))

    def _card(self, name: str) -> Text:
        one = self._facts.method(name)
        if one is None:
            why = dict(self._facts.broken).get(name.removeprefix("broken "), "")
            return line(why)
        text = Text.assemble((one.name, "bold"), "\n", one_line(one.summary), "\n")
        who = "The model" if one.needs_model else "It"
        text.append(f"{who} sees: {one.sees}.")
        if one.needs:
            text.append(f"\nNeeds: {one_line('; '.join(one.needs))}.")
        if one.conditional:
            text.append("\nCan keep a condition (where).")
        if one.package != "localsynth":
            text.append(f"\nFrom the package {one_line(one.package)}.")
        if one.refusal:
            text.append(f"\n! {one_line(one.refusal)}. {one_line(one.hint)}", "bold")
        return text


def _option(one: MethodCard, *, chosen: bool) -> Text:
    text = Text.assemble(
        "(x) " if chosen else "( ) ", (one_line(one.name), "bold"), "\n    ", (_SEES[one.exposure], "dim")
    )
    if one.refusal:
        text.append("\n    ! not allowed here", "bold")
    return text
