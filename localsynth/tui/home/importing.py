"""Importing a table: what its columns look like, and what is asked before it is brought in."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, Horizontal, Vertical
from textual.content import Content
from textual.css.query import NoMatches
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, Select, Static

from localsynth.core.errors import LocalsynthError
from localsynth.core.words import counted, size_text
from localsynth.tui.plain import line, one_line
from localsynth.tui.schema.words import allowed, missing
from localsynth.tui.widgets.listing import Column, Entry, Listing
from localsynth.tui.widgets.tick import Tick

from .choice import POLICIES

if TYPE_CHECKING:
    from localsynth.tui.app import LocalsynthApp
    from localsynth.workspace.preview import Preview

__all__ = ["SUFFIXES", "ImportDialog", "share_of"]

SUFFIXES = (".csv", ".tsv", ".parquet", ".jsonl", ".ndjson", ".json")
_SAMPLE = "sample:"
_ENCODED = (".csv", ".tsv")
_WAIT_S = 0.4  # after the last letter of an encoding
_COLUMNS = (
    Column("column", least=10),
    Column("kind"),
    Column("missing", right=True),
    Column("values", least=16),
)


class ImportDialog(ModalScreen[dict[str, Any] | None]):
    """Gives the fields of an import request, ``None`` where a person leaves without importing.

    source : a file's path, or ``sample:NAME``. taken : the names of the datasets there are.
    """

    HELP = """\
What the file looks like is above (of a large one its first rows), what the dataset will be below. Enter in a field imports,
Escape leaves without.

- **name**: what to call it. **to predict**: the column that people want to predict; it can be left out.
- **models may see**: how much of the real rows a model, or a method, is ever shown.
- **held out**: the share of rows kept away from whatever makes rows, to judge by: `1/3`, `0.2`, `20%`, `0` for none.
- **seed**: of the draw of these rows. **encoding**: of a text file that is not UTF-8, such as `latin-1`.
"""
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Leave", id="import.leave")]
    DEFAULT_CSS = """
    ImportDialog .dialog { height: 95%; max-height: 40; width: 98%; max-width: 110; padding: 0 1; }
    ImportDialog Listing { height: 1fr; min-height: 3; background: $surface; }
    ImportDialog #said { height: auto; max-height: 3; }
    ImportDialog Grid { grid-size: 4; grid-columns: 15 1fr 12 1fr; grid-rows: 1; height: 4; margin-top: 1; }
    ImportDialog Label { color: $text-muted; }
    ImportDialog Select { height: 1; }
    ImportDialog Tick { column-span: 3; }
    ImportDialog #policy { color: $text-muted; height: 1; }
    ImportDialog .buttons { margin-top: 0; }
    """

    def __init__(self, source: str, taken: Collection[str]) -> None:
        super().__init__()
        self._source = source
        self._sample = source.startswith(_SAMPLE)
        self._shown = source.removeprefix(_SAMPLE) if self._sample else Path(source).name
        # Held here, since a look may end while the dialog is taken away, and finds nothing by its name then.
        self._columns, self._target = Listing(_COLUMNS, id="columns"), _target()
        self._said = Static("looking at its rows ...", id="said", classes="hint", markup=False)
        self._taken = {name.casefold() for name in taken}

    def compose(self) -> ComposeResult:
        """The columns, the fields, two buttons."""
        name = self._shown if self._sample else Path(self._source).stem
        name = "".join(char for char in name if char.isprintable())
        with Vertical(classes="dialog") as box:
            box.border_title = Content(
                f"Import {'the sample ' if self._sample else ''}{one_line(self._shown)}"
            )
            box.border_subtitle = "enter imports, escape leaves"
            yield self._said
            yield self._columns
            with Grid():
                yield Label("name")
                yield Input(name, id="name", compact=True)
                yield Label("to predict")
                yield self._target
                yield Label("models may see")
                yield Select[str](
                    [(Text(one.title), one.key) for one in POLICIES],
                    value="rows",
                    allow_blank=False,
                    id="see",
                    compact=True,
                )
                yield Label("held out")
                yield Input("1/3", id="holdout", compact=True)
                yield Label("encoding")
                yield Input(
                    placeholder="utf-8" if self._encoded else "not a text file",
                    disabled=not self._encoded,
                    id="encoding",
                    compact=True,
                )
                yield Label("seed")
                yield Input("0", id="seed", compact=True)
                yield Label("same name")
                yield Tick("replace the dataset that has it; its runs stay", id="replace", compact=True)
            yield Static(id="policy", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("Leave", id="leave", compact=True)
                yield Button("Import", id="import", variant="primary", compact=True)

    @property
    def _encoded(self) -> bool:
        return Path(self._source).suffix.lower() in _ENCODED and not self._sample

    def on_mount(self) -> None:
        """Look at the table."""
        self.query_one("#name").focus()
        self._look()

    # --- the columns -------------------------------------------------------------------------------------------------

    @on(Input.Changed, "#encoding")
    def _another_encoding(self) -> None:
        self.set_timer(_WAIT_S, self._look, name="look")

    def _look(self) -> None:
        self.run_worker(self._preview(), group="preview", exclusive=True)

    async def _preview(self) -> None:
        encoding = self.query_one("#encoding", Input).value.strip() or None
        app = cast("LocalsynthApp", self.app)
        try:
            found = await app.ask(lambda space: space.preview(self._source, encoding=encoding))
        except LocalsynthError as error:
            self._tell(f"{error.message}: {error.hint}" if error.hint else error.message, wrong=True)
            self._columns.show(())
        else:
            with suppress(NoMatches):  # a Select that is being taken away has lost its list already
                self._show(found)

    def _show(self, found: Preview) -> None:
        columns = found.schema.columns
        seen = counted(found.rows, "row") if found.whole else f"a guess from the first {found.rows:,} rows"
        of = f" of {found.total:,}" if found.total not in {None, found.rows} else ""
        size = f", {size_text(found.size)}" if found.size is not None else ""
        more = "" if found.whole else "; the import reads all of them, and kinds may change"
        self._tell(f"{seen}{of}, {counted(len(columns), 'column')}{size}{more}")
        self._columns.show(
            [
                Entry(
                    one.name,
                    (
                        line(one.name, "bold"),
                        Text(one.kind),
                        Text(missing(one, None, 0)),
                        line(f"{allowed(one)} {getattr(one, 'unit', '')}".rstrip(), cells=200),
                    ),
                )
                for one in columns
            ]
        )
        self._target.set_options([(line(one.name, cells=40), one.name) for one in columns])
        if found.schema.target is not None:
            self._target.value = found.schema.target

    def _tell(self, words: str, *, wrong: bool = False) -> None:
        self._said.update(line(words))
        self._said.set_class(wrong, "wrong")
        self._said.set_class(not wrong, "hint")

    # --- what is asked -----------------------------------------------------------------------------------------------

    @on(Select.Changed, "#see")
    def _explain(self, event: Select.Changed) -> None:
        about = next((one.about for one in POLICIES if one.key == event.value), "")
        self.query_one("#policy", Static).update(about)

    @on(Button.Pressed, "#leave")
    def _leave(self) -> None:
        self.dismiss(None)

    @on(Button.Pressed, "#import")
    @on(Input.Submitted)
    def _import(self) -> None:
        try:
            self.dismiss(self._fields())
        except ValueError as error:
            self._tell(str(error), wrong=True)

    def _fields(self) -> dict[str, Any]:
        """Raises ``ValueError`` with a sentence where a field cannot be used."""
        from localsynth.core.schema import dataset_name

        name = self._value("name")
        replace = self.query_one("#replace", Tick).value
        dataset_name(name)
        if name.casefold() in self._taken and not replace:
            raise ValueError(
                f"there is a dataset called '{name}' already: choose another name, or tick 'replace'"
            )
        target = self._target.value
        return {
            "source": self._source,
            "name": name,
            "target": target if isinstance(target, str) else None,
            "policy": str(self.query_one("#see", Select).value),
            "holdout": share_of(self._value("holdout")),
            "seed": _seed_of(self._value("seed")),
            "encoding": self._value("encoding") or None,
            "replace": replace,
        }

    def _value(self, field: str) -> str:
        return self.query_one(f"#{field}", Input).value.strip()


def _target() -> Select[str]:
    return Select[str]([], prompt="nothing", id="target", compact=True)


def share_of(text: str) -> float:
    """``1/3``, ``0.2``, ``0,2`` or ``20%`` as a share, 0 to below 1. Raises ``ValueError`` with a sentence."""
    plain = text.strip().replace(",", ".")
    above, slash, below = plain.partition("/")
    try:
        if slash:
            share = float(above) / float(below)
        elif plain.endswith("%"):
            share = float(plain[:-1]) / 100
        else:
            share = float(plain)
    except (ValueError, ZeroDivisionError):
        raise ValueError(
            f"'{text}' is no share of rows to hold out: write 1/3, 0.2, 20%, or 0 for none"
        ) from None
    if not 0 <= share < 1:
        raise ValueError(f"the share held out is {text}, but must be 0 or more, and below 1")
    return share


def _seed_of(text: str) -> int:
    try:
        seed = int(text)
    except ValueError:
        seed = -1
    if not 0 <= seed < 2**63:
        raise ValueError(f"'{text}' is no seed: write a whole number from 0 on")
    return seed
