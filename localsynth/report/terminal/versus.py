"""Two runs side by side, in a terminal."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from localsynth.core.judging import Measure
from localsynth.report.comparison import Comparison, Difference
from localsynth.report.numbers import number
from localsynth.report.outline import FAMILIES

from .pieces import ARROWS, Stack, table, text, titled, warning_box

__all__ = ["comparison_table"]


def comparison_table(comparison: Comparison) -> RenderableType:
    """Both figures, the difference, and whether it is clear; for ``compare``."""
    grid = table("", "first", "second", "difference", "", right=(1, 2, 3))
    previous = ""
    for row in comparison.differences:
        if row.family != previous:
            grid.add_row(Text(FAMILIES.get(row.family, "Other"), style="bold"))
            previous = row.family
        measure = comparison.measures[row.metric]
        said = ["–" if value is None else number(value, measure) for value in (row.first, row.second)]
        change = "–" if row.difference is None else _signed(row.difference, measure)
        grid.add_row(titled(measure), *map(Text, said), Text(change), _outcome(row))
    return Stack(
        text(f"first   {comparison.first.run_id}  ({comparison.first.method})"),
        text(f"second  {comparison.second.run_id}  ({comparison.second.method})"),
        *_warned(comparison),
        *_found_out(comparison),
        Text(),
        grid,
        Text(
            "is better: the 95% intervals, or the spreads over seeds, do not overlap; looks better: nothing is known of how"
            f" far chance reaches; pp: percentage points; {ARROWS}",
            "dim",
        ),
    )


def _warned(comparison: Comparison) -> list[RenderableType]:
    return [Text(), warning_box(comparison.cautions)] if comparison.cautions else []


def _found_out(comparison: Comparison) -> list[Text]:
    """A line for each run that must not be given away, however well it compares."""
    names = {comparison.first.run_id: "first", comparison.second.run_id: "second"}
    return [
        Text(f"✕ the {names[run_id]} {_small(headline)}", style="bold red")
        for run_id, headline in comparison.found_out.items()
    ]


def _small(headline: str) -> str:
    return f"{headline[:1].lower()}{headline[1:]}".replace("found out:", "was found out:")


def _signed(value: float, measure: Measure) -> str:
    text = number(value, measure)
    if "<" in text:
        return "≈ 0"
    if text.endswith("%"):
        text = f"{text[:-1]} pp"
    return text if value <= 0 else f"+{text}"


def _outcome(row: Difference) -> Text:
    match row.outcome:
        case "missing":
            return text(row.note, "dim")
        case "equal":
            return Text("equal")
        case "unclear":
            return Text("no clear difference", style="dim")
        case "clear":
            return Text(f"{row.better} is better" if row.better else "clear difference", style="bold")
        case _:
            return Text(f"{row.better} looks better" if row.better else "differs")
