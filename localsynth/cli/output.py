"""What a person sees: data on standard output, talk on standard error, errors once and with a hint.

Text that comes from data is never read as markup, and control characters in it never reach the terminal.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from .options import Format

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.console import Console, RenderableType

    from localsynth.core.errors import LocalsynthError

__all__ = [
    "confirm",
    "err",
    "hint",
    "out",
    "print_records",
    "print_rich",
    "print_table",
    "print_text",
    "safe",
    "say",
    "show_error",
    "warn",
    "warn_left_out",
]

_WIDEST_CELL = 60
_LONGEST_FLOAT = 10
_GAP = 3  # cells between two columns


@cache
def err() -> Console:
    """Standard error."""
    from rich.console import Console

    return Console(stderr=True, soft_wrap=True, highlight=False, markup=False, emoji=False)


@cache
def out() -> Console:
    """Standard output, for tables. Into a pipe or a file they have their natural width."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else 10_000
    return Console(highlight=False, markup=False, emoji=False, width=width)


def safe(value: object) -> str:
    """Text that does nothing to a terminal: control characters are shown as escapes."""
    text = str(value)
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def say(text: str = "", style: str | None = None) -> None:
    """Talk, on standard error."""
    err().print("\n".join(safe(line) for line in text.split("\n")), style=style)


def warn(text: str) -> None:
    """Talk that should not be missed."""
    say(f"note: {text}", "yellow")


def warn_left_out(error: LocalsynthError) -> None:
    """That something which failed is left out of what follows."""
    warn(f"{error.message}; it is left out" + (f" ({error.hint})" if error.hint else ""))


def hint(text: str) -> None:
    """What to do next."""
    say(text, "dim")


def confirm(question: str) -> None:
    """Go on only after a yes. Raises ``typer.Abort`` after anything else, ``RecipeError`` where nobody can answer."""
    import typer

    from localsynth.core.errors import RecipeError

    if not sys.stdin.isatty():
        raise RecipeError(f"{question} Nobody is there to answer", "say --yes")
    err().print(f"{safe(question)} [y/N] ", end="")
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise typer.Abort


def show_error(error: Exception) -> None:
    """A :class:`LocalsynthError` (or anything with ``message`` and ``hint``) as people see it."""
    say(f"error: {getattr(error, 'message', '') or error}", "red")
    for problem in getattr(error, "problems", ())[1:10]:
        where = f"line {problem.line}: " if problem.line else ""
        say(f"  also: {where}{problem.message}" + (f" ({problem.hint})" if problem.hint else ""))
    for line in (getattr(error, "diff", "") or "").splitlines():
        style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
        say(f"  {line}", style)
    if text := getattr(error, "hint", "") or _usual_hint(error):
        say(f"hint: {text}")


def _usual_hint(error: Exception) -> str:
    """For mistakes whose sentence says all there is to say about them."""
    from localsynth.core.errors import RecipeError, SchemaError, StatisticsError

    if isinstance(error, SchemaError):
        return "`localsynth schema check FILE` tells everything that is wrong with a schema file"
    if isinstance(error, StatisticsError):
        return (
            "`localsynth recipe copy survey_margins DIR` copies a recipe with a statistics file that works;"
            " survey_margins.statistics.toml explains itself"
        )
    if isinstance(error, RecipeError):
        return "`localsynth recipe show clinic` prints a recipe that works"
    return ""


def write_data(data: str | bytes) -> None:
    """Data, on standard output, as it is."""
    raw = data.encode() if isinstance(data, str) else data
    sys.stdout.flush()
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:
        sys.stdout.write(raw.decode())
    else:
        buffer.write(raw)
    sys.stdout.flush()


def print_records(rows: Sequence[dict[str, Any]], format: Format, columns: Sequence[str]) -> None:  # noqa: A002
    """A small list (runs, models, ...) in any format."""
    import pyarrow as pa

    table = pa.table({name: [row.get(name) for row in rows] for name in columns})
    print_table(table, format)


def print_table(table: pa.Table, format: Format, *, more: bool = False) -> None:  # noqa: A002
    """A table in any format. ``more``: there are rows beyond these, which a person reading the table must know."""
    from localsynth.core.words import counted

    if format is Format.TABLE:
        _draw(table)
        shown = (
            f"first {table.num_rows:,} rows; there are more (--limit N, 0 for all)"
            if more
            else counted(table.num_rows, "row")
        )
        hint(f"({shown})")
        return
    import io

    from localsynth.core.errors import RecipeError
    from localsynth.workspace.files import write

    if format is Format.PARQUET and sys.stdout.isatty():
        raise RecipeError(
            "Parquet is not for reading on a terminal", "send it into a file: ... > rows.parquet"
        )
    buffer = io.BytesIO()
    write(table, buffer, format.value)
    write_data(buffer.getvalue())


def _draw(table: pa.Table) -> None:
    from rich import box
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    from localsynth.workspace.files import python_values

    columns = zip(table.column_names, table.columns, strict=True)
    cells = [[_cell(value) for value in python_values(name, column, "a table")] for name, column in columns]
    names = [safe(name) for name in table.column_names]
    widths = [
        max([cell_len(name), *map(cell_len, column)]) for name, column in zip(names, cells, strict=True)
    ]
    shown = _fitting(widths, out().width)
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for index in range(shown):
        right = str(table.schema.field(index).type).startswith(("int", "uint", "float", "double", "decimal"))
        drawn.add_column(Text(names[index]), justify="right" if right else "left", no_wrap=True)
    for row in zip(*cells[:shown], strict=True):
        drawn.add_row(*(Text(cell, style="dim" if cell == "NULL" else "") for cell in row))
    with out().capture() as captured:
        out().print(drawn)
    # Rich fills every line up to the console's width, which into a file is very wide.
    write_data("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines() if line.strip()))
    if shown < len(names):
        left = ", ".join(names[shown:])
        hint(f"({shown} of {len(names)} columns fit; not shown: {left}; --format csv has them all)")


def _fitting(widths: Sequence[int], room: int) -> int:
    """How many columns fit, from the left; one in any case."""
    used = 0
    for index, width in enumerate(widths):
        used += width + (_GAP if index else 0)
        if used > room:
            return max(1, index)
    return len(widths)


def _cell(value: Any) -> str:
    from localsynth.core.celltext import text_of

    if value is None:
        return "NULL"
    text = safe(text_of(value))
    if isinstance(value, float) and len(text) > _LONGEST_FLOAT:
        text = f"{value:.6g}"
    return text if len(text) <= _WIDEST_CELL else text[: _WIDEST_CELL - 1] + "…"


def print_rich(shown: RenderableType) -> None:
    """A report on standard output: as wide as the terminal, or a page of text into a pipe."""
    import shutil

    console = out()
    width = (
        min(console.width, 120) if sys.stdout.isatty() else min(100, shutil.get_terminal_size((100, 24))[0])
    )
    with console.capture() as captured:
        console.print(shown, width=width)
    write_data("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def print_text(lines: Iterable[str]) -> None:
    """Lines of data on standard output."""
    write_data("".join(f"{line}\n" for line in lines))


def debugging() -> bool:
    """Whether tracebacks are wanted."""
    return bool(os.environ.get("LOCALSYNTH_DEBUG"))
