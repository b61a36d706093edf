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
    from localsynth.core.spending import Spending
    from localsynth.workspace import Checked, Estimate

__all__ = ["Verdict", "verdict"]

_NO_TABLE = (
    "No table is chosen yet: choose one in the settings, import one on Home (F2), or press n for one of the recipes that come"
    " with localsynth."
)
_NO_TABLE_TO_SEE = (
    "No table is chosen yet: choose one in the settings, or press n for one of the recipes that come with localsynth. This is"
    " open for looking only: somebody who may write has to import one."
)
_SHOWN = 2  # problems; all of them are under their fields


class Verdict(Static):
    """Two to four lines under the form."""

    DEFAULT_CSS = "Verdict { height: auto; min-height: 3; max-height: 4; padding: 0 1; background: $panel; }"

    def __init__(self) -> None:
        super().__init__(id="verdict", markup=False)

    def tell(self, checked: Checked, estimate: Estimate | None, *, read_only: bool) -> None:
        """What a check told."""
        self.update(verdict(checked, estimate, self.size.width - 2, read_only=read_only))

    def not_checked(self, why: str) -> None:
        """Nobody knows."""
        self.update(Text(f"not checked: {why}"))

    def starting(self, words: str) -> None:
        """A run is being waited for."""
        self.update(Text.assemble(("Starting: ", "bold"), one_line(words)))


def verdict(checked: Checked, estimate: Estimate | None, width: int, *, read_only: bool) -> Text:
    """In three or four lines of at most ``width`` cells."""
    if any(one.path in {"dataset", "dataset.name"} and "missing" in one.message for one in checked.problems):
        return Text(_NO_TABLE_TO_SEE if read_only else _NO_TABLE)
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
        if estimate.learning is not None:
            text.append("\n").append_text(_learning(estimate.learning, estimate.learning_s))
    text.append("\n")
    text.append("looking only: nothing can be started" if read_only else "ctrl+r (or r) starts it", "dim")
    return text


def _time(estimate: Estimate) -> Text:
    if estimate.seconds is None:
        return Text.assemble("Time: ", (estimate.why, "dim"))
    time = "under a second" if estimate.seconds < 1 else f"about {duration(estimate.seconds)}"
    return Text.assemble("Time: ", (time, "bold"), (f"  ({one_line(estimate.why)})", "dim"))


def _learning(spending: Spending, seconds: float | None) -> Text:
    tokens = round(spending.tokens, 2 - len(str(spending.tokens)))
    time = "time not known on this machine" if seconds is None else f"{duration(seconds)} on this machine"
    most = f"up to {counted(spending.requests, 'request')}, {tokens:,} tokens"
    return Text.assemble(f"{spending.what}: ", (most, "bold"), (f" ({time})", "dim"))


def _wrong(problems: Sequence[Problem], width: int) -> Text:
    text = Text.assemble((f"! {counted(len(problems), 'thing')} to mend", "bold"), ("   m goes there", "dim"))
    for one in problems[:_SHOWN]:
        place = f"line {one.line}: " if one.line is not None else ""
        text.append("\n")
        text.append_text(
            line(f"  {place}{one.message}" + (f" ({one.hint})" if one.hint else ""), cells=width)
        )
    return text
