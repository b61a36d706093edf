"""Recipe: choose a method, set it up, see how long it takes, start the run."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.css.query import NoMatches
from textual.widgets import OptionList

from localsynth.core.errors import LocalsynthError, RecipeError
from localsynth.core.tomlfile import load_toml
from localsynth.tui.paths import PathDialog
from localsynth.tui.plain import one_line
from localsynth.tui.recipe.beginnings import Beginning, BeginningDialog
from localsynth.tui.recipe.cards import Cards
from localsynth.tui.recipe.draft import Draft
from localsynth.tui.recipe.fields import Kind, place_of
from localsynth.tui.recipe.files import empty, folder_of, load_packaged, packaged, write
from localsynth.tui.recipe.form import Form
from localsynth.tui.recipe.gathering import gathered, judged_by, without_store
from localsynth.tui.recipe.parts import Parts
from localsynth.tui.recipe.preview import Preview
from localsynth.tui.recipe.rows import FieldRow
from localsynth.tui.recipe.sections import Facts
from localsynth.tui.recipe.shelf import Shelf
from localsynth.tui.recipe.starting import begun
from localsynth.tui.recipe.verdict import Verdict, verdict
from localsynth.tui.recipe.writing import WritingDialog, field_dialog, only
from localsynth.tui.subject import Subject

from .base import PlaceScreen

if TYPE_CHECKING:
    from localsynth.workspace import Checked, Estimate

__all__ = ["RecipeScreen"]

_TYPING_S = 0.15  # a person goes on typing; what is wrong is looked for when they pause
_PARTS = 3


class RecipeScreen(PlaceScreen):
    """A recipe as it is written."""

    HELP = """\
A recipe says everything about a run: which table, which method, how many rows. Choose a **method** on the left, set it
up in the middle; on the right is the file as it will be saved and run.

`n` begins anew: from nothing, from an earlier run, from a file, or from a recipe that comes with localsynth. `r` (ctrl+r while
you type) starts the run; it goes on when you leave. What you write is kept for each dataset until you begin anew.
"""
    WRITES: ClassVar[frozenset[str]] = frozenset({"start"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r,r", "start", "Start", id="recipe.start"),
        Binding("n,alt+n", "begin", "New from", id="recipe.begin"),
        Binding("s,alt+s", "save", "Save", id="recipe.save"),
        Binding("m,alt+m", "mend", "Mistake", id="recipe.mend"),
        Binding("e,alt+e", "write", "As text", id="recipe.write"),
        Binding("d,alt+d", "reset", "Back to the default", show=False, id="recipe.reset"),
        Binding("1,alt+1", "part(0)", "Methods", show=False, id="recipe.methods"),
        Binding("2,alt+2", "part(1)", "Settings", show=False, id="recipe.settings"),
        Binding("3,alt+3", "part(2)", "TOML", show=False, id="recipe.toml"),
    ]
    DEFAULT_CSS = """
    RecipeScreen #parts { height: 1fr; }
    RecipeScreen #methods { width: 32; }
    RecipeScreen #form { width: 1fr; }
    RecipeScreen #toml { width: 34; }
    RecipeScreen.-wide #methods { width: 44; }
    RecipeScreen.-wide #toml { width: 60; }
    RecipeScreen.-narrow Cards VerticalScroll { height: 8; }
    RecipeScreen.-narrow #about { height: 3; }
    RecipeScreen.-narrow Parts { display: block; }
    RecipeScreen.-narrow .part { display: none; width: 1fr; }
    RecipeScreen.-narrow.-part0 #methods { display: block; width: 1fr; }
    RecipeScreen.-narrow.-part1 #form { display: block; }
    RecipeScreen.-narrow.-part2 #toml { display: block; width: 1fr; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.draft = Draft({}, "nothing")
        self.facts = Facts()
        self.checked: Checked | None = None
        self.checked_text = ""
        self._of: str | None = None  # the dataset whose draft it is, once one is opened
        self._opened = False
        self._part = 1
        self._unchecked = False
        self._checking = False
        self._starting = False
        self._at_problem = -1

    def body(self) -> ComposeResult:
        """Methods, settings, the file; and whether it can be run."""
        yield Parts(markup=False)
        with Horizontal(id="parts"):
            yield Cards()
            yield Form()
            yield Preview()
        yield Verdict()

    def on_mount(self) -> None:
        """Begin with the settings."""
        self._show_part(self._part)

    @property
    def _shelf(self) -> Shelf:
        return Shelf(self.ui.memory)

    # --- what it is about --------------------------------------------------------------------------------------------

    def on_screen_suspend(self) -> None:
        """What there is may change meanwhile: it is asked for anew when the place is gone to again."""
        if self not in self.app.screen_stack:  # another place is shown, not a dialog
            self._shown = None

    def show_subject(self, subject: Subject) -> None:
        """The draft of the dataset."""
        self.go(self._open(subject), group="opening")

    async def _open(self, subject: Subject) -> None:
        self.facts = await self._found(subject.dataset)
        if not self._opened or subject.dataset != self._of:
            self._opened, self._of = True, subject.dataset
            self.draft = self._shelf.get(subject.dataset) or empty(subject.dataset, self.facts)
        await self._restructure()

    async def _found(self, name: str | None) -> Facts:
        """What there is to choose from; what cannot be read now is left out, and said."""
        try:
            return await self.ask(lambda ws: gathered(ws, name))
        except LocalsynthError as error:
            self.say(f"{error.message}: what is in the workspace is not known just now", warning=True)
            return await self.ask(lambda ws: without_store(ws))

    def _show(self, draft: Draft) -> None:
        self.draft = draft
        with suppress(NoMatches):  # the place is being left
            self.query_one(Form).show(draft, self.facts)
            self._refresh_facts()
            self._changed()

    def _refresh_facts(self) -> None:
        self.query_one(Cards).show(self.facts, self.draft.method)

    # --- what a person does ------------------------------------------------------------------------------------------

    @on(Cards.Chosen)
    def _chosen(self, event: Cards.Chosen) -> None:
        event.stop()
        self.draft.choose_method(event.name)
        self._show(self.draft)
        if self.has_class("-narrow"):
            self._show_part(1)

    @on(Form.Changed)
    def _form_changed(self, event: Form.Changed) -> None:
        event.stop()
        if event.structure:
            self.go(self._restructure(), group="showing")
        else:
            self._changed()

    async def _restructure(self) -> None:
        draft = self.draft
        self.facts = await self.ask(lambda ws: judged_by(ws, self.facts, draft))
        self._show(draft)

    @on(FieldRow.Opened)
    def _written(self, event: FieldRow.Opened) -> None:
        event.stop()
        row = event.row
        one = row.field
        if one.kind is Kind.PATH:
            self._choose_file(row)
            return

        def heard(written: str | None) -> None:
            if written is not None:
                value = only(one, written)
                row.show(value)
                self.query_one(Form).put(one, value)

        self.app.push_screen(field_dialog(one, row.value), heard)

    def _choose_file(self, row: FieldRow) -> None:
        def heard(path: Path | None) -> None:
            if path is not None:
                row.show(str(path))
                self.query_one(Form).put(row.field, str(path))

        start = f"{folder_of(self.draft)}/"
        self.app.push_screen(PathDialog(f"{row.field.key} of the table", start, row.field.suffixes), heard)

    def action_write(self) -> None:
        """The whole recipe as text."""

        def heard(written: str | None) -> None:
            if written is not None:
                self.draft.replace(written)
                self.go(self._restructure(), group="showing")

        check = lambda written: load_toml(written, None, "recipe")  # noqa: E731
        self.app.push_screen(WritingDialog("The recipe as TOML", self.draft.text(), check), heard)

    def action_reset(self) -> None:
        """The field with the focus back to its default."""
        if not self.query_one(Form).reset_focused():
            self.say("go to a field first: its default comes back")

    def action_part(self, part: int) -> None:
        """To the methods, the settings or the file."""
        self._show_part(part)
        if part == 1:
            self.query_one(Form).focus_on(("rows",))
        else:
            self.query_one(OptionList if part == 0 else Preview).focus()

    def _show_part(self, part: int) -> None:
        self._part = part
        for index in range(_PARTS):
            self.set_class(index == part, f"-part{index}")
        self.query_one(Parts).show(part)

    # --- what is wrong -----------------------------------------------------------------------------------------------

    def _changed(self) -> None:
        """Show the file, keep it, and look for mistakes."""
        if self._opened:
            # Under the dataset it is of: the subject may be another already, whose draft is being read.
            self._shelf.keep(self._of, self.draft)
        self.query_one(Preview).show(self.draft.text(), self._wrong_lines())
        self._unchecked = True
        if not self._checking:
            self._checking = True
            self.run_worker(self._check_all(), group="checking")

    async def _check_all(self) -> None:
        """One check at a time, and one more where something was typed meanwhile."""
        try:
            with suppress(NoMatches):  # the place is being left
                while self._unchecked:
                    await asyncio.sleep(_TYPING_S)
                    self._unchecked = False
                    await self._check()
        finally:
            self._checking = False

    async def _check(self) -> None:
        text, path, facts = self.draft.text(), self.draft.path, self.facts
        draft = self.draft
        try:
            facts = self.facts = await self.ask(lambda ws: judged_by(ws, facts, draft))
            checked = await self.ask(lambda ws: ws.check_draft(text, path, facts.datasets))
            recipe = checked.recipe if not checked.problems else None
            estimate = None if recipe is None else await self.ask(lambda ws: ws.estimate(recipe, facts.paces))
        except LocalsynthError as error:
            if self.is_attached:
                self.query_one(Verdict).update(Text(f"not checked: {error.message}"))
            return
        if not self.is_attached or text != self.draft.text():
            return  # typed meanwhile; the next check tells
        self.checked, self.checked_text = checked, text
        self._refresh_facts()
        self._tell_fields()
        self.query_one(Preview).show(text, self._wrong_lines())
        self._judged(checked, estimate)

    @on(Form.Built)
    def _tell_fields(self) -> None:
        """What is wrong, under each field it is about."""
        form = self.query_one(Form)
        problems = self.checked.problems if self.checked is not None else ()
        found = ((form.row(place_of(one.path)), one) for one in reversed(problems))
        form.tell({row: one for row, one in found if row is not None})

    def _judged(self, checked: Checked, estimate: Estimate | None) -> None:
        box = self.query_one(Verdict)
        box.update(verdict(checked, estimate, box.size.width - 2, read_only=self.ui.read_only))

    def _wrong_lines(self) -> set[int]:
        return {one.line for one in self.checked.problems if one.line is not None} if self.checked else set()

    def action_mend(self) -> None:
        """To the field of the next mistake."""
        problems = self.checked.problems if self.checked is not None else ()
        if not problems:
            self.say("nothing is wrong, as far as can be told before it runs")
            return
        self._at_problem = (self._at_problem + 1) % len(problems)
        one = problems[self._at_problem]
        self._show_part(1)
        if not self.query_one(Form).focus_on(place_of(one.path)):
            where = f"line {one.line}: " if one.line is not None else ""
            self.say(f"{where}{one.message}; e opens the recipe as text", warning=True)

    # --- beginnings and ends -----------------------------------------------------------------------------------------

    def action_begin(self) -> None:
        """Anew, from something."""
        self.go(self._begin(), group="beginning")

    async def _begin(self) -> None:
        subject = self.subject
        found = await self.ui.desk.do(packaged)
        first = [Beginning("empty", subject.dataset or "")]
        if subject.run is not None:
            first.append(Beginning("run", subject.run, "its recipe, as it was recorded"))
        given = [*first, Beginning("file"), *found]

        def heard(chosen: Beginning | None) -> None:
            if chosen is not None and chosen.kind == "file":
                self.app.push_screen(PathDialog("A recipe", f"{folder_of(self.draft)}/", (".toml",)), opened)
            elif chosen is not None:
                self.go(self._begin_from(chosen), group="beginning")

        def opened(path: Path | None) -> None:
            if path is not None:
                self.go(self._begin_from(Beginning("file", str(path))), group="beginning")

        self.app.push_screen(BeginningDialog(given), heard)

    async def _begin_from(self, chosen: Beginning) -> None:
        match chosen.kind:
            case "empty":
                draft = empty(chosen.name or None, self.facts)
            case "run":
                run = await self.ask(lambda ws: ws.get_run(chosen.name))
                draft = Draft.of_run(run.recipe_json, run.recipe_path, run.run_id)
            case "file":
                draft = await self.ui.desk.do(Draft.load, Path(chosen.name))
            case _:
                draft = await self.ui.desk.do(load_packaged, chosen.name)
        known = self.facts.dataset(draft.dataset)
        if known is not None and known.name != self.subject.dataset:
            self._shelf.keep(known.name, draft)
            self.ui.about(known.name)  # which opens the draft
            return
        self.draft = draft
        await self._restructure()

    def action_save(self) -> None:
        """Into a file."""
        start = folder_of(self.draft) / f"{self.draft.dataset or 'recipe'}.toml"
        if self.draft.path is not None and start.parent == self.draft.path.parent:
            start = self.draft.path
        self.app.push_screen(PathDialog("Save the recipe", start, (".toml",), save=True), self._save_to)

    def _save_to(self, path: Path | None) -> None:
        if path is not None:
            self.go(self._save(path), group="saving")

    async def _save(self, path: Path) -> None:
        if self.ui.read_only:
            inside = await self.ask(lambda ws: path.absolute().is_relative_to(ws.folder))
            if inside:
                raise RecipeError(
                    f"{path} is in the workspace, which is open for looking only", "save it elsewhere"
                )
        draft = self.draft.moved(path)
        await self.ui.desk.do(write, path, draft.text())
        self.draft = draft
        self._show(draft)
        self.say(f"saved: {path}")

    # --- the run -----------------------------------------------------------------------------------------------------

    def action_start(self) -> None:
        """Make the rows, in a process of its own."""
        if self._starting:
            self.say("a run is being started")
            return
        self.go(self._start(), group="starting")

    async def _start(self) -> None:
        self._starting = True
        try:
            draft = self.draft
            text, path, datasets = draft.text(), draft.path, self.facts.datasets
            checked = await self.ask(lambda ws: ws.check_draft(text, path, datasets))
            if checked.problems:
                raise RecipeError("the recipe cannot be run yet", "mend this first", checked.problems)
            request = draft.request()
            job = await self.ask(lambda ws: ws.start_job("run", **request))
            run_id = await begun(job, self.ui.desk, self._starting_with)
            self._shelf.keep(draft.dataset, draft)
            if run_id is None:
                self.say("the run was stopped before it began", warning=True)
                return
            await self._show_run(draft, run_id)
        finally:
            self._starting = False

    def _starting_with(self, words: str) -> None:
        if self.is_attached:
            self.query_one(Verdict).update(Text.assemble(("Starting: ", "bold"), one_line(words)))

    async def _show_run(self, draft: Draft, run_id: str) -> None:
        self._changed()
        if self.is_current:
            self.ui.about(draft.dataset, run_id)
            await self.ui.action_go("run")
        else:
            self.say(f"run {run_id} has begun")
