"""What all dialogs that change a schema share: judged as one types, kept only when it is right, nothing lost by Escape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from localsynth.core.errors import LocalsynthError, Problem, SchemaError
from localsynth.core.schema import Schema
from localsynth.tui.dialogs import ConfirmDialog
from localsynth.tui.plain import line, paragraph

from .form import Form

if TYPE_CHECKING:
    from localsynth.tui.app import LocalsynthApp

__all__ = ["EditDialog"]

_PAUSE_S = 0.3  # after the last key, before the rows are asked


class EditDialog(ModalScreen[Schema | None]):
    """Gives the schema with what was edited, or ``None``.

    Subclasses give ``heading``, ``fields`` and ``made``; where the real rows have something to say to it, ``asked``.
    """

    HELP = """\
What you type is judged at once. Enter (in a field of one line) or Ctrl+J keeps it, Escape leaves it. Nothing is written
into the workspace before you save the whole schema.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+j,ctrl+enter", "keep", "Keep", id="edit.keep", priority=True),
        Binding("escape", "leave", "Leave", id="edit.leave"),
    ]
    DEFAULT_CSS = """
    EditDialog .dialog { height: 90%; max-height: 34; padding: 0 1; }
    EditDialog #said { height: auto; max-height: 6; margin-top: 1; }
    EditDialog .buttons { margin-top: 0; }
    """

    #: How sentences begin that are about what is edited here; a person knows that already.
    about = ""

    def __init__(self, dataset: str, schema: Schema) -> None:
        super().__init__()
        self.dataset, self.schema = dataset, schema
        self._made: Schema | None = None
        self._start: Any = None
        self._pause: Timer | None = None

    # --- for subclasses ----------------------------------------------------------------------------------------------

    def heading(self) -> Text:
        """The title of the dialog."""
        raise NotImplementedError

    def fields(self) -> ComposeResult:
        """The form, and what is above it."""
        raise NotImplementedError

    def made(self) -> Schema:
        """The schema with what is typed. Raises ``SchemaError``."""
        raise NotImplementedError

    def typed(self) -> Any:
        """What is in the fields, to tell whether anybody typed."""
        return [form.data() for form in self.query(Form)]

    async def asked(self, schema: Schema) -> tuple[str, bool]:
        """What the real rows say to it, and whether that is well; empty where they say nothing."""
        return "", True

    def own_fields(self, problems: Sequence[Problem]) -> set[str]:
        """The names of fields that problems are about: the last words of their paths."""
        parts = {part.split("[")[0] for one in problems for part in one.path.split(".")[1:]}
        return parts or {one.path for one in problems}

    # --- the dialog --------------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Fields, what is wrong with them, and two buttons."""
        with Vertical(classes="dialog") as box:
            box.border_title = self.heading()
            box.border_subtitle = "ctrl+j keeps, escape leaves"
            yield from self.fields()
            yield Static(id="said", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("Leave", id="leave", compact=True)
                yield Button("Keep", id="keep", variant="primary", compact=True)

    def on_mount(self) -> None:
        """Judge what is there."""
        first = next((one for one in self.query("Form Input, Form TextArea, TextArea")), None)
        if isinstance(first, Widget):
            first.focus()
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self._start = self.typed()
        self.judge()

    @on(Form.Changed)
    def _changed(self) -> None:
        self.judge()

    def judge(self) -> None:
        """Say what is wrong now, and ask the rows a little later."""
        if self._pause is not None:
            self._pause.stop()
        try:
            self._made = self.made()
        except SchemaError as error:
            self._made = None
            problems = error.problems or (Problem(error.message, error.hint),)
            self._mark(self.own_fields(problems))
            self.tell("\n".join(self._sentence(one) for one in problems), wrong=True)
        else:
            self._mark(set())
            self.tell("" if self._made != self.schema else "nothing is changed yet", wrong=False)
            self._pause = self.set_timer(_PAUSE_S, self._ask_rows)

    def _mark(self, names: set[str]) -> None:
        for form in self.query(Form):
            form.mark(names)

    def tell(self, words: str, *, wrong: bool) -> None:
        """What is wrong, or what the rows say."""
        for said in self.query("#said").results(Static):  # none once the dialog is closed
            said.update(paragraph(words))
            said.set_class(wrong, "wrong")
            said.set_class(not wrong, "hint")

    def _ask_rows(self) -> None:
        if self._made is not None:
            self.run_worker(self._hear(self._made), group="rows", exclusive=True)

    async def _hear(self, schema: Schema) -> None:
        try:
            words, well = await self.asked(schema)
        except LocalsynthError as error:
            words, well = f"! {error.message}", False
        if words and schema == self._made:
            self.tell(words, wrong=not well)

    def _sentence(self, one: Problem) -> str:
        message = one.message.removeprefix(self.about)
        return f"! {line(message).plain}" + (f" ({line(one.hint).plain})" if one.hint else "")

    @property
    def ui(self) -> LocalsynthApp:
        """The app, by its own type."""
        return cast("LocalsynthApp", self.app)

    @on(Button.Pressed, "#keep")
    @on(Input.Submitted)
    def action_keep(self) -> None:
        """Take it into the draft, where it is right."""
        self.judge()
        if self._made is not None:
            self.dismiss(self._made)

    @on(Button.Pressed, "#leave")
    def action_leave(self) -> None:
        """Without a change; asks where something was typed."""
        if self._start is None or self.typed() == self._start:
            self.dismiss(None)
            return

        def heard(agreed: bool | None) -> None:
            if agreed:
                self.dismiss(None)

        self.app.push_screen(ConfirmDialog("Leave what you typed here?", "Leave it"), heard)
