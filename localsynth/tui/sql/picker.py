"""A list to choose from, narrowed by what is typed, with the whole text of the one that stands out beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from localsynth.tui.plain import line, paragraph

__all__ = ["Pick", "PickDialog"]

_MOST = 500
_PREVIEW = 5_000


class Pick(NamedTuple):
    """name : one line. about : dim, behind it. text : what is chosen, also looked through and shown beside."""

    name: str
    about: str
    text: str


class PickDialog(ModalScreen[Pick | None]):
    """Gives a pick, or ``None``. nothing : what to say where there is nothing to choose from."""

    HELP = "Type to find, in any order of words; the arrows choose, Enter takes, Escape leaves."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "choose(1)", "Next", show=False, id="pick.next"),
        Binding("up", "choose(-1)", "Previous", show=False, id="pick.previous"),
        Binding("pagedown", "choose(10)", "Further", show=False, id="pick.further"),
        Binding("pageup", "choose(-10)", "Back", show=False, id="pick.back"),
        Binding("escape", "dismiss(None)", "Leave", id="pick.leave"),
    ]
    DEFAULT_CSS = """
    PickDialog .dialog { width: 94%; max-width: 160; height: 90%; padding: 0 1; }
    PickDialog .picks { height: 1fr; }
    PickDialog OptionList {
        width: 1fr; border: none; background: $surface; padding: 0; text-wrap: nowrap; text-overflow: ellipsis;
    }
    PickDialog VerticalScroll { width: 1fr; border-left: solid $foreground 30%; padding: 0 1; }
    PickDialog.-narrow VerticalScroll { display: none; }
    """

    def __init__(self, title: str, picks: Sequence[Pick], nothing: str) -> None:
        super().__init__()
        self._title, self._nothing = title, nothing
        self._picks = tuple(picks)
        self._found: tuple[Pick, ...] = ()

    def compose(self) -> ComposeResult:
        """What is typed, the list, the whole text."""
        with Vertical(classes="dialog") as box:
            box.border_title = Content(self._title)
            box.border_subtitle = "enter takes, escape leaves"
            yield Input(placeholder="type to find")
            with Horizontal(classes="picks"):
                found = OptionList(markup=False)
                found.can_focus = False
                yield found
                with VerticalScroll(can_focus=False):
                    yield Static(id="preview", markup=False)

    def on_mount(self) -> None:
        """Type at once."""
        self.query_one(Input).focus()
        self._narrow()

    @on(Input.Changed)
    def _narrow(self) -> None:
        words = self.query_one(Input).value.lower().split()
        self._found = tuple(
            one
            for one in self._picks
            if all(word in f"{one.name} {one.about} {one.text}".lower() for word in words)
        )[:_MOST]
        found = self.query_one(OptionList)
        found.clear_options()
        found.add_options([Option(_row(one)) for one in self._found])
        found.highlighted = 0 if self._found else None
        if not self._found:
            said = "nothing has these words" if self._picks else self._nothing
            self.query_one("#preview", Static).update(Text(said, "dim"))
            found.add_option(Option(Text(said, "dim"), disabled=True))

    @on(OptionList.OptionHighlighted)
    def _show(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_index < len(self._found):
            text = self._found[event.option_index].text
            more = "\n…" if len(text) > _PREVIEW else ""
            self.query_one("#preview", Static).update(paragraph(text[:_PREVIEW] + more))

    def action_choose(self, by: int) -> None:
        """Another one."""
        found = self.query_one(OptionList)
        if found.highlighted is not None and self._found:
            found.highlighted = min(max(found.highlighted + by, 0), len(self._found) - 1)

    @on(Input.Submitted)
    def _take(self) -> None:
        at = self.query_one(OptionList).highlighted
        if at is not None and at < len(self._found):
            self.dismiss(self._found[at])

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        if event.option_index < len(self._found):
            self.dismiss(self._found[event.option_index])


def _row(pick: Pick) -> Text:
    row = line(pick.name.replace("\n", " "))
    row.append("  ")
    row.append_text(line(pick.about, "dim"))
    return row
