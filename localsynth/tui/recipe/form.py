"""The form: every field of a draft in sections, and what the one with the focus is for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import ClassVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.css.query import NoMatches
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from localsynth.core.errors import Problem
from localsynth.tui.paths import PathDialog
from localsynth.tui.plain import line, one_line

from .draft import Draft
from .fields import Field, Kind
from .files import folder_of
from .rows import FieldRow
from .sections import Facts, Section, sections
from .writing import field_dialog, only

__all__ = ["Form"]

_HINT = "Tab goes to the fields; here is said what each is for. * marks what differs from the default; d brings that back."
#: What decides which fields there are.
_DECIDING = {("method", "mode"), ("dataset", "name")}


class _Heading(Static):
    DEFAULT_CSS = (
        "_Heading { height: auto; margin-top: 1; text-style: bold; } _Heading.-first { margin-top: 0; }"
    )


class Form(Vertical):
    """Shows a draft and changes it."""

    HELP: ClassVar[str] = """\
Tab and Shift+Tab, or the arrows, go from field to field; what one is for stands below. A `*` marks what differs from the
default: only that is written into the recipe. An empty field means the default. What is wrong is said under the field at once.
"""
    DEFAULT_CSS = """
    Form VerticalScroll { height: 1fr; }
    Form #about { height: 4; border-top: solid $foreground 30%; color: $text-muted; }
    """

    class Changed(Message):
        """The draft was changed. structure : other fields are shown now."""

        def __init__(self, *, structure: bool = False) -> None:
            super().__init__()
            self.structure = structure

    class Built(Message):
        """The fields are there."""

    def __init__(self) -> None:
        super().__init__(id="form", classes="panel part")
        self.draft: Draft | None = None
        self.facts = Facts()
        self.border_title = "Settings"
        self._wanted = False
        self._building: asyncio.Task[None] | None = None

    def compose(self) -> ComposeResult:
        """Fields, and what the present one is for."""
        yield VerticalScroll(can_focus=False)
        yield Static(Text(_HINT), id="about", markup=False)

    def show(self, draft: Draft, facts: Facts) -> None:
        """All fields of a draft, from now on; the one with the focus keeps it. Says :class:`Built` when they are there."""
        self.draft, self.facts = draft, facts
        self.border_title = Content(f"Settings - {one_line(draft.origin)}")
        self._wanted = True
        if not self.busy:
            # No worker: one that is cancelled in the midst of it would cancel the tasks of the widgets it waits for.
            self._building = asyncio.create_task(self._build_all())

    @property
    def busy(self) -> bool:
        """Whether fields are being made."""
        return self._building is not None and not self._building.done()

    async def _build_all(self) -> None:
        with suppress(NoMatches):  # the place is being left
            while self._wanted:
                self._wanted = False
                await self._build()
            self.post_message(self.Built())

    async def _build(self) -> None:
        if self.draft is None:
            return
        focused = self._focused()
        box = self.query_one(VerticalScroll)
        at = box.scroll_y
        await box.remove_children()
        await box.mount_all(_widgets(self.draft, sections(self.draft, self.facts)))
        if focused is not None:
            self.focus_on(focused.field.place)
            box.scroll_to(y=at, animate=False)

    def _focused(self) -> FieldRow | None:
        focused = self.screen.focused
        nodes = focused.ancestors_with_self if focused is not None else []
        return next((one for one in nodes if isinstance(one, FieldRow)), None)

    def rows(self) -> Sequence[FieldRow]:
        """The fields shown."""
        return list(self.query(FieldRow))

    def row(self, place: tuple[str, ...]) -> FieldRow | None:
        """The field of a place, or of the nearest place round it."""
        found = [one for one in self.rows() if place[: len(one.field.place)] == one.field.place]
        return found[0] if found else None

    def focus_on(self, place: tuple[str, ...]) -> bool:
        """Give a field the focus; ``False`` where it is not shown."""
        row = self.row(place)
        if row is None:
            return False
        for editor in row.query(".field-editor"):
            editor.focus()
            return True
        self.call_after_refresh(self.focus_on, place)  # it is being made
        return True

    def tell(self, problems: Mapping[FieldRow, Problem]) -> None:
        """What is wrong, under each field."""
        for row in self.rows():
            row.tell(problems.get(row))

    # --- changes -----------------------------------------------------------------------------------------------------

    @on(FieldRow.Edited)
    def _edited(self, event: FieldRow.Edited) -> None:
        event.stop()
        self.put(event.row.field, event.value)

    @on(FieldRow.Opened)
    def _opened(self, event: FieldRow.Opened) -> None:
        """What has no room in its line is asked for in a dialog."""
        event.stop()
        row, draft = event.row, self.draft
        if draft is None:
            return
        one = row.field

        def heard(value: object) -> None:
            row.show(value)
            self.put(one, value)

        if one.kind is Kind.PATH:
            title, start = f"{one.key} of the table", f"{folder_of(draft)}/"
            self.app.push_screen(
                PathDialog(title, start, one.suffixes),
                lambda path: heard(str(path)) if path is not None else None,
            )
        else:
            self.app.push_screen(
                field_dialog(one, row.value),
                lambda text: heard(only(one, text)) if text is not None else None,
            )

    def put(self, one: Field, value: object) -> None:
        """Write a value into the draft."""
        if self.draft is None:
            return
        self.draft.put(one, value)
        row = self.row(one.place)
        if row is not None:
            row.mark(written=self.draft.get(one.place) is not None)
        self.post_message(self.Changed(structure=one.place in _DECIDING))

    def reset_focused(self) -> bool:
        """The field with the focus gets its default; ``False`` where none has the focus."""
        row = self._focused()
        if row is None:
            return False
        usual = row.field.default if row.field.written else None
        row.show(usual)
        self.put(row.field, usual)
        return True

    # --- the one with the focus --------------------------------------------------------------------------------------

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Say what it is for."""
        row = next((one for one in event.widget.ancestors if isinstance(one, FieldRow)), None)
        if row is not None:
            self.query_one("#about", Static).update(_about(row.field))

    def on_key(self, event: events.Key) -> None:
        """Up and down go from field to field, where the field itself has no use for them."""
        focused = self.screen.focused
        if focused is None or not focused.has_class("field-editor") or event.key not in {"up", "down"}:
            return
        event.stop()
        event.prevent_default()
        if event.key == "down":
            self.screen.focus_next(".field-editor")
        else:
            self.screen.focus_previous(".field-editor")


def _widgets(draft: Draft, found: Sequence[Section]) -> list[Widget]:
    made: list[Widget] = []
    for section in found:
        note = f"   {section.note}" if section.note else ""
        heading = Text.assemble(line(section.title), (note, "dim not bold"))
        made.append(_Heading(heading, classes="-first" if not made else ""))
        made += [
            FieldRow(one, draft.get(one.place), section.choices.get(one.place, ())) for one in section.fields
        ]
    return made


def _about(one: Field) -> Text:
    where = ".".join(one.place)
    usual = f"Default: {one_line(one.usually)}." if not one.written and one.usually != "not set" else ""
    bounds = f"{one.bounds[:1].upper()}{one.bounds[1:]}." if one.bounds else ""
    said = " ".join(filter(None, (one_line(one.about), usual, bounds)))
    return Text.assemble((where, "bold"), "  ", said)
