"""Whether the recipe can be run, how long that will take, or what has to be mended first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text
from textual.widgets import Static

from localsynth.core.errors import Problem
from localsynth.core.words import counted, duration
from localsynth.tui.plain import line, one_line

if TYPE_CHECKING:
    from localsynth.workspace import Checked, Estimate

__all__ = ["Verdict", "verdict"]

_NO_TABLE = (
    "No table is chosen yet: choose one in the settings, import one on Home (F2), or press n for one of the recipes that come"
    " with localsynth."
)
_SHOWN = 2  # problems; all of them are under their fields


class Verdict(Static):
    """Two or three lines under the form."""

    DEFAULT_CSS = "Verdict { height: 3; padding: 0 1; background: $panel; }"

    def __init__(self) -> None:
        super().__init__(id="verdict", markup=False)


def verdict(checked: Checked, estimate: Estimate | None, width: int, *, read_only: bool) -> Text:
    """In three lines of at most ``width`` cells."""
    if any(one.path in {"dataset", "dataset.name"} and "missing" in one.message for one in checked.problems):
        return Text(_NO_TABLE)
    if checked.problems or checked.recipe is None:
        return _wrong(checked.problems, width)
    recipe = checked.recipe
    what = (
        f"{counted(recipe.rows, 'row')} of {one_line(recipe.dataset.name)} by {one_line(recipe.method.name)}"
    )
    if recipe.model.name:
        what += f" on {one_line(recipe.model.name)}"
    text = Text.assemble(("Good: ", "bold"), what, no_wrap=True, overflow="ellipsis")
    if recipe.privacy.budget is not None:
        budget = recipe.privacy.budget
        text.append(f", epsilon {budget.epsilon:g}, delta {budget.delta:g}")
    text.append("\n")
    if estimate is not None:
        text.append_text(_time(estimate))
    text.append("\n")
    text.append("looking only: nothing can be started" if read_only else "ctrl+r (or r) starts it", "dim")
    return text


def _time(estimate: Estimate) -> Text:
    if estimate.seconds is None:
        return Text.assemble("Time: ", (estimate.why, "dim"))
    time = "under a second" if estimate.seconds < 1 else f"about {duration(estimate.seconds)}"
    return Text.assemble("Time: ", (time, "bold"), (f"  ({one_line(estimate.why)})", "dim"))


def _wrong(problems: Sequence[Problem], width: int) -> Text:
    text = Text.assemble((f"! {counted(len(problems), 'thing')} to mend", "bold"), ("   m goes there", "dim"))
    for one in problems[:_SHOWN]:
        place = f"line {one.line}: " if one.line is not None else ""
        text.append("\n")
        text.append_text(
            line(f"  {place}{one.message}" + (f" ({one.hint})" if one.hint else ""), cells=width)
        )
    return text
