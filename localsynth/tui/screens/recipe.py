"""Recipe: choose a method, set it up, see how long it takes, start the run."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.css.query import NoMatches
from textual.widgets import OptionList

from localsynth.core.errors import LocalsynthError, Problem
from localsynth.core.tomlfile import load_toml
from localsynth.tui.paths import PathDialog
from localsynth.tui.recipe.beginnings import Beginning, BeginningDialog
from localsynth.tui.recipe.cards import Cards
from localsynth.tui.recipe.checking import Pauses, Told, told
from localsynth.tui.recipe.draft import Draft
from localsynth.tui.recipe.fields import place_of
from localsynth.tui.recipe.files import beginnings, begun_from, empty, folder_of, save
from localsynth.tui.recipe.form import Form
from localsynth.tui.recipe.gathering import gathered, judged_by
from localsynth.tui.recipe.parts import Parts
from localsynth.tui.recipe.preview import Preview
from localsynth.tui.recipe.sections import Facts
from localsynth.tui.recipe.shelf import Shelf
from localsynth.tui.recipe.starting import started
from localsynth.tui.recipe.verdict import Verdict
from localsynth.tui.recipe.writing import WritingDialog
from localsynth.tui.subject import Subject

from .base import PlaceScreen

__all__ = ["RecipeScreen"]

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
        self.told: Told | None = None
        self._of: str | None = None  # the dataset whose draft it is, once one is opened
        self._opened = False
        self._part = 1
        self._pauses = Pauses(self._check)
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
        facts = await self.ask(lambda ws: gathered(ws, name))
        if facts.trouble is not None:
            self.say(f"{facts.trouble.message}: what is in the workspace is not known just now", warning=True)
        return facts

    def _show(self, draft: Draft) -> None:
        self.draft = draft
        with suppress(NoMatches):  # the place is being left
            self.query_one(Form).show(draft, self.facts)
            self.query_one(Cards).show(self.facts, draft.method)
            self._changed()

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
        if self._pauses.wanted():
            self.run_worker(self._pauses.go(), group="checking")

    async def _check(self) -> None:
        draft, facts = self.draft, self.facts
        text, path = draft.text(), draft.path
        with suppress(NoMatches):  # the place is being left
            try:
                found = await self.ask(lambda ws: told(ws, draft, text, path, facts))
            except LocalsynthError as error:
                self.query_one(Verdict).not_checked(error.message)
                return
            if text == self.draft.text() and facts is self.facts:  # else another check comes, which tells
                self._show_told(found)

    def _show_told(self, found: Told) -> None:
        came = self.facts.trouble is not None and found.facts.trouble is None
        self.told, self.facts = found, found.facts
        if came:  # the workspace can be read by now: there are other choices
            self.go(self._restructure(), group="showing")
        self.query_one(Cards).show(self.facts, self.draft.method)
        self._tell_fields()
        self.query_one(Preview).show(found.text, self._wrong_lines())
        self.query_one(Verdict).tell(found.checked, found.estimate, read_only=self.ui.read_only)

    @on(Form.Built)
    def _tell_fields(self) -> None:
        """What is wrong, under each field it is about."""
        form = self.query_one(Form)
        found = ((form.row(place_of(one.path)), one) for one in reversed(self._problems))
        form.tell({row: one for row, one in found if row is not None})

    @property
    def _problems(self) -> Sequence[Problem]:
        return self.told.problems if self.told is not None else ()

    def _wrong_lines(self) -> set[int]:
        return self.told.lines if self.told is not None else set()

    def action_mend(self) -> None:
        """To the field of the next mistake."""
        problems = self._problems
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
        offered = await self.ui.desk.do(beginnings, self.subject)

        def heard(chosen: Beginning | None) -> None:
            if chosen is not None and chosen.kind == "file":
                self.app.push_screen(PathDialog("A recipe", f"{folder_of(self.draft)}/", (".toml",)), opened)
            elif chosen is not None:
                self.go(self._begin_from(chosen), group="beginning")

        def opened(path: Path | None) -> None:
            if path is not None:
                self.go(self._begin_from(Beginning("file", str(path))), group="beginning")

        self.app.push_screen(BeginningDialog(offered), heard)

    async def _begin_from(self, chosen: Beginning) -> None:
        facts = self.facts
        draft = await self.ask(lambda ws: begun_from(chosen, ws, facts))
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
        draft = self.draft
        self.draft = await self.ask(lambda ws: save(draft, path, ws))
        self._show(self.draft)
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
            run_id = await started(draft, self.facts, self.ui.desk, self.query_one(Verdict).starting)
            self._shelf.keep(draft.dataset, draft)
            if run_id is None:
                self.say("the run was stopped before it began", warning=True)
                return
            await self._show_run(draft, run_id)
        finally:
            self._starting = False

    async def _show_run(self, draft: Draft, run_id: str) -> None:
        self._changed()
        if self.is_current:
            self.ui.about(draft.dataset, run_id)
            await self.ui.action_go("run")
        else:
            self.say(f"run {run_id} has begun")
