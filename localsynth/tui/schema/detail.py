"""All there is to say of one column: its fields, its categories with meanings and counts, its histogram."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from localsynth.core.columns import BooleanColumn, CategoricalColumn, Column, FloatColumn, TextColumn
from localsynth.core.finding import percent
from localsynth.tui.plain import line, paragraph

from .words import allowed, bins, declared, missing

if TYPE_CHECKING:
    from localsynth.workspace.schemas import ColumnProfile, Profile

__all__ = ["detail"]

_BLOCKS = " ▏▎▍▌▋▊▉█"
_BESIDE = 66  # cells, from which the histogram is beside the fields
_MOST = 100  # categories listed


def detail(column: Column, profile: Profile | None, wrong: str, note: str, width: int) -> RenderableType:
    """A column for the panel beside the table. wrong : why the real rows do not fit. note : where it stands in the schema."""
    found = None if profile is None else profile.columns.get(column.name)
    rows = 0 if profile is None else profile.rows
    told: list[RenderableType] = [_fields(column, found, rows)]
    if note:
        told.append(Text(note, "dim"))
    if wrong:
        told.insert(0, paragraph(f"! {wrong}", "bold"))
    beside = width >= _BESIDE
    room = width * 3 // 5 if beside else width
    counts: list[RenderableType] = []
    if found is not None and profile is not None:
        counts = [_counts(column, found, rows, room), _source(profile)]
    elif isinstance(column, CategoricalColumn):
        counts = [_meanings(column)]
    if not beside:
        return Group(*told, Text(), *counts)
    table = Table.grid(padding=(0, 2))
    table.add_column(width=width - room - 2)
    table.add_column(width=room)
    table.add_row(Group(*told), Group(*counts))
    return table


def _fields(column: Column, found: ColumnProfile | None, rows: int) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(ratio=1)
    for name, value in _told(column, found, rows):
        table.add_row(Text(name), value)
    return table


def _told(column: Column, found: ColumnProfile | None, rows: int) -> Iterator[tuple[str, Text]]:
    yield "kind", Text(column.kind)
    if unit := getattr(column, "unit", ""):
        yield "unit", line(unit)
    if not isinstance(column, CategoricalColumn):
        yield "values", line(allowed(column))
    if isinstance(column, TextColumn) and found is not None and (found.most or 0) > column.max_length:
        yield "real ones", Text(f"up to {found.most:,.0f} characters; longer than any that is made")
    if isinstance(column, FloatColumn):
        yield "decimals", Text(str(column.decimals))
    yield "missing", Text(_missing(column, found, rows))
    if column.null_rate is not None:
        yield "wanted", Text(f"{percent(column.null_rate)} missing")
    if found is not None and found.distinct:
        about = "" if found.values else "about "
        yield "different", Text(f"{about}{found.distinct:,}")
    if column.distribution is not None:
        yield "declared", line(declared(column.distribution))
    if column.description:
        yield "about", paragraph(column.description)


def _missing(column: Column, found: ColumnProfile | None, rows: int) -> str:
    share = missing(column, found, rows)
    if found is not None and found.missing:
        return f"{share} ({found.missing:,} of {rows:,})"
    return share if found is None else f"{share}{', but allowed' if column.nullable else ''}"


def _source(profile: Profile) -> Text:
    if profile.rows < profile.train:
        return Text(f"a sample of {profile.rows:,} of {profile.train:,} train rows", "dim")
    return Text(f"{profile.rows:,} train rows; rows held out are not counted", "dim")


def _counts(column: Column, found: ColumnProfile, rows: int, width: int) -> RenderableType:
    present = max(rows - found.missing, 1)
    if isinstance(column, CategoricalColumn | BooleanColumn):
        return _category_counts(column, found, present, width)
    told = bins(column, found)
    if not told:
        return Text("no value to count", "dim")
    if column.kind in {"text", "identifier"}:
        told = [(f"{words} characters", count) for words, count in told]
    return _bars([(Text(words, no_wrap=True), count) for words, count in told], present, width, right=True)


def _category_counts(
    column: CategoricalColumn | BooleanColumn, found: ColumnProfile, present: int, width: int
) -> RenderableType:
    meanings = column.categories if isinstance(column, CategoricalColumn) else {"true": "", "false": ""}
    by_value = dict(found.values)
    told = []
    for value, meaning in list(meanings.items())[:_MOST]:
        words = line(value, "bold", 24)
        if meaning:
            words = Text.assemble(words, "  ", line(meaning))
        told.append((words, by_value.get(value, 0)))
    table = _bars(told, present, width, right=False)
    left = len(meanings) - len(told)
    return table if left <= 0 else Group(table, Text(f"and {left:,} more categories", "dim"))


def _bars(told: list[tuple[Text, int]], present: int, width: int, *, right: bool) -> Table:
    """Words, a count, a share and a bar as long as there is room for."""
    most = max((count for _, count in told), default=0)
    digits = len(f"{most:,}")
    words = min(max((one.cell_len for one, _ in told), default=0), max(width // 2, 12))
    room = min(max(width - words - digits - 10, 4), 40)
    table = Table.grid(padding=(0, 1))
    table.add_column(width=words, justify="right" if right else "left")
    table.add_column(width=digits, justify="right", no_wrap=True)
    table.add_column(width=5, justify="right", no_wrap=True)
    table.add_column(width=room, no_wrap=True)
    for one, count in told:
        table.add_row(
            one, Text(f"{count:,}"), Text(_share(count / present), "dim"), Text(_bar(count, most, room))
        )
    return table


def _share(share: float) -> str:
    return "" if share == 0 else "<0.1%" if share < 0.001 else f"{share:.1%}" if share < 0.9995 else "100%"


def _bar(count: int, most: int, room: int) -> str:
    """At least a sliver where there is anything."""
    if not count or not most:
        return ""
    eighths = max(round(count / most * room * 8), 1)
    return "█" * (eighths // 8) + (_BLOCKS[eighths % 8] if eighths % 8 else "")


def _meanings(column: CategoricalColumn) -> Table:
    table = Table.grid(padding=(0, 2))
    for value, meaning in list(column.categories.items())[:_MOST]:
        table.add_row(line(value, "bold", 24), line(meaning))
    return table
