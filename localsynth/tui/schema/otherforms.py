"""The dialogs for a rule, a dependency, and what is said of the table as a whole."""

from __future__ import annotations

from typing import Any

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.widgets import Select, Static

from localsynth.core.errors import SchemaError
from localsynth.core.schema import Dependency, Schema
from localsynth.core.words import counted
from localsynth.tui.plain import line
from localsynth.tui.sql.completion import quoted

from .checklist import CheckList
from .draft import with_item, with_table
from .editor import EditDialog
from .fields import Field
from .form import Form

__all__ = ["DependencyDialog", "RuleDialog", "TableDialog"]


def breaks(broken: int, rows: int, held: str, broke: str) -> str:
    """``all 333 train rows keep it``, ``3 of 333 train rows break it``."""
    return f"{broken:,} of {rows:,} train rows {broke}" if broken else f"all {rows:,} train rows {held}"


class RuleDialog(EditDialog):
    """Changes the rule at a place, or adds one where that is ``None``."""

    HELP = (
        EditDialog.HELP
        + """
A **rule** is one SQL condition over the columns of a row, such as `diastolic_bp < systolic_bp`. A row keeps it where it
is true or NULL. Names with capitals, blanks or signs stand in double quotes, texts in single ones.
"""
    )
    DEFAULT_CSS = """
    RuleDialog .dialog { height: 20; }
    """
    _FIELDS = (
        Field("check", "paragraph", "condition"),
        Field("name", "text", hint="short, for reports; may be empty"),
        Field("description", "text", hint="why it holds; may be empty"),
    )

    def __init__(self, dataset: str, schema: Schema, at: int | None) -> None:
        super().__init__(dataset, schema)
        self._at = at
        self._place = len(schema.rules) if at is None else at

    def heading(self) -> Text:
        """Whether it is a new one."""
        return Text("New rule" if self._at is None else "Rule")

    def fields(self) -> ComposeResult:
        """A condition and its name, and the columns it may speak of."""
        data = {} if self._at is None else self.schema.rules[self._at].model_dump()
        yield Form(self._FIELDS, data)
        yield Static(line("columns: " + ", ".join(map(quoted, self.schema.names))), classes="hint")

    def made(self) -> Schema:
        """The schema with the rule as the form has it."""
        data = self.query_one(Form).data()
        if not data.get("check"):
            raise SchemaError("the condition is empty", "such as: diastolic_bp < systolic_bp")
        return with_item(self.schema, "rules", self._at, data)

    async def asked(self, schema: Schema) -> tuple[str, bool]:
        """Whether DuckDB understands it, and how many rows break it."""
        alone = schema.model_copy(update={"rules": (schema.rules[self._place],)})

        def question(ws: Any) -> tuple[int, tuple[int | str, ...]]:
            from localsynth.workspace.schemas import rule_breaks

            return rule_breaks(ws, self.dataset, alone)

        rows, (found,) = await self.ui.ask(question)
        if isinstance(found, str):
            return f"! {line(found).plain}", False
        return (breaks(found, rows, "keep it", "break it") if rows else "it can be used"), not found


class DependencyDialog(EditDialog):
    """Changes the dependency at a place, or adds one where that is ``None``."""

    HELP = (
        EditDialog.HELP
        + """
A **dependency** says that rows alike in all columns you mark are alike in another one too: who has the same state has the
same bird. Space marks a column. Made rows keep it without exception.
"""
    )
    DEFAULT_CSS = """
    DependencyDialog #dependent { margin-bottom: 1; }
    """

    def __init__(self, dataset: str, schema: Schema, at: int | None) -> None:
        super().__init__(dataset, schema)
        self._at = at
        self._place = len(schema.dependencies) if at is None else at

    def heading(self) -> Text:
        """Whether it is a new one."""
        return Text("New dependency" if self._at is None else "Dependency")

    def fields(self) -> ComposeResult:
        """Columns to mark, and one to choose."""
        known: Dependency | None = None if self._at is None else self.schema.dependencies[self._at]
        names = self.schema.names
        marked = known.determinant if known is not None else ()
        yield Static("rows alike in the columns marked here (space):", classes="hint")
        yield CheckList([(line(name), name) for name in names], [names.index(one) for one in marked])
        yield Static("are alike in this one:", classes="hint")
        options = [(line(name), name) for name in names]
        chosen = known.dependent if known is not None else names[-1]
        yield Select(options, value=chosen, allow_blank=False, compact=True, id="dependent")

    def on_mount(self) -> None:
        """Columns can be marked at once."""
        self.query_one(CheckList).focus()

    @on(CheckList.Changed)
    @on(Select.Changed)
    def _chosen(self) -> None:
        self.judge()

    def made(self) -> Schema:
        """The schema with the dependency as it is marked."""
        left = self.query_one(CheckList).marked
        if not left:
            raise SchemaError("no column is marked", "space marks the one the mark bar is on")
        data = {"determinant": list(left), "dependent": self.query_one("#dependent", Select).value}
        return with_item(self.schema, "dependencies", self._at, data)

    def typed(self) -> Any:
        """What is marked and chosen."""
        return self.query_one(CheckList).marked, self.query_one("#dependent", Select).value

    async def asked(self, schema: Schema) -> tuple[str, bool]:
        """How many rows break it."""
        one = schema.dependencies[self._place]

        def question(ws: Any) -> tuple[int, int] | None:
            from localsynth.workspace.schemas import dependency_breaks

            return dependency_breaks(ws, self.dataset, one)

        found = await self.ui.ask(question)
        if found is None:
            return "", True
        return breaks(*found, "keep it", "break it"), not found[0]


class TableDialog(EditDialog):
    """What is said of the table as a whole."""

    HELP = (
        EditDialog.HELP
        + """
**Target** is the column people want to predict. **Checked** says that a person has looked at every range and category, which a
privacy budget needs: those of an inferred schema were read off the rows.
"""
    )

    DEFAULT_CSS = """
    TableDialog .dialog { height: 22; }
    """

    def heading(self) -> Text:
        """What it is about."""
        return Text.assemble("Table ", line(self.dataset, "bold", 50))

    def fields(self) -> ComposeResult:
        """One form."""
        choices = (("none", ""), *((name, name) for name in self.schema.names))
        wanted = (
            Field("description", "paragraph"),
            Field("population", "paragraph"),
            Field("target", "choice", choices=choices),
            Field("checked", "flag", "checked by a person"),
        )
        data = {name: getattr(self.schema, name) for name in ("description", "population", "target")}
        yield Form(wanted, {**data, "checked": not self.schema.inferred})
        if self.schema.examples:
            many = counted(len(self.schema.examples), "invented example row")
            yield Static(f"{many}: to be edited in the file (e)", classes="hint")

    def made(self) -> Schema:
        """The schema with what the form has."""
        data = self.query_one(Form).data()
        whole = {"description": "", "population": "", "target": None, **data}
        return with_table(self.schema, inferred=not whole.pop("checked"), **whole)
