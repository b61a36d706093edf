"""The place Schema: the columns, rules and dependencies of the chosen dataset; edited as a draft, written when it is saved."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widgets import Input

from localsynth.core.errors import LocalsynthError, SchemaError
from localsynth.core.schema import Schema
from localsynth.core.words import counted
from localsynth.tui.dialogs import ConfirmDialog
from localsynth.tui.schema.columntable import ColumnTable
from localsynth.tui.schema.draft import Draft, with_item
from localsynth.tui.schema.drafting import DraftScreen
from localsynth.tui.schema.items import ItemList
from localsynth.tui.schema.reshaping import added, moved, removed

if TYPE_CHECKING:
    from localsynth.core.finding import Found
    from localsynth.workspace import Workspace

__all__ = ["SchemaScreen"]

_EDITS = frozenset({
    "save", "edit_file", "new_rule", "new_dependency", "describe", "policy", "undo", "redo", "drop",
})  # fmt: skip


class SchemaScreen(DraftScreen):
    """What the chosen dataset is: looked at, edited, saved."""

    HELP = """\
**Schema**: what the columns of the chosen dataset are, and what its rows keep. Enter edits what the mark bar is on, `n` writes
a rule, `d` a dependency, `g` looks for both in the train rows, `e` opens all of it as a file in your editor. On the columns,
`a` adds one, Delete removes one, Shift with an arrow moves one.

Changes are a draft: nothing is written before `w` saves it, and a schema that the real rows do not fit is refused. `u` undoes
one step, `k` drops the draft. A draft is kept when you go elsewhere, and when the UI closes.
"""
    WRITES: ClassVar[frozenset[str]] = _EDITS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w,ctrl+w", "save", "Save", id="schema.save"),
        Binding("u", "undo", "Undo", id="schema.undo"),
        Binding(
            "e", "edit_file", "Editor", id="schema.file", tooltip="Edit the schema as a TOML file in $EDITOR"
        ),
        Binding(
            "g", "suggest", "Suggest", id="schema.suggest", tooltip="Dependencies and rules found in the rows"
        ),
        Binding("n", "new_rule", "Rule", id="schema.rule", tooltip="Write a new rule"),
        Binding("d", "new_dependency", "Dependency", id="schema.dependency", show=False),
        Binding("t", "describe", "Describe the table, target", id="schema.table", show=False),
        Binding("p", "policy", "What a model may see", id="schema.policy", show=False),
        Binding("o", "order", "Order of the columns", id="schema.order", show=False),
        Binding("x", "export", "Export the schema", id="schema.export", show=False),
        Binding("r", "redo", "Redo", id="schema.redo", show=False),
        Binding("k", "drop", "Drop unsaved changes", id="schema.drop", show=False),
        Binding("slash", "find", "Find a column", id="schema.find", show=False),
        Binding("escape", "close_find", "Close the search", id="schema.close-find", show=False),
    ]

    _saving = False

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What there is nothing for is shown dimmed."""
        draft = self.draft
        able = {
            "save": draft is not None and draft.changed,
            "drop": draft is not None and draft.changed,
            "undo": draft is not None and draft.can_undo,
            "redo": draft is not None and draft.can_redo,
        }
        if super().check_action(action, parameters) is False:
            return False
        if action in {*_EDITS, "suggest", "order", "export", "find"} and draft is None:
            return None
        return True if able.get(action, True) else None

    # --- edits -------------------------------------------------------------------------------------------------------

    def _edited(self, schema: Schema | None) -> None:
        """A dialog gave another schema."""
        if schema is not None and self.draft is not None:
            self.draft.change(schema)
            self.drafted()

    def _may_edit(self) -> Draft | None:
        if self.ui.read_only:
            self.say("this UI only looks: start it without --read-only to edit")
            return None
        return self.draft

    @on(ColumnTable.Opened)
    def _open_column(self, event: ColumnTable.Opened) -> None:
        from localsynth.tui.schema.columnform import ColumnDialog

        if (draft := self._may_edit()) is not None:
            column = draft.schema.columns[event.at]
            rows = 0 if self.dataset is None else self.dataset.rows
            found = self.found_of(column.name)
            self.app.push_screen(
                ColumnDialog(draft.dataset, draft.schema, event.at, found, rows), self._edited
            )

    @on(ColumnTable.Added)
    def _add_column(self, event: ColumnTable.Added) -> None:
        from localsynth.tui.schema.columnform import ColumnDialog

        if (draft := self._may_reshape("a column is added")) is None:
            return

        def heard(schema: Schema | None) -> None:
            self._edited(schema)
            if schema is not None:
                self.query_one(ColumnTable).look_at(event.at)

        schema = added(draft.schema, event.at)
        self.app.push_screen(ColumnDialog(draft.dataset, schema, event.at, None, 0, new=True), heard)

    @on(ColumnTable.Removed)
    def _remove_column(self, event: ColumnTable.Removed) -> None:
        if (draft := self._may_reshape("a column is removed")) is None:
            return
        try:
            schema, gone = removed(draft.schema, event.at)
        except SchemaError as error:
            self.say(f"the column stays: {error.message}", warning=True)
            return
        self._edited(schema)
        self.say(f"removed{f', with {gone} that named it' if gone else ''}; u brings it back")

    @on(ColumnTable.Moved)
    def _move_column(self, event: ColumnTable.Moved) -> None:
        if (draft := self._may_edit()) is not None:
            self._edited(moved(draft.schema, event.at, event.to))
            self.query_one(ColumnTable).look_at(event.to)

    def _may_reshape(self, what: str) -> Draft | None:
        """Other columns than its rows have no dataset can have."""
        known = self.dataset
        if known is not None and known.rows:
            self.say(
                f"{what} only where there are no rows: '{known.name}' has {counted(known.rows, 'real row')}",
                warning=True,
            )
            return None
        return self._may_edit()

    @on(ItemList.Opened)
    def _open_item(self, event: ItemList.Opened) -> None:
        self._item(event.field, event.at)

    def _item(self, field: str, at: int | None) -> None:
        from localsynth.tui.schema.otherforms import DependencyDialog, RuleDialog

        if (draft := self._may_edit()) is not None:
            dialog = RuleDialog if field == "rules" else DependencyDialog
            self.app.push_screen(dialog(draft.dataset, draft.schema, at), self._edited)

    @on(ItemList.Removed)
    def _remove_item(self, event: ItemList.Removed) -> None:
        if (draft := self._may_edit()) is not None:
            self._edited(with_item(draft.schema, event.field, event.at, None))
            self.say("removed; u brings it back")

    def action_new_rule(self) -> None:
        """Write a rule."""
        self._item("rules", None)

    def action_new_dependency(self) -> None:
        """Declare a dependency."""
        self._item("dependencies", None)

    def action_describe(self) -> None:
        """Description, population, target of the table."""
        from localsynth.tui.schema.otherforms import TableDialog

        if (draft := self._may_edit()) is not None:
            self.app.push_screen(TableDialog(draft.dataset, draft.schema), self._edited)

    def action_undo(self) -> None:
        """One step back."""
        if self.draft is not None:
            self.draft.undo()
            self.drafted()

    def action_redo(self) -> None:
        """The step on again."""
        if self.draft is not None:
            self.draft.redo()
            self.drafted()

    def action_drop(self) -> None:
        """Back to what is kept in the workspace, after a question."""
        draft = self.draft
        if draft is None or not draft.changed:
            return

        def heard(agreed: bool | None) -> None:
            if agreed:
                draft.change(draft.base)
                self.drafted()
                self.reload()

        detail = "The schema is then as the workspace has it; u brings the changes back."
        self.app.push_screen(ConfirmDialog("Drop all unsaved changes?", "Drop them", detail=detail), heard)

    def action_edit_file(self) -> None:
        """All of it as a file, in a person's own editor."""
        if (draft := self._may_edit()) is not None:
            self._edit_text(draft, draft.schema.to_toml())

    def _edit_text(self, draft: Draft, text: str) -> None:
        from localsynth.tui.schema.asking import ProblemsDialog
        from localsynth.tui.schema.outside import edited

        folder = self.ui.memory.folder
        if folder is None:
            return
        try:
            new = edited(self.app, text, folder, ".schema.toml")
        except LocalsynthError as error:
            self.show_error(error)
            return
        try:
            schema = Schema.from_toml(new)
        except LocalsynthError as error:

            def heard(again: bool | None) -> None:
                if again:
                    self._edit_text(draft, new)

            self.app.push_screen(ProblemsDialog(error), heard)
            return
        self.say("nothing was changed" if schema == draft.schema else "taken over; w saves it")
        self._edited(schema)

    # --- saving ------------------------------------------------------------------------------------------------------

    def action_save(self) -> None:
        """Write the draft into the workspace."""
        if self.draft is not None and self.draft.changed and not self._saving:
            self.go(self._save(self.draft, force=False), "save")

    async def _save(self, draft: Draft, *, force: bool) -> None:
        from localsynth.workspace.schemas import SchemaChanged, save_schema

        schema, base = draft.schema, None if force else draft.base
        self._saving = True
        try:
            saved = await self.ask(lambda ws: save_schema(ws, draft.dataset, schema, base=base))
        except SchemaChanged as error:
            self.app.push_screen(
                ConfirmDialog(
                    error.message, "Save mine in its place", detail="Nothing of yours is lost either way."
                ),
                lambda agreed: self._force(draft) if agreed else None,
            )
            return
        finally:
            self._saving = False
        if draft.schema == schema:
            draft.change(saved)
        draft.rebase(saved, lambda step: step)
        self.drafted()
        self.say("the schema is saved")
        self.reload()

    def _force(self, draft: Draft) -> None:
        self.go(self._save(draft, force=True), "save")

    def action_policy(self) -> None:
        """What a model may see of the dataset; written at once."""
        from localsynth.tui.schema.asking import PolicyDialog

        known = self.dataset
        if known is not None and not self.ui.read_only:
            self.app.push_screen(
                PolicyDialog(known.name, known.policy),
                lambda word: self._choose_policy(known.name, word) if word else None,
            )

    def _choose_policy(self, name: str, word: str) -> None:
        async def write() -> None:
            await self.ask(lambda ws: ws.set_policy(name, word))
            self.say(f"a model may now see of {name}: {word}")
            await self._load()

        self.go(write(), "policy")

    # --- what the rows tell ------------------------------------------------------------------------------------------

    def action_suggest(self) -> None:
        """Look for dependencies, keys and rules in the train rows."""
        from localsynth.tui.schema.asking import SuggestionsDialog

        known = self.dataset
        if known is None:
            return
        if not known.train_rows:
            self.say("this dataset has no rows to look for anything in", warning=True)
            return

        def heard(answer: tuple[tuple[str, ...], Found] | None) -> None:
            if answer is not None:
                self.go(self._accept(known.name, *answer), "accept")

        dialog = SuggestionsDialog(known.name, known.train_rows, able=not self.ui.read_only)
        self.app.push_screen(dialog, heard)

    async def _accept(self, name: str, names: tuple[str, ...], found: Found) -> None:
        def question(ws: Workspace) -> Any:
            return ws.accept(name, names, found=found), ws.schema(name)

        done, base = await self.ask(question)

        def again(step: Schema) -> Schema:
            dependencies = [one for one in done.dependencies if one not in step.dependencies]
            labels = {rule.label for rule in step.rules}
            rules = [one for one in done.rules if one.label not in labels]
            added = {"dependencies": (*step.dependencies, *dependencies), "rules": (*step.rules, *rules)}
            return step.model_copy(update={**added, "inferred": base.inferred or step.inferred})

        if (draft := self._drafts.get(name)) is not None:
            draft.rebase(base, again)
        taken = len(done.dependencies) + len(done.rules)
        self.say(f"{counted(taken, 'suggestion')} written into the schema, which counts as inferred now")
        self.drafted()
        self.reload()

    def action_order(self) -> None:
        """The order of the columns that follows from what depends on what."""
        from localsynth.tui.schema.asking import OrderDialog

        if self.dataset is not None:
            self.app.push_screen(OrderDialog(self.dataset.name))

    # --- out, and about ----------------------------------------------------------------------------------------------

    def action_export(self) -> None:
        """The schema as it is shown, into a file."""
        from localsynth.tui.paths import PathDialog

        draft = self.draft
        if draft is None:
            return

        def heard(path: Path | None) -> None:
            if path is not None:
                self.go(self._export(draft.dataset, draft.schema.to_toml(), path), "export")

        start = re.sub(r"[^\w.-]+", "_", draft.dataset) + ".schema.toml"
        dialog = PathDialog("Export the schema", start, (".toml",), must_exist=False, save=True)
        self.app.push_screen(dialog, heard)

    async def _export(self, dataset: str, text: str, path: Path) -> None:
        from localsynth.workspace.auditing import left
        from localsynth.workspace.files import save_text

        def export(ws: Workspace) -> None:
            left(ws, "schema exported", save_text(text, path, overwrite=True), dataset=dataset)

        await self.ask(export)
        self.say(f"wrote {path}")

    def action_find(self) -> None:
        """Type part of a column's name."""
        field = self.query_one("#find", Input)
        field.add_class("-open")
        field.focus()

    @on(Input.Changed, "#find")
    def _find(self, event: Input.Changed) -> None:
        self._look_for(event.value, self.query_one(ColumnTable).at)

    @on(Input.Submitted, "#find")
    def _find_next(self, event: Input.Submitted) -> None:
        self._look_for(event.value, self.query_one(ColumnTable).at + 1)

    def _look_for(self, part: str, start: int) -> None:
        if self.draft is None or not part:
            return
        names = self.draft.schema.names
        places = [(start + at) % len(names) for at in range(len(names))]
        at = next((at for at in places if part.casefold() in names[at].casefold()), None)
        if at is not None:
            self.query_one(ColumnTable).look_at(at)

    def action_close_find(self) -> None:
        """Back to the table."""
        field = self.query_one("#find", Input)
        if field.has_class("-open"):
            field.remove_class("-open")
            self.query_one(ColumnTable).focus()
