"""A form: one line for each field, and one message when anything in it changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Select, Static, TextArea

from localsynth.report.plaintext import shown
from localsynth.tui.plain import line, one_line

from .fields import Field, categories_of, categories_text, scalar, text_of

__all__ = ["Form"]


class Form(VerticalScroll, can_focus=False):
    """Fields with what is typed into them. ``data`` is what a model can judge; an empty field is left out of it."""

    HELP = "Tab and Shift+Tab go from field to field. What is wrong is said below as you type."
    DEFAULT_CSS = """
    Form { height: 1fr; }
    Form .row { height: auto; margin-bottom: 1; }
    Form .row > Static { width: 18; }
    Form .row.-wrong > Static { color: $text-error; text-style: bold; }
    Form Input { width: 1fr; }
    Form Input.second { margin-left: 1; }
    Form TextArea { width: 1fr; height: 7; }
    Form Input, Form TextArea, Form Select > SelectCurrent { background: $panel; }
    Form TextArea.-paragraph { height: 4; }
    Form Select { width: 1fr; }
    .-narrow Form .row { margin-bottom: 0; }
    .-narrow Form .row > Static { width: 15; }
    """

    class Changed(Message):
        """Something was typed or chosen."""

    def __init__(self, fields: Sequence[Field], data: Mapping[str, Any]) -> None:
        super().__init__()
        self.fields = tuple(fields)
        self._given = dict(data)
        self._shown: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        """A row for each field."""
        for field in self.fields:
            with Horizontal(classes="row", id=f"row-{field.name}"):
                yield Static(line(field.title), markup=False)
                yield from self._inputs(field, self._given.get(field.name))

    def _inputs(self, field: Field, value: Any) -> Iterator[Widget]:
        name = f"field-{field.name}"
        match field.shape:
            case "flag":
                yes_no = [(Text("no"), "no"), (Text("yes"), "yes")]
                yield Select(yes_no, value="yes" if value else "no", allow_blank=False, compact=True, id=name)
            case "choice":
                options = [(line(words), key) for words, key in field.choices]
                yield Select(options, value=value or "", allow_blank=False, compact=True, id=name)
            case "pair":
                low, high = value or ("", "")
                yield _input(text_of(low), "lowest", name)
                yield _input(text_of(high), "highest", f"{name}-2", classes="second")
            case "categories":
                yield TextArea(categories_text(value or {}), id=name, tab_behavior="focus", compact=True)
            case "paragraph":
                text = self._shown[field.name] = shown(value or "")
                yield TextArea(text, id=name, classes="-paragraph", tab_behavior="focus", compact=True)
            case "text":
                text = self._shown[field.name] = one_line(value or "")
                yield _input(text, field.hint, name)
            case _:
                yield _input(text_of(value), field.hint, name)

    def data(self) -> dict[str, Any]:
        """What is typed, as plain data."""
        found = {field.name: self._value(field) for field in self.fields}
        return {name: value for name, value in found.items() if value is not None}

    def _value(self, field: Field) -> Any:
        name = f"#field-{field.name}"
        match field.shape:
            case "flag":
                return self.query_one(name, Select).value == "yes"
            case "choice":
                return str(self.query_one(name, Select).value) or None
            case "pair":
                ends = [self.query_one(f"{name}{end}", Input).value for end in ("", "-2")]
                return [scalar(end) for end in ends] if any(end.strip() for end in ends) else None
            case "categories":
                return categories_of(self.query_one(name, TextArea).text) or None
            case "paragraph":
                return self._text(field, self.query_one(name, TextArea).text)
            case "text":
                return self._text(field, self.query_one(name, Input).value)
            case _:
                typed = self.query_one(name, Input).value
                return scalar(typed) if typed.strip() else None

    def _text(self, field: Field, typed: str) -> str | None:
        """What is typed; what was given where nobody typed, for it may hold what a field cannot show as it is."""
        return (self._given.get(field.name) if typed == self._shown[field.name] else typed.strip()) or None

    def mark(self, names: set[str]) -> None:
        """Let these fields stand out as wrong, and no others."""
        for field in self.fields:
            row = self.query_one(f"#row-{field.name}")
            wrong = field.name in names
            if wrong != row.has_class("-wrong"):
                row.set_class(wrong, "-wrong")
                row.query_one(Static).update(line(f"! {field.title}" if wrong else field.title))

    @on(Input.Changed)
    @on(Select.Changed)
    @on(TextArea.Changed)
    def _typed(self, event: Message) -> None:
        event.stop()
        self.post_message(self.Changed())


def _input(value: str, hint: str, name: str, classes: str = "") -> Input:
    return Input(value, placeholder=hint, compact=True, id=name, classes=classes, select_on_focus=False)
