"""One cell of a table, whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from localsynth.core.errors import LocalsynthError
from localsynth.tui.clipboard import copy
from localsynth.tui.dialogs import ErrorDialog
from localsynth.tui.paths import PathDialog
from localsynth.tui.plain import clipped, one_line, paragraph
from localsynth.workspace.files import save_text

if TYPE_CHECKING:
    from localsynth.tui.app import LocalsynthApp
    from localsynth.workspace import Workspace

__all__ = ["CellDialog"]

_SHOWN = 10_000  # a longer text takes a screen too long to lay out


class CellDialog(ModalScreen[None]):
    """Shows a text until Escape.

    about : a few words on where it is. text : what is copied and saved. shown : how it is read best. meaning : what is known of
    its column, above it. left : tells the audit log of the file that it was saved to.
    """

    HELP = "The whole cell. The arrows scroll, `c` copies it, `s` writes it to a file, Escape closes."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss(None)", "Close", id="cell.close"),
        Binding("c", "copy", "Copy", id="cell.copy"),
        Binding("s", "save", "Save to a file", id="cell.save"),
    ]

    def __init__(
        self,
        name: str,
        about: str,
        text: str,
        shown: str,
        *,
        left: Callable[[Workspace, Path], None],
        meaning: str = "",
    ) -> None:
        super().__init__()
        self._column, self._about, self._text, self._text_shown = name, about, text, shown
        self._left, self._meaning = left, meaning

    def compose(self) -> ComposeResult:
        """The text; of a very long one its beginning."""
        with VerticalScroll(classes="dialog -large") as box:
            box.border_title = Content(clipped(one_line(self._column), 60))
            box.border_subtitle = Content(f"{self._about}; c copies, s saves, escape closes")
            if self._meaning:
                yield Static(paragraph(self._meaning + "\n"), markup=False, classes="hint")
            yield Static(paragraph(self._text_shown[:_SHOWN]), markup=False)
            if len(self._text_shown) > _SHOWN:
                yield Static(
                    f"\nthe first {_SHOWN:,} of {len(self._text_shown):,} characters; s saves all",
                    markup=False,
                    classes="hint",
                )

    def on_mount(self) -> None:
        """Arrow keys scroll it."""
        self.query_one(VerticalScroll).focus()

    def action_copy(self) -> None:
        """The whole text into the terminal's clipboard."""
        copy(self.app, self._text, "s saves it")

    @work
    async def action_save(self) -> None:
        """The whole text into a file."""
        path: Path | None = await self.app.push_screen_wait(
            PathDialog("Save the cell to", "cell.txt", must_exist=False, save=True)
        )
        if path is None:
            return
        text, left = self._text, self._left
        try:
            await cast("LocalsynthApp", self.app).ask(
                lambda space: left(space, save_text(text, path, overwrite=True))
            )
        except LocalsynthError as error:
            self.app.push_screen(ErrorDialog(error))
            return
        self.notify(f"saved to {one_line(path)}", markup=False)
