"""The dialog for one column: its kind, and the fields that kind has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Select, Static

from localsynth.core.columns import KINDS
from localsynth.core.schema import Schema
from localsynth.tui.plain import line

from .converting import column_class, converted
from .draft import column_data, with_column
from .editor import EditDialog
from .fields import Field, column_fields
from .form import Form
from .reshaping import renamed
from .words import declared

if TYPE_CHECKING:
    from localsynth.workspace.schemas import ColumnProfile

__all__ = ["ColumnDialog"]

_ABOUT = {
    "integer": "whole numbers",
    "float": "numbers with decimals",
    "boolean": "true or false",
    "categorical": "one of a list",
    "date": "days",
    "datetime": "days with the time, in minutes",
    "text": "free text on one line",
    "identifier": "a name for each row, made by code",
}


class ColumnDialog(EditDialog):
    """Changes the column at a place. found : how its values are distributed, where that is known. new : it was just added."""

    HELP = (
        EditDialog.HELP
        + """
Another **kind** takes over what it can, and proposes the rest from the values that occur. Whether the real rows fit is
tried as you type: columns that they do not fit are not saved. A **name** can be changed only where there are no rows; rules,
dependencies and examples that name the column take the new one.
"""
    )
    DEFAULT_CSS = """
    ColumnDialog #kind-row { height: auto; margin-bottom: 1; }
    ColumnDialog #kind-row > Static { width: 18; }
    ColumnDialog #kind { width: 1fr; }
    ColumnDialog.-narrow #kind-row { margin-bottom: 0; }
    ColumnDialog.-narrow #kind-row > Static { width: 15; }
    """

    def __init__(
        self,
        dataset: str,
        schema: Schema,
        at: int,
        found: ColumnProfile | None,
        rows: int,
        *,
        new: bool = False,
    ) -> None:
        super().__init__(dataset, schema)
        self._new = new
        self.column, self._at, self._found, self._rows = schema.columns[at], at, found, rows
        self._data = column_data(self.column)
        self.about = f"column '{self.column.name}': "

    def heading(self) -> Text:
        """Its name."""
        return (
            Text("New column") if self._new else Text.assemble("Column ", line(self.column.name, "bold", 50))
        )

    def fields(self) -> ComposeResult:
        """The kind, then its form."""
        with Horizontal(id="kind-row"):
            yield Static("kind")
            options = [(line(f"{kind}: {_ABOUT[kind]}"), kind) for kind in KINDS]
            yield Select(options, value=self.column.kind, allow_blank=False, compact=True, id="kind")
        yield self._form()
        if self.column.distribution is not None:
            yield Static(line(f"declared: {declared(self.column.distribution)}"), classes="hint")

    def _form(self) -> Form:
        name = () if self._rows else (Field("name", "text"),)
        return Form((*name, *column_fields(column_class(self._data["kind"]))), self._data)

    @on(Select.Changed, "#kind")
    async def _kind(self, event: Select.Changed) -> None:
        event.stop()
        kind = str(event.value)
        if kind == self._data["kind"]:
            return
        same = kind == self.column.kind
        self._data = column_data(self.column) if same else converted(self.column, kind, self._found)
        form = self._form()
        with self.app.batch_update():
            await self.query_one(Form).remove()
            await self.query_one(".dialog").mount(form, after="#kind-row")
        self.judge()

    def made(self) -> Schema:
        """The schema with this column as the form has it."""
        data: dict[str, Any] = {"name": self.column.name, "kind": self._data["kind"]}
        if "distribution" in self._data:
            data["distribution"] = self._data["distribution"]
        typed = self.query_one(Form).data()
        schema = self.schema if self._rows else renamed(self.schema, self._at, typed.get("name", ""))
        return with_column(schema, self._at, data | typed)

    def typed(self) -> Any:
        """The kind counts, too."""
        return self._data["kind"], super().typed()

    async def asked(self, schema: Schema) -> tuple[str, bool]:
        """Whether the real rows fit."""
        if not self._rows:
            return "", True
        column = schema.columns[self._at]

        def question(ws: Any) -> dict[str, str]:
            from localsynth.workspace.schemas import misfits

            return misfits(ws, self.dataset, [column])

        wrong = (await self.ui.ask(question)).get(column.name)
        if wrong is None:
            return f"the {self._rows:,} real rows fit", True
        return f"! {line(wrong).plain}", False
