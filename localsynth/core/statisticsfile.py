"""Target statistics that a person writes down from a published report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, field_validator

from .errors import LocalsynthError, Problem, StatisticsError
from .published.assemble import assembled
from .published.margins import PublishedMargin, published
from .published.tables import PublishedTable, joint
from .published.wrong import Wrong
from .schema import Schema
from .targets import Statistics
from .tomlfile import load_toml, locate, read_text, validate

__all__ = ["MarginSpec", "StatisticsFile", "TableSpec", "cross_tables", "load_statistics"]

T = TypeVar("T")


def _lists(value: Any) -> Any:
    """A cell may be one category without brackets."""
    return (
        [[cell] if isinstance(cell, str) else cell for cell in value]
        if isinstance(value, list | tuple)
        else value
    )


class MarginSpec(BaseModel):
    """The distribution of one column, in one of four forms.

    counts or shares, keyed by cell : ``{ F = 2600, M = 2400 }``, ``{ "18-24" = 9.5, "25-64" = 66.5, "65+" = 24.0 }``.
    bins : edges of an ordered column, with counts or shares as a list: each cell runs from an edge to before the next, the
        last one up to the last edge where that is the schema's highest value.
    cells : categories put together, with counts or shares as a list: ``[["A"], ["B", "C"], ["other"]]``.
    quantiles, or mean and sd : of a number, of the rows that have one.
    missing : a count or share as the others are; in percent beside quantiles and mean. total : rows it rests on.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    column: str
    bins: tuple[Any, ...] | None = None
    cells: tuple[tuple[str, ...], ...] | None = None
    counts: Any = None
    shares: Any = None
    quantiles: dict[str, Any] | None = None
    mean: float | None = None
    sd: float | None = None
    missing: float | None = Field(default=None, ge=0)
    total: float | None = Field(default=None, gt=0)

    @field_validator("cells", mode="before")
    @classmethod
    def _bracketed(cls, value: Any) -> Any:
        return _lists(value)


class TableSpec(BaseModel):
    """The joint distribution of two or more columns.

    file : a CSV beside this file. Long: a header of the columns and ``count`` (or ``share``), one line a cell. Wide, for two
        columns: the first column's name and the second one's cells, then one line for each cell of the first.
    counts or shares : instead, lists in lists, in the order of ``columns``, over the cells that ``bins`` and ``cells`` name
        by column; else over the margin's own, or all categories.
    values : what a wide file holds. within : a column of ``columns``: shares sum to 1 or 100 inside each of its cells, as
        in "smokers by age group", and its margin says how large the groups are.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    columns: tuple[str, ...] = Field(min_length=2)
    file: str | None = None
    bins: dict[str, tuple[Any, ...]] = {}
    cells: dict[str, tuple[tuple[str, ...], ...]] = {}
    counts: Any = None
    shares: Any = None
    values: Literal["counts", "shares"] | None = None
    within: str | None = None
    total: float | None = Field(default=None, gt=0)

    @field_validator("cells", mode="before")
    @classmethod
    def _bracketed(cls, value: Any) -> Any:
        return {name: _lists(cells) for name, cells in value.items()} if isinstance(value, dict) else value


class StatisticsFile(BaseModel):
    """A file of published statistics; ``source`` says where they were published."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str = ""
    margins: tuple[MarginSpec, ...] = ()
    tables: tuple[TableSpec, ...] = ()


def cross_tables(path: Path) -> list[Path]:
    """The CSV files that a file of published statistics names. Raises ``StatisticsError``."""
    return [path.parent / table.file for table in _read(path)[0].tables if table.file is not None]


def load_statistics(path: Path, schema: Schema) -> Statistics:
    """Published margins and tables of a schema's columns.

    Totals may differ from one to the next; each is read as shares of its own. A column without a margin takes the
    distribution its schema declares, else the margin of the first table that has it. Columns that may be empty have a cell
    for missing values in their margin. A table tells of the rows that lie in its cells. What contradicts is kept as it is,
    and told in the notes.

    Raises ``StatisticsError`` with the line of the file, or of the CSV beside it, that is wrong.
    """
    file, text = _read(path)
    problems: list[Problem] = []

    def each(key: str, specs: Sequence[T], make: Callable[[T], Any]) -> list[Any]:
        made = []
        for index, spec in enumerate(specs):
            try:
                made.append(make(spec))
            except Wrong as error:
                problems.append(_problem(error, text, key, index, *error.field))
        return made

    margins: list[PublishedMargin] = each("margins", file.margins, lambda spec: published(spec, schema))
    columns = [margin.margin.axis.column for margin in margins]
    for index, spec in enumerate(file.margins):
        if spec.column in {other.column for other in file.margins[:index]}:
            twice = Wrong(f"'{spec.column}' has a second margin", hint="put both into one, or leave one out")
            problems.append(_problem(twice, text, "margins", index, "column"))
    if not problems:
        known = dict(zip(columns, margins, strict=True))
        tables: list[PublishedTable] = each(
            "tables", file.tables, lambda spec: joint(spec, schema, known, path.parent)
        )
        if not problems:
            try:
                return assembled(schema, known, tables, file.source)
            except Wrong as error:
                problems.append(_problem(error, text, *error.field))
    raise _refused(path, problems)


def _read(path: Path) -> tuple[StatisticsFile, str]:
    text = read_text(path, "statistics")
    return validate(StatisticsFile, load_toml(text, path, "statistics"), text, path, "statistics"), text


def _problem(error: Wrong, text: str, *place: str | int) -> Problem:
    dotted = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")
    return Problem(str(error), error.hint, locate(text, place), dotted)


def _refused(path: Path, problems: list[Problem]) -> LocalsynthError:
    problems.sort(key=lambda problem: problem.line or 0)
    first = problems[0]
    where = f"{path}, line {first.line}" if first.line else str(path)
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return StatisticsError(f"{where}: {first.message}{more}", first.hint, problems)
