"""The editor of SQL: a text area with colours and completion."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import events, on
from textual.binding import Binding, BindingType
from textual.widgets import TextArea

from .catalogue import Catalogue
from .colours import THEME, Grammar, editor_theme
from .completion import Choice, complete
from .popup import Popup
from .statements import statement_at

if TYPE_CHECKING:
    from textual.document._document import Location

__all__ = ["Editor"]

_LETTERS = 2  # so many bring the choices
_LARGE = 50_000  # characters; choices come only when asked for in a longer text
# Characters that would steer the terminal or turn the direction of what follows; each is shown as one sign.
_UNSHOWN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_MOVES = {"up": -1, "down": 1, "pageup": -8, "pagedown": 8}


class Editor(TextArea):
    """Where queries are written. :attr:`catalogue` is what completion knows."""

    HELP = """\
Write one or more statements, with `;` between them; Ctrl+R runs the one the cursor is in, or what is selected.
Completion comes after two letters, after a dot, or with Ctrl+Space: the arrows choose, Tab or Enter takes, Escape closes.
Ctrl+Z undoes, Ctrl+Y does again. Tab goes to the result.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+space,ctrl+@", "complete", "Complete", id="sql.complete", show=False),
    ]
    DEFAULT_CSS = """
    Editor { border: none; padding: 0; background: $background; height: 1fr; }
    Editor:focus { border: none; }
    """

    def __init__(self) -> None:
        super().__init__(
            id="editor",
            soft_wrap=False,
            show_line_numbers=True,
            tab_behavior="focus",
            placeholder="Write SQL here; Ctrl+R runs it. Or choose an example below.",
        )
        self.catalogue = Catalogue()
        self._typed = False

    def on_mount(self) -> None:
        """Colours of the UI's theme."""
        self.watch(self.app, "theme", self._recolour)

    def colour(self, grammar: Grammar | None) -> None:
        """Show the parts of SQL in colours from now on; without a grammar it stays plain."""
        if grammar is None:
            return
        self.register_language("sql", grammar.language, grammar.query)
        place = self.cursor_location
        self.language = "sql"
        self.move_cursor(place)

    def _recolour(self) -> None:
        self.register_theme(editor_theme(self.app.theme_variables))
        self.theme = THEME
        self._set_theme(THEME)

    def get_line(self, line_index: int) -> Text:
        """A line as it is shown: what could steer the terminal is a sign of one cell."""
        return Text(_UNSHOWN.sub("�", self.document.get_line(line_index)), end="", no_wrap=True)

    # --- what is under the cursor ------------------------------------------------------------------------------------

    @property
    def offset_in_text(self) -> int:
        """How many characters are before the cursor."""
        return self._offset(self.cursor_location)

    def _offset(self, place: Location) -> int:
        row, column = place
        newline = len(self.document.newline)
        return sum(len(one) + newline for one in self.document.lines[:row]) + column

    def _place(self, offset: int) -> Location:
        before = self.text[:offset].split(self.document.newline)
        return len(before) - 1, len(before[-1])

    def under_cursor(self) -> tuple[str, int] | None:
        """What is to be run, and the number of its first line, from 0: what is selected, or the statement at the cursor."""
        if self.selected_text.strip():
            return self.selected_text, min(self.selection)[0]
        found = statement_at(self.text, self.offset_in_text)
        if found is None:
            return None
        return self.text[found.start : found.end], self._place(found.start)[0]

    def load_text(self, text: str) -> None:
        """Another text in place of all there is; the cursor is behind it."""
        self._typed = False
        super().load_text(text)
        self.move_cursor(self.document.end)

    # --- completion --------------------------------------------------------------------------------------------------

    @property
    def popup(self) -> Popup:
        """The list under the cursor."""
        return self.screen.query_one(Popup)

    async def on_key(self, event: events.Key) -> None:
        """Keys that are for the list of choices while it is open."""
        popup = self.popup
        if popup.is_open:
            if event.key in _MOVES:
                popup.move(_MOVES[event.key])
            elif event.key in {"tab", "enter"} and popup.choice is not None:
                self.take(popup.choice)
            else:
                self._typed = event.is_printable or event.key == "backspace"
                return
            event.stop()
            event.prevent_default()
        else:
            self._typed = event.is_printable

    @on(TextArea.Changed)
    def _text_changed(self) -> None:
        if self._typed and len(self.text) <= _LARGE:
            self._offer(asked=False)
        else:
            self.popup.close()

    @on(TextArea.SelectionChanged)
    def _cursor_moved(self) -> None:
        if not self._typed:
            self.popup.close()

    def on_mouse_down(self) -> None:
        """What follows is no typing."""
        self._typed = False

    def on_blur(self) -> None:
        """Choices are for who is typing."""
        self.popup.close()

    def action_complete(self) -> None:
        """Show the choices, whatever is typed."""
        self._offer(asked=True)

    def _offer(self, *, asked: bool) -> None:
        popup, text, offset = self.popup, self.text, self.offset_in_text
        found = complete(text, offset, self.catalogue)
        if found is not None and not asked:
            typed = found.typed.lower()
            dot = text[found.start - 1 : found.start] == "."
            enough = len(typed) >= _LETTERS or dot or (popup.is_open and typed)
            if not enough or any(one.name.lower() == typed for one in found.choices):
                found = None
        if found is None:
            popup.close()
            if asked:
                self.notify("nothing fits here", markup=False)
        else:
            popup.offer(found, self.cursor_screen_offset)

    def take(self, choice: Choice) -> None:
        """Put a choice in place of what is typed."""
        found = self.popup.completion
        if found is None:
            return
        self.popup.close()
        self._typed = False
        self.replace(choice.text, self._place(found.start), self._place(found.end))
        self.move_cursor(self._place(found.start + len(choice.text)))
