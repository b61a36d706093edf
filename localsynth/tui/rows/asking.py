"""What the place Rows asks of the workspace; all of it in threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from localsynth.core.errors import Cancelled, NotFound
from localsynth.core.schema import Schema
from localsynth.tui.subject import Subject
from localsynth.workspace.auditing import left_view
from localsynth.workspace.files import format_of, save_pieces

from .pages import Pages

if TYPE_CHECKING:
    import pyarrow as pa

    from localsynth.core.dataset import Dataset
    from localsynth.core.run import Run
    from localsynth.store.browsing import Browse
    from localsynth.store.distribution import ColumnCounts
    from localsynth.workspace import Workspace

__all__ = [
    "FILES",
    "Kind",
    "Known",
    "Spread",
    "Wish",
    "cell_left",
    "exported",
    "known",
    "opened",
    "row_of",
    "spread",
]

Kind = Literal["real", "synth"]

FILES = (".csv", ".tsv", ".parquet", ".jsonl")
_PIECE = 20_000  # rows that are written at a time
_BINS = 20
_VALUES = 40


@dataclass(frozen=True)
class Known:
    """What the place is about. run : ``None`` where none is chosen. gone : why a run that was chosen is not there."""

    dataset: Dataset | None = None
    run: Run | None = None
    exists: bool = True
    gone: str = ""

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Which rows there are; the synthetic ones first."""
        real: tuple[Kind, ...] = ("real",) if self.dataset is not None and self.dataset.rows else ()
        return ("synth", *real) if self.run is not None else real


@dataclass(frozen=True)
class Wish:
    """Which rows, in which order. where : a condition in SQL. order : pairs of column and whether descending."""

    where: str = ""
    order: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True)
class Spread:
    """How the values of a column are distributed; of the rows that are not there, ``None``."""

    column: str
    real: ColumnCounts | None
    made: ColumnCounts | None


def known(ws: Workspace, subject: Subject) -> Known:
    """The dataset and the run of the subject, as far as they are there."""
    if not ws.exists:
        return Known(exists=False)
    run, gone = None, ""
    if subject.run is not None:
        try:
            run = ws.get_run(subject.run)
        except NotFound as error:
            gone = error.message
    name = subject.dataset or (run.dataset if run is not None else None)
    try:
        dataset = ws.dataset(name) if name is not None else None
    except NotFound as error:
        return Known(None, run, gone=gone or error.message)
    return Known(dataset, run, gone=gone)


def opened(ws: Workspace, about: Known, kind: Kind, wish: Wish, stop: threading.Event) -> Pages:
    """The rows of that kind, their first page read. Raises as ``Workspace.browse``."""
    if kind == "synth" and about.run is not None:
        view = ws.browse(about.run, where=wish.where, order=wish.order, stop=stop)
        made = Pages(view, Schema.model_validate_json(about.run.schema_json), view.everything)
    else:
        dataset = about.dataset
        if dataset is None:
            raise NotFound("there is no dataset", "press F2 and choose one")
        # Without rows held out all are train rows, and numbers need not be read.
        part: Literal["train"] | None = "train" if dataset.holdout_rows else None
        view = ws.browse(dataset.name, kind="real", where=wish.where, order=wish.order, part=part, stop=stop)
        made = Pages(view, dataset.schema, dataset.train_rows if part else view.everything)
    first = made.beginning()
    made.put(first, made.read(first), widen=True)
    return made


def row_of(view: Browse, row: int) -> dict[str, Any]:
    """A whole row, its values as they are."""
    table = view.rows(row, 1)
    return {name: table.column(name)[0].as_py() for name in view.columns}


def spread(column: str, real: Browse | None, made: Browse | None, stop: threading.Event) -> Spread:
    """Count both in the same bins, or by the same values."""
    first = second = None
    if real is not None and column in real.columns:
        first = real.distribution(column, bins=_BINS, most=_VALUES, stop=stop)
    if made is not None and column in made.columns:
        same = first is not None and real is not None and real.types.field(column) == made.types.field(column)
        like = first if same and first is not None and (first.edges or first.values) else None
        second = made.distribution(column, bins=_BINS, most=_VALUES, like=like, stop=stop)
        first = first if same else None
    return Spread(column, first, second)


def exported(ws: Workspace, view: Browse, path: Path, stop: threading.Event) -> Path:
    """Write all rows of the view, in its order, a piece at a time. Raises ``Cancelled`` and what cannot be written."""

    def pieces() -> Iterator[pa.Table]:
        for offset in range(0, max(view.total, 1), _PIECE):
            if stop.is_set():
                raise Cancelled("nothing was written")
            yield view.rows(offset, _PIECE, stop=stop).select(view.columns)

    kind = format_of(path)
    made = save_pieces(pieces(), path, kind, overwrite=True)
    left_view(ws, view, made, format=kind)
    return made


def cell_left(ws: Workspace, path: Path, view: Browse, column: str) -> None:
    """Tell the audit log that one cell of the view was saved to a file."""
    left_view(ws, view, path, rows=1, column=column, format="txt")
