"""One line of the form: a key, its value, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Input, Select, Static

from localsynth.core.errors import Problem
from localsynth.tui.plain import clipped, line, one_line

from .fields import Field, Kind
from .sections import Choice

__all__ = ["FieldRow", "Tick", "Written"]


class Tick(Widget, can_focus=True):
    """Yes or no, legible without colours."""

    HELP = "Space or Enter changes yes to no and back; so does a click."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,enter", "turn", "Change", id="tick.turn"),
    ]
    DEFAULT_CSS = "Tick { width: 25; height: 1; padding: 0 1; } Tick:focus { text-style: reverse; }"
    ALLOW_SELECT = False
    value: reactive[bool] = reactive(False)

    class Changed(Message):
        """It was changed by a person."""

        def __init__(self, tick: Tick) -> None:
            super().__init__()
            self.tick = tick

    def __init__(self, value: bool) -> None:
        super().__init__()
        self.set_reactive(Tick.value, value)

    def render(self) -> Text:
        """A box, and the word."""
        return Text("[x] yes" if self.value else "[ ] no", no_wrap=True)

    def action_turn(self) -> None:
        """The other value."""
        self.value = not self.value
        self.post_message(self.Changed(self))

    def on_click(self, event: events.Click) -> None:
        """As the keys do."""
        event.stop()
        self.focus()
        self.action_turn()


class Written(Widget, can_focus=True):
    """A value that is written as TOML, or chosen in a dialog of its own."""

    HELP = "Enter, or a click, opens the value to be written."
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter,space", "open", "Write", id="written.open")]
    DEFAULT_CSS = """
    Written { width: 25; height: 1; padding: 0 1; }
    Written.-small { width: 16; }
    Written:focus { text-style: reverse; }
    """
    ALLOW_SELECT = False

    class Opened(Message):
        """A person wants to write it."""

    def __init__(self, words: str, *, classes: str = "") -> None:
        super().__init__(classes=classes)
        self._words = words

    def say(self, words: str) -> None:
        """What is written, in a few words."""
        self._words = words
        self.refresh()

    def render(self) -> Text:
        """A button, as text."""
        return line(f"[ {self._words} ... ]", cells=24)

    def action_open(self) -> None:
        """Ask for it."""
        self.post_message(self.Opened())

    def on_click(self, event: events.Click) -> None:
        """As the keys do."""
        event.stop()
        self.focus()
        self.action_open()


class _Fault(Static):
    DEFAULT_CSS = "_Fault { height: auto; padding-left: 22; color: $text-error; }"


class FieldRow(Horizontal):
    """A key of the recipe with its value. A form has many of them: each is as few widgets as can be."""

    DEFAULT_CSS = """
    FieldRow { height: 1; }
    FieldRow .key { width: 22; height: 1; }
    FieldRow .usual { width: 1fr; height: 1; color: $text-muted; padding-left: 1; }
    FieldRow Input { width: 25; background: $panel; }
    FieldRow Select { width: 25; }
    FieldRow SelectOverlay { min-width: 40; }
    FieldRow SelectCurrent #label { text-wrap: nowrap; text-overflow: ellipsis; }
    FieldRow.-broad Input, FieldRow.-broad Select { width: 1fr; }
    FieldRow:focus-within .key { text-style: bold; color: $text-accent; }
    """

    class Edited(Message):
        """A person gave a value."""

        def __init__(self, row: FieldRow, value: Any) -> None:
            super().__init__()
            self.row, self.value = row, value

    class Opened(Message):
        """A person wants to write the value in a dialog; of a PATH, to choose a file."""

        def __init__(self, row: FieldRow) -> None:
            super().__init__()
            self.row = row

    def __init__(self, field: Field, value: Any, choices: Sequence[Choice]) -> None:
        super().__init__(classes="-broad" if _broad(field) else "")
        self.field, self.value, self.choices = field, value, choices
        self._fault: Static | None = None

    def compose(self) -> ComposeResult:
        """Key, value, what is usual."""
        yield Static(self._key(written=self.value is not None), classes="key")
        editor = self._editor()
        editor.add_class("field-editor")
        yield editor
        if self.field.kind is Kind.PATH:
            yield Written("choose", classes="-small")
        if (usual := self._usual()) and not self.has_class("-broad"):
            yield Static(line(usual), classes="usual")

    def _key(self, *, written: bool) -> Text:
        mark = "*" if written and not self.field.written else " "
        return Text.assemble(f"{mark} ", line(self.field.label or self.field.key, cells=19), no_wrap=True)

    def _usual(self) -> str:
        # An empty field shows its default itself.
        return f"default {self.field.usually}" if self.field.kind is Kind.SWITCH else self.field.bounds

    def _editor(self) -> Widget:
        field, value = self.field, self.value
        match field.kind:
            case Kind.CHOICE:
                present = value if isinstance(value, str) else field.default or ""
                return Select(
                    [(_one_line(one.words), one.value) for one in self.choices],
                    value=present if present in {one.value for one in self.choices} else Select.NULL,
                    allow_blank=present not in {one.value for one in self.choices},
                    prompt="choose",
                    compact=True,
                )
            case Kind.SWITCH if value is None or isinstance(value, bool):
                return Tick(bool(field.default if value is None else value))
            case Kind.TOML:
                return Written(_summary(value))
            case _ if not self._typed(value):
                return Written(_summary(value))
            case _:
                return Input(field.shown(value), placeholder=one_line(field.usually), compact=True)

    def _typed(self, value: Any) -> bool:
        """Whether a line can hold the value as it is."""
        return self.field.shown(value).isprintable() and not isinstance(value, dict)

    # --- what a person does ------------------------------------------------------------------------------------------

    @on(Input.Changed)
    def _typed_in(self, event: Input.Changed) -> None:
        event.stop()
        self._take(self.field.parsed(event.value))

    @on(Select.Changed)
    def _chosen(self, event: Select.Changed) -> None:
        event.stop()
        # It also tells what it was made with.
        present = self.value if self.value is not None else self.field.default or ""
        if event.value is not Select.NULL and event.value != present:
            self._take(str(event.value) or None)

    @on(Tick.Changed)
    def _ticked(self, event: Tick.Changed) -> None:
        event.stop()
        self._take(event.tick.value)

    @on(Written.Opened)
    def _opened(self, event: Written.Opened) -> None:
        event.stop()
        self.post_message(self.Opened(self))

    def _take(self, value: Any) -> None:
        if value == self.value and type(value) is type(self.value):
            return
        self.value = value
        self.post_message(self.Edited(self, value))

    # --- what is shown -----------------------------------------------------------------------------------------------

    def show(self, value: Any) -> None:
        """A value that came from elsewhere."""
        self.value = value
        for one in self.query(Input):
            with one.prevent(Input.Changed):
                one.value = self.field.shown(value)
        for box in self.query(Tick):
            box.value = bool(self.field.default if value is None else value)
        for written in self.query(Written):
            if not written.has_class("-small"):
                written.say(_summary(value))
        for select in self.query(Select):
            present = value if isinstance(value, str) else self.field.default or ""
            with select.prevent(Select.Changed):
                select.value = present
        self.mark(written=value is not None)

    def mark(self, *, written: bool) -> None:
        """Whether it stands in the file, other than by default."""
        self.query_one(".key", Static).update(self._key(written=written))

    def tell(self, problem: Problem | None) -> None:
        """What is wrong with it, on lines of its own below."""
        self.set_class(problem is not None, "-wrong")
        if problem is None:
            if self._fault is not None:
                self._fault.remove()
                self._fault = None
            return
        said = f"! {one_line(problem.message)}" + (f" ({one_line(problem.hint)})" if problem.hint else "")
        words = Text(clipped(said, 400))
        if self._fault is None and isinstance(self.parent, Widget):
            self._fault = _Fault(words)
            self.parent.mount(self._fault, after=self)
        elif self._fault is not None:
            self._fault.update(words)


def _broad(field: Field) -> bool:
    return field.place[0] in {"where", "title"} or field.place in {
        ("dataset", "name"),
        ("dataset", "target"),
        ("dataset", "source"),
        ("dataset", "schema"),
        ("dataset", "statistics"),
        ("model", "name"),
    }


def _summary(value: Any) -> str:
    if value is None or value in ({}, []):
        return "not set"
    if isinstance(value, dict | list):
        return f"{len(value):,} set" if value else "not set"
    return one_line(value)


def _one_line(words: Text) -> Text:
    words.no_wrap, words.overflow = True, "ellipsis"
    return words
