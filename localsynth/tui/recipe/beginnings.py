"""What a recipe can be begun from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from localsynth.tui.plain import line

__all__ = ["Beginning", "BeginningDialog"]


@dataclass(frozen=True)
class Beginning:
    """kind : what it is begun from. name : of the dataset, run or packaged recipe. about : more of it."""

    kind: Literal["empty", "run", "file", "packaged"]
    name: str = ""
    about: str = ""


_HEADS = {"packaged": "recipes that come with localsynth", "file": "yours"}


class BeginningDialog(ModalScreen[Beginning | None]):
    """Gives what to begin from, ``None`` to go on as it is."""

    HELP = "Choose what the recipe is begun from; the one you have now is put aside. Escape goes on with it."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Leave", id="beginning.leave"),
    ]
    DEFAULT_CSS = """
    BeginningDialog .dialog { height: 22; max-height: 95%; padding: 0 1; }
    BeginningDialog OptionList { height: 1fr; border: none; background: $surface; }
    """

    def __init__(self, found: Sequence[Beginning]) -> None:
        super().__init__()
        self._found = found

    def compose(self) -> ComposeResult:
        """One line each."""
        options: list[Option] = []
        kind = ""
        for index, one in enumerate(self._found):
            if one.kind != kind and one.kind in _HEADS:
                options.append(Option(Text(_HEADS[one.kind], "dim"), disabled=True))
            kind = one.kind
            options.append(Option(_words(one), id=str(index)))
        with Vertical(classes="dialog") as box:
            box.border_title = "Begin a recipe from"
            box.border_subtitle = "enter takes, escape leaves"
            yield OptionList(*options, markup=False, compact=True)

    def on_mount(self) -> None:
        """Choose at once."""
        self.query_one(OptionList).focus()

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._found[int(event.option_id or 0)])


def _words(one: Beginning) -> Text:
    match one.kind:
        case "empty":
            words = Text.assemble("nothing, for ", line(one.name, "bold")) if one.name else Text("nothing")
        case "run":
            words = Text.assemble("run ", line(one.name, "bold"), ", once more")
        case "file":
            words = Text("a file ...", "bold")
        case _:
            words = line(one.name, "bold")
    return Text.assemble("  ", words, "  ", line(one.about, "dim"), no_wrap=True, overflow="ellipsis")
