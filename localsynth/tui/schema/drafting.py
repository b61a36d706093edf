"""The schema of the chosen dataset on the screen, and the draft that is made of it; what is done to it is in the screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Container, Horizontal, Vertical, VerticalScroll
from textual.widgets import Input, Static

from localsynth.core.dataset import Dataset
from localsynth.core.errors import NotFound
from localsynth.core.schema import Schema
from localsynth.core.words import counted
from localsynth.tui.plain import line, paragraph
from localsynth.tui.screens.base import PlaceScreen
from localsynth.tui.subject import Subject

from .columntable import ColumnTable
from .detail import detail
from .draft import Draft
from .items import ItemList, dependency_text, rule_text

if TYPE_CHECKING:
    from localsynth.workspace import Workspace
    from localsynth.workspace.schemas import ColumnProfile, Profile

__all__ = ["DraftScreen"]

_KEPT = "schema.drafts"
_PROFILES = 4  # kept in memory: those of the datasets looked at last


@dataclass(frozen=True)
class _Findings:
    """What the real rows say to a schema: of columns, why they do not fit; of rules and dependencies, how many break each."""

    schema: Schema | None = None
    misfits: dict[str, str] = field(default_factory=dict)
    rows: int = 0
    rules: tuple[int | str, ...] = ()
    dependencies: tuple[tuple[int, int] | None, ...] = ()


class DraftScreen(PlaceScreen):
    """Shows a dataset's schema with what is changed in it, and keeps that for each dataset until it is saved or dropped."""

    DEFAULT_CSS = """
    DraftScreen #about { height: auto; max-height: 3; padding: 0 1; }
    DraftScreen #nothing { display: none; height: auto; margin: 1 2; padding: 1 2; border: round $primary; }
    DraftScreen.-nothing #nothing { display: block; }
    DraftScreen.-nothing #about, DraftScreen.-nothing #body, DraftScreen.-low #about { display: none; }
    DraftScreen #body { layout: grid; grid-size: 2; grid-columns: 3fr 2fr; grid-rows: 1fr 30%; height: 1fr; }
    DraftScreen.-wide #body { grid-columns: 1fr 64; }
    DraftScreen #columns { height: 1fr; padding: 0; }
    DraftScreen #detail { row-span: 2; height: 1fr; }
    DraftScreen #lists { height: 1fr; }
    DraftScreen #lists ItemList { width: 1fr; }
    DraftScreen.-narrow #body { layout: vertical; overflow-y: auto; }
    DraftScreen.-narrow #columns { height: auto; max-height: 10; }
    DraftScreen.-narrow #columns ColumnTable { height: auto; max-height: 8; }
    DraftScreen.-narrow #detail { height: auto; max-height: 14; min-height: 9; }
    DraftScreen.-narrow #lists { layout: vertical; height: auto; }
    DraftScreen.-narrow #lists ItemList { height: auto; max-height: 9; }
    DraftScreen #find { dock: bottom; margin-bottom: 1; display: none; }
    DraftScreen #find.-open { display: block; }
    """

    VERTICAL_BREAKPOINTS = [(0, "-low"), (16, "-high")]  # noqa: RUF012 - as Textual declares it

    def __init__(self) -> None:
        super().__init__()
        self._dataset: Dataset | None = None
        self._drafts: dict[str, Draft] = {}
        self._findings = _Findings()
        self._profiles: dict[tuple[object, ...], Profile] = {}
        self._left = False  # for another place

    def body(self) -> ComposeResult:
        """Columns and the one looked at; rules and dependencies."""
        yield Static(id="about", markup=False)
        yield Static(id="nothing", markup=False)
        with Container(id="body"):
            with Vertical(classes="panel", id="columns"):
                yield ColumnTable()
            with VerticalScroll(classes="panel", id="detail"):
                yield Static(id="detail-text", markup=False)
            with Horizontal(id="lists"):
                yield ItemList("rules", "none; n writes one, g looks for them in the rows")
                yield ItemList("dependencies", "none; d writes one, g looks for them in the rows")
        yield Input(placeholder="part of a column's name", id="find", compact=True)

    def on_mount(self) -> None:
        """Bring back what was not saved."""
        kept = self.ui.memory.get(_KEPT, {})
        for name, data in kept.items() if isinstance(kept, dict) else ():
            if (draft := Draft.again(name, data)) is not None:
                self._drafts[name] = draft
        self._show_nothing("")

    def on_screen_resume(self) -> None:
        """Another place, or another program, may have changed it."""
        # Not after a dialog: one that says why it cannot be read would come back whenever it is closed.
        if self._left and self._shown is not None and self._shown == self.subject:
            self.go(self._load(), "load")
        self._left = False

    def on_screen_suspend(self) -> None:
        """Say that nothing is lost."""
        self._left = self not in self.app.screen_stack
        if self.draft is not None and self.draft.changed:
            self.say("the schema has changes that are not saved; they stay here")

    def show_subject(self, subject: Subject) -> None:
        """The schema of another dataset."""
        self.go(self._load(), "load")

    # --- what there is -----------------------------------------------------------------------------------------------

    @property
    def draft(self) -> Draft | None:
        """The draft of the dataset that is shown."""
        return None if self._dataset is None else self._drafts.get(self._dataset.name)

    @property
    def dataset(self) -> Dataset | None:
        """The dataset that is shown."""
        return self._dataset

    @property
    def profile(self) -> Profile | None:
        """How the columns are distributed, where that is known already."""
        known = self._dataset
        return None if known is None else self._profiles.get(_version(known))

    def found_of(self, name: str) -> ColumnProfile | None:
        """How a column is distributed, where that is known already."""
        return None if self.profile is None else self.profile.columns.get(name)

    async def _load(self) -> None:
        name = self.subject.dataset
        if name is None:
            self._dataset = None
            there = await self.ask(lambda ws: bool(ws.exists and ws.datasets()))
            self._show_nothing(_CHOOSE if there else _IMPORT)
            return
        try:
            known = await self.ask(lambda ws: ws.dataset(name))
        except NotFound as error:
            self._dataset = None
            self._show_nothing(f"{error.message}\n\n{_CHOOSE}")
            return
        self.take(known)
        if known.train_rows and _version(known) not in self._profiles:
            self._profiles[_version(known)] = await self.ask(_profiled(known.name))
            while len(self._profiles) > _PROFILES:
                del self._profiles[next(iter(self._profiles))]
            self.show()

    def take(self, known: Dataset) -> None:
        """Show this dataset; a draft with changes stays, one without becomes what is there now."""
        before = self._drafts.get(known.name)
        self._dataset = known
        if before is None or (not before.changed and before.base != known.schema):
            self._drafts[known.name] = Draft(known.name, known.schema)
        self.examine()
        self.show()

    def reload(self) -> None:
        """Ask for it again."""
        self.go(self._load(), "load")

    # --- changes -----------------------------------------------------------------------------------------------------

    def drafted(self) -> None:
        """The draft is another one: keep it, try it on the rows, show it."""
        changed = {name: draft.kept() for name, draft in self._drafts.items() if draft.changed}
        self.ui.memory.put(_KEPT, changed)
        self.examine()
        self.show()

    def examine(self) -> None:
        """Try the draft on the real rows, beside everything else."""
        if self.draft is not None and self._findings.schema != self.draft.schema:
            self.go(self._examine(self.draft), "examine")

    async def _examine(self, draft: Draft) -> None:
        schema = draft.schema
        found = await self.ask(_examined(draft.dataset, schema, draft.changed_columns()))
        if self.draft is draft and draft.schema == schema:
            self._findings = found
            self.show()

    @property
    def _there(self) -> bool:
        """Whether there is anything to show it on: not while the UI closes."""
        return bool(self.query("#detail-text"))

    # --- the screen --------------------------------------------------------------------------------------------------

    def _show_nothing(self, words: str) -> None:
        self.query_one("#nothing", Static).update(paragraph(words))
        self.set_class(True, "-nothing")

    def show(self) -> None:
        """All of it, as it is now."""
        draft, known = self.draft, self._dataset
        if draft is None or known is None or not self._there:
            return
        hidden = self.has_class("-nothing")
        self.set_class(False, "-nothing")
        schema = draft.schema
        findings = self._findings if self._findings.schema == schema else _Findings()
        self.show_about()
        self.query_one("#columns").border_title = Text(f"Columns ({len(schema.columns):,})")
        self.query_one(ColumnTable).show_columns(schema, self.profile, _signs(draft, findings))
        rules = findings.rules or (None,) * len(schema.rules)
        self.query_one("#rules", ItemList).show_items(
            [rule_text(one, findings.rows, said) for one, said in zip(schema.rules, rules, strict=True)]
        )
        broken = findings.dependencies or (None,) * len(schema.dependencies)
        self.query_one("#dependencies", ItemList).show_items(
            [dependency_text(one, said) for one, said in zip(schema.dependencies, broken, strict=True)]
        )
        self.show_detail()
        self.refresh_bindings()
        if hidden:
            self.query_one(ColumnTable).focus()

    def show_about(self) -> None:
        """What is said of the dataset as a whole."""
        if self.draft is not None and self._dataset is not None and self._there:
            roomy = not self.has_class("-narrow")
            self.query_one("#about", Static).update(_about(self._dataset, self.draft, roomy=roomy))

    @on(ColumnTable.Looked)
    def show_detail(self) -> None:
        """The column at the mark bar."""
        draft = self.draft
        if draft is None or not self._there:
            return
        at = min(self.query_one(ColumnTable).at, len(draft.schema.columns) - 1)
        column = draft.schema.columns[at]
        panel = self.query_one("#detail", VerticalScroll)
        panel.border_title = line(column.name, cells=40)
        panel.border_subtitle = Text(f"{at + 1:,} of {len(draft.schema.columns):,}")
        note = "the target: what people want to predict" if draft.schema.target == column.name else ""
        wrong = self._findings.misfits.get(column.name, "") if self._findings.schema == draft.schema else ""
        width = max(panel.scrollable_content_region.width, 20)
        self.query_one("#detail-text", Static).update(detail(column, self.profile, wrong, note, width))

    def on_resize(self, event: events.Resize) -> None:
        """As many words, and bars as long, as there is room for."""
        self.call_after_refresh(self.show_about)
        self.call_after_refresh(self.show_detail)


_CHOOSE = "No dataset is chosen.\n\nF2 goes Home: choose one there with Enter, and come back with F3."
_IMPORT = "There is no dataset yet.\n\nF2 goes Home, where one is imported from a file or made from a sample."


def _version(known: Dataset) -> tuple[object, ...]:
    """What a profile holds for: these rows under these kinds and lists of categories."""
    shape = tuple((one.name, one.kind) for one in known.schema.columns)
    return known.name, known.imported_at, known.train_rows, shape


def _profiled(name: str) -> Callable[[Workspace], Profile]:
    def question(ws: Workspace) -> Profile:
        from localsynth.workspace.schemas import profile

        return profile(ws, name)

    return question


def _examined(name: str, schema: Schema, columns: Any) -> Callable[[Workspace], _Findings]:
    def question(ws: Workspace) -> _Findings:
        from localsynth.workspace.schemas import dependency_breaks, misfits, rule_breaks

        rows, rules = rule_breaks(ws, name, schema) if schema.rules else (0, ())
        broken = tuple(dependency_breaks(ws, name, one) for one in schema.dependencies)
        return _Findings(schema, misfits(ws, name, columns) if columns else {}, rows, rules, broken)

    return question


def _signs(draft: Draft, findings: _Findings) -> dict[str, str]:
    """What stands before the names of columns: the gravest alone."""
    signs = {} if draft.schema.target is None else {draft.schema.target: ">"}
    signs |= dict.fromkeys((column.name for column in draft.changed_columns()), "*")
    return signs | dict.fromkeys(findings.misfits, "!")


def _about(known: Dataset, draft: Draft, *, roomy: bool) -> Text:
    """Rows, policy, target, who vouches for it, and whether it is saved."""
    schema = draft.schema
    rows = (
        f"{counted(known.rows, 'row')}: {known.train_rows:,} train, {known.holdout_rows:,} held out"
        if known.rows
        else "no rows, a description alone"
    )
    parts = [
        Text(rows),
        Text.assemble(("policy ", "dim"), known.policy.label),
        Text.assemble(("target ", "dim"), line(schema.target or "none", cells=30)),
        Text("inferred, not checked" if schema.inferred else "checked by a person" if roomy else "checked"),
    ]
    if draft.changed:
        parts.insert(0, Text(" not saved: w saves, u undoes ", "reverse"))
    text = Text("   ").join(parts)
    if schema.description and roomy:
        text = Text.assemble(text, "\n", line(schema.description, "dim"))
    return text
