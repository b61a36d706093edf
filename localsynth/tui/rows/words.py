"""What the place Rows says of rows and of cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localsynth.core.columns import CategoricalColumn, Column

if TYPE_CHECKING:
    from localsynth.core.dataset import Dataset
    from localsynth.store.browsing import Browse

__all__ = ["KINDS", "meaning", "nothing_of", "shown_rows"]

#: Kinds of rows, in words.
KINDS = {"real": "real", "synth": "synthetic"}


def shown_rows(kind: str, seen: range, view: Browse, before: int) -> str:
    """Which rows are seen of how many: ``synthetic rows 1-37 of 1,234 (of 10,000 before the filter)``.

    before : rows without the filter.
    """
    what = f"{KINDS[kind]} train" if view.subject.part == "train" else KINDS[kind]
    of = f" (of {before:,} before the filter)" if view.where else ""
    if not view.total:
        return f"{what}: no rows{of}"
    return f"{what} rows {seen.start + 1:,}-{seen.stop:,} of {view.total:,}{of}"


def meaning(column: Column, value: Any) -> str:
    """What the schema says of a column, and of one of its values; several lines."""
    kind = column.kind + (f" in {unit}" if (unit := getattr(column, "unit", "")) else "")
    limits = getattr(column, "range", None)
    lines = [kind + (f", from {limits[0]} to {limits[1]}" if limits else "")]
    lines[0] += ", may be missing" if column.nullable else ""
    if column.description:
        lines.append(column.description)
    if isinstance(column, CategoricalColumn) and (said := column.categories.get(str(value), "")):
        lines.append(f"{value}: {said}")
    return "\n".join(lines)


def nothing_of(dataset: Dataset | None, *, exists: bool, run: bool, read_only: bool) -> str:
    """Why there are no rows to show, and what to press; empty where there are some. read_only : nobody here can make any."""
    if not exists:
        return "There is no workspace here yet. " + (
            "This is open for looking only: somebody who may write has to import a table."
            if read_only
            else "Press F2 and import a table, or try a sample."
        )
    if dataset is None:
        return "No dataset is chosen. Press F2 and choose one."
    if not dataset.rows and not run:
        none = f"'{dataset.name}' is a description without real rows, and no run of it is chosen."
        if read_only:
            return f"{none} Press F2 to choose one of its runs; somebody who may write can make one."
        return f"{none} Press F4 to make synthetic rows, or F2 to choose one of its runs."
    return ""
