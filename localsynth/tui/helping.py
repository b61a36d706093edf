"""F1: what has the focus, what it is for, and every key that works just now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import ScrollableContainer, VerticalScroll
from textual.dom import DOMNode
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import (
    Button,
    Checkbox,
    DataTable,
    Input,
    Markdown,
    OptionList,
    RadioSet,
    Select,
    SelectionList,
    Static,
    Switch,
    Tabs,
    TextArea,
    Tree,
)

__all__ = ["Help", "HelpDialog", "help_of"]

#: What any widget of a kind is for and which keys it has of its own; the first that fits counts.
_KINDS: tuple[tuple[type[Widget], str], ...] = (
    (
        Input,
        (
            "**A field.** Type; Left, Right, Home and End move, with Ctrl by words, with Shift they mark. Ctrl+X, Ctrl+C and"
            " Ctrl+V cut, copy and paste, Ctrl+U and Ctrl+K delete to the beginning and to the end, Enter is done."
        ),
    ),
    (
        TextArea,
        (
            "**A text.** Type; the arrows move, with Ctrl by words, with Shift they mark. Ctrl+Z undoes and Ctrl+Y does"
            " again, Ctrl+X, Ctrl+C and Ctrl+V cut, copy and paste."
        ),
    ),
    (
        Select,
        "**A choice.** Enter or Space opens the list, the arrows move in it, Enter takes, Escape closes it.",
    ),
    (SelectionList, "**A list of marks.** The arrows move, Space or Enter marks one or takes the mark away."),
    (
        OptionList,
        "**A list.** The arrows, Page Up, Page Down, Home and End move, Enter takes what is marked.",
    ),
    (Tree, "**A tree.** Up and Down move, Space opens and closes a branch, Enter takes what is marked."),
    (
        DataTable,
        "**A table.** The arrows, Page Up, Page Down, Home and End move, Enter takes what is marked.",
    ),
    (Button, "**A button.** Enter presses it, Tab goes on to the next thing."),
    (Checkbox, "**A mark.** Space or Enter sets it and takes it away."),
    (Switch, "**A switch.** Space or Enter turns it on and off."),
    (RadioSet, "**One of several.** The arrows move, Space or Enter takes."),
    (Tabs, "**Tabs.** Left and Right go from one to the next."),
    (ScrollableContainer, "The arrows, Page Up, Page Down, Home and End scroll."),
)


@dataclass(frozen=True)
class Help:
    """texts : Markdown, the nearest first. keys : (key, what it does), the nearest first."""

    texts: tuple[str, ...]
    keys: tuple[tuple[str, str], ...]


def help_of(screen: Screen[object]) -> Help:
    """What there is to say about the focused widget, those round it, and the screen."""
    nodes = screen.focused.ancestors_with_self if screen.focused is not None else [screen]
    texts = [text.strip() for node in nodes if (text := _text_of(node))]
    keys: dict[tuple[str, str], list[str]] = {}
    # Ours have ids; those of Textual's own widgets, to scroll and the like, come after them.
    for active in sorted(screen.active_bindings.values(), key=lambda one: one.binding.id is None):
        binding = active.binding
        if active.enabled and binding.description:
            shown = screen.app.get_key_display(binding)
            keys.setdefault((binding.action, binding.description), []).append(shown)
    return Help(
        tuple(dict.fromkeys(texts)),
        tuple((" ".join(dict.fromkeys(names)), does) for (_, does), names in keys.items()),
    )


def _text_of(node: DOMNode) -> str | None:
    """Its own help, or else what there is to say about any widget of its kind."""
    own: str | None = getattr(node, "HELP", None)
    return own or next((text for kind, text in _KINDS if isinstance(node, kind)), None)


class HelpDialog(ModalScreen[None]):
    """Shown until a key is pressed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark", "dismiss(None)", "Close", id="help.close"),
    ]

    def __init__(self, found: Help) -> None:
        super().__init__()
        self._found = found

    def compose(self) -> ComposeResult:
        """Texts, then keys."""
        with VerticalScroll(classes="dialog -large") as box:
            box.border_title = "Help"
            box.border_subtitle = "escape closes"
            for text in self._found.texts:
                yield Markdown(text, open_links=False)
            table = Table.grid(padding=(0, 2))
            for key, does in self._found.keys:
                table.add_row(Text(key, "bold"), Text(does))
            yield Static(table)
            yield Static(
                Text(
                    "\nOther keys: [keys] in ui.toml; F9 says where it is and what the actions are called.",
                    "dim",
                )
            )

    def on_mount(self) -> None:
        """Arrow keys scroll it."""
        self.query_one(VerticalScroll).focus()
